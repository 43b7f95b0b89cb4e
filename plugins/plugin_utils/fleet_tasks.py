# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tasks of many hosts concurrently in one process.

The tasks use the resources of the modules, in check mode. So a plan shows exactly what the roles will do. Clusters
share AWS sessions and credentials, and the role of an account is read once. An error is part of the result of its host,
and does not end the tasks of other hosts.
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
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS
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
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_info import IntegrationInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_type_info import IntegrationTypeInfo
from ansible_collections.apono.eks.plugins.plugin_utils import account_role, host_options, setting_names
from ansible_collections.apono.eks.plugins.plugin_utils.concurrently import concurrently
from ansible_collections.apono.eks.plugins.plugin_utils.merged_fleet import merge_fleet
from ansible_collections.apono.eks.plugins.plugin_utils.report_files import Report
from ansible_collections.apono.eks.plugins.plugin_utils.rollout import CONNECTOR, INTEGRATION, PARTS

# Concurrent jobs. There can be more jobs than cores, because they mostly wait for the network.
WORKERS = 32
# In seconds, how long one job can take. This is longer than all attempts of one call to a server that does not answer.
DEADLINE = 240.0
# How often, in seconds, a long run prints its progress.
PROGRESS_SECONDS = 10.0

# The names of results. The roles register their results under the same names, so plans and results can be compared.
CLUSTER, POLICY, ROLE = "apono_cluster_result", "account_access_policy_result", "account_access_role_result"
MODE, ENTRY, CONFIG_MAP = (
    "cluster_access_mode_result",
    "cluster_access_entry_result",
    "cluster_access_config_map_result",
)
INTEGRATED, FLOWS = "integration_result", "integration_access_flows_result"

# The options of an access flow that the role integration passes to the module.
FLOW_OPTIONS = ("name", *FIELDS, "request_for_others", "purge", "state")

# The reads of Apono that are done once for all hosts. Those of OF_CATALOG are for one type of integrations.
TYPES, CONNECTORS, INTEGRATIONS, ACCESS_FLOWS = "types", "connectors", "integrations", "access_flows"
OF_APONO: dict[str, type[Task]] = {
    TYPES: IntegrationTypeInfo,
    CONNECTORS: ConnectorInfo,
    INTEGRATIONS: IntegrationInfo,
    ACCESS_FLOWS: AccessFlowInfo,
}
OF_CATALOG = (TYPES, INTEGRATIONS)

# The options that all actions of this kind have.
FLEET_OPTIONS: dict[str, Any] = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "others": {"type": "list", "elements": "str", "default": []},
}

Result = dict[str, Any]
# Concurrent jobs, by keys of the caller. Each job returns results by their names.
Jobs = dict[Any, Callable[[], dict[str, Result]]]


