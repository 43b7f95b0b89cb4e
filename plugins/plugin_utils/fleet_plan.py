# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done for each cluster of a fleet: everything is read and planned at once, in one process.

The resources are those of the modules, in check mode, so that a plan says what the roles will do. Reads are concurrent,
and what several clusters share (a session with its credentials, the catalog, the connectors, the role of an account) is
read once. What is wrong is data: of each cluster all errors are returned together, and none ends the plan of another.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.apono.eks.plugins.module_utils.clients.apono import Apono, WithApono
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws, WithAws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.execution import execute
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import FIELDS, AccessFlow
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow_info import AccessFlowInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.authentication_mode import AuthenticationMode
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.connector_info import ConnectorInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_policy import IamPolicy
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import IamRole
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_type_info import IntegrationTypeInfo
from ansible_collections.apono.eks.plugins.plugin_utils import account_role, host_options, setting_names
from ansible_collections.apono.eks.plugins.plugin_utils.concurrently import concurrently
from ansible_collections.apono.eks.plugins.plugin_utils.merged_fleet import merge_fleet
from ansible_collections.apono.eks.plugins.plugin_utils.outcomes import STEPS as REPORTED_STEPS
from ansible_collections.apono.eks.plugins.plugin_utils.rollout import (
    ACCOUNT,
    CONNECTOR,
    INTEGRATION,
    MAPPING,
    PARTS,
    STEPS,
    rollout,
)

# Jobs at a time. Each waits for the network most of its time.
WORKERS = 32
# In seconds, how long one job may take: longer than all attempts of one call to a server that does not answer.
DEADLINE = 240.0
# How often, in seconds, a long plan says how far it is.
PROGRESS_SECONDS = 10.0

# The variables that the roles register, by which a rollout and a report know what was planned.
CLUSTER, POLICY, ROLE = "apono_cluster_result", "account_access_policy_result", "account_access_role_result"
MODE, ENTRY, CONFIG_MAP = (
    "cluster_access_mode_result",
    "cluster_access_entry_result",
    "cluster_access_config_map_result",
)
INTEGRATED, FLOWS = "integration_result", "integration_access_flows_result"

# The step of a rollout that makes each of them anew.
ROLLED_OUT = {**dict.fromkeys((POLICY, ROLE), ACCOUNT), **{name: step for step, name in STEPS.items()}}
# What the report has no say of, where a run leaves the accounts alone.
ACCOUNT_STEPS = ("policy", "role")

# What is planned of a release of the connector, which Helm alone can compare.
CONNECTOR_WORDS = "install or upgrade the connector, unless it is as it has to be"

# The options of an access flow that the role integration hands over.
FLOW_OPTIONS = ("name", *FIELDS, "request_for_others", "purge", "state")

# The modules of the resources, by whose names the table of settings has their options.
MODULES: dict[type[Task], str] = {
    AccessEntry: "access_entry",
    AccessFlow: "access_flow",
    AccessFlowInfo: "access_flow_info",
    AuthenticationMode: "authentication_mode",
    AwsAuthRole: "aws_auth_role",
    ClusterInfo: "cluster_info",
    ConnectorInfo: "connector_info",
    IamPolicy: "iam_policy",
    IamRole: "iam_role",
    Integration: "integration",
    IntegrationTypeInfo: "integration_type_info",
}

Result = dict[str, Any]


