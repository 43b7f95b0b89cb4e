# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of AWS objects."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

MOST_TAGS = 50


def validate(tags: dict[Any, Any], case_sensitive: bool = True) -> dict[str, str]:
    """Tags as AWS takes them, all text; raises :class:`ResourceError` (IAM and EKS API models: 50 tags, keys of 1 to
    128 and values of up to 256 characters, the prefix ``aws:`` reserved), and for values that are no texts.

    Keys that differ in letter case only are one key for IAM (IAM user guide, "Tags for IAM resources") and two for EKS:
    ``case_sensitive`` says which it is.
    """
    if len(tags) > MOST_TAGS:
        raise ResourceError(f"tags has {len(tags)} entries, and AWS allows {MOST_TAGS}: remove some of them.")
    for key, value in tags.items():
        # YAML reads yes, 1.10 and more as something else than the text that is meant.
        if isinstance(value, (bool, float, dict, list)):
            raise ResourceError(
                f"tags: the value of {str(key)!r} is {value!r}, and AWS accepts text only. Put it in quotes (tags; in "
                "the "
                "playbooks apono_tags)."
            )
    texts = {str(key): "" if value is None else str(value) for key, value in tags.items()}
    for key, value in texts.items():
        if not 1 <= len(key) <= 128:
            raise ResourceError(f"tags: the key {key!r} has {len(key)} characters, and AWS allows 1 to 128: change it.")
        if key.lower().startswith("aws:"):
            raise ResourceError(f"tags: the key {key!r} begins with aws:, which AWS reserves. Choose another key.")
        if len(value) > 256:
            raise ResourceError(
                f"tags: the value of {key!r} has {len(value)} characters, and AWS allows 256: shorten it."
            )
    alike: dict[str, str] = {}
    for key in [] if case_sensitive else texts:
        other = alike.setdefault(key.lower(), key)
        if other != key:
            raise ResourceError(
                f"tags: the keys {other!r} and {key!r} differ in letter case only, and IAM reads them as one key. "
                "Remove one of them (tags; in the playbooks apono_tags)."
            )
    return texts


def normalise(params: dict[str, Any], case_sensitive: bool = True) -> None:
    """Have ``params["tags"]``, if there are any, as AWS takes them; raises as :func:`validate`."""
    if params.get("tags"):
        params["tags"] = validate(params["tags"], case_sensitive)


def difference(current: dict[str, str], wanted: dict[str, str], purge: bool) -> tuple[dict[str, str], list[str]]:
    """Tags to set and, sorted, keys to remove. AWS's own tags (``aws:``) are never removed."""
    to_set = {key: value for key, value in wanted.items() if current.get(key) != value}
    surplus = sorted(key for key in current if key not in wanted and not key.lower().startswith("aws:"))
    return to_set, surplus if purge else []


def from_list(tags: list[dict[str, str]]) -> dict[str, str]:
    """A dictionary from IAM's list of ``{"Key", "Value"}``."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def to_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """IAM's list from a dictionary."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
