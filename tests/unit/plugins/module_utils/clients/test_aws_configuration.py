# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A problem of the AWS configuration of a machine is an error that names the file or the variable."""

from __future__ import annotations

import getpass
import hashlib
import json
import os

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import aws, aws_configuration
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

credentials = pytest.importorskip("botocore.credentials")
session = pytest.importorskip("botocore.session")
tokens = pytest.importorskip("botocore.tokens")

ROLE = "role_arn = arn:aws:iam::123456789012:role/people"
KEYS = "aws_access_key_id = AKIAEXAMPLEEXAMPLE\naws_secret_access_key = example-secret-key"
SSO = "sso_account_id = 123456789012\nsso_role_name = people"
PROCESS_ANSWER = '"Version": 1, "AccessKeyId": "AKIAEXAMPLEEXAMPLE", "SecretAccessKey": "secret-of-the-program"'


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine without any AWS configuration."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def refusal(**params):
    with pytest.raises(ResourceError) as caught:
        client = Aws({"region": "eu-west-1", "endpoint_url": "https://127.0.0.1:1", **params})
        client.call("sts", "get_caller_identity", "the caller")
    message = caught.value.message
    assert "Unexpected" not in message
    assert "DescribeCluster" not in message
    return message


def program(folder, script):
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"credential_process = {path}"


PROGRAMS = {
    "garbage": ("echo hello secret-of-the-program", "returned no JSON"),
    "a line before": (f"echo hello; echo '{{{PROCESS_ANSWER}}}'", "returned no JSON"),
    "a list": ("echo '[]'", "not the object that AWS tools expect"),
    "no text": ("printf '\\377\\376'", "text that is not in UTF-8"),
    "expired": (
        f'echo \'{{{PROCESS_ANSWER}, "Expiration": "2020-01-01T00:00:00Z"}}\'',
        "credentials that have expired",
    ),
    "no time": (f'echo \'{{{PROCESS_ANSWER}, "Expiration": "soon"}}\'', "an Expiration that is not a time"),
    "quiet": ("exit 1", "it failed, or returned no keys"),
    "another version": ("echo '{\"Version\": 2}'", "it failed, or returned no keys"),
    "no keys": ("echo '{\"Version\": 1}'", "it failed, or returned no keys"),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_a_program_that_gives_no_keys_is_named_with_its_profile_and_not_quoted(machine, case):
    script, words = PROGRAMS[case]
    (machine / "config").write_text(f"[profile mine]\n{program(machine, script)}\n")
    message = refusal(profile="mine")
    assert f"credential_process of the AWS profile mine in {machine}/config" in message
    assert words in message
    assert "secret-of-the-program" not in message


# The lines of the profile mine, other sections, and the text of the message in addition to the file.
PROFILES = {
    "missing program": ("credential_process = /nowhere/program", "", "/nowhere/program cannot be used (No such file"),
    "open quotation mark": (
        'credential_process = "/bin/echo',
        "",
        "a quotation mark without its pair, or a backslash at its end",
    ),
    "missing token": (
        f"{ROLE}\nweb_identity_token_file = /nowhere/token",
        "",
        "/nowhere/token cannot be used (No such",
    ),
    "token is a folder": (f"{ROLE}\nweb_identity_token_file = /tmp", "", "/tmp cannot be used (Is a directory)"),
    "no role for the token": ("web_identity_token_file = /nowhere/token", "", "has no role ARN configured"),
    "code of a device": (
        f"{ROLE}\nsource_profile = other\nmfa_serial = arn:aws:iam::123456789012:mfa/jane",
        f"[profile other]\n{KEYS}",
        "mfa_serial of the AWS profile mine",
    ),
    "no sign-in": (
        f"sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n{SSO}",
        "",
        "Run aws sso login --profile mine",
    ),
    "no sign-in of a session": (
        f"sso_session = ours\n{SSO}",
        "[sso-session ours]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1",
        "Run aws sso login --profile mine",
    ),
    "no such session": (f"sso_session = gone\n{SSO}", "", "sso-session does not exist"),
    "half of a sign-in": (
        "sso_start_url = https://example.awsapps.com/start\nsso_role_name = people",
        "",
        "is missing required configuration",
    ),
    "no such source": (f"{ROLE}\nsource_profile = gone", "", 'source_profile "gone"'),
    "no source": (ROLE, "", "source_profile or credential_source is missing"),
    "two sources": (f"{ROLE}\nsource_profile = other\ncredential_source = Environment", "", "contains both"),
    "unknown source": (f"{ROLE}\ncredential_source = Gone", "", 'credential source "Gone"'),
    "empty source": (f"{ROLE}\ncredential_source = Environment", "", "credential_source"),
    "loop": (f"{ROLE}\nsource_profile = other", f"[profile other]\n{ROLE}\nsource_profile = mine", "Infinite loop"),
    "role that is none": (
        "role_arn = people\nsource_profile = other",
        f"[profile other]\n{KEYS}",
        "role_arn of the AWS",
    ),
    "no secret": ("aws_access_key_id = AKIAEXAMPLEEXAMPLE", "", "aws_secret_access_key is missing"),
    "secret alone": ("aws_secret_access_key = example-secret-key", "", "aws_access_key_id is missing"),
    "comment behind a key": (KEYS.replace("EXAMPLE\n", "EXAMPLE # mine\n"), "", "aws_access_key_id of the AWS profile"),
    "comment behind a secret": (f"{KEYS} # mine", "", "aws_secret_access_key of the AWS profile"),
    "quoted key": (KEYS.replace("AKIAEXAMPLEEXAMPLE", '"AKIAEXAMPLEEXAMPLE"'), "", "aws_access_key_id of the AWS"),
    "empty key": (KEYS.replace("AKIAEXAMPLEEXAMPLE", ""), "", "aws_access_key_id of the AWS profile"),
    "retry mode": (f"{KEYS}\nretry_mode = often", "", "retry_mode of the AWS profile"),
}


@pytest.mark.parametrize("case", PROFILES)
def test_a_profile_with_which_something_is_wrong_is_named_with_its_file(machine, monkeypatch, case):
    lines, more, words = PROFILES[case]
    monkeypatch.setattr(getpass, "getpass", lambda *_arguments: pytest.fail("a question on the terminal"))
    (machine / "config").write_text(f"[profile mine]\n{lines}\n{more}\n")
    message = refusal(profile="mine")
    assert words in message
    assert f"{machine}/config" in message
    assert "example-secret-key" not in message


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("UnauthorizedSSOTokenError", "aws sso login --profile mine"),
        ("LoginRefreshRequired", "aws login --profile mine"),
    ],
)
def test_each_kind_of_sign_in_has_its_own_command(machine, name, command):
    configuration = aws_configuration.Configuration(session.Session(), {"profile": "mine"})
    # The oldest botocore that is allowed does not have all of these exceptions.
    error = aws_configuration.configuration_error(type(name, (Exception,), {})(), configuration)
    assert error.error["code"] == "NoSignIn"
    assert f"Run {command} on the machine" in error.message


