# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of AWX 24, as far as the modules of ``awx.awx`` need it, and the content of the jobs of a launch.

It stores valid objects and rejects what AWX rejects: unknown references, names in use, and cycles in a workflow. It
also rejects credentials that a template cannot have, playbooks that a project does not have, and prompts that a
template does not allow. AWX ignores unknown fields. Here they are errors. No job runs.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import yaml

from testbed.awx_rules import (
    ENCRYPTED,
    Injection,
    Refusal,
    answered,
    check,
    check_credential,
    check_credential_type,
    check_survey,
    inject,
    missing_inputs,
)

ROOT = "/api/v2/"
TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
NUMBER = {"type": "integer", "minimum": 0}
MAP = {"type": "object"}
# A playbook for AWX (awx/main/utils/ansible.py) is a file that begins with a play or an import of a playbook.
PLAYBOOK = re.compile(r"^\s*-?\s*(hosts|(ansible\.builtin\.)?import_playbook):\s*\S", re.MULTILINE)
FAILURES = {"notification_templates_error": "notification_templates"}
MANAGED_TYPES = {
    "Amazon Web Services": {
        "inputs": {
            "fields": [
                {"id": "username", "label": "Access Key", "type": "string"},
                {"id": "password", "label": "Secret Key", "type": "string", "secret": True},
                {"id": "security_token", "label": "STS Token", "type": "string", "secret": True},
            ],
            "required": ["username", "password"],
        },
        "injectors": {
            "env": {
                "AWS_ACCESS_KEY_ID": "{{ username }}",
                "AWS_SECRET_ACCESS_KEY": "{{ password }}",
                "AWS_SECURITY_TOKEN": "{{ security_token }}",
                "AWS_SESSION_TOKEN": "{{ security_token }}",
            }
        },
    }
}
# The configuration of a notification, with the defaults of AWX (awx/main/notifications). None: it is required.
NOTIFICATIONS: dict[str, dict[str, Any]] = {
    "slack": {"token": None, "channels": None, "hex_color": ""},
    "webhook": {
        "url": None,
        "http_method": "POST",
        "disable_ssl_verification": False,
        "username": "",
        "password": "",
        "headers": None,
    },
}


def one_of(*choices: Any) -> dict[str, Any]:
    return {"enum": list(choices)}


@dataclass(frozen=True)
class Kind:
    """A type of object. ``fields`` has schemas. A field in ``refers`` has the id of an object of that kind, and
    ``lists`` has the kinds of associated objects."""

    type: str
    fields: dict[str, Any]
    required: tuple[str, ...] = ("name",)
    refers: dict[str, str] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    unique: tuple[str, ...] = ("name", "organization")

    def schema(self) -> dict[str, Any]:
        references = {name: {"type": "integer"} for name in self.refers}
        return {"type": "object", "properties": {**self.fields, **references}, "additionalProperties": False}


PROMPTS = {
    f"ask_{name}_on_launch": FLAG
    for name in ("limit", "variables", "job_type", "diff_mode", "inventory", "credential", "job_slice_count")
}
NAMED = {"name": {"type": "string", "minLength": 1, "maxLength": 512}, "description": TEXT}
LAUNCHED = {"extra_vars": TEXT, "limit": TEXT, "survey_enabled": FLAG, "allow_simultaneous": FLAG, **PROMPTS}
OWNER = {"organization": "organizations"}

