# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin with the real ``ansible-inventory``: accounts, regions, filters, groups, cache and errors."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, Account, integrations

SHOP, DATA, LAB = "111122223333", "444455556666", "777788889999"
EU, US = "eu-central-1", "us-east-1"


class Place:
    """A fleet in several accounts and regions, and inventory files for it."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        self.bed = bed
        self.controller = controller
        self.accounts = {account_id: Account(bed, account_id) for account_id in (SHOP, DATA)}
        for account_id, region, name, mode, tags in (
            (SHOP, EU, "shop-1", "API", {"env": "prod", "team": "web"}),
            (SHOP, US, "shop-2", "CONFIG_MAP", {"env": "staging", "team": "web"}),
            (DATA, EU, "lake", "API_AND_CONFIG_MAP", {"env": "prod"}),
            (DATA, US, "sandbox", None, {}),
        ):
            self.accounts[account_id].add_cluster(name, mode, region, tags=tags)
        bed.forget_calls()

    def sources(self, *account_ids: str, **more: Any) -> list[dict[str, Any]]:
        return [{"role_arn": f"arn:aws:iam::{one}:role/{AUTOMATION}", **more} for one in account_ids or (SHOP, DATA)]

    def write(self, **options: Any) -> Path:
        path = self.controller.folder / "fleet.yml"
        given = {"plugin": "apono.eks.clusters", "regions": [EU, US], "accounts": self.sources(), **options}
        path.write_text(json.dumps({name: value for name, value in given.items() if value is not None}))
        return path

    def ask(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess:
        environment = self.controller.full_environment(self.controller.folder / "unused")
        # Without this setting, an unreadable source is only a warning, and the inventory is empty.
        environment |= {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
        command = [
            str(self.controller.binary.with_name("ansible-inventory")),
            "-i",
            str(self.write(**options)),
            "--list",
        ]
        return subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    def hosts(self, *arguments: str, **options: Any) -> dict[str, dict[str, Any]]:
        """Return the variables of each host."""
        return self.inventory(*arguments, **options)["_meta"]["hostvars"]

    def inventory(self, *arguments: str, **options: Any) -> dict[str, Any]:
        answer = self.ask(*arguments, **options)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout, object_hook=plain)


def plain(value: dict[str, Any]) -> Any:
    """Return the value without the marks of unsafe texts."""
    return value.get("__ansible_unsafe", value)


pytestmark = pytest.mark.small_bed


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    return Place(bed, controller)


def test_a_host_has_what_the_playbooks_need(place: Place) -> None:
    hosts = place.hosts()
    assert list(hosts) == ["lake", "sandbox", "shop-1", "shop-2"]
    shop = hosts["shop-2"]
    assert {name: shop[name] for name in shop if not name.startswith("eks_")} == {
        "ansible_connection": "local",
        "apono_cluster_name": "shop-2",
        "apono_region": US,
        "apono_default_integration_name": f"shop-2.{US}.{SHOP}",
        "apono_assume_role_arn": f"arn:aws:iam::{SHOP}:role/{AUTOMATION}",
    }
    assert shop["eks_arn"] == f"arn:aws:eks:{US}:{SHOP}:cluster/shop-2"
    assert (shop["eks_account_id"], shop["eks_region"], shop["eks_version"]) == (SHOP, US, "1.33")
    assert (shop["eks_authentication_mode"], shop["eks_status"]) == ("CONFIG_MAP", "ACTIVE")
    assert shop["eks_tags"] == {"env": "staging", "team": "web"}
    assert hosts["sandbox"]["eks_authentication_mode"] == "CONFIG_MAP"


def test_what_aws_returns_is_never_a_template(bed: Bed, binary: Path, tmp_path: Path) -> None:
    """The test runs on each ansible-core, because each protects texts differently, and with every option that has
    expressions."""
    place = Place(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary))
    marker = tmp_path / "marker"
    pipe = "{{ lookup('pipe', 'touch " + str(marker) + "') }}"
    header = "#jinja2:variable_start_string:'[[',variable_end_string:']]'\n[[ lookup('pipe', 'touch " + f"{marker}') ]]"
    place.accounts[DATA].add_cluster("odd", "API", EU, tags={"x": pipe, "y": header})
    organization = {
        "management_account_id": OPERATIONS_ACCOUNT,
        "units": {},
        "accounts": {DATA: {"name": pipe, "parent": "r-ab12"}},
    }
    bed.control("aws", "organization", organization)
    path = place.write(
        accounts=None,
        organization={"role_name": AUTOMATION},
        names=["odd"],
        hostname="eks_name ~ '-' ~ (eks_account_name | length) ~ (eks_tags.y | length)",
        compose={"x": "eks_tags.x", "joined": "eks_tags.y ~ eks_account_name", "z": "[eks_tags] | map('dict2items')"},
        groups={"named": "(eks_account_name ~ eks_tags.y) | length > 0"},
        keyed_groups=[{"key": "eks_account_name"}, {"key": "eks_tags"}, {"key": "joined", "parent_group": "parents"}],
    )
    host = f"odd-{len(pipe)}{len(header)}"
    message = "{{ [eks_tags.x, eks_tags.y, eks_account_name, x, joined, z | flatten | map(attribute='value') | join] }}"
    tasks = [
        {"ansible.builtin.debug": {"msg": message}},
        {"ansible.builtin.debug": {"msg": "{{ group_names | length }}"}, "when": "'named' in group_names"},
    ]
    playbook = place.controller.folder / "playbook.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    run = place.controller.run(str(playbook), path)
    assert run.code == 0, run.output
    first, second = [item["result"]["msg"] for item in run.results]
    assert first == [pipe, header, pipe, pipe, header + pipe, pipe + header]
    assert int(second) == 6
    assert [item["host"] for item in run.results] == [host, host]
    assert not marker.exists()


# Ansible before 2.19 evaluates these texts as an expression if a task has ``when: "{{ variable }}"``.
EXPRESSIONS = ("x is trap", "0xais trap", "not trap", "x\nis trap", "x|trap", "trap()", "lookup('trap')")
TRAP = """
from pathlib import Path

