#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Get information about an EKS cluster, or the names of all clusters
version_added: 0.1.0
description:
  - Returns information about an EKS cluster from one API call. It can wait until the cluster is active or deleted.
  - Without a cluster name, the module returns the names of all clusters in the region.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.all]
options:
  cluster_name:
    description: The name of the EKS cluster. If you do not set this option, the module returns the names of all
      clusters of the account in the region.
    type: str
    aliases: [name]
  required:
    description: Whether the module fails if the cluster does not exist, or if its status is neither C(ACTIVE) nor
      C(UPDATING).
    type: bool
    default: false
  wait_for:
    description:
      - With V(active), the module waits for the end of the creation or the update of the cluster. With V(deleted), it
        waits for the end of the deletion.
      - The module fails if the cluster reaches another status, or if no such change is in progress. With V(active), a
        cluster that does not exist is an error only with O(required=true).
    type: str
    choices: [active, deleted]
  wait_timeout:
    description: The maximum time to wait, in seconds.
    type: int
    default: 1800
notes:
  - B(Permissions:) The caller needs C(eks:DescribeCluster). For the names of all clusters, the caller needs
    C(eks:ListClusters).
seealso:
  - name: DescribeCluster
    description: The API operation in the Amazon EKS API Reference.
    link: https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get information about a cluster
  apono.eks.cluster_info:
    cluster_name: prod-1
    region: eu-central-1
  register: found

- name: Get the names of all clusters in a region
  apono.eks.cluster_info:
    region: eu-central-1
  register: listed

- name: Wait for the creation of a cluster
  apono.eks.cluster_info:
    cluster_name: prod-1
    required: true
    wait_for: active

- name: Fail if the cluster does not exist or is not active
  apono.eks.cluster_info:
    cluster_name: prod-1
    region: eu-central-1
    required: true
  register: found

- name: Get information about a cluster in another account
  apono.eks.cluster_info:
    cluster_name: prod-2
    region: us-east-1
    assume_role_arn: arn:aws:iam::123456789012:role/platform-automation
    assume_role_external_id: "{{ external_id }}"
  register: other

- name: Wait until the cluster is deleted
  apono.eks.cluster_info:
    cluster_name: old-1
    region: eu-central-1
    wait_for: deleted
    wait_timeout: 900
"""

RETURN = r"""
cluster:
  description: Information about the cluster. It is null if the cluster does not exist.
  returned: success, with O(cluster_name)
  type: dict
  contains:
    name:
      description: The name of the cluster.
      type: str
      sample: prod-1
    id:
      description:
        - The id of a local cluster on AWS Outposts. Tokens for such a cluster contain the id instead of the name.
        - It is null for every other cluster, and for a local cluster with a separate instance type for etcd.
      type: str
      sample: null
    arn:
      description: The ARN of the cluster.
      type: str
      sample: arn:aws:eks:eu-central-1:123456789012:cluster/prod-1
    account_id:
      description: The id of the AWS account of the cluster.
      type: str
      sample: "123456789012"
    region:
      description: The AWS region of the cluster.
      type: str
      sample: eu-central-1
    partition:
      description: The AWS partition of the cluster.
      type: str
      sample: aws
    status:
      description: The status of the cluster.
      type: str
      sample: ACTIVE
    version:
      description: The Kubernetes version of the cluster.
      type: str
      sample: "1.33"
    platform_version:
      description: The EKS platform version of the cluster.
      type: str
      sample: eks.12
    endpoint:
      description: The URL of the API server. It is null during the creation of the cluster.
      type: str
      sample: https://EXAMPLE.gr7.eu-central-1.eks.amazonaws.com
    certificate_authority:
      description: The certificate authority of the API server, in base64. It is null during the creation of the
        cluster.
      type: str
      sample: LS0tLS1CRUdJTi...
    authentication_mode:
      description: The authentication mode of the cluster.
      type: str
      sample: API_AND_CONFIG_MAP
    connector_provider:
      description: The provider of an external cluster that the EKS Connector has registered, such as V(ANTHOS). It is
        null for an EKS cluster.
      type: str
      sample: null
    outpost_arns:
      description: The ARNs of the Outposts of a local cluster on AWS Outposts. The list is empty for other clusters.
      type: list
      elements: str
      sample: []
    oidc_issuer:
      description: The URL of the cluster's OpenID Connect issuer, which IAM roles for service accounts use. It is
        null if the cluster has no issuer.
      type: str
      sample: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE
    tags:
      description: The tags of the cluster.
      type: dict
      sample: {env: prod}
    created_at:
      description: The creation date of the cluster.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
clusters:
  description: The names of all clusters in the region.
  returned: success, without O(cluster_name)
  type: list
  elements: str
  sample: [prod-1, prod-2]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
  returned: on failure
  type: dict
  sample: {code: AccessDeniedException, http_status: 403, operation: DescribeCluster, service: eks}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo


def main() -> None:
    run_module(ClusterInfo)


if __name__ == "__main__":
    main()
