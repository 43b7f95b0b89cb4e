# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's rules for credential types, credentials and surveys, and for the values that a job gets from them.

From AWX's source: ``awx/main/fields.py`` (CredentialTypeInputField, CredentialTypeInjectorField, CredentialInputField),
``awx/api/views`` (JobTemplateSurveySpec), ``awx/main/models/mixins.py`` (SurveyJobTemplateMixin) and
``awx_plugins/interfaces`` (the injection into a job).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import Draft4Validator

ENCRYPTED = "$encrypted$"

NAME = "^[a-zA-Z_]+[a-zA-Z0-9_]*$"

# awx/main/constants.py, ENV_BLOCKLIST
FORBIDDEN_ENVIRONMENT = {
    "VIRTUAL_ENV",
    "PATH",
    "PYTHONPATH",
    "JOB_ID",
    "INVENTORY_ID",
    "INVENTORY_SOURCE_ID",
    "INVENTORY_UPDATE_ID",
    "AD_HOC_COMMAND_ID",
    "REST_API_URL",
    "REST_API_TOKEN",
    "MAX_EVENT_RES",
    "CALLBACK_QUEUE",
    "CALLBACK_CONNECTION",
    "CACHE",
    "JOB_CALLBACK_DEBUG",
    "INVENTORY_HOSTVARS",
    "AWX_HOST",
    "PROJECT_REVISION",
    "SUPERVISOR_CONFIG_PATH",
}

INPUTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "required": {"type": "array", "items": {"type": "string"}},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "label"],
                "properties": {
                    "type": {"enum": ["string", "boolean"]},
                    "format": {"enum": ["ssh_private_key", "url"]},
                    "choices": {"type": "array", "minItems": 1, "items": {"type": "string"}, "uniqueItems": True},
                    "id": {"type": "string", "pattern": NAME},
                    "label": {"type": "string"},
                    "help_text": {"type": "string"},
                    "multiline": {"type": "boolean"},
                    "secret": {"type": "boolean"},
                    "ask_at_runtime": {"type": "boolean"},
                    "default": {},
                },
            },
        },
    },
}

INJECTORS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "file": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {r"^template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?$": {"type": "string"}},
        },
        "env": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {NAME: {"type": "string", "pattern": "^[\x00-\x7f]*$"}},
        },
        "extra_vars": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {
                r"^[a-zA-Z_\{\}]+[a-zA-Z0-9_\{\}]*$": {
                    "anyOf": [{"type": "string"}, {"type": "array"}, {"$ref": "#/properties/extra_vars"}]
                }
            },
        },
    },
}

# The types of defaults by the type of the question (SURVEY_TYPE_MAPPING). Answers have the same types, except for a
# multiple choice.
QUESTIONS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (float, int),
}
ANSWERS = {**QUESTIONS, "multiselect": list}


class Refusal(Exception):
    """AWX answers 400, with ``errors`` as the body."""

    def __init__(self, **errors: Any) -> None:
        super().__init__(str(errors))
        self.errors = errors


def check(schema: dict[str, Any], document: Any, what: str) -> None:
    """:raises Refusal: The document does not match the schema."""
    found = [f"{list(error.path)}: {error.message}" for error in Draft4Validator(schema).iter_errors(document)]
    if found:
        raise Refusal(**{what: found})


