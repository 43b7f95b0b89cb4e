# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report the result of each cluster, on the terminal and in files."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.files import followed, replace_file
from ansible_collections.apono.eks.plugins.module_utils.options import Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.plugin_utils import report, report_html
from ansible_collections.apono.eks.plugins.plugin_utils.query import Query
from ansible_collections.apono.eks.plugins.plugin_utils.run_facts import run_facts
from ansible_collections.apono.eks.plugins.plugin_utils.terminal import table_width

# Read in the main process, because a worker has no terminal.
WIDTH = table_width()

STEP = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "required": True},
    "changes": {"type": "list", "elements": "str"},
    "diff": {"type": "dict"},
    "by": {"type": "str"},
    "note": {"type": "str"},
}
# Errors and findings are plain dictionaries without suboptions. They have the key "message", and ansible-test does not
# allow an option of this name.
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
    """The task of the module ``report``. It writes files in check mode, too, and they do not count as a change."""

    options = Options(
        {
            "outcomes": {"type": "list", "elements": "dict", "required": True, "options": OUTCOME},
            "title": {"type": "str", "default": "Clusters"},
            "notes": {"type": "list", "elements": "str"},
            "path": {"type": "path"},
            "query": {"type": "str"},
            "user": {"type": "str"},
            "check_path": {"type": "bool", "default": False},
        }
    )

    def validate(self) -> None:
        path = self.params.get("path")
        if path and (os.path.isdir(path) or not os.path.basename(path)):
            raise ResourceError(
                f"path {path} is a folder: name a file in it, such as {os.path.join(path, 'report.html')}."
            )

    def result(self, check_mode: bool) -> dict[str, Any]:
        if self.params["check_path"]:
            self.check()
            return {"changed": False}
        expression = self.params.get("query")
        query = Query(expression, "query (in a playbook apono_report_query)") if expression else None
        now = datetime.datetime.now(datetime.timezone.utc)
        document = report.document(
            self.params["outcomes"],
            title=self.params["title"],
            notes=self.params.get("notes") or [],
            check_mode=check_mode,
            generated_at=now.isoformat(timespec="seconds"),
            run=run_facts(self.params.get("user") or ""),
        )
        if query:
            document = chosen(document, query)
        shown = {
            "changed": False,
            "table": report.table(document, WIDTH),
            "counts": document["counts"],
            "errors": report.messages(document),
            "files": {},
        }
        try:
            files = self.write(document) if self.params.get("path") else {}
        except ResourceError as error:
            # The table shows the results of the clusters even if the files cannot be written.
            return {**shown, "failed": True, "msg": error.message}
        where = ["", f"The report is in {files['html']}. The JSON and CSV files are beside it."] if files else []
        return {**shown, "table": shown["table"] + where, "files": files}

    def check(self) -> None:
        """Raise :class:`ResourceError` if the files cannot be written, as far as a check in advance can find out."""
        for path in self.files().values() if self.params.get("path") else ():
            try:
                folder = next(parent for parent in Path(followed(path)).parents if parent.exists())
            except OSError as error:
                raise cannot_be_written(path, error) from error
            if not folder.is_dir():
                raise cannot_be_written(path, f"{folder} is not a folder")
            if not os.access(folder, os.W_OK | os.X_OK):
                raise cannot_be_written(path, f"no permission to write into {folder}")

    def write(self, document: dict[str, Any]) -> dict[str, str]:
        """Write the files, and return their paths by kind."""
        stem, files = self.stem(), self.files()
        for kind, path in files.items():
            try:
                # A symbolic link stays: its target is replaced.
                replace_file(followed(path), WRITERS[kind](document, stem))
            except OSError as error:
                raise cannot_be_written(path, error) from error
        return files

    def files(self) -> dict[str, str]:
        """Return the path of each kind of file."""
        return {kind: f"{self.stem()}.{kind}" for kind in WRITERS}

    def stem(self) -> str:
        """Return the common path of all files, without an ending.

        Raises :class:`ResourceError` if ``path`` is a folder.
        """
        self.validate()
        return report.stem(os.path.abspath(self.params["path"]))


def cannot_be_written(path: str, reason: Any) -> ResourceError:
    return ResourceError(
        f"The report {path} cannot be written: {reason}. Choose a writable path (in a playbook apono_report).",
        code="ReportPath",
    )


def chosen(document: dict[str, Any], query: Query) -> dict[str, Any]:
    """Return the report with only the records that the expression returns, in its order.

    Raises :class:`ResourceError` if the expression returns something other than records.
    """
    records = document["clusters"]
    found = query.of(records, "the records of the clusters")
    if not isinstance(found, list) or any(record not in records for record in found):
        raise query.wrong("does not return records of clusters. Choose items of the list, as in [?state == 'failed']")
    number = f"{len(found)} of {report.number_of_clusters(document)}"
    note = f"The report has {number}, as chosen by {query.expression}."
    return {**document, "clusters": found, "counts": report.counts(found), "notes": [*document["notes"], note]}
