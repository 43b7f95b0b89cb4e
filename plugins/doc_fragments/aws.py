# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the group apono.eks.aws; their specification is AWS in module_utils/options.py."""

    DOCUMENTATION = r"""
options:
  region:
    description:
      - The AWS region.
      - Without it, the variables E(AWS_REGION), E(AWS_DEFAULT_REGION) and E(EC2_REGION) are read, then the AWS
        configuration.
    type: str
    aliases: [aws_region, ec2_region]
  profile:
    description:
      - A profile of the AWS configuration files.
      - It cannot be combined with O(access_key).
    type: str
    aliases: [aws_profile]
  access_key:
    description:
      - An AWS access key id. Needs O(secret_key).
      - Without it, credentials are found as every AWS tool finds them, for example in E(AWS_ACCESS_KEY_ID).
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description: The secret of O(access_key).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description: The session token of temporary credentials.
    type: str
    aliases: [aws_session_token, aws_security_token, security_token]
  endpoint_url:
    description:
      - One address for all AWS services, instead of AWS's own.
      - Without it, the variable E(AWS_URL) is read. E(AWS_ENDPOINT_URL_IAM) and similar variables are for one
        service.
    type: str
    aliases: [aws_endpoint_url]
  aws_ca_bundle:
    description: A file with the certificate authorities to trust for AWS.
    type: path
  validate_certs:
    description:
      - Whether the TLS certificates of the services of AWS are verified; the default is V(true).
      - It does not apply to the API server of a cluster.
    type: bool
  assume_role_arn:
    description:
      - The role that this task assumes, with the credentials above, before all other calls.
      - Use it for clusters in other accounts.
      - Without it, the variable E(APONO_ASSUME_ROLE_ARN) is read.
    type: str
  assume_role_external_id:
    description:
      - The external id that the trust policy of O(assume_role_arn) requires.
      - Without it, the variable E(APONO_ASSUME_ROLE_EXTERNAL_ID) is read.
    type: str
  assume_role_session_name:
    description: The name of the session of O(assume_role_arn), as CloudTrail shows it.
    type: str
    default: apono-eks
requirements:
  - boto3 >= 1.34.83
  - botocore >= 1.34.83
notes:
  - botocore repeats throttled and failed calls in its C(standard) mode, with eight attempts unless
    E(AWS_MAX_ATTEMPTS) sets another number.
  - An option whose value is an empty text counts as not set.
"""
