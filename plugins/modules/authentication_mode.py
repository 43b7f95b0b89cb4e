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
  - Moves a cluster forward to an authentication mode, step by step, and waits for each step to end.
  - EKS never goes back. A mode before the present one is an error, and the module changes nothing.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.check_permissions
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.all]
options:
  cluster_name:
    description: The cluster.
    type: str
    required: true
    aliases: [name]
  mode:
    description:
      - In V(CONFIG_MAP), the cluster reads the ConfigMap aws-auth, in V(API) access entries, and in
        V(API_AND_CONFIG_MAP) both.
    type: str
    required: true
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
  pending_mode:
    description:
      - For check mode, the mode to which an earlier task would move the cluster. Then each task reports its own steps
        only.
      - If the cluster is in a later mode already, this option has no effect.
    type: str
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
  wait:
    description: Whether to wait until the cluster is in the mode. Between two steps, the module always waits.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait for one step, in seconds.
    type: int
    default: 900
notes:
  - B(Permissions:) C(eks:DescribeCluster), C(eks:UpdateClusterConfig) and C(eks:DescribeUpdate).
seealso:
  - module: apono.eks.access_entry
  - name: Authentication modes
    description: Authentication modes in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html
  - name: UpdateClusterConfig
    description: The call in the Amazon EKS API Reference.
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

- name: Check what a change to API would do
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

- name: Update the mode after all users have access entries
  apono.eks.authentication_mode:
    cluster_name: prod-1
    region: eu-central-1
    mode: API
    wait_timeout: 1800
  register: mode

- name: Check what a second step would do after a first one that another task makes
  apono.eks.authentication_mode:
    cluster_name: prod-1
    region: eu-central-1
    mode: API
    pending_mode: API_AND_CONFIG_MAP
  check_mode: true
"""

RETURN = r"""
cluster:
  description: The cluster as it is now, or in check mode would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: prod-1
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:eks:eu-central-1:123456789012:cluster/prod-1
    authentication_mode:
      description: Its authentication mode.
      type: str
      sample: API_AND_CONFIG_MAP
    status:
      description: Its status. It is V(UPDATING) if O(wait=false) and the change has not ended.
      type: str
      sample: ACTIVE
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [change the authentication mode of cluster prod-1 from CONFIG_MAP to API_AND_CONFIG_MAP]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
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
