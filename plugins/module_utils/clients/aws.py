# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to AWS: sessions, assumed roles, retries and errors in words. botocore does the work."""

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

# Why AWS cannot be called from here; nothing where it can.
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

# The services that most tasks need; their models are parsed beforehand.
SERVICES = ("iam", "eks", "sts")
CALLED = (*SERVICES, "ec2", "organizations")
# Stands for what botocore calls on its own, to get credentials.
AWS_ADDRESS = "https://sts.amazonaws.com"

# botocore's standard mode makes 3 attempts. EKS throttles DescribeCluster when a fleet asks at once, so unless the user
# has said otherwise (AWS_MAX_ATTEMPTS, max_attempts) there are more; with its jittered back-off they last about a
# minute.
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


# What goes wrong is raised, too, and quoted censored. botocore's log would have it whole, the answer of a service
# included, in the file of ANSIBLE_LOG_PATH, and where there is none on the terminal.
logging.getLogger("botocore").addHandler(logging.NullHandler())
logging.getLogger("botocore").propagate = False


def check_library() -> None:
    """Raise :class:`ResourceError` where AWS cannot be called from here."""
    if PROBLEM:
        raise ResourceError(PROBLEM)


@functools.cache
def data_loader() -> Any:
    """botocore's reader of service models. It keeps what it has parsed, and holds nothing that a fork would break."""
    return botocore.loaders.create_loader()


@functools.cache
def event_handlers() -> Any:
    """The functions that botocore registers in each new session and copies for each client, which is a quarter of the
    time that a call takes: registered once, and only those of the services that are called here."""
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


# Of a signed request, what is worth something to others. Its signature is known by its shape (redaction.SECRET_SHAPES).
SECRET_HEADERS = ("X-Amz-Security-Token", "x-amz-sso_bearer_token")
# In requests to and answers of STS, SSO and SSO OIDC, without letter case.
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
    """What each request carries that botocore sends, those by which it gets credentials included: a service may send
    it back."""
    for name in SECRET_HEADERS:
        register(headers.get(name))


def register_members(structure: Any) -> None:
    """Make secrets of the credentials in a request's parameters or in an answer."""
    if isinstance(structure, dict):
        for name, value in structure.items():
            if name.lower() in SECRET_MEMBERS:
                register(value)
            else:
                register_members(value)


def give_up(caught_exception: Exception | None, attempts: int, **_event: Any) -> None:
    """Raise what another try would only repeat: a password that a proxy refuses would lock an account, and a network
    that takes no connection twice takes none."""
    known = botocore.exceptions
    if caught_exception is None:
        return
    refused = isinstance(caught_exception, known.ProxyConnectionError) and " 407 " in str(caught_exception.kwargs)
    if refused or (isinstance(caught_exception, known.ConnectTimeoutError) and attempts > 1):
        raise caught_exception


# Events of botocore, and what makes secrets of the credentials that they bring.
REGISTERED_EVENTS = {
    "provide-client-params": lambda params, **_event: register_members(params),
    "before-send": lambda request, **_event: register_headers(request.headers),
    "after-call": lambda parsed, **_event: register_members(parsed),
    "needs-retry": give_up,
}


def concerns_us(event: str) -> bool:
    """Whether an event of botocore, such as ``before-call.s3.GetObject``, can come where only these services are
    called. (What names of services mean the same, ``botocore.hooks.EVENT_ALIASES``, has none of them.)"""
    kind, *rest = event.split(".")
    return kind != "docs" and (not rest or rest[0] in CALLED)


def preload() -> None:
    """Parse now what each client needs later: immutable data only, no session that is used, credential or
    connection."""
    run_memory()
    event_handlers()
    loader = data_loader()
    for data in ("endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data_with_path(data)
    for service in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, kind)
    # What is wrong with this machine's settings is an error of the tasks that use them, and not of the whole run.
    with contextlib.suppress(Exception):
        preload_clients()


def preload_clients() -> None:
    """A client parses and caches more than it loads. These have invented credentials, and make no call."""
    nobody = Aws({"region": "us-east-1", "access_key": "-", "secret_key": "-"})
    for service in SERVICES:
        nobody.client(service)
        data_loader().load_service_model(service, "paginators-1")


