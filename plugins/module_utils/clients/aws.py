# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of AWS, on top of botocore: sessions, assumed roles, retries and error messages."""

from __future__ import annotations

import base64
import contextlib
import copy
import functools
import json
import logging
import os
import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients import aws_session, proxies, transport
from ansible_collections.apono.eks.plugins.module_utils.clients.aws_configuration import (
    Configuration,
    check_authorities,
    check_keys,
    configuration_error,
    refuse_to_ask,
    secret_alone,
)
from ansible_collections.apono.eks.plugins.module_utils.clients.paging import AWS_TOKENS, Pages
from ansible_collections.apono.eks.plugins.module_utils.clients.run_memory import run_memory
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import printable, quote, register
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn

# Why this Python cannot call AWS, or ``None`` if it can.
PROBLEM = aws_session.PROBLEM
if not PROBLEM:
    import botocore.config
    import botocore.credentials
    import botocore.exceptions
    import botocore.handlers
    import botocore.hooks
    import botocore.loaders
    import botocore.parsers
    import botocore.signers

# The services that most tasks need. preload() parses their models before the fork.
SERVICES = ("iam", "eks", "sts")
CALLED = (*SERVICES, "ec2", "organizations")
# The address that selects the proxy in an error message, if botocore failed while it got credentials.
AWS_ADDRESS = "https://sts.amazonaws.com"

# botocore's standard mode makes 3 attempts. EKS throttles DescribeCluster when a run reads a whole fleet, so 3 are too
# few. With botocore's backoff and jitter, 8 attempts take about a minute. AWS_MAX_ATTEMPTS and max_attempts take
# precedence.
MOST_ATTEMPTS = 8

_CREDENTIAL_CODES = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
}
DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_THROTTLED_CODES = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}


# botocore logs the answers of services uncensored. Ansible would write them to the file of ANSIBLE_LOG_PATH, or else to
# the terminal. Nothing is lost without this log: the same errors are raised, and their messages are censored.
logging.getLogger("botocore").addHandler(logging.NullHandler())
logging.getLogger("botocore").propagate = False


def check_library() -> None:
    """Raise :class:`ResourceError` if botocore is missing or too old."""
    if PROBLEM:
        raise ResourceError(PROBLEM)


@functools.cache
def data_loader() -> Any:
    """Return botocore's reader of service models. It caches the models and is safe to share with forked workers."""
    return botocore.loaders.create_loader()


@functools.cache
def event_handlers() -> Any:
    """Return an emitter with botocore's event handlers for the services that the collection calls.

    botocore registers all handlers in each new session and copies them for each client. That is a quarter of the time
    of a call, so here it is done once, and only for :data:`CALLED`.
    """
    emitter = botocore.hooks.HierarchicalEmitter()
    orders = {
        botocore.handlers.REGISTER_FIRST: emitter.register_first,
        botocore.handlers.REGISTER_LAST: emitter.register_last,
    }
    for event, handler, *order in botocore.handlers.BUILTIN_HANDLERS:
        if concerns_us(event):
            listen = orders[order[0]] if order else emitter.register
            listen(event, handler)
    for event, handler in REGISTERED_EVENTS.items():
        emitter.register(event, handler)
    return emitter


# The headers of a signed request that are secrets. Signatures are censored by their shape (redaction.SECRET_SHAPES).
SECRET_HEADERS = ("X-Amz-Security-Token", "x-amz-sso_bearer_token")
# The secret members of requests and answers of STS, SSO and SSO OIDC, in lower case.
SECRET_MEMBERS = (
    "accesstoken",
    "clientsecret",
    "externalid",
    "idtoken",
    "refreshtoken",
    "samlassertion",
    "secretaccesskey",
    "sessiontoken",
    "webidentitytoken",
)


def register_headers(headers: Any) -> None:
    """Register the secrets in the headers of a request, because a service can quote them in an error.

    This applies to every request of botocore, also to those that get credentials.
    """
    for name in SECRET_HEADERS:
        register(headers.get(name))


def register_members(structure: Any) -> None:
    """Register the credentials in the parameters of a request, or in an answer, as secrets."""
    if isinstance(structure, dict):
        for name, value in structure.items():
            if name.lower() in SECRET_MEMBERS:
                register(value)
            else:
                register_members(value)