class Clients:
    """The clients of all tasks of a plan: one for each set of options that is the same.

    botocore's sessions are not safe in several threads while they build clients, so a client that threads share is
    built, with what it needs later, under a lock; its calls are safe.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: dict[str, Any] = {}

    def of(self, kind: Callable[[dict[str, Any]], Any], names: Iterable[str], params: Mapping[str, Any]) -> Any:
        """The client; raises :class:`ResourceError`, each time, where it cannot be built."""
        key = f"{kind} " + json.dumps({name: params.get(name) for name in sorted(names)}, default=str)
        with self.lock:
            if key not in self.known:
                try:
                    self.known[key] = kind(dict(params))
                except ResourceError as error:
                    self.known[key] = error
            found = self.known[key]
        if isinstance(found, ResourceError):
            raise found
        return found

    def aws(self, params: Mapping[str, Any]) -> Aws:
        found: Aws = self.of(shared_aws, AWS.argument_spec, params)
        return found

    def apono(self, params: Mapping[str, Any]) -> Apono:
        found: Apono = self.of(Apono, APONO.argument_spec, params)
        return found


def shared_aws(params: dict[str, Any]) -> Aws:
    aws = Aws(params, WORKERS)
    for service in ("eks", "iam", "sts"):
        aws.client(service)
    return aws


class Planner:
    """Plans the hosts of a run.

    :param hosts: those of the run.
    :param settings: by host of the inventory, ``values`` and ``errors`` of the table of settings: those of the run as
        ``host_options.all_settings`` reads them, and those of others, from which a run over a part of an account must
        take nothing away, as ``host_options.settings_of`` does.
    :param parts: the parts of the work to plan, of ``rollout.PARTS``.
    :param blockers: results that failed already, for all hosts.
    :param max_fail_percentage: how many of the hosts may have failures.
    :param is_one_cluster: whether variables name the only cluster (``merged_fleet.merge_fleet``).
    :param progress: called with the number of jobs of a phase that have ended and of all.
    """

    def __init__(
        self,
        hosts: Collection[str],
        settings: Mapping[str, Mapping[str, Any]],
        parts: Iterable[str] = PARTS,
        blockers: Iterable[Result] = (),
        max_fail_percentage: float = 100,
        is_one_cluster: bool = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
        deadline: float = DEADLINE,
    ) -> None:
        self.hosts, self.settings, self.parts = list(hosts), settings, set(parts)
        self.blockers, self.max_fail_percentage, self.is_one_cluster = (
            list(blockers),
            max_fail_percentage,
            is_one_cluster,
        )
        self.progress, self.deadline = progress, deadline
        self.clients = Clients()
        self.values = {host: settings[host]["values"] for host in self.hosts}
        self.clusters: dict[str, dict[str, Any]] = {}
        self.results: dict[str, dict[str, Result]] = {host: {} for host in self.hosts}
        self.shown_at = time.monotonic()

    def plan(self) -> dict[str, Any]:
        """See the documentation of the module ``fleet_plan``."""
        shared = self.read()
        self.fleet = merge_fleet(self.hosts, self.settings, self.clusters, self.is_one_cluster)
        self.plan_accounts()
        self.plan_clusters(shared)
        left_out = [] if ACCOUNT in self.parts else list(ACCOUNT_STEPS)
        installs = self.fleet["connectors"] if CONNECTOR in self.parts else []
        planned = rollout(
            self.fleet, self.results, self.blockers, self.max_fail_percentage, left_out, frozenset(installs)
        )
        return {
            "hosts": {host: self.returned(host, left_out, host in installs) for host in self.hosts},
            "clusters": {host: self.clusters[host] for host in planned["hosts"]},
            "accounts": {account_id: self.account(its) for account_id, its in self.fleet["accounts"].items()},
            "parameter_ids": shared.get("parameter_ids", {}),
            "connector_ids": shared.get("connector_ids", {}),
            "left_out": left_out,
            "rollout": planned,
            "warnings": self.warnings(planned["steps"]),
        }

    # What is returned

    def returned(self, host: str, left_out: Collection[str], installs: bool) -> dict[str, Any]:
        """The plan of a host: no option, no secret and no large text."""
        its, cluster, named = self.results[host], self.clusters.get(host, {}), self.options(host, "cluster")
        steps: dict[str, list[str]] = {}
        for step, names in REPORTED_STEPS.items():
            results = [its[name] for name in names if name in its]
            if results and step not in left_out:
                items = [item for result in results for item in result.get("results", [result])]
                steps[step] = [words for item in items for words in item.get("changes", ())]
        if installs:
            steps[CONNECTOR] = [CONNECTOR_WORDS]
        return {
            "cluster_name": named["name"],
            "account_id": cluster.get("account_id") or named.get("account_id") or "",
            "region": cluster.get("region") or self.options(host, "aws").get("region") or "",
            "authentication_mode": cluster.get("authentication_mode", ""),
            "steps": steps,
        }

    def account(self, its: Mapping[str, Any]) -> dict[str, Any]:
        role = self.results[its["account_host"]].get(ROLE, {}).get("role") or {}
        return {**its, "role": {key: role[key] for key in ("arn", "create_date") if role.get(key)}}

    def warnings(self, steps: Mapping[str, Collection[str]]) -> list[str]:
        """What the resources warned of. Where the rollout goes through a step, its role warns again."""
        hosts: dict[str, list[str]] = {}
        for host, results in self.results.items():
            for name, result in results.items():
                if ROLLED_OUT.get(name) not in steps.get(host, ()):
                    for item in (result, *result.get("results", ())):
                        for text in item.get("warnings", ()):
                            hosts.setdefault(text, []).append(host)
        return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in hosts.items()]

    # How a resource is planned

    def run(self, kind: type[Task], options: Mapping[str, Any]) -> Result:
        """What a module returns in check mode, with the variables beside the options that an error names."""
        result = self.checked(kind, options)
        if result.get("failed"):
            variables = setting_names.variables_of(MODULES[kind], kind.options.argument_spec)
            result["msg"] = setting_names.with_variables(result["msg"], variables)
        return result

    def checked(self, kind: type[Task], options: Mapping[str, Any]) -> Result:
        """What a module returns in check mode."""
        checked = kind.options.check(dict(options))
        if checked.error_messages:
            return failure(checked.error_messages[0])
        try:
            params, _secrets = kind.options.normalise(checked.validated_parameters)
        except ResourceError as error:
            return failure(error.message, error.error)
        return execute(functools.partial(self.task, kind), params, True)

    def task(self, kind: type[Task], params: dict[str, Any]) -> Task:
        """A task that shares its clients."""
        made = kind(params)
        if isinstance(made, WithAws) and (AWS.argument_spec.keys() <= kind.options.argument_spec.keys()):
            made.__dict__["aws"] = self.clients.aws(params)
        if isinstance(made, WithApono):
            made.__dict__["apono"] = self.clients.apono(params)
        return made

    def each(self, jobs: Mapping[Any, Callable[[], dict[str, Result]]], what: Callable[[Any], str]) -> dict[Any, Any]:
        """Do these jobs at once. One that is late, or of whose options something is wrong, fails under the name that
        ``what`` has for it."""

        def guarded(key: Any) -> dict[str, Result]:
            try:
                return jobs[key]()
            except ResourceError as error:
                return {what(key): failure(error.message, error.error)}

        def show(done: int, total: int) -> None:
            if time.monotonic() - self.shown_at >= PROGRESS_SECONDS:
                self.shown_at = time.monotonic()
                self.progress(done, total)

        found = concurrently({key: functools.partial(guarded, key) for key in jobs}, WORKERS, self.deadline, show)
        return {key: found[key] if key in found else {what(key): self.late()} for key in jobs}

    def late(self) -> Result:
        return failure(
            f"A service has not answered within {self.deadline:.0f} seconds. Check the network between this machine "
            "and AWS, the API server of the cluster and Apono, and run again.",
            {"code": "Timeout"},
        )

    def options(self, host: str, target: str, **facts: Any) -> dict[str, Any]:
        known = host_options.Facts(host, cluster=self.clusters.get(host, {}), **facts)
        return host_options.options(target, self.values[host], known)

    # Reading

    def read(self) -> dict[str, Any]:
        """Read the clusters, and what is the same for all of them."""
        jobs: dict[Any, Callable[[], dict[str, Result]]] = {}
        if INTEGRATION in self.parts and self.hosts:
            jobs |= {name: functools.partial(self.read_of_apono, name) for name in self.of_apono()}
        jobs |= {(host,): functools.partial(self.read_cluster, host) for host in self.hosts}
        found = self.each(jobs, lambda key: CLUSTER if isinstance(key, tuple) else key)
        for host in self.hosts:
            self.results[host] = found[(host,)]
            cluster = found[(host,)][CLUSTER].get("cluster")
            if cluster:
                self.clusters[host] = cluster
        shared = {name: found[name][name] for name in self.of_apono() if name in found}
        types, connectors = shared.get("types", {}), shared.get("connectors", {})
        self.blockers += [types, connectors]
        return {
            "parameter_ids": ((types.get("integration_types") or [{}])[0]).get("ids_by_label", {}),
            "connector_ids": connectors.get("ids_by_name", {}),
            # Where the list cannot be read for all, each flow asks for itself, and says why it cannot be read.
            "access_flows": shared.get("flows", {}).get("access_flows"),
        }

    def of_apono(self) -> list[str]:
        has_flows = any(self.options(host, "access_flows").get("flows") for host in self.hosts)
        return ["types", "connectors", *(["flows"] if has_flows else [])]

    def read_of_apono(self, name: str) -> dict[str, Result]:
        """With the options of the first host, as a task has them that runs once."""
        host = self.hosts[0]
        apono = self.options(host, "apono")
        if name == "types":
            return {name: self.run(IntegrationTypeInfo, {**apono, **self.options(host, "catalog")})}
        return {name: self.run(ConnectorInfo if name == "connectors" else AccessFlowInfo, apono)}

    def read_cluster(self, host: str) -> dict[str, Result]:
        # Without these settings, another cluster would be read.
        needed = host_options.variables_of(("aws", "cluster"))
        wrong = [reason for name, reason in self.settings[host]["errors"].items() if name in needed]
        if wrong:
            return {CLUSTER: failure(" ".join(wrong))}
        name = self.options(host, "cluster")["name"]
        return {CLUSTER: self.run(ClusterInfo, {**self.options(host, "aws"), "cluster_name": name, "required": True})}

    # Accounts

    def plan_accounts(self) -> None:
        """The policy and the role of each account, by the host that stands for it."""
        jobs = {
            account["account_host"]: functools.partial(self.plan_account, account["account_host"], account["settings"])
            for account in self.fleet["accounts"].values()
        }
        for host, results in self.each(jobs, lambda _key: ROLE).items():
            self.results[host].update(results)

    def plan_account(self, host: str, settings: Mapping[str, Any]) -> dict[str, Result]:
        aws = self.options(host, "aws")
        its_policy = self.options(host, "iam_policy", account=settings)
        policy = self.run(IamPolicy, {**aws, **its_policy, "purge_tags": False})
        its_role = self.options(host, "iam_role", account=settings)
        name = (policy.get("policy") or {}).get("arn") or its_policy["name"]
        attached = [name, *its_role.get("managed_policies", ())]
        role = self.run(IamRole, {**aws, **its_role, "managed_policies": attached, "purge_tags": False})
        return {POLICY: policy, ROLE: role}

    # Clusters

    def plan_clusters(self, shared: Mapping[str, Any]) -> None:
        jobs: dict[Any, Callable[[], dict[str, Result]]] = {}
        ways = {
            **dict.fromkeys(self.fleet["access_entries"], ENTRY),
            **dict.fromkeys(self.fleet["config_maps"], CONFIG_MAP),
        }
        if MAPPING in self.parts:
            jobs |= {(host, way): functools.partial(self.plan_mapping, host, way) for host, way in ways.items()}
        if INTEGRATION in self.parts and not any(result.get("failed") for result in self.blockers):
            jobs |= {
                (host, INTEGRATED): functools.partial(self.plan_integration, host, shared)
                for host in self.fleet["known"]
            }
        for (host, _name), results in self.each(jobs, lambda key: key[1]).items():
            self.results[host].update(results)

    def account_of(self, host: str) -> dict[str, Any]:
        its: dict[str, Any] = self.fleet["accounts"].get(self.clusters[host]["account_id"], {})
        return its

    def plan_mapping(self, host: str, way: str) -> dict[str, Result]:
        account = self.account_of(host)
        settings, cluster = account.get("settings", {}), self.clusters[host]
        role = self.results[account["account_host"]].get(ROLE) if account else None
        role_arn = host_options.role_arn(self.values[host], host_options.Facts(host, cluster=cluster))
        place = {**self.options(host, "aws"), "cluster_name": cluster["name"]}
        if way == CONFIG_MAP:
            options = {
                **place,
                **self.options(host, "kubernetes"),
                **self.options(host, "aws_auth_role", account=settings),
                "role_arn": role_arn,
            }
            return {CONFIG_MAP: self.run(AwsAuthRole, options)}
        found = {}
        if host in self.fleet["modes"]:
            found[MODE] = self.run(AuthenticationMode, {**place, "mode": "API_AND_CONFIG_MAP"})
        options = {
            **place,
            **self.options(host, "access_entry", account=settings),
            "principal_arn": role_arn,
            "principal_created": account_role.created(role),
            "purge_tags": False,
        }
        return {**found, ENTRY: self.run(AccessEntry, options)}

    def plan_integration(self, host: str, shared: Mapping[str, Any]) -> dict[str, Result]:
        facts = {name: shared[name] for name in ("parameter_ids", "connector_ids")}
        options = {
            **self.options(host, "apono"),
            **self.options(host, "integration", **facts),
            "name": self.options(host, "integration_name")["name"],
            "wait": self.options(host, "integration_wait")["wait"],
        }
        result = self.run(Integration, options)
        if result.get("failed") or host not in self.fleet["access_flows"]:
            return {INTEGRATED: result}
        pending = [options["name"]] if result["changes"] else []
        flows = [
            self.plan_flow(host, flow, options["name"], pending, shared["access_flows"])
            for flow in self.options(host, "access_flows")["flows"]
        ]
        return {INTEGRATED: result, FLOWS: {"results": flows}}

    def plan_flow(
        self, host: str, flow: Mapping[str, Any], name: str, pending: list[str], known: list[dict[str, Any]] | None
    ) -> Result:
        options = {
            **self.options(host, "apono"),
            **{option: flow[option] for option in FLOW_OPTIONS if option in flow},
            "integration": name,
            "known_flows": known,
            "pending_integrations": pending,
            "wait": False,
        }
        result = self.run(AccessFlow, options)
        if (result.get("error") or {}).get("code") == "Timeout" and not pending:
            # Its first sync is running: the rollout waits for it, and then checks the flow.
            return self.run(AccessFlow, {**options, "pending_integrations": [name]})
        return result


def failure(message: str, error: Mapping[str, Any] | None = None) -> Result:
    return {"failed": True, "msg": message, "error": dict(error or {})}


@dataclass(frozen=True)
class Play:
    """What the action knows beside its options.

    :param settings_of: the settings of a host of the inventory (``host_options.settings_of``).
    :param is_one_cluster: whether variables name the only cluster (``merged_fleet.merge_fleet``).
    :param show: prints a line for the user.
    """

    settings_of: Callable[[str], Mapping[str, Any]]
    is_one_cluster: bool
    show: Callable[[str], None]


class FleetPlan(Task):
    """What stands behind the action ``apono.eks.fleet_plan``."""

    required_libraries = ("botocore",)
    options = Options(
        {
            "hosts": {"type": "list", "elements": "str", "required": True},
            "others": {"type": "list", "elements": "str", "default": []},
            "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
            "blockers": {"type": "list", "elements": "dict", "default": []},
            "max_fail_percentage": {"type": "float", "default": 100.0},
        }
    )
    play: ClassVar[Play]

    def result(self, check_mode: bool) -> dict[str, Any]:
        params, play = self.params, self.play

        def show(done: int, total: int) -> None:
            play.show(f"The plan has read {done} of {total}.")

        planner = Planner(
            params["hosts"],
            {host: play.settings_of(host) for host in dict.fromkeys([*params["hosts"], *params["others"]])},
            params["parts"],
            params["blockers"],
            params["max_fail_percentage"],
            play.is_one_cluster,
            show,
        )
        planned = planner.plan()
        for text in planned.pop("warnings"):
            self.warn(text)
        return {"changed": False, **planned}
