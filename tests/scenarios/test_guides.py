# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow every guide: write its files, run its commands, and compare the real output with the shown one.

The collection is installed from its archive. The reader has a home folder, a shell and the real tools. Only the
addresses of AWS and Apono are those of the test bed. :mod:`guides` describes the blocks of a guide.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from guides import (
    CHECKOUT,
    GUIDES,
    Block,
    Command,
    Shell,
    blocks_of,
    commands_of,
    kubeconfig,
    programs_of,
    write,
)
from pods import CHART, playing
from pods import TOKEN as TOKEN_OF_CONNECTOR
from runs import TIMEOUT_SECONDS
from test_adopt import PAGE_POLICY, PAGE_SSO_TRUST, make_integration, make_role

import tools
from testbed.apono_callers import DEFAULT_TOKEN
from testbed.awx import Awx
from testbed.bed import AWS_SERVICES, Bed
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, ROLE, Account, Cluster
from testbed.kubernetes_real import Programs
from testbed.service import Listener

SHOP, DATA = "111122223333", "444455556666"
REGION = "eu-central-1"
JANE = "jane@example.com"
EXTERNAL_ID = "the-platform-team"
NODES = """\
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
"""

# The programs of the guides: those of ansible-core and of the requirements that the guides name, and those of any
# system. The tests have to pass on a system without others, such as curl.
PROGRAMS = {
    *("ansible", "ansible-builder", "ansible-galaxy", "ansible-inventory", "ansible-playbook", "ansible-rulebook"),
    *("aws", "cat", "echo", "export", "kubectl", "ls", "mkdir", "python", "python3", "read"),
}

PAGES = {path.stem: path for path in (CHECKOUT / "README.md", *sorted(GUIDES.glob("*.rst")))}


