#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Get information about an EKS cluster, or the names of all
version_added: 0.1.0
description:
  - Describes an EKS cluster with one call, and can wait until it is created or deleted. Without a name, it lists the
    clusters of a region.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.all]
options:
  cluster_name:
    description: The cluster. If it is not set, the names of all clusters of the account in the region are returned.
    type: str
    aliases: [name]
  required:
    description: Whether it is an error if the cluster does not exist, or is neither active nor being updated.
    type: bool
    default: false
  wait_for:
    description:
      - Wait until a cluster that is being created or updated is V(active), or until one that is being deleted is
        V(deleted).
      - It is an error if the cluster reaches another status, or is not being changed in this way. With V(active), a
        cluster that does not exist is an error only with O(required=true).
    type: str
    choices: [active, deleted]
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 1800
notes:
  - B(Permissions:) C(eks:DescribeCluster), or C(eks:ListClusters) for the names of all clusters.
seealso:
  - name: DescribeCluster
    description: The call in the Amazon EKS API Reference.
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

- name: Get the names of the clusters of a region
  apono.eks.cluster_info:
    region: eu-central-1
  register: listed

- name: Wait for a cluster that is being created
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
  description: The cluster. It is null if the cluster does not exist.
  returned: success, with O(cluster_name)
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: prod-1
    id:
      description:
        - Of a local cluster on AWS Outposts, its id, for which its tokens are signed instead of the name. It is null
          for every other cluster, and for a local one with an instance type of its own for etcd.
      type: str
      sample: null
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:eks:eu-central-1:123456789012:cluster/prod-1
    account_id:
      description: The id of its account.
      type: str
      sample: "123456789012"
    region:
      description: Its region.
      type: str
      sample: eu-central-1
    partition:
      description: Its AWS partition.
      type: str
      sample: aws
    status:
      description: Its status.
      type: str
      sample: ACTIVE
    version:
      description: The version of Kubernetes.
      type: str
      sample: "1.33"
    platform_version:
      description: The platform version of EKS.
      type: str
      sample: eks.12
    endpoint:
      description: The address of its API server. It is null while the cluster is being created.
      type: str
      sample: https://EXAMPLE.gr7.eu-central-1.eks.amazonaws.com
    certificate_authority:
      description: The certificate authority of its API server in base64. It is null while the cluster is being
        created.
      type: str
      sample: LS0tLS1CRUdJTi...
    authentication_mode:
      description: Its authentication mode.
      type: str
      sample: API_AND_CONFIG_MAP
    connector_provider:
      description: The provider of a cluster that is connected with the EKS Connector, such as V(ANTHOS). It is null
        for a cluster of EKS.
      type: str
      sample: null
    outpost_arns:
      description: The ARNs of the Outposts of a local cluster on AWS Outposts. The list is empty for other clusters.
      type: list
      elements: str
      sample: []
    oidc_issuer:
      description: The address of its OpenID Connect issuer, by which IAM knows its service accounts. It is null if
        there is none.
      type: str
      sample: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE
    tags:
      description: Its tags.
      type: dict
      sample: {}
    created_at:
      description: When it was created.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
clusters:
  description: The names of the clusters.
  returned: success, without O(cluster_name)
  type: list
  elements: str
  sample: [prod-1, prod-2]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
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
