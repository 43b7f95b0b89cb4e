# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a token to a user: the form of the token, the replay at STS, modes, access entries and aws-auth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from unittest import mock

import pytest
from fake_aws import ACCOUNT, REGION, ROLE_ARN, Caller, FakeAws, encode_token, presigned_url, role_session

from testbed import authenticator as authenticator_module
from testbed.authenticator import (
    AccessPolicy,
    AuthenticationError,
    Authenticator,
    Identity,
    User,
    canonicalize,
    map_aws_auth,
    render,
)
from testbed.aws_auth import read_aws_auth

JANE = role_session("jane@example.com")
STS_URL = "https://sts.us-east-1.amazonaws.com"


@dataclass
class Cluster:
    name: str = "blue"
    region: str = REGION
    partition: str = "aws"
    data: dict[str, str] = field(default_factory=dict)

    @property
    def token_cluster(self) -> str:
        return self.name

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:eks:{self.region}:{ACCOUNT}:cluster/{self.name}"

    def map_aws_auth(self, token: str, identity: Identity) -> User:
        return map_aws_auth(self.data, identity, self.region)


@pytest.fixture(name="running_aws", scope="module")
def fixture_running_aws():
    aws = FakeAws()
    yield aws
    aws.listener.stop()


@pytest.fixture(name="aws")
def fixture_aws(running_aws):
    running_aws.forget()
    return running_aws


@pytest.fixture(name="authenticator")
def fixture_authenticator(aws):
    return Authenticator(aws.url)


def map_roles(username='"{{SessionNameRaw}}"', arn=ROLE_ARN, groups=""):
    return {"mapRoles": f"- rolearn: {arn}\n  username: {username}\n{groups}"}


def entry(username="apono:{{SessionName}}", groups=(), policies=(), matches=True):
    return {
        "username": username,
        "kubernetes_groups": list(groups),
        "policies": list(policies),
        "matches": matches,
    }


def set_identity(aws, cluster, mode, found=None, **more):
    aws.identities[cluster.arn, ROLE_ARN] = {"authentication_mode": mode, "entry": found, **more}


def refusal(authenticator, cluster, token):
    with pytest.raises(AuthenticationError) as caught:
        authenticator.authenticate(cluster, token)
    return str(caught.value)


