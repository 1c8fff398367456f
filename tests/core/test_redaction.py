"""No secret survives under its name, in its shape, or by its value; harmless text stays as it was."""

import json
import string
import time
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from milkbot.core.redaction import MAX_DEPTH, REDACTED, is_secret_name, redact, redact_text

SECRET_NAMES = [
    "key",
    "api_key",
    "KALSHI_LIVE_KEY_ID",
    "KALSHI-ACCESS-KEY",
    "token",
    "accessToken",
    "csrf_token",
    "password",
    "DB_PASSWORD",
    "passwd",
    "pwd",
    "client_secret",
    "Authorization",
    "KALSHI-ACCESS-SIGNATURE",
    "credentials",
    "sentry_dsn",
    "Set-Cookie",
    "sessionid",
]
names = st.sampled_from(SECRET_NAMES)
# A marker in the middle lets a test see a leak of any piece long enough to matter.
words = st.text(string.ascii_letters + string.digits + "!#$%&*+-./:;<=>?@^_`|~", max_size=12)
any_text = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=20)
MARKER = "hunter2hunter2"

ASSIGNMENTS: list[Callable[[str, str], str]] = [
    lambda name, value: f"{name}={value}",
    lambda name, value: f"{name}: {value}",
    lambda name, value: f"connecting with {name} = {value} to host",
    lambda name, value: f"GET /path?a=1&{name}={value} HTTP/1.1",
]
QUOTED: list[Callable[[str, str], str]] = [
    lambda name, value: repr({name: value, "city": "CHI"}),
    lambda name, value: json.dumps({"city": "CHI", name: value}),
    lambda name, value: json.dumps({name: value}, separators=(",", ":")),
    lambda name, value: repr([(name, value)]),
    lambda name, value: repr([(name.encode(), value.encode())]),
    lambda name, value: f"Client({name.replace('-', '_')}={value!r}, retries=3)",
    lambda name, value: repr({name: {"nested": [value, ("x", value)]}}),
    lambda name, value: f"headers[{name!r}] = {value!r}",
]


@given(names, words, words, st.sampled_from(ASSIGNMENTS))
def test_redact_text_of_an_assigned_word_hides_it(
    name: str, before: str, after: str, form: Callable[[str, str], str]
) -> None:
    assert MARKER not in redact_text(form(name, f"{before}{MARKER}{after}"))


@given(names, any_text, any_text, st.sampled_from(QUOTED))
def test_redact_text_of_a_quoted_value_hides_all_of_it(
    name: str, before: str, after: str, form: Callable[[str, str], str]
) -> None:
    assert MARKER not in redact_text(form(name, f"{before} {MARKER} {after}"))


@given(names, any_text)
def test_redact_text_of_json_within_json_hides_the_value(name: str, around: str) -> None:
    inner = json.dumps({name: f"{around} {MARKER}", "city": "CHI"})
    assert MARKER not in redact_text(json.dumps({"body": inner}))


url_words = st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=%:@/", max_size=10)


@given(
    st.sampled_from(["postgresql", "redis", "https", "amqp"]),
    st.sampled_from(["", "milkbot", "u-1"]),
    url_words,
    url_words,
    st.sampled_from(["", "/0", ":5432/milkbot?sslmode=require"]),
)
def test_redact_text_of_a_url_hides_its_password(
    scheme: str, user: str, before: str, after: str, tail: str
) -> None:
    url = f"{scheme}://{user}:x{before}{MARKER}{after}@db.internal{tail}"
    shown = redact_text(f"could not connect to {url}, retrying")
    assert MARKER not in shown
    assert "could not connect to" in shown


def test_redact_text_of_a_url_keeps_who_and_where() -> None:
    shown = redact_text("postgresql://milkbot:p%40ss@db.internal:5432/milkbot")
    assert shown == f"postgresql://milkbot:{REDACTED}@db.internal:5432/milkbot"


def test_redact_text_of_a_token_in_place_of_the_user_hides_it() -> None:
    assert MARKER not in redact_text(f"https://{MARKER}{MARKER}@errors.example/42")


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("end", ["-----END {kind}PRIVATE KEY-----\nrest", ""])
def test_redact_text_of_a_private_key_hides_all_lines_even_when_cut_off(kind: str, end: str) -> None:
    pem = f"-----BEGIN {kind}PRIVATE KEY-----\nMIIEabc\n{MARKER}\n" + end.format(kind=kind)
    for text in (pem, repr(pem), json.dumps({"body": pem}), f"loaded {pem}"):
        assert MARKER not in redact_text(text)
    assert redact_text(pem).endswith("\nrest" if end else REDACTED)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {MARKER}",
        f"sent bearer {MARKER} to the service",
        "Basic bWlsa2JvdDpodW50ZXIyaHVudGVyMg==",
        f"Authorization: Token {MARKER}",
        f"Cookie: a=1; session={MARKER}; b=2",
        f"authorization='Custom id=1 {MARKER}'",
    ],
)
def test_redact_text_of_a_credential_header_hides_it(text: str) -> None:
    shown = redact_text(text)
    assert MARKER not in shown
    assert "bWlsa2JvdDpodW50ZXIy" not in shown


@given(st.text(min_size=1, max_size=20), any_text, any_text)
def test_redact_text_hides_known_secrets_anywhere(secret: str, before: str, after: str) -> None:
    assume(secret not in REDACTED)
    shown = redact_text(f"{before}{secret}{after}", frozenset({secret}))
    assert secret not in shown.replace(REDACTED, "")


