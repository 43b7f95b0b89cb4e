# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identity providers that many organizations share, and the claims that identify one of the organizations. No I/O.

Sources: IAM User Guide, "Identity-provider controls for shared OIDC providers" (the issuers and the claim that IAM
requires for each), "Available keys for AWS OIDC federation" (the keys of Amazon, Facebook, Google and Cognito), and the
page of each provider about the subject of its tokens (the patterns).

Other issuers are private, because their addresses belong to one organization. Examples are an EKS cluster, an Okta or
Entra ID tenant, ``oidc.circleci.com/org/ID``, and
``api.bitbucket.org/2.0/workspaces/NAME/pipelines-config/identity/oidc``. IAM accepts their tokens only for the
audiences in the OpenID Connect provider of the account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SAML_PROVIDER = re.compile(r"arn:[a-z-]+:iam::\d{12}:saml-provider/[\w.-]{1,128}", re.ASCII)
_OIDC_PROVIDER = re.compile(r"arn:[a-z-]+:iam::\d{12}:oidc-provider/(?P<issuer>[^*?$]+)")

# A text without wildcards and policy variables.
_EXACT = re.compile(r"[^*?$]+")
# A name that a separator has to follow, so that a longer name of another organization does not match.
_NAME = r"[^*?$:/]+"


@dataclass(frozen=True)
class Claims:
    """The conditions that a trust policy needs for an issuer from which any user can get a token.

    Each item of ``all_of`` has alternatives. A statement needs a condition on one of the keys of each item, with values
    that match the pattern of the key. A pattern has to match the whole value, and some patterns allow wildcards at its
    end.
    """

    all_of: tuple[Mapping[str, re.Pattern[str]], ...]


def _claims(issuer: str, **patterns: str | re.Pattern[str]) -> Claims:
    """The claims of an issuer for which one condition on one of these claims is enough."""
    return Claims(({f"{issuer}:{claim}": re.compile(pattern) for claim, pattern in patterns.items()},))


_COGNITO = "cognito-identity.amazonaws.com"

SHARED: Mapping[str, Claims] = {
    # Any user can have an account here and sign in to an application, so the audience identifies no user. A service
    # account of any Google Cloud project gets a token for any audience.
    "accounts.google.com": _claims("accounts.google.com", sub=_EXACT),
    "www.amazon.com": _claims("www.amazon.com", user_id=_EXACT),
    "graph.facebook.com": _claims("graph.facebook.com", id=_EXACT),
    # An identity pool can allow guests. The claim amr distinguishes them from users who have signed in.
    _COGNITO: Claims(
        (
            {f"{_COGNITO}:aud": _EXACT},
            {f"{_COGNITO}:amr": re.compile(r"(?i:(?!unauthenticated))[^*?$]+"), f"{_COGNITO}:sub": _EXACT},
        )
    ),
    # A repository can choose the claims of its subject. Only claims that identify its owner or itself count. Other
    # repositories can have the same environment, or call the same reusable workflow.
    "token.actions.githubusercontent.com": _claims(
        "token.actions.githubusercontent.com",
        sub=rf"(repo|repository):{_NAME}/.+|(repository_owner|repository_owner_id|repository_id):{_NAME}(:.*)?",
    ),
    "vstoken.actions.githubusercontent.com": _claims("vstoken.actions.githubusercontent.com", sub=_EXACT),
    "oidc-configuration.audit-log.githubusercontent.com": _claims(
        "oidc-configuration.audit-log.githubusercontent.com", sub=_EXACT
    ),
    "gitlab.com": _claims("gitlab.com", sub=rf"project_path:{_NAME}/.+"),
    "agent.buildkite.com": _claims("agent.buildkite.com", sub=rf"organization:{_NAME}:.+"),
    "app.terraform.io": _claims("app.terraform.io", sub=rf"organization:{_NAME}:.+"),
    "oidc.codefresh.io": _claims("oidc.codefresh.io", sub=rf"account:{_NAME}:.+"),
    "scalr.io": _claims("scalr.io", sub=rf"account:{_NAME}:.+"),
    "proidc.upbound.io": _claims("proidc.upbound.io", sub=rf"mcp:{_NAME}/.+"),
    "oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb": _claims(
        "oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb", sub=_EXACT
    ),
    "studio.datachain.ai/api": _claims("studio.datachain.ai/api", sub=_EXACT),
    "tokens.cloud.shisho.dev": _claims("tokens.cloud.shisho.dev", sub=_EXACT),
    "api.pulumi.com/oidc": _claims("api.pulumi.com/oidc", aud=_EXACT),
    "sandboxes.cloud": _claims("sandboxes.cloud", aud=_EXACT),
    "oidc.vercel.com": _claims("oidc.vercel.com", aud=_EXACT),
    # Microsoft Sentinel uses one tenant for all workspaces. Its session name identifies the workspace.
    "sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d": Claims(({"sts:RoleSessionName": _EXACT},)),
}


def required_claims(principal: str) -> Claims | None:
    """The conditions that restrict a federated principal to one organization. ``None`` for a provider that belongs to
    one organization. Raises :class:`KeyError` for an unknown provider."""
    if _SAML_PROVIDER.fullmatch(principal):
        return None
    found = _OIDC_PROVIDER.fullmatch(principal)
    if found:
        return SHARED.get(found["issuer"].lower().rstrip("/"))
    return SHARED[principal.lower()]
