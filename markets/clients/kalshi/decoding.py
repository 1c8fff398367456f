"""From bytes to JSON objects, however hostile the bytes: exact numbers, bounded nesting."""

import json
from decimal import Decimal
from gc import is_tracked
from itertools import chain
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


def _check_nesting(decoded: dict[str, Any], where: str) -> None:
    """Level by level, without recursion. Tracked are lists, and dictionaries but for those that hold no other."""
    level: list[Any] = [decoded]
    for _ in range(MAX_NESTING):
        members = chain.from_iterable(parent.values() if type(parent) is dict else parent for parent in level)
        level = list(filter(is_tracked, members))
        if not level:
            return
    raise Malformed(SOURCE, f"{where} is nested more than {MAX_NESTING} deep")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
