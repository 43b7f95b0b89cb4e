# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a task, and its way through an ordinary module. The way through the Ansible worker is
``plugins/plugin_utils/in_process.py``; both give :func:`execute` the same parameters and return what it returns."""

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
    """The result of one run, an error included: then ``failed`` is true and ``msg``, ``error`` and ``changes`` are set.

    ``params`` are validated and normalised. Never raises. No secret that the process knows by then is in the result.
    """
    try:
        return shown(redact(outcome(task_class, params, check_mode)))
    except RecursionError:
        return {
            "failed": True,
            "msg": "An option or an answer of a service is nested too deeply to be read.",
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
            "msg": f"Unexpected {type(error).__name__}: {quote(error)}. This is a defect of the collection; please "
            "report it with the traceback, which -vvv shows.",
            "exception": printable(censor("".join(traceback.format_exception(error)))),
        }
    if task and task.warnings:
        result["warnings"] = task.warnings
    return result


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """A result of which callbacks print nothing but text: what a task returns is data for others, but errors and
    differences are for the terminal."""
    of_all = bool(result.get("failed"))
    return {
        key: each_text(printable, value) if of_all or key in ("diff", "warnings") else value
        for key, value in result.items()
    }


def each_text(change: Callable[[str], str], value: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: each_text(change, item) for key, item in value.items()}
    return [each_text(change, item) for item in value] if isinstance(value, (list, tuple)) else value


class Module(AnsibleModule):
    """Ansible's module, which does not show what :meth:`Options.invocation` hides, also where it refuses its options
    itself."""

    def __init__(self, options: Options) -> None:
        # The base class refuses wrong options from its own __init__.
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
    """The body of each module's ``main``."""
    options = task_class.options
    module = Module(options)
    try:
        params, _secrets = options.normalise(module.params)
        refusal = None
    except ResourceError as error:
        refusal = error.message
    # Not while an exception is handled: Ansible would add what led to it.
    if refusal:
        module.fail_json(msg=refusal)
    result = execute(task_class, params, module.check_mode)
    for text in result.pop("warnings", ()):
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
