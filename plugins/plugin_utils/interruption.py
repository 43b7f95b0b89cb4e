# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handle Ctrl-C: the run stops without a traceback, and reports its results until then.

ansible-core raises ``KeyboardInterrupt`` at any point of its main process. This module avoids these problems:

* The main process forks workers most of the time. An exception during a fork leaves a worker that no process waits for.
* Python cannot raise an exception from a callback of the interpreter: after a fork, of a weak reference, or of a
  deleted object. It prints a traceback and drops the exception, so the run continues.
* ansible-core ends the workers by a signal. A new worker still has the signal handler of the main process, which fails
  there and prints a traceback.
* Since ansible-core 2.19, the workers are killed first. A worker that sends its result at that moment holds the lock of
  the queue, and the main process waits for the lock forever.

ansible-core waits 5 seconds for the workers, so that most running writes can end. A second Ctrl-C ends all processes at
once.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from ansible import context
from ansible.executor.playbook_executor import PlaybookExecutor
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.utils.display import Display
from ansible_collections.apono.eks.plugins.filter.outcomes import outcomes
from ansible_collections.apono.eks.plugins.plugin_utils import report
from ansible_collections.apono.eks.plugins.plugin_utils.outcomes import FAILURE, STEPS
from ansible_collections.apono.eks.plugins.plugin_utils.terminal import table_width

# The steps of all playbooks, with the variables of their results. A step without a result was not part of the run.
ALL_STEPS = {
    **STEPS,
    "authentication mode": (*STEPS["authentication mode"], "apono_api_result"),
    # The result of the whole step exists only at its end, so the results of its parts count, too.
    "connector": (
        *STEPS["connector"],
        "connector_removal_result",
        "connector_iam_role_result",
        "connector_iam_policy_result",
    ),
    "bindings": ("apono_bindings_result",),
    "others": ("apono_others_result",),
    "variables": ("apono_adopt_result",),
    "profile": ("user_login_profile_result",),
    "kubeconfig": ("user_login_entry_result",),
}
REPORT = "apono_report_result"
PLAN = "apono_plan"

# Read in the main process, because a worker has no terminal.
WIDTH = table_width()

# In seconds, the delay before a signal that came during a fork is sent again.
AGAIN = 0.05


class Watch:
    """Handles the signals of the main process, which imports this module and forks the workers."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.interrupted: TaskQueueManager | None = None
        # The handlers that this class replaces.
        self.show_dropped = sys.unraisablehook
        self.terminate_run: Any = signal.getsignal(signal.SIGTERM)

    def begin(self) -> None:
        """Install the handlers, unless the process ignores the signal or this is not its main thread."""
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            signal.signal(signal.SIGINT, self.interrupt)
            sys.unraisablehook = self.drop
            if callable(self.terminate_run):
                signal.signal(signal.SIGTERM, self.terminate)
            atexit.register(self.end)

    def interrupt(self, _number: int, frame: FrameType | None) -> None:
        """Handle Ctrl-C."""
        if os.getpid() != self.process:
            # This is a worker. The main process waits for it, and ends it.
            return
        frames = list(outwards(frame))
        owners = (each.f_locals.get("self") for each in frames)
        # Between two plays, no frame belongs to the queue manager, so it is found by the executor of the playbook.
        run = next((owner for owner in owners if isinstance(owner, PlaybookExecutor)), None)
        tasks = run._tqm if run else None
        if any(is_fork(each) for each in frames) or has_closed_worker(tasks):
            self.send_again()
            return
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.interrupted = tasks
        raise KeyboardInterrupt

    def send_again(self) -> None:
        """Send the signal again after :data:`AGAIN` seconds."""
        again = threading.Timer(AGAIN, os.kill, (self.process, signal.SIGINT))
        again.daemon = True
        again.start()

    def drop(self, dropped: Any) -> None:
        """Handle an exception that Python cannot raise, as ``sys.unraisablehook``."""
        if dropped.exc_type is KeyboardInterrupt and os.getpid() == self.process:
            signal.signal(signal.SIGINT, self.interrupt)
            self.send_again()
        else:
            self.show_dropped(dropped)

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGTERM. A worker uses the default action: Ansible's handler works only in the main process."""
        if os.getpid() == self.process:
            self.terminate_run(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def end(self) -> None:
        """Print the results at the end of the process if the run was interrupted."""
        if self.interrupted is None or os.getpid() != self.process:
            return
        hostvars = self.interrupted.hostvars
        hosts = self.interrupted.get_inventory().get_hosts(ignore_restrictions=True)
        # The data of an interrupted run can be incomplete. An error here would only print a traceback.
        with contextlib.suppress(Exception):
            facts = {host.name: hostvars[host.name] for host in hosts}
            for line in summary(facts, bool(context.CLIARGS.get("check"))):
                Display().display(line)


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """Return a frame and its callers."""
    while frame:
        yield frame
        frame = frame.f_back


def is_fork(frame: FrameType) -> bool:
    """Return whether the frame is the function of ``multiprocessing`` that forks."""
    return frame.f_code.co_name == "_launch" and frame.f_globals.get("__name__") == "multiprocessing.popen_fork"


def has_closed_worker(tasks: TaskQueueManager | None) -> bool:
    """Return whether ansible-core is replacing the process of a worker that has ended.

    It closes the process before it puts another one in its place. In between, its cleanup after Ctrl-C fails with
    "process object is closed" (``StrategyBase._queue_task``, ``TaskQueueManager._cleanup_processes``).
    """
    return any(getattr(worker, "_closed", False) for worker in getattr(tasks, "_workers", ()))


def summary(facts: Mapping[str, Mapping[str, Any]], check_mode: bool) -> list[str]:
    """Return the lines about the results of an interrupted run; empty if the run has already printed its report.

    :param facts: the variables of each host.
    """
    if any(its.get(REPORT) for its in facts.values()):
        return []
    registered = (FAILURE, *(name for names in ALL_STEPS.values() for name in names))
    # Each host has the plan of all hosts.
    plan: Mapping[str, Any] = next((its[PLAN]["hosts"] for its in facts.values() if its.get(PLAN)), {})
    begun = [host for host, its in facts.items() if host in plan or any(its.get(name) for name in registered)]
    if not begun:
        return ["", "The run was interrupted before it changed anything."]
    found = outcomes(begun, facts, steps=ALL_STEPS, plan=plan)
    for record in found:
        if record["state"] == "not started" and any(step["state"] == "changed" for step in record["steps"]):
            record["state"] = "partial"
    notes = ["A step that was running at that moment may be complete, too. Run the playbook again to finish the rest."]
    shown = report.document(found, "", notes, check_mode, "")
    return ["", "The run was interrupted. Results until then:", *report.table(shown, WIDTH)]