def give_up(caught_exception: Exception | None, attempts: int, **_event: Any) -> None:
    """Raise an error after which botocore must not try again.

    Each attempt with a password that a proxy does not accept can lock the user's account. A network that accepts no
    connection in two attempts does not accept a third.
    """
    known = botocore.exceptions
    if caught_exception is None:
        return
    refused = isinstance(caught_exception, known.ProxyConnectionError) and " 407 " in str(caught_exception.kwargs)
    if refused or (isinstance(caught_exception, known.ConnectTimeoutError) and attempts > 1):
        raise caught_exception


# Handlers of the collection by botocore's events. They register secrets, and end attempts that cannot succeed.
REGISTERED_EVENTS = {
    "provide-client-params": lambda params, **_event: register_members(params),
    "before-send": lambda request, **_event: register_headers(request.headers),
    "after-call": lambda parsed, **_event: register_members(parsed),
    "needs-retry": give_up,
}


def concerns_us(event: str) -> bool:
    """Whether an event of botocore, such as ``before-call.s3.GetObject``, can be of a service in :data:`CALLED`.

    None of these services has another name in ``botocore.hooks.EVENT_ALIASES``.
    """
    kind, *rest = event.split(".")
    return kind != "docs" and (not rest or rest[0] in CALLED)


def preload() -> None:
    """Parse the data that each client needs, once before Ansible forks its workers.

    The data is immutable. Sessions, credentials and connections must not be shared by forked processes.
    """
    run_memory()
    event_handlers()
    loader = data_loader()
    for data in ("endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data_with_path(data)
    for service in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, kind)
    # Wrong AWS settings of this machine are an error of the tasks that use them, not of the whole run.
    with contextlib.suppress(Exception):
        preload_clients()


def preload_clients() -> None:
    """Create clients with invented credentials and no calls, because a new client parses and caches further data."""
    nobody = Aws({"region": "us-east-1", "access_key": "-", "secret_key": "-"})
    for service in SERVICES:
        nobody.client(service)
        data_loader().load_service_model(service, "paginators-1")


def partition_of(region: str) -> dict[str, Any]:
    """Return the partition of a region from botocore's ``partitions.json``, with ``name``, ``dnsSuffix`` and others.

    Raises :class:`ResourceError` if botocore is missing or too old. A table in the collection would not have new
    partitions.
    """
    check_library()
    partitions: list[dict[str, Any]] = data_loader().load_data("partitions")["partitions"]
    named = (one for one in partitions if region in one["regions"] or re.match(one["regionRegex"], region))
    # A region that this botocore does not know is most likely one of the first partition, aws.
    outputs: dict[str, Any] = next(named, partitions[0])["outputs"]
    return outputs


class AssumedRoles(dict[str, Any]):
    """A cache of AssumeRole answers for botocore, which all workers of a run share.

    Without it, each task would assume the same role again. botocore's keys name the role and its arguments only. The
    keys in the run's memory have the whole credentials of the caller too, so that no caller gets a role that another
    caller has assumed. The id of an access key is not enough, because it is not a secret.
    """

    def __init__(self, source: Any, endpoint_url: str | None) -> None:
        """:param source: the botocore credentials of the caller that assumes the roles."""
        super().__init__()
        self.source = source
        self.endpoint_url = endpoint_url

    def __contains__(self, key: object) -> bool:
        if not super().__contains__(key):
            answer = run_memory().get(self.name(key))
            if answer is not None:
                register_members(answer)
                super().__setitem__(str(key), answer)
        return super().__contains__(key)

    def __setitem__(self, key: str, answer: dict[str, Any]) -> None:
        super().__setitem__(key, answer)
        run_memory().put(self.name(key), answer)

    def name(self, key: object) -> str:
        own = self.source.get_frozen_credentials()
        return json.dumps([own.access_key, own.secret_key, own.token, self.endpoint_url, key])


