"""Keeps secrets out of logs: by the name they stand under, by their shape, and by their registered value.

Where a value's end cannot be known (`password=a,b c`), too much is hidden rather than too little. A value never
reaches beyond its line, so that one odd word in a traceback cannot swallow the frames below it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, Final
from uuid import UUID

REDACTED: Final = "[redacted]"
MAX_DEPTH: Final = 12
"""Containers nested deeper than this, and those that hold themselves, are cut off."""

_TELLTALES: Final = (
    "key|token|password|passwd|passphrase|pwd|secret|authorization|signature|credential|cookie|sessionid|jwt|dsn"
)
_SECRET_NAME = re.compile(_TELLTALES, re.IGNORECASE)
# Names that contain a secret-looking word but carry none, and are needed to read a log.
_HARMLESS_NAMES = frozenset(
    {"intent_key", "key_id_hint", "idempotency_key", "natural_key", "unique_key", "keys"}
)

# Every repetition below is possessive or bounded: a log line of any length is scanned in linear time.
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_URL_PASSWORD = re.compile(
    r"""(?P<head>://[^\s:/?\#@]*+:)
        (?!\d{1,5}[/?\#])      # that is a port, and the @ further on belongs to the path
        [^\s"<>]{1,512}@""",
    re.VERBOSE,
)
_URL_TOKEN = re.compile(r"://[^\s:/?#@]{20,}+@")
_BEARER = re.compile(r"\b(bearer)\s++[^\s\"'<>]{8,}+", re.IGNORECASE)
_BASIC = re.compile(r"\b([Bb]asic)\s++(?=[a-z+/]*+[A-Z0-9=])[A-Za-z0-9+/=]{8,}+")  # not: basic arithmetic
_NAME_AND_SEPARATOR = re.compile(
    rf"""(?<![\w.-])(?=[\w.-]*?(?:{_TELLTALES}))
         (?P<name>[\w.-]++)
         (?: (?:\\*+["'])?+ \]?+ [ \t]*+ (?:=>|[=:]) \s*+
           | ["'] \s*+ , \s*+ (?=[bBuU]?["'])   # ('name', 'value'), as header lists print
         )""",
    re.IGNORECASE | re.VERBOSE,
)
_BRACKETS_AND_STRINGS = re.compile(
    r"""(?P<open>[\[{(])|(?P<close>[\]})])|"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+'"""
)
_QUOTED = re.compile(
    r"""[bBuU]?(?:"(?:\\.|[^"\\])*+(?:"|\Z)|'(?:\\.|[^'\\])*+(?:'|\Z)|(?P<escaped>\\+["']).*?(?:(?<!\\)(?P=escaped)|\Z))"""
)
_LITERAL = re.compile(r"(?:null|true|false|none)(?=[\s,;)}\]]|\Z)", re.IGNORECASE)
_SCHEME_AND_WORD = re.compile(r"(?:bearer|basic)[ \t]++\S*+", re.IGNORECASE)
# Headers whose value is several words: `Authorization: Token abc`, `Cookie: a=b; c=d`.
_WHOLE_LINE_NAME = re.compile(r"(?:authorization|cookie)\Z", re.IGNORECASE)
_WORD = re.compile(r"\S*+")
_TAIL = re.compile(r"[^\s,;)}\]]*+")

_PLAIN_TYPES = (bool, int, Decimal, date, time, timedelta, UUID, type(None))


def is_secret_name(name: str) -> bool:
    """Whether a value under this name must not be shown. `KeyError: 'CHI'` names an error, not a key."""
    lowered = name.strip("\\\"' ").lower()
    return (
        lowered not in _HARMLESS_NAMES
        and not lowered.endswith("error")
        and bool(_SECRET_NAME.search(lowered))
    )


def redact_text(text: str, known_secrets: frozenset[str] = frozenset()) -> str:
    """`text` with private keys, URL passwords, `name=value` secrets and every known secret value replaced."""
    for secret in sorted(known_secrets, key=len, reverse=True):  # longest first: one may contain another
        text = text.replace(secret, REDACTED)
    text = _PEM.sub(REDACTED, text)
    text = _URL_PASSWORD.sub(rf"\g<head>{REDACTED}@", text)
    text = _URL_TOKEN.sub(f"://{REDACTED}@", text)
    text = "".join(_without_assigned_secrets(text))
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _BASIC.sub(rf"\1 {REDACTED}", text)


def redact(value: Any, known_secrets: frozenset[str] = frozenset()) -> Any:
    """`value` made safe to log, from plain types only, so that any formatter can write it.

    Mappings, sequences, dataclasses and named tuples are walked; strings are scanned; numbers, dates and UUIDs pass;
    every other object becomes its scanned text. Never raises.
    """
    try:
        return _redact(value, known_secrets, MAX_DEPTH)
    except Exception:  # noqa: BLE001 - an odd object must not stop the program that logs it
        return _unshowable(value)


def _redact(value: Any, known: frozenset[str], depth: int) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, _PLAIN_TYPES):
        return value
    if isinstance(value, str | bytes | bytearray):
        return redact_text(_text_of(value), known)
    if depth == 0:
        return "..."
    pairs = _named_parts(value)
    if pairs is not None:
        return {
            redact_text(name, known): REDACTED if is_secret_name(name) else _redact(part, known, depth - 1)
            for name, part in pairs
        }
    if isinstance(value, list | tuple | set | frozenset):
        return _redact_sequence(value, known, depth - 1)
    return redact_text(_text_of(value), known)


def _redact_sequence(
    value: "list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]", known: frozenset[str], depth: int
) -> "list[Any] | tuple[Any, ...]":
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str | bytes):
        name = _text_of(value[0])
        if is_secret_name(name) and not name.strip().count(" "):
            return (redact_text(name, known), REDACTED)
    parts = [_redact(part, known, depth) for part in value]
    return tuple(parts) if isinstance(value, tuple) else parts


def _named_parts(value: object) -> "list[tuple[str, Any]] | None":
    """The (name, part) pairs of a mapping, dataclass instance or named tuple; None for anything else."""
    if isinstance(value, Mapping):
        return [(_text_of(name), part) for name, part in value.items()]
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name, None)) for field in fields(value) if field.repr]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(zip(value._fields, value, strict=False))
    return None


