# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No trust policy that counts as closed allows a principal that it does not name.

A separate evaluator decides. Documents are random variants of closed documents, from a seed. For each document, the
test creates strangers who match its conditions as far as a principal outside of the named accounts can choose.
"""

from __future__ import annotations

import copy
import os
import random
import re

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam, identity_providers
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.iam_breadth import beyond
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.iam_trust import (
    free_session_name_statements,
    open_statements,
)
from ansible_collections.apono.eks.plugins.plugin_utils.audit import Audit
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.rules.aws.trust_evaluator import Request, allows
from ansible_collections.apono.eks.tests.unit.plugins.plugin_utils.test_audit import (
    a_role,
    facts,
    role_result,
)
from hypothesis import settings

DOCUMENTS = int(os.environ.get("APONO_TRUST_DOCUMENTS", 200 * settings.default.max_examples))

OURS = "111122223333"
OUR_ROLE = f"arn:aws:iam::{OURS}:role/team/platform"
OUR_ORGANIZATION = "o-a1b2c3d4e5"
OUR_ROLE_ID = "AROAOURSOURSOURSOURS1"
THEIRS = ("999988887777", "555566667777")
GITHUB = "token.actions.githubusercontent.com"
COGNITO = "cognito-identity.amazonaws.com"
OUR_POOL = "eu-central-1:11111111-2222-3333-4444-555555555555"


def provider(issuer, account=OURS):
    return f"arn:aws:iam::{account}:oidc-provider/{issuer}"


def trust(condition=None, principal="*", **more):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    if condition is not None:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def federated(name, condition=None):
    return trust(condition, {"Federated": name}, Action="sts:AssumeRoleWithWebIdentity")


# Single documents

OPEN_TO_ANYBODY = [
    None,
    {"StringLike": {"aws:PrincipalArn": f"arn:aws*:iam::{OURS}:role/x"}},
    {"StringLike": {"aws:PrincipalArn": f"arn:*:iam::{OURS}:role/x"}},
    {"StringLike": {"aws:PrincipalArn": f"arn:aws:*::{OURS}:role/x"}},
    {"StringLike": {"aws:PrincipalArn": f"arn:aw?:iam::{OURS}:role/x"}},
    {"ForAnyValue:StringLike": {"aws:PrincipalArn": f"arn:aws*:iam::{OURS}:role/x"}},
    {"StringLikeIfExists": {"aws:PrincipalArn": f"arn:aws*:iam::{OURS}:role/x"}},
    {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{OURS[:-1]}?:role/x"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}},
    {"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::{OURS}:role/x", "*"]}},
    {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/x", "AWS:PrincipalArn": "*"}},
    {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/x"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/x"}},
    {"StringEquals": {"aws:PrincipalArn": "${aws:PrincipalArn}"}},
    {"StringEquals": {"aws:PrincipalArn": []}},
    {"StringEqualsIfExists": {"aws:PrincipalOrgID": OUR_ORGANIZATION}},
    {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": OUR_ORGANIZATION}},
    {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": f"{OUR_ORGANIZATION}/*"}},
    {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    {"StringLike": {"aws:PrincipalOrgPaths": f"{OUR_ORGANIZATION}*"}},
    {"StringLike": {"aws:PrincipalAccount": "1111*"}},
    {"StringNotEquals": {"aws:PrincipalAccount": OURS}},
    {"StringEquals": {"aws:SourceAccount": OURS}},
    {"StringLike": {"aws:userid": "*:jane"}},
    {"StringLike": {"aws:userid": "AROA*"}},
    {"StringEquals": {"aws:username": "jane"}},
    {"StringEquals": {"aws:PrincipalTag/team": "platform"}},
    {"StringEquals": {"sts:ExternalId": "secret"}},
    {"StringEquals": {"sts:RoleSessionName": "jane@example.com"}},
    {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    {"Null": {"aws:PrincipalArn": "false"}},
    {"stringequals": {"aws:PrincipalAccount": OURS}},
]


@pytest.mark.parametrize("condition", OPEN_TO_ANYBODY)
@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": [OURS, "*"]}, {"AWS": "arn:aws:iam::*:root"}])
def test_a_principal_that_matches_all_needs_a_condition_that_says_who(condition, principal):
    assert open_statements(trust(condition, principal)) == ["1"]


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/team-*"}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws*:iam::{OURS}:role/team-*"}},
        {"ArnEquals": {"aws:PrincipalArn": [f"arn:*:iam::{OURS}:role/x", OUR_ROLE]}},
        {"StringLike": {"AWS:principalarn": f"arn:aws:iam::{OURS}:role/*"}},
        {"StringLike": {"aws:PrincipalArn": f"arn:aws:sts::{OURS}:assumed-role/x/${{aws:username}}"}},
        {"StringEquals": {"aws:PrincipalAccount": [OURS]}},
        {"StringEquals": {"aws:PrincipalAccount": int(OURS)}},
        {"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": OUR_ORGANIZATION}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{OUR_ORGANIZATION}/r-ab12/*"}},
        {"StringLike": {"aws:userid": f"{OUR_ROLE_ID}:*"}},
        {"StringEquals": {"aws:userid": OURS}},
    ],
)
def test_a_condition_that_says_who_closes_a_statement(condition):
    for principal in ("*", {"AWS": ["*"]}):
        assert open_statements(trust(condition, principal)) == []
    statement = {
        "Effect": "Allow",
        "NotPrincipal": {"AWS": OURS},
        "NotAction": "sts:TagSession",
        "Condition": condition,
    }
    assert open_statements({"Version": "2012-10-17", "Statement": statement}) == []


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("*", None),
        ("accounts.example.com", None),
        (f"arn:aws:iam::{OURS}:saml-provider/*", None),
        (f"arn:aws:iam::{OURS}:oidc-provider/*", None),
        ("accounts.google.com", None),
        ("accounts.google.com", {"StringEquals": {"accounts.google.com:aud": "123.apps.googleusercontent.com"}}),
        (provider("accounts.google.com"), {"StringEquals": {"accounts.google.com:aud": "123"}}),
        ("accounts.google.com", {"StringLike": {"accounts.google.com:sub": "1*"}}),
        ("www.amazon.com", {"StringEquals": {"www.amazon.com:app_id": "amzn1.application"}}),
        ("graph.facebook.com", {"StringEquals": {"graph.facebook.com:app_id": "111"}}),
        (COGNITO, None),
        (COGNITO, {"StringEquals": {f"{COGNITO}:aud": OUR_POOL}}),
        (COGNITO, {"ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}),
        (
            COGNITO,
            {"StringEquals": {f"{COGNITO}:aud": OUR_POOL}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "un*"}},
        ),
        (
            COGNITO,
            {
                "StringEquals": {f"{COGNITO}:aud": OUR_POOL},
                "ForAnyValue:StringEqualsIgnoreCase": {f"{COGNITO}:amr": "UnAuthenticated"},
            },
        ),
        (provider(GITHUB), None),
        (provider(GITHUB), {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}),
        (provider(GITHUB, THEIRS[0]), {"StringLike": {f"{GITHUB}:sub": "*"}}),
        (provider(GITHUB), {"StringLike": {f"{GITHUB}:sub": "repo:*"}}),
        (provider(GITHUB), {"StringLike": {f"{GITHUB}:sub": "repo:*/app:ref:refs/heads/main"}}),
        (provider(GITHUB), {"StringLike": {f"{GITHUB}:sub": "repo:ours*"}}),
        (provider(GITHUB), {"StringLike": {f"{GITHUB}:sub": ["repo:ours/app:*", "repo:*"]}}),
        (provider(GITHUB), {"StringLikeIfExists": {f"{GITHUB}:sub": "repo:ours/app:*"}}),
        (provider(GITHUB), {"ForAllValues:StringLike": {f"{GITHUB}:sub": "repo:ours/app:*"}}),
        (provider(GITHUB), {"StringNotLike": {f"{GITHUB}:sub": "repo:theirs/*"}}),
        (provider(GITHUB), {"StringEquals": {f"{GITHUB}:sub": "environment:production"}}),
        (
            provider(GITHUB),
            {"StringEquals": {f"{GITHUB}:sub": "job_workflow_ref:ours/app/.github/workflows/x.yml@main"}},
        ),
        (provider(GITHUB.upper()), None),
        (provider("gitlab.com"), {"StringLike": {"gitlab.com:sub": "project_path:*:ref_type:branch:ref:main"}}),
        (provider("agent.buildkite.com"), {"StringLike": {"agent.buildkite.com:sub": "organization:*"}}),
        (provider("app.terraform.io"), {"StringEquals": {"app.terraform.io:aud": "aws.workload.identity"}}),
        (provider("oidc.vercel.com"), {"StringEquals": {"oidc.vercel.com:sub": "owner:ours:project:app"}}),
    ],
)
def test_a_provider_that_many_share_needs_the_claim_that_says_who(name, condition):
    assert open_statements(federated(name, condition)) == ["1"]


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        (f"arn:aws:iam::{OURS}:saml-provider/okta", None),
        (provider("oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF"), None),
        (provider("ours.okta.com"), None),
        (provider("oidc.circleci.com/org/11111111-2222-3333-4444-555555555555"), None),
        (provider("api.bitbucket.org/2.0/workspaces/ours/pipelines-config/identity/oidc"), None),
        (provider("gitlab.example.com"), None),
        ("accounts.google.com", {"StringEquals": {"accounts.google.com:sub": "1234567890"}}),
        (
            COGNITO,
            {
                "StringEquals": {f"{COGNITO}:aud": OUR_POOL},
                "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"},
            },
        ),
        (provider(GITHUB), {"StringLike": {f"{GITHUB}:sub": "repo:ours/app:*"}}),
        (provider(GITHUB), {"StringLike": {f"{GITHUB.upper()}:SUB": ["repo:ours/*", "repository_owner:ours:*"]}}),
        (provider("gitlab.com"), {"StringLike": {"gitlab.com:sub": "project_path:ours/*"}}),
        (provider("app.terraform.io"), {"StringLike": {"app.terraform.io:sub": "organization:ours:project:*"}}),
        (provider("api.pulumi.com/oidc"), {"StringEquals": {"api.pulumi.com/oidc:aud": "ours"}}),
    ],
)
def test_a_provider_of_one_organization_or_the_claim_of_one_is_closed(name, condition):
    assert open_statements(federated(name, condition)) == []


def test_each_shared_provider_is_open_alone():
    for issuer in identity_providers.SHARED:
        name = issuer if issuer in (COGNITO, "accounts.google.com") else provider(issuer)
        assert open_statements(federated(name)) == ["1"]


def test_a_service_is_named_and_anything_else_is_not():
    assert open_statements(trust(principal={"Service": ["ec2.amazonaws.com", "pods.eks.amazonaws.com"]})) == []
    assert open_statements(trust(principal={"Service": "*"})) == ["1"]


def test_open_statements_are_named():
    closed = {"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    named = {"Sid": "Named", "Effect": "Allow", "Principal": {"AWS": OURS}, "Action": "sts:AssumeRole"}
    open_one = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    document = {"Statement": [closed, {**open_one, "Sid": "All"}, named, open_one]}
    assert open_statements(document) == ["All", "4"]


@pytest.mark.parametrize(
    "condition",
    [
        "x",
        ["x"],
        {"StringEquals": "x"},
        {"StringEquals": ["aws:PrincipalAccount"]},
        {"StringEquals": {"aws:PrincipalAccount": {OURS: OURS}}},
        {"StringEquals": {"aws:PrincipalAccount": [[OURS]]}},
    ],
)
def test_a_condition_that_is_none_is_refused(condition):
    with pytest.raises(ResourceError, match="write the Condition as"):
        iam.parse_trust_policy(trust(condition), "trust.policy")


@pytest.mark.parametrize(
    "principal", [{"AWS": {}}, {"AWS": [["*"]]}, ["*"], {"AWS": []}, {"AWS": OURS, "Service": None}]
)
def test_a_principal_that_is_none_is_refused(principal):
    with pytest.raises(ResourceError, match="write the principal as"):
        iam.parse_trust_policy(trust(principal=principal), "trust.policy")


# The session name


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {"StringEquals": {"sts:ExternalId": "x"}},
        {"StringLike": {"sts:RoleSessionName": "*"}},
        {"StringLike": {"sts:RoleSessionName": "*@example.com"}},
        {"StringLike": {"sts:RoleSessionName": ["jane", "j*"]}},
        {"StringEqualsIfExists": {"sts:RoleSessionName": "${aws:username}"}},
        {"StringNotEquals": {"sts:RoleSessionName": "admin"}},
        {"StringEquals": {"sts:RoleSessionName": "${sts:RoleSessionName}"}},
        {"StringEquals": {"sts:RoleSessionName": "${aws:RequestTag/name}"}},
    ],
)
def test_callers_choose_the_name_of_their_session(condition):
    for principal in ({"AWS": OUR_ROLE}, {"Federated": provider("ours.okta.com")}, "*"):
        assert free_session_name_statements(trust(condition, principal)) == ["1"]


@pytest.mark.parametrize(
    "value",
    [
        "${aws:username}",
        "${SAML:sub}",
        "${aws:PrincipalTag/email}",
        "ci-deploy",
        "${ours.okta.com:sub}",
        ["jane", "joe"],
    ],
)
def test_a_condition_fixes_the_name_of_the_session(value):
    document = trust({"StringEqualsIgnoreCase": {"sts:RoleSessionName": value}}, {"AWS": OURS})
    assert free_session_name_statements(document) == []


def test_a_saml_provider_names_the_session():
    document = trust(
        principal={"Federated": f"arn:aws:iam::{OURS}:saml-provider/okta"}, Action=["sts:AssumeRoleWithSAML"]
    )
    assert free_session_name_statements(document) == []


# The law

GITHUB_SUBJECTS = ["repo:ours/app:ref:refs/heads/main", "repo:ours/app:environment:prod", "repository_owner:ours:x"]
IDENTITIES = {
    "aws:PrincipalArn": [OUR_ROLE, f"arn:aws:iam::{OURS}:role/x", f"arn:aws:sts::{OURS}:assumed-role/x/jane"],
    "aws:PrincipalAccount": [OURS],
    "aws:PrincipalOrgID": [OUR_ORGANIZATION],
    "aws:PrincipalOrgPaths": [f"{OUR_ORGANIZATION}/r-ab12/ou-ab12-11111111/"],
    "aws:userid": [f"{OUR_ROLE_ID}:jane", OURS, "AIDAOURSOURSOURSOURS1"],
}
FREE = {
    "sts:ExternalId": ["secret"],
    "sts:RoleSessionName": ["jane@example.com", "${aws:username}", "${SAML:sub}"],
    "aws:PrincipalTag/team": ["platform"],
    "aws:username": ["jane"],
    "aws:SourceIp": ["192.0.2.0/24"],
    "aws:MultiFactorAuthPresent": ["true"],
    "aws:SourceAccount": [OURS],
    "aws:EpochTime": ["1700000000"],
}
CLAIMS = {
    provider(GITHUB): {f"{GITHUB}:sub": GITHUB_SUBJECTS, f"{GITHUB}:aud": ["sts.amazonaws.com"]},
    COGNITO: {
        f"{COGNITO}:aud": [OUR_POOL],
        f"{COGNITO}:amr": ["authenticated", "unauthenticated", "graph.facebook.com"],
        f"{COGNITO}:sub": ["eu-central-1:ours"],
    },
    "accounts.google.com": {"accounts.google.com:aud": ["ours.apps"], "accounts.google.com:sub": ["1234567890"]},
    provider("gitlab.com"): {"gitlab.com:sub": ["project_path:ours/app:ref_type:branch:ref:main"]},
    provider("agent.buildkite.com"): {"agent.buildkite.com:sub": ["organization:ours:pipeline:app:ref:main"]},
    provider("ours.okta.com"): {"ours.okta.com:sub": ["jane"]},
    f"arn:aws:iam::{OURS}:saml-provider/okta": {
        "SAML:sub": ["jane"],
        "SAML:aud": ["https://signin.aws.amazon.com/saml"],
    },
}
PRIVATE = {provider("ours.okta.com"), f"arn:aws:iam::{OURS}:saml-provider/okta"}
# In a fixed order, so that a seed creates the same documents in each process.
SHARED = [name for name in CLAIMS if name not in PRIVATE]
IDENTIFYING_KEYS = {key.lower() for keys in (IDENTITIES, *CLAIMS.values()) for key in keys}
QUALIFIERS = ["", "", "", "ForAnyValue:", "ForAllValues:"]
OPERATORS = ["StringEquals", "StringLike", "StringLike", "StringEqualsIgnoreCase", "ArnLike", "ArnLike", "ArnEquals"]
NEGATED = ["StringNotEquals", "StringNotLike", "StringNotEqualsIgnoreCase", "ArnNotLike", "ArnNotEquals"]
VARIABLES = [
    "${aws:PrincipalArn}",
    "${aws:PrincipalAccount}",
    "${aws:userid}",
    "${*}",
    "${aws:x, '*'}",
    "${aws:PrincipalTag/team}",
]
WRITTEN_VARIABLES = re.compile("|".join(map(re.escape, [*VARIABLES, *FREE["sts:RoleSessionName"][1:]])))


class Drawn:
    """One document, and the strangers who try it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        count = self.random.choice([1, 1, 1, 2, 2, 3])
        statements = [self.statement() for _number in range(count)]
        self.document = {
            "Version": "2012-10-17" if self.chance(0.95) else "2008-10-17",
            "Statement": statements if count > 1 or self.chance(0.8) else statements[0],
        }

    def chance(self, share):
        return self.random.random() < share

    def pick(self, items):
        return self.random.choice(items if isinstance(items, (list, tuple, str)) else list(items))

    # Documents

    def statement(self):
        federated_name = (
            self.pick([*CLAIMS, provider(GITHUB), provider(GITHUB), COGNITO]) if self.chance(0.35) else None
        )
        named = self.chance(0.1)
        if federated_name:
            principal, action = {"Federated": federated_name}, "sts:AssumeRoleWithWebIdentity"
            if "saml" in federated_name:
                action = "sts:AssumeRoleWithSAML"
        else:
            principal = (
                {"AWS": self.pick([OURS, [OUR_ROLE, OURS]])}
                if named
                else self.pick(["*", {"AWS": "*"}, {"AWS": [OURS, "*"]}])
            )
            action = "sts:AssumeRole"
        found = {"Effect": "Deny" if self.chance(0.05) else "Allow"}
        found["NotPrincipal" if self.chance(0.04) else "Principal"] = principal
        if self.chance(0.05):
            found["NotAction"] = "sts:TagSession"
        else:
            found["Action"] = self.pick([action, action, "sts:*", [action, "sts:TagSession"]])
        conditions = {}
        for _number in range(self.pick([0, 1, 1, 1, 2, 2, 3])):
            operator, key, values = self.condition(federated_name)
            conditions.setdefault(operator, {})[key] = values
        if conditions:
            found["Condition"] = conditions
        return found

    def condition(self, federated_name):
        keys = (
            FREE if self.chance(0.2) else CLAIMS[federated_name] if federated_name and self.chance(0.9) else IDENTITIES
        )
        key = self.pick(keys)
        if self.chance(0.04):
            return "Null", key, self.pick(["true", "false"])
        if key == "aws:SourceIp":
            return self.pick(["IpAddress", "NotIpAddress"]), key, keys[key]
        if key == "aws:MultiFactorAuthPresent":
            return self.pick(["Bool", "BoolIfExists"]), key, keys[key]
        if key == "aws:EpochTime":
            return self.pick(["NumericLessThan", "NumericGreaterThan", "NumericNotEquals"]), key, keys[key]
        operator = self.pick(NEGATED if self.chance(0.12) else OPERATORS)
        if "Arn" in operator and "Arn" not in key:
            operator = operator.replace("Arn", "String")
        operator = self.pick(QUALIFIERS) + operator + ("IfExists" if self.chance(0.1) else "")
        values = [self.bent(self.pick(keys[key]), operator) for _number in range(self.pick([1, 1, 1, 2, 3]))]
        if self.chance(0.1):
            key = key.upper() if self.chance(0.5) else key.lower()
        return operator, key, values[0] if len(values) == 1 and self.chance(0.6) else values

    def bent(self, value, operator):
        """Return the value unchanged, or with a wildcard or variable in place of a part."""
        if self.chance(0.45):
            return value
        mark = self.pick(VARIABLES) if self.chance(0.15) else self.pick("***?")
        edges = sorted({0, len(value), *(found.end() for found in re.finditer(r"[:/-]", value))})
        if self.chance(0.5):
            start = end = self.pick(edges[1:])
            if self.chance(0.5):
                start, end = start - 1, start - 1
        else:
            start, end = sorted(self.random.sample(edges, 2)) if len(edges) > 1 else (0, len(value))
            if self.chance(0.2):
                end = self.random.randint(start, len(value))
        return value[:start] + mark + value[end:]

    def changed(self):
        """Return a document with one different value, condition or operator."""
        other = copy.deepcopy(self.document)
        found = other["Statement"]
        statement = self.pick(found if isinstance(found, list) else [found])
        conditions = statement.get("Condition")
        if not conditions or "Null" in conditions or self.chance(0.2):
            operator, key, values = self.condition(None)
            statement.setdefault("Condition", {}).setdefault(operator, {})[key] = values
            return other
        operator = self.pick(conditions)
        key = self.pick(conditions[operator])
        change = self.random.random()
        values = conditions[operator][key]
        values = values if isinstance(values, list) else [values]
        if change < 0.2:
            del conditions[operator]
        elif change < 0.4 and re.search("String|Arn", operator) and not operator.endswith("IfExists"):
            kind = self.pick(["ArnEquals", "ArnLike", "StringLike", "StringEquals"])
            conditions[operator + "IfExists" if self.chance(0.5) else kind] = conditions.pop(operator)
        elif change < 0.7:
            conditions[operator][key] = [*values, self.bent(self.pick(values), operator)]
        else:
            conditions[operator][key] = [self.bent(value, operator) for value in values]
        return other

    # Strangers

    def strangers(self, count):
        asked = self.asked()
        written = str(self.document)
        named = [name for name in SHARED if name in written]
        for _number in range(count):
            yield self.stranger(asked, named)

    def asked(self):
        """Return the values to which the document compares each key. Wildcards have values that a stranger chooses."""
        found = {}
        statements = self.document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            for keys in statement.get("Condition", {}).values():
                for key, values in keys.items():
                    found.setdefault(key.lower(), []).extend(values if isinstance(values, list) else [values])
        return found

    def filled(self, pattern):
        pattern = WRITTEN_VARIABLES.sub("x", pattern)
        return re.sub(r"[*?]", lambda found: "x" if found[0] == "?" else self.pick(("", "x", "evil")), pattern)

    def stranger(self, asked, named):
        """:param asked: The values of :meth:`asked`.
        :param named: The shared identity providers in the document.
        """
        context = {}
        for key, values in asked.items():
            value = self.filled(self.pick([*values, "x"]))
            if self.chance(0.85):
                context[key] = ("192.0.2.1",) if key == "aws:sourceip" else (value,)
        context = {key: value for key, value in context.items() if key not in IDENTIFYING_KEYS}
        if named and self.chance(0.75) or self.chance(0.05):
            name = self.pick(named or SHARED)
            return Request(
                "sts:AssumeRoleWithWebIdentity", "Federated", frozenset({name}), context | self.token(name, asked)
            )
        account = self.pick(THEIRS)
        role = self.role(account, asked.get("aws:principalarn", []))
        session = self.filled(self.pick([*asked.get("sts:rolesessionname", []), "jane"]))
        theirs = {
            "aws:principalarn": role,
            "aws:principalaccount": account,
            "aws:userid": self.pick(
                [account, f"AROATHEIRSTHEIRSTHE1:{session}", f"{OUR_ROLE_ID}9:{session}", f"{account}:{OURS}"]
            ),
        }
        context |= {key: (value,) for key, value in theirs.items()}
        if self.chance(0.7):
            organization = self.pick(["o-z9y8x7w6v5", f"{OUR_ORGANIZATION}f"])
            context["aws:principalorgid"] = (organization,)
            context["aws:principalorgpaths"] = (f"{organization}/r-ab12/ou-ab12-11111111/",)
        return Request("sts:AssumeRole", "AWS", frozenset({role, account, f"arn:aws:iam::{account}:root"}), context)

    def role(self, account, patterns):
        """Return a role of the stranger's account. After the first wildcard of a pattern, its path can be any text."""
        start = f"arn:aws:iam::{account}:role/"
        if not patterns or self.chance(0.2):
            return start + self.pick(["x", "team/platform", f":iam::{OURS}:role/x", f"arn:aws:iam::{OURS}:role/x"])
        pattern = self.pick(patterns)
        rest = self.filled(pattern[pattern.index("*") + 1 :] if "*" in pattern else pattern)
        return start + rest.lstrip("/") if re.search(r"[\w+=,.@-]$", rest) else f"{start}{rest}x"

    def token(self, name, asked):
        """Return the claims of a token that the stranger can get from a shared provider."""

        def like(key):
            return self.filled(self.pick([*asked.get(key.lower(), []), "x"]))

        if name == COGNITO:
            guest = self.chance(0.5)
            return {
                f"{COGNITO}:aud": (OUR_POOL if guest else "us-east-1:99999999-2222-3333-4444-555555555555",),
                f"{COGNITO}:amr": ("unauthenticated",) if guest else ("authenticated", "graph.facebook.com"),
                f"{COGNITO}:sub": ("us-east-1:theirs",),
            }
        if name == "accounts.google.com":
            return {
                f"{name}:aud": (like(f"{name}:aud"),),
                f"{name}:sub": (self.pick(["99999", "12345678901", "theirs"]),),
            }
        issuer = name.rpartition("oidc-provider/")[2]
        start, end = {
            GITHUB: ("repo:", "/app:ref:refs/heads/main"),
            "gitlab.com": ("project_path:", "/app:ref_type:branch:ref:main"),
            "agent.buildkite.com": ("organization:", ":pipeline:app:ref:main"),
        }[issuer]
        subjects = [f"{start}{owner}{end}" for owner in ("theirs", "ours-evil", "oursx", "xours", "x")]
        if issuer == GITHUB:
            subjects += ["environment:prod", "repo:theirs/ours:environment:prod", "repository_owner:theirs:x"]
        return {f"{issuer}:sub": (self.pick(subjects),), f"{issuer}:aud": (like(f"{issuer}:aud"),)}


