# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a task, and its way through an ordinary module. The way through the Ansible worker is
``plugins/plugin_utils/in_process.py``; both give :func:`execute` the same parameters and return what it returns."""

from __future__ import annotations

import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resource import Task


def execute(task_class: type[Task], params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of one run, an error included: then ``failed`` is true and ``msg``, ``error`` and ``changes`` are set.

    ``params`` are validated and normalised. Never raises: an exception's text may hold a secret, and only the two
    callers know the values to censor.
    """
    task = None
    try:
        task = task_class(params)
        result = task.result(check_mode)
    except ResourceError as error:
        result = {
            "failed": True,
            "msg": error.message,
            "error": error.error,
            "changed": bool(error.applied),
            "changes": error.applied,
        }
    except Exception as error:
        result = {
            "failed": True,
            "msg": f"Unexpected {type(error).__name__}: {error}. This is a defect of the collection; please report it "
            "with the traceback, which -vvv shows.",
            "exception": traceback.format_exc(),
        }
    if task and task.warnings:
        result["warnings"] = task.warnings
    return result


def run_module(task_class: type[Task]) -> None:
    """The body of each module's ``main``."""
    options = task_class.options
    module = AnsibleModule(supports_check_mode=True, **options.module_arguments())
    try:
        params, secrets = options.normalise(module.params)
    except ResourceError as error:
        module.fail_json(msg=error.message)
    module.no_log_values.update(secrets)
    result = execute(task_class, params, module.check_mode)
    for text in result.pop("warnings", ()):
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