def _text_of(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode(errors="replace")
    try:
        return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
    except Exception:  # noqa: BLE001 - an odd object must not stop the program that logs it
        return _unshowable(value)


def _unshowable(value: object) -> str:
    return f"<{type(value).__name__} that cannot be shown>"


def _without_assigned_secrets(text: str) -> Iterator[str]:
    """Pieces of `text` in order, with the value after every secret name and separator replaced."""
    position = 0
    while match := _NAME_AND_SEPARATOR.search(text, position):
        yield text[position : match.end()]
        position = match.end()
        if is_secret_name(match["name"]):
            end = _end_of_value(text, position, whole_line=bool(_WHOLE_LINE_NAME.search(match["name"])))
            if end > position:
                yield REDACTED
            position = end
    yield text[position:]


def _end_of_value(text: str, start: int, *, whole_line: bool) -> int:
    """Where the value that begins at `start` ends: a quoted string, a balanced bracket, or a run without spaces."""
    newline = text.find("\n", start)
    line_end = len(text) if newline == -1 else newline
    if literal := _LITERAL.match(text, start, line_end):
        return literal.end()
    if quoted := _QUOTED.match(text, start, line_end):
        return _end_of(_TAIL, text, quoted.end(), line_end)
    if text.startswith(("[", "{", "("), start, line_end):
        return _end_of(_TAIL, text, _end_of_brackets(text, start, line_end), line_end)
    if whole_line:
        return line_end
    if scheme := _SCHEME_AND_WORD.match(text, start, line_end):
        return scheme.end()
    return _end_of(_WORD, text, start, line_end)


def _end_of_brackets(text: str, start: int, line_end: int) -> int:
    depth = 0
    for token in _BRACKETS_AND_STRINGS.finditer(text, start, line_end):
        depth += bool(token["open"]) - bool(token["close"])
        if depth == 0:
            return token.end()
    return line_end


def _end_of(pattern: re.Pattern[str], text: str, start: int, line_end: int) -> int:
    match = pattern.match(text, start, line_end)
    return match.end() if match else start
