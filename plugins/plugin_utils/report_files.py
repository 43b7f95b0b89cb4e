# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each cluster, on the terminal and in files."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.files import followed, replace_file
from ansible_collections.apono.eks.plugins.module_utils.options import Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.plugin_utils import report, report_html
from ansible_collections.apono.eks.plugins.plugin_utils.query import Query
from ansible_collections.apono.eks.plugins.plugin_utils.run_facts import run_facts

STEP = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "required": True},
    "changes": {"type": "list", "elements": "str"},
    "diff": {"type": "dict"},
    "by": {"type": "str"},
    "note": {"type": "str"},
}
# An error and a finding have a message, which is no name that Ansible allows for an option.
OUTCOME = {
    "cluster": {"type": "str", "required": True},
    "cluster_name": {"type": "str"},
    "account_id": {"type": "str"},
    "region": {"type": "str"},
    "state": {"type": "str", "required": True},
    "error": {"type": "dict"},
    "errors": {"type": "list", "elements": "dict"},
    "steps": {"type": "list", "elements": "dict", "options": STEP},
    "findings": {"type": "list", "elements": "dict"},
}

WRITERS: dict[str, Callable[[dict[str, Any], str], str]] = {
    "html": report_html.page,
    "json": lambda document, _stem: report.json_text(document),
    "csv": lambda document, _stem: report.csv_text(document),
}


class Report(Task):
    """Files are written in check mode too, and are no change: they tell of the clusters and are none of them."""

    options = Options(
        {
            "outcomes": {"type": "list", "elements": "dict", "required": True, "options": OUTCOME},
            "title": {"type": "str", "default": "Clusters"},
            "notes": {"type": "list", "elements": "str"},
            "path": {"type": "path"},
            "query": {"type": "str"},
            "user": {"type": "str"},
        }
    )

    def validate(self) -> None:
        self.query = None
        if self.params.get("query"):
            self.query = Query(self.params["query"], "query (in a playbook apono_report_query)")
        path = self.params.get("path")
        if path and (os.path.isdir(path) or not os.path.basename(path)):
            raise ResourceError(
                f"path {path} is a folder: name a file in it, such as {os.path.join(path, 'report.html')}."
            )

    def result(self, check_mode: bool) -> dict[str, Any]:
        self.validate()
        now = datetime.datetime.now(datetime.timezone.utc)
        document = report.document(
            self.params["outcomes"],
            title=self.params["title"],
            notes=self.params.get("notes") or [],
            check_mode=check_mode,
            generated_at=now.isoformat(timespec="seconds"),
            run=run_facts(self.params.get("user") or ""),
        )
        if self.query:
            document = chosen(document, self.query)
        files = self.write(document) if self.params.get("path") else {}
        where = ["", f"The report is {files['html']}, and beside it the same as JSON and CSV."] if files else []
        return {
            "changed": False,
            "table": report.table(document) + where,
            "counts": document["counts"],
            "files": files,
        }

    def write(self, document: dict[str, Any]) -> dict[str, str]:
        """The files, by their kind."""
        stem = report.stem(os.path.abspath(self.params["path"]))
        files = {kind: f"{stem}.{kind}" for kind in WRITERS}
        for kind, path in files.items():
            try:
                # A link stays a link: what it leads to is replaced.
                replace_file(followed(path), WRITERS[kind](document, stem))
            except OSError as error:
                raise ResourceError(f"The report {path} cannot be written: {error}. Choose a writable path.") from error
        return files


def chosen(document: dict[str, Any], query: Query) -> dict[str, Any]:
    """The report of the records that an expression over all of them chooses, in its order; raises
    :class:`ResourceError` for one that gives something else than records."""
    records = document["clusters"]
    found = query.of(records, "the records of the clusters")
    if not isinstance(found, list) or any(record not in records for record in found):
        raise query.wrong(
            "gives something else than records of clusters: choose from the list, as in [?state == 'failed']"
        )
    number = f"{len(found)} of {report.number_of_clusters(document)}"
    note = f"The report has {number}, as chosen by {query.expression}."
    return {**document, "clusters": found, "counts": report.counts(found), "notes": [*document["notes"], note]}