def test_what_is_wrong_is_reported_by_the_reading_of_a_list_too(machine):
    (machine / "config").write_text(f"[profile mine]\n{PROFILES['no sign-in'][0]}\n")
    with pytest.raises(ResourceError, match="Run aws sso login --profile mine"):
        list(Aws({"region": "eu-west-1", "profile": "mine"}).pages("eks", "list_clusters", "the clusters", "clusters"))


@pytest.mark.parametrize(("value", "words"), [("many", "invalid literal"), ("0", "greater than or equal to 1")])
def test_a_number_that_is_none_is_named_with_its_file(machine, monkeypatch, value, words):
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    (machine / "config").write_text(f"[profile mine]\n{KEYS}\nmax_attempts = {value}\n")
    message = refusal(profile="mine")
    assert message.startswith("max_attempts of the AWS profile mine")
    assert words in message


FILES = {
    "byte order mark": ("\ufeff[default]\nregion = eu-west-1\n".encode(), "byte order mark"),
    "doubled section": (b"[default]\na = 1\n[default]\nb = 1\n", "it has the section [default] twice (line 3)"),
    "doubled setting": (b"[default]\na = 1\na = 2\n", "the section [default] has a twice (line 3)"),
    "another encoding": (b"# caf\xe9\n[default]\nregion = eu-west-1\n", "is not text in UTF-8 (byte 6)"),
    "nested": (b"[default]\ns3 =\n  addressing_style path\n", "has an indented line below it"),
    "no section": (b"region = eu-west-1\n", "line 1 is before the first [section]"),
    "no setting": (b"[default]\nregion\n", "line 2 is not a setting"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_read_is_named_with_the_place(machine, case):
    content, words = FILES[case]
    (machine / "config").write_bytes(content)
    message = refusal()
    assert message.startswith(f"The AWS configuration file {machine}/config cannot be read: ")
    assert words in message


# Files with the mode 0: which file, the lines of the profile, and the message.
UNREADABLE = {
    "configuration": ("config", KEYS, "The AWS configuration file {file} cannot be read: Permission denied"),
    "credentials": (
        "credentials",
        "region = eu-west-1",
        "The AWS configuration file {file} cannot be read: Permission",
    ),
    "token": (
        "token",
        f"{ROLE}\nweb_identity_token_file = {{folder}}/token",
        "web_identity_token_file of the AWS profile mine in {folder}/config: {file} cannot be used (Permission denied)",
    ),
    "program": (
        "program",
        "credential_process = {folder}/program",
        "credential_process of the AWS profile mine in {folder}/config: {file} cannot be used (Permission denied)",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_may_not_be_read_is_named(machine, as_others, case):
    name, lines, words = UNREADABLE[case]
    (machine / "config").write_text(f"[profile mine]\n{lines.format(folder=machine)}\n")
    file = machine / name
    file.touch()
    file.chmod(0)
    message = as_others(lambda: refusal(profile="mine"))
    assert words.format(file=file, folder=machine) in message


VARIABLES = {
    "AWS_PROFILE": "gone",
    "AWS_DEFAULT_PROFILE": "gone",
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_RETRY_MODE": "often",
    "AWS_DEFAULTS_MODE": "fast",
    "AWS_STS_REGIONAL_ENDPOINTS": "global",
    "AWS_ENDPOINT_URL_STS": "sts.example.com",
    "AWS_ENDPOINT_URL": "sts.example.com",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/credentials",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_with_a_wrong_value_is_named_and_does_not_hinder_the_preloading(monkeypatch, name):
    monkeypatch.setenv(name, VARIABLES[name])
    if "PROFILE" not in name and "CONTAINER" not in name:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-secret-key")
    aws.preload()
    assert name in refusal(endpoint_url=None)


def test_an_empty_name_of_a_profile_is_named(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "")
    aws.preload()
    assert "Correct the environment variable AWS_PROFILE, which names this profile" in refusal()


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_read_does_not_hinder_the_preloading(machine, case):
    (machine / "config").write_bytes(FILES[case][0])
    aws.preload()


def test_a_half_of_the_keys_in_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE")
    assert "AWS_SECRET_ACCESS_KEY is missing in the environment" in refusal()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-secret-key")
    assert "AWS_ACCESS_KEY_ID is missing in the environment" in refusal()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE ")
    assert refusal().startswith("The environment variable AWS_ACCESS_KEY_ID is not an AWS key")


@pytest.mark.parametrize(
    ("settings", "mode", "attempts"),
    [
        ({}, "standard", aws.MOST_ATTEMPTS),
        ({"AWS_RETRY_MODE": "adaptive"}, "adaptive", aws.MOST_ATTEMPTS),
        ({"AWS_MAX_ATTEMPTS": "3"}, "standard", 3),
        ({"AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "2"}, "legacy", 2),
    ],
)
def test_the_users_retries_are_kept(machine, monkeypatch, settings, mode, attempts):
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = Aws({"region": "eu-west-1", "access_key": "AKIAEXAMPLEEXAMPLE", "secret_key": "secret"}).client("sts")
    assert client.meta.config.retries["mode"] == mode
    assert client.meta.config.retries["total_max_attempts"] == attempts
    for name in settings:
        monkeypatch.delenv(name)
    lines = "".join(f"{name.removeprefix('AWS_').lower()} = {value}\n" for name, value in settings.items())
    (machine / "config").write_text(f"[profile mine]\n{KEYS}\n{lines}")
    client = Aws({"region": "eu-west-1", "profile": "mine"}).client("sts")
    assert client.meta.config.retries["mode"] == mode
    assert client.meta.config.retries["total_max_attempts"] == attempts


# Other servers in place of AWS, and proxies

SECRET = {"access_key": "AKIAEXAMPLEEXAMPLE", "secret_key": "example-secret-key"}
PAGE = b"<!DOCTYPE html><html><body>Please <b>sign in</b></body></html>"
XHTML = b"<html><body>Please sign in</body></html>"


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", [PAGE, XHTML, b"{}", b"", b"[]"])
@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("sts", "get_caller_identity", {}),
        ("eks", "describe_cluster", {"name": "alpha"}),
        ("eks", "list_clusters", None),
        ("iam", "list_roles", None),
    ],
)
def test_a_page_in_the_place_of_aws_is_called_so(api_server, authority, status, body, service, operation, arguments):
    api_server.answers = [(status, body)]
    client = Aws(
        {"region": "eu-west-1", "endpoint_url": api_server.url, "aws_ca_bundle": str(authority.file), **SECRET}
    )
    with pytest.raises(ResourceError) as caught:
        if arguments is None:
            list(client.pages(service, operation, "it", "items"))
        else:
            client.call(service, operation, "it", **arguments)
    assert caught.value.code == "NotAws"
    assert "is not from AWS" in caught.value.message


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", [PAGE, XHTML])
def test_a_page_in_the_place_of_an_assumed_role_is_called_so(api_server, authority, status, body):
    api_server.answers = [(status, body)]
    params = {"region": "eu-west-1", "endpoint_url": api_server.url, "aws_ca_bundle": str(authority.file), **SECRET}
    role = {"assume_role_arn": "arn:aws:iam::123456789012:role/people", "assume_role_session_name": "us"}
    with pytest.raises(ResourceError) as caught:
        Aws({**params, **role}).call("sts", "get_caller_identity", "it")
    assert caught.value.code == "NotAws"


def through_proxy(monkeypatch, proxy, attempts="3"):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
    monkeypatch.setenv("HTTPS_PROXY", f"http://jane:geheim@127.0.0.1:{proxy.server_port}")
    with pytest.raises(ResourceError) as caught:
        Aws({"region": "eu-west-1", **SECRET}).call("sts", "get_caller_identity", "it")
    assert "geheim" not in caught.value.message
    return caught.value.message


def test_a_proxy_that_wants_another_password_is_asked_once_and_named(proxy, monkeypatch):
    proxy.refusal = 407
    message = through_proxy(monkeypatch, proxy)
    assert f"the proxy http://127.0.0.1:{proxy.server_port} (HTTPS_PROXY) answered 407" in message
    assert len(proxy.seen) == 1


def test_a_proxy_that_does_not_let_aws_through_is_named(proxy, monkeypatch):
    proxy.refusal = 403
    assert "(HTTPS_PROXY) answered 403" in through_proxy(monkeypatch, proxy, "1")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("http://127.0.0.1:1", "the proxy http://127.0.0.1:1 (HTTPS_PROXY) cannot be reached: Connection refused"),
        ("http://proxy.example.invalid:3128", "(HTTPS_PROXY) cannot be reached: the host name cannot be resolved"),
    ],
)
def test_a_proxy_that_cannot_be_reached_is_named(monkeypatch, value, words):
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ResourceError) as caught:
        Aws({"region": "eu-west-1", **SECRET}).call("sts", "get_caller_identity", "it")
    assert words in caught.value.message


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1080", "http://127.0.0.1:port"])
def test_a_proxy_that_cannot_be_used_is_named_before_a_call(monkeypatch, value):
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ResourceError, match="HTTPS_PROXY"):
        Aws({"region": "eu-west-1", **SECRET}).call("sts", "get_caller_identity", "it")


@pytest.mark.parametrize("no_proxy", ["10.0.0.0/8", "10.1.2.3", "*"])
def test_no_proxy_with_a_network_is_read_for_aws_too(monkeypatch, no_proxy):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    params = {"region": "eu-west-1", "endpoint_url": "https://10.1.2.3", **SECRET}
    assert Aws(params).client("sts").meta.config.proxies is None
    monkeypatch.setenv("NO_PROXY", no_proxy)
    proxies = Aws(params).client("sts").meta.config.proxies
    # botocore itself resolves names and addresses.
    assert proxies == {} if "/" in no_proxy else proxies is None


def sign_in(folder, monkeypatch, name, ends_at):
    """Write the cache of aws sso login for a start URL or session to a folder."""
    cache = folder / "cache"
    cache.mkdir()
    # botocore determines the home folder when it is imported.
    for provider in (credentials.SSOProvider, tokens.SSOTokenProvider):
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(cache))
    token = {"startUrl": "https://example.awsapps.com/start", "accessToken": "a-token-of-sso", "expiresAt": ends_at}
    (cache / f"{hashlib.sha1(name.encode()).hexdigest()}.json").write_text(json.dumps(token))


