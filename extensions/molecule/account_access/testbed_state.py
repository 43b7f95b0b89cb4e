# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the account without the collection."""

import sys

from testbed.bed import Bed
from testbed.estate import Account

account = Account(Bed.of_environment(), "111122223333")

if sys.argv[1] == "verify":
    role = account.role()
    if not role or role["policies"] != ["arn:aws:iam::111122223333:policy/apono-k8s-access"] or not account.policy():
        sys.exit(f"The IAM role or policy is missing or wrong: {role}")
    jane = account.assume(account.sso_person("jane@example.com"), "jane@example.com")
    if not jane["SessionToken"]:
        sys.exit("A user cannot assume the IAM role.")
elif sys.argv[1] == "verify_absent" and (account.role() or account.policy()):
    sys.exit("The IAM role or policy still exists.")
