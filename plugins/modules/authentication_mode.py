#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authentication_mode
short_description: Change the authentication mode of an EKS cluster
version_added: 0.1.0
description:
  - Changes the authentication mode of a cluster. If the change takes two steps, from V(CONFIG_MAP) to
    V(API_AND_CONFIG_MAP) to V(API), the module makes both and waits for the end of each step.
  - EKS cannot change the authentication mode back. If O(mode) precedes the current mode, the module fails and changes
    nothing.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.check_permissions
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.all]
options:
  cluster_name:
    description: The name of the EKS cluster.
    type: str
    required: true
    aliases: [name]
  mode:
    description:
      - The authentication mode. With V(CONFIG_MAP), the cluster reads the ConfigMap aws-auth. With V(API), the
        cluster reads access entries. With V(API_AND_CONFIG_MAP), the cluster reads both. A local cluster on AWS
        Outposts supports only V(CONFIG_MAP).
    type: str
    required: true
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
  pending_mode:
    description:
      - The authentication mode that an earlier task would set. Use this option in check mode, so that each task
        reports only its own steps.
      - If the cluster already has a later mode, this option has no effect.
    type: str
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
  wait:
    description: Whether to wait until the cluster has the authentication mode. Between two steps, the module always
      waits.
    type: bool
    default: true
  wait_timeout:
    description: The maximum time to wait for one step, in seconds.
    type: int
    default: 900
notes:
  - B(Permissions:) The caller needs C(eks:DescribeCluster), C(eks:UpdateClusterConfig) and C(eks:DescribeUpdate).
seealso:
  - module: apono.eks.access_entry
  - name: Authentication modes
    description: Authentication modes in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html
  - name: UpdateClusterConfig
    description: The API operation in the Amazon EKS API Reference.
    link: https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Update the mode so that the cluster reads access entries, too
  apono.eks.authentication_mode:
    cluster_name: prod-1
    region: eu-central-1
    mode: API_AND_CONFIG_MAP

- name: Check what a change to the mode API would do
  apono.eks.authentication_mode:
    cluster_name: prod-1
    region: eu-central-1
    mode: API
  check_mode: true
  diff: true

- name: Update the mode without waiting for the end of the update
  apono.eks.authentication_mode:
    cluster_name: prod-1
    region: eu-central-1
    mode: API_AND_CONFIG_MAP
    wait: false

- name: Update the mode after all principals have access entries, and wait up to half an hour
  apono.eks.authentication_mode:
    cluster_name: prod-1
    region: eu-central-1
    mode: API
    wait_timeout: 1800
  register: mode

- name: Check what the second step would change after the first step of another task
  apono.eks.authentication_mode:
    cluster_name: prod-1
    region: eu-central-1
    mode: API
    pending_mode: API_AND_CONFIG_MAP
  check_mode: true
"""

RETURN = r"""
cluster:
  description: The cluster after the task. In check mode, it is the expected cluster.
  returned: success
  type: dict
  contains:
    name:
      description: The name of the cluster.
      type: str
      sample: prod-1
    arn:
      description: The ARN of the cluster.
      type: str
      sample: arn:aws:eks:eu-central-1:123456789012:cluster/prod-1
    authentication_mode:
      description: The authentication mode of the cluster.
      type: str
      sample: API_AND_CONFIG_MAP
    status:
      description: The status of the cluster. It is V(UPDATING) if O(wait=false) and the change has not ended.
      type: str
      sample: ACTIVE
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [change the authentication mode of cluster prod-1 from CONFIG_MAP to API_AND_CONFIG_MAP]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
  returned: on failure
  type: dict
  sample: {code: ModeBackwards, service: eks}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.authentication_mode import AuthenticationMode


def main() -> None:
    run_module(AuthenticationMode)


if __name__ == "__main__":
    main()