class World:
    """The resources before the first line of a guide, and the actions of other users."""

    def __init__(self, bed: Bed, folder: Path, collections: Path) -> None:
        self.bed = bed
        self.home = folder / "home"
        self.folder = self.home / "fleet"
        self.folder.mkdir(parents=True)
        (self.home / ".ansible").mkdir()
        (self.home / ".ansible/collections").symlink_to(collections)
        self.collections = collections
        self.stops: list[Callable[[], None]] = []
        programs = (tools.AWS.parent, tools.KUBECTL.parent, tools.HELM.parent, Path(sys.executable).parent)
        self.environment = {
            **{f"AWS_ENDPOINT_URL_{service}": bed.urls["aws"] for service in AWS_SERVICES},
            "APONO_ENDPOINT": bed.urls["apono"],
            "APONO_API_TOKEN": DEFAULT_TOKEN,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "AWS_PROFILE": "automation",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": ":".join([*map(str, programs), os.environ["PATH"]]),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self.profile("operations", bed.credentials(OPERATIONS_ACCOUNT))
        self.account = Account(bed, SHOP, REGION)
        self.clusters: dict[str, Cluster] = {}

    # Existing resources

    def profile(self, name: str, keys: dict[str, str], region: str = REGION) -> None:
        """Write credentials to a profile, as a sign-in or ``aws configure`` does."""
        lines = [f"[{name}]", *(f"{key.lower()} = {value}" for key, value in keys.items()), ""]
        self.append(".aws/credentials", lines)
        self.append(".aws/config", [f"[profile {name}]", f"region = {region}", ""])

    def role_profile(self, name: str, role: str) -> None:
        self.append(
            ".aws/config",
            [f"[profile {name}]", f"role_arn = {role}", "source_profile = operations", f"region = {REGION}", ""],
        )

    def append(self, path: str, lines: list[str]) -> None:
        file = self.home / path
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as handle:
            handle.write("\n".join(lines) + "\n")

    def one_account(self) -> None:
        """Create an account with the profile ``automation``, and with users who sign in with AWS SSO."""
        self.role_profile("automation", self.account.automation)
        self.account.sso_person(JANE)

    def add(self, name: str, mode: str = "API_AND_CONFIG_MAP", **more: str) -> Cluster:
        self.clusters[name] = self.account.add_cluster(name, mode, **more)
        return self.clusters[name]

    def inventory(self, **hosts: dict[str, str]) -> None:
        """Write the inventory of another guide."""
        variables = {"apono_region": REGION, "apono_connector": "Production", "apono_trust": {"sso": {}}}
        document = {"all": {"hosts": hosts, "vars": variables}}
        (self.folder / "clusters.yml").write_text(yaml.safe_dump(document, sort_keys=False))

    def use(self, cluster: Cluster) -> None:
        """Select a cluster for kubectl, as its administrator."""
        authority = base64.b64encode(cluster.authority.encode()).decode()
        place = {"server": cluster.url, "certificate-authority-data": authority}
        (self.home / ".kube").mkdir()
        (self.home / ".kube/config").write_text(kubeconfig(place, {"token": cluster.admin_token}))

    def onboard(self, *arguments: str) -> None:
        """Do the work that a guide assumes."""
        shell = Shell(self.environment, self.folder)
        shell.run(shlex.join(["ansible-playbook", "apono.eks.onboard", "-i", "clusters.yml", *arguments]))
        assert shell.status == 0, shell.output

    def sign_in(self, profile: str) -> None:
        keys = self.account.sso_person(JANE)
        self.profile(profile, by_environment(keys))


def by_environment(keys: dict[str, str]) -> dict[str, str]:
    names = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY"}
    names["SessionToken"] = "AWS_SESSION_TOKEN"
    return {name: keys[key] for key, name in names.items() if key in keys}


# The resources before the first line of each guide


def plain(world: World) -> None:
    """One account with the cluster prod-1, without anything of Apono."""
    world.one_account()
    world.add("prod-1")
    world.inventory(**{"prod-1": {}})


def first_cluster(world: World) -> None:
    plain(world)
    (world.folder / "clusters.yml").unlink()
    # Values that the reader gets during the guide.
    del world.environment["AWS_PROFILE"], world.environment["APONO_API_TOKEN"]
    (world.home / ".ansible/collections").unlink()


def onboarding(world: World) -> None:
    world.one_account()
    world.add("shop-eu")
    world.add("shop-us", region="us-east-1")


def fleet(world: World) -> None:
    """Three clusters in two accounts. The automation principal assumes a role in each account."""
    onboarding(world)
    world.environment["AWS_PROFILE"] = "operations"
    data = Account(world.bed, DATA, REGION)
    data.add_saml_provider()
    world.clusters["data-eu"] = data.add_cluster("data-eu", "CONFIG_MAP")


def many_accounts(world: World) -> None:
    """A fleet with one account that has no role for the automation principal yet."""
    fleet(world)
    world.account.ask_for_external_id(EXTERNAL_ID)
    world.clusters["data-eu"].account.remove_automation()
    world.profile("data-admin", world.bed.credentials(DATA))


def saml(world: World) -> None:
    world.role_profile("automation", world.account.automation)
    world.account.add_saml_provider()
    world.add("prod-1")


def partitions(world: World) -> None:
    del world.environment["AWS_PROFILE"]
    for name, partition, region, account_id, cluster in (
        ("govcloud", "aws-us-gov", "us-gov-west-1", SHOP, "gov-1"),
        ("china", "aws-cn", "cn-north-1", DATA, "cn-1"),
    ):
        account = Account(world.bed, account_id, region, partition)
        account.add_saml_provider()
        account.add_cluster(cluster, "API")
        world.profile(name, world.bed.credentials(OPERATIONS_ACCOUNT, partition), region)
        world.profile(f"{name}-admin", world.bed.credentials(account_id, partition), region)


def own_playbooks(world: World) -> None:
    """Two clusters of one account, without the inventory of another guide."""
    world.one_account()
    world.add("prod-1")
    world.add("prod-2", "CONFIG_MAP")


def mapping(world: World) -> None:
    world.one_account()
    world.add("old-1", "CONFIG_MAP")
    world.add("old-2", "CONFIG_MAP")


def safety(world: World) -> None:
    world.one_account()
    world.add("prod-1", "CONFIG_MAP").write_map_roles(NODES)


def two_clusters(world: World) -> None:
    world.one_account()
    world.add("prod-1")
    world.add("prod-2")
    world.inventory(**{"prod-1": {}, "prod-2": {}})


def onboarded(world: World) -> None:
    """Two onboarded clusters."""
    two_clusters(world)
    world.onboard()


def access_flows(world: World) -> None:
    """Two clusters, and groups of users in Apono."""
    two_clusters(world)
    groups = ("developers", "on-call")
    attributes = [{"type": "group", "value": name} for name in groups]
    attributes.append({"type": "user", "value": JANE})
    world.bed.control("apono", "directory", {"groups": [{"name": name} for name in groups], "attributes": attributes})


def drifted(world: World) -> None:
    """Two onboarded clusters. Another user has changed the username in one of them."""
    onboarded(world)
    cluster = world.clusters["prod-1"]
    principal = world.account.arn(f"role/{ROLE}")
    cluster.eks.update_access_entry(clusterName=cluster.name, principalArn=principal, username="me:{{SessionName}}")


def adopt(world: World) -> None:
    """A cluster that was onboarded in the consoles, with other names."""
    world.one_account()
    role = make_role(world.account, PAGE_SSO_TRUST, PAGE_POLICY, name="people-k8s")
    cluster = world.add("prod-1")
    cluster.eks.create_access_entry(
        clusterName="prod-1",
        principalArn=role,
        username="people:{{SessionNameRaw}}",
        kubernetesGroups=["viewers"],
    )
    config = {"target_cluster": "prod-1", "cluster_location": REGION}
    make_integration(world.bed, "Production (EU)", config)


def migration(world: World) -> None:
    """A cluster with an aws-auth entry."""
    world.one_account()
    cluster = world.add("prod-1", "CONFIG_MAP")
    role = make_role(world.account, PAGE_SSO_TRUST, PAGE_POLICY)
    cluster.write_map_roles(f"{NODES}- rolearn: {role}\n  username: '{{{{SessionNameRaw}}}}'\n")
    world.inventory(**{"prod-1": {}})
    world.sign_in("jane")
    # The guide gives a new entry one minute until it has effect.
    (world.folder / "group_vars").mkdir()
    (world.folder / "group_vars/all.yml").write_text("apono_migrate_propagation_delay: 1\n")


def user_login(world: World) -> None:
    plain(world)
    world.onboard()
    # Users find the account in the role of their inventory.
    world.inventory(**{"prod-1": {"apono_assume_role_arn": world.account.automation}})
    world.clusters["prod-1"].grant("apono:jane-example.com")


def inventory(world: World) -> None:
    fleet(world)
    world.clusters["data-eu"].account.ask_for_external_id("shared-with-the-platform-team")
    for cluster in world.clusters.values():
        tags = {"env": "prod", "team": "web" if cluster.name == "shop-eu" else "data"}
        cluster.eks.tag_resource(resourceArn=cluster.arn, tags=tags)
    for place in (REGION, "us-east-1"):
        world.bed.control("apono", "connectors", {"id": f"connector-{place}", "name": f"connector-{place}"})


def reports(world: World) -> None:
    """Three clusters, one of which does not know the automation principal."""
    onboarding(world)
    world.environment["AWS_PROFILE"] = "operations"
    data = Account(world.bed, DATA, REGION)
    data.add_cluster("data-eu", "CONFIG_MAP", creator_arn=data.make_role("somebody", DATA))
    places = {"apono_assume_role_arn": world.account.automation}
    world.inventory(
        **{
            "shop-eu": places,
            "shop-us": {**places, "apono_region": "us-east-1"},
            "data-eu": {"apono_assume_role_arn": data.automation},
        }
    )


def aws_auth(world: World) -> None:
    """A cluster with an aws-auth entry, and with a backup of the ConfigMap before it."""
    world.one_account()
    cluster = world.add("prod-1", "CONFIG_MAP")
    cluster.write_map_roles(NODES)
    world.inventory(**{"prod-1": {}})
    (world.folder / "backups").mkdir()
    world.onboard("-e", "apono_backup_dir=backups")
    world.use(cluster)


def awx(world: World) -> None:
    del world.environment["AWS_PROFILE"]
    keys = world.bed.credentials(OPERATIONS_ACCOUNT)
    world.environment["AWX_AWS_ACCESS_KEY"] = keys["AWS_ACCESS_KEY_ID"]
    world.environment["AWX_AWS_SECRET_KEY"] = keys["AWS_SECRET_ACCESS_KEY"]
    project = CHECKOUT / "extensions/awx/project"
    # With this setting, the modules of awx.awx need fewer processes.
    world.environment["ANSIBLE_PIPELINING"] = "true"
    listener = Listener(Awx("token-of-awx", {"https://git.example.com/apono.git": project})).start()
    world.stops.append(listener.stop)
    world.environment |= {"CONTROLLER_HOST": listener.url, "CONTROLLER_OAUTH_TOKEN": "token-of-awx"}


def connector(world: World) -> None:
    """A cluster without a connector. The chart is in another place than on the internet."""
    if Programs.find() is None:
        pytest.skip("Helm needs a real API server. To build one, run: make kube")
    plain(world)
    (world.folder / "group_vars").mkdir()
    (world.folder / "group_vars/all.yml").write_text(f"apono_connector_chart: {CHART}\n")
    world.use(world.clusters["prod-1"])
    pod = contextlib.ExitStack()
    pod.enter_context(playing(world.bed, world.clusters["prod-1"], region=REGION))
    world.stops.append(pod.close)


def permissions(world: World) -> None:
    """An automation principal that its clusters do not know yet."""
    world.one_account()
    administrator = world.account.make_role("administrator", SHOP)
    world.use(world.add("prod-1", creator_arn=administrator))
    world.add("old-1", "CONFIG_MAP", creator_arn=administrator)


def event_driven(world: World) -> None:
    world.environment["AWS_PROFILE"] = "operations"
    world.account.sso_person(JANE)
    world.add("prod-1")


WORLDS: dict[str, Callable[[World], None]] = {
    "README": plain,
    "access_flows": access_flows,
    "adopt": adopt,
    "audit": drifted,
    "aws_auth": aws_auth,
    "awx": awx,
    "connector": connector,
    "event_driven": event_driven,
    "first_cluster": first_cluster,
    "inventory": inventory,
    "many_accounts": many_accounts,
    "mapping": mapping,
    "migration": migration,
    "offboarding": onboarded,
    "onboarding": onboarding,
    "own_playbooks": own_playbooks,
    "partitions": partitions,
    "permissions": permissions,
    "reports": reports,
    "safety": safety,
    "saml": saml,
    "upgrade": onboarded,
    "user_login": user_login,
    "verify": onboarded,
}


# The actions of other users, by the text of the comment


def give_role_its_policy(world: World) -> None:
    Account(world.bed, DATA).make_administrator(AUTOMATION)


def map_automation(world: World) -> None:
    """Check that the entry in aws-auth allows the automation principal, with that username."""
    cluster = world.clusters["old-1"]
    cluster.write_map_roles((world.folder / "mapRoles.yml").read_text())
    keys = world.bed.client("sts", OPERATIONS_ACCOUNT).assume_role(
        RoleArn=world.account.automation, RoleSessionName="automation"
    )["Credentials"]
    assert cluster.who_is(keys) == "platform-automation"


def run_pipeline(world: World) -> None:
    """Run the commands of the file and store the named files, as the runner of a pipeline does."""
    cluster = world.clusters["prod-1"]
    principal, username = world.account.arn(f"role/{ROLE}"), "apono:{{SessionName}}"
    cluster.eks.update_access_entry(clusterName=cluster.name, principalArn=principal, username=username)
    (job,) = yaml.safe_load((world.folder / ".gitlab-ci.yml").read_text()).values()
    shell = Shell(world.environment, world.folder)
    for command in job["script"]:
        shell.follow(Command(command, None))
    assert all(list((world.folder / path).iterdir()) for path in job["artifacts"]["paths"])


def compare_rule(world: World) -> None:
    """Check that the rule and the event filter accept the same events."""
    rule = json.loads((world.folder / "rule.json").read_text())
    source = (CHECKOUT / "extensions/eda/plugins/event_filter/eks_cluster.py").read_text()
    assert set(rule["detail"]["eventName"]) == set(re.findall(r'"((?:Create|Update|Delete)\w+)"', source))


EVENTS: dict[str, Callable[[World], None]] = {
    "Jane's request is approved": lambda world: world.clusters["prod-1"].grant("apono:jane-example.com"),
    "Jane signs in by SAML": lambda world: world.profile("jane", by_environment(world.account.assume_by_saml(JANE))),
    "EventBridge has the rule": compare_rule,
    "aws-auth has the entry": map_automation,
    "a pipeline runs on a clean fleet": run_pipeline,
    "the role gets its policies": give_role_its_policy,
}


# Commands that cannot run in the test


@dataclass(frozen=True)
class StandIn:
    """A replacement for a command that cannot run in the test, with the reason."""

    pattern: str
    reason: str
    run: Callable[[World, Shell, Command], None]


def install_collection(world: World, shell: Shell, command: Command) -> None:
    """The session builds and installs the archive. Its name is the one in the command for Galaxy."""
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())
    name = f"{galaxy['namespace']}.{galaxy['name']}"
    if "-r requirements.yml" in command.text:
        (wanted,) = yaml.safe_load((world.folder / "requirements.yml").read_text())["collections"]
        assert wanted == {"name": name, "version": f">={galaxy['version']}"}
    else:
        assert command.text.endswith(f" {name}")
    place = world.home / ".ansible/collections"
    if not place.exists():
        place.symlink_to(world.collections)


