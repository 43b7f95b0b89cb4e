#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_profile
short_description: Manage a profile in an AWS config file with which a user assumes a role
version_added: 0.1.0
description:
  - Creates, updates or removes one profile in an AWS config file. The profile assumes a role with the credentials of
    another profile, under a session name.
  - Everything else in the file is left unchanged, comments and order included. The module parses the new text before
    it writes it, and writes nothing unless exactly the profile has changed.
extends_documentation_fragment:
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.all]
options:
  path:
    description:
      - The AWS config file. It is created if it does not exist.
      - The default is the environment variable E(AWS_CONFIG_FILE), then C(~/.aws/config).
    type: path
  profile:
    description: The name of the profile.
    type: str
    default: apono-k8s-access
  role_arn:
    description: The role to assume. Required with O(state=present).
    type: str
  role_session_name:
    description: The name of the session, by which Apono knows the user. With SSO and SAML, it is the email address.
    type: str
  source_profile:
    description: The profile that the user signs in with.
    type: str
  region:
    description: The region.
    type: str
  session_duration:
    description:
      - The duration of the session in seconds, 900 to 43200, and at most the maximum session duration of the role.
      - If O(source_profile) is itself a session of a role, such as with IAM Identity Center (AWS SSO), AWS calls this
        role chaining and allows 3600 at most. A longer duration is an error.
    type: int
  overwrite:
    description:
      - Whether to replace or remove a profile of this name that gets its credentials from another source. Otherwise,
        such a profile is an error.
    type: bool
    default: false
notes:
  - A setting whose option is not set is left unchanged.
  - B(Permissions:) none. The module edits a file and makes no call.
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
- name: Create the profile with which Jane assumes the role
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

- name: Create the profile for sessions of eight hours, with the access key of an IAM user
  apono.eks.aws_profile:
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    role_session_name: jane@example.com
    source_profile: jane-keys
    session_duration: 28800

- name: Update the profile, also if it had credentials of another kind
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
  description: The profile as it is now, or in check mode would be.
  returned: when O(state=present)
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: apono-k8s-access
    path:
      description: The file that has the profile. Links are resolved.
      type: str
      sample: /home/jane/.aws/config
    role_arn:
      description: The role.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    role_session_name:
      description: The name of the session.
      returned: where it is set
      type: str
      sample: jane@example.com
    source_profile:
      description: The profile that the user signs in with.
      returned: where it is set
      type: str
      sample: default
    region:
      description: The region.
      returned: where it is set
      type: str
      sample: eu-central-1
    session_duration:
      description: The duration of the session, as it is written in the file.
      returned: where it is set
      type: str
      sample: "3600"
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [set the profile apono-k8s-access in /home/jane/.aws/config]
error:
  description: The error, as data for conditions.
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
