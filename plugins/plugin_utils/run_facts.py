# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a run: the user, the command line without extra variables, and the versions."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import yaml
from ansible import context
from ansible.release import __version__ as ansible_version

COLLECTION = Path(__file__).resolve().parents[2]


def run_facts(user: str = "") -> dict[str, Any]:
    """Return the facts of the run, with the keys that ``report.document`` takes.

    Extra variables are left out, because they can hold secrets.

    :param user: the user in a controller such as AWX. AWX itself runs all playbooks as the same system user.
    """
    arguments = context.CLIARGS
    tags = [tag for tag in arguments.get("tags") or () if tag != "all"]
    return {
        "user": user or login_name(),
        "playbook": ", ".join(map(str, arguments.get("args") or ())),
        "inventory": [str(source) for source in arguments.get("inventory") or ()],
        "limit": arguments.get("subset") or "",
        "tags": tags + [f"not {tag}" for tag in arguments.get("skip_tags") or ()],
        "collection_version": collection_version(),
        "ansible_version": ansible_version,
    }


def login_name() -> str:
    """Return the name of the system user; empty in a container whose user has no name."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return ""


def collection_version() -> str:
    """Return the version of the installed collection, or of the checkout."""
    manifest = COLLECTION / "MANIFEST.json"
    if manifest.exists():
        version = json.loads(manifest.read_text())["collection_info"]["version"]
    else:
        version = yaml.safe_load((COLLECTION / "galaxy.yml").read_text())["version"]
    return str(version)