def use_collection_of(folder: Path) -> Callable[[World, Shell, Command], None]:
    def use(world: World, shell: Shell, command: Command) -> None:
        namespace, name = shlex.split(command.text)[-1].partition(":")[0].split(".")
        assert (folder / "ansible_collections" / namespace / name).is_dir()
        world.environment["ANSIBLE_COLLECTIONS_PATH"] = f"{world.home}/.ansible/collections:{folder}"

    return use


def find_aiobotocore(world: World, shell: Shell, command: Command) -> None:
    (version,) = (path.stem.split("-")[1] for path in tools.EVENTS_PYTHON.glob("aiobotocore-*.dist-info"))
    (oldest,) = re.findall(r">=([0-9.]+)", command.text)
    assert [int(part) for part in version.split(".")] >= [int(part) for part in oldest.split(".")]


def sign_in_by_sso(world: World, shell: Shell, command: Command) -> None:
    world.sign_in(shlex.split(command.text)[-1])


def type_token(world: World, shell: Shell, command: Command) -> None:
    tokens = {"APONO_API_TOKEN": DEFAULT_TOKEN, "APONO_CONNECTOR_TOKEN": TOKEN_OF_CONNECTOR}
    shell.follow(command, typed=tokens[command.text.split()[-1]] + "\n")


