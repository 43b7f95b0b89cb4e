# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the IAM policies, the RBAC manifests and the tables of the guide from
``extensions/permissions/permissions.yml``: ``python tests/permissions.py``."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = Path("extensions/permissions")
GUIDE = Path("docs/docsite/rst/permissions.rst")
BEGIN, END = ".. Made by make permissions, from here\n", ".. to here\n"

# The Kubernetes group of the automation principal, and the namespaces that every cluster has.
GROUP = "apono-automation"
NAMESPACES = ("kube-system",)

AWS_DOCUMENTATION = "https://docs.aws.amazon.com"
REFERENCES = {"ec2": "AWSEC2", "eks": "eks", "iam": "IAM", "organizations": "organizations", "sts": "STS"}

RBAC_GROUP = "rbac.authorization.k8s.io"
TITLES = {
    "operations": "The operator of the playbooks",
    "connector": "The connector",
    "inventory": "The inventory plugin",
}


class Dumper(yaml.SafeDumper):
    """Writes YAML in the style of the linter: with indented lists and without aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


@functools.cache
def source() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((CHECKOUT / FOLDER / "permissions.yml").read_text())
    return document


def of(name: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries of a document."""
    return [entry for entry in entries if name in entry["in"]]


def names(entries: list[dict[str, Any]]) -> list[str]:
    """Return the names of the documents in their order in the entries."""
    return list(dict.fromkeys(name for entry in entries for name in entry["in"]))


def iam_policy(name: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the policy of a document, without the named statements."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": entry["sid"],
                "Effect": "Allow",
                "Action": entry["actions"],
                "Resource": entry["resources"],
                **({"Condition": entry["condition"]} if "condition" in entry else {}),
            }
            for entry in of(name, source()["iam"])
            if entry["sid"] not in without
        ],
    }


def manifests(name: str) -> list[dict[str, Any]]:
    """Return the manifests that give the permissions of a document to the group of the automation principal."""
    entries = of(name, source()["kubernetes"])
    objects: list[dict[str, Any]] = []
    for namespace in dict.fromkeys(entry.get("namespace") for entry in entries):
        its = {"name": f"{GROUP}-{name.replace('_', '-')}", **({"namespace": namespace} if namespace else {})}
        kind = "Role" if namespace else "ClusterRole"
        if namespace and namespace not in NAMESPACES:
            objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        rules = [entry["rule"] for entry in entries if entry.get("namespace") == namespace]
        objects += [
            {"apiVersion": f"{RBAC_GROUP}/v1", "kind": kind, "metadata": its, "rules": rules},
            {
                "apiVersion": f"{RBAC_GROUP}/v1",
                "kind": f"{kind}Binding",
                "metadata": its,
                "roleRef": {"apiGroup": RBAC_GROUP, "kind": kind, "name": its["name"]},
                "subjects": [{"apiGroup": RBAC_GROUP, "kind": "Group", "name": GROUP}],
            },
        ]
    return objects


def apono_calls(name: str) -> list[str]:
    return [entry["call"] for entry in of(name, source()["apono"])]


# The guide


def table(headers: tuple[str, ...], rows: list[tuple[list[str], ...]]) -> list[str]:
    """Return a table. Each cell is a list of lines."""
    lines = [".. list-table::", "    :header-rows: 1", ""]
    for row in [tuple([header] for header in headers), *rows]:
        for number, cell in enumerate(row):
            marks = "* -" if number == 0 else "  -"
            lines.append(f"    {marks} {cell[0]}")
            lines += [f"        {line}" if line else "" for line in cell[1:]]
    return [*lines, ""]


def literals(texts: list[str]) -> list[str]:
    return [", ".join(f"``{text}``" for text in texts)]


def actions(texts: list[str]) -> list[str]:
    """Return the actions of a statement, each with a link to its documentation."""
    return [", ".join(f"`{text} <{address(text)}>`__" for text in texts)]


def address(action: str) -> str:
    """Return the URL of an action in the API references of AWS."""
    service, _colon, operation = action.partition(":")
    if action == "iam:PassRole":  # not an operation
        return f"{AWS_DOCUMENTATION}/IAM/latest/UserGuide/id_roles_use_passrole.html"
    return f"{AWS_DOCUMENTATION}/{REFERENCES[service]}/latest/APIReference/API_{operation}.html"


def reason(entry: dict[str, Any]) -> list[str]:
    """Return the cell with the purpose of an entry."""
    return [f"{entry['for']}{'. Condition: ' + entry['when'] if 'when' in entry else ''}"]


def rule_words(rule: dict[str, Any]) -> list[str]:
    resources = [
        f"{resource}.{group}" if group else resource for group in rule["apiGroups"] for resource in rule["resources"]
    ]
    named = [f"{resource}/{name}" for resource in resources for name in rule.get("resourceNames", ())]
    return literals(named or resources)


def section(name: str) -> list[str]:
    data = source()
    title = TITLES.get(name, f"``{name}``")
    lines = [title, "-" * len(title), ""]
    statements, rules, calls = (of(name, data[kind]) for kind in ("iam", "kubernetes", "apono"))
    lines += [f"The policy is ``iam/{name}.json``.", ""]
    lines += table(
        ("Statement", "Actions", "On", "Purpose"),
        [
            (
                [f"``{entry['sid']}``"],
                actions(entry["actions"]),
                literals(entry["resources"] + [f"{key} {text}" for key, text in conditions(entry)]),
                reason(entry),
            )
            for entry in statements
        ],
    )
    if rules:
        lines += [f"In the cluster, the manifest is ``kubernetes/{name}.yml``.", ""]
        lines += table(
            ("Verbs", "On", "In", "Purpose"),
            [
                (
                    literals(entry["rule"]["verbs"]),
                    rule_words(entry["rule"]),
                    [f"``{entry['namespace']}``" if "namespace" in entry else "the cluster"],
                    reason(entry),
                )
                for entry in rules
            ],
        )
    if calls:
        lines += ["Calls of the Apono API:", ""]
        lines += table(("Call", "Purpose"), [([f"``{entry['call']}``"], reason(entry)) for entry in calls])
    return lines


def conditions(entry: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key, text) for block in entry.get("condition", {}).values() for key, text in block.items()]


def guide(text: str) -> str:
    """Return the guide with new tables."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    sections = [line for name in names(source()["iam"]) for line in section(name)]
    return before + BEGIN + "\n" + "\n".join(sections) + END + after


def files() -> dict[Path, str]:
    """Return the generated files by their path in the checkout."""
    data = source()
    made = {
        FOLDER / "iam" / f"{name}.json": json.dumps(iam_policy(name), indent=2) + "\n" for name in names(data["iam"])
    }
    made |= {
        # A single document, because ansible-test requires this of each YAML file.
        FOLDER / "kubernetes" / f"{name}.yml": yaml.dump(
            {"apiVersion": "v1", "kind": "List", "items": manifests(name)},
            Dumper=Dumper,
            explicit_start=True,
            sort_keys=False,
        )
        for name in names(data["kubernetes"])
    }
    return {**made, GUIDE: guide((CHECKOUT / GUIDE).read_text())}


def main() -> None:
    for path, text in files().items():
        (CHECKOUT / path).parent.mkdir(exist_ok=True)
        (CHECKOUT / path).write_text(text)


if __name__ == "__main__":
    main()