KINDS = {
    "organizations": Kind("organization", NAMED, unique=("name",)),
    "credential_types": Kind(
        "credential_type",
        {**NAMED, "kind": one_of("cloud", "net"), "inputs": MAP, "injectors": MAP, "managed": one_of(False)},
        ("name", "kind"),
        unique=("name", "kind"),
    ),
    "credentials": Kind(
        "credential",
        {**NAMED, "inputs": MAP},
        ("name", "credential_type", "organization"),
        {**OWNER, "credential_type": "credential_types"},
        unique=("name", "organization", "credential_type"),
    ),
    "execution_environments": Kind(
        "execution_environment",
        {**NAMED, "image": {"type": "string", "minLength": 1}, "pull": one_of("always", "missing", "never", "")},
        ("name", "image"),
        OWNER,
        unique=("name",),
    ),
    "notification_templates": Kind(
        "notification_template",
        {**NAMED, "notification_type": one_of(*NOTIFICATIONS), "notification_configuration": MAP, "messages": MAP},
        ("name", "organization", "notification_type", "notification_configuration"),
        OWNER,
    ),
    "projects": Kind(
        "project",
        {
            **NAMED,
            "scm_type": one_of("git"),
            "scm_url": {"type": "string", "minLength": 1},
            "scm_branch": TEXT,
            "scm_update_on_launch": FLAG,
            "scm_update_cache_timeout": NUMBER,
            "timeout": NUMBER,
        },
        ("name", "organization", "scm_type", "scm_url"),
        {**OWNER, "credential": "credentials", "default_environment": "execution_environments"},
        FAILURES,
    ),
    "inventories": Kind(
        "inventory",
        {**NAMED, "kind": one_of("", "smart", "constructed", None), "host_filter": {"type": ["string", "null"]}},
        ("name", "organization"),
        OWNER,
    ),
    "inventory_sources": Kind(
        "inventory_source",
        {
            **NAMED,
            "source": one_of("scm"),
            "source_path": TEXT,
            "overwrite": FLAG,
            "overwrite_vars": FLAG,
            "update_on_launch": FLAG,
            "update_cache_timeout": NUMBER,
        },
        ("name", "inventory", "source", "source_project"),
        {
            "inventory": "inventories",
            "source_project": "projects",
            "credential": "credentials",
            "execution_environment": "execution_environments",
        },
        FAILURES,
        ("name", "inventory"),
    ),
    "job_templates": Kind(
        "job_template",
        {
            **NAMED,
            **LAUNCHED,
            "job_type": one_of("run", "check"),
            "playbook": {"type": "string", "minLength": 1},
            "forks": NUMBER,
            "diff_mode": FLAG,
            "job_slice_count": {"type": "integer", "minimum": 1},
        },
        ("name", "project", "playbook"),
        {
            **OWNER,
            "inventory": "inventories",
            "project": "projects",
            "execution_environment": "execution_environments",
        },
        {"credentials": "credentials", **FAILURES},
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {**NAMED, **LAUNCHED},
        ("name",),
        {**OWNER, "inventory": "inventories"},
        {**FAILURES, "notification_templates_approvals": "notification_templates"},
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {
            "identifier": TEXT,
            "extra_data": MAP,
            "limit": TEXT,
            "job_slice_count": {"type": ["integer", "null"], "minimum": 0},
            "type": one_of("workflow_job_template_node"),
        },
        ("identifier", "workflow_job_template"),
        {"workflow_job_template": "workflow_job_templates", "unified_job_template": "unified_job_templates"},
        {f"{way}_nodes": "workflow_job_template_nodes" for way in ("success", "failure", "always")},
        ("identifier", "workflow_job_template"),
    ),
    "workflow_approval_templates": Kind("workflow_approval", {**NAMED, "timeout": NUMBER}, unique=()),
}
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "workflow_approval_templates")


@dataclass
class Job:
    """A job of AWX: a playbook of a project on a slice of the inventory. Slices are numbered from 1."""

    template: dict[str, Any]
    project: dict[str, Any]
    inventory: dict[str, Any]
    extra_vars: dict[str, Any]
    limit: str
    slice: int
    slices: int
    injections: list[Injection]


class Step(NamedTuple):
    """A step of a workflow: the template, its variables, and the number of jobs."""

    template: str
    variables: dict[str, Any]
    slices: int


@dataclass(frozen=True)
class Checkout:
    """The result of the last successful update of a project."""

    revision: str
    playbooks: tuple[str, ...]
    files: frozenset[str]
    # The collections that the update installed. They have precedence over those of the execution environment.
    collections: tuple[str, ...]


@dataclass(frozen=True)
class Update:
    """A finished update of a project."""

    project: int
    status: str
    revision: str

    def shown(self, number: int) -> dict[str, Any]:
        failed = self.status != "successful"
        ended = {"status": self.status, "failed": failed, "finished": "2026-01-01T00:00:00Z", "elapsed": 1.0}
        url = f"{ROOT}project_updates/{number}/"
        return {"id": number, "url": url, "scm_revision": self.revision, "event_processing_finished": True, **ended}


