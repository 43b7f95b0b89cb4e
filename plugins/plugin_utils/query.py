# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluate JMESPath expressions (https://jmespath.org) of users. ``aws --query`` uses the same language.

Only the expression of the user is evaluated. The document is data, and no text in it is evaluated.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import one_line, quote

try:
    # botocore depends on jmespath, so it is installed wherever the collection can call AWS.
    import jmespath
except ImportError:
    jmespath = None

# The code of the error of an expression that cannot be evaluated.
WRONG_QUERY = "WrongQuery"


class Query:
    """One expression of a user.

    :param option: the option with the expression, which errors name.

    Raises :class:`ResourceError` if the text is not an expression.
    """

    def __init__(self, expression: str, option: str) -> None:
        self.expression, self.option = expression, option
        if jmespath is None:
            raise ResourceError(f"{option} needs the Python package jmespath. Install it for the Python of Ansible.")
        try:
            self.compiled = jmespath.compile(expression)
        except (jmespath.exceptions.JMESPathError, RecursionError) as error:
            raise self.wrong(f"is not a JMESPath expression: {quote(one_line(str(error)))}") from None

    def wrong(self, words: str) -> ResourceError:
        return ResourceError(
            f"{self.option} {self.expression!r} {words}. See https://jmespath.org/specification.html.", code=WRONG_QUERY
        )

    def of(self, document: Any, what: str) -> Any:
        """Return the value of the expression for a document in the types of JSON.

        :param what: the document in the words of an error.

        Raises :class:`ResourceError` if the expression cannot be evaluated, for example if a function gets ``null``.
        """
        try:
            return self.compiled.search(document)
        except (jmespath.exceptions.JMESPathError, ArithmeticError, TypeError, RecursionError) as error:
            raise self.wrong(f"cannot be evaluated for {what}: {quote(one_line(str(error)))}") from None

    def accepts(self, document: Any, what: str) -> bool:
        """Return whether the expression is true for a document.

        In JMESPath, false, null and empty values are false. Every number is true.
        """
        found = self.of(document, what)
        return found is not None and found is not False and found not in ("", [], {})


def as_json(answer: Any) -> Any:
    """Return an answer of botocore in the types of JSON, as ``aws --query`` reads it. Times are text in ISO 8601."""
    return json.loads(json.dumps(answer, default=text_of_time))


def text_of_time(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)
