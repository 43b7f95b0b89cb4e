# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare and check Apono without the collection."""

import sys

from testbed.bed import Bed
from testbed.estate import integrations

bed = Bed.of_environment()

if sys.argv[1] == "prepare":
    bed.control("apono", "connectors", {"id": "connector-1", "name": "Molecule"})
else:
    found = integrations(bed).get("alpha")
    config = found and found["integration_config"]
    expected = {
        "target_cluster": "alpha",
        "cluster_location": "eu-west-1",
        "credentials_rotation_period_in_days": "90",
    }
    if config != {"verify": expected, "verify_absent": None}[sys.argv[1]]:
        sys.exit(f"The integration has the wrong settings: {config}")