def partition_of(region: str) -> dict[str, Any]:
    """The partition of a region as botocore's partitions.json has it (``name``, ``dnsSuffix``, …). Raises
    :class:`ResourceError` where botocore is missing or too old: no table of ours knows the partitions of tomorrow."""
    check_library()
    partitions: list[dict[str, Any]] = data_loader().load_data("partitions")["partitions"]
    named = (one for one in partitions if region in one["regions"] or re.match(one["regionRegex"], region))
    # A region that is newer than botocore: most are of the first one, aws.
    outputs: dict[str, Any] = next(named, partitions[0])["outputs"]
    return outputs


class AssumedRoles(dict[str, Any]):
    """The answers of AssumeRole, as a fetcher of botocore keeps them: for the workers of the whole run, which would
    else assume the same role once for each task.

    Its keys name the role and how it is assumed. That is not enough: a caller that may not assume a role must not get
    it from another's memory, and an access key's id alone is no proof of being its owner.
    """

    def __init__(self, source: Any, endpoint_url: str | None) -> None:
        """:param source: the credentials with which roles are assumed, of botocore."""
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
    """AWS as one module's options describe it.

    ``params`` are the options of the group ``aws``; ``connections`` is how many calls of one client may be under way at
    a time. Raises :class:`ResourceError` for everything that goes wrong, with
    ``service``, ``operation``, ``code``, ``http_status`` and ``request_id`` where AWS answered.
    """

    def __init__(self, params: dict[str, Any], connections: int = 10) -> None:
        check_library()
        self.params = params
        self.connections = connections
        self.clients: dict[str, Any] = {}

    @functools.cached_property
    def session(self) -> Any:
        """A botocore session with the options' credentials; of the assumed role if one is named."""
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
        """Give a session what the options say."""
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
            # Where botocore looks first, before it makes ready for all other places, which takes longer than to look.
            session._credentials = botocore.credentials.EnvProvider().load()
        if session._credentials is None:
            # One of the places asks for a code on the terminal.
            session.get_component("credential_provider").get_provider("assume-role")._prompter = refuse_to_ask
            if proxies.of_any_scheme():
                aws_session.reach_metadata(session)
        if self.params.get("assume_role_arn"):
            self.assume_role(session)

    def assume_role(self, session: Any) -> None:
        """Give the session the credentials of ``assume_role_arn``: STS is asked when they are first needed in a
        run."""
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
        # A session offers credentials of its own only as fixed keys; these have to be fetched lazily and renewed.
        session._credentials = botocore.credentials.DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )

    def keys(self) -> dict[str, str | None]:
        """The credentials as they are now, as options of the group ``aws``; a role to be assumed is assumed."""
        frozen = self.credentials.get_frozen_credentials()
        register(frozen.secret_key, frozen.token)
        return {"access_key": frozen.access_key, "secret_key": frozen.secret_key, "session_token": frozen.token}

    @functools.cached_property
    def credentials(self) -> Any:
        """The session's credentials of botocore, fetched where they have to be: what is wrong with the configuration,
        or with a role that it names, is an error of that, and not of the first call that needs them."""
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
            "No AWS credentials were found: set access_key and secret_key, or profile, or the environment variables "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE.",
            code="NoCredentials",
        )

    @functools.cached_property
    def region(self) -> str | None:
        """The region of the options or of the AWS configuration."""
        session = self.session
        with configured(session, self.params):
            region: str | None = session.get_config_variable("region")
        return region

    @property
    def partition(self) -> str:
        """The region's partition; IAM needs no region outside of the partition aws."""
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
            # STS and IAM answer without a region; a region that is missing is missed by EKS alone.
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
        """A client whose credentials are there."""
        client = self.client(service)
        _fetched = self.credentials
        return client

    def call(self, service: str, operation: str, what: str, **arguments: Any) -> dict[str, Any]:
        """One call: ``call("iam", "get_role", "the role x", RoleName="x")``. ``what`` is the object, for the error's
        words."""
        client = self.ready(service)
        with in_its_words(service, operation, what, client.meta.endpoint_url):
            answer = genuine(getattr(client, operation)(**arguments))
            # Of JSON that was cut off botocore makes an answer with nothing in it.
            model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
            members = model.output_shape.members if model.output_shape else {}
            if members and not any(name in members for name in answer):
                raise NotGenuine(answer["ResponseMetadata"].get("HTTPStatusCode"))
            return answer

    def find(self, service: str, operation: str, what: str, absent: str, **arguments: Any) -> dict[str, Any] | None:
        """As :meth:`call`; ``None`` when the error's code is ``absent``."""
        try:
            return self.call(service, operation, what, **arguments)
        except ResourceError as error:
            if error.code == absent:
                return None
            raise

    def pages(self, service: str, operation: str, what: str, key: str, **arguments: Any) -> Iterator[Any]:
        """The items under ``key`` of all pages."""
        # botocore's paginator sees a token that comes twice in a row, and no longer circle.
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
        """Who the credentials belong to, as STS says: one call, for all tasks of a run with the same credentials."""
        name = json.dumps([*self.keys().values(), self.params.get("endpoint_url"), "caller"])
        caller = run_memory().get(name)
        if caller is None:
            caller = self.call("sts", "get_caller_identity", "the caller's identity")["Arn"]
            run_memory().put(name, caller)
        return arn.parse(caller)

    def require_account(self, account_id: str) -> None:
        """Refuse to make something in another account than the one that was named; one call to STS."""
        if self.caller.account_id != account_id:
            raise ResourceError(
                f"account_id is {account_id}, but the AWS credentials belong to account {self.caller.account_id}: use "
                "credentials of that account, or assume_role_arn of a role in it.",
                code="WrongAccount",
            )

    def cluster_token(self, cluster: str) -> str:
        """A bearer token for an EKS cluster, signed here without a call unless credentials have to be fetched.

        :param cluster: its name, or its ``id`` where it has one (:func:`~.clients.eks.describe_cluster`).

        The form is that of aws-iam-authenticator (pkg/token/token.go): a presigned GetCallerIdentity whose signed
        headers name the cluster. It lives for 15 minutes. The host is AWS's own, whatever endpoint is configured,
        because the cluster takes no other.
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
    """A task with the options of the group ``aws``: its client is built when it is first used."""

    params: dict[str, Any]

    @functools.cached_property
    def aws(self) -> Aws:
        return Aws(self.params)


@contextlib.contextmanager
def configured(session: Any, params: dict[str, Any], role: str | None = None) -> Iterator[None]:
    """Words for what is wrong with the AWS configuration while botocore reads it, or fetches credentials; ``role`` is
    the option's role that is assumed then. Raises :class:`ResourceError`."""
    try:
        yield
    except ResourceError:
        raise
    # botocore lets through what its parts raise, from json to getpass.
    except Exception as error:
        raise configuration_words(error, Configuration(session, params), role) from None


