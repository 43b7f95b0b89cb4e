# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module tells of connectors."""

from __future__ import annotations

from ansible_collections.apono.eks.plugins.module_utils.resources.connector_info import result


def test_a_name_that_several_connectors_have_stands_for_none_of_them():
    connectors = [{"id": "1", "name": "prod"}, {"id": "2", "name": "test"}, {"id": "3", "name": "test"}]
    assert result(connectors) == {"connectors": connectors, "ids_by_name": {"prod": "1"}}
