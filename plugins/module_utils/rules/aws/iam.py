# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM policy documents: the documents of Apono's page on EKS, the checks of documents, and their comparison.

The rules are those of the IAM User Guide, "IAM JSON policy reference".
"""

from __future__ import annotations

import fnmatch
import itertools
import json
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.text import json_text

# Quotas without white space (IAM User Guide, "IAM and AWS STS quotas"). The quota of trust policies is the maximum that
# an account can request.
MOST_POLICY_CHARACTERS = 6144
MOST_TRUST_CHARACTERS = 4096

VERSION = "2012-10-17"

# The description of the IAM role on Apono's page.
ROLE_DESCRIPTION = "required for k8s access managed by Apono"

# The SAML sign-in addresses, which are also the audience of the assertions.
_SIGN_IN = {
    "aws": "https://signin.aws.amazon.com/saml",
    "aws-us-gov": "https://signin.amazonaws-us-gov.com/saml",
    "aws-cn": "https://signin.amazonaws.cn/saml",
}

# The path of permission-set roles of IAM Identity Center (AWS SSO).
SSO_PATH = "/aws-reserved/sso.amazonaws.com/"

_CLUSTER_PATTERN = re.compile(r"[0-9A-Za-z*?][0-9A-Za-z_*?-]{0,99}")
_CLUSTER_ARN = re.compile(r"arn:[^:]*:eks:([^:]*):[^:]*:cluster/(.+)", re.DOTALL)
_REGION_PATTERN = re.compile(r"[a-z0-9*?-]{1,32}")
_PROVIDER_NAME = re.compile(r"[\w.-]{1,128}", re.ASCII)
_ROOT_ARN = re.compile(r"arn:[a-z-]+:iam::(\d{12}):root")
_SSO_ROLE = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/aws-reserved/sso\.amazonaws\.com/")
_SAML_PROVIDER = re.compile(r"arn:[a-z-]+:iam::\d{12}:saml-provider/([\w.-]{1,128})", re.ASCII)
_UNIQUE_ID = re.compile(r"A(ROA|IDA)[A-Z0-9]{12,}")

_STATEMENT_KEYS = {
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "Principal",
    "NotPrincipal",
}


# The pattern that stands for all clusters or regions in the built-in policy.
EVERYTHING = "*"


def access_policy(partition: str, account_id: str, clusters: list[str], regions: list[str]) -> dict[str, Any]:
    """The built-in policy of the IAM role. It allows users to describe the clusters, which ``aws eks
    update-kubeconfig`` needs.

    ``clusters`` and ``regions`` are names, or patterns with ``*`` and ``?``. Raises :class:`ResourceError` for another
    text.
    """
    for option, patterns, pattern in (("clusters", clusters, _CLUSTER_PATTERN), ("regions", regions, _REGION_PATTERN)):
        for text in patterns:
            if not pattern.fullmatch(text):
                raise ResourceError(
                    f"{option}: {text!r} is neither a name nor a pattern: set a name, or a pattern with * and ?."
                )
    resources = sorted(
        {
            f"arn:{partition}:eks:{region}:{account_id}:cluster/{cluster}"
            for region, cluster in itertools.product(regions, clusters)
        }
    )
    statement = {
        "Effect": "Allow",
        "Action": "eks:DescribeCluster",
        "Resource": resources[0] if len(resources) == 1 else resources,
    }
    return {"Version": VERSION, "Statement": [statement]}


def patterns_of_both(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """Combine two lists of patterns for :func:`access_policy`. If one pattern stands for everything, it is the only
    one."""
    patterns = list(dict.fromkeys([*some, *others]))
    return [EVERYTHING] if EVERYTHING in patterns else patterns


def sso_trust(partition: str, account_ids: list[str]) -> dict[str, Any]:
    """The trust policy for users of IAM Identity Center (AWS SSO).

    The principal is ``*``, and two conditions restrict it. The session name has to be that of the user, and the caller
    has to be a permission-set role in one of the accounts. Each account needs two patterns, because the path of such a
    role has the home region of IAM Identity Center, unless it is us-east-1.

    Raises :class:`ResourceError` for an empty list and for a wrong account id.
    """
    if not account_ids:
        raise ResourceError(
            "trust.sso.account_ids is empty: set the accounts whose permission-set roles of IAM Identity Center (AWS "
            "SSO) can assume the role."
        )
    for account_id in account_ids:
        arn.validate_account_id(account_id, "trust.sso.account_ids")
    statement = {
        "Sid": "Statement1",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEqualsIgnoreCase": {"sts:RoleSessionName": "${SAML:sub}"},
            "ArnLike": {
                "aws:PrincipalArn": [
                    arn.role_arn(partition, account_id, f"{SSO_PATH}{region}", "AWSReservedSSO_*")
                    for account_id in dict.fromkeys(account_ids)
                    for region in ("", "*/")
                ]
            },
        },
    }
    return {"Version": VERSION, "Statement": [statement]}


def saml_trust(partition: str, account_id: str, provider: str) -> dict[str, Any]:
    """The trust policy for users of a SAML identity provider of the account.

    Raises :class:`ResourceError` for a wrong name of the provider, and for a partition whose sign-in address is not
    known.
    """
    if not _PROVIDER_NAME.fullmatch(provider):
        raise ResourceError(
            f"trust.saml.provider {provider!r} (in a playbook apono_trust) is not the name of an IAM identity "
            "provider: set the name, not its ARN."
        )
    if partition not in _SIGN_IN:
        raise ResourceError(
            f"The SAML sign-in address of the partition {partition} is not known: set the whole trust policy in "
            "trust.policy."
        )
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": arn.saml_provider_arn(partition, account_id, provider)},
        "Action": "sts:AssumeRoleWithSAML",
        "Condition": {"StringEquals": {"SAML:aud": _SIGN_IN[partition]}},
    }
    return {"Version": VERSION, "Statement": [statement]}


def trust_of(document: dict[str, Any], partition: str, account_id: str) -> dict[str, Any]:
    """The option ``trust`` that results in this trust policy for a role in the account.

    It is ``{"sso": …}`` or ``{"saml": …}`` if :func:`sso_trust` or :func:`saml_trust` returns an equivalent document,
    and ``{"policy": document}`` otherwise.
    """
    text = to_json(document)
    accounts = list(dict.fromkeys(_SSO_ROLE.findall(text)))
    if accounts and equivalent(document, sso_trust(partition, accounts)):
        return {"sso": {} if accounts == [account_id] else {"account_ids": accounts}}
    provider = _SAML_PROVIDER.search(text)
    if provider and partition in _SIGN_IN and equivalent(document, saml_trust(partition, account_id, provider[1])):
        return {"saml": {"provider": provider[1]}}
    return {"policy": document}


def cluster_of(resource: Any) -> tuple[str, str] | None:
    """The region and the cluster in a resource of a policy, each of which can be a pattern. ``None`` for other
    resources."""
    found = _CLUSTER_ARN.fullmatch(_text(resource))
    return (found[1], found[2]) if found else None


def scope_of(document: dict[str, Any], partition: str, account_id: str) -> tuple[list[str], list[str]] | None:
    """The clusters and regions for which :func:`access_policy` returns an equivalent policy. ``None`` if there are
    none."""
    resources = [
        cluster_of(resource) for statement in statements(document) for resource in as_list(statement.get("Resource"))
    ]
    found = [place for place in resources if place]
    if not found or len(found) < len(resources):
        return None
    clusters, regions = (sorted({place[part] for place in found}) for part in (1, 0))
    try:
        same = equivalent(document, access_policy(partition, account_id, clusters, regions))
    except ResourceError:
        return None
    return (clusters, regions) if same else None


def allows(document: dict[str, Any], action: str) -> bool:
    """Whether a statement of a policy allows an action. Resources and conditions are not compared."""
    return any(
        statement.get("Effect") == "Allow" and fnmatch.fnmatchcase(action.lower(), pattern.lower())
        for statement in statements(document)
        for pattern in as_list(statement.get("Action"))
    )


def parse_policy(value: Any, option: str) -> dict[str, Any]:
    """Return the document of an identity policy, from a dictionary or JSON text. Raises :class:`ResourceError` for a
    document that IAM refuses."""
    document = _document(value, option)
    for number, statement in enumerate(statements(document), 1):
        where = f"{option}, statement {number}"
        _exactly_one(statement, ("Action", "NotAction"), where)
        _exactly_one(statement, ("Resource", "NotResource"), where)
        if "Principal" in statement or "NotPrincipal" in statement:
            raise ResourceError(f"{where} has a Principal, which only a trust policy can have: remove it.")
    return document


def parse_trust_policy(value: Any, option: str) -> dict[str, Any]:
    """Return the document of a trust policy, from a dictionary or JSON text. Raises :class:`ResourceError` for a
    document that IAM refuses."""
    document = _document(value, option)
    for number, statement in enumerate(statements(document), 1):
        where = f"{option}, statement {number}"
        _exactly_one(statement, ("Action", "NotAction"), where)
        _exactly_one(statement, ("Principal", "NotPrincipal"), where)
        if "Resource" in statement or "NotResource" in statement:
            raise ResourceError(f"{where} has a Resource, which a trust policy cannot have: remove it.")
        _validate_principal(statement.get("Principal") or statement.get("NotPrincipal"), where)
    return document


def _document(value: Any, option: str) -> dict[str, Any]:
    """Parse a policy document, and check the elements that all kinds of policies have. Raises
    :class:`ResourceError`."""
    if isinstance(value, str):
        try:
            value = json_text.parsed(value)
        except ValueError as error:
            raise ResourceError(
                f"{option} is not JSON: {error}. Set a policy document as JSON text or as a dictionary."
            ) from error
    if not isinstance(value, dict):
        raise ResourceError(
            f"{option} is of type {type(value).__name__} and not a policy document: set a policy document as JSON text "
            "or as a dictionary."
        )
    unknown = sorted(set(value) - {"Version", "Id", "Statement"})
    if unknown:
        raise ResourceError(
            f"{option} has {', '.join(map(repr, unknown))}, but a policy document can have Version, Id and Statement "
            "only: remove the others."
        )
    version = value.get("Version", VERSION)
    # YAML reads 2012-10-17 without quotes as a date.
    if str(version) not in (VERSION, "2008-10-17"):
        raise ResourceError(f"{option} has the Version {version!r}: set {VERSION!r} or '2008-10-17'.")
    if not value.get("Statement") or not isinstance(value["Statement"], (dict, list)):
        raise ResourceError(f"{option} has no Statement: add at least one.")
    for number, statement in enumerate(statements(value), 1):
        where = f"{option}, statement {number}"
        if not isinstance(statement, dict):
            raise ResourceError(f"{where} is not a dictionary: write Effect, Action and the other elements.")
        unknown = sorted(set(statement) - _STATEMENT_KEYS)
        if unknown:
            raise ResourceError(
                f"{where} has elements that IAM does not know ({', '.join(map(repr, unknown))}): remove or correct "
                "them."
            )
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise ResourceError(f"{where} has the Effect {statement.get('Effect')!r}: write Allow or Deny.")
        _validate_condition(statement.get("Condition", {}), where)
    return {**value, **({"Version": str(version)} if "Version" in value else {})}


def _validate_principal(principal: Any, where: str) -> None:
    """Raise :class:`ResourceError` unless the principal is a text, or a dictionary of kinds with a name or a list of
    names."""
    by_kind = {"AWS": principal} if isinstance(principal, str) else principal
    if not isinstance(by_kind, dict) or not all(
        names and all(map(_is_scalar, as_list(names))) for names in by_kind.values()
    ):
        raise ResourceError(f"{where}: write the principal as '*' or as {{AWS: a name or a list of names}}.")


def _validate_condition(condition: Any, where: str) -> None:
    """Raise :class:`ResourceError` unless the condition has operators with keys, and each key has a value or a list of
    values."""
    blocks = condition.values() if isinstance(condition, dict) else [None]
    for keys in blocks:
        if not isinstance(keys, dict) or not all(
            _is_scalar(value) for values in keys.values() for value in as_list(values)
        ):
            raise ResourceError(f"{where}: write the Condition as {{operator: {{key: a value or a list of values}}}}.")


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, bool, int, float))


def _exactly_one(statement: dict[str, Any], keys: tuple[str, str], where: str) -> None:
    if sum(bool(statement.get(key)) for key in keys) != 1:
        raise ResourceError(f"{where} does not have exactly one of {' and '.join(keys)}: set one of them.")


def statements(document: dict[str, Any]) -> list[Any]:
    """The statements as a list, because IAM accepts a single statement without a list."""
    return as_list(document.get("Statement"))


def as_list(value: Any) -> list[Any]:
    """A value as a list, because IAM accepts a single value wherever it accepts a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def to_json(document: dict[str, Any]) -> str:
    """The JSON text of a document for a call of IAM."""
    return json.dumps(document)


