# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a task, and the ``main`` of an ordinary module. ``plugins/plugin_utils/in_process.py`` runs a task in the
Ansible worker. Both call :func:`execute` with the same parameters and return its result."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.apono.eks.plugins.module_utils import plain_addresses
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import Options
from ansible_collections.apono.eks.plugins.module_utils.redaction import censor, known_secrets, printable, quote, redact
from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.module_utils.versions import check_ansible_core


def execute(task_class: Callable[[dict[str, Any]], Task], params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of one run. It never raises: after an error, ``failed`` is true, and the result has ``msg``,
    ``error`` and ``changes``.

    ``params`` are validated and normalised. All secrets that the process knows are masked in the result.
    """
    try:
        return shown(redact(outcome(task_class, params, check_mode)))
    except RecursionError:
        return {
            "failed": True,
            "msg": "An option of the task or an answer of a service is nested too deeply: use fewer levels in the "
            "option.",
            "error": {"code": "TooDeep"},
        }


def outcome(task_class: Callable[[dict[str, Any]], Task], params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    task = None
    try:
        check_ansible_core()
        task = task_class(params)
        for text in plain_addresses.warnings(params):
            task.warn(text)
        result = task.result(check_mode)
    except ResourceError as error:
        result = {
            "failed": True,
            "msg": error.message,
            "error": error.error,
            "changed": bool(error.applied),
            "changes": error.applied,
        }
    except RecursionError:
        raise
    except Exception as error:
        result = {
            "failed": True,
            "msg": f"Unexpected {type(error).__name__}: {quote(error)}. This is a defect of the collection: report it "
            "with the traceback, which -vvv shows.",
            "exception": printable(censor("".join(traceback.format_exception(error)))),
        }
    if task and task.warnings:
        result["warnings"] = task.warnings
    return result


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """Make the errors, warnings and differences of a result printable, because callbacks print them on the terminal.
    The other values of a run without an error are data for the playbook, and do not change."""
    failed = bool(result.get("failed"))
    return {
        key: each_text(printable, value) if failed or key in ("diff", "warnings") else value
        for key, value in result.items()
    }


def each_text(change: Callable[[str], str], value: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: each_text(change, item) for key, item in value.items()}
    return [each_text(change, item) for item in value] if isinstance(value, (list, tuple)) else value


class Module(AnsibleModule):
    """Ansible's module, whose results never show what :meth:`Options.invocation` hides, not even the error for a wrong
    option."""

    def __init__(self, options: Options) -> None:
        # Set before the call, because __init__ of the base class calls fail_json for a wrong option.
        self.options = options
        super().__init__(supports_check_mode=True, **options.module_arguments())

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        shown, secrets = self.options.invocation(self.params)
        self.no_log_values.update(secrets, known_secrets())
        fail: Callable[..., NoReturn] = super().fail_json
        fail(msg, **{"invocation": {"module_args": shown}, **kwargs})

    def exit_json(self, **kwargs: Any) -> NoReturn:
        self.no_log_values.update(known_secrets())
        end: Callable[..., NoReturn] = super().exit_json
        end(**kwargs)


def run_module(task_class: type[Task]) -> None:
    """Run a module. It is the body of ``main`` in each module."""
    options = task_class.options
    module = Module(options)
    try:
        params, _secrets = options.normalise(module.params)
        refusal = None
    except ResourceError as error:
        refusal = error.message
    # Outside of the except clause, because Ansible would add the traceback of an exception that is being handled.
    if refusal:
        module.fail_json(msg=refusal)
    result = execute(task_class, params, module.check_mode)
    for text in result.pop("warnings", ()):
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
