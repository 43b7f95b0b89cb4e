#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig_entry
short_description: Manage an EKS cluster in a kubeconfig
version_added: 0.1.0
description:
  - Creates, updates or removes a cluster, a user and a context in a kubeconfig, all three with the same name.
  - The user gets tokens from the AWS CLI (C(aws eks get-token)) with an AWS profile. The kubeconfig therefore
    contains no secrets.
  - The module leaves everything else in the file unchanged, including the current context, comments and order. An
    exception is a file in JSON, or a file whose entries share YAML anchors. The module rewrites such a file in the
    format of kubectl.
  - The module locks the file as kubectl does and replaces it atomically. Only the owner can read a new file.
extends_documentation_fragment:
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.all]
options:
  path:
    description:
      - The path of the kubeconfig. The module creates the file if it does not exist.
      - The default is the value of the environment variable E(KUBECONFIG), or C(~/.kube/config) without this
        variable. If the variable contains several paths, the module changes the first file that contains O(name).
    type: path
    aliases: [kubeconfig]
  name:
    description: The name of the context, of the cluster and of the user.
    type: str
    required: true
    aliases: [context]
  cluster_name:
    description: The name of the EKS cluster. Required with O(state=present).
    type: str
  cluster_id:
    description:
      - The id of a local cluster on AWS Outposts, as RV(apono.eks.cluster_info#module:cluster.id) returns it. Tokens
        for such a cluster contain the id instead of the name.
    type: str
  region:
    description: The AWS region of the cluster. Required with O(state=present).
    type: str
  profile:
    description: The AWS profile that signs the tokens. Required with O(state=present).
    type: str
  aws_config_file:
    description: The AWS config file that contains O(profile), if it is not the default file of the AWS CLI.
    type: path
  server:
    description: The URL of the API server. Required with O(state=present).
    type: str
  certificate_authority:
    description:
      - The certificate authority of the API server in base64, as EKS returns it. Required with O(state=present).
    type: str
  current_context:
    description: Whether to make this context the current context. With V(false), the module leaves the current
      context unchanged.
    type: bool
    default: false
  overwrite:
    description:
      - Whether to replace or remove an entry that has this name and belongs to another cluster, region or profile, or
        has other credentials. With V(false), such an entry is an error.
    type: bool
    default: false
requirements:
  - PyYAML
notes:
  - With O(state=absent), the module does not remove a cluster or user that another context refers to. If it removes
    the current context, the kubeconfig has no current context afterward.
  - With O(state=absent), the module removes an entry only if the entry matches all options that you set. With only
    O(name), it removes any entry of an EKS cluster with that name.
  - B(Permissions:) The module needs no AWS permissions. It edits a file and makes no API call.
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

- name: Create the entry in a separate file and make it the current context
  apono.eks.kubeconfig_entry:
    path: ~/.kube/prod-1
    name: prod-1
    cluster_name: prod-1
    region: eu-central-1
    profile: apono-k8s-access
    server: "{{ found.cluster.endpoint }}"
    certificate_authority: "{{ found.cluster.certificate_authority }}"
    current_context: true

- name: Remove the entry only if it belongs to this cluster and profile
  apono.eks.kubeconfig_entry:
    name: prod-1
    cluster_name: prod-1
    region: eu-central-1
    profile: apono-k8s-access
    state: absent
"""

RETURN = r"""
entry:
  description: The kubeconfig entry after the task. In check mode, it is the expected entry.
  returned: when O(state=present)
  type: dict
  contains:
    name:
      description: The name of the entry.
      type: str
      sample: prod-1
    path:
      description: The path of the kubeconfig file.
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
      description: The URL of the API server.
      type: str
      sample: https://EXAMPLE.gr7.eu-central-1.eks.amazonaws.com
    certificate_authority:
      description: The certificate authority of the API server, in base64.
      type: str
      sample: LS0tLS1CRUdJTi...
    cluster_name:
      description: The name of the EKS cluster, if tokens contain the name. It is null if tokens contain an id.
      type: str
      sample: prod-1
    cluster_id:
      description: The id of the local cluster on AWS Outposts, if tokens contain the id. It is null if tokens contain
        a name.
      type: str
      sample: null
    region:
      description: The AWS region of the cluster.
      type: str
      sample: eu-central-1
    profile:
      description: The AWS profile that signs the tokens.
      type: str
      sample: apono-k8s-access
    command:
      description: The command of the credential plugin, which is the AWS CLI.
      type: str
      sample: aws
    api_version:
      description: The API version of the credential plugin.
      type: str
      sample: client.authentication.k8s.io/v1beta1
    current_context:
      description: Whether the context of the entry is the current context.
      type: bool
      sample: false
profile_users:
  description: The other users in the kubeconfig that get their tokens with the same AWS profile.
  returned: success
  type: list
  elements: str
  sample: [prod-2]
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [set the entry prod-1 in /home/jane/.kube/config]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of this collection.
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
