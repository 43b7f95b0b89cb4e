# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written atomically, for their owner only, and not through links of other users."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.apono.eks.plugins.module_utils.files import followed, replace_file

STRANGER = 65534


def plant(link: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create a link that belongs to another user."""
    link.symlink_to(target)
    if os.geteuid() == 0:
        os.lchown(link, STRANGER, STRANGER)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)


def test_own_links_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "real" / "link").symlink_to("../real/file")
    assert followed(str(tmp_path / "folder" / "link")) == os.path.realpath(tmp_path / "folder" / "link")
    assert followed(str(tmp_path / "new" / "file")) == str(tmp_path / "new" / "file")


@pytest.mark.parametrize("place", ["file", "folder/file"])
def test_a_link_of_another_user_is_not_followed(tmp_path, monkeypatch, place):
    (tmp_path / "target").mkdir()
    plant(tmp_path / place.split("/")[0], "target", monkeypatch)
    with pytest.raises(OSError, match="link of another user") as refusal:
        followed(str(tmp_path / place))
    assert refusal.value.filename == str(tmp_path / place.split("/")[0])


def test_own_links_that_lead_to_another_users_are_not_followed(tmp_path, monkeypatch):
    plant(tmp_path / "theirs", "target", monkeypatch)
    if os.geteuid() == 0:
        (tmp_path / "own").symlink_to("theirs")
        with pytest.raises(OSError, match="link of another user"):
            followed(str(tmp_path / "own"))


def test_a_circle_of_links_is_an_error(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        followed(str(tmp_path / "a"))


def test_a_link_in_the_files_place_is_replaced_and_not_written_through(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "file").symlink_to("precious")
    replace_file(str(tmp_path / "file"), "text")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_text() == "text"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_rights_of_another_users_file_do_not_come_over(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("planted")
    path.chmod(0o666)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    replace_file(str(path), "text")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_fails_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(str(tmp_path / "folder"), "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
