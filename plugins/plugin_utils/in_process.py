# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a task inside the Ansible worker, or as the module of the same name.

Ansible loads the class of an action plugin before it forks the workers. So the imports and preloads below run once for
each playbook, and the workers inherit them. They must be safe across a fork: libraries and immutable data only.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import filter_loader, lookup_loader, test_loader
from ansible_collections.apono.eks.plugins.module_utils.clients import aws, transport
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.execution import execute
from ansible_collections.apono.eks.plugins.module_utils.redaction import known_secrets
from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.plugin_utils import setting_names
from ansible_collections.apono.eks.plugins.plugin_utils.interruption import Watch
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.untrusted import untrusted

# The process that imported this file. A test compares it with the process of the worker.
LOADED_BY = os.getpid()

SWITCH = "apono_eks_in_process"

Watch().begin()
transport.preload()
# Ansible loads all filters or tests of a collection to find one of them. A worker that does this takes three times as
# long, so it is done here, before the fork.
filter_loader.get("apono.eks.outcomes")
for lookup in ("account_role", "options", "run_result"):
    lookup_loader.get(f"apono.eks.{lookup}")
test_loader.get("ansible.builtin.defined")
if not aws.PROBLEM:
    aws.preload()
    # These objects live as long as the run. Without this, a worker's garbage collection would copy their memory pages.
    gc.freeze()


class InProcessAction(ActionBase):
    """Base of every action plugin of the collection. A subclass sets ``task_class``."""

    task_class: ClassVar[type[Task]]

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True
    # run() executes a task with async as a module.
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        if not self.belongs_here(task_vars or {}):
            asynchronous = self._task.async_val and not self._connection.has_native_async
            result.update(self._execute_module(task_vars=task_vars, wrap_async=asynchronous))
        else:
            with self.environment():
                result.update(self.run_here(task_vars or {}))
        if result.get("failed") and setting_names.OF_PLAYBOOKS in (task_vars or {}):
            self.name_variables(result, str((task_vars or {}).get("ansible_role_name") or ""))
        self.display(result)
        return untrusted(result)

    def name_variables(self, result: dict[str, Any], role: str) -> None:
        """Add to an error the variables of the playbooks that set the options in its message."""
        module = (self._task.resolved_action or self._task.action).rpartition(".")[2]
        variables = setting_names.variables_of(module, self.task_class.options.argument_spec, role)
        result["msg"] = setting_names.with_variables(str(result.get("msg") or ""), variables)

    def display(self, result: dict[str, Any]) -> None:
        """Print more of the result than Ansible does. By default, nothing."""

    def belongs_here(self, task_vars: dict[str, Any]) -> bool:
        """Return whether the task gives the same result in this process as a module would."""
        if not boolean(self._templar.template(task_vars.get(SWITCH, True)), strict=False):
            return False
        if self._connection.transport != "local" or self._connection.become or self._task.async_val:
            return False
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter") or "auto")
        if not interpreter.startswith("auto") and not is_own_interpreter(interpreter):
            return False
        return all(importlib.util.find_spec(name) for name in self.task_class.required_libraries)

    def run_here(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run the task, and return the result that ``AnsibleModule`` would: with the invocation, without secrets."""
        options = self.task_class.options
        checked = options.check(plain(self._task.args))
        params = checked.validated_parameters
        if checked.error_messages:
            error = checked.errors[0]
            text = checked.errors.msg
            if isinstance(error, UnsupportedError):
                text = f"Unsupported parameters for ({self._task.resolved_action or self._task.action}) module: {text}"
            result = {"failed": True, "msg": text}
        else:
            try:
                normalised, _secrets = options.normalise(params)
                result = execute(self.task_class, normalised, self._task.check_mode)
            except ResourceError as refusal:
                result = {"failed": True, "msg": refusal.message}
        warnings = [
            f"Both option {both['option']} and its alias {both['alias']} are set." for both in checked._warnings
        ]
        warnings += result.get("warnings", ())
        if warnings:
            result["warnings"] = warnings
        if checked._deprecations:
            result["deprecations"] = checked._deprecations
        shown, secrets = options.invocation(params)
        if shows_invocation(task_vars):
            result["invocation"] = {"module_args": shown}
        kept = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
        return {**remove_values(result, secrets.union(known_secrets())), **kept}

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Set the task's ``environment:`` while the task runs, as a module has it."""
        task_environment: dict[str, Any] = {}
        self._compute_environment_string(task_environment)
        if not task_environment:
            yield
            return
        before = dict(os.environ)
        os.environ.update({plain(key): str(plain(value)) for key, value in task_environment.items()})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def shows_invocation(task_vars: dict[str, Any]) -> bool:
    """Return whether results have ``invocation``: a setting since ansible-core 2.21, and always before."""
    try:
        return C.config.get_config_value("INJECT_INVOCATION", variables=task_vars)
    except AnsibleError:
        return True


def is_own_interpreter(path: str) -> bool:
    """Return whether a path is the Python of this process: the same file in the same environment."""
    own = os.path.abspath(sys.executable)
    other = os.path.abspath(os.path.expanduser(path))
    return own == other or (
        os.path.dirname(own) == os.path.dirname(other) and os.path.realpath(own) == os.path.realpath(other)
    )
