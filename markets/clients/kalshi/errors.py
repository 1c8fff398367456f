"""From an error answer to our errors. Three body shapes are on the wire, besides plain text (kalshi-api.md 5)."""

import json
from typing import Any, Final, NamedTuple

from milkbot.core.errors import OutsideError, Refused, Unreachable

SOURCE: Final = "kalshi"


class RateLimited(Refused):
    """HTTP 429: the token bucket is empty. Nothing was done, and there is no penalty for asking again later."""


class Unsent(Unreachable):
    """No byte of the request left this machine, provably: an order that met this does not exist."""


class ErrorBody(NamedTuple):
    """What the exchange said went wrong: its code word, and everything else in words."""

    code: str | None
    text: str


def error_from_answer(status: int, body: bytes, where: str) -> OutsideError:
    """The error that an answer with HTTP `status` >= 400 means; `where` names the call for people.

    Refused carries `code` and, in its message, the details.
    """
    code, text = read_error(body)
    described = (
        f"{where} answered HTTP {status}" + (f" {code}" if code else "") + (f": {text}" if text else "")
    )
    if status >= 500:
        return Unreachable(SOURCE, described)
    if status == 429:
        return RateLimited(SOURCE, described, status=status, code=code or "too_many_requests")
    return Refused(SOURCE, described, status=status, code=code)


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
        return ErrorBody(None, _short(inner))
    if not isinstance(inner, dict):
        return ErrorBody(None, "")
    code = inner.get("code")
    words = [inner.get(name) for name in ("message", "details", "msg")]
    text = ", ".join(dict.fromkeys(word for word in words if isinstance(word, str) and word and word != code))
    return ErrorBody(_short(code) if isinstance(code, str) and code else None, _short(text))


def _short(text: str) -> str:
    return " ".join(text[:2_000].split())[:200]
