# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ctrl-C at moments that a scenario can hardly reach, and the output of an interrupted run."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils import interruption

# A main process that forks workers. A callback that Python runs after each fork interrupts it.
PROGRAM = """
import multiprocessing, os, signal, sys, time
from ansible_collections.apono.eks.plugins.plugin_utils.interruption import Watch

# A shell that runs the tests in the background has the signal ignored, which processes inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
main = os.getpid()
os.register_at_fork(after_in_parent=lambda: os.kill(main, signal.SIGINT))

def work():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)

watch = Watch()
{begin}
worker = multiprocessing.get_context("fork").Process(target=work)
try:
    worker.start()
    time.sleep(1)
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted")
worker.join()
print("the worker ended with", worker.exitcode)
"""


# The folders from which this process loads the collection and all other modules.
PLACES = os.pathsep.join((str(Path(interruption.__file__).parents[5]), *filter(None, sys.path)))


# A process that is interrupted in a callback of the interpreter, from which Python raises no exception.
CALLBACK = """
import gc, os, signal, time, weakref
from ansible_collections.apono.eks.plugins.plugin_utils.interruption import Watch

signal.signal(signal.SIGINT, signal.default_int_handler)

class Thing:
    pass

class Deleted:
    def __del__(self):
        press()

def press(*_arguments):
    # Once: the garbage is collected again and again.
    gc.callbacks.clear()
    os.kill(os.getpid(), signal.SIGINT)
    for _moment in range(10):
        time.sleep(0)

Watch().begin()
try:
    {callback}
    time.sleep(1)
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted")
"""

# A worker that ends while it still has the signal handlers of the main process, as workers of ansible-core do.
FORKED = """
import os, signal
from ansible_collections.apono.eks.plugins.plugin_utils.interruption import Watch

def of_main(number, frame):
    assert os.getpid() == main, "can only test a child process"
    print("the main process ends its run", flush=True)

main = os.getpid()
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, of_main)
Watch().begin()
worker = os.fork()
if not worker:
    os.kill(os.getpid(), signal.SIGTERM)
    os._exit(0)
print("the worker ended with", os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), flush=True)
os.kill(main, signal.SIGTERM)
"""


# ansible-core while it replaces the process of a worker that has ended, and its own cleanup after Ctrl-C.
REPLACED = """
import multiprocessing, os, signal, sys, time
from ansible.executor.playbook_executor import PlaybookExecutor
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible_collections.apono.eks.plugins.plugin_utils.interruption import Watch

class Executor(PlaybookExecutor):
    def __init__(self):
        self._tqm = TaskQueueManager.__new__(TaskQueueManager)

    def replace(self, worker):
        self._tqm._workers = [worker]
        worker.close()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)
        self._tqm._workers = [None]
        time.sleep(1)

signal.signal(signal.SIGINT, signal.default_int_handler)
{begin}
worker = multiprocessing.get_context("fork").Process(target=int)
worker.start()
worker.join()
executor = Executor()
try:
    executor.replace(worker)
    print("not interrupted")
except KeyboardInterrupt:
    try:
        executor._tqm._cleanup_processes()
        print("interrupted")
    except ValueError as error:
        print(error)
sys.stdout.flush()
os._exit(0)
"""


def run(begin, program=PROGRAM):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program.format(begin=begin, callback=begin))],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=os.environ | {"PYTHONPATH": PLACES},
    )
    return done.stdout, done.stderr


def test_a_signal_in_a_fork_is_neither_lost_nor_a_traceback_and_the_worker_goes_on():
    output, errors = run("watch.begin()")
    assert output == "interrupted\nthe worker ended with 0\n"
    assert errors == ""


def test_without_the_watch_python_drops_the_signal():
    """Without this test, the test above would prove nothing."""
    output, errors = run("pass")
    assert output.startswith("not interrupted")
    assert "Exception ignored in" in errors


@pytest.mark.parametrize(
    "callback",
    [
        "Deleted()",
        "thing = Thing(); watched = weakref.ref(thing, press); del thing",
        "gc.callbacks.append(press); gc.collect()",
    ],
    ids=["deleted", "weak reference", "garbage collection"],
)
def test_a_signal_in_a_callback_of_the_interpreter_is_neither_lost_nor_a_traceback(callback):
    assert run(callback, CALLBACK) == ("interrupted\n", "")


def test_a_worker_that_is_ended_as_it_begins_prints_no_traceback():
    output, errors = run("", FORKED)
    assert output == "the worker ended with -15\nthe main process ends its run\n"
    assert errors == ""


def test_a_signal_while_a_worker_is_replaced_waits_until_the_cleanup_works():
    # Without the watch, the cleanup of ansible-core fails.
    assert run("pass", REPLACED) == ("process object is closed\n", "")
    assert run("Watch().begin()", REPLACED) == ("interrupted\n", "")


def test_a_second_signal_ends_the_process_at_once():
    again = """
    watch.begin()
    try:
        os.kill(main, signal.SIGINT)
    except KeyboardInterrupt:
        os.kill(main, signal.SIGINT)
    print("still here")
    """
    assert run(textwrap.dedent(again).strip()) == ("", "")


def test_a_signal_that_is_ignored_stays_so():
    output, errors = run("signal.signal(signal.SIGINT, signal.SIG_IGN); watch.begin()")
    assert (output, errors) == ("not interrupted\nthe worker ended with 0\n", "")


def result(changed, *changes, **more):
    return {"changed": changed, "changes": list(changes), **more}


CLUSTER = {"cluster": {"name": "alpha", "account_id": "111122223333", "region": "eu-west-1"}}
HOSTS = {
    "alpha": {
        "apono_cluster_result": CLUSTER,
        "cluster_access_entry_result": result(True, "create the access entry"),
        "integration_result": result(True, "create integration alpha"),
    },
    "beta": {
        "account_access_role_result": result(True, "create the role"),
        "cluster_access_entry_result": result(False, "create the access entry"),
    },
    "gamma": {"cluster_access_entry_result": result(False, "create the access entry")},
    "epsilon": {"connector_removal_result": {"changed": True}, "connector_iam_role_result": {}},
    "delta": {"apono_failure": {"step": "mapping", "message": "It is gone.", "code": ""}},
    "unasked": {"apono_region": "eu-west-1"},
}


def test_what_was_done_by_then_is_shown_of_the_clusters_that_were_begun():
    lines = interruption.summary(HOSTS, check_mode=False)
    assert lines[1] == "The run was interrupted. Results until then:"
    states = {line.split()[0]: " ".join(line.split()[3:]) for line in lines[3 : lines.index("", 3)]}
    assert states == {
        "alpha": "changed mapping, integration",
        "beta": "partial role",
        "gamma": "not started",
        "epsilon": "changed connector",
        "delta": "failed mapping: It is gone.",
    }
    assert any("Run the playbook again" in line for line in lines)
    assert lines[-1] == "5 clusters: 1 failed, 1 partial, 1 not started, 2 changed"


def test_in_check_mode_the_clusters_would_change():
    assert interruption.summary(HOSTS, check_mode=True)[-1].endswith(", 2 would change")


def test_a_run_that_has_shown_its_report_shows_no_other():
    assert interruption.summary({**HOSTS, "alpha": {"apono_report_result": {"table": []}}}, check_mode=False) == []


@pytest.mark.parametrize("facts", [{}, {"unasked": HOSTS["unasked"]}])
def test_before_the_first_step_nothing_was_changed(facts):
    assert interruption.summary(facts, check_mode=False) == [
        "",
        "The run was interrupted before it changed anything.",
    ]
