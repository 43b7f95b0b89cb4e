#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig_entry
short_description: Manage the entry of an EKS cluster in a user's kubeconfig
version_added: 0.1.0
description:
  - Creates, updates or removes a cluster, a user and a context of one name in a kubeconfig. The user gets tokens from
    the AWS CLI (C(aws eks get-token)) with an AWS profile, so nothing secret is in the file.
  - Everything else in the file is left unchanged, the current context included. Comments and order stay, too, if the
    text can be edited in place. A file in JSON, or with entries that share anchors, is rewritten as kubectl does.
  - The module locks the file as kubectl does, and replaces it in one step. Only the owner can read a new file.
extends_documentation_fragment:
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.all]
options:
  path:
    description:
      - The kubeconfig. It is created if it does not exist.
      - The default is the environment variable E(KUBECONFIG), then C(~/.kube/config). If the variable names several
        files, the module changes the first file that has the name.
    type: path
    aliases: [kubeconfig]
  name:
    description: The name of the context, of its cluster and of its user.
    type: str
    required: true
    aliases: [context]
  cluster_name:
    description: The EKS cluster. Required with O(state=present).
    type: str
  cluster_id:
    description:
      - The id of a local cluster on AWS Outposts, for which its tokens are signed instead of the name. The module
        M(apono.eks.cluster_info) returns it.
    type: str
  region:
    description: The region of the cluster. Required with O(state=present).
    type: str
  profile:
    description: The AWS profile with which tokens are signed. Required with O(state=present).
    type: str
  aws_config_file:
    description: The AWS config file that has the profile, if it is not the default file of the AWS tools.
    type: path
  server:
    description: The address of the API server. Required with O(state=present).
    type: str
  certificate_authority:
    description:
      - The certificate authority of the API server in base64, as EKS returns it. Required with O(state=present).
    type: str
  current_context:
    description: Whether the context becomes the current one. Otherwise the current context is left unchanged.
    type: bool
    default: false
  overwrite:
    description:
      - Whether to replace or remove an entry of this name for another cluster, region or profile, or with other
        credentials. Otherwise, such an entry is an error.
    type: bool
    default: false
requirements:
  - PyYAML
notes:
  - With O(state=absent), a cluster or a user that another context refers to is left unchanged. If the current context
    is removed, the kubeconfig has no current context.
  - With O(state=absent), the module removes an entry only if it matches the options that are set. With O(name) alone,
    it removes any entry for an EKS cluster.
  - B(Permissions:) none. The module edits a file and makes no call.
seealso:
  - module: apono.eks.aws_profile
  - name: Create a kubeconfig
    description: Kubeconfigs in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/create-kubeconfig.html
  - name: Multiple clusters
    description: Kubeconfigs in the Kubernetes documentation.
    link: https://kubernetes.io/docs/tasks/access-application-cluster/configure-access-multiple-clusters/
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get information about the cluster
  apono.eks.cluster_info:
    cluster_name: prod-1
    profile: apono-k8s-access
    region: eu-central-1
    required: true
  register: found

- name: Create the entry of the cluster
  apono.eks.kubeconfig_entry:
    name: prod-1
    cluster_name: prod-1
    cluster_id: "{{ found.cluster.id or omit }}"
    region: eu-central-1
    profile: apono-k8s-access
    server: "{{ found.cluster.endpoint }}"
    certificate_authority: "{{ found.cluster.certificate_authority }}"

- name: Remove the entry
  apono.eks.kubeconfig_entry:
    name: prod-1
    state: absent

- name: Create the entry in a file of its own and make it the current context
  apono.eks.kubeconfig_entry:
    path: ~/.kube/prod-1
    name: prod-1
    cluster_name: prod-1
    region: eu-central-1
    profile: apono-k8s-access
    server: "{{ found.cluster.endpoint }}"
    certificate_authority: "{{ found.cluster.certificate_authority }}"
    current_context: true

- name: Remove the entry only if it is of this cluster and profile
  apono.eks.kubeconfig_entry:
    name: prod-1
    cluster_name: prod-1
    region: eu-central-1
    profile: apono-k8s-access
    state: absent
"""

RETURN = r"""
entry:
  description: The entry as it is now, or in check mode would be.
  returned: when O(state=present)
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: prod-1
    path:
      description: The file for new entries.
      type: str
      sample: /home/jane/.kube/config
    cluster:
      description: The cluster that the context refers to.
      type: str
      sample: prod-1
    user:
      description: The user that the context refers to.
      type: str
      sample: prod-1
    namespace:
      description: The namespace of the context. It is null if the context has none.
      type: str
      sample: shop
    server:
      description: The address of the API server.
      type: str
      sample: https://EXAMPLE.gr7.eu-central-1.eks.amazonaws.com
    certificate_authority:
      description: The certificate authority in base64.
      type: str
      sample: LS0tLS1CRUdJTi...
    cluster_name:
      description: The cluster that tokens are for; null where they are for an id.
      type: str
      sample: prod-1
    cluster_id:
      description: The id of the local cluster on AWS Outposts that tokens are for; null where they are for a name.
      type: str
      sample: null
    region:
      description: Its region.
      type: str
      sample: eu-central-1
    profile:
      description: The AWS profile.
      type: str
      sample: apono-k8s-access
    command:
      description: The AWS CLI.
      type: str
      sample: aws
    api_version:
      description: The API version of the credential plugin.
      type: str
      sample: client.authentication.k8s.io/v1beta1
    current_context:
      description: Whether it is the current context.
      type: bool
      sample: false
profile_users:
  description: The other users in the kubeconfig that get their token with the same AWS profile.
  returned: success
  type: list
  elements: str
  sample: [prod-2]
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [set the entry prod-1 in /home/jane/.kube/config]
error:
  description: The error, as data for conditions.
  returned: on failure
  type: dict
  sample: {code: AnotherMeaning}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.kubeconfig_entry import KubeconfigEntry


def main() -> None:
    run_module(KubeconfigEntry)


if __name__ == "__main__":
    main()
