# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules: groups that several share, and how given values are read."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, fields
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.errors import ArgumentTypeError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import (
    MASK,
    credentials_of,
    register,
    register_address,
    texts,
)

NO_DICTIONARY = (
    "a text that is no dictionary: write a dictionary. Before ansible-core 2.19, an expression gives such a text if "
    "there is a date or .nan in its value: put those in quotes."
)

# Options that are addresses of services.
ADDRESSES = ("api_url", "endpoint_url", "host")


@dataclass(frozen=True)
class Options:
    """What a module takes, in the words of ``AnsibleModule``'s arguments.

    ``identifying`` are options that say which object is meant and that something else stands in for when they are not
    given: an empty one is an error where something is removed. (An empty option that is required is missing.)
    """

    argument_spec: dict[str, Any] = field(default_factory=dict)
    mutually_exclusive: tuple[Any, ...] = ()
    required_together: tuple[Any, ...] = ()
    required_one_of: tuple[Any, ...] = ()
    required_if: tuple[Any, ...] = ()
    identifying: tuple[str, ...] = ()

    def merge(self, *others: Options) -> Options:
        """These options and the others'. An option that two of them have is the last one's."""
        merged: dict[str, Any] = {}
        for part in fields(self):
            values = [getattr(options, part.name) for options in (self, *others)]
            if part.name == "argument_spec":
                merged[part.name] = {name: spec for value in values for name, spec in value.items()}
            else:
                merged[part.name] = tuple(item for value in values for item in value)
        return Options(**merged)

    def module_arguments(self) -> dict[str, Any]:
        """Keyword arguments for ``AnsibleModule`` and ``ArgumentSpecValidator``."""
        own = ("argument_spec", "identifying")
        arguments = {part.name: [*getattr(self, part.name)] for part in fields(self) if part.name not in own}
        return {"argument_spec": self.argument_spec, **arguments}

    def check(self, given: dict[str, Any]) -> ValidationResult:
        """Validate as ``AnsibleModule`` does; secrets among the values are registered (:mod:`redaction`)."""
        try:
            result = ArgumentSpecValidator(**self.module_arguments()).validate(given)
        except (TypeError, ValueError):
            # Before ansible-core 2.19, of a text with an equals sign in place of a dictionary that has options.
            texts_given = [name for name, spec in self.argument_spec.items() if "options" in spec and given.get(name)]
            result = ValidationResult(given)
            result.errors.append(ArgumentTypeError(f"{' or '.join(texts_given)} is not a dictionary"))
        for name, spec in self.argument_spec.items():
            # Before ansible-core 2.19, a text that looks like a call of Python is validated as a dictionary.
            if spec.get("type") == "dict" and isinstance(result.validated_parameters.get(name), str):
                result.errors.append(ArgumentTypeError(f"{name} is {NO_DICTIONARY}"))
        register(result._no_log_values)
        for name in ADDRESSES:
            # With a password in it, it is refused by what takes it.
            register_address(str(given.get(name) or ""))
        return result

    def invocation(self, given: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """The parameters as they may be shown, and texts among them that are secrets though no option says so.

        What has the name of no option is masked, for it may be a misspelt secret. In an option that has a secret in it,
        such as a secret store, so is all that is not where it belongs.
        """
        secrets: set[str] = set()
        known = {alias: spec for name, spec in self.argument_spec.items() for alias in (name, *spec.get("aliases", ()))}
        shown = {
            name: shown_value(known[name], value, secrets) if name in known else MASK for name, value in given.items()
        }
        for name in ADDRESSES:
            # The whole of user and password, before Ansible masks the password alone.
            for secret in credentials_of(str(given.get(name) or ""))[:1]:
                shown[name] = str(given[name]).replace(secret, MASK)
        return shown, secrets

    def normalise(self, validated: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """Read what a form or a survey gives: an empty text is "not given", a list may be one text with a line for
        each item.

        Takes validated parameters and validates again without the empty ones, so that defaults and environment
        variables step in and a required option that is empty is missing. Returns the parameters and the secrets among
        them; raises :class:`ResourceError`.
        """
        for name in self.identifying if validated.get("state", "absent") == "absent" else ():
            if isinstance(validated.get(name), str) and not validated[name].strip():
                raise ResourceError(
                    f"{name} is empty, and something is to be removed: set {name} to what is meant, or leave it out."
                )
        result = self.check(given_values(self.argument_spec, validated))
        if result.error_messages:
            raise ResourceError(result.error_messages[0])
        return result.validated_parameters, result._no_log_values


def given_values(argument_spec: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The parameters that were really given, under the options' own names, lists split into items."""
    given = {name: given_value(spec, params[name]) for name, spec in argument_spec.items() if name in params}
    return {name: value for name, value in given.items() if value is not None}


def specified(value: Any) -> Any:
    """What is set of an option with suboptions: nothing of what is ``None``."""
    if isinstance(value, dict):
        return {key: specified(item) for key, item in value.items() if item is not None}
    return [specified(item) for item in value] if isinstance(value, list) else value


def given_value(spec: dict[str, Any], value: Any) -> Any:
    """One option's value, ``None`` when it is as good as not given."""
    if isinstance(value, str):
        return value if value.strip() else None
    if "options" in spec and isinstance(value, dict):
        return given_values(spec["options"], value)
    if "options" in spec and isinstance(value, list):
        return [given_values(spec["options"], item) for item in value]
    if spec.get("elements") == "str" and value:
        items = [line.strip() for item in value for line in str(item).splitlines()]
        return [item for item in items if item] or None
    return value


def shown_value(spec: dict[str, Any], value: Any, secrets: set[str], beside_secret: bool = False) -> Any:
    """An option's value with a mask for what is not where it belongs; its texts are added to the secrets.
    ``beside_secret`` is for an option of one that has a secret in it, which may have been put here by mistake."""
    inner = spec.get("options")
    if value is None or spec.get("no_log") or not (inner and (beside_secret or has_secret(inner))):
        return value
    if not isinstance(value, dict):
        secrets.update(texts(value))
        return MASK
    shown = {}
    for name, item in value.items():
        if name not in inner or (isinstance(item, (dict, list)) and inner[name]["type"] == "str"):
            secrets.update(texts(item))
            shown[name] = MASK
        else:
            shown[name] = shown_value(inner[name], item, secrets, beside_secret=True)
    return shown


def has_secret(argument_spec: dict[str, Any]) -> bool:
    return any(spec.get("no_log") or has_secret(spec.get("options", {})) for spec in argument_spec.values())


# What YAML makes of a text without quotes.
_NO_TEXTS: dict[str, Any] = {
    "a truth value": bool,
    "a number": (int, float),
    "a date": datetime.date,
    "a list": (list, tuple),
    "a dictionary": dict,
}


def name_text(value: Any, variable: str, default: str = "") -> str:
    """The name that a variable has, or the default where it is empty.

    YAML 1.1 makes numbers, truth values and dates of names such as ``0x10``, ``yes`` and ``2026-01-31``, which are
    other names as texts. Raises :class:`ResourceError` for a value that is no text.
    """
    if value is None or value == "":
        return default
    kind = next((words for words, types in _NO_TEXTS.items() if isinstance(value, types)), None)
    if kind:
        raise ResourceError(
            f"{variable} has to be a text, and YAML has read {kind}, {value}. Write the name in quotes, as it is in "
            "AWS or Apono.",
            code="NameIsNoText",
        )
    # A text, or one from a vault.
    return str(value)


STATE = Options({"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}})

FORESIGHT = Options({"check_permissions": {"type": "bool", "default": True}})

TAGS = Options(
    {"tags": {"type": "dict", "aliases": ["resource_tags"]}, "purge_tags": {"type": "bool", "default": True}}
)

# Where a role's external id comes from when it is not set: a secret has no place in an inventory.
EXTERNAL_ID = (env_fallback, ["APONO_ASSUME_ROLE_EXTERNAL_ID"])

# Credentials have no fallback here: botocore itself reads AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL and the
# rest,
# in its own order of precedence, and a secret from the environment never becomes a parameter that could be shown.
AWS = Options(
    {
        "region": {
            "type": "str",
            "aliases": ["aws_region", "ec2_region"],
            "fallback": (env_fallback, ["AWS_REGION", "AWS_DEFAULT_REGION", "EC2_REGION"]),
        },
        "profile": {"type": "str", "aliases": ["aws_profile"]},
        "access_key": {"type": "str", "aliases": ["aws_access_key_id", "aws_access_key"], "no_log": False},
        "secret_key": {"type": "str", "aliases": ["aws_secret_access_key", "aws_secret_key"], "no_log": True},
        "session_token": {
            "type": "str",
            "aliases": ["aws_session_token", "aws_security_token", "security_token"],
            "no_log": True,
        },
        "endpoint_url": {"type": "str", "aliases": ["aws_endpoint_url"], "fallback": (env_fallback, ["AWS_URL"])},
        "aws_ca_bundle": {"type": "path"},
        "validate_certs": {"type": "bool"},
        "assume_role_arn": {"type": "str", "fallback": (env_fallback, ["APONO_ASSUME_ROLE_ARN"])},
        "assume_role_external_id": {"type": "str", "no_log": True, "fallback": EXTERNAL_ID},
        "assume_role_session_name": {"type": "str", "default": "apono-eks"},
    },
    required_together=(("access_key", "secret_key"),),
    mutually_exclusive=(("profile", "access_key"), ("profile", "secret_key"), ("profile", "session_token")),
)

# K8S_AUTH_* are read by the client, and only where no cluster_name says which cluster is meant.
KUBERNETES = Options(
    {
        "cluster_name": {"type": "str"},
        "cluster_id": {"type": "str"},
        "kubeconfig": {"type": "path"},
        "context": {"type": "str"},
        "host": {"type": "str"},
        "api_key": {"type": "str", "no_log": True},
        "ca_cert": {"type": "str", "aliases": ["ssl_ca_cert"]},
        # kubernetes.core has it as an alias of validate_certs, which is the name of the option for AWS here: each
        # service has its own.
        "verify_ssl": {"type": "bool"},
        "connect_timeout": {"type": "int", "default": 10},
    },
    mutually_exclusive=(
        ("cluster_name", "kubeconfig"),
        ("cluster_name", "context"),
        ("host", "kubeconfig"),
        ("host", "context"),
    ),
)

APONO = Options(
    {
        "api_url": {
            "type": "str",
            "default": "https://api.apono.io",
            "fallback": (env_fallback, ["APONO_ENDPOINT"]),
        },
        "api_token": {
            "type": "str",
            "no_log": True,
            "fallback": (env_fallback, ["APONO_API_TOKEN", "APONO_PERSONAL_TOKEN", "APONO_TOKEN"]),
        },
        "api_timeout": {"type": "int", "default": 30},
        "api_retries": {"type": "int", "default": 5},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
    },
)
