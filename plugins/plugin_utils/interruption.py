# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C: the run ends in order, without a traceback, and shows what was done by then.

ansible-core raises ``KeyboardInterrupt`` wherever its main process is. Some things go wrong there, which are avoided
here:

* Most of the time that process forks workers. An exception between a fork and its end leaves a worker that no one waits
  for.
* Python prints an exception in a callback of the interpreter (after a fork, of a weak reference, of an object that is
  deleted) as a traceback, and drops it: the run goes on as if nothing was pressed.
* ansible-core ends the workers by a signal. One that has just been forked still has the handler of the main process,
  which fails there and prints a traceback.
* Since ansible-core 2.19 the workers are killed first. One that sends its result at that moment holds the lock of the
  queue, and the main process waits for it forever.

The workers of a run that is interrupted have the 5 seconds that ansible-core gives them, so most writes that are under
way end. A second Ctrl-C ends everything at once.
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

# The steps of all playbooks: which of them a run has is seen by their results.
ALL_STEPS = {
    **STEPS,
    "authentication mode": (*STEPS["authentication mode"], "apono_api_result"),
    # Its outcome is known at its end alone.
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

# Read once, before Ansible forks its workers.
WIDTH = table_width()

# How long after a signal that came at the wrong moment it is sent again, in seconds.
AGAIN = 0.05


class Watch:
    """Watches the process that imports this, which is the one that forks the workers."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.interrupted: TaskQueueManager | None = None
        # What was there before.
        self.show_dropped = sys.unraisablehook
        self.terminate_run: Any = signal.getsignal(signal.SIGTERM)

    def begin(self) -> None:
        """Take over the signal, where Ansible or Python heeds it."""
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            signal.signal(signal.SIGINT, self.interrupt)
            sys.unraisablehook = self.drop
            if callable(self.terminate_run):
                signal.signal(signal.SIGTERM, self.terminate)
            atexit.register(self.end)

    def interrupt(self, _number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        if os.getpid() != self.process:
            # A worker: the main process waits for it, and ends it.
            return
        frames = list(outwards(frame))
        if any(is_fork(each) for each in frames):
            self.send_again()
            return
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        owners = (each.f_locals.get("self") for each in frames)
        # The queue manager itself is in no frame between two plays.
        run = next((owner for owner in owners if isinstance(owner, PlaybookExecutor)), None)
        self.interrupted = run._tqm if run else None
        raise KeyboardInterrupt

    def send_again(self) -> None:
        again = threading.Timer(AGAIN, os.kill, (self.process, signal.SIGINT))
        again.daemon = True
        again.start()

    def drop(self, dropped: Any) -> None:
        """Handle an exception that Python drops, as ``sys.unraisablehook``."""
        if dropped.exc_type is KeyboardInterrupt and os.getpid() == self.process:
            signal.signal(signal.SIGINT, self.interrupt)
            self.send_again()
        else:
            self.show_dropped(dropped)

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal that ends a process."""
        if os.getpid() == self.process:
            self.terminate_run(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def end(self) -> None:
        """At the end of the process: show what was done, if the run was interrupted."""
        if self.interrupted is None or os.getpid() != self.process:
            return
        hostvars = self.interrupted.hostvars
        hosts = self.interrupted.get_inventory().get_hosts(ignore_restrictions=True)
        # Of a run that ended anywhere, anything may be half there, and Python would print a traceback.
        with contextlib.suppress(Exception):
            facts = {host.name: hostvars[host.name] for host in hosts}
            for line in summary(facts, bool(context.CLIARGS.get("check"))):
                Display().display(line)


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and those that called it."""
    while frame:
        yield frame
        frame = frame.f_back


def is_fork(frame: FrameType) -> bool:
    """Whether a function of ``multiprocessing`` forks."""
    return frame.f_code.co_name == "_launch" and frame.f_globals.get("__name__") == "multiprocessing.popen_fork"


def summary(facts: Mapping[str, Mapping[str, Any]], check_mode: bool) -> list[str]:
    """What was done by then, as lines: nothing where the report of the run was shown already.

    :param facts: the variables of each host.
    """
    if any(its.get(REPORT) for its in facts.values()):
        return []
    kept = (FAILURE, *(name for names in ALL_STEPS.values() for name in names))
    # Each host of the play has the plan of all.
    plan: Mapping[str, Any] = next((its[PLAN]["hosts"] for its in facts.values() if its.get(PLAN)), {})
    begun = [host for host, its in facts.items() if host in plan or any(its.get(name) for name in kept)]
    if not begun:
        return ["", "The run was interrupted before anything was changed."]
    found = outcomes(begun, facts, steps=ALL_STEPS, plan=plan)
    for record in found:
        if record["state"] == "not started" and any(step["state"] == "changed" for step in record["steps"]):
            record["state"] = "partial"
    notes = [
        "A step that was under way at that moment may have been done, too. Run the playbook again to finish the rest."
    ]
    shown = report.document(found, "", notes, check_mode, "")
    return ["", "The run was interrupted. By then:", *report.table(shown, WIDTH)]
