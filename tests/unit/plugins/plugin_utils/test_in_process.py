# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of a task, and the input and output of a task that runs in the worker."""

from __future__ import annotations

import os
import sys
import types

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.plugin_utils import in_process
from ansible_collections.apono.eks.plugins.plugin_utils.in_process import InProcessAction, is_own_interpreter

SECRET = "a-long-hidden-value"


class Probe(Information):
    """Returns its options and the visible environment."""

    options = Options(
        {
            "name": {"type": "str", "required": True, "aliases": ["title"]},
            "token": {"type": "str", "no_log": True},
            "count": {"type": "int", "default": 3},
            "fails": {"type": "str"},
        }
    )

    def read(self):
        if self.params["fails"] == "refused":
            raise ResourceError(f"the object {self.params['token']} is wrong", code="Wrong")
        if self.params["fails"] == "defect":
            raise ValueError(self.params["token"])
        self.warn("a remark")
        return {"params": dict(self.params), "seen": os.environ.get("APONO_PROBE"), "empty": None}


def action(arguments, *, transport="local", become=False, async_val=0, environment=(), check_mode=False):
    """Return the action as in Ansible's worker, with a templar without templates."""
    made = InProcessAction.__new__(InProcessAction)
    made.task_class = Probe
    made._task = types.SimpleNamespace(
        args=arguments,
        async_val=async_val,
        check_mode=check_mode,
        environment=list(environment),
        action="apono.eks.probe",
        resolved_action="apono.eks.probe",
    )
    made._connection = types.SimpleNamespace(transport=transport, become=become)
    made._templar = types.SimpleNamespace(template=lambda value, **_options: value)
    made._compute_environment_string = lambda wanted: [wanted.update(one) for one in environment]
    return made


def run(arguments, **task):
    made = action(arguments, **task)
    with made.environment():
        return made.run_here({})


@pytest.mark.parametrize(
    ("task", "variables", "here"),
    [
        ({}, {}, True),
        ({}, {"apono_eks_in_process": "no"}, False),
        ({}, {"apono_eks_in_process": "yes"}, True),
        ({"transport": "ssh"}, {}, False),
        ({"become": True}, {}, False),
        ({"async_val": 10}, {}, False),
        ({}, {"ansible_python_interpreter": "auto_silent"}, True),
        ({}, {"ansible_python_interpreter": sys.executable}, True),
        ({}, {"ansible_python_interpreter": "/usr/bin/another-python"}, False),
    ],
)
def test_a_task_runs_in_the_worker_only_where_it_is_as_good_a_place(task, variables, here):
    assert action({}, **task).belongs_here(variables) is here


def test_without_its_libraries_a_task_runs_as_a_module(monkeypatch):
    monkeypatch.setattr(Probe, "required_libraries", ("no_library_of_this_name",))
    assert action({}).belongs_here({}) is False


def test_the_interpreter_is_the_same_only_in_the_same_environment(tmp_path):
    other = tmp_path / "bin" / os.path.basename(sys.executable)
    other.parent.mkdir()
    other.symlink_to(os.path.realpath(sys.executable))
    assert is_own_interpreter(sys.executable)
    assert not is_own_interpreter(str(other))


@pytest.mark.parametrize("shown", [True, False])
def test_the_result_is_as_a_modules_validated_and_with_the_invocation(monkeypatch, shown):
    monkeypatch.setattr(in_process, "shows_invocation", lambda variables: shown)
    result = run({"title": "x", "count": "5"})
    assert (result["changed"], result["params"]["count"], result["empty"]) == (False, 5, None)
    assert result["warnings"] == ["a remark"]
    assert ("invocation" in result) == shown
    if shown:
        assert result["invocation"]["module_args"]["count"] == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "missing required arguments: name"),
        ({"name": "x", "more": 1}, "Unsupported parameters for (apono.eks.probe) module: more"),
        ({"name": "x", "count": "many"}, "cannot be converted to an int"),
        ({"name": " "}, "missing required arguments: name"),
    ],
)
def test_arguments_that_do_not_fit_fail_as_a_modules_do(arguments, words):
    result = run(arguments)
    assert result["failed"] is True
    assert words in result["msg"]


@pytest.mark.parametrize("fails", ["", "refused", "defect"])
def test_a_secret_is_nowhere_in_a_result(fails):
    result = run({"name": "x", "token": SECRET, "fails": fails})
    assert bool(result.get("failed")) == bool(fails)
    assert SECRET not in repr(result)


def test_both_names_of_an_option_are_worth_a_warning():
    (warning,) = [text for text in run({"name": "x", "title": "y"})["warnings"] if "alias" in text]
    assert "name" in warning
    assert "title" in warning


@pytest.mark.parametrize("before", [None, "before"])
def test_the_tasks_environment_is_there_for_the_task_alone(monkeypatch, before):
    monkeypatch.delenv("APONO_PROBE", raising=False)
    if before:
        monkeypatch.setenv("APONO_PROBE", before)
    assert run({"name": "x"}, environment=[{"APONO_PROBE": "during"}])["seen"] == "during"
    assert os.environ.get("APONO_PROBE") == before
    assert run({"name": "x"})["seen"] == before


def test_the_environment_is_restored_after_a_failure(monkeypatch):
    monkeypatch.delenv("APONO_PROBE", raising=False)
    with pytest.raises(ZeroDivisionError), action({}, environment=[{"APONO_PROBE": 7}]).environment():
        assert os.environ["APONO_PROBE"] == "7"
        raise ZeroDivisionError
    assert "APONO_PROBE" not in os.environ


def test_elsewhere_the_module_of_the_same_name_runs(monkeypatch):
    made = action({"name": "x"}, transport="ssh")
    made._connection.has_native_async = False
    monkeypatch.setattr(in_process.ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    made._execute_module = lambda task_vars, wrap_async: {"as_a_module": True, "wrapped": bool(wrap_async)}
    assert made.run(task_vars={}) == {"as_a_module": True, "wrapped": False}
    made._task.async_val = 10
    assert made.run(task_vars={}) == {"as_a_module": True, "wrapped": True}
    made = action({"name": "x"})
    assert made.run(task_vars={})["params"]["name"] == "x"