class TestToken:
    def test_a_good_token_is_its_signer(self, aws, authenticator):
        user = authenticator.authenticate(Cluster(data=map_roles()), aws.token(JANE, "blue"))
        assert user.username == "jane@example.com"
        assert user.groups == ("system:authenticated",)
        assert user.uid == f"aws-iam-authenticator:{ACCOUNT}:{JANE.user_id.split(':')[0]}"
        assert user.info()["extra"] == {
            "accessKeyId": [JANE.access_key_id],
            "arn": [JANE.arn],
            "canonicalArn": [ROLE_ARN],
            "principalId": [JANE.user_id.split(":")[0]],
            "sessionName": ["jane@example.com"],
        }

    def test_the_xml_that_moto_answers_is_understood(self, aws, authenticator):
        aws.xml = True
        user = authenticator.authenticate(Cluster(data=map_roles()), aws.token(JANE, "blue"))
        assert user.username == "jane@example.com"

    def test_a_token_for_a_real_sts_host_is_replayed_here_with_that_host(self, aws, authenticator):
        token = aws.token(JANE, "blue", endpoint=STS_URL)
        assert authenticator.authenticate(Cluster(data=map_roles()), token).username == "jane@example.com"
        assert aws.replays == [{"host": "sts.us-east-1.amazonaws.com", "cluster": "blue"}]

    def test_a_token_for_another_cluster_fails_at_sts(self, aws, authenticator):
        reason = refusal(authenticator, Cluster(data=map_roles()), aws.token(JANE, "green"))
        assert "expected 200, got 403" in reason
        assert aws.replays[0]["cluster"] == "blue"

    def test_a_changed_signature_fails_at_sts(self, aws, authenticator):
        aws.token(JANE, "blue")
        url = presigned_url(JANE, "blue", aws.url)
        changed = url[:-1] + ("0" if url[-1] != "0" else "1")
        assert "got 403" in refusal(authenticator, Cluster(data=map_roles()), encode_token(changed))

    def test_unknown_credentials_fail_at_sts(self, aws, authenticator):
        token = encode_token(presigned_url(role_session("nobody"), "blue", aws.url))
        assert "got 403" in refusal(authenticator, Cluster(data=map_roles()), token)

    def test_the_prefix_is_required(self, aws, authenticator):
        token = aws.token(JANE, "blue").replace("k8s-aws-v1.", "k8s-aws-v2.")
        assert "missing expected 'k8s-aws-v1.' prefix" in refusal(authenticator, Cluster(), token)

    def test_4096_bytes_are_the_limit(self, aws, authenticator):
        def token_of(size):
            url = presigned_url(JANE, "blue", aws.url)
            padding = (size - len("k8s-aws-v1.")) * 3 // 4 - len(url)
            return encode_token(url + "0" * padding)

        # No base64 text results in a token of exactly 4096 bytes.
        assert [len(token_of(size)) for size in (4095, 4097)] == [4095, 4097]
        assert "got 403" in refusal(authenticator, Cluster(), token_of(4095))
        assert refusal(authenticator, Cluster(), token_of(4097)) == "token is too large"

    @pytest.mark.parametrize("text", ["a+b/", "YQ==", "a", "%%%%", "\u00e9"])
    def test_base64url_without_padding_is_required(self, authenticator, text):
        assert "token" in refusal(authenticator, Cluster(), f"k8s-aws-v1.{text}")

    @pytest.mark.parametrize(
        ("partition", "url", "accepted"),
        [
            ("aws", "https://sts.amazonaws.com/", True),
            ("aws", "https://sts.eu-west-1.amazonaws.com/", True),
            ("aws", "http://sts.eu-west-1.amazonaws.com/", False),
            ("aws", "https://sts.us-gov-west-1.amazonaws.com/", False),
            ("aws", "https://sts.cn-north-1.amazonaws.com.cn/", False),
            ("aws", "https://sts.eu-west-1.amazonaws.com.example.com/", False),
            ("aws", "https://user@sts.eu-west-1.amazonaws.com/", True),
            ("aws", "https://sts.eu-west-1.amazonaws.com:8443/", False),
            ("aws", "https://example.com/", False),
            ("aws", "http://127.0.0.1:9/", False),
            ("aws-cn", "https://sts.cn-north-1.amazonaws.com.cn/", True),
            ("aws-cn", "https://sts.amazonaws.com/", False),
            ("aws-us-gov", "https://sts.us-gov-west-1.amazonaws.com/", True),
            ("aws-us-gov", "https://sts-fips.us-gov-west-1.amazonaws.com/", True),
            ("aws", "https://sts-fips.us-east-1.amazonaws.com/", True),
            ("aws", "https://sts.eu-west-1.api.aws/", True),
            ("aws", "https://sts.eu-west-1.amazonaws.eu/", False),
            ("aws", "https://sts.eu-w\u00e9st-1.amazonaws.com/", False),
            ("aws-cn", "https://sts.cn-north-1.api.amazonwebservices.com.cn/", True),
            ("aws-iso", "https://sts.us-iso-east-1.c2s.ic.gov/", True),
            ("aws-iso-b", "https://sts.us-isob-east-1.sc2s.sgov.gov/", True),
            ("aws-eusc", "https://sts.eusc-de-east-1.amazonaws.eu/", True),
            ("aws-us-gov", "https://sts.us-west-1.amazonaws.com/", False),
        ],
    )
    def test_the_host_is_one_of_sts_in_the_partition(self, authenticator, partition, url, accepted):
        token = encode_token(url + "?Action=Other")
        reason = refusal(authenticator, Cluster(partition=partition), token)
        assert ("unexpected action" in reason) == accepted
        assert ("unexpected hostname" in reason or "unexpected scheme" in reason) == (not accepted)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda url: url.replace("/?", "/path?"), "unexpected path"),
            (lambda url: url + "&Other=1", "non-whitelisted query parameter 'Other'"),
            (lambda url: url + "&action=GetCallerIdentity", "multiple values"),
            (lambda url: url.replace("GetCallerIdentity", "GetSessionToken"), "unexpected action"),
            (lambda url: url.replace("x-k8s-aws-id", "x-other"), "did not sign the x-k8s-aws-id header"),
            (lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=901"), "invalid X-Amz-Expires"),
            (lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=-1"), "invalid X-Amz-Expires"),
            (lambda url: url.replace("X-Amz-Date=", "X-Amz-Date=x"), "X-Amz-Date parameter"),
        ],
    )
    def test_only_the_presigned_request_of_a_token_is_let_through(self, aws, authenticator, change, reason):
        url = presigned_url(JANE, "blue", aws.url)
        assert change(url) != url
        assert reason in refusal(authenticator, Cluster(), encode_token(change(url)))
        assert aws.replays == []

    def test_the_cluster_header_must_be_signed(self, aws, authenticator):
        assert "did not sign the x-k8s-aws-id" in refusal(authenticator, Cluster(), aws.token(JANE, None))

    def test_the_longest_expiry_is_900_seconds(self, aws, authenticator):
        assert authenticator.authenticate(Cluster(data=map_roles()), aws.token(JANE, "blue", expires=900))

    @pytest.mark.parametrize(("minutes", "accepted"), [(14.9, True), (15.1, False)])
    def test_a_token_lives_15_minutes_whatever_it_says(self, aws, authenticator, minutes, accepted):
        moment = datetime.now(timezone.utc) - timedelta(minutes=minutes)
        with mock.patch("botocore.auth.get_current_datetime", return_value=moment.replace(tzinfo=None)):
            token = aws.token(JANE, "blue")
        cluster = Cluster(data=map_roles())
        if accepted:
            assert authenticator.authenticate(cluster, token)
        else:
            assert "X-Amz-Date parameter is expired" in refusal(authenticator, cluster, token)

    def test_one_token_is_replayed_once_in_a_few_seconds_per_cluster(self, aws, authenticator):
        token = aws.token(JANE, "blue")
        cluster = Cluster(data=map_roles())
        for _unused in range(3):
            authenticator.authenticate(cluster, token)
        assert len(aws.replays) == 1
        assert "got 403" in refusal(authenticator, Cluster("green", data=map_roles()), token)
        with mock.patch.object(authenticator_module, "REPLAY_SECONDS", -1.0):
            authenticator.reset()
            authenticator.authenticate(cluster, token)
            authenticator.authenticate(cluster, token)
        assert len(aws.replays) == 4

    def test_no_answer_from_aws_is_a_refusal(self):
        authenticator = Authenticator("http://127.0.0.1:9")
        token = encode_token(presigned_url(JANE, "blue", "http://127.0.0.1:9"))
        assert "error during GET" in refusal(authenticator, Cluster(), token)


