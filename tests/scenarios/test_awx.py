# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: the real modules of awx.awx configure it, and the real ansible-runner runs its jobs with the data of AWX."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from runs import TIMEOUT_SECONDS, Controller, begin

from testbed.apono_callers import DEFAULT_TOKEN
from testbed.awx import Awx, Job, Step
from testbed.awx_rules import Injection
from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, Account, integrations
from testbed.service import Listener

CHECKOUT = Path(__file__).resolve().parents[2]
EXTENSION = CHECKOUT / "extensions/awx"
COLLECTIONS = CHECKOUT / ".cache/collections"
SHOP, DATA = "111122223333", "444455556666"
REPOSITORY = "https://git.example.com/apono.git"
CONTROLLER_TOKEN = "token-of-awx"
EXTERNAL_ID = "external-id-of-the-automation"
SOURCE = "Apono: EKS clusters"
DETAILS = "Ask in the platform team's channel.\nThen use the profile apono-k8s-access."

pytestmark = pytest.mark.skipif(
    not COLLECTIONS.exists(), reason="The collection awx.awx is missing. To install it, run: make awx-collection"
)


class Place:
    """An AWX, a fleet in two accounts whose roles require an external id, and a project for both."""

    def __init__(self, bed: Bed, folder: Path) -> None:
        self.bed = bed
        self.folder = folder
        self.accounts = {account_id: Account(bed, account_id) for account_id in (SHOP, DATA)}
        for account in self.accounts.values():
            account.ask_for_external_id(EXTERNAL_ID)
        shop, data = self.accounts[SHOP], self.accounts[DATA]
        self.clusters = {
            "shop-1": shop.add_cluster("shop-1", "API"),
            "shop-2": shop.add_cluster("shop-2", "CONFIG_MAP"),
            "shop-3": shop.add_cluster("shop-3", "API_AND_CONFIG_MAP"),
            "lake": data.add_cluster("lake", "API"),
        }
        self.project = folder / "project"
        shutil.copytree(EXTENSION / "project", self.project)
        self.write_inventory()
        self.awx = Awx(CONTROLLER_TOKEN, {REPOSITORY: self.project})
        self.listener = Listener(self.awx).start()
        keys = bed.credentials(OPERATIONS_ACCOUNT)
        self.credential = {
            "access_key": keys["AWS_ACCESS_KEY_ID"],
            "secret_key": keys["AWS_SECRET_ACCESS_KEY"],
            "external_id": EXTERNAL_ID,
        }
        self.secrets = [DEFAULT_TOKEN, EXTERNAL_ID, self.credential["secret_key"], CONTROLLER_TOKEN]

    def write_inventory(self) -> None:
        """Write the inventory of the shipped project for these accounts and this region."""
        path = self.project / "inventory/fleet.yml"
        content = {**yaml.safe_load(path.read_text()), "regions": ["eu-west-1"]}
        # A list as a text, in the form of a survey's answer.
        content["compose"]["apono_kubernetes_groups"] = r"'viewers\n\n oncall \n'"
        content["compose"]["apono_connector"] = "'Production'"
        content["compose"]["apono_custom_access_details"] = json.dumps(DETAILS)
        content["accounts"] = [{"role_arn": account.automation} for account in self.accounts.values()]
        path.write_text(yaml.safe_dump(content))

    def names(self, *clusters: str) -> list[str]:
        """The names of integrations with several accounts."""
        return [f"{cluster}.eu-west-1.{DATA if cluster == 'lake' else SHOP}" for cluster in clusters]

    # The configuration

    def configure(self, **more: Any) -> subprocess.CompletedProcess:
        settings = {
            "awx_project_url": REPOSITORY,
            "awx_execution_environment_image": "example.com/apono-eks:latest",
            "awx_apono_token": DEFAULT_TOKEN,
            "awx_apono_endpoint": self.bed.urls["apono"],
            "awx_aws": self.credential,
            "awx_job_slices": 2,
            "awx_notification": {
                "notification_type": "webhook",
                "notification_configuration": {"url": "https://chat.example.com/hook", "headers": {}},
            },
            **more,
        }
        variables = self.folder / "settings.json"
        variables.write_text(json.dumps(settings))
        environment = {
            **self.environment(),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{os.environ['ANSIBLE_COLLECTIONS_PATH']}",
            "CONTROLLER_HOST": self.listener.url,
            "CONTROLLER_OAUTH_TOKEN": CONTROLLER_TOKEN,
        }
        command = [program("ansible-playbook"), str(EXTENSION / "configure.yml"), "-e", f"@{variables}"]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )

    def person(self, keys: dict[str, str]) -> int:
        """Create the credential of a user, as the user does before the launch of the job template."""
        names = {"access_key": "AccessKeyId", "secret_key": "SecretAccessKey", "session_token": "SessionToken"}
        return self.awx.create_credential("Jane", "AWS user", {name: keys[key] for name, key in names.items()})

    def environment(self) -> dict[str, str]:
        """Return the environment of a job without credentials: the URLs of the services of this test bed."""
        known = Controller(self.folder, self.bed.environment(OPERATIONS_ACCOUNT)).full_environment(Path(os.devnull))
        secret = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "APONO_API_TOKEN", "APONO_ENDPOINT")
        return {name: value for name, value in known.items() if name not in secret}

    # The jobs

    def inventory(self) -> dict[str, Any]:
        """Return the result of an update of the inventory source, in the form of ``ansible-inventory`` for AWX."""
        path, injection = self.awx.update_of(SOURCE, str(self.folder / "update"))
        write(injection)
        found = subprocess.run(
            [program("ansible-inventory"), "-i", str(path), "--list", "--export"],
            env={**self.environment(), **injection.env, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        assert found.returncode == 0, found.stderr
        return self.awx.imported(SOURCE, json.loads(found.stdout))

    def run(
        self, template: str, inventory: dict[str, Any], answers: dict[str, Any] | None = None, **chosen: Any
    ) -> list[Outcome]:
        """Run all jobs of a launch at the same time. ``chosen`` has the choices at launch."""
        jobs = self.awx.launch(template, answers or {}, str(self.folder / "files"), **chosen)
        running = [self.start(job, inventory) for job in jobs]
        return [Outcome(folder, process.wait(timeout=TIMEOUT_SECONDS)) for folder, process in running]

    @staticmethod
    def only(inventory: dict[str, Any], *hosts: str) -> dict[str, Any]:
        """Return an inventory of some hosts."""
        known = inventory["_meta"]["hostvars"]
        return {"_meta": {"hostvars": {host: known[host] for host in hosts}}, "all": {"hosts": list(hosts)}}

    def start(self, job: Job, inventory: dict[str, Any]) -> tuple[Path, subprocess.Popen]:
        folder = self.folder / "jobs" / f"{len(list(self.folder.glob('jobs/*')))}"
        (folder / "inventory").mkdir(parents=True)
        (folder / "env").mkdir()
        shutil.copytree(self.project, folder / "project")
        script = folder / "inventory/hosts"
        script.write_text(f"#!{sys.executable}\nprint({json.dumps(part(inventory, job))!r})\n")
        script.chmod(0o700)
        extra_vars: dict[str, Any] = {"awx_job_id": 1, "awx_job_template_name": job.template["name"]}
        if job.slices > 1:
            # A sliced job template starts a workflow of the same name (awx/main/models/jobs.py, create_unified_job).
            extra_vars |= {"awx_workflow_job_id": 2, "awx_workflow_job_name": job.template["name"]}
        environment = {"ANSIBLE_FORCE_COLOR": "true", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true", "JOB_ID": "1"}
        environment |= {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts")}
        for injection in job.injections:
            write(injection)
            extra_vars |= injection.extra_vars
            environment |= injection.env
        (folder / "env/extravars").write_text(yaml.dump(literal({**extra_vars, **job.extra_vars}), Dumper=Literally))
        (folder / "env/envvars").write_text(json.dumps(environment))
        options = ["--forks", str(job.template["forks"]), "--diff"]
        options += ["--limit", job.limit] if job.limit else []
        options += ["--check"] if job.template["job_type"] == "check" else []
        (folder / "env/cmdline").write_text(" ".join(options))
        command = [program("ansible-runner"), "run", str(folder), "--playbook", job.template["playbook"], "--quiet"]
        return folder, begin(command, env=self.environment(), stdout=subprocess.DEVNULL)


class Text(str):
    """A text that AWX writes as unsafe, so that Ansible does not evaluate it."""


class Literally(yaml.SafeDumper):
    """Writes the answers of surveys in the form of AWX (``awx/main/utils/safe_yaml.py``)."""


Literally.add_representer(Text, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def literal(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: literal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [literal(item) for item in value]
    return Text(value) if isinstance(value, str) else value


class Outcome:
    """A finished job and all data that AWX stores about it."""

    def __init__(self, folder: Path, code: int) -> None:
        self.code = code
        self.output = next(folder.glob("artifacts/*/stdout")).read_text()
        # The runner also writes the environment of the job to a file. AWX itself masks the secrets in that file.
        self.kept = "".join(
            path.read_text(errors="replace")
            for place in ("artifacts", "facts")
            for path in folder.glob(f"{place}/**/*")
            if path.is_file() and path.name != "command"
        )
        self.stats = self.last_event("playbook_on_stats", folder)

    def last_event(self, kind: str, folder: Path) -> dict[str, Any]:
        events = [json.loads(path.read_text()) for path in folder.glob("artifacts/*/job_events/*.json")]
        return next((event["event_data"] for event in events if event["event"] == kind), {})

    @property
    def hosts(self) -> set[str]:
        return set(self.stats["processed"])

    @property
    def changed(self) -> int:
        return sum(self.stats["changed"].values())


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def write(injection: Injection) -> None:
    for name, content in injection.files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o600)


def part(inventory: dict[str, Any], job: Job) -> dict[str, Any]:
    """Return the inventory with every nth host, as AWX slices it (``awx/main/models/inventory.py``,
    get_script_data)."""
    hosts = sorted(inventory["_meta"]["hostvars"])[job.slice - 1 :: job.slices]
    kept: dict[str, Any] = {"_meta": {"hostvars": {host: inventory["_meta"]["hostvars"][host] for host in hosts}}}
    for name, group in inventory.items():
        if name != "_meta":
            own = {"hosts": [host for host in group["hosts"] if host in hosts]} if "hosts" in group else {}
            kept[name] = {**group, **own}
    kept["all"] = {**kept["all"], "hosts": hosts}
    return kept


@pytest.fixture(name="place")
def fixture_place(bed: Bed, tmp_path: Path) -> Iterator[Place]:
    place = Place(bed, tmp_path)
    yield place
    place.listener.stop()


@pytest.fixture(scope="module", name="configured")
def fixture_configured() -> list[Awx]:
    """The AWX that was configured first, because the configuration takes longer than most jobs."""
    return []


@pytest.fixture(name="configured_place")
def fixture_configured_place(place: Place, configured: list[Awx]) -> Place:
    """A place whose AWX has the configuration, with the keys of this test bed."""
    if configured:
        place.awx.take(configured[0])
        place.awx.change(place.awx.named("credentials", "Apono: AWS across accounts"), {"inputs": place.credential})
    else:
        run = place.configure()
        assert run.returncode == 0, run.stdout + run.stderr
        configured.append(Awx(CONTROLLER_TOKEN, {}))
        configured[0].take(place.awx)
    return place


def test_awx_is_configured_and_its_jobs_do_the_work(place: Place) -> None:
    first = place.configure()
    assert first.returncode == 0, first.stdout + first.stderr
    state = place.awx.state()
    again = place.configure()
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout
    assert place.awx.state() == state
    for text in (first.stdout, again.stdout, first.stderr):
        assert not [secret for secret in place.secrets if secret in text]
    # The answers of a workflow do not reach the audit. With a limit, each slice has hosts.
    assert place.awx.steps("Apono: onboard a fleet", {}) == [
        ("Apono: audit", {}, 1),
        ("Apono: preview", {}, 1),
        ("Onboard these clusters?", {}, 1),
        ("Apono: onboard", {}, 1),
    ]
    inventory = place.inventory()

    looked = place.run("Apono: preview", inventory)
    assert [job.code for job in looked] == [0, 0], looked[0].output
    assert integrations(place.bed) == {} and all(job.changed for job in looked)

    # Both slices create the policy and the role of their account at the same time.
    done = place.run("Apono: onboard", inventory)
    assert [job.code for job in done] == [0, 0], done[0].output + done[1].output
    assert [sorted(job.hosts) for job in done] == [["lake", "shop-2"], ["shop-1", "shop-3"]]
    assert sorted(integrations(place.bed)) == place.names("lake", "shop-1", "shop-2", "shop-3")
    assert sorted(place.clusters["shop-1"].entry()["kubernetesGroups"]) == ["oncall", "viewers"]
    assert {item["custom_access_details"] for item in integrations(place.bed).values()} == {DETAILS}
    same = place.run("Apono: onboard", inventory)
    assert [(job.code, job.changed) for job in same] == [(0, 0), (0, 0)], same[0].output

    # One job processes the whole fleet, independent of awx_job_slices.
    (audited,) = place.run("Apono: audit", inventory)
    assert audited.code == 0, audited.output
    (alone,) = place.run("Apono: onboard", inventory, limit="lake", slices=1)
    assert (alone.code, alone.hosts) == (0, {"lake"}), alone.output

    # With one cluster, the other slice has no work.
    adopted, _none = place.run("Apono: adopt", place.only(inventory, "shop-3"))
    assert adopted.code == 0, adopted.output
    assert "apono_connector: " in adopted.output
    moving, _none = place.run("Apono: preview of a migration", place.only(inventory, "shop-2"))
    # The mode, the access entry, and the aws-auth entry that is then removed.
    assert (moving.code, moving.changed) == (0, 3), moving.output
    assert place.clusters["shop-2"].mode == "CONFIG_MAP"

    # The credential of a user is chosen at launch.
    person = place.accounts[SHOP].sso_person("jane@example.com")
    verify = place.awx.named("job_templates", "Apono: verify")
    credentials = [*place.awx.associated[verify, "credentials"], place.person(person)]
    (verified,) = place.run(
        "Apono: verify",
        place.only(inventory, "shop-1", "shop-3"),
        {"apono_verify_session_name": "jane@example.com"},
        credentials=credentials,
    )
    assert verified.code == 0, verified.output
    assert "apono:jane-example.com" in verified.output

    confirmed = {"awx_confirmation": "offboard the clusters"}
    off = place.run("Apono: offboard", inventory, confirmed, limit="shop-1:shop-2")
    assert [job.code for job in off] == [0], off[0].output
    assert sorted(integrations(place.bed)) == place.names("lake", "shop-3")
    assert place.accounts[SHOP].role()["policies"] == [place.accounts[SHOP].arn(f"policy/{ROLE}")]

    secrets = [*place.secrets, person["SecretAccessKey"], person["SessionToken"]]
    for job in [*looked, *done, *same, audited, alone, verified, adopted, moving, *off]:
        assert len(job.kept) > 1000
        assert not [secret for secret in secrets if secret in job.kept]


def test_the_workflow_ends_green_from_an_awx_that_has_nothing(configured_place: Place) -> None:
    """The audit of clusters that are not onboarded fails. It does not end the workflow."""
    place = configured_place
    inventory = place.inventory()

    def run(step: Step) -> bool:
        if step.template == "Onboard these clusters?":
            assert integrations(place.bed) == {}
            return True
        template = place.awx.objects[place.awx.named("job_templates", step.template)]
        slices = step.slices if template["ask_job_slice_count_on_launch"] else None
        jobs = place.run(step.template, inventory, limit="lake", slices=slices)
        return all(job.code == 0 for job in jobs)

    ran, succeeded = place.awx.run_workflow("Apono: onboard a fleet", run)
    assert ran == [
        ("Apono: audit", False),
        ("Apono: preview", True),
        ("Onboard these clusters?", True),
        ("Apono: onboard", True),
    ]
    assert succeeded
    assert list(integrations(place.bed)) == place.names("lake")


def test_a_variable_that_the_project_no_longer_has_is_not_in_force(configured_place: Place) -> None:
    place = configured_place
    assert place.inventory()["_meta"]["hostvars"]["shop-1"]["apono_kubernetes_groups"]
    path = place.project / "inventory/fleet.yml"
    content = yaml.safe_load(path.read_text())
    del content["compose"]["apono_kubernetes_groups"]
    path.write_text(yaml.safe_dump(content))
    assert not [own for own in place.inventory()["_meta"]["hostvars"].values() if "apono_kubernetes_groups" in own]


@pytest.mark.parametrize("template", ["Apono: audit", "Apono: offboard"])
def test_a_slice_of_a_fleet_is_refused_where_the_whole_fleet_is_compared(
    configured_place: Place, template: str
) -> None:
    place = configured_place
    inventory = place.inventory()
    number = place.awx.named("job_templates", template)
    place.awx.change(number, {"job_slice_count": 2})
    answers = {"awx_confirmation": "offboard the clusters"} if "offboard" in template else {}
    place.bed.forget_calls()
    for job in place.run(template, inventory, answers):
        assert job.code != 0
        assert f"This job is a slice of the job template {template}" in job.output
        assert "Set the number of slices of the job template to 1" in job.output
    assert place.bed.calls(writes=True) == []


def test_two_organizations_have_objects_of_their_own(configured_place: Place) -> None:
    place = configured_place
    before = {number: dict(item) for number, item in place.awx.objects.items()}
    place.awx.add("organizations", {"name": "Data"})
    data = {"awx_organization": "Data", "awx_prefix": "Data", "awx_manage_credential_types": False}
    run = place.configure(**data)
    assert run.returncode == 0, run.stdout
    assert {number: item for number, item in place.awx.objects.items() if number in before} == before
    assert place.awx.named("job_templates", "Data: onboard") != place.awx.named("job_templates", "Apono: onboard")
    assert "changed=0" in place.configure().stdout
    assert "changed=0" in place.configure(**data).stdout


def test_a_project_that_cannot_be_updated_ends_the_configuration(place: Place) -> None:
    (place.project / "collections").mkdir()
    (place.project / "collections/requirements.yml").write_text("collections: [{name: apono.eks}]\n")
    run = place.configure()
    assert run.returncode != 0
    assert "Create or update the project" in run.stdout
    assert list(place.awx.find("job_templates", {})) == []