def create_build_context(world: World, shell: Shell, command: Command) -> None:
    """Create the context of the build without building the image."""
    text = re.sub("^ansible-builder build --tag [^ ]+", "ansible-builder create --context context", command.text)
    shell.follow(Command(text, None))
    assert any((world.folder / "context" / name).exists() for name in ("Containerfile", "Dockerfile"))


def read_rulebook(world: World, shell: Shell, command: Command) -> None:
    """Check that the rulebook exists, and that all of its required variables are set."""
    words = shlex.split(command.text)
    options = dict(zip(words[1::2], words[2::2], strict=True))
    name = options["--rulebook"].removeprefix("apono.eks.")
    rulebook = (CHECKOUT / f"extensions/eda/rulebooks/{name}.yml").read_text()
    needed = set(re.findall(r"(?:{{ |vars\.)(apono_\w+)", re.sub(r"{{ \w+ \| default.*", "", rulebook)))
    given = yaml.safe_load((world.folder / options["--vars"]).read_text())
    assert needed <= set(given)
    shell.follow(Command(f"ansible-inventory -i {options['--inventory']} --list", None))


STAND_INS = (
    StandIn(
        r"ansible-galaxy collection install (--upgrade )?(apono\.eks|-r requirements\.yml)",
        "Galaxy has no unreleased version",
        install_collection,
    ),
    StandIn(
        r"ansible-galaxy collection install awx\.awx",
        "asks Galaxy; the collection is there already",
        use_collection_of(CHECKOUT / ".cache/collections"),
    ),
    StandIn(
        r"ansible-galaxy collection install kubernetes\.core",
        "asks Galaxy; the collection is there already",
        use_collection_of(tools.COLLECTIONS),
    ),
    StandIn(
        r"ansible-galaxy collection install 'amazon\.aws:>=11\.1\.0'",
        "asks Galaxy; the collection is there already",
        use_collection_of(tools.EVENTS_COLLECTIONS),
    ),
    StandIn(r"python -m pip install 'aiobotocore.*", "needs the package index; it is there already", find_aiobotocore),
    StandIn(r"aws sso login --profile \w+", "opens a browser; leaves credentials in the profile", sign_in_by_sso),
    StandIn(r"read -rs \w+ && export \w+", "waits for somebody to type", type_token),
    StandIn(r"ansible-builder build .*", "needs a container engine", create_build_context),
    StandIn(r"ansible-rulebook .*", "runs until it is stopped; test_eda.py runs it", read_rulebook),
)


