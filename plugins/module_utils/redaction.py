# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that knows the secrets of a process, and the one that quotes what a service or a program said.

A secret is registered when it exists: a ``no_log`` option when it is read, credentials when AWS has answered, a token
when it is signed. Those of the environment are always known. A service may send a secret back in a form of its own, so
each is found in its literal, JSON, URL, HTML, Python and base64 form, also where one is inside another.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
import os
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "********"

# How much of a service's words is quoted, in characters.
QUOTED_LENGTH = 500
# What is behind it is not even read. A secret that it cuts is still known by its beginning.
LONGEST_QUOTED = 16384

# A service cuts what it quotes: this much of a secret's beginning is a secret.
SHORTEST_PART = 8
# A line of a secret of several lines, and a text in one that is JSON, is a secret of its own from this length.
SHORTEST_LINE = 16
# Below it, what base64 makes of a secret could be anything.
SHORTEST_BASE64 = 8

# The collections' and the AWS SDK's variables whose whole value is a secret.
SECRET_VARIABLES = (
    "APONO_API_TOKEN",
    "APONO_ASSUME_ROLE_EXTERNAL_ID",
    "APONO_PERSONAL_TOKEN",
    "APONO_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "EC2_SECRET_KEY",
    "EC2_SECURITY_TOKEN",
    "HELM_KUBETOKEN",
    "K8S_AUTH_API_KEY",
    "K8S_AUTH_PASSWORD",
)
# In any letter case. Of an address, user and password are secret.
ADDRESS_VARIABLES = re.compile(
    r"(?:https?|all|k8s_auth)_proxy|k8s_auth_host|aws_url|aws_endpoint_url\w*", re.IGNORECASE
)

# What is a secret wherever it is quoted, known or not: tokens of EKS, bearer tokens, signatures (Signature Version 4:
# "SigV4 authentication elements"), and user and password of an address.
SECRET_SHAPES = re.compile(
    r"k8s-aws-v1\.[A-Za-z0-9_=-]+"
    r"|(?<=bearer)(?:\s|%20|\+)+[^\s\"'\\,;<>]+"
    r"|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])"
    r"|(?<=://)[^\s/?#\"'<>@]+:[^\s\"'<>]*(?=@)",
    re.IGNORECASE,
)


def register(*values: Any) -> None:
    """Make every text in these values, of which some may be dictionaries or lists, a secret of this process and of
    those that it forks from now on. Numbers count as their text; empty values and booleans are none."""
    for text in texts(values):
        _REGISTERED.add(text)


def register_address(address: str) -> None:
    """Make user and password of an address secrets, also where they are not encoded as they should be."""
    register(*credentials_of(address))


def texts(value: Any) -> Iterator[str]:
    """The texts in a value, keys aside."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from texts(item)
    elif isinstance(value, bytes):
        yield from texts(value.decode(errors="replace"))
    elif value is not None and not isinstance(value, bool):
        # What is around it is no secret, and a service that quotes it may leave it out.
        text = str(value).strip()
        if text:
            yield text


def credentials_of(address: str) -> list[str]:
    """User and password of an address: together, the password, and what they are when they are decoded."""
    userinfo, found, _host = (
        address.partition("://")[2].rpartition("@") if "://" in address else address.rpartition("@")
    )
    if not found:
        return []
    user, _colon, password = userinfo.partition(":")
    secrets = [userinfo, password or user]
    return [text for secret in secrets for text in (secret, urllib.parse.unquote(secret)) if text]


def environment_secrets() -> list[str]:
    """The secrets in the environment, as it is now."""
    found = [text for name in SECRET_VARIABLES for text in texts(os.environ.get(name))]
    for name, value in os.environ.items():
        if ADDRESS_VARIABLES.fullmatch(name):
            found += credentials_of(value)
    return found


def known_secrets() -> list[str]:
    """What is a secret now: what was registered, and the environment's."""
    return list(dict.fromkeys((*_REGISTERED.texts, *environment_secrets())))


def known() -> tuple[Secrets, Secrets]:
    """The secrets of :func:`known_secrets`, ready to be found in texts."""
    return _REGISTERED, secrets_of(tuple(environment_secrets()))


def redact(value: Any) -> Any:
    """A copy of a text, or of dictionaries and lists of texts, with a mask in the place of each secret."""
    alike = [group for secrets in known() for group in tuple(secrets.whole.values())]
    return _redacted(value, alike) if alike else value


