# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each cluster in a run, as records: made from the results that tasks have left on the hosts.

A step is what a reader of a report thinks in, such as the mapping; its results are those of the tasks that do it, of
which a host may have any or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils import setting_names
from ansible_collections.apono.eks.plugins.plugin_utils.ansible_words import own_words

# The steps of onboarding and offboarding, in their order, with the variables that their tasks register.
STEPS = {
    "policy": ("account_access_policy_result",),
    "role": ("account_access_role_result",),
    "authentication mode": ("cluster_access_mode_result",),
    "mapping": ("cluster_access_entry_result", "cluster_access_config_map_result"),
    "connector": ("connector_outcome",),
    "integration": ("integration_result", "integration_access_flows_result"),
}
# Those that one host does for all others of its account.
SHARED = ("policy", "role")

CLUSTER = "apono_cluster_result"
FAILURE = "apono_failure"
VERDICT = "apono_verdict"
SETTINGS = ("apono_cluster_name", "apono_region", "apono_account_id")

# What a step's results have come to, the one that counts first.
STEP_STATES = ("failed", "not started", "changed", "unchanged", "skipped")
# Of several hosts of an account that have checked a shared step, the one that says most about it.
DOER_STATES = ("changed", "failed", "not started", "unchanged", "skipped")

# The keys that are reported of results, of the failure that a playbook has kept, and of a verdict.
REPORTED = (
    *("changed", "changes", "cluster", "diff", "error", "failed", "msg", "skipped", "unreachable", "username"),
    *("code", "errors", "findings", "message", "state", "step"),
)


