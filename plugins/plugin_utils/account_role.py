# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the IAM role of a cluster's account in the variables of the playbooks. Pure logic."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError


def host_variables(account_id: str) -> dict[str, str]:
    """Return the names of three variables: the account host of the plan, that of the rollout, and the planned role.

    The two hosts differ if the cluster of the first one cannot be onboarded: the rollout then uses another host.
    """
    return {
        "plan": f"apono_plan.accounts.{account_id}.account_host",
        "rollout": f"apono_plan.rollout.account_hosts.{account_id}",
        "planned_role": f"apono_plan.accounts.{account_id}.role",
    }


def host_of(variables: Mapping[str, Any]) -> str:
    """Return the account host, or an empty string if the account has none.

    :param variables: the values of :func:`host_variables`.
    """
    return variables.get("rollout") or variables.get("plan") or ""


def existing_arn(result: Mapping[str, Any], host: str, account_id: str) -> str:
    """Return the ARN of the role that the run found or created.

    :param result: the result of ``iam_role`` on ``host``.

    Raises :class:`ResourceError` if the role does not exist.
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
    """Return when the role was created, in ISO 8601; empty if the role could not be read.

    If the role does not exist yet, this is the current time. The new role is then younger than any access entry for it,
    and an access entry that is older than its role has no effect.
    """
    if not result or result.get("failed"):
        return ""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return (result.get("role") or {}).get("create_date") or now
