# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the group apono.eks.kubernetes; their specification is KUBERNETES in module_utils/options.py."""

    DOCUMENTATION = r"""
options:
  cluster_name:
    description:
      - The EKS cluster. Its address and certificate authority come from EKS, and the bearer token is signed with the
        AWS credentials. It needs neither a kubeconfig nor the aws or kubectl command.
      - With it, the variables C(K8S_AUTH_*) are not read.
    type: str
  cluster_id:
    description:
      - The id of a local cluster on AWS Outposts, for which its bearer tokens are signed instead of O(cluster_name).
      - Without it, the id comes from EKS, except with O(host) and O(ca_cert), where no call is made.
    type: str
  kubeconfig:
    description:
      - A kubeconfig file, instead of O(cluster_name), or several with colons between them, read as kubectl reads
        them.
      - Without it, E(K8S_AUTH_KUBECONFIG) is read, and with O(context) alone the files that kubectl reads.
    type: path
  context:
    description:
      - The context of the kubeconfig. Without it, E(K8S_AUTH_CONTEXT) is read.
      - With neither, the current context is used.
    type: str
  host:
    description:
      - The address of the API server. Without it, E(K8S_AUTH_HOST) is read, unless O(cluster_name) is given.
      - With O(cluster_name) and O(ca_cert) it saves a call to EKS.
    type: str
  api_key:
    description:
      - A bearer token for the API server. It is secret, and no output has it. It replaces the credentials of a
        kubeconfig.
      - Without it, E(K8S_AUTH_API_KEY) is read, unless O(cluster_name) is given.
    type: str
  ca_cert:
    description:
      - The certificate authority of the API server, as PEM text or as a file. It replaces that of a kubeconfig.
      - Without it, E(K8S_AUTH_SSL_CA_CERT) is read, unless O(cluster_name) is given.
    type: str
    aliases: [ssl_ca_cert]
  verify_ssl:
    description:
      - Whether the TLS certificate of the API server is verified. Without it, E(K8S_AUTH_VERIFY_SSL) is read, unless
        O(cluster_name) is given; the default is V(true).
      - The modules of C(kubernetes.core) have this option as C(validate_certs), with this alias. Here,
        C(validate_certs) is for the services of AWS.
    type: bool
  connect_timeout:
    description:
      - How long a connection to the API server may take to be established, in seconds, with TLS and through a proxy.
      - After the first such failure in a run, other clusters of the same network get at most 3 seconds each.
    type: int
    default: 10
requirements:
  - urllib3 >= 1.26.12, which boto3 brings
"""
