# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warn about misspelled names: variables ``apono_…`` that no playbook reads, and tags that no task has."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible.utils.display import Display
from ansible_collections.apono.eks.plugins.plugin_utils.settings import TABLE

PREFIX = "apono_"

# The tags of the playbooks, and those that Ansible knows itself.
TAGS = ("account", "connector", "integration", "mapping")
TAGS_OF_ANSIBLE = ("all", "always", "never", "tagged", "untagged")

# The variables that the playbooks of the collection set themselves, and those that the rulebooks read.
# fmt: off
OWN = frozenset((
    "apono_accounts", "apono_adopt_result", "apono_adoption", "apono_api_options", "apono_api_result",
    "apono_audit_result", "apono_automation_roles", "apono_aws_options", "apono_bindings_result", "apono_blockers",
    "apono_catalog_type", "apono_cluster", "apono_cluster_id", "apono_cluster_result", "apono_connector_options",
    "apono_connectors_result", "apono_contexts", "apono_differences", "apono_done", "apono_end_result",
    "apono_failed", "apono_failure", "apono_integrations_result", "apono_kubernetes_options", "apono_login",
    "apono_migrate_ahead", "apono_migrate_errors", "apono_migrate_pending", "apono_migrate_preview",
    "apono_migrate_results", "apono_migrate_same_cluster", "apono_migrate_steps", "apono_migration", "apono_one",
    "apono_one_cluster", "apono_one_wait_for", "apono_others_result", "apono_parameter_ids", "apono_plan",
    "apono_plan_of", "apono_plan_state", "apono_preparations", "apono_profiles", "apono_queue_name",
    "apono_queue_region", "apono_reason", "apono_record", "apono_removal", "apono_report_result", "apono_role_arn",
    "apono_rollout", "apono_rolls_out", "apono_run_left_out", "apono_run_notes", "apono_run_outcomes",
    "apono_run_plan", "apono_run_steps", "apono_run_title", "apono_run_unchanged", "apono_same_context",
    "apono_settings", "apono_steps", "apono_stopped", "apono_translation_result", "apono_type_result",
    "apono_user_login", "apono_verdict", "apono_verification", "apono_webhook_host", "apono_webhook_port",
    "apono_webhook_token",
))
# fmt: on


def unknown(names: Iterable[Any]) -> list[str]:
    """Return the variables ``apono_…`` that are neither settings nor variables of the collection, sorted."""
    return sorted(str(name) for name in names if str(name).startswith(PREFIX) and name not in TABLE and name not in OWN)


def warn(names: Iterable[str]) -> None:
    """Warn about each of these variables, once in a run."""
    for name in sorted(names):
        Display().warning(f"No playbook of apono.eks reads the variable {name}.{suggestion(name, TABLE)}")


def warn_of_tags(variables: Mapping[str, Any]) -> None:
    """Warn about tags of the command line that no task of the collection has."""
    for option, name in (("--tags", "ansible_run_tags"), ("--skip-tags", "ansible_skip_tags")):
        for tag in variables.get(name) or ():
            if tag not in (*TAGS, *TAGS_OF_ANSIBLE):
                Display().warning(
                    f"No task of apono.eks has the tag {str(tag)!a} of {option}.{suggestion(str(tag), TAGS)} "
                    f"The tags are {', '.join(TAGS)}."
                )


def suggestion(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""
