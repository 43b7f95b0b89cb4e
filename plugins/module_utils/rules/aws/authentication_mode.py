# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authentication modes of a cluster: which of aws-auth and access entries it reads (EKS API, AccessConfig)."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# In the only order in which a cluster goes through them.
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
# How a role may be mapped: by an access entry, by the ConfigMap aws-auth, or as the mode suggests.
WAYS = ("auto", "eks_api", "config_map")


def normal(access_config: dict[str, Any] | None) -> str:
    """The mode in ``accessConfig``; a cluster that never had it set shows none, and is in CONFIG_MAP."""
    return (access_config or {}).get("authenticationMode") or "CONFIG_MAP"


def steps(current: str, wanted: str, what: str, *, is_local: bool = False) -> list[str]:
    """The modes to set, in order: EKS refuses to skip one, or to set the mode that is set.

    :param is_local: whether the cluster is a local cluster on AWS Outposts.
    :raises ResourceError: EKS does not go back to an earlier mode. A local cluster has the mode CONFIG_MAP only (the
        answer of EKS in eksctl#7552).
    """
    if MODES.index(wanted) < MODES.index(current):
        raise ResourceError(
            f"{what} is in the authentication mode {current} and cannot go back to {wanted}: EKS changes the mode "
            f"forward only ({', '.join(MODES)}). Set {current} or a later mode.",
            service="eks",
            code="ModeBackwards",
        )
    if is_local and wanted != "CONFIG_MAP":
        raise ResourceError(
            f"{what} is a local cluster on AWS Outposts, for which EKS has no access entries and no authentication "
            "mode but CONFIG_MAP. Set this mode; in a playbook, set apono_authentication to config_map or auto.",
            service="eks",
            code="LocalCluster",
        )
    return list(MODES[MODES.index(current) + 1 : MODES.index(wanted) + 1])


def mapping_way(authentication: str, mode: str | None) -> str:
    """How a role is mapped, ``eks_api`` or ``config_map``, in a cluster of a mode; ``None`` is a mode not yet known.

    The EKS API is preferred where the cluster reads access entries already; its mode is not changed unasked. Raises
    :class:`ResourceError` for what is none of the choices.
    """
    if authentication not in WAYS:
        raise ResourceError(f"authentication is {authentication!r}: choose one of {', '.join(WAYS)}.")
    if authentication != "auto":
        return authentication
    return "config_map" if mode == "CONFIG_MAP" else "eks_api"