@pytest.mark.parametrize(
    ("arn", "canonical"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/NAME/session", f"arn:aws:iam::{ACCOUNT}:role/NAME"),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/NAME/s", f"arn:aws-cn:iam::{ACCOUNT}:role/NAME"),
        (f"arn:aws:iam::{ACCOUNT}:user/dev/jane", f"arn:aws:iam::{ACCOUNT}:user/dev/jane"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/jane", f"arn:aws:sts::{ACCOUNT}:federated-user/jane"),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root"),
    ],
)
def test_canonical_arns(arn, canonical):
    assert canonicalize(arn) == canonical


@pytest.mark.parametrize(
    "arn",
    [
        "jane",
        f"arn:other:iam::{ACCOUNT}:user/jane",
        f"arn:aws:sts::{ACCOUNT}:user/moto",
        f"arn:aws:iam::{ACCOUNT}:group/x",
    ],
)
def test_other_arns_are_nobody(arn):
    with pytest.raises(AuthenticationError):
        canonicalize(arn)


class TestTemplates:
    IDENTITY = Identity(JANE.arn, ROLE_ARN, ACCOUNT, "AROA", "jane@example.com", "ASIAEXAMPLE")

    @pytest.mark.parametrize(
        ("template", "rendered"),
        [
            ("apono:{{SessionName}}", "apono:jane-example.com"),
            ("{{SessionNameRaw}}", "jane@example.com"),
            ("{{AccountID}}:{{AccessKeyID}}", f"{ACCOUNT}:ASIAEXAMPLE"),
            ("{{Other}} {{ SessionName }}", "{{Other}} {{ SessionName }}"),
        ],
    )
    def test_values(self, template, rendered):
        assert render(template, self.IDENTITY, REGION) == rendered

    @pytest.mark.parametrize(
        ("session", "region", "host"),
        [
            ("i-0123456789abcdef0", "us-east-1", "i-0123456789abcdef0.ec2.internal"),
            ("i-01234567", "eu-west-1", "i-01234567.eu-west-1.compute.internal"),
            ("i-0123", "eu-west-1", None),
            ("jane", "eu-west-1", None),
        ],
    )
    def test_a_private_dns_name_needs_an_instance_id(self, session, region, host):
        identity = Identity("", "", ACCOUNT, "AROA", session, "ASIA")
        if host is None:
            with pytest.raises(AuthenticationError, match="instance id"):
                render("system:node:{{EC2PrivateDNSName}}", identity, region)
        else:
            assert render("system:node:{{EC2PrivateDNSName}}", identity, region) == f"system:node:{host}"