def configuration_words(error: Exception, configuration: Configuration, role: str | None) -> ResourceError:
    """See :func:`configured`."""
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
    """Words for what goes wrong in a call; raises :class:`ResourceError`."""
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
    """An answer that AWS has not given."""

    def __init__(self, status: int | None) -> None:
        super().__init__()
        self.status = status


def genuine(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that AWS has given: each has the id of its request, and no sign-in page has one."""
    metadata = answer.get("ResponseMetadata", {})
    if not metadata.get("RequestId"):
        raise NotGenuine(metadata.get("HTTPStatusCode"))
    return answer


def raised_by_parser(error: BaseException) -> bool:
    """Whether botocore could not make anything of an answer, and did not see that coming."""
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_globals.get("__name__") == "botocore.parsers":
            return True
        trace = trace.tb_next
    return False


def not_aws(service: str, name: str, what: str, status: int | None, endpoint: str | None = None) -> ResourceError:
    proxy = proxies.of_environment(endpoint) if endpoint else None
    return ResourceError(
        f"{service.upper()} {name} failed for {what}: what answered{f' {status}' if status else ''} is not AWS"
        + (f", through {proxy}" if proxy else "")
        + ". A proxy or a sign-in page answers in its place, or the endpoint is another service's: check HTTPS_PROXY, "
        "endpoint_url (AWS_ENDPOINT_URL) and the network.",
        service=service,
        operation=name,
        code="NotAws",
    )


def operation_name(operation: str) -> str:
    """AWS's name of an operation: ``get_role`` is ``GetRole``."""
    return "".join(word.capitalize() for word in operation.split("_")).replace("Saml", "SAML")


def in_words(error: Exception, service: str, operation: str, what: str, endpoint: str | None = None) -> ResourceError:
    """botocore's exception as an error that says what to do; ``endpoint`` is what was called."""
    name = operation_name(operation)
    if isinstance(error, botocore.exceptions.ClientError):
        answer = error.response.get("Error", {})
        metadata = error.response.get("ResponseMetadata", {})
        if not metadata.get("RequestId"):
            return not_aws(service, error.operation_name or name, what, metadata.get("HTTPStatusCode"), endpoint)
        # Not always what was called: credentials are fetched, where a role is assumed, on the way to the first call.
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
            f"No AWS region is known for {what}: set region, or the environment variable AWS_REGION.", code="NoRegion"
        )
    if isinstance(error, botocore.exceptions.ProfileNotFound):
        return ResourceError(
            f"{quote(error)}: name a profile of the AWS config file in the option profile.", code="NoProfile"
        )
    proxy = proxies.of_environment(endpoint or AWS_ADDRESS)
    if proxy and isinstance(error, (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError)):
        failure = transport.failed(error, proxy, aws_session.CONNECT_TIMEOUT, aws_session.READ_TIMEOUT)
        usual = f"Check {proxy.source}, and that the proxy lets this host through."
        return ResourceError(
            f"{service.upper()} {name} failed for {what}: {quote(failure.reason)}. {failure.advice or usual}",
            service=service,
            operation=name,
            code=type(error).__name__,
        )
    unreachable = isinstance(error, (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError))
    advice = ". Check region, and the network from here to AWS (HTTPS_PROXY, aws_ca_bundle)." if unreachable else ""
    return ResourceError(
        f"{service.upper()} {name} failed for {what}: {own_words(error)}{advice}",
        service=service,
        operation=name,
        code=type(error).__name__,
    )


