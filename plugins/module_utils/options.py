# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules: the groups that several modules share, and the conversion of the values."""

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
    "text and not a dictionary: write a dictionary. Before ansible-core 2.19, an expression with a date or .nan in its "
    "value results in text: put the date or .nan in quotes."
)

# The options with the address of a service.
ADDRESSES = ("api_url", "endpoint_url", "host")


@dataclass(frozen=True)
class Options:
    """The options of a module, named like the arguments of ``AnsibleModule``.

    ``identifying`` are options that identify the object and have a default or an alternative. A removal with an empty
    one is an error, because the default may be another object than the user means. A required option that is empty
    counts as missing.
    """

    argument_spec: dict[str, Any] = field(default_factory=dict)
    mutually_exclusive: tuple[Any, ...] = ()
    required_together: tuple[Any, ...] = ()
    required_one_of: tuple[Any, ...] = ()
    required_if: tuple[Any, ...] = ()
    identifying: tuple[str, ...] = ()

    def merge(self, *others: Options) -> Options:
        """These options and those of ``others``. If several define an option, the last definition is used."""
        merged: dict[str, Any] = {}
        for part in fields(self):
            values = [getattr(options, part.name) for options in (self, *others)]
            if part.name == "argument_spec":
                merged[part.name] = {name: spec for value in values for name, spec in value.items()}
            else:
                merged[part.name] = tuple(item for value in values for item in value)
        return Options(**merged)

    def module_arguments(self) -> dict[str, Any]:
        """The keyword arguments for ``AnsibleModule`` and ``ArgumentSpecValidator``."""
        own = ("argument_spec", "identifying")
        arguments = {part.name: [*getattr(self, part.name)] for part in fields(self) if part.name not in own}
        return {"argument_spec": self.argument_spec, **arguments}

    def check(self, given: dict[str, Any]) -> ValidationResult:
        """Validate as ``AnsibleModule`` does, and register the secrets among the values (:mod:`redaction`)."""
        try:
            result = ArgumentSpecValidator(**self.module_arguments()).validate(given)
        except (TypeError, ValueError):
            # Ansible-core before 2.19 raises this for an option with suboptions whose value is text with an equals
            # sign.
            texts_given = [name for name, spec in self.argument_spec.items() if "options" in spec and given.get(name)]
            result = ValidationResult(given)
            result.errors.append(
                ArgumentTypeError(f"{' or '.join(texts_given)} is not a dictionary: write a dictionary")
            )
        for name, spec in self.argument_spec.items():
            # Ansible-core before 2.19 accepts text that looks like a Python call as a dictionary.
            if spec.get("type") == "dict" and isinstance(result.validated_parameters.get(name), str):
                result.errors.append(ArgumentTypeError(f"{name} is {NO_DICTIONARY}"))
        register(result._no_log_values)
        for name in ADDRESSES:
            # The client refuses an address with a password later, and its message must not show the password.
            register_address(str(given.get(name) or ""))
        return result

    def invocation(self, given: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """Return the parameters with masked secrets, and the texts that are secrets although their option is not
        ``no_log``.

        A parameter that is not an option is masked, because it may be a misspelled secret. In an option with a secret
        suboption, such as a secret store, every value with a wrong name or type is masked, too.
        """
        secrets: set[str] = set()
        known = {alias: spec for name, spec in self.argument_spec.items() for alias in (name, *spec.get("aliases", ()))}
        shown = {
            name: shown_value(known[name], value, secrets) if name in known else MASK for name, value in given.items()
        }
        for name in ADDRESSES:
            # Mask user and password together: Ansible would mask the password only.
            for secret in credentials_of(str(given.get(name) or ""))[:1]:
                shown[name] = str(given[name]).replace(secret, MASK)
        return shown, secrets

    def normalise(self, validated: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """Accept the values of a form or a survey. An empty text counts as not set, and a list can be one text with a
        line for each item.

        Takes validated parameters. They are validated again without the empty ones, so that defaults and environment
        variables apply, and an empty required option is missing. Returns the parameters and the secrets among them.
        Raises :class:`ResourceError`.
        """
        for name in self.identifying if validated.get("state", "absent") == "absent" else ():
            if isinstance(validated.get(name), str) and not validated[name].strip():
                raise ResourceError(
                    f"{name} is empty, so it is not clear what to remove: set {name}, or leave the option out."
                )
        result = self.check(given_values(self.argument_spec, validated))
        if result.error_messages:
            raise ResourceError(result.error_messages[0])
        return result.validated_parameters, result._no_log_values


def given_values(argument_spec: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The parameters that are not empty, with lists split into items. Names of aliases are left out."""
    given = {name: given_value(spec, params[name]) for name, spec in argument_spec.items() if name in params}
    return {name: value for name, value in given.items() if value is not None}


def specified(value: Any) -> Any:
    """The value of an option with suboptions, without those that are ``None``."""
    if isinstance(value, dict):
        return {key: specified(item) for key, item in value.items() if item is not None}
    return [specified(item) for item in value] if isinstance(value, list) else value


def given_value(spec: dict[str, Any], value: Any) -> Any:
    """The value of one option, ``None`` if it counts as not set."""
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
    """The value of an option, with a mask for values that may be misplaced secrets. Their texts are added to
    ``secrets``. ``beside_secret`` says that a suboption next to this one is secret, so its value may be here by
    mistake."""
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


# The types that YAML gives to some texts without quotes.
_NO_TEXTS: dict[str, Any] = {
    "a truth value": bool,
    "a number": (int, float),
    "a date": datetime.date,
    "a list": (list, tuple),
    "a dictionary": dict,
}


def name_text(value: Any, variable: str, default: str = "") -> str:
    """The name in a variable, or the default if the variable is empty.

    Raises :class:`ResourceError` for a value that is not text. YAML 1.1 reads names such as ``0x10``, ``yes`` and
    ``2026-01-31`` as a number, a truth value and a date. The text of such a value differs from the text of the user.
    """
    if value is None or value == "":
        return default
    kind = next((words for words, types in _NO_TEXTS.items() if isinstance(value, types)), None)
    if kind:
        raise ResourceError(
            f"{variable} must be text, but YAML reads {kind}, {value}, instead. Write the name in quotes, as it is in "
            "AWS or Apono.",
            code="NameIsNoText",
        )
    # A value from a vault is a subclass of text.
    return str(value)


STATE = Options({"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}})

CHECK_PERMISSIONS = Options({"check_permissions": {"type": "bool", "default": True}})

TAGS = Options(
    {"tags": {"type": "dict", "aliases": ["resource_tags"]}, "purge_tags": {"type": "bool", "default": True}}
)

# The external id of a role can come from the environment, because it is a secret and does not belong in an inventory.
EXTERNAL_ID = (env_fallback, ["APONO_ASSUME_ROLE_EXTERNAL_ID"])

# Credentials have no fallback here, because botocore reads AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL and the
# others in its own order of precedence. A secret from the environment must not become a parameter, which a result could
# show.
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

# The client reads the variables K8S_AUTH_*, and only if cluster_name is not set.
KUBERNETES = Options(
    {
        "cluster_name": {"type": "str"},
        "cluster_id": {"type": "str"},
        "kubeconfig": {"type": "path"},
        "context": {"type": "str"},
        "host": {"type": "str"},
        "api_key": {"type": "str", "no_log": True},
        "ca_cert": {"type": "str", "aliases": ["ssl_ca_cert"]},
        # In kubernetes.core, this is an alias of validate_certs. Here validate_certs is the option for AWS, and each
        # service has an option of its own.
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
