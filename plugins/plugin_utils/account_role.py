# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role of a cluster's account, as the variables of the playbooks have it. Pure logic."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError


def host_variables(account_id: str) -> dict[str, str]:
    """The variables with the host that does the work of an account, for which it was planned, and which rolls it out,
    and with the role as it was planned.

    They differ where the cluster of the host that plans cannot be onboarded.
    """
    return {
        "plan": f"apono_plan.accounts.{account_id}.account_host",
        "rollout": f"apono_plan.rollout.account_hosts.{account_id}",
        "planned_role": f"apono_plan.accounts.{account_id}.role",
    }


def host_of(variables: Mapping[str, Any]) -> str:
    """The host that does the work of the account, empty where none does."""
    return variables.get("rollout") or variables.get("plan") or ""


def existing_arn(result: Mapping[str, Any], host: str, account_id: str) -> str:
    """The role as it was found or made.

    :param result: what ``iam_role`` has returned on ``host``.

    Raises :class:`ResourceError` where there is none.
    """
    role = result.get("role") or {}
    if not role.get("create_date"):
        raise ResourceError(
            f"The IAM role of account {account_id} is not known, because {host} has failed or the role does not exist. "
            "Correct the error of that host, or run without --tags or --skip-tags, so that the role is created."
        )
    role_arn: str = role["arn"]
    return role_arn


def created(result: Mapping[str, Any] | None) -> str:
    """When the role was made, in ISO 8601; empty if it could not be read.

    A role that is yet to be made will be younger than any access entry for it, and an older entry has no effect.
    """
    if not result or result.get("failed"):
        return ""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return (result.get("role") or {}).get("create_date") or now
