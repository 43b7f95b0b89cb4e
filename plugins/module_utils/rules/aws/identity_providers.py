# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identity providers that many organizations share, and the claims by which a trust policy names one of them. No I/O.

Sources: IAM User Guide, "Identity-provider controls for shared OIDC providers" (the issuers and the claim that IAM
requires of each), "Available keys for AWS OIDC federation" (the keys of Amazon, Facebook, Google and Cognito), and each
provider's own page on the subject of its tokens (the patterns).

An issuer that is not here is private: its address names one organization (an EKS cluster, an Okta or Entra ID tenant,
``oidc.circleci.com/org/ID``, ``api.bitbucket.org/2.0/workspaces/NAME/pipelines-config/identity/oidc``), and IAM takes a
token only for the audiences that the account's own provider lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SAML_PROVIDER = re.compile(r"arn:[a-z-]+:iam::\d{12}:saml-provider/[\w.-]{1,128}", re.ASCII)
_OIDC_PROVIDER = re.compile(r"arn:[a-z-]+:iam::\d{12}:oidc-provider/(?P<issuer>[^*?$]+)")

# One text without wildcards and variables.
_EXACT = re.compile(r"[^*?$]+")
# A name that a separator ends, so that no longer name of another organization begins alike.
_NAME = r"[^*?$:/]+"


@dataclass(frozen=True)
class Claims:
    """What has to be asked of the tokens of an issuer from which any user can get a token.

    ``all_of`` holds alternatives: of each, one condition key needs to have values that match its pattern. A pattern is
    matched against the whole value, which may end in wildcards where the pattern lets it.
    """

    all_of: tuple[Mapping[str, re.Pattern[str]], ...]


def _claims(issuer: str, **patterns: str | re.Pattern[str]) -> Claims:
    """One condition on one of these claims."""
    return Claims(({f"{issuer}:{claim}": re.compile(pattern) for claim, pattern in patterns.items()},))


_COGNITO = "cognito-identity.amazonaws.com"

SHARED: Mapping[str, Claims] = {
    # Any user may have an account with these and sign in to an application, so the audience identifies no user;
    # a service account of any Google Cloud project gets a token for any audience.
    "accounts.google.com": _claims("accounts.google.com", sub=_EXACT),
    "www.amazon.com": _claims("www.amazon.com", user_id=_EXACT),
    "graph.facebook.com": _claims("graph.facebook.com", id=_EXACT),
    # An identity pool may allow guests; amr distinguishes them from users who have signed in.
    _COGNITO: Claims(
        (
            {f"{_COGNITO}:aud": _EXACT},
            {f"{_COGNITO}:amr": re.compile(r"(?i:(?!unauthenticated))[^*?$]+"), f"{_COGNITO}:sub": _EXACT},
        )
    ),
    # A repository may choose the claims of its subject, so only those count that name its owner or itself: not its
    # environment, and not a reusable workflow, which other repositories call too.
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
    # Microsoft Sentinel, which serves every workspace: its session name holds the workspace.
    "sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d": Claims(({"sts:RoleSessionName": _EXACT},)),
}


def required_claims(principal: str) -> Claims | None:
    """What a statement has to ask of a federated principal's tokens so that they are of one organization; ``None`` for
    a provider of one organization. Raises :class:`KeyError` for what is no provider."""
    if _SAML_PROVIDER.fullmatch(principal):
        return None
    found = _OIDC_PROVIDER.fullmatch(principal)
    if found:
        return SHARED.get(found["issuer"].lower().rstrip("/"))
    return SHARED[principal.lower()]
