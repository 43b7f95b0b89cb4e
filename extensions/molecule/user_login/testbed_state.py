# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare the cluster and the user's credentials, and check the user's files, without the collection."""

import configparser
import sys
from pathlib import Path

import yaml

from testbed.bed import Bed
from testbed.estate import Account

account = Account(Bed.of_environment(), "111122223333")
home = Path(sys.argv[2])
config = configparser.RawConfigParser()
config.read(home / "config")

if sys.argv[1] == "prepare":
    if account.role("callers") is None:
        account.make_role("callers", account.id)
        account.make_administrator("callers")
        account.add_cluster("psi", "API", creator_arn=None)
    keys = account.bed.credentials(account.id)
    lines = [f"{name.lower()} = {value}" for name, value in keys.items()]
    home.mkdir(exist_ok=True)
    (home / "kubeconfig").unlink(missing_ok=True)
    (home / "config").write_text("\n".join(["[profile jane]", *lines, ""]))
elif sys.argv[1] == "present":
    profile = config["profile callers-111122223333"]
    assert profile["source_profile"] == "jane"
    user = yaml.safe_load((home / "kubeconfig").read_text())["users"][0]
    assert user["name"] == "apono-psi"
    assert "callers-111122223333" in user["user"]["exec"]["args"]
else:
    assert config.sections() == ["profile jane"]
    assert yaml.safe_load((home / "kubeconfig").read_text())["users"] == []
