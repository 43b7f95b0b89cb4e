# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS servers on this machine, and a proxy."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import datetime
import http.server
import ipaddress
import json
import os
import select
import shutil
import socket
import ssl
import struct
import threading
from pathlib import Path

import pytest

x509 = pytest.importorskip("cryptography.x509")
hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}
PATH = "/api/v1/namespaces/kube-system"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "KUBECONFIG")

CHECKOUT = Path(__file__).resolve().parents[5]


@pytest.fixture(scope="session")
def kubectl():
    """Return the path of kubectl: from ``make kube``, from ``make tools`` or from the PATH."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    places = ((cache, "apono-eks/programs/kubernetes-*/kubectl"), (CHECKOUT, ".cache/tools/*/kubectl"))
    found = [str(path) for folder, pattern in places for path in sorted(folder.glob(pattern), reverse=True)]
    program = next(iter(found), None) or shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is missing. To install it, run: make kube or make tools")
    return program


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def as_others():
    """Call a function in a process without root's permission to ignore file modes, and return its result through
    JSON."""
    return call_as_others


# capabilities(7), capset(2)
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION_3 = 0x20080522


def obey_modes():
    """Drop root's permission to ignore file modes in this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    # The effective, permitted and inheritable sets, for the first 32 capabilities and for the others.
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget")
    sets = [*struct.unpack("=6I", data.raw)]
    sets[:3] = [each & ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH) for each in sets[:3]]
    if libc.capset(header, struct.pack("=6I", *sets)):
        raise OSError(ctypes.get_errno(), "capset")


def call_as_others(function):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        # This process must not run any code of pytest.
        try:
            if not os.geteuid():
                obey_modes()
            os.write(writer, json.dumps(function()).encode())
        except BaseException as error:
            os.write(writer, json.dumps(f"unexpected: {error!r}").encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


class Authority:
    """A certificate authority with only one extension, like that of an EKS cluster. Certificates and keys are PEM texts
    and files."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
        self.pem = self.certificate(self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
        self.file = folder / "authority.pem"
        self.file.write_text(self.pem)

    @property
    def data(self):
        return base64.b64encode(self.pem.encode()).decode()

    def certificate(self, subject, public_key, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, common_name, *hosts):
        """Return a certificate and its key as PEM text."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [
            x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts
        ]
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
        extensions = [x509.SubjectAlternativeName(names)] if names else []
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self.certificate(subject, key.public_key(), *extensions), text.decode()

    def server_context(self, *hosts):
        certificate, key = self.issue("server", *hosts)
        file = self.folder / f"server-{hosts[0]}.pem"
        file.write_text(certificate + key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cadata=self.pem)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


class Handler(http.server.BaseHTTPRequestHandler):
    """Records the caller and returns the answer of the server."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        certificate = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        subject = dict(part for item in certificate["subject"] for part in item) if certificate else {}
        self.server.seen.append(
            {
                "path": self.path,
                "authorization": self.headers.get("Authorization"),
                "impersonate": self.headers.get("Impersonate-User"),
                "impersonate_uid": self.headers.get("Impersonate-Uid"),
                "certificate": subject.get("commonName"),
                "server_name": getattr(self.connection, "asked_for", None),
            }
        )
        status, body = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    """A server. It returns ``answers`` in order, and repeats the last one."""

    daemon_threads = True

    def __init__(self, context=None, handler=Handler, address="127.0.0.1"):
        super().__init__((address, 0), handler)
        self.seen = []
        self.answers = [(200, NAMESPACE)]
        if context:
            context.sni_callback = self.note_name
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https" if context else "http"

    @staticmethod
    def note_name(connection, name, _context):
        connection.asked_for = name

    def handle_error(self, *_arguments):
        pass

    @property
    def url(self):
        return f"{self.scheme}://{self.server_address[0]}:{self.server_port}"


@contextlib.contextmanager
def running(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def api_server(authority):
    """An API server for 127.0.0.1 and for names that no resolver knows."""
    with running(Server(authority.server_context("127.0.0.1", "api.example.com", "other.example.com"))) as server:
        yield server


@pytest.fixture
def other_server(authority):
    with running(Server(authority.server_context("127.0.0.1"))) as server:
        yield server


@pytest.fixture
def outer_server(authority):
    """A server on an address of this machine that other machines can reach."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent. The call only chooses the address (RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("This machine has only a loopback address.")
        address = probe.getsockname()[0]
    with running(Server(authority.server_context(address), address=address)) as server:
        yield server


@pytest.fixture
def plain_server():
    with running(Server()) as server:
        yield server


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    """Connects every host to one server, if the caller may use the proxy."""

    def do_CONNECT(self):
        self.server.seen.append((self.path, self.headers.get("Proxy-Authorization")))
        if self.server.refusal:
            self.send_response(self.server.refusal)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        with socket.create_connection(self.server.target) as onward:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: onward, onward: self.connection}
            while True:
                ready, _writable, _broken = select.select(list(ends), [], [], 10)
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    ends[end].sendall(data)
                if not ready:
                    return

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def proxy(api_server):
    """A proxy before the API server. ``refusal`` is the status for all requests."""
    server = Server(handler=ProxyHandler)
    server.target, server.refusal = api_server.server_address, None
    with running(server):
        yield server


@pytest.fixture
def silence():
    """Return the address of a server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"
