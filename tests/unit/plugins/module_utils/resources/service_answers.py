# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of AWS, Kubernetes and Apono as data for the real clients of the collection.

Nothing is sent. For AWS, botocore's models validate the arguments of each call and the answers of a test.
"""

from __future__ import annotations

import copy
import types

from ansible_collections.apono.eks.plugins.module_utils.clients.apono import Apono
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from botocore.validate import validate_parameters

DENIED = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}


def missing(code="ResourceNotFoundException"):
    return {"Error": {"Code": code, "Message": "not found"}}


def described_cluster(mode="API_AND_CONFIG_MAP", status="ACTIVE", account_id="111122223333"):
    """Return the answer of DescribeCluster for the cluster alpha."""
    return {
        "cluster": {
            "name": "alpha",
            "arn": f"arn:aws:eks:eu-west-1:{account_id}:cluster/alpha",
            "status": status,
            "endpoint": "https://alpha.example.com",
            "accessConfig": {"authenticationMode": mode},
        }
    }


class AnsweredAws(Aws):
    """AWS with an answer for each operation: a dictionary, a function of the arguments, or a list of answers. The last
    answer of a list is repeated. An answer with ``Error`` is an error. ``calls`` has the names of the called
    operations, and ``made`` has the names with their arguments."""

    def __init__(self, answers):
        super().__init__({"region": "eu-west-1", "access_key": "AKIAEXAMPLE", "secret_key": "example-secret-key"})
        self.answers = answers
        self.made = []
        self.arguments = {}

    @property
    def calls(self):
        return [name for name, _arguments in self.made]

    def client(self, service):
        is_new = service not in self.clients
        client = super().client(service)
        if is_new:
            client.meta.events.register_first("provide-client-params", self.take_arguments)
            client.meta.events.register_first("before-call", self.answer)
        return client

    def take_arguments(self, params, **_event):
        # botocore adds arguments later, such as a token that differs each time.
        self.arguments = dict(params)

    def answer(self, model, **_event):
        self.made.append((model.name, self.arguments))
        answer = self.answers[model.name]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        answer = copy.deepcopy(answer(**self.arguments) if callable(answer) else answer)
        status = 400 if "Error" in answer else 200
        if status == 200 and model.output_shape:
            validate_parameters(answer, model.output_shape)
        metadata = {"RequestId": "request-1", "HTTPStatusCode": status, "HTTPHeaders": {}}
        return types.SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": metadata}


class AnsweredKubernetes(Kubernetes):
    """An API server with an object for each path. A number is the status of an error."""

    def __init__(self, params, aws, objects):
        super().__init__(params, aws)
        self.objects = objects

    def call(self, method, path, what, body=None, writes=None):
        found = self.objects.get(path.partition("?")[0], 404)
        if isinstance(found, int):
            raise ResourceError(f"{what}: {found}", service="kubernetes", http_status=found)
        return found


class AnsweredApono(Apono):
    """Apono with an answer for each path, or with a list of answers, whose last one is repeated. A number is the status
    of an error. ``made`` has the requested paths and queries. ``written`` has the methods, paths and bodies of the
    writes, which get the answer ``answers["writes"]``."""

    def __init__(self, params, answers):
        super().__init__(params)
        self.answers, self.made, self.written = answers, [], []

    def call(self, method, path, what, body=None, query=None):
        if method == "GET":
            self.made.append((path, dict(query or {})))
            answer = self.answers.get(path, 404)
        else:
            self.written.append((method, path, body))
            answer = self.answers["writes"]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, int):
            raise ResourceError(f"{what}: {answer}", service="apono", http_status=answer)
        return answer


def with_apono(kind, answers, **options):
    """Return a task with validated options, and Apono with the answers. See :class:`AnsweredApono`."""
    checked = kind.options.check({"api_token": "hidden-token", **options})
    assert not checked.error_messages
    params, _secrets = kind.options.normalise(checked.validated_parameters)
    task = kind(params)
    task.apono = AnsweredApono(params, answers)
    return task, task.apono


def options_of(kind, **options):
    """Return options after the validation and normalization of a module."""
    checked = kind.options.check({"region": "eu-west-1", **options})
    assert not checked.error_messages
    params, _secrets = kind.options.normalise(checked.validated_parameters)
    return params


def resource(kind, answers, **options):
    """Return a resource with validated options, and AWS with the answers. See :class:`AnsweredAws`."""
    aws = AnsweredAws(answers)
    made = kind(options_of(kind, **options))
    made.validate()
    made.aws = aws
    return made, aws


def information(kind, answers, objects, **options):
    """Run a task that only reads.

    :param answers: The answers of AWS by operation. See :class:`AnsweredAws`.
    :param objects: The objects of Kubernetes by path. See :class:`AnsweredKubernetes`.
    :return: The result, and AWS with its ``calls``.
    """
    aws = AnsweredAws(answers)
    params = options_of(kind, **options)
    task = kind(params)
    task.aws, task.kubernetes = aws, AnsweredKubernetes(params, aws, objects)
    return task.result(False), aws
