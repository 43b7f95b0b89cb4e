# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of Apono, and what is returned of its answers."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import Apono
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import connector_info, integration_info
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import options_of

CONNECTORS = "/api/v3/connectors"
INTEGRATIONS = "/api/admin/v4/integrations"


class AnsweredApono(Apono):
    """Apono with an answer for each path, or a list of answers, of which the last one is given again. ``made`` are the
    paths and queries that were asked for."""

    def __init__(self, params, answers):
        super().__init__(params)
        self.answers, self.made = answers, []

    def call(self, method, path, what, body=None, query=None, **more):
        assert method == "GET"
        self.made.append((path, query))
        answer = self.answers.get(path)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if answer is None:
            raise ResourceError(f"{what}: 404", service="apono", http_status=404)
        return answer


@pytest.fixture(name="read")
def fixture_read(monkeypatch):
    def run(module, kind, answers, **given):
        options = {"api_token": "hidden-token", **given}
        checked = kind.options.check(options)
        assert not checked.error_messages
        params, _secrets = kind.options.normalise(checked.validated_parameters)
        apono = AnsweredApono(params, answers)
        monkeypatch.setattr(module, "Apono", lambda params: apono)
        return kind(params).result(False), apono

    return run


def connector(number, name, status="CONNECTED"):
    return {"id": f"connector-{number}", "name": name, "status": status}
