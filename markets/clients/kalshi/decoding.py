"""From bytes to JSON objects, however hostile the bytes: exact numbers, bounded nesting."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NoReturn

from markets.clients.kalshi.errors import SOURCE
from milkbot.core.errors import Malformed

MAX_NESTING: Final = 40


def decode_object(body: bytes, where: str) -> dict[str, Any]:
    """A JSON object whose numbers are exact. Raises Malformed for anything else, however hostile."""
    try:
        decoded: object = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise Malformed(SOURCE, f"{where} is not JSON: {body[:60]!r}") from None
    if not isinstance(decoded, dict):
        raise Malformed(SOURCE, f"{where} is no JSON object")
    _check_nesting(decoded, where)
    return decoded


def _check_nesting(decoded: object, where: str) -> None:
    level = [decoded]
    for _ in range(MAX_NESTING):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise Malformed(SOURCE, f"{where} is nested more than {MAX_NESTING} deep")


def _children(parent: object) -> Iterator[object]:
    members = parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ()
    return (member for member in members if isinstance(member, dict | list))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