def test_redact_text_with_one_known_secret_inside_another_hides_both_whole() -> None:
    assert redact_text("is abcdefgh", frozenset({"abcd", "abcdefgh"})) == f"is {REDACTED}"


@pytest.mark.parametrize(
    "text",
    [
        "cycle done",
        "city=CHI markets=6 intent_key=SHADOW:CHI:KXHIGHCHI-25MAY14-B74.5:bid:ensemble:2025-05-14",
        "KeyError: 'CHI'",
        "Key (intent_key)=(SHADOW:CHI) already exists.",
        "GET https://api.weather.gov/gridpoints/LOT/72,69 answered 503",
        "http://127.0.0.1:8002/trade-api/v2/markets?limit=100",
        "postgresql://postgres@/milkbot?host=/tmp/pg",
        "mail a@b.example: basic arithmetic, at 12:30:01",
        '{"city": "CHI", "high_f": 75, "price": "0.4300"}',
        "-----BEGIN PUBLIC KEY----- is no secret",
        "p_yes=0.42 price=0.43 −$1.20 74° to 75°",
        "",
    ],
)
def test_redact_text_of_harmless_text_changes_nothing(text: str) -> None:
    assert redact_text(text) == text


@given(
    st.text(string.ascii_lowercase.replace("k", "").replace("d", "").replace("s", "") + " =:.,'\"{}[]()\n")
)
def test_redact_text_without_telling_words_changes_nothing(text: str) -> None:
    assume(not any(word in text for word in ("token", "jwt")))
    assert redact_text(text) == text


@given(st.text(max_size=200))
def test_redact_text_twice_is_redact_text_once(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


def test_redact_text_keeps_the_frames_below_an_odd_line() -> None:
    trace = 'File "a.py", line 1, in f\n    token = (\n  File "b.py", line 2, in g\nValueError: no price'
    shown = redact_text(trace)
    assert shown.splitlines()[2:] == trace.splitlines()[2:]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "key",
        "a.-",
        "token=",
        "token= ",
        "key:[",
        "key='",
        "key=\\'",
        "key=(\n",
        "key   ",
        "('key', ",
        '"key":"a\\',
        "://",
        "://a:",
        "x://a:@",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "bearer ",
        "Basic a",
        " ",
        "\\",
    ],
)
def test_redact_text_of_a_huge_line_takes_no_more_than_linear_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started = time.process_time()
    redact_text(text)
    # Measured at most 0.5 s; a backtracking pattern takes minutes.
    assert time.process_time() - started < 10


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_is_secret_name_of_a_telling_name_is_true(name: str) -> None:
    assert is_secret_name(name)
    assert is_secret_name(name.upper())
    assert is_secret_name(f'"{name}"')


@pytest.mark.parametrize("name", ["city", "intent_key", "KeyError", "keys", "message", "price", "author"])
def test_is_secret_name_of_a_harmless_name_is_false(name: str) -> None:
    assert not is_secret_name(name)


@dataclass
class _Login:
    user: str
    password: str
    nested: dict[str, str]


class _Model(BaseModel):
    api_token: str
    hidden: SecretStr


class _Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


_Pair = namedtuple("_Pair", ["user", "password"])


@pytest.mark.parametrize(
    "value",
    [
        {"password": MARKER},
        {b"password": MARKER},
        {"outer": [{"inner": ({"api_key": MARKER},)}]},
        {"credentials": {"user": MARKER}},
        {"blob": f"token={MARKER}".encode()},
        {"blob": bytearray(f"token={MARKER}".encode())},
        {f"token={MARKER}": 1},
        [("Authorization", MARKER)],
        [(b"authorization", MARKER.encode())],
        {f"postgresql://u:{MARKER}@h/db"},
        _Login("bob", MARKER, {}),
        _Login("bob", "", {"api_key": MARKER}),
        _Pair("bob", MARKER),
        _Model(api_token=MARKER, hidden=SecretStr(MARKER)),
        SecretStr(MARKER),
        ValueError(f"refused token={MARKER}"),
        Path(f"/run/token={MARKER}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_redact_walks_into_every_kind_of_value(value: object) -> None:
    assert MARKER not in repr(redact(value))
    assert MARKER not in json.dumps(redact(value))


json_like: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(json_like, st.sampled_from(SECRET_NAMES), st.integers(0, 4))
def test_redact_of_a_secret_at_any_depth_hides_it(value: object, name: str, depth: int) -> None:
    planted: object = {"rest": value, name: MARKER}
    for level in range(depth):
        planted = [planted] if level % 2 else {"level": planted}
    assert MARKER not in repr(redact(planted))


def test_redact_of_plain_values_keeps_them_and_their_types() -> None:
    now = datetime(2025, 5, 14, tzinfo=UTC)
    values = {"n": 1, "yes": True, "f": 0.5, "d": Decimal("0.43"), "at": now, "none": None, "id": UUID(int=7)}
    assert redact(values) == values
    assert redact([1, "CHI"]) == [1, "CHI"]
    assert redact((1, "CHI")) == (1, "CHI")


def test_redact_of_values_json_cannot_write_gives_text() -> None:
    assert redact({"p": float("nan"), ("a", 1): float("inf")}) == {"p": "nan", "('a', 1)": "inf"}


def test_redact_of_a_value_that_holds_itself_ends() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    shown = redact(loop)
    for _ in range(MAX_DEPTH):
        shown = shown["self"]
    assert shown == "..."


def test_redact_of_an_object_without_words_does_not_raise() -> None:
    assert redact({"odd": _Odd()}) == {"odd": "<_Odd that cannot be shown>"}
