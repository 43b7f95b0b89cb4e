# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A dangerous action needs an explicit option."""

from __future__ import annotations

import importlib
import pkgutil
import ssl

import pytest
from ansible_collections.apono.eks.plugins.module_utils import plain_addresses, resources
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS, KUBERNETES
from ansible_collections.apono.eks.plugins.module_utils.resource import Resource
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth

pytest.importorskip("botocore")

ARN = "arn:aws:iam::111122223333:role/apono-k8s-access"

# Options with a default that describe an object and do not select one.
DESCRIBING = {"username", "path", "type", "state", "update_secret", "assume_role_session_name", "api_url"}


def classes():
    for found in pkgutil.iter_modules(resources.__path__):
        module = importlib.import_module(f"{resources.__name__}.{found.name}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Resource) and kind.__module__ == module.__name__:
                yield kind


def removing():
    """Return each module that removes an object, with each of its options that select it."""
    for kind in classes():
        spec = kind.options.argument_spec
        if "state" not in spec and not kind.options.identifying:
            continue
        names = [name for name, option in spec.items() if option["type"] == "str"]
        required = [name for name in names if spec[name].get("required")]
        standing_in = [name for name in names if spec[name].get("default") and name not in DESCRIBING]
        assert set(standing_in) <= set(kind.options.identifying), kind
        for name in sorted({*required, *kind.options.identifying}):
            yield pytest.param(kind, name, id=f"{kind.__name__}-{name}")


@pytest.mark.parametrize(("kind", "name"), list(removing()))
@pytest.mark.parametrize("empty", ["", "  "])
def test_what_is_removed_is_named(kind, name, empty):
    spec = kind.options.argument_spec
    given = {option: "x" for option in spec if spec[option].get("required")}
    given |= {name: empty, **({"state": "absent"} if "state" in spec else {})}
    checked = kind.options.check({**given, "api_token": "x"} if "api_token" in spec else given)
    assert not checked.error_messages
    with pytest.raises(ResourceError, match=name):
        kind.options.normalise(checked.validated_parameters)


# Groups


@pytest.mark.parametrize("group", ["system:masters", "SYSTEM:nodes", "eks:kube-proxy-windows", "system:authenticated"])
def test_a_reserved_group_is_asked_for(group):
    with pytest.raises(ResourceError, match="apono_allow_reserved_groups") as error:
        aws_auth.validate_groups(["team", group])
    assert error.value.code == "ReservedGroup"
    assert repr(group) in error.value.message
    aws_auth.validate_groups(["team", group], allow_reserved=True)
    aws_auth.validate_groups(["team", "my-system:masters", "seks:x"])


def entry(username, *groups):
    return aws_auth.RoleEntry(ARN, username, groups)


@pytest.mark.parametrize(
    ("username", "groups", "allowed", "removable"),
    [
        ("{{SessionNameRaw}}", ["system:nodes"], False, True),
        ("apono:{{SessionName}}", ["system:nodes", "system:masters"], False, True),
        ("static", ["system:nodes"], False, False),
        ("static", ["system:nodes"], True, True),
        ("system:node:{{EC2PrivateDNSName}}", ["system:nodes"], False, False),
        ("system:node:{{EC2PrivateDNSName}}", ["system:nodes"], True, False),
        ("system:node:{{SessionName}}", ["system:nodes"], True, False),
    ],
)
def test_an_entry_for_users_can_be_removed_and_that_of_nodes_cannot(username, groups, allowed, removable):
    text = aws_auth.with_role("", entry(username, *groups)).after.text
    edit = aws_auth.without_role(text, ARN)
    if removable:
        aws_auth.guard(edit, None, allowed)
        assert edit.after.text == ""
    else:
        with pytest.raises(ResourceError, match="role of nodes"):
            aws_auth.guard(edit, None, allowed)


# Certificates


def of(options, **given):
    checked = options.check(given)
    assert not checked.error_messages
    return options.normalise(checked.validated_parameters)[0]


@pytest.mark.parametrize("aws_verifies", [None, True, False])
@pytest.mark.parametrize("cluster_verifies", [None, True, False])
@pytest.mark.parametrize(
    "place", [{"cluster_name": "alpha", "host": "https://a.example.com"}, {"host": "https://a.example.com"}]
)
def test_each_service_has_its_own_verification(monkeypatch, aws_verifies, cluster_verifies, place):
    monkeypatch.delenv("K8S_AUTH_VERIFY_SSL", raising=False)
    given = {
        name: value
        for name, value in (("validate_certs", aws_verifies), ("verify_ssl", cluster_verifies))
        if value is not None
    }
    authority = ssl.get_default_verify_paths().cafile
    params = of(
        AWS.merge(KUBERNETES), region="eu-west-1", **place, **given, **({"ca_cert": authority} if authority else {})
    )
    client = Aws(params)
    verify = client.client_arguments(client.session, "eks")["verify"]
    assert (verify is False) == (aws_verifies is False)
    assert Kubernetes(params, client).validate == (cluster_verifies is not False)


def test_no_two_services_share_an_option_of_tls():
    assert not {"verify_ssl", "ca_cert", "validate_certs"} & set(AWS.argument_spec) & set(KUBERNETES.argument_spec)
    assert not set(KUBERNETES.argument_spec) & set(APONO.argument_spec)


# Addresses


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://api.example.com", "api.example.com"),
        ("HTTP://10.0.0.1:8080/x", "10.0.0.1"),
        ("http://[2001:db8::1]", "2001:db8::1"),
        ("http://localhost.example.com", "localhost.example.com"),
        ("http://127.0.0.1:5000", None),
        ("http://[::1]:5000", None),
        ("http://localhost", None),
        ("https://api.example.com", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_an_address_without_encryption_is_a_warning_unless_it_is_of_this_machine(address, host):
    assert plain_addresses.plain_host(address) == host
    found = list(plain_addresses.warnings({"api_url": address}))
    assert [text.split(" ")[0] for text in found] == (["api_url"] if host else [])
    assert all(host in text for text in found)


def test_addresses_of_the_environment_count_for_the_services_of_a_task(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "http://aws.example.com")
    monkeypatch.setenv("K8S_AUTH_HOST", "http://k8s.example.com")

    def names(params):
        return [text.split(" ")[0] for text in plain_addresses.warnings(params)]

    assert names(of(AWS.merge(KUBERNETES))) == ["AWS_ENDPOINT_URL_IAM", "K8S_AUTH_HOST"]
    assert names(of(AWS.merge(KUBERNETES), cluster_name="alpha")) == ["AWS_ENDPOINT_URL_IAM"]
    assert names(of(AWS, endpoint_url="https://aws.example.com")) == []
    assert names(of(APONO, api_token="x")) == []
