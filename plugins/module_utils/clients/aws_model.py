# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the input of planned calls by AWS's service models, which are a part of botocore.

botocore itself checks types and minima only. It leaves lengths and patterns to the service, which would refuse a call
in the middle of a run. These checks run before the first write.
"""

from __future__ import annotations

import contextlib
import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import data_loader
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resource import Change

# clients/aws.py reports a missing botocore.
with contextlib.suppress(ImportError):
    import botocore.model

# A class of characters by Unicode category, such as \p{L}. Patterns of the models have it, Python's patterns do not.
_CATEGORY = re.compile(r"\\p\{(\w+)\}")

# The rules for policies check these, and their errors name the statement. A pattern's error would name a character.
_DOCUMENTS = ("PolicyDocument", "AssumeRolePolicyDocument")
# The members for which option_name() does not return the name of the option.
_OPTIONS = {"ClientID": "client_ids", "ClientIDList": "client_ids"}


def refused_inputs(service: str, changes: Iterable[Change], what: str) -> Iterator[ResourceError]:
    """Yield an error for each value that the model of ``service`` refuses, without repetitions.

    :param changes: planned calls of the service.
    :param what: the object, for the error message.
    """
    found: dict[str, None] = {}
    for change in changes:
        shape = input_shape(service, change.operation)
        found.update(dict.fromkeys(violations(shape, change.arguments)))
    for text in found:
        yield ResourceError(f"{what}: {text}", service=service, code="ValidationError")


@functools.cache
def input_shape(service: str, operation: str) -> Any:
    """Return botocore's shape of the input of an operation such as ``create_role``."""
    model = botocore.model.ServiceModel(data_loader().load_service_model(service, "service-2"), service)
    names = {name.lower(): name for name in model.operation_names}
    return model.operation_model(names[operation.replace("_", "")]).input_shape


def violations(shape: Any, value: Any, option: str = "") -> Iterator[str]:
    """Yield the problems that a shape finds in a value, as sentences that name the option.

    :param option: the option that has the value; without it, the option of each member.
    """
    if value is None:
        return
    kind = shape.type_name
    if kind == "structure":
        for name, member in shape.members.items():
            if name in value and name not in _DOCUMENTS:
                yield from violations(member, value[name], option or option_name(name))
    elif kind == "list":
        for item in value:
            yield from violations(shape.member, item, option)
    elif kind == "map":
        for key, item in value.items():
            yield from violations(shape.key, key, option)
            yield from violations(shape.value, item, option)
    elif kind == "string":
        yield from text_violations(shape.metadata, str(value), option)


def text_violations(metadata: dict[str, Any], text: str, option: str) -> Iterator[str]:
    """Yield the problem that the length or the pattern of a shape finds in a text, as a sentence."""
    most, least, pattern = metadata.get("max"), metadata.get("min", 0), metadata.get("pattern")
    if most is not None and len(text) > most:
        yield f"{option} has a text of {len(text)} characters, and AWS allows {most}. Shorten the text {text[:40]!r}…."
    elif len(text) < least:
        yield (
            f"{option} has a text of {len(text)} characters, and AWS requires at least {least}. Lengthen the text "
            f"{text!r}."
        )
    elif pattern and not matches(pattern, text):
        wrong = [character for character in dict.fromkeys(text) if not matches(pattern, character)]
        # If the text matches without these characters, the pattern is a set of characters that does not have them.
        if matches(pattern, "".join(character for character in text if character not in wrong)) and wrong:
            shown = ", ".join(f"{ascii(character)} ({unicodedata.name(character, 'no name')})" for character in wrong)
            yield f"{option} {text!r} has characters that AWS does not accept: {shown}. Replace them."
        else:
            yield f"{option} {text!r} does not match the pattern that AWS requires: {pattern}. Correct it."


def matches(pattern: str, text: str) -> bool:
    """Whether a whole text matches a pattern of a service model.

    For a pattern that Python cannot read, this is true, so that the service decides.
    """

    def of_category(found: re.Match[str]) -> str:
        return "".join(
            re.escape(character) for character in set(text) if unicodedata.category(character).startswith(found[1])
        )

    try:
        return bool(re.fullmatch(_CATEGORY.sub(of_category, pattern), text, re.ASCII))
    except re.error:
        return True


def option_name(member: str) -> str:
    """Return the option of a member of an input: ``permissions_boundary`` for ``PermissionsBoundary``."""
    return _OPTIONS.get(member) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", member).lower()
