# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authentication modes of a cluster: which of aws-auth and access entries it reads (EKS API, AccessConfig)."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# In the only order in which a cluster goes through them.
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")


def normal(access_config: dict[str, Any] | None) -> str:
    """The mode in ``accessConfig``; a cluster that never had it set shows none, and is in CONFIG_MAP."""
    return (access_config or {}).get("authenticationMode") or "CONFIG_MAP"


def steps(current: str, wanted: str, what: str) -> list[str]:
    """The modes to set, in order: EKS refuses to skip one, or to set the mode that is set. Raises
    :class:`ResourceError` for a step back, which EKS does not make."""
    if MODES.index(wanted) < MODES.index(current):
        raise ResourceError(
            f"{what} is in the authentication mode {current} and cannot go back to {wanted}: EKS changes the mode "
            f"forward only ({', '.join(MODES)}). Ask for {current} or a later one.",
            service="eks",
            code="ModeBackwards",
        )
    return list(MODES[MODES.index(current) + 1 : MODES.index(wanted) + 1])
