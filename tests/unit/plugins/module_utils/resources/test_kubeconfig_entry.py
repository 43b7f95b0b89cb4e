# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import kubeconfig_entry
from ansible_collections.apono.eks.plugins.module_utils.resources.kubeconfig_entry import KubeconfigEntry

AUTHORITY = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()
PROD = {
    "name": "prod",
    "cluster_name": "prod",
    "region": "eu-west-1",
    "profile": "apono",
    "server": "https://prod.example.com",
    "certificate_authority": AUTHORITY,
}


def run(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params, _secrets = KubeconfigEntry.options.normalise(options)
    return KubeconfigEntry(params).result(check_mode)


def names(path: Path, section: str = "contexts") -> list[str]:
    return [item["name"] for item in yaml.safe_load(path.read_text())[section] or ()]


@pytest.fixture(name="path")
def fixture_path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "config"


def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    looked = run(True, **PROD, path=str(path))
    assert not path.exists()
    made = run(**PROD, path=str(path))
    assert (made["changes"], made["diff"]) == (looked["changes"], looked["diff"])
    assert made["entry"]["current_context"] is False
    assert path.stat().st_mode & 0o777 == 0o600
    assert run(**PROD, path=str(path))["changed"] is False
    assert [entry.name for entry in path.parent.iterdir()] == ["config"]


def test_of_several_files_the_one_that_has_the_name_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(["", str(first), str(second), str(third)]))
    run(**PROD, path=str(third))
    second.write_text("apiVersion: v1\n")
    moved = run(**{**PROD, "server": "https://moved.example.com"})
    assert moved["changes"] == [f"set the entry prod in {third}"]
    assert not first.exists()
    # New entries go to the first existing file.
    run(**{**PROD, "name": "other"}, current_context=True)
    assert names(second) == ["other"]
    assert yaml.safe_load(second.read_text())["current-context"] == "other"
    # The entry is removed from all files. Otherwise, the next file would have effect.
    run(**PROD, path=str(second))
    assert len(run(name="prod", state="absent")["changes"]) == 2
    assert (names(second), names(third)) == (["other"], [])


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "real")
    run(**PROD, path=str(path))
    assert path.is_symlink()
    assert names(tmp_path / "real") == ["prod"]


def test_what_has_the_name_and_means_something_else_is_left_unchanged(path: Path) -> None:
    run(**PROD, path=str(path))
    before = path.read_text()
    for change in ({"cluster_name": "other"}, {"region": "us-east-1"}, {"profile": "other"}):
        with pytest.raises(ResourceError, match="for something else") as error:
            run(**{**PROD, **change}, path=str(path))
        assert error.value.code == "AnotherMeaning"
        with pytest.raises(ResourceError, match="for something else"):
            run(name="prod", **change, state="absent", path=str(path))
        assert path.read_text() == before
    # A recreated cluster has another address, but counts as the same.
    assert run(**{**PROD, "server": "https://anew.example.com"}, path=str(path))["changed"]
    assert run(**{**PROD, "profile": "other"}, path=str(path), overwrite=True)["entry"]["profile"] == "other"


def args(path: Path) -> list[str]:
    (user,) = yaml.safe_load(path.read_text())["users"]
    arguments: list[str] = user["user"]["exec"]["args"]
    return arguments[arguments.index("get-token") + 1 :][:2]


def test_tokens_of_a_local_cluster_are_for_its_id(path: Path) -> None:
    run(**PROD, path=str(path))
    assert args(path) == ["--cluster-name", "prod"]
    # An older AWS CLI wrote an entry with the former name. It is the same cluster.
    made = run(**PROD, cluster_id="an-id", path=str(path))
    assert made["changed"]
    assert (made["entry"]["cluster_name"], made["entry"]["cluster_id"]) == (None, "an-id")
    assert args(path) == ["--cluster-id", "an-id"]
    before = path.read_text()
    assert not run(**PROD, cluster_id="an-id", path=str(path))["changed"]
    for change in ({"cluster_id": "other"}, {}, {"cluster_id": "an-id", "region": "us-east-1"}):
        with pytest.raises(ResourceError, match="for something else: (cluster_id an-id|region eu-west-1)"):
            run(**{**PROD, **change}, path=str(path))
    with pytest.raises(ResourceError, match="for something else: cluster_id an-id"):
        run(**PROD, cluster_id="other", state="absent", path=str(path))
    assert path.read_text() == before
    # The entry does not have the name of the cluster alone.
    assert run(**PROD, state="absent", path=str(path))["changed"]
    assert names(path) == []