def check_credential_type(inputs: dict[str, Any], injectors: dict[str, Any]) -> None:
    """:raises Refusal: AWX does not accept the credential type."""
    check(INPUTS, inputs, "inputs")
    fields = inputs.get("fields", [])
    names = [one["id"] for one in fields]
    if "tower" in names:
        raise Refusal(inputs=['"tower" is a reserved field name'])
    if len(set(names)) < len(names):
        raise Refusal(inputs=["field IDs must be unique"])
    for one in fields:
        kind = one.get("type", "string")
        if "default" in one and not isinstance(one["default"], {"string": str, "boolean": bool}[kind]):
            raise Refusal(inputs=[f"{one['default']} is not a {kind}"])
        for key in ("choices", "multiline", "format", "secret"):
            if key in one and kind != "string":
                raise Refusal(inputs=[f"{key} not allowed for {kind} type ({one['id']})"])
    # AWX does not check this. A required field that does not exist can never get a value.
    if unknown := set(inputs.get("required", [])) - set(names):
        raise Refusal(inputs=[f"required: no fields {sorted(unknown)}"])
    check(INJECTORS, injectors, "injectors")
    files = list(injectors.get("file", {}))
    if "template" in files and len(files) > 1:
        raise Refusal(injectors=["Must use multi-file syntax when injecting multiple files"])
    for name in injectors.get("env", {}):
        if name.startswith("ANSIBLE_") or name in FORBIDDEN_ENVIRONMENT:
            raise Refusal(injectors=[f"Environment variable {name} is not allowed to be used in credentials."])
    example = {**dict.fromkeys(names, "EXAMPLE"), "tower": tower(dict.fromkeys(files, "EXAMPLE_FILENAME"))}
    try:
        render(injectors, example, undefined=StrictUndefined)
    except TemplateError as error:
        raise Refusal(injectors=[f"uses an undefined field or does not parse ({error})"]) from error


def check_credential(inputs: dict[str, Any], values: dict[str, Any]) -> None:
    """:raises Refusal: The values do not match the fields of the credential type."""
    properties = {one["id"]: {"type": one.get("type", "string")} for one in inputs.get("fields", [])}
    for one in inputs.get("fields", []):
        if one.get("choices"):
            properties[one["id"]]["enum"] = one["choices"]
        if one.get("format") == "url" and values.get(one["id"]):
            properties[one["id"]]["pattern"] = "^[a-z][a-z0-9+.-]*://[^/]+"
    check({"type": "object", "properties": properties, "additionalProperties": False}, values, "inputs")


