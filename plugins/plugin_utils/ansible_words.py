# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove the text that Ansible adds to the message of an error."""

from __future__ import annotations

import re
from typing import Any

# Since ansible-core 2.19, the message of an error begins with the chain of its causes. The last one names the plugin
# of the collection that raised it.
_CAUSES = re.compile(r"^.*The (?:filter|lookup) plugin 'apono\.eks\.\w+' failed: ", re.DOTALL)


def own_words(message: Any) -> str:
    """Return the message without the chain of causes, which would fill the column of a table."""
    return _CAUSES.sub("", "" if message is None else str(message))
