# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest
from ansible_collections.apono.eks.plugins.module_utils import versions
from ansible_collections.apono.eks.plugins.module_utils.clients import aws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.execution import execute


@pytest.mark.parametrize("package", versions.OLDEST)
def test_the_oldest_release_is_new_enough_and_so_is_each_newer_one(package):
    oldest = versions.OLDEST[package]
    major = versions.parts(oldest)[0]

    assert versions.problem(package, oldest) is None
    assert versions.problem(package, f"{major + 70}.0.0") is None
    assert versions.problem(package, f"{oldest}.post1") is None


@pytest.mark.parametrize(
    ("package", "version"), [("botocore", "1.34.19"), ("botocore", "1.9.200"), ("urllib3", "1.26.9")]
)
def test_an_older_release_is_named_with_the_command_that_upgrades_it(package, version):
    text = versions.problem(package, version)

    assert text.startswith(f"The Python package {package} {version} is too old: {versions.OLDEST[package]} or newer")
    assert f"{sys.executable} -m pip install" in text
    assert f"'{package}>={versions.OLDEST[package]}'" in text


def test_a_package_that_is_not_installed_is_named_as_users_install_it():
    text = versions.problem("botocore", None)

    assert text.startswith("The Python package boto3 is needed and is not installed")
    assert "'boto3>=1.34.83' 'botocore>=1.34.83'" in text


@pytest.mark.parametrize(
    ("version", "good"), [("2.16.0rc1", True), ("2.19.14", True), ("3.0", True), ("2.15.13", False)]
)
def test_an_ansible_core_that_is_too_old_is_named(version, good):
    if good:
        versions.check_ansible_core(version)
    else:
        with pytest.raises(ResourceError, match="^ansible-core 2.15.13 is too old for apono.eks: 2.16.0 or newer"):
            versions.check_ansible_core(version)


def test_each_task_checks_ansible_core_before_it_does_anything(monkeypatch):
    monkeypatch.setattr(versions.check_ansible_core, "__defaults__", ("2.15.0",))

    result = execute(None, {}, check_mode=False)

    assert result["failed"]
    assert result["msg"].startswith("ansible-core 2.15.0 is too old")


def test_nothing_calls_aws_with_a_botocore_that_is_too_old(monkeypatch):
    monkeypatch.setattr(aws, "PROBLEM", versions.problem("botocore", "1.30.0"))

    with pytest.raises(ResourceError, match="^The Python package botocore 1.30.0 is too old"):
        aws.Aws({})