def validate_policy_size(document: dict[str, Any], option: str) -> None:
    """Raise :class:`ResourceError` for a document that is too long for a managed policy."""
    _validate_size(document, MOST_POLICY_CHARACTERS, option)


def validate_trust_size(document: dict[str, Any], option: str) -> None:
    """Raise :class:`ResourceError` for a document that is longer than the highest quota of trust policies."""
    _validate_size(document, MOST_TRUST_CHARACTERS, option)


def validate_session_duration(seconds: int | None) -> None:
    """Raise :class:`ResourceError` for a maximum session duration that IAM refuses (IAM API reference, CreateRole)."""
    if seconds is not None and not 3600 <= seconds <= 43200:
        raise ResourceError(f"max_session_duration is {seconds}: set 3600 to 43200 seconds (one to twelve hours).")


def validate_role_description(text: str) -> None:
    """Raise :class:`ResourceError` for a description that IAM refuses (IAM API reference, CreateRole)."""
    if len(text) > 1000:
        raise ResourceError("description is longer than the 1000 characters that IAM allows for a role: shorten it.")


def _validate_size(document: dict[str, Any], most: int, option: str) -> None:
    size = len(re.sub(r"\s", "", to_json(document)))
    if size > most:
        raise ResourceError(
            f"{option} results in a document of {size} characters without white space, and IAM allows {most}: use "
            "patterns with *, or fewer items."
        )


