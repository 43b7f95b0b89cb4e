# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of the group apono.eks.aws. Their argument spec is AWS in module_utils/options.py."""

    DOCUMENTATION = r"""
options:
  region:
    description:
      - The AWS region.
      - The default is the value of the environment variable E(AWS_REGION), E(AWS_DEFAULT_REGION) or E(EC2_REGION), in
        this order. Without these variables, the default is the region in the AWS configuration.
    type: str
    aliases: [aws_region, ec2_region]
  profile:
    description:
      - The name of a profile in the AWS configuration files.
      - You cannot combine this option with O(access_key).
    type: str
    aliases: [aws_profile]
  access_key:
    description:
      - An AWS access key id. Requires O(secret_key).
      - By default, boto3 finds the credentials in its usual sources, such as the environment variable
        E(AWS_ACCESS_KEY_ID).
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description: The AWS secret access key of O(access_key).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description: The session token of temporary credentials.
    type: str
    aliases: [aws_session_token, aws_security_token, security_token]
  endpoint_url:
    description:
      - The URL to use for all AWS services, instead of the default endpoints of AWS.
      - The default is the value of the environment variable E(AWS_URL). Variables such as E(AWS_ENDPOINT_URL_IAM) set
        the URL of one service.
    type: str
    aliases: [aws_endpoint_url]
  aws_ca_bundle:
    description: The path of a file with the certificate authorities to trust for AWS.
    type: path
  validate_certs:
    description:
      - Whether to verify the TLS certificates of AWS services. The default is V(true).
      - This option does not apply to the API server of a cluster.
    type: bool
  assume_role_arn:
    description:
      - The ARN of a role to assume before all other calls, with the credentials of the other options.
      - Use this option for clusters in other accounts.
      - The default is the value of the environment variable E(APONO_ASSUME_ROLE_ARN).
    type: str
  assume_role_external_id:
    description:
      - The external id that the trust policy of O(assume_role_arn) requires.
      - The default is the value of the environment variable E(APONO_ASSUME_ROLE_EXTERNAL_ID).
    type: str
  assume_role_session_name:
    description: The role session name for O(assume_role_arn). AWS CloudTrail shows this name.
    type: str
    default: apono-eks
requirements:
  - boto3 >= 1.34.83
  - botocore >= 1.34.83
notes:
  - Throttled and failed calls use the retry mode C(standard) of botocore. The maximum is eight attempts, unless the
    environment variable E(AWS_MAX_ATTEMPTS) sets another number.
  - The module treats an option with an empty text as not set.
"""
