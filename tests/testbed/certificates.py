# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate authority of the test bed, and the TLS contexts of its API servers."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import trustme

from testbed.service import LOOPBACK


class ServerContext(ssl.SSLContext):
    """A TLS context whose handshakes run in the thread of the request.

    By default, ``accept`` does the handshake. Then one silent client would block all other clients of all clusters.
    """

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        options["do_handshake_on_connect"] = False
        return super().wrap_socket(*args, **options)


class CertificateAuthority:
    """A certificate authority. Each process creates a new one, and its key is never stored."""

    def __init__(self) -> None:
        self.authority = trustme.CA(organization_name="apono.eks test bed")
        self.pem: bytes = self.authority.cert_pem.bytes()

    def server_context(self) -> ServerContext:
        """Return a context for all servers on the loopback address. They share one key and certificate."""
        context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
        self.issue().configure_cert(context)
        return context

    def context_of(self, host: str) -> ssl.SSLContext:
        """Return a context for a server that represents an external host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(host).configure_cert(context)
        return context

    def write_file(self, folder: Path) -> Path:
        """Write the certificate of the authority to a file."""
        path = folder / "authority.pem"
        path.write_bytes(self.pem)
        return path

    def write_server_files(self, folder: Path) -> tuple[Path, Path]:
        """Write a certificate and its key for programs that serve on the loopback address."""
        issued = self.issue()
        # aws-iam-authenticator reads files with these names.
        certificate, key = folder / "cert.pem", folder / "key.pem"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key.touch(mode=0o600)
        key.write_bytes(issued.private_key_pem.bytes())
        return certificate, key

    def issue(self) -> trustme.LeafCert:
        return self.authority.issue_cert(LOOPBACK, "localhost")