class TestAwsAuthText:
    @staticmethod
    def roles(text):
        return read_aws_auth({"mapRoles": text}).roles

    def test_keys_and_arns_match_in_any_letter_case(self):
        found = self.roles(f"- RoLeArN: {ROLE_ARN.upper()}\n  USERNAME: jane\n  Groups: [dev]\n  other: 1\n")
        assert found[ROLE_ARN.lower()].username == "jane"
        assert found[ROLE_ARN.lower()].groups == ("dev",)

    def test_of_two_entries_for_one_arn_the_later_wins(self):
        entries = [f"- {{rolearn: {ROLE_ARN}, username: one}}", f"- {{rolearn: {ROLE_ARN.upper()}, username: two}}"]
        found = self.roles("\n".join(entries))
        assert [mapping.username for mapping in found.values()] == ["two"]

    @pytest.mark.parametrize(
        "text",
        [
            "- rolearn: [",
            f"- rolearn: {ROLE_ARN}\n  username: {{{{SessionNameRaw}}}}\n",
            f"- rolearn: {ROLE_ARN}\n\tusername: jane\n",
            f"rolearn: {ROLE_ARN}\nusername: jane\n",
            "",
            '""',
            "''",
            "just text",
        ],
    )
    def test_text_that_is_no_list_of_entries_voids_its_key_only(self, text):
        found = read_aws_auth({"mapRoles": text, "mapUsers": "- {userarn: arn:aws:iam::111122223333:user/jane}"})
        assert found.roles == {}
        assert len(found.users) == 1

    @pytest.mark.parametrize(
        "bad",
        [
            "{rolearn: 1}",
            "{username: jane}",
            "{sso: {permissionSetName: x}}",
            "text",
            "null",
        ],
    )
    def test_a_bad_entry_is_dropped_and_the_others_load(self, bad):
        assert list(self.roles(f"- {bad}\n- {{rolearn: arn:aws:iam::111122223333:role/other}}")) == [
            "arn:aws:iam::111122223333:role/other"
        ]

    @pytest.mark.parametrize(
        ("fields", "username", "groups"),
        [("username: y", "", ()), ("groups: dev", "", ()), ("groups: [a, 1, ~]", "", ("a", "", ""))],
    )
    def test_a_value_of_a_wrong_type_leaves_its_field_empty(self, fields, username, groups):
        found = self.roles(f"- {{rolearn: {ROLE_ARN}, {fields}}}")[ROLE_ARN.lower()]
        assert (found.username, found.groups) == (username, groups)

    def test_a_date_is_text_and_null_is_nothing(self):
        found = self.roles(f"- {{rolearn: {ROLE_ARN}, username: 2024-01-01, groups: null}}")
        assert found[ROLE_ARN.lower()].username == "2024-01-01"
        assert found[ROLE_ARN.lower()].groups == ()

    def test_the_names_of_the_keys_are_case_sensitive(self):
        assert read_aws_auth({"maproles": f"- {{rolearn: {ROLE_ARN}}}"}).roles == {}

    def test_accounts_keep_their_digits_unquoted(self):
        assert read_aws_auth({"mapAccounts": "- 012345678901\n- '111122223333'\n"}).accounts == {
            "012345678901",
            "111122223333",
        }

    def test_only_the_first_document_counts(self):
        assert len(self.roles(f"- {{rolearn: {ROLE_ARN}}}\n---\n- [")) == 1


