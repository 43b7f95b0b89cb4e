# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS and Kubernetes answer, as data, to the real clients of the collection.

Nothing is sent. botocore's own models judge both sides: the arguments of each call, and the answers that a test gives.
"""

from __future__ import annotations

import types

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from botocore.validate import validate_parameters

DENIED = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}


def missing(code="ResourceNotFoundException"):
    return {"Error": {"Code": code, "Message": "not found"}}


class AnsweredAws(Aws):
    """AWS with an answer for each operation: a dictionary, or a function of the arguments that returns one. An
    answer with ``Error`` is an error. ``calls`` are the names of the operations that were called."""

    def __init__(self, answers):
        super().__init__({"region": "eu-west-1", "access_key": "AKIAEXAMPLE", "secret_key": "example-secret-key"})
        self.answers = answers
        self.calls = []
        self.arguments = {}

    def client(self, service):
        is_new = service not in self.clients
        client = super().client(service)
        if is_new:
            client.meta.events.register_first("provide-client-params", self.take_arguments)
            client.meta.events.register_first("before-call", self.answer)
        return client

    def take_arguments(self, params, **_event):
        self.arguments = params

    def answer(self, model, **_event):
        self.calls.append(model.name)
        answer = self.answers[model.name]
        answer = answer(**self.arguments) if callable(answer) else answer
        status = 400 if "Error" in answer else 200
        if status == 200:
            validate_parameters(answer, model.output_shape)
        metadata = {"RequestId": "request-1", "HTTPStatusCode": status, "HTTPHeaders": {}}
        return types.SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": metadata}


class AnsweredKubernetes(Kubernetes):
    """An API server with an object for each path; one that is a number is the status of a refusal."""

    def __init__(self, params, aws, objects):
        super().__init__(params, aws)
        self.objects = objects

    def call(self, method, path, what, body=None, writes=None):
        found = self.objects.get(path.partition("?")[0], 404)
        if isinstance(found, int):
            raise ResourceError(f"{what}: {found}", service="kubernetes", http_status=found)
        return found


def information(monkeypatch, module, kind, answers, objects, **options):
    """What a task that only reads returns.

    :param module: the module that ``kind`` is in.
    :param answers: of AWS, by operation; see :class:`AnsweredAws`.
    :param objects: of Kubernetes, by path; see :class:`AnsweredKubernetes`.
    :return: the result, and AWS with its ``calls``.
    """
    aws = AnsweredAws(answers)
    monkeypatch.setattr(module, "Aws", lambda params: aws)
    monkeypatch.setattr(module, "Kubernetes", lambda params, aws: AnsweredKubernetes(params, aws, objects))
    checked = kind.options.check(options)
    assert not checked.error_messages
    params, _secrets = kind.options.normalise(checked.validated_parameters)
    return kind(params).result(False), aws