def follow(world: World, blocks: list[Block]) -> None:
    shell = Shell(world.environment, world.folder)
    for block in blocks:
        if block.kind == "meanwhile":
            EVENTS[block.text](world)
        elif block.kind == "console":
            for command in commands_of(block.text):
                stand_in = next((item for item in STAND_INS if re.fullmatch(item.pattern, command.text, re.S)), None)
                if stand_in:
                    stand_in.run(world, shell, command)
                else:
                    shell.follow(command)
        else:
            write(block, world.folder, world.home)


@pytest.fixture(scope="session", name="collections")
def fixture_collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, built and installed from its archive."""
    folder = tmp_path_factory.mktemp("galaxy")
    # A separate home folder, without the collections of a real user.
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    for arguments in (
        ["build", "--output-path", str(folder), str(CHECKOUT)],
        ["install", "--offline", "-p", str(folder / "collections"), "ARCHIVE"],
    ):
        archive = next(map(str, folder.glob("apono-eks-*.tar.gz")), "")
        command = [galaxy, "collection", *(archive if word == "ARCHIVE" else word for word in arguments)]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)
    return folder / "collections"


@pytest.fixture(name="world")
def fixture_world(bed: Bed, tmp_path: Path, collections: Path) -> Iterator[World]:
    world = World(bed, tmp_path, collections)
    yield world
    for stop in world.stops:
        stop()


@pytest.mark.parametrize("page", WORLDS)
def test_a_guide_can_be_followed(world: World, page: str) -> None:
    WORLDS[page](world)
    follow(world, blocks_of(PAGES[page]))


def test_every_guide_is_followed_and_nothing_is_kept_that_none_needs() -> None:
    blocks = {page: blocks_of(path) for page, path in PAGES.items()}
    assert set(WORLDS) == {page for page, its in blocks.items() if its}
    everything = [block for its in blocks.values() for block in its]
    assert set(EVENTS) == {block.text for block in everything if block.kind == "meanwhile"}
    commands = [command.text for block in everything if block.kind == "console" for command in commands_of(block.text)]
    for stand_in in STAND_INS:
        assert any(re.fullmatch(stand_in.pattern, command, re.S) for command in commands), stand_in.pattern


def test_every_guide_is_in_the_table_of_contents() -> None:
    sections = yaml.safe_load((CHECKOUT / "docs/docsite/extra-docs.yml").read_text())["sections"]
    listed = [page for section in sections for page in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in GUIDES.glob("*.rst"))


# A fact of a failed host, which custom playbooks may set, and resources of Apono's Terraform provider.
NO_VARIABLES = {"apono_failure", "apono_integration", "apono_resource_integration", "apono_access_flow"}


def test_every_variable_of_a_guide_is_documented() -> None:
    documented = set(re.findall(r"``(apono_\w+)``", (GUIDES / "variables.rst").read_text()))
    # The variables of the rulebooks are not variables of the playbooks.
    documented |= set(re.findall(r"``(apono_\w+)``", (GUIDES / "event_driven.rst").read_text()))
    for page, path in PAGES.items():
        assert set(re.findall(r"\bapono_\w+", path.read_text())) - documented - NO_VARIABLES == set(), page


def test_the_commands_of_guides_need_no_further_programs() -> None:
    blocks = [block for path in PAGES.values() for block in blocks_of(path) if block.kind == "console"]
    commands = [command.text for block in blocks for command in commands_of(block.text)]
    assert {program for command in commands for program in programs_of(command)} == PROGRAMS
    assert list(programs_of("A=1 B='|' a 'x | y' | b -c;d && e")) == ["a", "b", "d", "e"]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "SUPPORT.md"])
def test_every_link_leads_to_a_file(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (CHECKOUT / name).read_text())
    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []


TITLE = "A guide\n=======\n\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (".. code-block:: text\n\n    a table", "unknown kind 'text'"),
        ("So::\n\n    a block without a language", "unknown kind 'literal_block'"),
        (">>> print()\n", "unknown kind 'doctest_block'"),
        (".. code-block:: yaml\n\n    a: 1", "a file without a name"),
        (".. code-block:: yaml\n    :caption: a.yml\n\n    a: [1", "expected ',' or ']'"),
        (".. code-block:: json\n    :caption: a.json\n\n    {a: 1}", "double quotes"),
    ],
)
def test_a_block_of_no_known_kind_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    guide = tmp_path / "guide.rst"
    guide.write_text(TITLE + text)
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        blocks_of(guide)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("$ false", "exit status 1"),
        ("$ echo one", None),
        ("$ echo one\none", None),
        ("$ echo one\ntwo", "The guide shows"),
        ("$ seq 3\n1\n3", "The guide shows"),
        ("$ seq 3\n...\n2", "The guide shows"),
        ("$ seq 3\n1\n...", None),
        ("$ echo one two three\none … three", None),
        ("$ echo one two three\none … four", "The guide shows"),
        ("$ (exit 3)\n$ echo $?\n3", None),
        ("$ (exit 3)\n$ echo $?\n2", "The guide shows"),
        ("$ export A=1\n$ echo $A \\\n    $A\n1 1", None),
    ],
)
def test_what_is_shown_has_to_be_what_is_printed(tmp_path: Path, text: str, complaint: str | None) -> None:
    shell = Shell({"PATH": os.environ["PATH"]}, tmp_path)
    if complaint:
        with pytest.raises(AssertionError, match=re.escape(complaint)):
            for command in commands_of(text):
                shell.follow(command)
    else:
        for command in commands_of(text):
            shell.follow(command)
