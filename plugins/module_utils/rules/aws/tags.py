# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of AWS objects."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

MOST_TAGS = 50


def validate(tags: dict[Any, Any], case_sensitive: bool = True) -> dict[str, str]:
    """Return the tags as texts.

    :param case_sensitive: whether keys that differ in letter case only are different keys, as in EKS. For IAM, they are
        one key (IAM user guide, "Tags for IAM resources").

    Raises :class:`ResourceError` for tags that AWS refuses, and for values that are not text. The limits are 50 tags,
    keys of 1 to 128 characters without the prefix ``aws:``, and values of up to 256 characters (API models of IAM and
    EKS).
    """
    if len(tags) > MOST_TAGS:
        raise ResourceError(f"tags has {len(tags)} entries, and AWS allows {MOST_TAGS}: remove some of them.")
    for key, value in tags.items():
        # YAML reads values such as yes and 1.10 as a truth value and a number, whose texts are different.
        if isinstance(value, (bool, float, dict, list)):
            raise ResourceError(
                f"tags: the value of {str(key)!r} is {value!r}, and AWS accepts text only: put the value in quotes."
            )
    texts = {str(key): "" if value is None else str(value) for key, value in tags.items()}
    for key, value in texts.items():
        if not 1 <= len(key) <= 128:
            raise ResourceError(f"tags: the key {key!r} has {len(key)} characters, and AWS allows 1 to 128: change it.")
        if key.lower().startswith("aws:"):
            raise ResourceError(f"tags: the key {key!r} begins with aws:, which AWS reserves: choose another key.")
        if len(value) > 256:
            raise ResourceError(
                f"tags: the value of {key!r} has {len(value)} characters, and AWS allows 256: shorten it."
            )
    alike: dict[str, str] = {}
    for key in [] if case_sensitive else texts:
        other = alike.setdefault(key.lower(), key)
        if other != key:
            raise ResourceError(
                f"tags: the keys {other!r} and {key!r} differ in letter case only, and IAM reads them as one key: "
                "remove one of them."
            )
    return texts


def normalise(params: dict[str, Any], case_sensitive: bool = True) -> None:
    """Replace ``params["tags"]``, if it is set, by the result of :func:`validate`. Raises the same errors."""
    if params.get("tags"):
        params["tags"] = validate(params["tags"], case_sensitive)


def difference(current: dict[str, str], wanted: dict[str, str], purge: bool) -> tuple[dict[str, str], list[str]]:
    """The tags to set, and the sorted keys to remove. Tags of AWS (``aws:``) are never removed."""
    to_set = {key: value for key, value in wanted.items() if current.get(key) != value}
    surplus = sorted(key for key in current if key not in wanted and not key.lower().startswith("aws:"))
    return to_set, surplus if purge else []


def from_list(tags: list[dict[str, str]]) -> dict[str, str]:
    """Convert the list of the IAM API, ``[{"Key": …, "Value": …}]``, to a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def to_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Convert a dictionary to the list of the IAM API."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