@pytest.mark.parametrize(
    ("name", "case"),
    [("https://example.awsapps.com/start", "no sign-in"), ("ours", "no sign-in of a session")],
)
def test_a_sign_in_that_has_expired_is_reported_as_one(machine, monkeypatch, plain_server, name, case):
    lines, more, words = PROFILES[case]
    (machine / "config").write_text(f"[profile mine]\n{lines}\n{more}\n")
    sign_in(machine, monkeypatch, name, "2020-01-01T00:00:00Z")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", plain_server.url)
    plain_server.answers = [(401, {"__type": "UnauthorizedException", "message": "Session token not found or invalid"})]
    message = refusal(profile="mine")
    assert words in message
    assert f"{machine}/config" in message
    assert "a-token-of-sso" not in message


# The credentials that botocore requests: the lines of the profile, the variable with the URL of the service, the answer
# of the service, and the resulting key.
OWN_CALLS = {
    "sign-in": (
        f"sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n{SSO}",
        "AWS_ENDPOINT_URL_SSO",
        [
            {
                "roleCredentials": {
                    "accessKeyId": "AKIASIGNEDIN",
                    "secretAccessKey": "s",
                    "sessionToken": "t",
                    "expiration": 4 * 10**12,
                }
            }
        ],
        "AKIASIGNEDIN",
    ),
    "role": (
        f"{ROLE}\nsource_profile = other\n[profile other]\n{KEYS}",
        "AWS_ENDPOINT_URL_STS",
        [
            b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKIAASSUMED</AccessKeyId>"
            b"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z"
            b"</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ],
        "AKIAASSUMED",
    ),
    "metadata": (
        "region = eu-west-1",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        [
            b"token",
            b"role",
            {
                "Code": "Success",
                "AccessKeyId": "AKIAMETADATA",
                "SecretAccessKey": "s",
                "Token": "t",
                "Expiration": "2099-01-01T00:00:00Z",
            },
        ],
        "AKIAMETADATA",
    ),
}


@pytest.mark.parametrize("case", OWN_CALLS)
def test_the_calls_by_which_botocore_gets_credentials_take_no_other_proxy(
    machine, monkeypatch, plain_server, proxy, case
):
    lines, variable, answers, key = OWN_CALLS[case]
    (machine / "config").write_text(f"[profile mine]\n{lines}\n")
    sign_in(machine, monkeypatch, "https://example.awsapps.com/start", "2099-01-01T00:00:00Z")
    plain_server.answers = [(200, answer) for answer in answers]
    monkeypatch.setenv(variable, plain_server.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    # An address of the machine itself never uses a proxy. botocore does not have this rule.
    for scheme in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, f"http://127.0.0.1:{proxy.server_port}")
    profile = {} if case == "metadata" else {"profile": "mine"}
    assert Aws({"region": "eu-west-1", **profile}).keys()["access_key"] == key
    assert len(plain_server.seen) == len(answers)
    assert proxy.seen == []


def test_a_bundle_that_may_not_be_read_is_named(machine, as_others, api_server):
    bundle = machine / "bundle"
    bundle.touch(0)
    message = as_others(lambda: refusal(endpoint_url=api_server.url, aws_ca_bundle=str(bundle), **SECRET))
    assert "aws_ca_bundle" in message
    assert "Permission denied" in message


def test_a_bundle_that_is_not_there_is_named(api_server, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/bundle.pem")
    with pytest.raises(ResourceError, match="AWS_CA_BUNDLE|aws_ca_bundle") as caught:
        Aws({"region": "eu-west-1", "endpoint_url": api_server.url, **SECRET}).call("sts", "get_caller_identity", "it")
    assert "password" not in caught.value.message