@pytest.mark.parametrize("cluster_id", ["--output", "a b", "a\n", "x" * 101])
def test_what_cannot_be_an_id_is_refused(path: Path, cluster_id: str) -> None:
    with pytest.raises(ResourceError, match="apono_user_cluster_id.* is not the id of a local cluster"):
        run(**PROD, cluster_id=cluster_id, path=str(path))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("users: [{name: prod, user: {token: secret-of-mine}}]", "credentials from another source"),
        ("clusters: [{name: prod, cluster: {server: 'https://a'}}]", "the server https://a"),
        ("contexts: [{name: prod, context: {cluster: a, user: b}}]", "the cluster a as the user b"),
    ],
)
def test_each_part_of_another_meaning(path: Path, content: str, told: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ResourceError, match=told):
        run(**PROD, path=str(path))
    shown = run(**PROD, path=str(path), overwrite=True)
    assert "secret-of-mine" not in str(shown)
    assert "secret-of-mine" not in path.read_text()


def test_what_another_context_refers_to_stays(path: Path) -> None:
    run(**PROD, path=str(path), current_context=True)
    data = yaml.safe_load(path.read_text())
    data["contexts"].append({"name": "mine", "context": {"cluster": "prod", "user": "me", "namespace": "shop"}})
    path.write_text(yaml.safe_dump(data))
    removed = run(name="prod", state="absent", path=str(path))
    assert removed["changed"]
    assert (names(path), names(path, "clusters"), names(path, "users")) == (["mine"], ["prod"], [])
    assert yaml.safe_load(path.read_text())["current-context"] == ""


def test_it_says_who_else_uses_the_profile(path: Path) -> None:
    run(**PROD, path=str(path))
    run(**{**PROD, "name": "second"}, path=str(path))
    assert run(name="second", state="absent", path=str(path))["profile_users"] == ["prod"]
    assert run(name="prod", state="absent", path=str(path), profile="apono")["profile_users"] == []


def test_it_waits_for_kubectl_and_gives_up_on_a_lock_that_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig_entry, "LOCK_SECONDS", 0.2)
    path.parent.mkdir()
    lock = Path(f"{path}.lock")
    lock.touch()
    with pytest.raises(ResourceError, match=r"has been locked by the file .*config\.lock") as error:
        run(**PROD, path=str(path))
    assert error.value.code == "Locked"
    assert lock.exists()
    assert not path.exists()
    lock.unlink()
    assert run(**PROD, path=str(path))["changed"]


def test_an_entry_that_another_user_writes_meanwhile_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = KubeconfigEntry.plan

    def interrupted(self: KubeconfigEntry, current: Any) -> Any:
        result = plan(self, current)
        monkeypatch.setattr(KubeconfigEntry, "plan", plan)
        run(**{**PROD, "name": "theirs"}, path=str(path))
        return result

    monkeypatch.setattr(KubeconfigEntry, "plan", interrupted)
    run(**PROD, path=str(path))
    assert names(path) == ["theirs", "prod"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"server": "prod.example.com"}, "is not the address of an API server"),
        ({"certificate_authority": "LS0t"}, "is not the base64 text of a PEM certificate"),
        ({"certificate_authority": "***"}, "is not the base64 text of a PEM certificate"),
        ({"region": "europe"}, "is not an AWS region"),
        ({"cluster_name": "a.b"}, "is not the name of an EKS cluster"),
        ({"name": "a\nb"}, "has invisible characters"),
    ],
)
def test_bad_options(path: Path, change: dict[str, str], told: str) -> None:
    with pytest.raises(ResourceError, match=told):
        run(**{**PROD, **change}, path=str(path))
    assert not path.exists()
