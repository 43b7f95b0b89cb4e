# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a caller's own policies allow an operation."""

from __future__ import annotations

from testbed.aws_credentials import Caller
from testbed.aws_policy import Context, Verdict, identity_policy_verdict
from testbed.aws_principals import policy_documents
from testbed.aws_wire import AwsError


def authorize(caller: Caller, action: str, resource: str) -> None:
    """:raises AwsError: AccessDeniedException, or EC2's own word for it."""
    context = Context({"aws:PrincipalArn": caller.principal.arn, "aws:PrincipalAccount": caller.account_id})
    verdict = identity_policy_verdict(policy_documents(caller.principal), action, resource, context)
    if verdict is not Verdict.ALLOW:
        message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
        code = "UnauthorizedOperation" if action.startswith("ec2:") else "AccessDeniedException"
        raise AwsError(403, code, message)