def equivalent(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two documents have the same meaning for IAM."""
    return bool(canonical(one) == canonical(other))


def canonical(document: dict[str, Any]) -> Any:
    """Convert a document to a form that can be compared. Single values become lists, and lists are sorted. Texts for
    which IAM ignores letter case are in small letters."""
    return {
        "Version": str(document.get("Version", "2008-10-17")),
        "Id": document.get("Id"),
        "Statement": sorted(map(canonical_statement, statements(document)), key=_ordered_json),
    }


def _ordered_json(statement: dict[str, Any]) -> str:
    return json.dumps(statement, sort_keys=True)


def canonical_statement(statement: dict[str, Any]) -> dict[str, Any]:
    """Convert a statement to the form of :func:`canonical`. Its conditions are triples of operator, key and values."""
    shaped: dict[str, Any] = {}
    for key, value in statement.items():
        if key in ("Action", "NotAction"):
            shaped[key] = _texts(item.lower() for item in map(_text, as_list(value)))
        elif key in ("Resource", "NotResource"):
            shaped[key] = _texts(map(_text, as_list(value)))
        elif key in ("Principal", "NotPrincipal"):
            by_kind = value if isinstance(value, dict) else {"AWS": value}
            shaped[key] = {kind: _texts(map(_account, as_list(names))) for kind, names in by_kind.items()}
        elif key == "Condition":
            shaped[key] = _canonical_condition(value)
        else:
            shaped[key] = value.capitalize() if key == "Effect" else value
    return shaped


def _canonical_condition(condition: dict[str, Any]) -> list[Any]:
    """Convert a condition to triples of operator, key and values. In a dictionary, keys that differ in letter case only
    would replace each other."""
    triples = [
        [operator, key.lower(), _texts(map(_text, as_list(values)))]
        for operator, keys in condition.items()
        for key, values in keys.items()
    ]
    return sorted(triples)


def _texts(items: Any) -> list[str]:
    return sorted(set(items))


def _text(value: Any) -> str:
    """The text of a value, because IAM stores numbers and truth values as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _account(principal: Any) -> str:
    """The id of the account, if the principal is the root user of an account, because IAM stores an account id as this
    ARN. Another principal is returned as text."""
    text = _text(principal)
    found = _ROOT_ARN.fullmatch(text)
    return found[1] if found else text


def is_dead_principal(name: str) -> bool:
    """Whether a principal is a unique id. IAM shows it instead of the ARN after the principal was deleted."""
    return _UNIQUE_ID.fullmatch(name) is not None


def dead_principals(document: dict[str, Any]) -> list[str]:
    """The principals of a document that were deleted after the document was saved."""
    return [
        name
        for statement in statements(document)
        if isinstance(statement.get("Principal"), dict)
        for name in as_list(statement["Principal"].get("AWS"))
        if is_dead_principal(name)
    ]
