# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath expressions (https://jmespath.org), the language of ``aws --query``, in options of users.

The expression is the user's; what it is applied to is data, whatever is in it.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import one_line, quote

try:
    # botocore needs it, so it is there wherever AWS can be called.
    import jmespath
except ImportError:
    jmespath = None

# The code of the error of an expression that cannot be evaluated.
WRONG_QUERY = "WrongQuery"


class Query:
    """One expression of the user's, named by the option that has it.

    Raises :class:`ResourceError`, which names the option, for what is no expression.
    """

    def __init__(self, expression: str, option: str) -> None:
        self.expression, self.option = expression, option
        if jmespath is None:
            raise ResourceError(f"{option} needs the Python package jmespath: install it for the Python of Ansible.")
        try:
            self.compiled = jmespath.compile(expression)
        except (jmespath.exceptions.JMESPathError, RecursionError) as error:
            raise self.wrong(f"is no JMESPath expression: {quote(one_line(str(error)))}") from None

    def wrong(self, words: str) -> ResourceError:
        return ResourceError(
            f"{self.option} {self.expression!r} {words}. See https://jmespath.org/specification.html.", code=WRONG_QUERY
        )

    def of(self, document: Any, what: str) -> Any:
        """What the expression gives for a document, in JSON's types; ``what`` is the document in an error's words.

        Raises :class:`ResourceError` where it cannot be evaluated, as of a function that is given ``null``.
        """
        try:
            return self.compiled.search(document)
        except (jmespath.exceptions.JMESPathError, ArithmeticError, TypeError, RecursionError) as error:
            raise self.wrong(f"cannot be evaluated for {what}: {quote(one_line(str(error)))}") from None

    def accepts(self, document: Any, what: str) -> bool:
        """Whether the expression is true of a document, as JMESPath sees it: false, null and what is empty are not, and
        every number is."""
        found = self.of(document, what)
        return found is not None and found is not False and found not in ("", [], {})


def as_json(answer: Any) -> Any:
    """An answer of botocore as ``aws`` prints it and ``--query`` reads it: times are text in ISO 8601."""
    return json.loads(json.dumps(answer, default=text_of_time))


def text_of_time(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)