class Clients:
    """The clients of all tasks of a plan. Tasks with the same options share a client.

    A session of botocore cannot build clients in several threads at once, so a lock protects this. The calls of a
    client are safe in threads (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html).
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: dict[str, Any] = {}

    def of(self, kind: Callable[[dict[str, Any]], Any], names: Iterable[str], params: Mapping[str, Any]) -> Any:
        """Return the client for these options.

        :param kind: builds the client from the options.
        :param names: the options that the client depends on.

        Raises :class:`ResourceError` if the client cannot be built. A second call raises the same error.
        """
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


class FleetTasks:
    """Runs the tasks of all hosts of a run.

    ``results`` has the results by host, and then by the variable that the roles register.

    :param hosts: the hosts of the run.
    :param settings: by host of the inventory, ``values`` and ``errors`` of its settings. The hosts of the run have
        those of ``host_options.settings``, and other hosts those of ``host_options.settings_of``. Other hosts are
        needed because a run over some clusters of an account must not remove what the other clusters need.
    :param is_one_cluster: whether variables name the only cluster (``merged_fleet.merge_fleet``).
    :param progress: called with two numbers: the jobs of a phase that have ended, and all its jobs.
    :param deadline: in seconds, how long one job can take.
    """

    # By resource, further options that are the same for all hosts.
    FURTHER: ClassVar[Mapping[type[Task], Mapping[str, Any]]] = {}

    def __init__(
        self,
        hosts: Collection[str],
        settings: Mapping[str, Mapping[str, Any]],
        is_one_cluster: bool = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
        deadline: float = DEADLINE,
    ) -> None:
        self.hosts, self.settings, self.is_one_cluster = list(hosts), settings, is_one_cluster
        self.progress, self.deadline = progress, deadline
        self.clients = Clients()
        self.values = {host: settings[host]["values"] for host in self.hosts}
        self.clusters: dict[str, dict[str, Any]] = {}
        self.results: dict[str, dict[str, Result]] = {host: {} for host in self.hosts}
        # The results of the reads of Apono, by their names in OF_APONO.
        self.of_apono: dict[str, Result] = {}
        self.shown_at = time.monotonic()

    # One task

    def run(self, kind: type[Task], options: Mapping[str, Any]) -> Result:
        """Return the result of a module in check mode. An error names the variables of the playbooks, too."""
        result = self.checked(kind, {**options, **self.FURTHER.get(kind, {})})
        if result.get("failed"):
            module = kind.__module__.rpartition(".")[2]
            variables = setting_names.variables_of(module, kind.options.argument_spec)
            result["msg"] = setting_names.with_variables(result["msg"], variables)
        return result

    def checked(self, kind: type[Task], options: Mapping[str, Any]) -> Result:
        """Return the result of a module in check mode."""
        checked = kind.options.check(dict(options))
        if checked.error_messages:
            return failure(checked.error_messages[0])
        try:
            params, _secrets = kind.options.normalise(checked.validated_parameters)
        except ResourceError as error:
            return failure(error.message, error.error)
        return execute(functools.partial(self.task, kind), params, True)

    def task(self, kind: type[Task], params: dict[str, Any]) -> Task:
        """Return a task that uses the shared clients."""
        made = kind(params)
        if isinstance(made, WithAws) and (AWS.argument_spec.keys() <= kind.options.argument_spec.keys()):
            made.__dict__["aws"] = self.clients.aws(params)
        if isinstance(made, WithApono):
            made.__dict__["apono"] = self.clients.apono(params)
        return made

    def each(self, jobs: Jobs, what: Callable[[Any], str]) -> dict[Any, Any]:
        """Run these jobs concurrently, and return their results by key.

        :param what: returns the name of the failed result for the key of a job that misses its deadline or has invalid
            options.
        """

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
            f"A service has not answered within {self.deadline:.0f} seconds. Check that this machine can connect to "
            "AWS, the API server of the cluster and Apono, and run again.",
            {"code": "Timeout"},
        )

    def options(self, host: str, target: str, **more: Any) -> dict[str, Any]:
        return host_options.options(target, self.values[host], self.facts_of(host, **more))

    def facts_of(self, host: str, **more: Any) -> host_options.Facts:
        return host_options.Facts(host, cluster=self.clusters.get(host, {}), **more)

    def role_arn(self, host: str) -> str:
        return host_options.role_arn(self.values[host], self.facts_of(host))

    # The clusters

    def read(self, names: Iterable[str]) -> None:
        """Read the clusters and Apono concurrently, and then merge the settings of all hosts.

        :param names: the reads of :data:`OF_APONO`.
        """
        jobs: Jobs = {}
        if self.hosts:
            jobs |= {name: functools.partial(self.read_of_apono, name) for name in names}
        jobs |= {(host,): functools.partial(self.read_cluster, host) for host in self.hosts}
        found = self.each(jobs, lambda key: CLUSTER if isinstance(key, tuple) else key)
        for host in self.hosts:
            self.results[host] = found.pop((host,))
            cluster = self.results[host][CLUSTER].get("cluster")
            if cluster:
                self.clusters[host] = cluster
        self.of_apono = {name: results[name] for name, results in found.items()}
        self.fleet = merge_fleet(self.hosts, self.settings, self.clusters, self.is_one_cluster)

    def read_of_apono(self, name: str) -> dict[str, Result]:
        """Read Apono with the options of the first host, as a task with ``run_once`` does."""
        host = self.hosts[0]
        catalog = self.options(host, "catalog") if name in OF_CATALOG else {}
        return {name: self.run(OF_APONO[name], {**self.options(host, "apono"), **catalog})}

    @property
    def parameter_ids(self) -> dict[str, str]:
        """The ids of the settings of an integration, by their labels in Apono's catalog."""
        types = self.of_apono.get(TYPES, {}).get("integration_types") or [{}]
        found: dict[str, str] = types[0].get("ids_by_label", {})
        return found

    @property
    def connector_ids(self) -> dict[str, str]:
        """The ids of the connectors, by their names."""
        found: dict[str, str] = self.of_apono.get(CONNECTORS, {}).get("ids_by_name", {})
        return found

    def read_cluster(self, host: str) -> dict[str, Result]:
        # If one of these settings has an error, the call could read another cluster.
        needed = host_options.variables_of(("aws", "cluster"))
        wrong = [reason for name, reason in self.settings[host]["errors"].items() if name in needed]
        if wrong:
            return {CLUSTER: failure(" ".join(wrong))}
        name = self.options(host, "cluster")["name"]
        return {CLUSTER: self.run(ClusterInfo, {**self.options(host, "aws"), "cluster_name": name})}

    @property
    def has_flows(self) -> bool:
        """Whether a host has access flows."""
        return any(self.options(host, "access_flows").get("flows") for host in self.hosts)

    # Plans

    @property
    def mappings(self) -> dict[str, str]:
        """By host, :data:`ENTRY` or :data:`CONFIG_MAP`: the name of the result of its access mapping."""
        return {
            **dict.fromkeys(self.fleet["access_entries"], ENTRY),
            **dict.fromkeys(self.fleet["config_maps"], CONFIG_MAP),
        }

    def add_results(self, jobs: Jobs) -> None:
        """Run these jobs, whose keys are a host and the name of a result, and add their results to ``results``."""
        for (host, _name), results in self.each(jobs, lambda key: key[1]).items():
            self.results[host].update(results)

    def plan_accounts(self) -> None:
        """Plan the policy and the role of each account, with the results at its account host."""
        accounts = self.fleet["accounts"].values()
        hosts = {account["account_host"]: account["settings"] for account in accounts}
        self.add_results({(host, ROLE): functools.partial(self.plan_account, host, its) for host, its in hosts.items()})

    def plan_account(self, host: str, settings: Mapping[str, Any]) -> dict[str, Result]:
        aws = self.options(host, "aws")
        its_policy = self.options(host, "iam_policy", account=settings)
        policy = self.run(IamPolicy, {**aws, **its_policy, "purge_tags": False})
        its_role = self.options(host, "iam_role", account=settings)
        name = (policy.get("policy") or {}).get("arn") or its_policy["name"]
        attached = [name, *its_role.get("managed_policies", ())]
        role = self.run(IamRole, {**aws, **its_role, "managed_policies": attached, "purge_tags": False})
        return {POLICY: policy, ROLE: role}

    def account_of(self, host: str) -> dict[str, Any]:
        its: dict[str, Any] = self.fleet["accounts"].get(self.clusters[host]["account_id"], {})
        return its

    def plan_mapping(self, host: str, mapping: str) -> dict[str, Result]:
        account = self.account_of(host)
        settings, cluster = account.get("settings", {}), self.clusters[host]
        role = self.results[account["account_host"]].get(ROLE) if account else None
        place = {**self.options(host, "aws"), "cluster_name": cluster["name"]}
        if mapping == CONFIG_MAP:
            options = {
                **place,
                **self.options(host, "kubernetes"),
                **self.options(host, "aws_auth_role", account=settings),
                "role_arn": self.role_arn(host),
            }
            return {CONFIG_MAP: self.run(AwsAuthRole, options)}
        found = {}
        if host in self.fleet["modes"]:
            found[MODE] = self.run(AuthenticationMode, {**place, "mode": "API_AND_CONFIG_MAP"})
        options = {
            **place,
            **self.options(host, "access_entry", account=settings),
            "principal_arn": self.role_arn(host),
            "principal_created": account_role.created(role),
            "purge_tags": False,
        }
        return {**found, ENTRY: self.run(AccessEntry, options)}

    def mapping_jobs(self) -> Jobs:
        return {
            (host, mapping): functools.partial(self.plan_mapping, host, mapping)
            for host, mapping in self.mappings.items()
        }

    def integration_jobs(self, hosts: Iterable[str]) -> Jobs:
        return {(host, INTEGRATED): functools.partial(self.plan_integration, host) for host in hosts}

    def plan_integration(self, host: str) -> dict[str, Result]:
        """Plan the integration of a host, and its access flows."""
        facts = {"parameter_ids": self.parameter_ids, "connector_ids": self.connector_ids}
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
        # If the list of all flows could not be read, each flow reads it by itself, and its result has the error.
        known = self.of_apono.get(ACCESS_FLOWS, {}).get("access_flows")
        flows = [
            self.plan_flow(host, flow, options["name"], pending, known)
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
            # The first sync of the integration is running. The rollout waits for it, and then checks the flow.
            return self.run(AccessFlow, {**options, "pending_integrations": [name]})
        return result


class FleetPlanTasks(FleetTasks):
    """Base of the plans of a fleet. A plan has the changes of a rollout for each host.

    :param parts: the parts of the work to plan, of ``rollout.PARTS``.
    :param run: ``values`` and ``errors`` of the settings of the run, as ``host_options.settings_of_run`` returns them.
    """

    def __init__(
        self,
        *arguments: Any,
        parts: Iterable[str] = PARTS,
        run: Mapping[str, Mapping[str, Any]] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*arguments, **more)
        self.parts = set(parts)
        self.values_of_run: Mapping[str, Any] = (run or {}).get("values", {})
        # Results that failed before the plan and concern all hosts.
        self.blockers = [failure(reason) for reason in (run or {}).get("errors", {}).values()]
        self.batches = host_options.options("rollout", {}, host_options.Facts(""))

    @property
    def max_fail_percentage(self) -> float:
        """The percentage of hosts that can fail. If more fail, the rollout does not start."""
        return float(self.batches["max_fail_percentage"])

    def check_settings_of_run(self) -> None:
        """Check the batches of the run, and that its report can be written."""
        try:
            self.batches = host_options.options("rollout", self.values_of_run, host_options.Facts(""))
        except ResourceError as error:
            self.blockers.append(failure(error.message, error.error))
        its_report = host_options.options("report", self.values_of_run, host_options.Facts(""))
        self.blockers.append(self.run(Report, {"outcomes": [], **its_report, "check_path": True}))

    def reads_of_apono(self, *names: str) -> list[str]:
        """Return the reads of :data:`OF_APONO` that the plan needs: these, and the access flows if a host has any."""
        if INTEGRATION not in self.parts:
            return []
        return [*names, *([ACCESS_FLOWS] if self.has_flows else [])]

    def returned(self, host: str, names: Mapping[str, Iterable[str]], connector: str = "") -> dict[str, Any]:
        """Return the plan of a host: the cluster, and the changes of each step. It has no options and no secrets.

        :param names: by step of the report, the names of its results.
        :param connector: the change of the connector's release, in words. Only Helm can compare a release.
        """
        its, steps = self.results[host], {}
        for step, results in names.items():
            planned = [its[name] for name in results if name in its]
            items = [item for result in planned for item in result.get("results", [result])]
            if planned:
                steps[step] = [words for item in items for words in item.get("changes", ())]
        if connector:
            steps[CONNECTOR] = [connector]
        return {**self.place(host), "steps": steps}

    def place(self, host: str) -> dict[str, str]:
        """Return the cluster of a host, as far as it is known."""
        cluster, named = self.clusters.get(host, {}), self.options(host, "cluster")
        return {
            "cluster_name": named["name"],
            "account_id": cluster.get("account_id") or named.get("account_id") or "",
            "region": cluster.get("region") or self.options(host, "aws").get("region") or "",
            "authentication_mode": cluster.get("authentication_mode", ""),
        }


def failure(message: str, error: Mapping[str, Any] | None = None) -> Result:
    return {"failed": True, "msg": message, "error": dict(error or {})}


@dataclass(frozen=True)
class Play:
    """The facts of the play that an action needs beside its options.

    :param settings_of: returns the settings of a host of the inventory (``host_options.settings_of``).
    :param settings_of_run: returns the settings of the run (``host_options.settings_of_run``).
    :param is_one_cluster: whether variables name the only cluster (``merged_fleet.merge_fleet``).
    :param show: prints a line for the user.
    """

    settings_of: Callable[[str], Mapping[str, Any]]
    settings_of_run: Callable[[], Mapping[str, Mapping[str, Any]]]
    is_one_cluster: bool
    show: Callable[[str], None]


class FleetTask(Task):
    """Base of the tasks of the actions that work on all hosts of a play at once."""

    required_libraries = ("botocore",)
    play: ClassVar[Play]

    def of_fleet(self, what: str) -> dict[str, Any]:
        """Return the arguments of :class:`FleetTasks`, from the options ``hosts`` and ``others``.

        :param what: the name of the work in the lines of progress, such as ``plan``.
        """
        hosts, play = self.params["hosts"], self.play

        def show(done: int, total: int) -> None:
            play.show(f"The {what} has completed {done} of {total} reads.")

        return {
            "hosts": hosts,
            "settings": {host: play.settings_of(host) for host in dict.fromkeys([*hosts, *self.params["others"]])},
            "is_one_cluster": play.is_one_cluster,
            "progress": show,
        }