def _redacted(value: Any, secrets: list[Alike]) -> Any:
    if isinstance(value, str):
        return masked(value, (span for alike in secrets for span in alike.spans(value)))
    if isinstance(value, dict):
        return {key: _redacted(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(item, secrets) for item in value]
    return value


def censor(text: str) -> str:
    """A text from outside with a mask in the place of each secret, of its beginning, of its lines, and of what looks
    like a credential. What is very long is cut."""
    text = text[:LONGEST_QUOTED]
    indexes = [index for secrets in known() for index in (secrets.whole, secrets.parts)]
    spans = [span for index in indexes for alike in tuple(index.values()) for span in alike.spans(text, SHORTEST_PART)]
    spans += [match.span() for match in SECRET_SHAPES.finditer(text)]
    return masked(text, spans)


def quote(words: Any, limit: int = QUOTED_LENGTH) -> str:
    """Words of a service or a program as they may be shown: censored, then made printable on one line, then cut."""
    text = one_line(censor(str(words)))
    return text if len(text) <= limit else f"{text[:limit].rstrip()}…"


def explanation(decoded: Any, body: bytes, content_type: str | None, *keys: str) -> str:
    """What an answer says in words: a JSON object under the first of these keys that it has, or a plain text. Anything
    else, such as the page of a proxy, is not quoted: what is in it cannot be known."""
    if isinstance(decoded, dict):
        words = next((decoded[key] for key in keys if decoded.get(key)), "")
    else:
        is_plain = (content_type or "").partition(";")[0].strip().lower() == "text/plain"
        words = body.decode(errors="replace").strip() if is_plain else ""
    return quote(words) if words else "no explanation"


def masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A text with a mask for each of these spans, one where they overlap."""
    result, end = [], 0
    last = -1
    for start, stop in sorted(spans):
        if start > last:
            result += [text[end:start], MASK]
        last = max(last, stop)
        end = last
    return "".join((*result, text[end:])) if result else text


def printable(text: str) -> str:
    """A text that is no more than text on a terminal, lines and tabs included: without control characters, escape
    sequences, marks of direction, and what is invisible."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n\t" else " " if character.isspace() else "?"
        for character in text
    )


def one_line(text: str) -> str:
    """As :func:`printable`, on one line."""
    return printable(" ".join(text.split()))


# The characters of a secret. Backslashes are one with the next: in an encoding they merge with its own. Blanks are one
# too, with each plus beside them, which may stand for a blank.
UNIT = re.compile(r"[\s+\\]*\s[\s+\\]*|\\*[^\\\s]|\\+")


class Secret:
    """One form of a secret, found wherever it is encoded in one of the ways of :func:`encodings`."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def start(self) -> tuple[str, ...]:
        """Its first units."""
        return tuple(match[0] for match in itertools.islice(UNIT.finditer(self.text), SHORTEST_PART))

    @functools.cached_property
    def units(self) -> list[str]:
        return UNIT.findall(self.text)

    def follow(self, text: str, start: int) -> tuple[int, int]:
        """How many units from the first are in a text at this position, and where they end. Two apostrophes are two,
        and one that is doubled: each end that a unit may have is followed."""
        ends = {start}
        for count, characters in enumerate(self.units):
            further = {end for at in ends for end in unit_ends(characters, text, at)}
            if not further:
                return count, max(ends)
            ends = further
        return len(self.units), max(ends)


class Alike:
    """Secrets with the same first units, as all tokens of EKS have: a text is searched once for all of them, so that a
    fleet may have many."""

    def __init__(self, start: tuple[str, ...]) -> None:
        # No encoding that is met changes letters and digits of ASCII, so most texts need no further look.
        self.anchor = max(re.findall(r"[A-Za-z0-9]+", "".join(start)[:SHORTEST_PART]), key=len, default="")
        self.units = start
        self.secrets: list[Secret] = []

    @functools.cached_property
    def start(self) -> re.Pattern[str]:
        return re.compile("".join(map(unit_pattern, self.units)))

    def spans(self, text: str, shortest: int | None = None) -> Iterator[tuple[int, int]]:
        """Where one of the secrets is in a text, or its beginning from this number of units."""
        if self.anchor not in text:
            return
        # How far each secret is looked for already.
        positions: dict[Secret, int] = {}
        position = 0
        while match := self.start.search(text, position):
            positions = positions or dict.fromkeys(tuple(self.secrets), 0)
            for secret, reached in positions.items():
                if reached <= match.start():
                    count, end = secret.follow(text, match.start())
                    found = count >= min(shortest or len(secret.units), len(secret.units))
                    if found:
                        yield match.start(), end
                    positions[secret] = max(end if found else 0, match.start() + 1)
            position = min(positions.values())


class Secrets:
    """Secrets by their first units. Threads may add to them while others look: what each step does is atomic."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.texts: dict[str, None] = {}
        self.whole: dict[tuple[str, ...], Alike] = {}
        # The lines and texts that they are made of.
        self.parts: dict[tuple[str, ...], Alike] = {}
        for text in secrets:
            self.add(text)

    def add(self, text: str) -> None:
        if text not in self.texts:
            for index, forms in ((self.whole, forms_of(text)), (self.parts, parts_of(text))):
                for form in map(Secret, forms):
                    start = form.start
                    index.setdefault(start, Alike(start)).secrets.append(form)
            self.texts[text] = None