def missing_inputs(inputs: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """Return required fields without a value. A job with such a credential does not start."""
    return [name for name in inputs.get("required", []) if not values.get(name)]


def check_survey(survey: Any, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the survey as AWX stores it. ``before`` is the survey that it replaces. :raises Refusal: AWX does not
    accept the survey."""
    for key, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(survey, dict) or not isinstance(survey.get(key), kind):
            raise Refusal(error=f"Field '{key}' is missing from survey spec, or is no {kind.__name__}.")
    if not survey["spec"]:
        raise Refusal(error="'spec' doesn't contain any items.")
    known = {question["variable"]: question for question in (before or {}).get("spec", [])}
    kept = [check_question(index, question, known) for index, question in enumerate(survey["spec"])]
    variables = [question["variable"] for question in kept]
    if twice := {name for name in variables if variables.count(name) > 1}:
        raise Refusal(error=f"'variable' {sorted(twice)} duplicated in survey.")
    return {**survey, "spec": kept}


def check_question(index: int, question: Any, before: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(question, dict):
        raise Refusal(error=f"Survey question {index} is not a json object.")
    for key, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(question.get(key), kind):
            raise Refusal(error=f"'{key}' missing from survey question {index}, or no {kind.__name__}.")
    kind = question["type"]
    if kind not in QUESTIONS:
        raise Refusal(error=f"'{kind}' in survey question {index} is not one of the allowed question types.")
    default = question.get("default", "")
    if default != "" and (not isinstance(default, QUESTIONS[kind]) or isinstance(default, bool)):
        raise Refusal(error=f"Default value in survey question {index} expected to be {kind}.")
    if isinstance(default, str) and default.startswith(ENCRYPTED):
        # The placeholder of a default that AWX has stored.
        if kind != "password" or "default" not in before.get(question["variable"], {}):
            raise Refusal(error=f"{ENCRYPTED} is a reserved keyword, may not be used in position {index}.")
        question = {**question, "default": before[question["variable"]]["default"]}
    for key in ("min", "max"):
        if question.get(key) is not None and not isinstance(question[key], int):
            raise Refusal(error=f"The {key} limit in survey question {index} expected to be integer.")
    if kind not in ("multiplechoice", "multiselect"):
        return question
    if "choices" not in question:
        raise Refusal(error=f"Survey question {index} of type {kind} must specify choices.")
    if question["choices"] is None:
        # AWX stores it, but no answer matches a choice.
        return question
    choices = lines(question["choices"])
    if kind == "multiplechoice" and len(lines(default)) > 1:
        raise Refusal(error="Multiple Choice (Single Select) can only have one default value.")
    if set(lines(default)) - set(choices):
        raise Refusal(error="Default choice must be answered from the choices listed.")
    return {**question, "choices": "\n".join(choices)}


def lines(value: str | list[str]) -> list[str]:
    return [line for line in (value.splitlines() if isinstance(value, str) else value) if line.strip()]


def answered(survey: dict[str, Any], answers: dict[str, Any], others_allowed: bool) -> dict[str, Any]:
    """Return the variables of a launch: the defaults of the survey, overridden by the answers.

    :raises Refusal: An answer does not match its question, or has no question.
    """
    questions = {question["variable"]: question for question in survey.get("spec", [])}
    problems = [
        text
        for name, question in questions.items()
        for text in answer_problems(question, answers.get(name), name in answers)
    ]
    if problems:
        raise Refusal(variables_needed_to_start=problems)
    unasked = sorted(set(answers) - set(questions))
    if unasked and not others_allowed:
        raise Refusal(extra_vars=[f"Variables {', '.join(unasked)} are not allowed on launch."])
    # AWX uses a default only if it is a valid answer to the question.
    defaults = {
        name: question["default"]
        for name, question in questions.items()
        if question.get("default") is not None and not answer_problems(question, question["default"], True)
    }
    return {**defaults, **answers}


def answer_problems(question: dict[str, Any], answer: Any, is_given: bool) -> list[str]:
    name, kind = question["variable"], question["type"]
    if not is_given:
        return [f"'{name}' value missing"] if question["required"] else []
    if not isinstance(answer, ANSWERS[kind]) or isinstance(answer, bool):
        return [f"Value {answer} for '{name}' expected to be {kind}."]
    if kind in ("multiplechoice", "multiselect"):
        return [
            f"Value {one} for '{name}' expected to be one of {lines(question['choices'] or '')}."
            for one in (answer if isinstance(answer, list) else [answer])
            if one not in lines(question["choices"] or "")
        ]
    size = answer if isinstance(answer, (int, float)) else len(str(answer))
    # A minimum also applies to an optional answer, so an empty answer is possible only without a minimum.
    least, most = question.get("min"), question.get("max")
    limits = [("small", least)] if least not in ("", None) and size < least else []
    limits += [("large", most)] if most not in ("", None) and size > most else []
    return [f"'{name}' value {answer} is too {word} ({limit})." for word, limit in limits]


@dataclass
class Injection:
    """The values that a job gets. ``files`` has contents by the placeholder of their path in ``env`` and
    ``extra_vars``."""

    env: dict[str, str] = field(default_factory=dict)
    extra_vars: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def inject(inputs: dict[str, Any], injectors: dict[str, Any], values: dict[str, Any], folder: str) -> Injection:
    """Return the values of a credential for a job whose files are in ``folder``. A template renders an empty field as
    an empty text, and an empty boolean is false."""
    flags = {one["id"]: False for one in inputs.get("fields", []) if one.get("type") == "boolean"}
    given = {name: value for name, value in values.items() if value != ""}
    paths = {name: f"{folder}/{name}" for name in injectors.get("file", {})}
    made = render(injectors, {**flags, **given, "tower": tower(paths)})
    files = {paths[name]: content for name, content in made.get("file", {}).items()}
    return Injection(made.get("env", {}), made.get("extra_vars", {}), files)


class Named(SimpleNamespace):
    """The paths of several files, without a common path."""

    def __str__(self) -> str:
        raise UndefinedError("Must define unnamed file injector in order to reference `tower.filename`.")


def tower(paths: dict[str, str]) -> SimpleNamespace:
    """Return the namespace ``tower``, with the path of the only file, or the path of each file by its name."""
    if "template" in paths:
        return SimpleNamespace(filename=paths["template"])
    return SimpleNamespace(filename=Named(**{name.split(".")[1]: path for name, path in paths.items()}))


def render(value: Any, names: dict[str, Any], **options: Any) -> Any:
    if isinstance(value, dict):
        return {render(key, names, **options): render(item, names, **options) for key, item in value.items()}
    if isinstance(value, list):
        return [render(item, names, **options) for item in value]
    return ImmutableSandboxedEnvironment(**options).from_string(value).render(names)