def trap(*_arguments, **_keywords):
    Path(__file__).with_name("sprung").touch()
    return True
"""
PLUGINS = {
    "test": "class TestModule:\n    def tests(self):\n        return {'trap': trap}\n",
    "filter": "class FilterModule:\n    def filters(self):\n        return {'trap': trap}\n",
    "lookup": "from ansible.plugins.lookup import LookupBase\n\nclass LookupModule(LookupBase):\n    run = trap\n",
}


def test_what_aws_returns_is_never_an_expression_that_calls(bed: Bed, binary: Path, tmp_path: Path) -> None:
    place = Place(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary))
    # One cluster for each text, because a value is marked as a whole if a text in it is unsafe.
    texts = {f"odd-{number}": text for number, text in enumerate(EXPRESSIONS)}
    for name, text in texts.items():
        place.accounts[DATA].add_cluster(name, "API", EU, tags={"x": text})
    for kind, plugin in PLUGINS.items():
        path = place.controller.folder / f"{kind}_plugins/trap.py"
        path.parent.mkdir()
        path.write_text(TRAP + plugin)
    tasks = [
        {"ansible.builtin.assert": {"that": "{{ eks_tags.x }}"}, "when": "{{ eks_tags.x }}", "ignore_errors": True},
        {"ansible.builtin.debug": {"msg": "{{ eks_tags.x }}"}},
    ]
    path = place.write(names=["odd-*"])

    def play(*tasks: dict[str, Any]) -> Run:
        playbook = place.controller.folder / "playbook.yml"
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        return place.controller.run(str(playbook), path)

    def sprung() -> list[str]:
        return [path.parent.name for path in place.controller.folder.glob("*_plugins/sprung")]

    run = play(*tasks)
    assert run.code == 0, run.output
    assert {item["host"]: item["result"]["msg"] for item in run.results[-len(texts) :]} == texts
    assert sprung() == []
    # Ansible finds the plugins.
    assert play({"ansible.builtin.debug": {"msg": "{{ 1 is trap }}"}}).code == 0
    assert sprung() == ["test_plugins"]


def test_variables_are_readable_in_files_and_in_awx(bed: Bed, binary: Path, tmp_path: Path) -> None:
    """AWX shows the output of ``ansible-inventory --list --export``."""
    place = Place(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary))
    braces, header = "{{ 6 * 7 }}", "#jinja2:variable_start_string:'[['\n[[ 6 * 7 ]]"
    place.accounts[DATA].add_cluster("odd", "API", EU, tags={"x": braces, "y": header, "team": "web and data"})
    compose = {"plain": "eks_tags.team ~ '/' ~ eks_region", "whole": "eks_tags", "joined": "eks_region ~ eks_tags.x"}
    for arguments in ([], ["--export"]):
        answer = place.ask(*arguments, names=["odd", "shop-1"], compose=compose)
        hosts = json.loads(answer.stdout)["_meta"]["hostvars"]
        tags = {"x": {"__ansible_unsafe": braces}, "y": {"__ansible_unsafe": header}, "team": "web and data"}
        odd = hosts["odd"]
        assert (odd["eks_tags"], odd["whole"], odd["plain"]) == (tags, tags, f"web and data/{EU}")
        assert odd["joined"] == {"__ansible_unsafe": EU + braces}
        assert "__ansible_unsafe" not in json.dumps(hosts["shop-1"])
        assert hosts["shop-1"]["eks_certificate_authority"] and hosts["shop-1"]["eks_created_at"]


@pytest.mark.parametrize("name", ["../group_vars/all", "a\\b", "..", "a\x07b"])
def test_a_name_that_is_a_path_is_refused(place: Place, name: str) -> None:
    place.accounts[SHOP].add_cluster("odd", "API", EU, tags={"Name": name})
    answer = place.ask(hostname="eks_tags.Name | default(eks_name)")
    told = " ".join(answer.stderr.split())
    assert answer.returncode != 0
    assert "cluster/odd cannot be used, because Ansible " in told, answer.stderr
    assert answer.stdout == "" and "\x07" not in answer.stderr


def test_a_group_is_never_a_path_or_a_pattern(place: Place) -> None:
    place.accounts[SHOP].add_cluster("odd", "API", EU, tags={"team": "../../tmp/x", "other": "~.*"})
    keys = [{"key": f"eks_tags.{tag}", "prefix": "", "separator": ""} for tag in ("team", "other")]
    inventory = place.inventory(keyed_groups=keys, names=["odd"])
    assert sorted(set(inventory) - {"_meta", "all", "ungrouped"}) == ["___", "______tmp_x"]


def test_it_asks_no_more_than_it_needs(place: Place) -> None:
    place.hosts(names=["shop-*", "lake"], exclude_names=["*-2"])
    calls = place.bed.calls("aws")
    counts = {call: calls.count(call) for call in set(calls)}
    assert counts == {"sts:AssumeRole": 2, "eks:ListClusters": 4, "eks:DescribeCluster": 2}


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ({"names": ["shop-*"]}, ["shop-1", "shop-2"]),
        ({"exclude_names": ["shop-*", "sand*"]}, ["lake"]),
        # The names of DescribeCluster, without changes of letter case and without own names of the collection.
        ({"query": "cluster.accessConfig.authenticationMode == 'CONFIG_MAP' && cluster.tags.env"}, ["shop-2"]),
        ({"query": "cluster.tags", "names": ["l*", "sand*"]}, ["lake"]),
        ({"tags": {"env": "prod"}}, ["lake", "shop-1"]),
        ({"tags": {"env": ["prod", "stag*"], "team": "*"}}, ["shop-1", "shop-2"]),
        ({"tags": {"env": "nothing"}}, []),
        ({"statuses": ["CREATING"]}, []),
        ({"regions": [US]}, ["sandbox", "shop-2"]),
    ],
)
def test_filters(place: Place, options: dict[str, Any], hosts: list[str]) -> None:
    assert sorted(place.hosts(**options)) == hosts


def test_groups_are_composed(place: Place) -> None:
    inventory = place.inventory(
        keyed_groups=[
            {"key": "eks_account_id", "prefix": "account"},
            {"key": "eks_authentication_mode | lower", "prefix": "mode"},
            {"key": "eks_tags.team", "prefix": "team", "default_value": "nobody"},
        ],
        groups={"production": "eks_tags.env | default('') == 'prod'"},
        compose={"apono_connector": "'connector-' ~ eks_region"},
    )
    assert sorted(inventory["production"]["hosts"]) == ["lake", "shop-1"]
    assert sorted(inventory[f"account_{SHOP}"]["hosts"]) == ["shop-1", "shop-2"]
    assert sorted(inventory["mode_config_map"]["hosts"]) == ["sandbox", "shop-2"]
    assert sorted(inventory["team_web"]["hosts"]) == ["shop-1", "shop-2"]
    assert inventory["_meta"]["hostvars"]["lake"]["apono_connector"] == "connector-eu-central-1"


def test_strict_makes_an_undefined_variable_an_error(place: Place) -> None:
    keyed_groups = [{"key": "eks_tags.nothing"}]
    assert len(place.hosts(keyed_groups=keyed_groups)) == 4
    answer = place.ask(keyed_groups=keyed_groups, strict=True)
    assert answer.returncode != 0
    assert "nothing" in answer.stderr


def test_clusters_of_one_name(place: Place) -> None:
    place.accounts[DATA].add_cluster("shop-1", "API", US)
    assert sorted(place.hosts()) == ["lake", "sandbox", f"shop-1.{EU}.{SHOP}", f"shop-1.{US}.{DATA}", "shop-2"]
    named = place.hosts(hostname="eks_name ~ '-' ~ eks_region")
    assert {f"shop-1-{EU}", f"shop-1-{US}", f"lake-{EU}"} <= set(named)
    assert named[f"shop-1-{US}"]["apono_cluster_name"] == "shop-1"
    answer = place.ask(hostname="eks_region")
    assert answer.returncode != 0
    assert "add eks_region and eks_account_id to the expression" in " ".join(answer.stderr.split())


def test_names_of_integrations_are_unique_where_the_file_spans_accounts_or_regions(place: Place) -> None:
    one_place = {"regions": [EU], "accounts": place.sources(SHOP)}
    for options, spans in (
        (one_place, False),
        ({**one_place, "regions": [EU, US]}, True),
        ({**one_place, "regions": ["all"]}, True),
        ({**one_place, "accounts": place.sources()}, True),
    ):
        names = {its.get("apono_default_integration_name") for its in place.hosts(**options, names=["shop-1"]).values()}
        assert names == {f"shop-1.{EU}.{SHOP}" if spans else None}


def test_all_regions_that_an_account_has_enabled(place: Place) -> None:
    place.bed.control("aws", "regions", {"account_id": DATA, "regions": [EU, "eu-west-1"]})
    place.bed.forget_calls()
    assert sorted(place.hosts(regions=["all"])) == ["lake", "shop-1", "shop-2"]
    assert place.bed.calls("aws").count("eks:ListClusters") == 17 + 2
    answer = place.ask(accounts=place.sources(DATA))
    assert f"The account {DATA}, region {US}, could not be read" in " ".join(answer.stderr.split())
    assert list(json.loads(answer.stdout)["_meta"]["hostvars"]) == ["lake"]


def test_the_accounts_of_an_organization(place: Place) -> None:
    Account(place.bed, LAB).add_cluster("lab", "API", EU)
    units = {"ou-ab12-prod0001": "r-ab12", "ou-ab12-deep0001": "ou-ab12-prod0001", "ou-ab12-test0001": "r-ab12"}
    accounts = {
        SHOP: {"name": "shop", "parent": "ou-ab12-prod0001"},
        DATA: {"name": "data", "parent": "ou-ab12-deep0001"},
        LAB: {"name": "lab", "parent": "ou-ab12-test0001"},
        "000011112222": {"name": "gone", "parent": "ou-ab12-prod0001", "status": "SUSPENDED"},
    }
    organization = {"management_account_id": OPERATIONS_ACCOUNT, "units": units, "accounts": accounts}
    place.bed.control("aws", "organization", organization)

    def hosts(**options: Any) -> list[str]:
        return sorted(place.hosts(accounts=None, organization={"role_name": AUTOMATION, **options}))

    assert hosts() == ["lab", "lake", "sandbox", "shop-1", "shop-2"]
    assert hosts(organizational_units=["ou-ab12-prod0001"]) == ["lake", "sandbox", "shop-1", "shop-2"]
    assert hosts(organizational_units=["ou-ab12-deep0001", "ou-ab12-test0001"]) == ["lab", "lake", "sandbox"]
    assert hosts(exclude_accounts=[DATA]) == ["lab", "shop-1", "shop-2"]
    named = place.hosts(accounts=None, organization={"role_name": AUTOMATION})
    assert {host["eks_account_name"] for host in named.values()} == {"shop", "data", "lab"}
    answer = place.ask(
        accounts=None, organization={"role_name": AUTOMATION, "organizational_units": ["ou-ab12-none0000"]}
    )
    assert answer.returncode != 0
    assert "ou-ab12-none0000: ParentNotFoundException" in " ".join(answer.stderr.split())


def test_an_account_that_refuses(place: Place) -> None:
    Account(place.bed, LAB)
    sources = [*place.sources(), {"role_arn": f"arn:aws:iam::{LAB}:role/other", "name": "lab"}]
    answer = place.ask(accounts=sources)
    told = " ".join(answer.stderr.split())
    assert f"The account {LAB} (lab) could not be read" in told, answer.stderr + answer.stdout
    assert "Its clusters are not in the inventory" in told
    assert len(json.loads(answer.stdout)["_meta"]["hostvars"]) == 4
    strict = place.ask(accounts=sources, strict_accounts=True)
    assert strict.returncode != 0
    assert f"The account {LAB} (lab) could not be read" in " ".join(strict.stderr.split())


def test_without_credentials_the_error_says_how_to_set_them(place: Place) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del place.controller.environment[name]
    answer = place.ask()
    assert answer.returncode != 0
    assert "No AWS credentials were found. Set profile or the" in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"accounts": [{"name": "x"}]}, "missing required arguments: role_arn"),
        ({"accounts": [{"role_arn": "shop"}]}, "role_arn"),
        ({"regions": ["Europe"]}, "regions"),
        ({"query": "cluster.tags["}, "query 'cluster.tags[' is not a JMESPath expression"),
        ({"organization": {}}, None),
        ({"organization": {"name": "x"}}, "role_name"),
    ],
)
def test_wrong_options_are_named_before_the_first_call(place: Place, options: dict[str, Any], told: str | None) -> None:
    answer = place.ask(**options)
    assert (answer.returncode == 0) == (told is None), answer.stderr
    if told:
        assert told in " ".join(answer.stderr.split())
        assert place.bed.calls("aws") == []


def test_a_cache_saves_every_call_and_keeps_no_secret(place: Place) -> None:
    folder = place.controller.folder / "cache"
    options = {
        "accounts": place.sources(external_id="shared-with-the-platform-team"),
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(folder),
    }
    first = place.hosts(**options)
    place.bed.forget_calls()
    assert place.hosts(**options) == first
    assert place.bed.calls("aws") == []
    assert "shared-with" not in json.dumps(first)
    assert "shared-with" not in "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert place.hosts("--flush-cache", **options) == first
    assert place.bed.calls("aws")


def test_a_cache_does_not_keep_what_is_not_whole(place: Place) -> None:
    folder = place.controller.folder / "cache"
    options = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder)}
    place.bed.fault("aws", match="eks:DescribeCluster", status=403, code="AccessDeniedException", times=1)
    assert len(place.hosts(**options)) == 3
    assert len(place.hosts(**options)) == 4
    place.bed.forget_calls()
    assert len(place.hosts(**options)) == 4
    assert place.bed.calls("aws") == []


def test_a_fleet_is_onboarded_from_it(place: Place) -> None:
    path = place.write(compose={"apono_connector": "'connector-1'", "apono_trust": "{'sso': {}}"})
    for changes in (True, False):
        run = place.controller.run("apono.eks.onboard", path)
        assert run.code == 0, run.output
        assert bool(run.changed) is changes
        assert f"shop-1.{EU}.{SHOP}" in integrations(place.bed)


def test_the_external_id_of_an_account_is_read_where_its_role_is_assumed(
    bed: Bed, binary: Path, tmp_path: Path
) -> None:
    place = Place(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary))
    wanted = {SHOP: "external-id 'of' \"shop\"", DATA: "external-id-of-data"}
    for account_id, external_id in wanted.items():
        place.accounts[account_id].ask_for_external_id(external_id)
    sources = [source for one in wanted for source in place.sources(one, external_id=wanted[one])]
    path = place.write(accounts=sources, names=["shop-1", "lake"])
    tasks = [{"apono.eks.cluster_info": {"cluster_name": "{{ apono_cluster_name }}"}, "register": "found"}]
    aws = {"region": "apono_region", "assume_role_arn": "apono_assume_role_arn"}
    options = {name: f"{{{{ {variable} }}}}" for name, variable in aws.items()}
    options["assume_role_external_id"] = "{{ apono_assume_role_external_id }}"
    play = {"hosts": "all", "gather_facts": False, "module_defaults": {"group/apono.eks.aws": options}, "tasks": tasks}
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(json.dumps([play]))
    run = place.controller.run(str(playbook), path, "-vvv")
    assert run.code == 0, run.output
    assert run.of("lake", "apono.eks.cluster_info")["cluster"]["name"] == "lake"
    assert "external-id" not in run.output + json.dumps(run.results)
