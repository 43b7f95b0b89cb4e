# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret is visible in a text, in any encoding and with any truncation."""

from __future__ import annotations

import base64
import html
import itertools
import json
import time
import urllib.parse

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils import redaction
from ansible_collections.apono.eks.plugins.module_utils.redaction import MASK, quote, redact, register
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaDGV1LWNlbnRyYWwtMSJHMEUCIQ=="
PEM = (
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC+/8=\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
    "-----END PRIVATE KEY-----\n"
)
KEY_FILE = json.dumps({"type": "service_account", "private_key": PEM, "client_email": "robot@example.com"}, indent=2)
AWKWARD = "pässwörd \"quoted\" 'single' back\\slash\\n tab\there € 😀 <&> 100% a/b+c"

FORMS = {
    "literal": str,
    "json": json.dumps,
    "json-unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "json-in-json": lambda text: json.dumps(json.dumps({"body": text})),
    "json-in-json-in-json": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "go": lambda text: json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    "php": lambda text: json.dumps(text).replace("/", "\\/"),
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "url-path": urllib.parse.quote,
    "form": urllib.parse.quote_plus,
    "url-in-url": lambda text: urllib.parse.quote(urllib.parse.quote_plus(text)),
    "lower-case-url": lambda text: urllib.parse.quote(text, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
    "html": html.escape,
    "json-in-html-in-html": lambda text: html.escape(html.escape(json.dumps(text))),
    "python": repr,
    "python-bytes": lambda text: repr(text.encode()),
    "python-ascii": ascii,
    "yaml": lambda text: yaml.safe_dump(text, default_style='"', width=float("inf")),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-behind-one": lambda text: base64.b64encode(b"u:" + text.encode() + b"\n").decode(),
    "base64-behind-two": lambda text: base64.b64encode(b"x" + text.encode()).decode(),
    "base64-url-safe": lambda text: base64.urlsafe_b64encode(b"x" + text.encode()).decode(),
    "json-in-base64": lambda text: base64.b64encode(json.dumps({"a": text}).encode()).decode(),
    "base64-in-url": lambda text: urllib.parse.quote(base64.b64encode(text.encode()).decode(), safe=""),
}


def shows(text: str, secret: str) -> bool:
    """Return whether eight consecutive letters and digits of the secret, or their base64, are in the text."""
    runs = [run for run in "".join(c if c.isascii() and c.isalnum() else " " for c in secret).split() if len(run) >= 8]
    return any(run[at : at + 8] in text for run in runs for at in range(0, len(run) - 7))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [TOKEN, PEM, KEY_FILE, AWKWARD], ids=["token", "pem", "key-file", "awkward"])
def test_each_form_of_a_secret_is_masked(secret, form):
    register(secret)
    text = f"before {FORMS[form](secret)} behind"
    for shown in (redact(text), quote(text)):
        assert MASK in shown
        assert shown.startswith("before ")
        assert not shows(shown, secret)
        assert "pässwörd" not in shown
    if "base64" not in form:
        assert redact(text).endswith(" behind")
        # The text around the secret remains.
        assert len(redact(text)) < len("before  behind") + len(MASK) + 25


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [TOKEN, PEM, AWKWARD], ids=["token", "pem", "awkward"])
def test_a_secret_that_a_service_has_cut_is_masked_too(secret, form):
    register(secret)
    encoded = FORMS[form](secret)
    for length in range(12, len(encoded), 7):
        shown = quote(f"Authorization: {encoded[:length]}")
        # Fewer than eight characters can remain of its beginning, or of an encoded form that the truncation has broken.
        assert len(shown) <= len("Authorization: ") + 35, (length, shown)
        assert not shows(shown, secret)


CHARACTERS = st.one_of(
    st.sampled_from("abXY019 \n\t\r\\\\\\nrtux\"'`$<>&;%+/=-_:@#.,{}"),
    st.characters(exclude_categories=("C", "Z")),
)


@example(secret="00000000 +", form="literal", around=("", ""))
@example(secret="0000000+ \\+", form="literal", around=("", ""))
@example(secret="00000000''", form="literal", around=("", ""))
@example(secret="00000000%2500", form="literal", around=("", ""))
@example(secret="00000000\n\\n0", form="json", around=("", ""))
@given(
    secret=st.text(CHARACTERS, min_size=10, max_size=60).map(str.strip).filter(lambda text: len(text) >= 9),
    form=st.sampled_from(list(FORMS)),
    around=st.tuples(st.text(max_size=5), st.text(max_size=5)),
)
@settings(
    max_examples=6 * settings.default.max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_secret_in_any_form_is_masked(monkeypatch, secret, form, around):
    monkeypatch.setattr(redaction, "_REGISTERED", redaction.Secrets())
    register(secret)
    text = around[0] + FORMS[form](secret) + around[1]
    for shown in (redact(text), quote(text, limit=5000)):
        assert MASK in shown
        assert not shows(shown, secret)
        # Quotation marks with their escapes, the text around them, and in base64 the characters that share a byte with
        # it.
        assert len(shown) <= len("".join(around)) + len(MASK) + 44


def test_it_is_censored_before_it_is_cut():
    register(TOKEN)
    for before in range(440, 520):
        assert "IQoJb3Jp" not in quote("x" * before + TOKEN)
    assert len(quote("x" * 5000)) == redaction.QUOTED_LENGTH + 1


def test_lines_and_texts_of_a_secret_are_secrets():
    register(PEM, KEY_FILE)
    assert quote("bad line: BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj!") == f"bad line: {MASK}!"
    assert quote("unknown robot@example.com") == f"unknown {MASK}"
    # In the result of a task, only the whole secret counts.
    assert redact({"owner": "robot@example.com"}) == {"owner": "robot@example.com"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token k8s-aws-v1.aHR0cHM6Ly9zdHMuZXU_-x is bad", f"token {MASK} is bad"),
        ("Authorization: Bearer eyJhbGciOi.J9 and more", f"Authorization: Bearer{MASK} and more"),
        ("'authorization': 'bearer eyJhbGciOi.J9'", f"'authorization': 'bearer{MASK}'"),
        ("Signature=" + "0123456789abcdef" * 4, f"Signature={MASK}"),
        ("proxy http://ops:pa#ss@proxy:3128 failed", f"proxy http://{MASK}@proxy:3128 failed"),
    ],
)
def test_what_looks_like_a_credential_is_not_quoted(text, shown):
    assert quote(text) == shown


