# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authentication modes of a cluster, which decide whether it reads aws-auth, access entries or both (EKS API,
AccessConfig)."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# EKS changes the mode in this order only.
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
# The values of authentication: the mapping is an access entry, an aws-auth entry, or depends on the mode (auto).
AUTHENTICATIONS = ("auto", "eks_api", "config_map")


def normal(access_config: dict[str, Any] | None) -> str:
    """The mode in ``accessConfig``. It is CONFIG_MAP if EKS returns none, because it was never set."""
    return (access_config or {}).get("authenticationMode") or "CONFIG_MAP"


def steps(current: str, wanted: str, what: str, *, is_local: bool = False) -> list[str]:
    """The modes to set, in order. EKS refuses to skip a mode, and to set the current mode.

    :param what: the words for the cluster in the message, such as ``The cluster prod``
    :param is_local: whether the cluster is a local cluster on AWS Outposts

    Raises :class:`ResourceError` for an earlier mode, because EKS changes the mode forward only, and for any mode but
    CONFIG_MAP of a local cluster (the answer of EKS in eksctl#7552).
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


def access_mapping(authentication: str, mode: str | None) -> str:
    """The kind of mapping for a role, ``eks_api`` or ``config_map``.

    ``auto`` is ``config_map`` in the mode CONFIG_MAP, and ``eks_api`` otherwise. It never requires a change of the
    mode.

    :param authentication: one of :data:`AUTHENTICATIONS`
    :param mode: the authentication mode of the cluster, ``None`` if it is not known yet

    Raises :class:`ResourceError` for another value of ``authentication``.
    """
    if authentication not in AUTHENTICATIONS:
        raise ResourceError(f"authentication is {authentication!r}: choose one of {', '.join(AUTHENTICATIONS)}.")
    if authentication != "auto":
        return authentication
    return "config_map" if mode == "CONFIG_MAP" else "eks_api"
