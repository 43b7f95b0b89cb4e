# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's collection loader, with which plugins find each other.

pytest-ansible installs it. ansible-test installs it, too, but hides it from the tests of modules.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os

import pytest
from hypothesis import settings

if importlib.util.find_spec("ansible.plugins"):
    from ansible.plugins.loader import init_plugin_loader
    from ansible.utils.collection_loader import AnsibleCollectionConfig

    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader()

# The duration of an example depends more on the load of the machine than on the code.
settings.register_profile("any_machine", deadline=None)
# For the runs after the first one, on another ansible-core or by ansible-test, which sets the variable. The rules with
# laws depend on neither.
settings.register_profile("further_run", deadline=None, max_examples=25)
settings.load_profile("further_run" if "ANSIBLE_CONTROLLER_MIN_PYTHON_VERSION" in os.environ else "any_machine")


@pytest.fixture(autouse=True)
def _as_a_task(monkeypatch):
    """Each test has its own registry of secrets and its own run memory, as the first task of a run has."""
    # The collection loader does not exist yet when this file is read.
    plugins = "ansible_collections.apono.eks.plugins.module_utils"
    redaction = importlib.import_module(f"{plugins}.redaction")
    monkeypatch.setattr(redaction, "_REGISTERED", redaction.Secrets())
    importlib.import_module(f"{plugins}.clients.run_memory").run_memory.cache_clear()


@pytest.fixture(params=[2, 3])
def at_garbage_collections(request):
    """Return a function that lets a function run at each garbage collection, of which there are many.

    Before Python 3.12, the allocation of a container can begin a collection, also inside a C function. Finalizers are
    Python code, in which another thread can take over. So ``list(shared.items())`` and ``tuple(shared.values())`` are
    not atomic.
    """
    before, known = gc.get_threshold(), len(gc.callbacks)

    def let(function):
        gc.callbacks.append(lambda _phase, _info: function())
        # Without the older generations, whose collection takes long.
        gc.set_threshold(request.param, 1_000_000)

    yield let
    gc.set_threshold(*before)
    del gc.callbacks[known:]