def test_no_document_that_is_called_closed_lets_in_a_stranger():
    closed_by_condition = let_in = 0
    sso = iam.sso_trust("aws", [OURS])
    for seed in range(DOCUMENTS):
        drawn = Drawn(seed)
        document = drawn.document
        iam.parse_trust_policy(document, "trust.policy")
        is_open = bool(open_statements(document))
        intruder = next((one for one in drawn.strangers(12 if is_open else 40) if allows(document, one)), None)
        assert is_open or intruder is None, f"{document} lets in {intruder} (seed {seed})"
        if intruder:
            let_in += 1
            assert beyond(document, sso), f"{document} is no wider than {sso} (seed {seed})"
        elif not is_open and '"*"' in iam.to_json(document) and '"Condition"' in iam.to_json(document):
            closed_by_condition += 1
    # Most of the random documents are relevant: they allow a stranger, or only their conditions close them.
    assert let_in > DOCUMENTS * 0.35
    assert closed_by_condition > DOCUMENTS * 0.04


def test_the_audit_reports_each_that_lets_in_a_stranger():
    reported = 0
    for seed in range(DOCUMENTS, DOCUMENTS + 300):
        drawn = Drawn(seed)
        if any(allows(drawn.document, one) for one in drawn.strangers(12)):
            role = role_result(a_role(assume_role_policy_document=drawn.document), changes=["replace the trust policy"])
            codes = {finding["code"] for finding in Audit(facts(role_result=role)).record()["findings"]}
            assert {"trust_open", "trust_too_broad"} <= codes, f"{drawn.document} (seed {seed})"
            reported += 1
    assert reported > 100


def test_what_a_trust_policy_that_is_no_wider_allows_the_other_allows_too():
    """The same strangers test the finding trust_too_broad."""
    compared = narrower = 0
    for seed in range(DOCUMENTS // 4):
        drawn = Drawn(seed)
        other = drawn.changed()
        if beyond(drawn.document, other):
            continue
        narrower += 1
        for one in drawn.strangers(12):
            if allows(drawn.document, one):
                compared += 1
                assert allows(other, one), f"{drawn.document} is wider than {other} for {one} (seed {seed})"
    assert narrower > DOCUMENTS // 40
    assert compared > DOCUMENTS // 40
