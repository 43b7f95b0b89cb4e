# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible puts around the words of an error on its way to the user."""

from __future__ import annotations

import re
from typing import Any

# Since ansible-core 2.19 an error has the way that it came, and at last which plugin of the collection raised it.
_WAY = re.compile(r"^.*The (?:filter|lookup) plugin 'apono\.eks\.\w+' failed: ", re.DOTALL)


def own_words(message: Any) -> str:
    """An error's message without the way that it came: in a table, that would be all there is room for."""
    return _WAY.sub("", "" if message is None else str(message))