class TestMapping:
    def test_an_entry_with_a_path_never_matches(self, aws, authenticator):
        cluster = Cluster(data=map_roles(arn=f"arn:aws:iam::{ACCOUNT}:role/team/apono-k8s-access"))
        assert "ARN is not mapped" in refusal(authenticator, cluster, aws.token(JANE, "blue"))

    def test_an_edit_acts_at_once_in_spite_of_the_replay_cache(self, aws, authenticator):
        cluster, token = Cluster(), aws.token(JANE, "blue")
        assert "ARN is not mapped" in refusal(authenticator, cluster, token)
        cluster.data = map_roles(groups="  groups: ['team:{{AccountID}}']\n")
        assert authenticator.authenticate(cluster, token).groups == (f"team:{ACCOUNT}", "system:authenticated")
        assert len(aws.replays) == 1

    def test_users_and_accounts(self, aws, authenticator):
        jane = Caller("AKIAEXAMPLEOFJANE", "a-long-secret", f"arn:aws:iam::{ACCOUNT}:user/jane", "AIDAEXAMPLE")
        token = aws.token(jane, "blue")
        cluster = Cluster(data={"mapUsers": f"- {{userarn: {jane.arn}, username: jane, groups: [dev]}}"})
        assert authenticator.authenticate(cluster, token).groups == ("dev", "system:authenticated")
        cluster.data = {"mapAccounts": f"- '{ACCOUNT}'"}
        assert authenticator.authenticate(cluster, token).username == jane.arn
        assert authenticator.authenticate(cluster, aws.token(JANE, "blue")).username == ROLE_ARN
        other = role_session("jane", account="444455556666")
        assert "not mapped" in refusal(authenticator, cluster, aws.token(other, "blue"))

    @pytest.mark.parametrize("prefix", ["system:", "eks:", "aws:", "amazon:", "iam:"])
    def test_reserved_usernames_have_effect(self, aws, authenticator, prefix):
        cluster = Cluster(data=map_roles(username=f"'{prefix}jane'"))
        assert authenticator.authenticate(cluster, aws.token(JANE, "blue")).username == f"{prefix}jane"

    def test_nodes_keep_theirs(self, aws, authenticator):
        node = role_session("i-0123456789abcdef0", role="nodes")
        groups = "  groups: [system:bootstrappers, system:nodes]\n"
        data = map_roles("'system:node:{{EC2PrivateDNSName}}'", f"arn:aws:iam::{ACCOUNT}:role/nodes", groups)
        user = authenticator.authenticate(Cluster(data=data), aws.token(node, "blue"))
        assert user.username == "system:node:i-0123456789abcdef0.ec2.internal"
        assert user.groups[:2] == ("system:bootstrappers", "system:nodes")

    def test_the_question_to_aws(self, aws, authenticator):
        cluster = Cluster(data=map_roles())
        authenticator.authenticate(cluster, aws.token(JANE, "blue"))
        assert aws.questions == [
            {"cluster_arn": cluster.arn, "principal_arn": ROLE_ARN, "session_name": "jane@example.com"}
        ]

    def test_mode_config_map_reads_only_aws_auth(self, aws, authenticator):
        cluster = Cluster(data=map_roles())
        set_identity(aws, cluster, "CONFIG_MAP", entry())
        assert authenticator.authenticate(cluster, aws.token(JANE, "blue")).username == "jane@example.com"

    def test_in_both_modes_together_a_matching_entry_wins(self, aws, authenticator):
        cluster, token = Cluster(data=map_roles()), aws.token(JANE, "blue")
        set_identity(aws, cluster, "API_AND_CONFIG_MAP", entry(groups=["dev"]))
        user = authenticator.authenticate(cluster, token)
        assert (user.username, user.groups[0]) == ("apono:jane-example.com", "dev")
        set_identity(aws, cluster, "API_AND_CONFIG_MAP", entry(matches=False))
        assert authenticator.authenticate(cluster, token).username == "jane@example.com"
        set_identity(aws, cluster, "API_AND_CONFIG_MAP")
        assert authenticator.authenticate(cluster, token).username == "jane@example.com"

    def test_mode_api_reads_only_entries(self, aws, authenticator):
        cluster, token = Cluster(data=map_roles()), aws.token(JANE, "blue")
        set_identity(aws, cluster, "API")
        assert "no access entry" in refusal(authenticator, cluster, token)
        set_identity(aws, cluster, "API", entry(matches=False))
        assert "no access entry" in refusal(authenticator, cluster, token)
        policy = {
            "policy_arn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "scope": "namespace",
            "namespaces": ["dev"],
        }
        set_identity(aws, cluster, "API", entry(policies=[policy]))
        user = authenticator.authenticate(cluster, token)
        assert user.username == "apono:jane-example.com"
        assert user.policies == (AccessPolicy("AmazonEKSViewPolicy", "namespace", ("dev",)),)

    def test_the_creator_is_let_in_while_only_aws_auth_is_read(self, aws, authenticator):
        cluster, token = Cluster(), aws.token(JANE, "blue")
        set_identity(aws, cluster, "CONFIG_MAP", creator=True)
        user = authenticator.authenticate(cluster, token)
        assert (user.username, user.groups[0]) == ("kubernetes-admin", "system:masters")
        for mode in ("API", "API_AND_CONFIG_MAP"):
            set_identity(aws, cluster, mode, creator=True)
            refusal(authenticator, cluster, token)
        set_identity(aws, cluster, "CONFIG_MAP", creator=False)
        refusal(authenticator, cluster, token)
