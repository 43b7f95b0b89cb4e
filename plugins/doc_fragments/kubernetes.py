# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of the group apono.eks.kubernetes. Their argument spec is KUBERNETES in module_utils/options.py."""

    DOCUMENTATION = r"""
options:
  cluster_name:
    description:
      - The name of the EKS cluster. The module gets the URL and the certificate authority of the API server from EKS,
        and signs a bearer token with the AWS credentials. This does not require a kubeconfig, the AWS CLI or kubectl.
      - With this option, the module ignores the environment variables C(K8S_AUTH_*).
    type: str
  cluster_id:
    description:
      - The id of a local cluster on AWS Outposts. The module signs bearer tokens for this id instead of
        O(cluster_name).
      - By default, the module gets the id from EKS. With O(host) and O(ca_cert), the module makes no call to EKS, so
        set this option for such a cluster.
    type: str
  kubeconfig:
    description:
      - The path of a kubeconfig file to use instead of O(cluster_name). Separate several paths with colons. The
        module merges the files as kubectl does.
      - The default is the value of the environment variable E(K8S_AUTH_KUBECONFIG). If you set only O(context), the
        module reads the same files as kubectl.
    type: path
  context:
    description:
      - The context of the kubeconfig. The default is the value of the environment variable E(K8S_AUTH_CONTEXT), or
        the current context without this variable.
    type: str
  host:
    description:
      - The URL of the API server. Without O(cluster_name), the default is the value of the environment variable
        E(K8S_AUTH_HOST).
      - Together with O(cluster_name) and O(ca_cert), this option saves a call to EKS.
    type: str
  api_key:
    description:
      - A bearer token for the API server, which replaces the credentials of the kubeconfig. It is secret, and the
        collection never prints it.
      - Without O(cluster_name), the default is the value of the environment variable E(K8S_AUTH_API_KEY).
    type: str
  ca_cert:
    description:
      - The certificate authority of the API server, as a PEM text or the path of a file. It replaces the certificate
        authority of the kubeconfig.
      - Without O(cluster_name), the default is the value of the environment variable E(K8S_AUTH_SSL_CA_CERT).
    type: str
    aliases: [ssl_ca_cert]
  verify_ssl:
    description:
      - Whether to verify the TLS certificate of the API server. The default is V(true). Without O(cluster_name), the
        environment variable E(K8S_AUTH_VERIFY_SSL) takes precedence over the default.
      - This option corresponds to C(validate_certs) of the modules of C(kubernetes.core), which also have the alias
        C(verify_ssl). In this collection, C(validate_certs) applies to AWS services.
    type: bool
  connect_timeout:
    description:
      - The maximum time to establish a connection to the API server, in seconds. It includes the TLS handshake and
        the connection to a proxy.
      - After the first timeout in a run, the maximum for other clusters in the same network is 3 seconds.
    type: int
    default: 10
requirements:
  - urllib3 >= 1.26.12, which boto3 brings
"""
