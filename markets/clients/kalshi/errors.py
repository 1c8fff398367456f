"""From an error answer to our errors. Three body shapes are on the wire, besides plain text (kalshi-api.md 5)."""

import json
from typing import Any, Final, NamedTuple

from milkbot.core.errors import OutsideError, Refused, Unreachable

SOURCE: Final = "kalshi"
CLOCK_CODE: Final = "header_timestamp_expired"
_TRACES: Final = ("order_id", "fill_count", "order", "orders")
"""Members of a success. Beside an error they say that something may have been done all the same."""


class RateLimited(Refused):
    """HTTP 429: the token bucket is empty. Nothing was done, and there is no penalty for asking again later."""


class Unsent(Unreachable):
    """No byte of the request left this machine, provably: an order that met this does not exist."""


class ErrorBody(NamedTuple):
    """What the exchange said went wrong: its code, everything else in words, and whether an order stands beside it."""

    code: str | None
    text: str
    has_traces: bool = False

    @property
    def word(self) -> str:
        """The code in small letters, for comparing: both spellings are on record. Empty without one."""
        return (self.code or "").lower()


def error_from_answer(status: int, body: bytes, where: str) -> OutsideError:
    """The error that an answer with HTTP `status` >= 400 means; `where` names the call for people.

    Refused carries `code`, in small letters, and in its message the details.
    """
    error = read_error(body)
    described = " ".join(filter(None, (f"{where} answered HTTP {status}", error.code)))
    described += f": {error.text}" if error.text else ""
    if status >= 500:
        return Unreachable(SOURCE, described)
    if status == 429:
        return RateLimited(SOURCE, described, status=status, code=error.word or "too_many_requests")
    return Refused(SOURCE, described, status=status, code=error.word or None)


def read_error(body: bytes) -> ErrorBody:
    """Nested {"error": {code, message, details}}, flat {code, message, details}, bare {"msg"}, {"error": "text"}, text."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        # An HTML page of a proxy tells a person nothing.
        return ErrorBody(
            None, "" if body.lstrip().startswith(b"<") else _short(body.decode(errors="replace"))
        )
    return error_of(answer)


def error_of(answer: object) -> ErrorBody:
    """The same of an answer already decoded, or of the `error` member of one item of a batch."""
    if not isinstance(answer, dict):
        return ErrorBody(None, "")
    inner = answer.get("error", answer)
    if isinstance(inner, str):
        inner = {"message": inner}
    elif not isinstance(inner, dict):
        inner = {}
    code = inner.get("code")
    has_traces = _has_traces(answer) or _has_traces(inner)
    words = [inner.get(name) for name in ("message", "details", "msg")]
    text = ", ".join(dict.fromkeys(word for word in words if isinstance(word, str) and word and word != code))
    return ErrorBody(_short(code) if isinstance(code, str) and code else None, _short(text), has_traces)


def _has_traces(said: dict[str, Any]) -> bool:
    """An item of a batch that could not be cancelled says that nothing was taken out, which is none."""
    is_told = any(said.get(name) not in (None, "") for name in _TRACES)
    return is_told or said.get("reduced_by") not in (None, "", "0.00", "0", 0)


def _short(text: str) -> str:
    """One line for people that can be stored, logged and shown, whatever was said."""
    line = " ".join(text[:2_000].split())[:200]
    return "".join(character if character.isprintable() else "\ufffd" for character in line)
