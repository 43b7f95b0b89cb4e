# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare and check the cluster without the collection."""

import sys

from testbed.bed import Bed
from testbed.estate import Account

account = Account(Bed.of_environment(), "111122223333")

if sys.argv[1] == "prepare":
    account.make_role("users", account.id)
    # The creator is the operator, whose credentials are in the environment.
    account.add_cluster("alpha", "CONFIG_MAP", creator_arn=None)
else:
    found = account.cluster("alpha").entry("users")
    username = found["username"] if found else None
    if username != {"verify": "users:{{SessionName}}", "verify_absent": None}[sys.argv[1]]:
        sys.exit(f"The access entry has the wrong username: {username}")
