# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of a fleet whose resources answer from a table."""

from __future__ import annotations

from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import IamRole

ACCOUNT = "111122223333"
ROLE = {"role": {"arn": f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access", "create_date": "2026-11-26T12:00:00+00:00"}}


def settings(**values):
    return {"values": {"apono_trust": {"sso": {}}, **values}, "errors": {}, "unknown": []}


def failed(message, **error):
    return {"failed": True, "msg": message, "error": error}


class Answers:
    """A first base class for the tasks of a fleet. Resources answer from ``answers`` by their class, with a result or
    with a function of the options."""

    def __init__(self, settings_of_hosts, answers=None, modes=None, hosts=None, **more):
        super().__init__(hosts or list(settings_of_hosts), settings_of_hosts, **more)
        self.answers, self.modes = answers or {}, modes or {}
        self.asked = []

    def checked(self, kind, options):
        self.asked.append((kind, options))
        answer = self.answers.get(kind)
        if callable(answer):
            answer = answer(options)
        if answer is not None:
            return answer
        if kind is ClusterInfo:
            name = options["cluster_name"]
            arn = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{name}"
            facts = {"name": name, "account_id": ACCOUNT, "region": "eu-west-1", "partition": "aws", "arn": arn}
            return {"cluster": {**facts, "authentication_mode": self.modes.get(name, "API")}}
        return {"changes": [], **(ROLE if kind is IamRole else {})}

    def options_of(self, kind):
        return [options for asked, options in self.asked if asked is kind]