class Awx:
    """The WSGI application. ``projects`` has the folders of projects by the URL of their repository. ``galaxy`` says
    whether the projects can download from Ansible Galaxy."""

    def __init__(self, token: str, projects: dict[str, Path], galaxy: bool = False) -> None:
        self.token = token
        self.projects = projects
        self.galaxy = galaxy
        self.updates: dict[int, Update] = {}
        self.checked_out: dict[int, Checkout] = {}
        self.inventory_variables: dict[int, dict[str, Any]] = {}
        self.objects: dict[int, dict[str, Any]] = {}
        self.endpoints: dict[int, str] = {}
        self.associated: dict[tuple[int, str], list[int]] = {}
        self.surveys: dict[int, dict[str, Any]] = {}
        self.add("organizations", {"name": "Default"})
        for name, content in MANAGED_TYPES.items():
            self.add("credential_types", {"name": name, "kind": "cloud", **content})

    def take(self, other: Awx) -> None:
        """Copy all data of another AWX, except the folders of projects."""
        vars(self).update(copy.deepcopy({**vars(other), "projects": self.projects}))

    def state(self) -> str:
        """Return all stored data."""
        associated = sorted((number, name, held) for (number, name), held in self.associated.items())
        return json.dumps([self.objects, associated, self.surveys], sort_keys=True)

    # HTTP

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(length) or b"null")
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if environ.get("HTTP_AUTHORIZATION") != f"Bearer {self.token}":
            status, answer = 401, {"detail": "Authentication credentials were not provided."}
        else:
            try:
                status, answer = self.answer(method, path, dict(parse_qsl(environ.get("QUERY_STRING", ""))), body)
            except Refusal as refusal:
                status, answer = 400, refusal.errors
        text = b"" if answer is None else json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("X-API-Product-Name", "AWX")]
        start_response(f"{status} {HTTPStatus(status).phrase}", [*headers, ("X-API-Product-Version", "24.6.1")])
        return [text]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """:raises Refusal: 400."""
        endpoint, *rest = path.removeprefix(ROOT).strip("/").split("/")
        if endpoint == "project_updates" and len(rest) == 1 and rest[0].isdigit() and int(rest[0]) in self.updates:
            return 200, self.updates[int(rest[0])].shown(int(rest[0]))
        if not path.startswith(ROOT) or not path.endswith("/") or endpoint not in (*KINDS, "unified_job_templates"):
            return 404, {"detail": "Not found."}
        if not rest:
            if method == "GET":
                return 200, page([self.shown(number) for number in self.find(endpoint, query)])
            return 201, self.shown(self.add(endpoint, body)) if method == "POST" else self.not_allowed(method, path)
        number = int(rest[0]) if rest[0].isdigit() else 0
        if self.endpoints.get(number) != endpoint:
            return 404, {"detail": "Not found."}
        if len(rest) == 1 and method == "GET":
            return 200, self.shown(number)
        if len(rest) == 1 and method == "PATCH":
            self.change(number, body)
            return 200, self.shown(number)
        if rest[1:] == ["survey_spec"] and method in ("GET", "POST"):
            if method == "POST":
                self.surveys[number] = check_survey(body, self.surveys.get(number))
            return 200, self.surveys.get(number, {}) if method == "GET" else None
        if rest[1:] == ["create_approval_template"] and method == "POST":
            made = self.add("workflow_approval_templates", body)
            self.objects[number]["unified_job_template"] = made
            return 201, self.shown(made)
        if endpoint == "projects" and rest[1:] == ["update"] and method == "POST":
            update = self.update_project(number)
            return 202, {"project_update": update, **self.updates[update].shown(update)}
        if len(rest) == 2 and rest[1] in KINDS[endpoint].lists and method in ("GET", "POST"):
            if method == "POST":
                self.associate(number, rest[1], body)
                return 204, None
            return 200, page([self.shown(other) for other in self.associated.get((number, rest[1]), [])])
        return self.not_allowed(method, path)

    def not_allowed(self, method: str, path: str) -> Any:
        raise Refusal(detail=f"the test bed does not serve {method} {path}")

    # Objects

    def find(self, endpoint: str, query: dict[str, str]) -> Iterator[int]:
        """Return the objects that match a query. :raises Refusal: The objects do not have a field of the query."""
        kinds = UNIFIED if endpoint == "unified_job_templates" else (endpoint,)
        known = {"id", "type"}.union(*(KINDS[name].schema()["properties"] for name in kinds))
        if unknown := {name.removeprefix("or__") for name in query} - known:
            raise Refusal(detail=f"{endpoint} has no field {sorted(unknown)}")
        for number, item in self.objects.items():
            if self.endpoints[number] not in kinds:
                continue
            held = {**item, "id": number, "type": KINDS[self.endpoints[number]].type}
            either = [str(held.get(name[4:])) == value for name, value in query.items() if name.startswith("or__")]
            every = [str(held.get(name)) == value for name, value in query.items() if not name.startswith("or__")]
            if all(every) and (not either or any(either)):
                yield number

    def add(self, endpoint: str, item: dict[str, Any]) -> int:
        number = len(self.objects) + 1
        if missing := [name for name in KINDS[endpoint].required if item.get(name) in (None, "")]:
            raise Refusal(**{name: ["This field is required."] for name in missing})
        self.keep(number, endpoint, item)
        if endpoint == "projects":
            self.update_project(number)
        return number

    def change(self, number: int, changes: dict[str, Any]) -> None:
        before = self.objects[number]
        if inputs := changes.get("inputs"):
            in_use = [one for one in self.objects.values() if one.get("credential_type") == number]
            if self.endpoints[number] == "credential_types" and in_use and inputs != before["inputs"]:
                raise Refusal(inputs=["Modifications to inputs are not allowed for credential types that are in use"])
            known = {name: before["inputs"][name] for name, value in inputs.items() if value == ENCRYPTED}
            changes = {**changes, "inputs": {**inputs, **known}}
        self.keep(number, self.endpoints[number], {**before, **changes})

    def keep(self, number: int, endpoint: str, item: dict[str, Any]) -> None:
        """Validate an object and store it."""
        kind = KINDS[endpoint]
        check(kind.schema(), item, "__all__")
        for name, wanted in kind.refers.items():
            if item.get(name) is not None:
                self.check_reference(name, item[name], wanted)
        same = [
            other
            for other, held in self.objects.items()
            if other != number
            and kind.unique
            and self.endpoints[other] == endpoint
            and all(held.get(name) == item.get(name) for name in kind.unique)
        ]
        if same:
            raise Refusal(__all__=[f"{kind.type} with this {' and '.join(kind.unique)} already exists."])
        special = getattr(self, f"check_{kind.type}", None)
        self.objects[number] = {**item, **((special(item) or {}) if special else {})}
        self.endpoints[number] = endpoint

    def check_reference(self, name: str, number: Any, endpoint: str) -> None:
        wanted = UNIFIED if endpoint == "unified_job_templates" else (endpoint,)
        if self.endpoints.get(number) not in wanted:
            raise Refusal(**{name: [f'Invalid pk "{number}" - object does not exist.']})

    def shown(self, number: int) -> dict[str, Any]:
        """Return an object as in an answer of the API, without secrets."""
        endpoint, item = self.endpoints[number], dict(self.objects[number])
        url = f"{ROOT}{endpoint}/{number}/"
        related = {name: f"{url}{name}/" for name in (*KINDS[endpoint].lists, "survey_spec")}
        if endpoint == "credentials":
            secrets = self.secrets_of(item["credential_type"])
            item["inputs"] = {name: ENCRYPTED if name in secrets else text for name, text in item["inputs"].items()}
        if endpoint == "workflow_job_template_nodes" and item.get("unified_job_template"):
            template = item["unified_job_template"]
            related["unified_job_template"] = f"{ROOT}{self.endpoints[template]}/{template}/"
        summary: dict[str, Any] = {}
        if endpoint == "projects":
            last = max((one for one, update in self.updates.items() if update.project == number), default=None)
            if last is not None:
                summary["last_update"] = {"id": last, "status": self.updates[last].status}
            item["scm_revision"] = self.checked_out[number].revision if number in self.checked_out else ""
            related["update"] = f"{url}update/"
        kind = {"type": KINDS[endpoint].type}
        return {"id": number, **item, **kind, "url": url, "related": related, "summary_fields": summary}

    def secrets_of(self, credential_type: int) -> set[str]:
        return {one["id"] for one in self.objects[credential_type]["inputs"]["fields"] if one.get("secret")}

    # Rules of single kinds

    def check_credential_type(self, item: dict[str, Any]) -> None:
        check_credential_type(item.get("inputs", {}), item.get("injectors", {}))

    def check_credential(self, item: dict[str, Any]) -> None:
        check_credential(self.objects[item["credential_type"]]["inputs"], item.get("inputs", {}))

    def check_notification_template(self, item: dict[str, Any]) -> dict[str, Any]:
        known, given = NOTIFICATIONS[item["notification_type"]], item["notification_configuration"]
        missing = [name for name, default in known.items() if default is None and name not in given]
        if missing or set(given) - set(known):
            raise Refusal(notification_configuration=[f"Missing: {missing}; known: {list(known)}"])
        return {"notification_configuration": {**known, **given}}

    def check_inventory_source(self, item: dict[str, Any]) -> None:
        checkout = self.checked_out.get(item["source_project"])
        if checkout is None or item.get("source_path", "") not in checkout.files:
            raise Refusal(source_path=["the project has no such file"])

    def check_job_template(self, item: dict[str, Any]) -> dict[str, Any]:
        if item.get("inventory") is None and not item.get("ask_inventory_on_launch"):
            raise Refusal(inventory=["Job Template must provide 'inventory' or allow prompting for it."])
        checkout = self.checked_out.get(item["project"])
        if checkout is None or item["playbook"] not in checkout.playbooks:
            raise Refusal(playbook=["Playbook not found for project."])
        return {"job_type": item.get("job_type", "run"), "job_slice_count": item.get("job_slice_count", 1)}

    def check_workflow_job_template_node(self, item: dict[str, Any]) -> None:
        template = self.objects.get(item.get("unified_job_template") or 0, {})
        asked = {
            "extra_data": "ask_variables_on_launch",
            "limit": "ask_limit_on_launch",
            "job_slice_count": "ask_job_slice_count_on_launch",
        }
        for name, prompt in asked.items():
            surveyed = name == "extra_data" and template.get("survey_enabled")
            if item.get(name) and not template.get(prompt) and not surveyed:
                raise Refusal(**{name: ["Field is not configured to prompt on launch."]})

    def folder(self, project: int) -> Path:
        url = self.objects[project]["scm_url"]
        if url not in self.projects:
            raise Refusal(project=[f"the project could not be updated: there is no repository {url}"])
        return self.projects[url]

    def update_project(self, project: int) -> int:
        """Update a project as AWX's control plane does (awx/playbooks/project_update.yml). An update also installs the
        collections of ``collections/requirements.yml``. After a failed update, the files of the last successful update
        remain."""
        number = len(self.updates) + 1
        folder = self.folder(project)
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        revision = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        required = yaml.safe_load(files.get("collections/requirements.yml", b"{}")) or {}
        collections = tuple(
            one if isinstance(one, str) else one["name"]
            for one in (required.get("collections") or () if isinstance(required, dict) else required)
        )
        if collections and not self.galaxy:
            self.updates[number] = Update(project, "failed", "")
            return number
        playbooks = tuple(
            name
            for name, content in files.items()
            if name.endswith((".yml", ".yaml"))
            and PLAYBOOK.search(content.decode())
            and not {"roles", "tasks", "group_vars"} & set(Path(name).parts)
        )
        self.checked_out[project] = Checkout(revision, playbooks, frozenset(files), collections)
        self.updates[number] = Update(project, "successful", revision)
        return number

    def associate(self, number: int, name: str, body: dict[str, Any]) -> None:
        """:raises Refusal: The two objects cannot be associated."""
        endpoint = self.endpoints[number]
        held = self.associated.setdefault((number, name), [])
        self.check_reference("id", body["id"], KINDS[endpoint].lists[name])
        if body.get("disassociate"):
            held.remove(body["id"])
            return
        if name == "credentials":
            types = [self.objects[one]["credential_type"] for one in held]
            if self.objects[body["id"]]["credential_type"] in types:
                raise Refusal(error="Cannot assign multiple credentials of one type.")
        if name.endswith("_nodes"):
            workflow = self.objects[number]["workflow_job_template"]
            if self.objects[body["id"]]["workflow_job_template"] != workflow:
                raise Refusal(error="the nodes are of different workflows")
            if number in self.after(body["id"]):
                raise Refusal(Error="Cycle detected.")
        held.append(body["id"])

    def after(self, node: int) -> set[int]:
        """Return a node and all nodes that follow it."""
        found = {node}
        for name in KINDS["workflow_job_template_nodes"].lists:
            for other in self.associated.get((node, name), []):
                found |= self.after(other)
        return found

    # Jobs, updates and workflows

    def named(self, endpoint: str, name: str) -> int:
        return next(self.find(endpoint, {"name": name}))

    def create_credential(self, name: str, credential_type: str, inputs: dict[str, str]) -> int:
        """Create a credential as a user does in the web interface."""
        return self.add(
            "credentials",
            {
                "name": name,
                "organization": self.named("organizations", "Default"),
                "credential_type": self.named("credential_types", credential_type),
                "inputs": inputs,
            },
        )

    def injection(self, credential: int, folder: str) -> Injection:
        """:raises Refusal: A required field is empty."""
        item = self.objects[credential]
        kind = self.objects[item["credential_type"]]
        if missing := missing_inputs(kind["inputs"], item["inputs"]):
            raise Refusal(credentials=[f"{item['name']}: {missing} missing"])
        return inject(kind["inputs"], kind["injectors"], item["inputs"], f"{folder}/{credential}")

    def update_of(self, source: str, folder: str) -> tuple[Path, Injection]:
        """Return the file of an inventory source, and the environment of the update."""
        item = self.objects[self.named("inventory_sources", source)]
        return self.folder(item["source_project"]) / item["source_path"], self.injection(item["credential"], folder)

    def imported(self, source: str, found: dict[str, Any]) -> dict[str, Any]:
        """Return an inventory after an update of its source, as jobs get it (AWX:
        management/commands/inventory_import.py).

        ``found`` is the output of ``ansible-inventory --list --export``. With ``overwrite``, missing hosts are removed.
        Missing variables are removed only with ``overwrite_vars``.
        """
        number = self.named("inventory_sources", source)
        item = self.objects[number]
        before = self.inventory_variables.setdefault(item["inventory"], {"hosts": {}, "groups": {}})
        groups = {name: group for name, group in found.items() if name != "_meta"}
        hosts = dict(found["_meta"]["hostvars"])
        group_vars = {name: group.get("vars", {}) for name, group in groups.items()}
        if not item.get("overwrite_vars"):
            hosts = {name: {**before["hosts"].get(name, {}), **own} for name, own in hosts.items()}
            group_vars = {name: {**before["groups"].get(name, {}), **own} for name, own in group_vars.items()}
        if not item.get("overwrite"):
            hosts = {**before["hosts"], **hosts}
        self.inventory_variables[item["inventory"]] = {"hosts": hosts, "groups": group_vars}
        kept = {name: {**group, "vars": group_vars[name]} for name, group in groups.items()}
        return {"_meta": {"hostvars": hosts}, **kept}

    def launch(
        self,
        name: str,
        answers: dict[str, Any],
        folder: str,
        limit: str = "",
        slices: int | None = None,
        credentials: Sequence[int] | None = None,
    ) -> list[Job]:
        """Return the jobs of a launch, one for each slice. Their files are in ``folder``. ``slices`` and
        ``credentials`` are the choices at launch. :raises Refusal: AWX does not launch the template."""
        number = self.named("job_templates", name)
        template = self.objects[number]
        survey = self.surveys.get(number, {}) if template.get("survey_enabled") else {}
        if limit and not template.get("ask_limit_on_launch"):
            raise Refusal(limit=["Field is not configured to prompt on launch."])
        given = answered(survey, answers, template.get("ask_variables_on_launch", False))
        own = self.associated.get((number, "credentials"), [])
        chosen = list(own if credentials is None else credentials)
        for what, prompt, is_chosen in (
            ("credentials", "credential", chosen != own),
            ("job_slice_count", "job_slice_count", slices is not None),
        ):
            if is_chosen and not template.get(f"ask_{prompt}_on_launch"):
                raise Refusal(**{what: ["Field is not configured to prompt on launch."]})
        kinds = [self.objects[one]["credential_type"] for one in chosen]
        if missing := {self.objects[one]["credential_type"] for one in own} - set(kinds):
            raise Refusal(
                credentials=[f"Removing credentials of types {sorted(missing)} at launch without replacement."]
            )
        if len(set(kinds)) < len(kinds):
            raise Refusal(credentials=["Cannot assign multiple credentials of one type."])
        injections = [self.injection(one, folder) for one in chosen]
        project, inventory = self.objects[template["project"]], self.objects[template["inventory"]]
        count = template["job_slice_count"] if slices is None else slices
        return [Job(template, project, inventory, given, limit, one + 1, count, injections) for one in range(count)]

    def steps(self, workflow: str, answers: dict[str, Any]) -> list[Step]:
        """Return the steps of a workflow in their order in a successful run. The variables of a workflow reach every
        job template (awx/main/models/workflow.py, get_job_kwargs), even without a prompt. :raises Refusal: The workflow
        does not prompt for a value that a step needs."""
        number = self.named("workflow_job_templates", workflow)
        item = self.objects[number]
        given = answered(self.surveys.get(number, {}) if item.get("survey_enabled") else {}, answers, False)
        nodes = list(self.find("workflow_job_template_nodes", {"workflow_job_template": str(number)}))
        followed = {other for node in nodes for other in self.after(node) - {node}}
        found = []
        waiting = [node for node in nodes if node not in followed]
        while waiting:
            node = waiting.pop(0)
            template = self.objects[node].get("unified_job_template")
            if template is None:
                raise Refusal(error=f"{self.objects[node]['identifier']} has no template")
            is_job = self.endpoints[template] == "job_templates"
            taken = {**self.objects[node].get("extra_data", {}), **given} if is_job else {}
            needed = {one["variable"] for one in self.surveys.get(template, {}).get("spec", []) if one["required"]}
            if is_job and self.objects[template].get("survey_enabled") and needed - set(taken):
                raise Refusal(error=f"{sorted(needed - set(taken))} missing for {self.objects[template]['name']}")
            slices = self.objects[node].get("job_slice_count") or self.objects[template].get("job_slice_count", 1)
            found.append(Step(self.objects[template]["name"], taken, slices))
            waiting += self.associated.get((node, "success_nodes"), []) + self.associated.get(
                (node, "always_nodes"), []
            )
        return found

    def run_workflow(self, workflow: str, run: Callable[[Step], bool]) -> tuple[list[tuple[str, bool]], bool]:
        """Run a workflow without answers. Return the name and success of each step, and the success of the workflow.

        A failed node fails its workflow unless it has a link for that case (awx/main/scheduler/dag_workflow.py,
        has_workflow_failed).

        :param run: Runs the jobs of a step, or approves it, and returns whether it succeeded.
        """
        number = self.named("workflow_job_templates", workflow)
        nodes = list(self.find("workflow_job_template_nodes", {"workflow_job_template": str(number)}))
        waiting = [node for node in nodes if not any(node in self.after(other) - {other} for other in nodes)]
        ran, succeeded = [], True
        while waiting:
            node = waiting.pop(0)
            template = self.objects[node]["unified_job_template"]
            slices = self.objects[node].get("job_slice_count") or self.objects[template].get("job_slice_count", 1)
            step = Step(self.objects[template]["name"], self.objects[node].get("extra_data", {}), slices)
            is_good = run(step)
            ran.append((step.template, is_good))
            links = ("success_nodes" if is_good else "failure_nodes", "always_nodes")
            following = [other for link in links for other in self.associated.get((node, link), [])]
            succeeded = succeeded and (is_good or bool(following))
            waiting += following
        return ran, succeeded


def page(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"count": len(items), "next": None, "previous": None, "results": items}
