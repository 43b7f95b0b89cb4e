# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest supported releases, and the messages for packages that are missing or too old.

``requirements.txt``, ``meta/runtime.yml`` and the documentation have the same numbers. A test compares them.
"""

from __future__ import annotations

import re
import sys

from ansible.module_utils.ansible_release import __version__ as ANSIBLE_CORE
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

OLDEST_ANSIBLE_CORE = "2.16.0"
# Before 1.34.83, botocore requires thumbprints to create an OpenID Connect provider.
OLDEST = {"boto3": "1.34.83", "botocore": "1.34.83", "urllib3": "1.26.12"}

# The collection calls botocore, and users install it with boto3.
INSTALLED_WITH = {"botocore": ("boto3", "botocore")}


def problem(package: str, version: str | None) -> str | None:
    """Why a Python package cannot be used, and what to do. ``None`` if it can be used.

    :param version: the installed version, ``None`` if the package is not installed
    """
    names = INSTALLED_WITH.get(package, (package,))
    command = " ".join([sys.executable, "-m pip install", *(f"'{name}>={OLDEST[name]}'" for name in names)])
    if version is None:
        return (
            f"The Python package {names[0]} is needed and is not installed for the Python that runs this task. Install "
            f"it there: {command}"
        )
    if parts(version) < parts(OLDEST[package]):
        return (
            f"The Python package {package} {version} is too old: {OLDEST[package]} or newer is needed. Upgrade it for "
            f"the Python that runs this task: {command}"
        )
    return None


def check_ansible_core(version: str = ANSIBLE_CORE) -> None:
    """Raise :class:`ResourceError` for an ansible-core that is too old."""
    if parts(version) < parts(OLDEST_ANSIBLE_CORE):
        raise ResourceError(
            f"ansible-core {version} is too old for apono.eks: {OLDEST_ANSIBLE_CORE} or newer is needed. Upgrade it on "
            "the controller."
        )


def parts(version: str) -> list[int]:
    """The numbers of a release: ``2.16.0rc1`` counts as ``2.16.0``."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    return [int(part) for part in numbers[0].split(".")] if numbers else []
