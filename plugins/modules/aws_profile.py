#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_profile
short_description: Manage an AWS config profile that assumes an IAM role
version_added: 0.1.0
description:
  - Creates, updates or removes one profile in an AWS config file. The profile assumes a role with the credentials of
    another profile and sets the role session name.
  - The module leaves everything else in the file unchanged, including comments and order. Before it writes, it parses
    the new text and checks that only the profile has changed. Otherwise, it fails and writes nothing.
extends_documentation_fragment:
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.all]
options:
  path:
    description:
      - The path of the AWS config file. The module creates the file if it does not exist.
      - The default is the value of the environment variable E(AWS_CONFIG_FILE), or C(~/.aws/config) without this
        variable.
    type: path
  profile:
    description: The name of the profile.
    type: str
    default: apono-k8s-access
  role_arn:
    description: The ARN of the role to assume. Required with O(state=present).
    type: str
  role_session_name:
    description: The role session name, by which Apono identifies the user. With SSO and SAML, it is the user's email
      address.
    type: str
  source_profile:
    description: The name of the profile with which the user signs in to AWS.
    type: str
  region:
    description: The AWS region of the profile.
    type: str
  session_duration:
    description:
      - The session duration in seconds, from 900 to 43200. It cannot exceed the maximum session duration of the role.
      - If O(source_profile) itself assumes a role, such as with IAM Identity Center (AWS SSO), AWS calls this role
        chaining and allows at most 3600 seconds. A longer duration is an error.
    type: int
  overwrite:
    description:
      - Whether to replace or remove a profile that has this name and gets its credentials from another source. With
        V(false), such a profile is an error.
    type: bool
    default: false
notes:
  - The module leaves a setting of the profile unchanged if you do not set the option for it.
  - B(Permissions:) The module needs no AWS permissions. It edits a file and makes no API call.
seealso:
  - name: Configuration files
    description: Profiles in the AWS CLI User Guide.
    link: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
  - name: Role chaining
    description: The limit of one hour in the IAM User Guide.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create a profile with which Jane assumes the role
  apono.eks.aws_profile:
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    role_session_name: jane@example.com
    source_profile: default
    region: eu-central-1

- name: Remove the profile
  apono.eks.aws_profile:
    state: absent

- name: Create a profile with another name in another file, with sessions of half an hour
  apono.eks.aws_profile:
    path: ~/.aws/prod-config
    profile: prod
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    role_session_name: jane@example.com
    source_profile: jane
    session_duration: 1800

- name: Create a profile for sessions of eight hours, with the access key of an IAM user
  apono.eks.aws_profile:
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    role_session_name: jane@example.com
    source_profile: jane-keys
    session_duration: 28800

- name: Check what the replacement of a profile with other credentials would change
  apono.eks.aws_profile:
    profile: prod
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    role_session_name: jane@example.com
    source_profile: jane
    overwrite: true
  check_mode: true
  diff: true
"""

RETURN = r"""
profile:
  description: The profile after the task. In check mode, it is the expected profile.
  returned: when O(state=present)
  type: dict
  contains:
    name:
      description: The name of the profile.
      type: str
      sample: apono-k8s-access
    path:
      description: The path of the file that has the profile, with symbolic links resolved.
      type: str
      sample: /home/jane/.aws/config
    role_arn:
      description: The ARN of the role.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    role_session_name:
      description: The role session name.
      returned: when the profile has this setting
      type: str
      sample: jane@example.com
    source_profile:
      description: The name of the profile with which the user signs in to AWS.
      returned: when the profile has this setting
      type: str
      sample: default
    region:
      description: The AWS region of the profile.
      returned: when the profile has this setting
      type: str
      sample: eu-central-1
    session_duration:
      description: The session duration in seconds, as a text.
      returned: when the profile has this setting
      type: str
      sample: "3600"
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [set the profile apono-k8s-access in /home/jane/.aws/config]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of this collection.
  returned: on failure
  type: dict
  sample: {code: AnotherMeaning}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_profile import AwsProfile


def main() -> None:
    run_module(AwsProfile)


if __name__ == "__main__":
    main()
