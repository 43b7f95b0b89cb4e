# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare the cluster and remove its access mapping, without the collection."""

import sys

from testbed.bed import Bed
from testbed.estate import Account

account = Account(Bed.of_environment(), "111122223333")

if sys.argv[1] == "prepare":
    role_arn = account.make_role("visitors", account.id)
    account.make_administrator("visitors")
    # The creator is the operator, whose credentials are in the environment.
    cluster = account.add_cluster("omega", "CONFIG_MAP", creator_arn=None)
    cluster.write_map_roles(f"- rolearn: {role_arn}\n  username: '{{{{SessionNameRaw}}}}'\n")
else:
    account.cluster("omega").replace_map_roles("")
