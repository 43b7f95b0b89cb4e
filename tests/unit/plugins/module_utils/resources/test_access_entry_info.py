# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The returned access entries, with the answers of EKS as data."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry_info import AccessEntryInfo

PRINCIPAL = "arn:aws:iam::111122223333:role/{}"
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
GONE = ResourceError("The specified principalArn could not be found", code="ResourceNotFoundException")
NO_CLUSTER = ResourceError("No cluster found for name: alpha.", code="ResourceNotFoundException")
CONFIG_MAP = ResourceError(
    "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
    code="InvalidRequestException",
)


def entry(kind="STANDARD"):
    return {
        "accessEntryArn": "arn",
        "username": "x",
        "kubernetesGroups": ["b", "a"],
        "type": kind,
        "tags": {},
        "createdAt": WHEN,
        "modifiedAt": WHEN,
    }


class Eks:
    """The answers of EKS in place of a client."""

    region = "eu-west-1"

    def __init__(self, entries, listed=None):
        self.entries, self.listed, self.policies_read = entries, listed, []

    def call(self, service, operation, what, clusterName, principalArn=None):
        found = self.entries.get(principalArn, GONE)
        if isinstance(found, ResourceError):
            raise found
        return {"accessEntry": found}

    def pages(self, service, operation, what, key, **arguments):
        if operation == "list_associated_access_policies":
            self.policies_read.append(arguments["principalArn"])
            return iter([{"policyArn": VIEW, "accessScope": {"type": "cluster", "namespaces": []}}])
        if isinstance(self.listed, ResourceError):
            raise self.listed
        return iter(self.listed)


def read(eks, **given):
    checked = AccessEntryInfo.options.check({"region": "eu-west-1", "cluster_name": "alpha", **given})
    assert not checked.error_messages
    params, _secrets = AccessEntryInfo.options.normalise(checked.validated_parameters)
    task = AccessEntryInfo(params)
    task.aws = eks
    return task.result(False)["access_entries"]


def test_all_entries_in_the_order_in_which_eks_lists_them():
    names = [PRINCIPAL.format(name) for name in ("b", "a", "nodes", "deleted")]
    eks = Eks({names[0]: entry(), names[1]: entry(), names[2]: entry("EC2_LINUX")}, names)
    found = read(eks)
    assert [one["principal_arn"] for one in found] == names[:3]
    assert [len(one["access_policies"]) for one in found] == [1, 1, 0]
    assert sorted(eks.policies_read) == sorted(names[:2])
    assert {one["cluster_name"] for one in found} == {"alpha"}


def test_access_policies_that_are_not_wanted_are_not_read():
    eks = Eks({PRINCIPAL.format("a"): entry()}, [PRINCIPAL.format("a")])
    (found,) = read(eks, access_policies=False)
    assert "access_policies" not in found
    assert eks.policies_read == []


def test_of_one_principal_nothing_is_listed():
    principal = PRINCIPAL.format("a")
    eks = Eks({principal: entry()}, listed=AssertionError)
    assert [one["principal_arn"] for one in read(eks, principal_arn=principal)] == [principal]
    assert read(eks, principal_arn=PRINCIPAL.format("b")) == []


@pytest.mark.parametrize("listed", [[], CONFIG_MAP])
def test_a_cluster_without_entries_and_one_that_reads_none_have_none(listed):
    assert read(Eks({}, listed)) == []
    if listed:
        assert read(Eks({PRINCIPAL.format("a"): listed}), principal_arn=PRINCIPAL.format("a")) == []


def test_a_cluster_that_is_not_there_and_any_other_refusal_are_errors():
    principal = PRINCIPAL.format("a")
    for eks, given in ((Eks({}, NO_CLUSTER), {}), (Eks({principal: NO_CLUSTER}), {"principal_arn": principal})):
        with pytest.raises(ResourceError, match="There is no EKS cluster alpha in the region eu-west-1"):
            read(eks, **given)
    with pytest.raises(ResourceError, match="denied"):
        read(Eks({}, ResourceError("denied", code="AccessDeniedException")))


@pytest.mark.parametrize(("option", "value"), [("cluster_name", "-"), ("principal_arn", "jane")])
def test_options_that_cannot_be_are_refused(option, value):
    with pytest.raises(ResourceError, match=value):
        read(Eks({}, []), **{option: value})