def own_words(error: Exception) -> str:
    """What botocore says of an error, without the answers and the output of programs that it quotes: whether a secret
    is in those cannot be known."""
    exceptions = botocore.exceptions
    if isinstance(error, exceptions.CredentialRetrievalError):
        provider = quote(error.kwargs["provider"])
        return f"no credentials came from {provider}. Run it by hand to see what it prints, and correct it"
    if isinstance(error, (exceptions.MetadataRetrievalError, exceptions.TokenRetrievalError)):
        return f"no credentials came from the source that the AWS configuration names ({type(error).__name__})"
    # Its subclasses have words of their own.
    if error.__class__ is exceptions.HTTPClientError:
        cause = type(getattr(error, "kwargs", {}).get("error")).__name__
        return (
            f"the request could not be sent ({cause}); in the user and password of a proxy's address, special "
            "characters are written as %XX"
        )
    return quote(error)


def remedy(code: str, service: str, name: str) -> str:
    """What the user can do about a code, as a sentence to append."""
    if code == "UnrecognizedClientException":
        return (
            ". The AWS credentials are wrong or have expired, or the account has not enabled this region: renew them, "
            "or correct region, and run again."
        )
    if code in _CREDENTIAL_CODES:
        return ". The AWS credentials are wrong or have expired: renew them and run again."
    if code in DENIED_CODES and name.startswith("AssumeRole"):
        return (
            ". Let the role's trust policy name the caller and allow the caller sts:AssumeRole on it, or correct "
            "assume_role_arn and assume_role_external_id."
        )
    if code in DENIED_CODES:
        return f". Allow the caller {service}:{name}, or assume a role that has it (assume_role_arn)."
    if code in _THROTTLED_CODES:
        return ". Run again later, or with fewer clusters at a time."
    return ""
