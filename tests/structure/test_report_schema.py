# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of a report in the documentation matches the reports."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import jsonschema
from ansible_collections.apono.eks.plugins.plugin_utils import outcomes, report

GUIDE = Path(__file__).resolve().parents[2] / "docs/docsite/rst/reports.rst"

RESULT = {"changed": True, "changes": ["create it"], "diff": {"before": None, "after": {}}, "username": "jane"}
HOSTS: dict[str, dict[str, Any]] = {
    "alpha": {"apono_cluster_result": {"cluster": {"account_id": "1"}}, "account_access_policy_result": RESULT},
    "beta": {"apono_cluster_result": {"cluster": {"account_id": "1"}}, "apono_failure": {"message": "No."}},
    "gamma": {"apono_verdict": {"state": "drifted", "findings": [{"code": "open_trust", "message": "Anybody."}]}},
}


def closed(schema: Any) -> Any:
    """Return the schema without additional properties."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) and "type" in schema else {}
    return {**rest, **{key: closed(value) for key, value in schema.items()}}


def test_the_documented_schema_is_complete_and_holds():
    block = re.search(r"\.\. code-block:: json\n    :caption: .*\n\n((?:    .*\n|\n)+)", GUIDE.read_text())[1]
    schema = json.loads(textwrap.dedent(block))
    jsonschema.Draft202012Validator.check_schema(schema)
    records = outcomes.records(HOSTS, outcomes.STEPS, outcomes.SHARED)
    made = report.document(records, title="x", notes=["y"], check_mode=False, generated_at="2026-01-31T12:00:00+00:00")
    jsonschema.Draft202012Validator(closed(schema)).validate(json.loads(report.json_text(made)))
    assert {cluster["state"] for cluster in made["clusters"]} == {"changed", "failed", "drifted"}