def test_credentials_of_the_environment_are_secrets(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("https_proxy", "http://ops:pa#s/s%20word@proxy:3128")
    assert redact(["x " + TOKEN]) == [f"x {MASK}"]
    assert redact("auth pa#s/s%20word, pa#s/s word") == f"auth {MASK}, {MASK}"
    assert redact(base64.b64encode(b"ops:pa#s/s word").decode()).count(MASK) == 1


def test_of_several_secrets_that_overlap_nothing_is_left():
    register("abcdefgh", "efghijkl", "abcd")
    assert redact({"a": ["abcdefghijkl", 1, True, None], "b": "abcd"}) == {"a": [MASK, 1, True, None], "b": MASK}


# As many tokens as a fleet has. They have a common beginning and the length of EKS tokens.
FLEET_TOKENS = [
    f"k8s-aws-v1.aHR0cHM6Ly9zdHMuZXUtY2VudHJhbC0x{number:05}{'LmFtYXpvbmF3cy5jb20' * 20}" for number in range(1000)
]


def test_each_token_of_a_fleet_is_masked():
    register(*FLEET_TOKENS)
    for token in (FLEET_TOKENS[0], FLEET_TOKENS[517], FLEET_TOKENS[-1]):
        encoded = base64.b64encode(f"x{token}".encode()).decode()
        shown = redact([f"a {token} b", f"{token}{token[:30]}", encoded, "apono-k8s-access"])
        assert shown[0] == f"a {MASK} b"
        assert shown[1] == f"{MASK}{token[:30]}"
        assert len(shown[2]) < len(MASK) + 8
        assert shown[3] == "apono-k8s-access"
        assert quote(f"cut {token[:-10]}") == f"cut {MASK}"


def test_of_secrets_that_begin_alike_each_is_masked_where_they_overlap():
    register("abababababX", "ababababY")
    assert redact("ababababababX abababababY") == f"ab{MASK} ab{MASK}"
    assert redact("ababababYabababababX") == MASK


def test_a_text_is_searched_once_for_all_tokens_of_a_fleet():
    register(FLEET_TOKENS[0])
    searches = len(redaction._REGISTERED.whole.groups)
    register(*FLEET_TOKENS)
    assert len(redaction._REGISTERED.whole.groups) == searches
    # The repeated registration of a token is cheap, too.
    held = [len(alike.secrets) for alike in redaction._REGISTERED.whole.groups]
    register(*FLEET_TOKENS)
    assert [len(alike.secrets) for alike in redaction._REGISTERED.whole.groups] == held


def test_a_thread_can_register_secrets_while_another_one_searches(at_garbage_collections):
    collections = itertools.count()

    def register_sometimes():
        number = next(collections)
        if number % 7 == 0 and number < 7 * 300:
            register(f"{number:04}-geheim")

    at_garbage_collections(register_sometimes)
    while len(redaction.known_secrets()) < 300:
        assert [redact("no secret"), quote("no secret")] == ["no secret"] * 2
    assert [secret for secret in redaction.known_secrets()[::10] if redact(secret) != MASK] == []


def test_numbers_are_secrets_and_booleans_are_none():
    register({"port": 483920, "on": True, "nothing": None, "empty": " "})
    assert redact("port 483920 is True, None") == f"port {MASK} is True, None"


@pytest.mark.parametrize(
    ("decoded", "content_type", "words"),
    [
        ({"message": "no\x1b[31m such\nthing\u202e"}, "application/json", "no?[31m such thing?"),
        ({"error": "second"}, "application/json", "second"),
        ({"other": "unknown"}, "application/json", "no explanation"),
        (["no", "object"], "application/json", "no explanation"),
        (None, "text/html", "no explanation"),
        (None, None, "no explanation"),
        (None, "text/plain; charset=utf-8", "the body"),
    ],
)
def test_only_what_is_understood_is_quoted(decoded, content_type, words):
    assert redaction.explanation(decoded, b"the body", content_type, "message", "error") == words


@pytest.mark.parametrize("filler", ["\\", " ", "-", "%25", "&amp;", "&#000", "a", '\\"', "\n", "'"])
@pytest.mark.parametrize("secret", ['\\\\"-\\a secret/+ one', "-----BEGIN a", "        'aaaaaaaab", "a" * 2000 + "b"])
def test_no_text_makes_it_take_long(secret, filler):
    register(secret)
    began = time.process_time()
    quote("a secret BEGIN " + filler * 20000)
    assert time.process_time() - began < 2
