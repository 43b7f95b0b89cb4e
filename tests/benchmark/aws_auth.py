# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one edit of aws-auth costs, by the size of its text and for texts that nobody would write.

``python -m benchmark.aws_auth`` adds a role to each text in a process of its own. It prints CPU seconds, those for a
MiB, which stay the same where the cost is linear, and the most memory that the process had.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth

ARN = "arn:aws:iam::111122223333:role/"
ENTRY = aws_auth.RoleEntry(f"{ARN}apono-k8s-access", "{{SessionNameRaw}}")
# A little room for the new entry.
MOST = aws_auth.MOST_BYTES - 1024


def entries(number: int) -> str:
    item = "- rolearn: {}r{}\n  username: user-{}\n  groups: [view, edit]\n"
    return "".join(item.format(ARN, place, place) for place in range(number))


def filled(item: str) -> str:
    """A text at the limit of a ConfigMap."""
    return item * (MOST // len(item))


def shared(number: int) -> str:
    """Entries that share one list of groups by its anchor."""
    groups = ", ".join(f"group-{place}" for place in range(700))
    items = "".join(f"- rolearn: {ARN}r{place}\n  username: u\n  groups: *g\n" for place in range(number))
    return f"- rolearn: {ARN}first\n  username: u\n  groups: &g [{groups}]\n{items}"


TEXTS = {
    **{f"{number} entries": lambda number=number: entries(number) for number in (1000, 2000, 4000, 8000, 13_000)},
    "13000 entries of one role": lambda: filled(entries(1)),
    "500 entries, one anchor": lambda: shared(500),
    "JSON": lambda: json.dumps([{"rolearn": f"{ARN}{number}", "username": "u"} for number in range(13_000)]),
    "small items": lambda: filled("- a\n"),
    "small mappings": lambda: filled("- a: b\n"),
    "small lists": lambda: f"[{filled('[],')}]",
    "a list of words": lambda: f"[{filled('a,')}]",
    "anchors": lambda: filled("- &a b\n"),
    "comments": lambda: filled("#\n"),
    "one long text": lambda: f"- username: {'a ' * (MOST // 2 - 20)}\n",
    "a folded text": lambda: "- username: >\n" + filled("    a\n")[:-20],
    "nesting": lambda: filled("- " * 90 + "a\n"),
}


def measure(name: str) -> None:
    text = TEXTS[name]()
    start = time.process_time()
    try:
        aws_auth.with_role(text, ENTRY)
        result = ""
    except ResourceError as error:
        result = error.code
    seconds = time.process_time() - start
    mebibytes = len(text) / 2**20
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{name:<26} {mebibytes:5.2f} MiB {seconds:6.2f} s {seconds / mebibytes:7.2f} s/MiB {memory:5} MiB {result}")


def main() -> None:
    if sys.argv[1:]:
        measure(sys.argv[1])
        return
    for name in TEXTS:
        subprocess.run([sys.executable, "-m", "benchmark.aws_auth", name], check=True)


if __name__ == "__main__":
    main()