class Aws:
    """A client of AWS, configured by the options of one task.

    Every failure is a :class:`ResourceError`. If AWS answered, it has ``service``, ``operation``, ``code``,
    ``http_status`` and ``request_id``.

    :param params: the options of the group ``aws``.
    :param connections: the number of calls that one client can make at the same time.
    """

    def __init__(self, params: dict[str, Any], connections: int = 10) -> None:
        check_library()
        self.params = params
        self.connections = connections
        self.clients: dict[str, Any] = {}

    @functools.cached_property
    def session(self) -> Any:
        """A botocore session with the credentials of the options, or of the role in ``assume_role_arn``."""
        session = self.new_session()
        with configured(session, self.params):
            self.prepare(session)
        return session

    def new_session(self) -> Any:
        session = aws_session.new_session(
            profile=self.params.get("profile"),
            event_hooks=copy.copy(event_handlers()),
            include_builtin_handlers=False,
        )
        session.register_component("data_loader", data_loader())
        return session

    def prepare(self, session: Any) -> None:
        """Apply the options to a session. Raises :class:`ResourceError` for an invalid one."""
        if self.params.get("region"):
            arn.validate_region(self.params["region"], "region")
            session.set_config_variable("region", self.params["region"])
        if self.params.get("aws_ca_bundle"):
            session.set_config_variable("ca_bundle", self.params["aws_ca_bundle"])
        if self.params.get("access_key"):
            session.set_credentials(
                self.params["access_key"], self.params["secret_key"], self.params.get("session_token")
            )
        elif not self.params.get("profile"):
            # botocore also reads the environment first, but only after it has prepared all other sources. That is slow.
            session._credentials = botocore.credentials.EnvProvider().load()
        if session._credentials is None:
            # For a profile with mfa_serial, botocore would prompt on the terminal.
            session.get_component("credential_provider").get_provider("assume-role")._prompter = refuse_to_ask
            if proxies.of_any_scheme():
                aws_session.reach_metadata(session)
        if self.params.get("assume_role_arn"):
            self.assume_role(session)

    def assume_role(self, session: Any) -> None:
        """Give the session the credentials of ``assume_role_arn``. STS is called when a run first needs them."""
        arn.validate_role_arn(self.params["assume_role_arn"], "assume_role_arn")
        extra = {"RoleSessionName": self.params["assume_role_session_name"]}
        if self.params.get("assume_role_external_id"):
            extra["ExternalId"] = self.params["assume_role_external_id"]
        source = session.get_credentials()
        if source is None:
            raise self.no_credentials()
        fetcher = botocore.credentials.AssumeRoleCredentialFetcher(
            client_creator=lambda service, **keys: session.create_client(
                service, **{**self.client_arguments(session, service), **keys}
            ),
            source_credentials=source,
            role_arn=self.params["assume_role_arn"],
            extra_args=extra,
            cache=AssumedRoles(source, self.params.get("endpoint_url")),
        )
        # session.set_credentials accepts fixed keys only. These credentials are fetched late and renewed.
        session._credentials = botocore.credentials.DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )

    def keys(self) -> dict[str, str | None]:
        """Return the present credentials as options of the group ``aws``; assumes ``assume_role_arn`` if necessary."""
        frozen = self.credentials.get_frozen_credentials()
        register(frozen.secret_key, frozen.token)
        return {"access_key": frozen.access_key, "secret_key": frozen.secret_key, "session_token": frozen.token}

    @functools.cached_property
    def credentials(self) -> Any:
        """The botocore credentials of the session, fetched if necessary.

        Raises :class:`ResourceError` for an error of the AWS configuration or of a role in it. In the first call that
        needs credentials, the error would name the wrong cause.
        """
        session = self.session
        with configured(session, self.params, self.params.get("assume_role_arn")):
            credentials = session.get_credentials()
            configuration = Configuration(session, self.params)
            if credentials is None:
                raise configuration.unreadable() or secret_alone(configuration) or self.no_credentials()
            check_keys(credentials.get_frozen_credentials(), credentials.method, configuration)
        return credentials

    @staticmethod
    def no_credentials() -> ResourceError:
        return ResourceError(
            "No AWS credentials were found. Set profile or the environment variable AWS_PROFILE. Or set access_key and "
            "secret_key, or the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            code="NoCredentials",
        )

    @functools.cached_property
    def region(self) -> str | None:
        """The region of the options or of the AWS configuration, ``None`` without one."""
        session = self.session
        with configured(session, self.params):
            region: str | None = session.get_config_variable("region")
        return region

    @property
    def partition(self) -> str:
        """The partition of the region; without a region, ``aws``, where IAM needs none."""
        return partition_of(self.region)["name"] if self.region else "aws"

    def client_arguments(self, session: Any, service: str) -> dict[str, Any]:
        # botocore's own default differs between its releases.
        mode = os.environ.get("AWS_RETRY_MODE") or session.get_scoped_config().get("retry_mode") or "standard"
        retries: dict[str, Any] = {"mode": mode}
        if session.get_config_variable("max_attempts") is None:
            retries["total_max_attempts"] = MOST_ATTEMPTS
        verify = None if self.params.get("validate_certs") is not False else False
        if verify is None:
            check_authorities(session, self.params.get("aws_ca_bundle"))
        address = self.params.get("endpoint_url")
        return {
            # STS and IAM need no region of the user, so only EKS reports a missing one.
            "region_name": session.get_config_variable("region") or (None if service == "eks" else "us-east-1"),
            "endpoint_url": address and transport.checked_address(address, *aws_session.ENDPOINT),
            "verify": verify,
            "config": botocore.config.Config(
                retries=retries,
                max_pool_connections=self.connections,
            ),
        }

    def client(self, service: str) -> Any:
        if service not in self.clients:
            session = self.session
            with configured(session, self.params):
                self.clients[service] = session.create_client(service, **self.client_arguments(session, service))
        return self.clients[service]

    def ready(self, service: str) -> Any:
        """Return a client of a service after its credentials are available; raises :class:`ResourceError`."""
        client = self.client(service)
        _fetched = self.credentials
        return client

    def call(self, service: str, operation: str, what: str, **arguments: Any) -> dict[str, Any]:
        """Make one call, such as ``call("iam", "get_role", "the role x", RoleName="x")``, and return the answer.

        Raises :class:`ResourceError`.

        :param what: the object, for the error message.
        """
        client = self.ready(service)
        with in_its_words(service, operation, what, client.meta.endpoint_url):
            answer = genuine(getattr(client, operation)(**arguments))
            # botocore parses truncated JSON as an answer without members.
            model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
            members = model.output_shape.members if model.output_shape else {}
            if members and not any(name in members for name in answer):
                raise NotGenuine(answer["ResponseMetadata"].get("HTTPStatusCode"))
            return answer

    def find(self, service: str, operation: str, what: str, absent: str, **arguments: Any) -> dict[str, Any] | None:
        """Make a call as :meth:`call`; return ``None`` if the error has the code ``absent``."""
        try:
            return self.call(service, operation, what, **arguments)
        except ResourceError as error:
            if error.code == absent:
                return None
            raise

    def pages(self, service: str, operation: str, what: str, key: str, **arguments: Any) -> Iterator[Any]:
        """Yield the items under ``key`` of all pages."""
        # botocore's paginator detects a token that is repeated at once, but not a longer cycle.
        pages = Pages(service.upper(), what)
        client = self.ready(service)
        with in_its_words(service, operation, what, client.meta.endpoint_url):
            for page in client.get_paginator(operation).paginate(**arguments):
                yield from genuine(page).get(key, ())
                for token in AWS_TOKENS:
                    if page.get(token):
                        pages.follow(page[token])

    @functools.cached_property
    def caller(self) -> arn.Arn:
        """The principal of the credentials, from STS: one call for all tasks of a run with the same credentials."""
        name = json.dumps([*self.keys().values(), self.params.get("endpoint_url"), "caller"])
        caller = run_memory().get(name)
        if caller is None:
            caller = self.call("sts", "get_caller_identity", "the caller's identity")["Arn"]
            run_memory().put(name, caller)
        return arn.parse(caller)

    def require_account(self, account_id: str) -> None:
        """Raise :class:`ResourceError` if the credentials are of another account than ``account_id``. Calls STS."""
        if self.caller.account_id != account_id:
            raise ResourceError(
                f"account_id is {account_id}, but the AWS credentials belong to account {self.caller.account_id}. Use "
                f"credentials of account {account_id}, or set assume_role_arn to a role in it.",
                code="WrongAccount",
            )

    def cluster_token(self, cluster: str) -> str:
        """Return a bearer token for an EKS cluster. It is signed locally; only missing credentials need a call.

        The form is that of aws-iam-authenticator (pkg/token/token.go): a presigned GetCallerIdentity whose signed
        headers name the cluster. It is valid for 15 minutes. The host is always that of AWS, even with another
        ``endpoint_url``, because the cluster accepts no other.

        :param cluster: the name of the cluster, or its ``id`` if it has one (:func:`~.clients.eks.describe_cluster`).
        """
        session, credentials, region = self.session, self.credentials, self.region
        suffix = partition_of(region or "")["dnsSuffix"]
        signer = botocore.signers.RequestSigner(
            botocore.model.ServiceId("STS"), region, "sts", "v4", credentials, session.get_component("event_emitter")
        )
        with configured(session, self.params):
            url = signer.generate_presigned_url(
                {
                    "method": "GET",
                    "url": f"https://sts.{region}.{suffix}/?Action=GetCallerIdentity&Version=2011-06-15",
                    "body": {},
                    "headers": {"x-k8s-aws-id": cluster},
                    "context": {},
                },
                region_name=region,
                expires_in=60,
                operation_name="",
            )
        token = "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
        register(token)
        return token


