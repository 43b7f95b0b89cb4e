# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The width of a table."""

from __future__ import annotations

import os

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils import terminal
from ansible_collections.apono.eks.plugins.plugin_utils.report import WIDTH


@pytest.fixture(autouse=True)
def fixture_environment(monkeypatch):
    for name in ("COLUMNS", terminal.OF_RUNNER):
        monkeypatch.delenv(name, raising=False)


def a_terminal_of(monkeypatch, columns):
    monkeypatch.setattr(os, "get_terminal_size", lambda _number: os.terminal_size((columns, 50)))


def without_terminal(monkeypatch):
    def fail(_number):
        raise OSError("not a terminal")

    monkeypatch.setattr(os, "get_terminal_size", fail)


def test_the_terminal_says_it(monkeypatch):
    a_terminal_of(monkeypatch, 200)
    assert terminal.table_width() == 200 - terminal.AROUND


def test_the_user_says_it(monkeypatch):
    without_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "160")
    assert terminal.table_width() == 160 - terminal.AROUND


@pytest.mark.parametrize("columns", [None, "", "wide", "-1", "0"])
def test_a_log_has_a_width_of_its_own(monkeypatch, columns):
    without_terminal(monkeypatch)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert terminal.table_width() == WIDTH


def test_the_terminal_of_ansible_runner_is_no_users(monkeypatch):
    a_terminal_of(monkeypatch, 80)
    monkeypatch.setenv(terminal.OF_RUNNER, "/runner/artifacts/1")
    assert terminal.table_width() == WIDTH
