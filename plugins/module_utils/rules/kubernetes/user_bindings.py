# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the RBAC bindings that name a user by a username with a template. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# The values of the templates: the session name (STS API reference, AssumeRole), with '@' replaced or not, and the other
# templates of the authenticator (aws-iam-authenticator, pkg/server).
_SESSION = "[A-Za-z0-9_+=,.-]{2,64}"
_RAW_SESSION = "[A-Za-z0-9_+=,.@-]{2,64}"
_PATTERNS = {
    "{{AccessKeyID}}": "[A-Z0-9]{16,128}",
    "{{EC2PrivateDNSName}}": "[a-z0-9.-]+",
    "{{SessionName}}": f"(?P<name>{_SESSION})",
    "{{SessionNameRaw}}": f"(?P<raw>{_RAW_SESSION})",
}


@dataclass(frozen=True)
class Bound:
    """A binding that names a user.

    ``binding`` is the object of the API server, and ``username`` the name in it. ``other`` is the username of the same
    user by the other template, ``None`` if it cannot be computed.
    """

    kind: str
    binding: dict[str, Any]
    username: str
    other: str | None

    @property
    def title(self) -> str:
        """The kind and name of the binding, such as ``RoleBinding team/deploy`` or ``ClusterRoleBinding view``."""
        return title(self.kind, self.binding)


def title(kind: str, binding: dict[str, Any]) -> str:
    """The kind and name of a binding, as :attr:`Bound.title`."""
    metadata = binding["metadata"]
    return f"{kind} {'/'.join(filter(None, (metadata.get('namespace'), metadata['name'])))}"


def bound(
    kind: str, bindings: list[dict[str, Any]], template: str, other: str, account_id: str, ignored: tuple[str, ...] = ()
) -> Iterator[Bound]:
    """The bindings that name a user by a username that matches ``template``, in order.

    :param other: the template of the other username
    :param ignored: usernames that match the template, and belong to other principals
    """
    pattern = _pattern(template, account_id)
    for binding in bindings:
        for subject in binding.get("subjects") or ():
            name = subject.get("name", "")
            found = pattern.fullmatch(name) if subject.get("kind") == "User" and name not in ignored else None
            if found:
                yield Bound(kind, binding, name, _rendered(other, found.groupdict(), account_id))


def _pattern(template: str, account_id: str) -> re.Pattern[str]:
    parts = []
    seen = set()
    for part in re.split(r"(\{\{\w+\}\})", template):
        if part == "{{AccountID}}":
            parts.append(account_id)
        elif part in _PATTERNS and part not in seen:
            parts.append(_PATTERNS[part])
            seen.add(part)
        elif part in seen:
            parts.append(f"(?P={'raw' if part == '{{SessionNameRaw}}' else 'name'})")
        else:
            parts.append(re.escape(part))  # EKS leaves unknown templates unchanged
    return re.compile("".join(parts))


def _rendered(template: str, session: dict[str, str | None], account_id: str) -> str | None:
    """The username by a template for the session name in the current username. ``None`` if the session name cannot be
    computed, because a '-' in the current username may have been an '@'."""
    raw = session.get("raw")
    name = raw.replace("@", "-") if raw else session.get("name")
    rendered = template.replace("{{AccountID}}", account_id)
    for part, value in (("{{SessionNameRaw}}", raw), ("{{SessionName}}", name)):
        if part in rendered:
            if value is None:
                return None
            rendered = rendered.replace(part, value)
    return rendered


def with_subject(binding: dict[str, Any], username: str) -> dict[str, Any]:
    """Return the binding with one more user."""
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": username}
    return {**binding, "subjects": [*(binding.get("subjects") or ()), subject]}


def users_of(binding: dict[str, Any]) -> list[str]:
    """The usernames in a binding."""
    return [subject["name"] for subject in binding.get("subjects") or () if subject.get("kind") == "User"]