class WithAws:
    """A mixin for a task with the options of the group ``aws``. It creates the client at the first use."""

    params: dict[str, Any]

    @functools.cached_property
    def aws(self) -> Aws:
        return Aws(self.params)


@contextlib.contextmanager
def configured(session: Any, params: dict[str, Any], role: str | None = None) -> Iterator[None]:
    """Turn the exceptions of botocore, while it reads the AWS configuration or gets credentials, into errors.

    Raises :class:`ResourceError`.

    :param role: the role in ``assume_role_arn``, if it is assumed meanwhile.
    """
    try:
        yield
    except ResourceError:
        raise
    # botocore does not catch the exceptions of the libraries that it uses, such as json and getpass.
    except Exception as error:
        raise configuration_words(error, Configuration(session, params), role) from None


def configuration_words(error: Exception, configuration: Configuration, role: str | None) -> ResourceError:
    """Return the error for an exception within :func:`configured`."""
    known = botocore.exceptions
    if isinstance(error, (known.NoCredentialsError, known.NoRegionError, known.ProfileNotFound)):
        unreadable = configuration.unreadable()
        if unreadable:
            return unreadable
    if isinstance(error, known.NoCredentialsError):
        return Aws.no_credentials()
    if isinstance(error, (known.ClientError, known.ConnectionError, known.HTTPClientError, known.NoRegionError)):
        return in_words(error, "sts", "assume_role", role or "the caller")
    if raised_by_parser(error):
        return not_aws("sts", "AssumeRole", role or "the caller", None)
    if role and isinstance(error, known.ParamValidationError):
        return in_words(error, "sts", "assume_role", role)
    return configuration_error(error, configuration)


