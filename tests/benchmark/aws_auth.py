# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the cost of one edit of aws-auth, by the size of its text and for extreme texts.

``python -m benchmark.aws_auth`` adds a role to each text at three sizes, in a separate process. It prints CPU seconds
and peak memory. If the cost is linear, the CPU seconds double with the size. The program fails if an edit costs more
than the limit of the collection.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth

ARN = "arn:aws:iam::111122223333:role/"
ENTRY = aws_auth.RoleEntry(f"{ARN}apono-k8s-access", "{{SessionNameRaw}}")
# Leaves room for the new entry.
MOST = aws_auth.MOST_BYTES - 1024
SIZES = (MOST // 4, MOST // 2, MOST)
# The maximum cost of one edit on an unloaded machine.
MOST_SECONDS, MOST_MEBIBYTES = 3.0, 300

Text = Callable[[int], str]


def filled(item: str, head: str = "", tail: str = "") -> Text:
    """Return a function that repeats one item up to the size."""
    return lambda size: head + item * ((size - len((head + tail).encode())) // len(item.encode())) + tail


def numbered(item: str, head: str = "", tail: str = "") -> Text:
    """Return a function that repeats an item with a new number up to the size."""

    def text(size: int) -> str:
        parts, length, place = [head], len(head) + len(tail), 0
        while True:
            part = item.replace("#", str(place))
            length += len(part)
            if length > size:
                return "".join([*parts, tail])
            parts.append(part)
            place += 1

    return text


def nested(opening: str, closing: str, deepest: int) -> Text:
    """Return a function that nests items to a depth, up to the size."""
    return lambda size: f"[{(opening * deepest + closing * deepest + ',') * (size // (deepest * 2 + 1) or 1)}]"[:size]


# Typical texts of entries, at the size limit of a ConfigMap.
ENTRIES: dict[str, Text] = {
    "entries": numbered(f"- rolearn: {ARN}r#\n  username: user-#\n  groups: [view, edit]\n"),
    "entries in block style": numbered(f"- rolearn: {ARN}r#\n  username: user-#\n  groups:\n  - view\n  - edit\n"),
    "quoted entries": numbered(
        f'- "rolearn": "{ARN}r#"\n  "username": "user-#"\n  "groups":\n  - "view"\n  - "edit"\n'
    ),
    "JSON": lambda size: json.dumps(
        [{"rolearn": f"{ARN}{n}", "username": "{{SessionName}}", "groups": ["view"]} for n in range(size // 105)]
    ),
    "compact JSON": lambda size: json.dumps(
        [{"rolearn": f"{ARN}{n}", "username": "{{SessionName}}", "groups": ["view"]} for n in range(size // 99)],
        separators=(",", ":"),
    ),
    "entries of one role": filled(f"- rolearn: {ARN}r\n  username: u\n  groups: [view, edit]\n"),
    "entries of ours": filled(f"- rolearn: {ARN}apono-k8s-access\n  username: u\n"),
    "entries of one anchor": numbered(
        f"- rolearn: {ARN}r#\n  username: u\n  groups: *g\n", f"- rolearn: {ARN}r\n  groups: &g [{'group, ' * 20}]\n"
    ),
}

# Texts that no user would write. A whole ConfigMap of most of them is an error, because it has too many tokens.
NASTY: dict[str, Text] = {
    **{
        repr(item): filled(item)
        for item in (
            *("-\n", "- a\n", "- a\n b\n", "- a b # c\n", "- 1.5\n", "- ''\n", '- "\\n"\n'),
            *("- |\n", "- |\n a\n", "- >\n a\n", "- a: |\n   b\n", "#\n", "- a\n# b\n", "- a\x85"),
            *("- {}\n", "- []\n", "- a:\n", "- - a\n", "- -\n", "- - - - a\n", "- a: b\n", "- a: b\r", "- a:\n  - b\n"),
            *("- {a}\n", "- [a]\n", "- {a: {}}\n", "- ? a\n", "- 5: a\n", "- 'a': b\n", "- \u00e9\n"),
            *("- &a b\n", "- &a {}\n", "- &a !b {}\n", "- !a b\n", "- !!str a\n", "- !%41 a\n", "- !!binary aaaa\n"),
            *("- <<: {}\n", "- <<: {a: b}\n", "- .inf\n", "- .5: a\n", "- sso: {}\n", "- rolearn: a\n", "- rolearn:\n"),
            *("- \u017f\u017fo: a\n", "- {rolearn: a}\n", "- groups:\n"),
        )
    },
    **{
        f"[{item}": filled(item, "[", "a]")
        for item in ("a,", "{},", "[],", "{a},", "a: b,", "a: ,", "? a,", "&a ,", "!!str ,", "'',")
    },
    **{f"{{{item}": filled(item, "- {", "}") for item in ("a,", "a: b,", "a: {},", "? a,")},
    "aliases": filled("- *a\n", "- &a b\n"),
    "merged aliases": filled("- {<<: *a}\n", "- &a {rolearn: a, groups: [x, y]}\n"),
    "a list of merges": filled("*a,", "- &a {a: b}\n- <<: [", "]\n"),
    "merges of merges": lambda size: (
        "- " + "".join(f"{{a{n}: b, <<: " for n in range(size // 120)) + "{}" + "}" * (size // 120)
    ),
    "anchors": numbered("- &a# b\n- *a#\n"),
    "keys": numbered("a#: b,", "- {", "}"),
    "fields in several spellings": filled("  rolearn: b\n  ROLEARN: b\n  Rolearn: b\n", "- a: b\n"),
    "a long text": filled("a ", "- "),
    "a long text of colons": filled(":", "- a", "a"),
    "a long text of lines": filled("a\n\n ", "- "),
    "a long quoted text": filled("\\n", '- "', '"'),
    "a long text of quotes": filled("''", "- '", "'"),
    "a long text of empty lines": filled("\n ", "- '", "'"),
    "a literal text": filled("  a\n", "- |\n"),
    "a literal text of empty lines": filled("\n", "- |\n"),
    "a folded text": filled("    a\n", "- username: >\n"),
    "quotes without end": filled("- 'a\n"),
    "digits": filled("1", "- 0x"),
    "nested lists": filled("- " * 90 + "a\n"),
    "lists nested deep": nested("[", "]", 9000),
    "mappings nested deep": nested("{a: ", "}", 3000),
    "brackets without end": filled("["),
    "documents": filled("---\n", "- a\n"),
}  # fmt: skip

TEXTS = ENTRIES | NASTY


def measure(name: str, size: int) -> tuple[float, int, str]:
    """Return the CPU seconds and MiB of one edit, and the error code if the edit fails."""
    text = TEXTS[name](size)
    start = time.process_time()
    try:
        aws_auth.with_role(text, ENTRY)
        result = ""
    except ResourceError as error:
        result = error.code
    seconds = time.process_time() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, result


def measured_alone(name: str, size: int) -> tuple[float, int, str]:
    """Run :func:`measure` in a separate process."""
    command = [sys.executable, "-m", "benchmark.aws_auth", name, str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, mebibytes, result = json.loads(done.stdout)
    return seconds, mebibytes, result


def main() -> None:
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
        return
    print(f"{'':<34}" + "".join(f"{size // 1024:6} KiB" for size in SIZES) + "   memory")
    too_much = []
    for name in TEXTS:
        costs = [measured_alone(name, size) for size in SIZES]
        mebibytes, result = costs[-1][1:]
        print(
            f"{name:<34}" + "".join(f"{cost[0]:8.2f} s" for cost in costs) + f"{mebibytes:5} MiB {result}", flush=True
        )
        if costs[-1][0] > MOST_SECONDS or mebibytes > MOST_MEBIBYTES:
            too_much.append(name)
    if too_much:
        sys.exit(f"These edits exceed {MOST_SECONDS:.0f} s or {MOST_MEBIBYTES} MiB: {', '.join(too_much)}")


if __name__ == "__main__":
    main()
