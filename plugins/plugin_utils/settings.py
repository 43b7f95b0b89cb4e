# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of settings: the variables ``apono_…`` of the playbooks, and the module and role options that they set.

A :class:`Setting` has a variable, its options and its scope: a cluster, an AWS account or the run. It also has the rule
that merges the values of several clusters of an account, and the text for the reference of variables. All readers of
such a variable use :data:`SECTIONS`: the lookup ``apono.eks.options``, the plan of a fleet, the check for misspelled
names, and ``docs/docsite/rst/variables.rst``.

The interface is in ``host_options.py``::

    values = read(variables, template, targets) # by variable, in the context of the host's own task; without empty ones
    options("integration", values, facts)       # the options of one target

Before EKS and Apono are read, ``facts`` is empty, and the options depend on the variables only. Then ``facts`` has the
cluster, the parameter ids of the catalog, the ids of connectors by name, and the merged settings of the account.

The options of ``aws``, ``apono`` and ``kubernetes`` have secrets. A task that registers them has ``no_log``. They must
not become facts, because a fact cache would store them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS, KUBERNETES
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import AccessFlow
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import TRUST
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import (
    OWNER,
    RESOURCE_OWNER,
    SECRET_STORE,
)

# The scopes of settings.
CLUSTER, ACCOUNT, RUN = "cluster", "account", "run"

# The rules that merge the values of several clusters of an account.
SAME = "same"  # all clusters that set the variable must have the same value
UNION = "union"  # the items of all clusters
PATTERNS = "patterns"  # the patterns of all clusters; a cluster without patterns needs everything
TAGS = "tags"  # the tags of all clusters; a tag must have the same value everywhere
SSO = "sso"  # the accounts of all SSO trusts; other trusts must be the same

# The types of settings, with their argument specs. A name must be a text in YAML, and not a number or a date.
NAME, TEXTS = "name", "texts"
SPECS: dict[str, dict[str, Any]] = {
    NAME: {"type": "str"},
    TEXTS: {"type": "list", "elements": "str"},
    "trust": TRUST,
    "access_policies": AccessEntry.options.argument_spec["access_policies"],
    "access_flows": {"type": "list", "elements": "dict", "options": AccessFlow.options.argument_spec},
    "secret_store": SECRET_STORE,
    "owner": OWNER,
    "resource_owner": RESOURCE_OWNER,
    "api_group": {"type": "dict", "options": APONO.argument_spec},
    "aws_group": {"type": "dict", "options": AWS.argument_spec},
    "kubernetes_group": {"type": "dict", "options": KUBERNETES.argument_spec},
}
DOCUMENTED_TYPES = {NAME: "str", TEXTS: "list of str"}


@dataclass(frozen=True)
class Setting:
    """One variable of the playbooks.

    :param to: the options that the variable sets, each as ``target.option``, separated by blanks. A target is a module,
        a group of options, a role or a step of a playbook. The option ``*`` means that the variable is a dictionary of
        further options of the target. The playbooks read a setting without a target directly.
    :param value: the default; ``None`` if there is none, or if the module has it.
    :param default: the default in the words of the reference.
    """

    variable: str
    type: str
    to: str
    text: str
    default: str
    scope: str = CLUSTER
    merge: str = SAME
    value: Any = None
    secret: bool = False
    used_by: tuple[str, ...] = ()

    @cached_property
    def options(self) -> dict[str, str]:
        """By target, the option that the variable sets."""
        return dict(part.split(".") for part in self.to.split())

    @property
    def spec(self) -> dict[str, Any]:
        """The argument spec of the variable."""
        return SPECS.get(self.type, {"type": self.type})

    @property
    def documented_type(self) -> str:
        kind: str = self.spec["type"]
        return DOCUMENTED_TYPES.get(self.type, kind)


@dataclass(frozen=True)
class Section:
    """A group of settings, which has a heading in the reference of variables."""

    title: str
    used_by: tuple[str, ...]
    settings: tuple[Setting, ...]
    text: str = ""


ALL = ("adopt", "audit", "migrate_to_access_entries", "offboard", "onboard", "verify")
ONBOARDED = ("adopt", "audit", "offboard", "onboard")
ROLLOUT = ("offboard", "onboard")
ONE_CLUSTER = ("offboard_cluster", "onboard_cluster")