_REGISTERED = Secrets()


@functools.lru_cache(maxsize=16)
def secrets_of(texts_of_secrets: tuple[str, ...]) -> Secrets:
    return Secrets(texts_of_secrets)


def unit_ends(characters: str, text: str, start: int) -> Iterator[int]:
    """Where a unit that begins at this position of a text may end."""
    pattern = unit(characters)
    if longest := pattern.match(text, start):
        yield longest.end()
        yield from (end for end in range(start + 1, longest.end()) if pattern.fullmatch(text, start, end))


@functools.lru_cache(maxsize=1024)
def unit(characters: str) -> re.Pattern[str]:
    return re.compile(unit_pattern(characters))


# How many backslashes an escape begins with: one inside another doubles them. Four deep are enough, and without a bound
# a text of backslashes alone would take forever.
DEEPEST = 15
NAMED_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\0": "0"}
NAMED_ENTITIES = {'"': "quot", "'": "apos", "&": "amp", "<": "lt", ">": "gt", "\xa0": "nbsp"}


@functools.lru_cache(maxsize=1024)
def unit_pattern(characters: str) -> str:
    """A pattern of what is a unit of a secret, in any encoding."""
    if any(map(str.isspace, characters)):
        # Blanks may have become fewer, and a line may have been indented. Backslashes, which most encodings begin
        # with, are looked for last.
        found = "|".join(map(encodings, sorted(dict.fromkeys(characters), key="\\".__eq__)))
        return rf"(?:{found}|\s|\+|%(?:25)*2[Bb]){{1,100}}"
    text = characters.lstrip("\\")
    before = f"(?:{encodings(characters[0])}){{1,{DEEPEST}}}" if len(text) < len(characters) else ""
    if text.isascii() and text.isalnum():
        return before + text
    return f"{before}(?:{encodings(text)})" if text else before


def encodings(character: str) -> str:
    """Alternatives of a pattern: the character itself, and as JSON, JavaScript, Python, YAML, Go and shells escape it,
    URLs, HTML and XML."""
    code, utf8 = ord(character), character.encode(errors="surrogatepass")
    utf16 = character.encode("utf-16-be", errors="surrogatepass")
    escape = rf"\\{{1,{DEEPEST}}}"
    escapes = [
        rf"u\{{0{{0,8}}{code:x}\}}",
        rf"U{code:08x}",
        escape.join(rf"u{utf16[at : at + 2].hex()}" for at in range(0, len(utf16), 2)),
        escape.join(rf"x{byte:02x}" for byte in utf8),
        *([rf"x{code:02x}"] if code < 256 else ()),
    ]
    others = [
        "".join(rf"%(?:25)*{byte:02x}" for byte in utf8),
        rf"&(?:amp;)*#0{{0,8}}{code};",
        rf"&(?:amp;)*#x0{{0,8}}{code:x};",
        *([rf"&(?:amp;)*{NAMED_ENTITIES[character]};"] if character in NAMED_ENTITIES else ()),
    ]
    named = f"|{NAMED_ESCAPES[character]}" if character in NAMED_ESCAPES else ""
    shells = r"|'\\''|'\"'\"'|''" if character == "'" else ""
    plain = f"(?i:{'|'.join(others)}){shells}|{re.escape(character)}"
    # Backslashes before a backslash are its own.
    literal = plain if character == "\\" else rf"\\{{0,{DEEPEST}}}(?:{plain})"
    return f"{escape}(?:(?i:{'|'.join(escapes)}){named})|{literal}"


def forms_of(secret: str) -> Iterable[str]:
    """A secret as it is, and in base64, at each of the three places that it may have in what is encoded."""
    found = {secret: None}
    sources = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    sources |= {urllib.parse.quote(secret, errors="replace", safe=safe) for safe in ("", "/")}
    sources.add(urllib.parse.quote_plus(secret, errors="replace"))
    for source in sources:
        data = source.encode(errors="replace")
        for before in range(3):
            encoded = base64.b64encode(bytes(before) + data).decode()
            # Without the characters that depend on what is before and behind.
            core = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
            if len(core) >= SHORTEST_BASE64:
                found[core] = None
                found[core.translate(str.maketrans("+/", "-_"))] = None
    return found


def parts_of(secret: str) -> Iterable[str]:
    """The lines of a secret, and of one that is JSON its texts, as far as they are long."""
    found = dict.fromkeys(line.strip() for line in secret.splitlines()[1:])
    if secret.lstrip().startswith(("{", "[")):
        try:
            decoded = list(texts(json.loads(secret)))
        except (ValueError, RecursionError):
            decoded = []
        found.update(dict.fromkeys(line.strip() for text in decoded for line in (text, *text.splitlines())))
    return [text for text in found if len(text) >= SHORTEST_LINE]
