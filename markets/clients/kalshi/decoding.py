"""From bytes to JSON objects, however hostile the bytes: exact numbers, bounded nesting, texts that can be stored."""

import json
import re
from decimal import Decimal
from gc import is_tracked
from itertools import chain
from typing import Any, Final, NoReturn

from markets.clients.kalshi.errors import SOURCE
from milkbot.core.errors import Malformed

MAX_NESTING: Final = 40
_SUSPECT: Final = re.compile(r"\\(?:u(?:00[01]|[dD][89a-fA-F])|[bf])")
"""How JSON spells a control character or half of a surrogate pair. One look at the whole body spares one at each text."""
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""PostgreSQL takes no NUL, UTF-8 no half of a pair, and no log should take the others."""


def decode_object(body: bytes, where: str) -> dict[str, Any]:
    """A JSON object in UTF-8 whose numbers are exact. Raises Malformed for anything else, however hostile.

    A text that can be neither stored nor sent comes as bytes, so that whoever reads a text there refuses it.
    """
    try:
        text = body.decode()
        decoded: object = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise Malformed(SOURCE, f"{where} is not JSON: {body[:60]!r}") from None
    if not isinstance(decoded, dict):
        raise Malformed(SOURCE, f"{where} is no JSON object")
    _check_nesting(decoded, where)
    return {name: _writable(value) for name, value in decoded.items()} if _SUSPECT.search(text) else decoded


def _check_nesting(decoded: dict[str, Any], where: str) -> None:
    """Level by level, without recursion. Tracked are lists, and dictionaries but for those that hold no other."""
    level: list[Any] = [decoded]
    for _ in range(MAX_NESTING):
        members = chain.from_iterable(parent.values() if type(parent) is dict else parent for parent in level)
        level = list(filter(is_tracked, members))
        if not level:
            return
    raise Malformed(SOURCE, f"{where} is nested more than {MAX_NESTING} deep")


def _writable(value: Any) -> Any:
    match value:
        case str() if _UNWRITABLE.search(value):
            return value.encode("utf-8", "surrogatepass")
        case list():
            return [_writable(member) for member in value]
        case dict():
            return {name: _writable(member) for name, member in value.items()}
        case _:
            return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