_of_account = partial(Setting, scope=ACCOUNT)
_of_run = partial(Setting, scope=RUN)

NOTHING, UNCHANGED = "nothing", "left unchanged"

SECTIONS = (
    Section(
        "Which cluster",
        (*ALL, "user_login"),
        (
            Setting(
                "apono_cluster_name",
                NAME,
                "cluster.name connector.cluster_name",
                "The name of the cluster. Put a name such as ``123``, ``0x10`` or ``yes`` in quotes. Otherwise, YAML "
                "reads a number or a boolean, which is an error. The same applies to the names of roles, policies and "
                "integrations.",
                "the name of the host",
            ),
            Setting(
                "apono_region", "str", "aws.region user_login.region", "The region of the cluster.", "``AWS_REGION``"
            ),
            Setting(
                "apono_account_id",
                "str",
                "cluster.account_id",
                "The AWS account of the cluster. Required for one cluster without an inventory, to offboard a deleted "
                "cluster, and to log in if ``apono_assume_role_arn`` does not name the account.",
                "the account in the ARN from EKS",
            ),
            _of_run(
                "apono_hosts",
                "str",
                "",
                "The hosts of the inventory that the playbook uses, as a pattern. A part that matches no host is an "
                "error.",
                "``all``",
            ),
        ),
    ),
    Section(
        "How to reach AWS and Kubernetes",
        ALL,
        (
            Setting(
                "apono_assume_role_arn",
                "str",
                "aws.assume_role_arn",
                "A role to assume in the account of the cluster.",
                "``APONO_ASSUME_ROLE_ARN``",
            ),
            Setting(
                "apono_assume_role_external_id",
                "str",
                "aws.assume_role_external_id",
                "The external id that the role requires. Secret.",
                "``APONO_ASSUME_ROLE_EXTERNAL_ID``",
                secret=True,
            ),
            Setting("apono_profile", "str", "aws.profile", "A profile of the AWS configuration.", NOTHING),
            Setting(
                "apono_aws",
                "aws_group",
                "aws.*",
                "Further options of the group ``apono.eks.aws``. They take precedence over the variables above.",
                NOTHING,
                secret=True,
            ),
            Setting(
                "apono_kubernetes",
                "kubernetes_group",
                "kubernetes.* connector.kubernetes",
                "Options of the group ``apono.eks.kubernetes`` for the connection to the API server. They replace the "
                "address from EKS.",
                NOTHING,
                secret=True,
            ),
        ),
    ),
    Section(
        "The account",
        ("adopt", "audit", "offboard", "onboard"),
        (
            _of_account(
                "apono_trust",
                "trust",
                "iam_role.trust",
                "The users who can assume the role: ``{sso: {}}``, ``{sso: {account_ids: [...]}}``, ``{saml: "
                "{provider: ...}}`` or ``{policy: ...}``. ``sso`` alone means the IAM Identity Center (AWS SSO) roles "
                "of the account itself. Required for onboarding.",
                NOTHING,
                merge=SSO,
            ),
            _of_account(
                "apono_allow_open_trust",
                "bool",
                "iam_role.allow_open_trust",
                "Whether a trust policy of your own may allow strangers to assume the role.",
                "``false``",
            ),
            _of_account(
                "apono_role_name",
                NAME,
                "iam_role.name account_role.name onboarding_info.role_name",
                "The name of the role.",
                "``apono-k8s-access``",
                value="apono-k8s-access",
                used_by=("migrate_to_access_entries", "user_login", "verify"),
            ),
            _of_account(
                "apono_role_path",
                "str",
                "iam_role.path account_role.path",
                "The path of the role.",
                "``/``",
                value="/",
                used_by=("migrate_to_access_entries", "user_login", "verify"),
            ),
            _of_account(
                "apono_role_description",
                "str",
                "iam_role.description",
                "The description of the role.",
                "left unchanged; a new role has ``required for k8s access managed by Apono``",
            ),
            _of_account(
                "apono_managed_policies",
                TEXTS,
                "iam_role.managed_policies",
                "Further managed policies of the role, by ARN or name.",
                NOTHING,
                merge=UNION,
            ),
            _of_account(
                "apono_max_session_duration",
                "int",
                "iam_role.max_session_duration",
                "The longest session of a user who signs in with SAML, in seconds. With IAM Identity Center, AWS "
                "limits every session to 3600 seconds, because it is role chaining.",
                UNCHANGED,
            ),
            _of_account(
                "apono_permissions_boundary",
                "str",
                "iam_role.permissions_boundary",
                "The ARN of a permissions boundary of the role.",
                UNCHANGED,
            ),
            _of_account(
                "apono_policy_name",
                NAME,
                "iam_policy.name onboarding_info.policy_name",
                "The name of the policy.",
                "``apono-k8s-access``",
                value="apono-k8s-access",
            ),
            _of_account("apono_policy_path", "str", "iam_policy.path", "The path of the policy.", "``/``", value="/"),
            _of_account(
                "apono_policy",
                "raw",
                "iam_policy.policy",
                "A policy document of your own, as a dictionary or JSON text.",
                "``eks:DescribeCluster`` on all clusters of the account",
            ),
            _of_account(
                "apono_policy_clusters",
                TEXTS,
                "iam_policy.clusters",
                "Names or patterns of clusters in the built-in policy.",
                "all",
                merge=PATTERNS,
                value=("*",),
            ),
            _of_account(
                "apono_policy_regions",
                TEXTS,
                "iam_policy.regions",
                "Names or patterns of regions in the built-in policy.",
                "all",
                merge=PATTERNS,
                value=("*",),
            ),
            _of_account(
                "apono_tags",
                "dict",
                "iam_policy.tags iam_role.tags access_entry.tags connector.tags",
                "Tags of the policy, the role, the access entry, and the IAM role and policy of the connector.",
                UNCHANGED,
                merge=TAGS,
            ),
            _of_run(
                "apono_purge_account_access",
                "bool",
                "iam_policy.purge_scope iam_role.purge_trusted_accounts",
                "Whether to remove clusters and regions of the built-in policy, and accounts of a trust policy for "
                "SSO, that no host of the inventory sets. Set it only in a run over all clusters of the account. "
                "Clusters in another slice of a job or another inventory may need these permissions.",
                "``false``",
                value=False,
            ),
            _of_run(
                "apono_remove_account_access",
                "bool",
                "offboard.remove_account_access",
                "Whether offboarding removes the role and the policy, even if other clusters may use them.",
                "if no other cluster may use them (:ref:`ansible_collections.apono.eks.docsite.offboarding`)",
            ),
        ),
    ),
    Section(
        "The cluster",
        ("adopt", "audit", "migrate_to_access_entries", "offboard", "onboard", "verify"),
        (
            Setting(
                "apono_authentication",
                "str",
                "mapping.authentication verify.authentication",
                "``auto``, ``eks_api`` or ``config_map``.",
                "``auto``",
                value="auto",
            ),
            Setting(
                "apono_username",
                "str",
                "access_entry.username aws_auth_role.username verify.username",
                "The username in Kubernetes. Write it with ``!unsafe``.",
                "the default of the access mapping",
            ),
            Setting(
                "apono_kubernetes_groups",
                TEXTS,
                "access_entry.kubernetes_groups aws_auth_role.groups verify.groups",
                "Groups in Kubernetes.",
                "none",
            ),
            Setting(
                "apono_allow_reserved_groups",
                "bool",
                "aws_auth_role.allow_reserved_groups",
                "Whether an entry in ``aws-auth`` may have groups that begin with ``system:`` or ``eks:``, such as "
                "``system:masters``.",
                "``false``",
            ),
            Setting(
                "apono_access_policies",
                "access_policies",
                "access_entry.access_policies",
                "Access policies of EKS for the access entry, as the option of "
                ":ansplugin:`apono.eks.access_entry#module`.",
                "none",
            ),
            Setting(
                "apono_backup_dir",
                "str",
                "aws_auth_role.backup_dir",
                "A folder on the controller for copies of ``aws-auth`` as it was before a change.",
                NOTHING,
            ),
        ),
    ),
    Section(
        "Apono",
        ONBOARDED,
        (
            Setting(
                "apono_api_token",
                "str",
                "apono.api_token",
                "The token of a service account. Secret.",
                "``APONO_API_TOKEN``",
                secret=True,
            ),
            Setting(
                "apono_api_url",
                "str",
                "apono.api_url",
                "The address of Apono's API.",
                "``APONO_ENDPOINT``, or the public one",
            ),
            Setting(
                "apono_api",
                "api_group",
                "apono.*",
                "Further options of the group ``apono.eks.apono``. They take precedence over the variables above.",
                NOTHING,
                secret=True,
            ),
            Setting(
                "apono_connector",
                "str",
                "integration.connector connector.id",
                "The connector, by name or id. Required for a new integration. ``none`` creates an integration "
                "without a connector, which Apono may refuse.",
                UNCHANGED,
            ),
            Setting(
                "apono_connector_in_cluster",
                "bool",
                "connection.in_cluster",
                "Whether the connector runs in the cluster itself. If not, the integration has the address and the "
                "certificate authority from EKS.",
                "``true``",
                value=True,
            ),
            Setting(
                "apono_server_url",
                "str",
                "connection.server_url",
                "The setting *Server URL*.",
                "see ``apono_connector_in_cluster``",
            ),
            Setting(
                "apono_certificate_authority",
                "str",
                "connection.certificate_authority",
                "The setting *Certification Authority*.",
                "see ``apono_connector_in_cluster``",
            ),
            Setting(
                "apono_connector_role_name",
                "str",
                "connection.role_name",
                "The setting *AWS Role Name*, the role of the connector.",
                NOTHING,
            ),
            Setting(
                "apono_integration_name",
                NAME,
                "integration_name.given onboarding_info.integration_name",
                "The name of the integration, which belongs to this cluster alone "
                "(:ref:`ansible_collections.apono.eks.docsite.many_accounts`).",
                "``apono_default_integration_name``, or the name of the cluster",
            ),
            Setting(
                "apono_default_integration_name",
                "str",
                "integration_name.default onboarding_info.default_integration_name",
                "The name of the integration if ``apono_integration_name`` is not set. The inventory plugin and the "
                "playbooks for events set it to ``name.region.account`` if clusters come from several accounts or "
                "regions.",
                "the name of the cluster",
            ),
            Setting(
                "apono_allow_cluster_change",
                "bool",
                "integration.allow_cluster_change",
                "Whether an integration whose stored settings name another cluster may be changed or removed.",
                "``false``",
            ),
            Setting(
                "apono_integration_type",
                "str",
                "integration.type catalog.type",
                "The type of the integration in Apono's catalog. Set the same value for all hosts.",
                "``aws-eks``",
                value="aws-eks",
            ),
            Setting(
                "apono_integration_config",
                "dict",
                "connection.config",
                "Further settings, by their labels or ids in the catalog.",
                NOTHING,
            ),
            Setting(
                "apono_resource_types",
                TEXTS,
                "integration.resource_types",
                "The resource types that Apono syncs, ``*`` for all.",
                "all",
            ),
            Setting(
                "apono_secret_store",
                "secret_store",
                "integration.secret_store",
                "Where the connector finds the secret, as the option of :ansplugin:`apono.eks.integration#module`.",
                "none",
                secret=True,
            ),
            Setting(
                "apono_update_secret",
                "str",
                "integration.update_secret",
                "When the playbook sends a secret that Apono itself stores: ``on_create`` or ``always``.",
                "``on_create``",
            ),
            Setting(
                "apono_credential_rotation_days",
                "int",
                "integration.credential_rotation_days",
                "The number of days after which Apono rotates credentials.",
                UNCHANGED,
            ),
            Setting(
                "apono_user_cleanup_days",
                "int",
                "integration.user_cleanup_days",
                "The number of days from the end of access until Apono deletes the user.",
                UNCHANGED,
            ),
            Setting(
                "apono_custom_access_details",
                "str",
                "integration.custom_access_details",
                "The text that Apono shows to users with their access, of at most 400 characters.",
                "see ``apono_generated_access_details``",
            ),
            Setting(
                "apono_generated_access_details",
                "str",
                "access_details.when",
                "When the playbook writes login instructions to Apono, if ``apono_custom_access_details`` is not set: "
                "``on_create``, with a new integration; ``always``, even in place of another text; ``never``.",
                "``on_create``",
                value="on_create",
            ),
            Setting(
                "apono_owner",
                "owner",
                "integration.owner",
                "The owners of the integration, as the option of :ansplugin:`apono.eks.integration#module`.",
                UNCHANGED,
            ),
            Setting(
                "apono_resource_owner",
                "resource_owner",
                "integration.resource_owner",
                "How Apono finds the owners of resources. Requires ``apono_owner``.",
                UNCHANGED,
            ),
            Setting(
                "apono_access_flows",
                "access_flows",
                "access_flows.flows",
                "The access flows of the cluster, each with the options of :ansplugin:`apono.eks.access_flow#module`. "
                "Offboarding removes them.",
                "none",
                value=(),
            ),
            Setting(
                "apono_wait",
                "bool",
                "integration_wait.wait",
                "Whether to wait for the sync. If the connector is not connected, the run then fails before the first "
                "write.",
                "``true``",
                value=True,
            ),
            Setting(
                "apono_wait_timeout",
                "int",
                "integration.wait_timeout",
                "How long to wait for the sync, in seconds.",
                "``600``",
            ),
        ),
    ),
    Section(
        "The connector",
        ROLLOUT,
        (
            Setting(
                "apono_connector_install",
                "bool",
                "connector_install.install",
                "Whether the playbook installs and upgrades the connector in the cluster.",
                "``false``",
                value=False,
            ),
            Setting(
                "apono_connector_token",
                "str",
                "connector.token",
                "The token with which the connector connects to Apono. Secret.",
                "``apono_connector_token_file``",
                secret=True,
            ),
            Setting(
                "apono_connector_token_file",
                "str",
                "connector.token_file",
                "A file on the controller that holds that token.",
                "an error",
            ),
            Setting(
                "apono_connector_chart",
                "str",
                "connector.chart",
                "The chart, by name, path or address.",
                "``apono-connector``",
                value="apono-connector",
            ),
            Setting(
                "apono_connector_chart_repository",
                "str",
                "connector.chart_repository",
                "The repository of the chart.",
                "Apono's, for Apono's chart",
                value="https://apono-io.github.io/apono-helm-charts",
            ),
            Setting(
                "apono_connector_chart_version",
                "str",
                "connector.chart_version",
                "The version of the chart.",
                "the newest",
            ),
            Setting(
                "apono_connector_namespace",
                "str",
                "connector.namespace",
                "The namespace.",
                "``apono-connector``",
                value="apono-connector",
            ),
            Setting(
                "apono_connector_manage_cluster_roles",
                "bool",
                "connector.manage_cluster_roles",
                "Whether the connector may manage roles in the cluster.",
                "``true``",
                value=True,
            ),
            Setting(
                "apono_connector_values",
                "dict",
                "connector.values",
                "Further values of the chart.",
                NOTHING,
                secret=True,
            ),
            Setting("apono_connector_helm", "str", "connector.helm", "The helm command.", "``helm`` on the ``PATH``"),
            Setting(
                "apono_connector_iam_role",
                NAME,
                "connector.iam_role_name",
                "The name of an IAM role that the playbook creates for the connector.",
                "none",
            ),
            Setting(
                "apono_connector_create_oidc_provider",
                "bool",
                "connector.create_oidc_provider",
                "Whether to create the OpenID Connect provider of the cluster in IAM if that role needs it.",
                "``false``",
                value=False,
            ),
            Setting(
                "apono_connector_ha_pair",
                "bool",
                "connector.ha_pair",
                "Whether a connector of the same id may also run elsewhere, as a high-availability pair.",
                "``false``",
                value=False,
            ),
            Setting(
                "apono_connector_wait_timeout",
                "int",
                "connector.wait_timeout",
                "How long to wait until the connector is connected, in seconds.",
                "``300``",
                value=300,
            ),
            Setting(
                "apono_connector_remove",
                "bool",
                "offboard.connector_remove",
                "Whether ``apono.eks.offboard`` removes the connector.",
                "``false``",
                value=False,
            ),
        ),
        text="With ``apono_connector_install``, ``apono.eks.onboard`` installs the connector "
        "(:ref:`ansible_collections.apono.eks.docsite.connector`). The id of the connector is ``apono_connector``.",
    ),
    Section(
        "The report",
        ALL,
        (
            _of_run(
                "apono_report",
                "str",
                "report.path",
                "The HTML page that the playbook writes at the end, such as ``reports/today.html``. It writes JSON "
                "and CSV files beside it.",
                "none",
            ),
            _of_run(
                "apono_report_query",
                "str",
                "report.query",
                "A JMESPath expression that chooses records of the report, such as ``[?state == 'failed']`` "
                "(:ref:`ansible_collections.apono.eks.docsite.reports`).",
                "all records",
            ),
            _of_run(
                "apono_report_title", "str", "report.title", "The title of the report.", "a title for each playbook"
            ),
        ),
    ),
    Section(
        "Execution",
        ROLLOUT,
        (
            _of_run(
                "apono_serial",
                "raw",
                "rollout.serial",
                "The number of clusters that the playbook changes at a time: a number, a percentage, or a list for "
                'consecutive batches, as in ``[1, 10, "100%"]``.',
                "all at once",
            ),
            _of_run(
                "apono_max_fail_percentage",
                "raw",
                "rollout.max_fail_percentage",
                "The percentage of a batch that may fail. If more fail, the run ends.",
                "``100``",
            ),
            _of_run(
                "apono_eks_in_process",
                "bool",
                "",
                "Whether tasks run inside the Ansible worker if the connection is local. With ``false``, they run as "
                "ordinary modules.",
                "``true``",
                used_by=(*ALL, "user_login"),
                value=True,
            ),
        ),
    ),
    Section(
        "Adopting",
        ("adopt",),
        (
            Setting(
                "apono_adopt_folder",
                "str",
                "adopt.folder",
                "The folder in which the playbook creates a folder with the variables of each host.",
                "``host_vars`` beside the inventory",
            ),
            Setting(
                "apono_adopt_overwrite",
                "bool",
                "adopt.overwrite",
                "Whether the playbook replaces a file that it did not write.",
                "``false``",
                value=False,
            ),
        ),
    ),
    Section(
        "Verifying",
        ("migrate_to_access_entries", "verify"),
        (
            Setting(
                "apono_verify_session_name",
                "str",
                "verify.session_name",
                "The session name of the user. With SSO and SAML, it is the email address. A migration checks the "
                "access of this user before it removes mappings.",
                "an error; a migration makes no check",
            ),
            Setting(
                "apono_verify_source_profile",
                "str",
                "verify.source_profile",
                "A profile of the AWS configuration with the credentials of a user whom the role trusts.",
                "the credentials of the caller",
            ),
            Setting(
                "apono_verify_wait_timeout",
                "int",
                "verify.wait_timeout",
                "How long to wait, in seconds, until an existing access mapping takes effect.",
                "``60``",
                value=60,
            ),
        ),
    ),
    Section(
        "Logging in",
        ("user_login",),
        (
            Setting(
                "apono_user_login_state",
                "str",
                "user_login.state",
                "``present``, ``absent`` to remove the login again, or ``instructions`` to print commands and write "
                "nothing.",
                "``present``",
                value="present",
            ),
            Setting(
                "apono_user_email",
                "str",
                "user_login.session_name",
                "The email address with which the user signs in.",
                "an error, except with SAML",
            ),
            Setting(
                "apono_user_source_profile",
                "str",
                "user_login.source_profile",
                "The AWS profile with which the user signs in.",
                "``default``",
                value="default",
            ),
            Setting(
                "apono_user_profile",
                "str",
                "user_login.profile",
                "The AWS profile that the playbook creates, and that assumes the role.",
                "the role's name and the account",
            ),
            Setting(
                "apono_user_role_arn",
                "str",
                "user_login.role_arn",
                "The IAM role.",
                "the role of the account with ``apono_role_path`` and ``apono_role_name``",
            ),
            Setting(
                "apono_user_session_duration",
                "int",
                "user_login.session_duration",
                "How long a session lasts, in seconds. With IAM Identity Center, it is at most 3600, because AWS "
                "limits role chaining.",
                UNCHANGED,
                value=0,
            ),
            Setting(
                "apono_user_context",
                "str",
                "user_login.context",
                "The context in the kubeconfig.",
                "``apono-`` and the host's name",
            ),
            Setting(
                "apono_user_current_context",
                "bool",
                "user_login.current_context",
                "Whether the context becomes the current one.",
                "``false``",
                value=False,
            ),
            Setting(
                "apono_user_kubeconfig",
                "str",
                "user_login.kubeconfig",
                "The kubeconfig.",
                "``KUBECONFIG``, or ``~/.kube/config``",
            ),
            Setting(
                "apono_user_aws_config_file",
                "str",
                "user_login.aws_config_file",
                "The AWS config file.",
                "``AWS_CONFIG_FILE``, or ``~/.aws/config``",
            ),
            Setting(
                "apono_user_server",
                "str",
                "user_login.server",
                "The address of the API server. With ``apono_user_certificate_authority``, it saves a call to EKS.",
                "the address from EKS",
            ),
            Setting(
                "apono_user_cluster_id",
                "str",
                "user_login.cluster_id",
                "The id of a local cluster on AWS Outposts. Set it if ``apono_user_server`` saves the call to EKS.",
                "the id from EKS",
            ),
            Setting(
                "apono_user_certificate_authority",
                "str",
                "user_login.certificate_authority",
                "The certificate authority of the API server, in base64.",
                "the one from EKS",
            ),
            Setting(
                "apono_user_overwrite",
                "bool",
                "user_login.overwrite",
                "Whether to replace or remove a profile or an entry of the same name that differs.",
                "``false``",
                value=False,
            ),
        ),
        text="See :ref:`ansible_collections.apono.eks.docsite.user_login`.",
    ),
    Section(
        "One cluster without an inventory",
        ONE_CLUSTER,
        (
            _of_run(
                "apono_event",
                "dict",
                "",
                "A dictionary with ``name``, ``region`` and ``account_id`` of the cluster. A rulebook passes it "
                "instead of the three variables.",
                "the three variables",
            ),
            Setting(
                "apono_cluster_wait_timeout",
                "int",
                "one_cluster.wait_timeout",
                "How long to wait, in seconds, until the cluster is created or deleted.",
                "``1800``",
                value=1800,
            ),
        ),
        text="Both playbooks need ``apono_cluster_name``, ``apono_region`` and ``apono_account_id``, or "
        "``apono_event``.",
    ),
    Section(
        "Auditing",
        ("audit",),
        (
            Setting("apono_audit_ignore", TEXTS, "audit.ignore", "Codes of findings to leave out.", "none"),
            Setting(
                "apono_audit_fail",
                "bool",
                "audit.fail",
                "Whether a cluster fails if it is not onboarded, or has a finding that is an error.",
                "``true``",
                value=True,
            ),
        ),
    ),
    Section(
        "Migrating",
        ("migrate_to_access_entries",),
        (
            Setting(
                "apono_migrate_grants",
                "str",
                "migrate.grants",
                "The behavior if bindings give permissions to the former username of a user: ``refuse``, ``copy`` or "
                "``ignore``.",
                "``refuse``",
                value="refuse",
            ),
            Setting(
                "apono_migrate_others",
                "bool",
                "migrate.others",
                "Whether the other items of ``mapRoles`` and ``mapUsers`` become access entries too.",
                "``false``",
                value=False,
            ),
            Setting(
                "apono_migrate_remove_mappings",
                "bool",
                "migrate.remove_mappings",
                "Whether to remove entries of other principals from ``aws-auth`` if they have access entries.",
                "``false``",
                value=False,
            ),
            Setting(
                "apono_migrate_to_api",
                "bool",
                "migrate.to_api",
                "Whether the mode becomes ``API``, in which the cluster does not read ``aws-auth``.",
                "``false``",
                value=False,
            ),
            Setting(
                "apono_migrate_propagation_delay",
                "int",
                "migrate.propagation_delay",
                "The age of access entries, in seconds, before the playbook removes mappings.",
                "``60``",
                value=60,
            ),
        ),
        text="See :ref:`ansible_collections.apono.eks.docsite.migration`.",
    ),
)

TABLE: dict[str, Setting] = {setting.variable: setting for section in SECTIONS for setting in section.settings}
# The settings that all clusters of an account share.
OF_ACCOUNT: dict[str, Setting] = {name: setting for name, setting in TABLE.items() if setting.scope == ACCOUNT}
# All targets of the table.
TARGETS: tuple[str, ...] = tuple(dict.fromkeys(target for setting in TABLE.values() for target in setting.options))
