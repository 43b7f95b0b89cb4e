# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_token
short_description: Sign a bearer token for an EKS cluster
version_added: 0.1.0
description:
  - Signs tokens for EKS API servers with AWS credentials. The result is the same as that of C(aws eks get-token), but
    the lookup does not need the AWS CLI. A token is valid for 15 minutes.
  - Use this lookup in the value of a secret option, such as C(api_key) of a module of C(kubernetes.core). Then no
    output and no variable contains the token.
options:
  _terms:
    description:
      - The names of the clusters. For a local cluster on AWS Outposts, specify its id, as
        RV(apono.eks.cluster_info#module:cluster.id) returns it.
    type: list
    elements: str
    required: true
  aws:
    description:
      - The options of the group C(apono.eks.aws), such as C(region), C(profile) and C(assume_role_arn).
    type: dict
    default: {}
seealso:
  - module: apono.eks.cluster_info
  - name: Create a kubeconfig
    description: Tokens of C(aws eks get-token) in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/create-kubeconfig.html
requirements:
  - boto3 >= 1.34.83
  - botocore >= 1.34.83
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get information about a Helm release
  kubernetes.core.helm_info:
    release_name: apono-connector
    release_namespace: apono-connector
    host: "{{ cluster.endpoint }}"
    ca_cert: /etc/prod-1.pem
    api_key: "{{ lookup('apono.eks.cluster_token', 'prod-1', aws={'region': 'eu-central-1'}) }}"
"""

RETURN = r"""
_raw:
  description: A token for each cluster. The tokens are secret.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        checked = AWS.check(plain(self.get_option("aws")))
        if checked.error_messages:
            raise AnsibleLookupError(f"cluster_token: {checked.error_messages[0]}")
        try:
            params, _secrets = AWS.normalise(checked.validated_parameters)
            aws = Aws(params)
            for name in terms:
                arn.validate_cluster_name(plain(name))
            if not aws.region:
                raise ResourceError(
                    "No AWS region is known: set region in the option aws, or the environment variable AWS_REGION.",
                    code="NoRegion",
                )
            return [aws.cluster_token(plain(name)) for name in terms]
        except ResourceError as error:
            raise AnsibleLookupError(f"cluster_token: {error.message}") from error
