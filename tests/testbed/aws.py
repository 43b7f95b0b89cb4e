# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS on one loopback URL: IAM (moto with additional errors), STS and EKS (services of the test bed).

``python -m testbed.aws --port N [--kubernetes URL] [--update-seconds S]`` serves them at ``http://127.0.0.1:N``. A
request goes to the service for which it is signed. Its access key selects the account. Its credential scope selects the
region and the partition (``aws``, ``aws-us-gov``, ``aws-cn``). Every request must be signed with a key of this service.

A client needs ``AWS_ENDPOINT_URL_IAM``, ``AWS_ENDPOINT_URL_STS`` and ``AWS_ENDPOINT_URL_EKS`` (or ``AWS_ENDPOINT_URL``
for all), ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` (and ``AWS_SESSION_TOKEN`` of a session), ``AWS_REGION`` or
``AWS_DEFAULT_REGION``.

The control interface, in addition to that of every service (:mod:`testbed.service`). It answers 400 with ``{"error"}``
for invalid requests:

``POST /_testbed/accounts {"account_id", "partition": "aws"}``
    Returns the account's administrator, the IAM user ``operator``: ``{"account_id", "partition", "user_arn",
    "access_key_id", "secret_access_key"}``. A second call returns the same key, or a new one after its expiry.
``POST /_testbed/saml_subject {"access_key_id", "subject"}``
    Sets ``SAML:sub`` of the sign-in of a key's session, for the policy variable ``${SAML:sub}``. A session of
    AssumeRoleWithSAML has it without this call.
``POST /_testbed/expire {"access_key_id"}``
    Lets the key expire.
``POST /_testbed/clusters {"account_id", "region", "name", "authentication_mode": null, "tags": {},
"node_role_arns": [], "fargate_role_arns": [], "entry_delay": 0, "creator_arn": null, "access_config": null,
"version": "1.33", "outpost_config": null}``
    Creates an ACTIVE cluster at once, and returns ``{"arn", "endpoint", "certificate_authority_base64"}``. Without a
    mode, it is an old cluster: ``CONFIG_MAP``, without ``accessConfig`` in answers (``"access_config": "empty"``
    returns ``{}``). Missing roles of node groups and Fargate profiles are created. These roles and the creator get
    access entries as soon as the mode supports them. Other entries have effect ``entry_delay`` seconds after their
    creation. The default creator is the account's operator, and ``""`` is no creator. With ``outpostConfig`` of
    CreateCluster, it is a local cluster on an Outpost.
``POST /_testbed/fail_update {"cluster_arn", "error_code": "Unknown", "error_message"}``
    Lets the next update of the cluster end as ``Failed``.
``POST /_testbed/organization {"management_account_id", "units": {id: parent}, "accounts": {id: {"name", "parent",
"status": "ACTIVE"}}}``
    Sets the organization. A parent is the id of a unit or of the root. The default is the root, ``r-ab12``.
``POST /_testbed/regions {"account_id", "regions"}``
    Sets the enabled regions of an account, instead of the default regions.
``POST /_testbed/identity {"cluster_arn", "principal_arn", "session_name"}``
    Returns the data of a caller in the cluster (:meth:`testbed.eks.Eks.resolve_identity`).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import signal
import threading
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse

from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.moto_server.werkzeug_app import create_backend_app
from moto.utilities.utils import get_partition

from testbed.aws_authorization import authorize, simulate_principal_policy
from testbed.aws_credentials import PARTITIONS, Caller, Credentials
from testbed.aws_organizations import Organization, Organizations, Regions
from testbed.aws_principals import Principal, find_principal, forget_in_trust_policies, iam_backend
from testbed.aws_sts import Sts
from testbed.aws_validation import describe, violations
from testbed.aws_wire import (
    SERVICES,
    UNSIGNED_OPERATIONS,
    Answer,
    AwsError,
    AwsRequest,
    Headers,
    read_request,
    render_error,
    render_query_result,
    render_rest_result,
    service_model,
)
from testbed.eks import Eks, FixedEndpoint, Registrar
from testbed.eks_model import MODES, Cluster
from testbed.iam_resources import CREATING_WITH_TAGS, context_of, resource_of
from testbed.iam_rules import apply_rules
from testbed.service import CONTROL, RECORD_KEY, Call, Listener, Service

DEFAULT_UPDATE_SECONDS = 0.5

# A real API server (etcd and kube-apiserver) needs several seconds to start.
REGISTRATION_TIMEOUT_SECONDS = 120

TRUST_OF_NODES = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


class AwsDialect:
    """Names calls such as ``iam:GetRole``, ``sts:AssumeRole`` and ``eks:DescribeCluster``, and callers by their access
    key. The record of a call has ``decisions``: the result of the caller's policies for each required action, with
    ``principal``, ``action``, ``resource``, ``context`` and ``allowed``."""

    def call(self, environ: dict[str, Any], body: bytes) -> Call:
        request = read_request(environ, body)
        identity = request.signature.access_key_id if request.signature else ""
        return Call(request.operation_name, request.writes, identity)

    def error(self, call: Call, status: int, code: str, message: str) -> tuple[Headers, bytes]:
        service = call.operation.partition(":")[0]
        return render_error(service, status, code or default_code(status), message)[1:]


def default_code(status: int) -> str:
    """Return the code of an injected error that has no code."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "ThrottlingException"
    return (
        "InternalFailure" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus(status).phrase.replace(" ", "")
    )


class KubernetesRegistrar:
    """Gets the API servers of clusters from the Kubernetes service of the test bed."""

    def __init__(self, url: str) -> None:
        self.url = f"{url.rstrip('/')}{CONTROL}clusters"

    def register(self, cluster: Cluster) -> tuple[str, str]:
        """:raises AwsError: ServerException: The Kubernetes service returned an error or is not running."""
        description = {
            "arn": cluster.arn,
            "name": cluster.name,
            "account_id": cluster.account_id,
            "region": cluster.region,
            "token_cluster": cluster.token_cluster,
        }
        answer = self._send("POST", description)
        return answer["endpoint"], answer["certificate_authority_base64"]

    def unregister(self, cluster: Cluster) -> None:
        self._send("DELETE", {"arn": cluster.arn})

    def _send(self, method: str, document: dict[str, str]) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url, json.dumps(document).encode(), headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=REGISTRATION_TIMEOUT_SECONDS) as answer:
                registered: dict[str, str] = json.load(answer)
        except OSError as error:
            reason = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else str(error)
            what = f"{method} {self.url} for {document['arn']}"
            raise AwsError(500, "ServerException", f"{what} failed: {reason}") from error
        return registered


class Aws:
    """The WSGI application. It authenticates each request, and passes it to its service."""

    def __init__(self, registrar: Registrar, update_seconds: float) -> None:
        # Without this setting, moto would put all access keys into one account.
        os.environ.pop("MOTO_ACCOUNT_ID", None)
        self.credentials = Credentials()
        self.sts = Sts(self.credentials)
        self.eks = Eks(registrar, update_seconds)
        self.organizations = Organizations()
        self.regions = Regions()
        self.iam_application = create_backend_app("iam")
        # Other threads change the dictionaries over which moto's IAM iterates. Also, a rule and the work of moto must
        # be one step.
        self.iam_lock = threading.RLock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        request = read_request(environ, body)
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            status, headers, text = self.answer(request, environ)
        except AwsError as error:
            status, headers, text = render_error(request.service, error.status, error.code, error.message)
        except Exception as error:
            traceback.print_exc()
            status, headers, text = render_error(request.service, 500, "InternalFailure", repr(error))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [text]

    def answer(self, request: AwsRequest, environ: dict[str, Any]) -> Answer:
        """:raises AwsError: The request is not allowed or not valid."""
        with self.iam_lock:
            caller = self.authenticate(request)
            if caller and RECORD_KEY in environ:
                environ[RECORD_KEY]["decisions"] = caller.decisions
            if request.service not in SERVICES:
                raise AwsError(501, "NotImplemented", f"The test bed doesn't serve {request.operation_name}")
            if request.service == "sts":
                return self.security_tokens(request, caller)
            if caller is None:
                raise AwsError(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
            if request.service == "iam":
                return self.iam(request, caller, environ)
            if request.service in ("ec2", "organizations"):
                return self.directory(request, caller)
        if request.region not in self.regions.of(caller.account_id, caller.partition):
            # AWS answers the same for a region that is not enabled ("Enable or disable AWS Regions").
            raise AwsError(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        return render_rest_result(self.eks.handle(request, caller))

    def directory(self, request: AwsRequest, caller: Caller) -> Answer:
        """Answer the services that list accounts and regions."""
        if request.operation is None:
            raise AwsError(400, "InvalidAction", f"There is no {request.operation_name}")
        name = request.operation.name
        authorize(caller, f"{request.service}:{name}", "*")
        if request.service == "ec2":
            return render_query_result(request, self.regions.handle(caller, name, validated(request)))
        parameters = request.json_parameters()
        found = list(violations(request.operation.input_shape, parameters))
        if found:
            raise AwsError(400, "InvalidInputException", describe(found))
        return render_rest_result(self.organizations.handle(caller, name, parameters))

    def authenticate(self, request: AwsRequest) -> Caller | None:
        """Return the caller, or ``None`` if the operation needs none."""
        operation = request.operation
        if request.service == "sts" and operation and operation.name in UNSIGNED_OPERATIONS:
            return None
        return self.credentials.authenticate(request)

    def security_tokens(self, request: AwsRequest, caller: Caller | None) -> Answer:
        parameters = validated(request)
        serve = self.sts.operations.get(request.known_operation.name)
        if serve is None:
            raise AwsError(501, "NotImplemented", f"The test bed doesn't serve {request.operation_name}")
        return render_query_result(request, serve(caller, parameters))

    def iam(self, request: AwsRequest, caller: Caller, environ: dict[str, Any]) -> Answer:
        """Apply the rules that moto does not have, then call moto."""
        parameters = validated(request)
        name = request.known_operation.name
        backend = iam_backend(caller.account_id, caller.partition)
        resource = resource_of(name, caller, backend, parameters)
        authorize(caller, f"iam:{name}", resource, context_of(name, parameters))
        if name in CREATING_WITH_TAGS and parameters.get("Tags"):
            authorize(caller, CREATING_WITH_TAGS[name], resource)
        if name == "SimulatePrincipalPolicy":
            return render_query_result(request, simulate_principal_policy(parameters))
        try:
            result = apply_rules(name, backend, parameters)
        except ServiceException as error:
            raise AwsError(iam_error_status(error.code), error.code, error.message) from error
        if result is not None:
            return render_query_result(request, result)
        going = leaving_principal(name, parameters, caller)
        answer = self.moto(request, environ)
        if going and answer[0] == HTTPStatus.OK:
            forget_in_trust_policies(going)
        return answer

    def moto(self, request: AwsRequest, environ: dict[str, Any]) -> Answer:
        """Return the answer of moto to an IAM request."""
        started: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
            started.append((int(status.split(" ", 1)[0]), headers))

        try:
            body = b"".join(self.iam_application(environ, start_response))
        except NotImplementedError as error:
            raise AwsError(501, "NotImplemented", f"The test bed doesn't serve {request.operation_name}") from error
        return *started[-1], body

    def reset(self) -> None:
        with self.iam_lock:
            self.credentials.reset()
            BackendDict.reset()
            self.organizations.reset()
            self.regions.reset()
        self.eks.reset()


class AwsService(Service):
    """The service with AWS's part of the control interface. See the docstring of the module."""

    def __init__(self, aws: Aws) -> None:
        super().__init__(aws, AwsDialect(), aws.reset)
        self.aws = aws
        self.controls: dict[str, Callable[..., dict[str, Any]]] = {
            "accounts": self.add_account,
            "saml_subject": self.set_saml_subject,
            "expire": self.expire,
            "clusters": self.add_cluster,
            "fail_update": self.fail_update,
            "organization": self.set_organization,
            "regions": self.set_regions,
            "identity": self.identity,
        }

    def control(self, environ: dict[str, Any], body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        act = self.controls.get(environ["PATH_INFO"].removeprefix(CONTROL))
        if act is None or environ["REQUEST_METHOD"] != "POST":
            return super().control(environ, body, start_response)
        try:
            status, answer = "200 OK", act(**json.loads(body))
        except (KeyError, TypeError, ValueError, AwsError) as error:
            status, answer = "400 Bad Request", {"error": str(error)}
        text = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def add_account(self, account_id: str, partition: str = "aws") -> dict[str, str]:
        check_account_id(account_id)
        if partition not in PARTITIONS:
            raise ValueError(f"unknown partition {partition!r}; choose from {', '.join(PARTITIONS)}")
        with self.aws.iam_lock:
            return self.aws.credentials.operator(account_id, partition)

    def set_organization(self, **description: Any) -> dict[str, Any]:
        with self.aws.iam_lock:
            self.aws.organizations.organization = Organization(**description)
        return {}

    def set_regions(self, account_id: str, regions: list[str]) -> dict[str, Any]:
        check_account_id(account_id)
        with self.aws.iam_lock:
            self.aws.regions.enabled[account_id] = regions
        return {}

    def set_saml_subject(self, access_key_id: str, subject: str) -> dict[str, Any]:
        with self.aws.iam_lock:
            self.aws.credentials.require(access_key_id)
            self.aws.credentials.saml_subjects[access_key_id] = subject
        return {}

    def expire(self, access_key_id: str) -> dict[str, Any]:
        with self.aws.iam_lock:
            self.aws.credentials.require(access_key_id)
            self.aws.credentials.expired.add(access_key_id)
        return {}

    def add_cluster(
        self,
        account_id: str,
        region: str,
        name: str,
        authentication_mode: str | None = None,
        tags: dict[str, str] | None = None,
        node_role_arns: Iterable[str] = (),
        fargate_role_arns: Iterable[str] = (),
        entry_delay: float = 0.0,
        creator_arn: str | None = None,
        access_config: str | None = None,
        version: str = "1.33",
        outpost_config: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        check_account_id(account_id)
        partition = get_partition(region)
        if authentication_mode is not None and authentication_mode not in MODES:
            raise ValueError(f"unknown authentication mode {authentication_mode!r}; choose from {', '.join(MODES)}")
        shown = access_config or ("shown" if authentication_mode else "absent")
        if shown not in ("shown", "empty", "absent"):
            raise ValueError(f"unknown access_config {shown!r}; choose from shown, empty, absent")
        with self.aws.iam_lock:
            if creator_arn is None:
                creator_arn = self.aws.credentials.operator(account_id, partition)["user_arn"]
            creator = find_principal(creator_arn)
            if creator_arn and creator is None:
                raise ValueError(f"there is no role or user {creator_arn}")
            cluster_role = ensure_role(f"arn:{partition}:iam::{account_id}:role/eks-cluster-role")
            node_roles = [ensure_role(arn) for arn in node_role_arns]
            fargate_roles = [ensure_role(arn) for arn in fargate_role_arns]
        return self.aws.eks.add_cluster(
            Cluster(
                account_id=account_id,
                region=region,
                partition=partition,
                name=name,
                mode=authentication_mode or "CONFIG_MAP",
                access_config=shown,
                creator=creator,
                node_roles=node_roles,
                fargate_roles=fargate_roles,
                entry_delay=entry_delay,
                tags=dict(tags or {}),
                settings={
                    "version": version,
                    "roleArn": cluster_role.arn,
                    "resourcesVpcConfig": {
                        "subnetIds": ["subnet-0a1b2c3d4e5f60718", "subnet-18f7e6d5c4b3a2910"],
                        "vpcId": "vpc-0123456789abcdef0",
                        "endpointPublicAccess": True,
                        "endpointPrivateAccess": False,
                    },
                    **({"outpostConfig": outpost_config} if outpost_config else {}),
                },
            )
        )

    def fail_update(self, cluster_arn: str, error_message: str, error_code: str = "Unknown") -> dict[str, Any]:
        failure = {"errorCode": error_code, "errorMessage": error_message, "resourceIds": []}
        self.aws.eks.fail_next_update(cluster_arn, failure)
        return {}

    def identity(self, cluster_arn: str, principal_arn: str, session_name: str = "") -> dict[str, Any]:
        """The session name has no effect here, because the authenticator renders the username."""
        return self.aws.eks.resolve_identity(cluster_arn, principal_arn)


def validated(request: AwsRequest) -> dict[str, Any]:
    """Return the parameters of an IAM or STS operation, valid by the service model.

    :raises AwsError: InvalidAction, ValidationError.
    """
    if request.operation is None:
        action = request.form.get("Action", "")
        raise AwsError(400, "InvalidAction", f"Could not find operation {action} for this version")
    parameters = request.query_parameters()
    shape = request.operation.input_shape
    found = list(violations(shape, parameters)) if shape else []
    if found:
        raise AwsError(400, "ValidationError", describe(found))
    return parameters


def iam_error_status(code: str) -> int:
    """Return the HTTP status of an error in the service model."""
    for shape in service_model("iam").error_shapes:
        if shape.error_code == code:
            status: int = shape.metadata["error"]["httpStatusCode"]
            return status
    return HTTPStatus.BAD_REQUEST


def leaving_principal(operation: str, parameters: dict[str, Any], caller: Caller) -> Principal | None:
    """Return the role or user that an operation deletes."""
    backend = iam_backend(caller.account_id, caller.partition)
    holders: Iterable[Any] = ()
    if operation == "DeleteRole":
        holders = [role for role in backend.roles.values() if role.name == parameters["RoleName"]]
    elif operation == "DeleteUser":
        holders = [user for user in backend.users.values() if user.name == parameters["UserName"]]
    return next((find_principal(holder.arn) for holder in holders), None)


def ensure_role(arn: str) -> Principal:
    """Return the role of this ARN. If it does not exist, create it as a role for EC2 instances.

    :raises ValueError: The ARN is not the ARN of a role.
    """
    found = re.fullmatch(r"arn:(aws[a-z-]*):iam::(\d{12}):role(/(?:.+/)?)([^/]+)", arn)
    if not found:
        raise ValueError(f"not the ARN of a role: {arn!r}")
    partition, account_id, path, name = found.groups()
    principal = find_principal(arn)
    if principal is None:
        iam_backend(account_id, partition).create_role(
            role_name=name,
            assume_role_policy_document=TRUST_OF_NODES,
            path=path,
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
        )
        principal = find_principal(arn)
    if principal is None:
        raise ValueError(f"The role {arn} was created, but does not exist.")
    return principal


def check_account_id(account_id: str) -> None:
    """:raises ValueError: The id does not have twelve digits."""
    if not re.fullmatch(r"\d{12}", account_id):
        raise ValueError(f"not an account id (twelve digits): {account_id!r}")


def aws_service(kubernetes_url: str | None = None, update_seconds: float = DEFAULT_UPDATE_SECONDS) -> AwsService:
    """Return the complete service for a :class:`~testbed.service.Listener`.

    The state of moto belongs to the process, so two services in one process share IAM.

    :param kubernetes_url: The Kubernetes service that starts API servers for clusters. Without it, the endpoints of
        clusters do not exist.
    :param update_seconds: The duration of the creation of a cluster through the API, and of updates of its
        configuration.
    """
    registrar = KubernetesRegistrar(kubernetes_url) if kubernetes_url else FixedEndpoint()
    return AwsService(Aws(registrar, update_seconds))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m testbed.aws", description="IAM, STS and EKS on loopback")
    parser.add_argument("--port", type=int, default=0, help="port to serve on (default: a free one)")
    parser.add_argument("--kubernetes", metavar="URL", help="control URL of the Kubernetes service")
    parser.add_argument(
        "--update-seconds",
        type=float,
        default=DEFAULT_UPDATE_SECONDS,
        help="duration of the creation and of an update of a cluster (default: %(default)s)",
    )
    arguments = parser.parse_args()
    terminated = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_unused: terminated.set())
    listener = Listener(aws_service(arguments.kubernetes, arguments.update_seconds), port=arguments.port).start()
    print(json.dumps({"url": listener.url}), flush=True)
    terminated.wait()
    listener.stop()


if __name__ == "__main__":
    main()
