# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

from ansible_collections.apono.eks.plugins.filter.quoted import FilterModule

quoted = FilterModule().filters()["quoted"]

TOKEN = 'token-with-"quotes"-and-\\backslashes'
VALUES = {"proxy": {"password": "line\nbreak é"}, "replicaCount": 2, "apono": {"url": "eu"}}


def test_what_helm_says_has_neither_the_token_nor_the_values():
    words = f"Error: {json.dumps(TOKEN)} eu {json.dumps(VALUES)} 2 {TOKEN}\n\x1b[31m failed"
    shown = quoted(words, [TOKEN, ""], VALUES)
    assert shown == (
        'Error: "********" eu {"proxy": {"password": "********"}, "replicaCount": 2, "apono": {"url": "eu"}} 2 '
        "******** ?[31m failed"
    )


def test_the_reason_behind_a_long_command_is_there():
    assert quoted("helm upgrade " + "x" * 2000 + " Error: no").endswith("Error: no")