def variables(steps: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The variables that a playbook leaves on a host, of which its record is made beside :data:`SETTINGS`."""
    return (CLUSTER, FAILURE, VERDICT, *(name for names in steps.values() for name in names))


def records(
    hosts: Mapping[str, Mapping[str, Any]],
    steps: Mapping[str, Iterable[str]],
    shared: Iterable[str] = (),
    lost: Iterable[str] = (),
    unchanged: str = "unchanged",
    plan: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """One record for each host, in their order.

    ``hosts`` are the hosts' variables, ``shared`` the steps that one host does for its account, ``lost`` the hosts that
    are no longer in the run, ``unchanged`` the state of a cluster at which nothing was wrong and nothing was done,
    ``plan`` what was planned for each host before anything was done (``hosts`` of the action ``fleet_plan``).
    """
    gone = set(lost)
    plan = plan or {}
    found = [
        (
            identity(host, facts, plan.get(host, {})),
            {name: results(facts, names) or planned(plan.get(host, {}), name) for name, names in steps.items()},
        )
        for host, facts in hosts.items()
    ]
    made = [[step(name, its_results) for name, its_results in done.items()] for _identity, done in found]
    name_who_did_it([(who, its_steps) for (who, _done), its_steps in zip(found, made, strict=True)], set(shared))
    return [
        {**who, **outcome(its_steps, done, hosts[who["cluster"]], who["cluster"] in gone, unchanged)}
        for (who, done), its_steps in zip(found, made, strict=True)
    ]


def identity(host: str, facts: Mapping[str, Any], its_plan: Mapping[str, Any]) -> dict[str, Any]:
    """Which cluster it is: as EKS said, or as the variables say where EKS was not read or did not answer."""
    cluster = mapping(mapping(facts.get(CLUSTER)).get("cluster"))
    return {
        "cluster": host,
        "cluster_name": cluster.get("name") or its_plan.get("cluster_name") or facts.get("apono_cluster_name") or host,
        "account_id": text(cluster.get("account_id") or its_plan.get("account_id") or facts.get("apono_account_id")),
        "region": text(cluster.get("region") or its_plan.get("region") or facts.get("apono_region")),
    }


def planned(its_plan: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """What was planned of a step, in the form of results; nothing where the step was not planned."""
    changes = mapping(its_plan.get("steps")).get(name)
    return [] if changes is None else [{"changes": list(changes)}]


def results(facts: Mapping[str, Any], names: Iterable[str]) -> list[dict[str, Any]]:
    """The results of a step's tasks, each item of a loop by itself."""
    found: list[dict[str, Any]] = []
    for result in (mapping(facts.get(name)) for name in names):
        items = result.get("results")
        if isinstance(items, list) and all(isinstance(item, dict) for item in items):
            found += items
        elif result:
            found.append(result)
    return found


def step(name: str, its_results: list[dict[str, Any]]) -> dict[str, Any]:
    """A step of one host. One of which there is no result has no state yet."""
    states = [state_of(result) for result in its_results]
    diffs = [diff for diff in map(difference, its_results) if diff]
    record: dict[str, Any] = {
        "name": name,
        "state": min(states, key=STEP_STATES.index) if states else None,
        "changes": [text(words) for result in its_results for words in result.get("changes") or ()],
        "diff": diffs[0] if diffs else None,
    }
    if len(diffs) > 1:
        record["diff"] = {side: [diff[side] for diff in diffs] for side in ("before", "after")}
    usernames = [result["username"] for result in its_results if result.get("username")]
    if usernames:
        record["note"] = f"{', '.join(usernames)} in the cluster"
    return record


def state_of(result: Mapping[str, Any]) -> str:
    if result.get("failed") or result.get("unreachable"):
        return "failed"
    if result.get("skipped"):
        return "skipped"
    if result.get("changed"):
        return "changed"
    # A preview has changes and has made none of them.
    return "not started" if result.get("changes") else "unchanged"


def difference(result: Mapping[str, Any]) -> dict[str, Any] | None:
    diff = mapping(result.get("diff"))
    before, after = diff.get("before"), diff.get("after")
    return None if before == after else {"before": before, "after": after}


def name_who_did_it(found: list[tuple[dict[str, Any], list[dict[str, Any]]]], shared: set[str]) -> None:
    """Let a shared step that a host has not done itself say which host of its account did it."""
    doers: dict[tuple[str, str], tuple[int, str]] = {}
    for who, steps in found:
        for each in steps:
            if each["name"] in shared and each["state"] and who["account_id"]:
                key = (who["account_id"], each["name"])
                candidate = (DOER_STATES.index(each["state"]), who["cluster"])
                doers[key] = min(doers.get(key, candidate), candidate)
    for who, steps in found:
        for each in steps:
            _rank, doer = doers.get((who["account_id"], each["name"]), (0, None))
            if doer and not each["state"]:
                each.update(state="skipped", by=doer, note=f"by {doer}")


def outcome(
    steps: list[dict[str, Any]],
    done: dict[str, list[dict[str, Any]]],
    facts: Mapping[str, Any],
    is_lost: bool,
    unchanged: str,
) -> dict[str, Any]:
    """What the steps of one host have come to. Gives those without a result their state."""
    verdict = mapping(facts.get(VERDICT))
    errors = errors_of(steps, {**done, "cluster": results(facts, [CLUSTER])}, mapping(facts.get(FAILURE)), is_lost)
    states = {each["state"] for each in steps}
    if errors:
        state = "failed"
    elif verdict.get("state"):
        state = text(verdict["state"])
    elif "not started" in states or states <= {None}:
        state = "not started"
    else:
        state = "changed" if "changed" in states else unchanged
    for each in steps:
        # After a failure, or before the start, a step has still to come. Otherwise there was no need for it.
        each["state"] = each["state"] or ("not started" if state in ("failed", "not started") else "skipped")
    return {
        "state": state,
        "error": errors[0] if errors else None,
        "errors": errors,
        "steps": steps,
        "findings": [*kept(steps, done), *map(mapping, verdict.get("findings") or ())],
    }


def kept(steps: list[dict[str, Any]], done: dict[str, list[dict[str, Any]]]) -> list[dict[str, str]]:
    """What was left as it is for a reason: refusals that are no failure of the step."""
    return [
        {"code": "kept", "message": text(result.get("msg"))}
        for each in steps
        for result in done[each["name"]]
        if each["state"] != "failed" and mapping(result.get("error"))
    ]


def errors_of(
    steps: list[dict[str, Any]],
    done: dict[str, list[dict[str, Any]]],
    failure: Mapping[str, Any],
    is_lost: bool,
) -> list[dict[str, str]]:
    """Why a cluster failed: as the playbook has kept it, or as the failed result of a step says. ``done`` has what was
    learnt of the cluster too."""
    kept_errors = failure.get("errors") or [failure]
    named = {kept_error.get("step") for kept_error in kept_errors}
    for each in steps:
        # What another host did failed there.
        if each["name"] in named and not each.get("by"):
            each["state"] = "failed"
    failed = next((each["name"] for each in steps if each["state"] == "failed"), "")
    if not failed and "failed" in map(state_of, done["cluster"]):
        failed = "cluster"  # the cluster is not known, so no step was begun
    if not (failure or failed or is_lost):
        return []
    if failure.get("errors"):
        return [{key: text(kept_error.get(key)) for key in ("step", "message", "code")} for kept_error in kept_errors]
    result = next((result for result in done.get(failed, ()) if state_of(result) == "failed"), {})
    return [
        {
            "step": text(failure.get("step")) or failed,
            "message": setting_names.with_variables_of_roles(own_words(failure.get("message")))
            or own_words(result.get("msg"))
            or "Ansible stopped working on this cluster. Its error is in the output above.",
            "code": text(failure.get("code") or mapping(result.get("error")).get("code")),
        }
    ]


def failure_words(host: str, failure: Mapping[str, Any], is_reported: bool) -> str:
    """Return the message with which a host fails at the end of a run.

    :param failure: the fact ``apono_failure`` of the host.
    :param is_reported: whether the report has the errors of the host. A query may leave it out.
    """
    errors = failure.get("errors") or [failure]
    if not is_reported:
        return " ".join(text(error.get("message")) for error in errors)
    steps = ", ".join(dict.fromkeys(error["step"] for error in errors if error.get("step")))
    return f"{host} failed{f' at: {steps}' if steps else ''}. The report above has the error and what to do."


def mapping(value: Any) -> dict[str, Any]:
    """A dictionary, empty where there is none."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    return "" if value is None else str(value)