@contextlib.contextmanager
def in_its_words(service: str, operation: str, what: str, endpoint: str) -> Iterator[None]:
    """Turn the exceptions of botocore in a call into errors; raises :class:`ResourceError`."""
    try:
        yield
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        raise in_words(error, service, operation, what, endpoint) from None
    except NotGenuine as error:
        raise not_aws(service, operation_name(operation), what, error.status, endpoint) from None
    except Exception as error:
        if raised_by_parser(error):
            raise not_aws(service, operation_name(operation), what, None, endpoint) from None
        raise


class NotGenuine(Exception):
    """An answer that is not from AWS."""

    def __init__(self, status: int | None) -> None:
        super().__init__()
        self.status = status


def genuine(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer if it is from AWS; raises :class:`NotGenuine`. Every answer of AWS has a request id."""
    metadata = answer.get("ResponseMetadata", {})
    if not metadata.get("RequestId"):
        raise NotGenuine(metadata.get("HTTPStatusCode"))
    return answer


def raised_by_parser(error: BaseException) -> bool:
    """Whether an exception is from botocore's parsers, so that the answer cannot be from AWS."""
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_globals.get("__name__") == "botocore.parsers":
            return True
        trace = trace.tb_next
    return False


def not_aws(service: str, name: str, what: str, status: int | None, endpoint: str | None = None) -> ResourceError:
    proxy = proxies.of_environment(endpoint) if endpoint else None
    return ResourceError(
        f"{service.upper()} {name} failed for {what}: the answer"
        + (f" {status}" if status else "")
        + (f" through {proxy}" if proxy else "")
        + " is not from AWS. A proxy or a sign-in page answers in its place, or the endpoint is of another service. "
        "Check HTTPS_PROXY, endpoint_url (AWS_ENDPOINT_URL) and the network.",
        service=service,
        operation=name,
        code="NotAws",
    )


def operation_name(operation: str) -> str:
    """Return AWS's name of an operation: ``GetRole`` for ``get_role``."""
    return "".join(word.capitalize() for word in operation.split("_")).replace("Saml", "SAML")


def in_words(error: Exception, service: str, operation: str, what: str, endpoint: str | None = None) -> ResourceError:
    """Return the error for an exception of botocore, with the remedy.

    :param endpoint: the URL of the call.
    """
    name = operation_name(operation)
    if isinstance(error, botocore.exceptions.ClientError):
        answer = error.response.get("Error", {})
        metadata = error.response.get("ResponseMetadata", {})
        if not metadata.get("RequestId"):
            return not_aws(service, error.operation_name or name, what, metadata.get("HTTPStatusCode"), endpoint)
        # The first call can first assume a role. Then, the operation that failed is AssumeRole.
        name = error.operation_name or name
        service = "sts" if name.startswith("AssumeRole") else service
        code, text = printable(str(answer.get("Code", ""))[:100]), quote(answer.get("Message", ""))
        advice = remedy(code, service, name)
        text = text.removesuffix(".") if advice else text
        return ResourceError(
            f"{service.upper()} {name} failed for {what}: {code}: {text}{advice}",
            service=service,
            operation=name,
            code=code,
            http_status=metadata.get("HTTPStatusCode"),
            request_id=metadata.get("RequestId"),
        )
    if isinstance(error, (botocore.exceptions.NoCredentialsError, botocore.exceptions.PartialCredentialsError)):
        return Aws.no_credentials()
    if isinstance(error, botocore.exceptions.NoRegionError):
        return ResourceError(
            f"No AWS region is known for {what}. Set region, or the environment variable AWS_REGION.", code="NoRegion"
        )
    if isinstance(error, botocore.exceptions.ProfileNotFound):
        return ResourceError(f"{quote(error)}. Set profile to a profile of the AWS config file.", code="NoProfile")
    proxy = proxies.of_environment(endpoint or AWS_ADDRESS)
    if proxy and isinstance(error, (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError)):
        failure = transport.failed(error, proxy, aws_session.CONNECT_TIMEOUT, aws_session.READ_TIMEOUT)
        usual = f"Check {proxy.source}, and that the proxy allows this host."
        return ResourceError(
            f"{service.upper()} {name} failed for {what}: {quote(failure.reason)}. {failure.advice or usual}",
            service=service,
            operation=name,
            code=type(error).__name__,
        )
    unreachable = isinstance(error, (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError))
    advice = ""
    if unreachable:
        advice = ". Check region, and the network from this machine to AWS (HTTPS_PROXY, aws_ca_bundle)."
    return ResourceError(
        f"{service.upper()} {name} failed for {what}: {own_words(error)}{advice}",
        service=service,
        operation=name,
        code=type(error).__name__,
    )


def own_words(error: Exception) -> str:
    """Return botocore's message without the answers of services and the output of programs, which can have secrets."""
    exceptions = botocore.exceptions
    if isinstance(error, exceptions.CredentialRetrievalError):
        provider = quote(error.kwargs["provider"])
        return f"no credentials came from {provider}. Run it by hand to see its output, and correct it."
    if isinstance(error, (exceptions.MetadataRetrievalError, exceptions.TokenRetrievalError)):
        return (
            f"no credentials came from the source in the AWS configuration ({type(error).__name__}). Check this "
            "source, or set profile to another profile."
        )
    # Its subclasses have messages of their own.
    if error.__class__ is exceptions.HTTPClientError:
        cause = type(getattr(error, "kwargs", {}).get("error")).__name__
        return (
            f"the request could not be sent ({cause}). Write special characters in the user and password of a proxy's "
            "address as %XX"
        )
    return quote(error)


def remedy(code: str, service: str, name: str) -> str:
    """Return the remedy for an error code of AWS, as a sentence to append, or an empty text."""
    if code == "UnrecognizedClientException":
        return (
            ". The AWS credentials are wrong or have expired, or the account has not enabled this region. Renew the "
            "credentials, or correct region, and run again."
        )
    if code in _CREDENTIAL_CODES:
        return ". The AWS credentials are wrong or have expired. Renew them and run again."
    if code in DENIED_CODES and name.startswith("AssumeRole"):
        return (
            ". Add the caller to the role's trust policy, and allow the caller sts:AssumeRole on the role. Or correct "
            "assume_role_arn and assume_role_external_id."
        )
    if code in DENIED_CODES:
        return f". Allow the caller {service}:{name}, or set assume_role_arn to a role with this permission."
    if code in _THROTTLED_CODES:
        return ". AWS limits the rate of calls. Run again later, or with fewer clusters at a time."
    return ""
