"""Query parameters: parsing, bounds, and paging with opaque cursors."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import Final, TypeVar

from starlette.datastructures import QueryParams

from sandbox.kalshi.errors import ApiError, invalid_parameter

T = TypeVar("T")

CURSOR_PREFIX: Final = b"after:"
MAX_ROWS: Final = 1000
WHOLE: Final = re.compile(r"[+-]?[0-9]+")
INT64: Final = 2**63
DIGITS: Final = 19
LONGEST_TICKER: Final = 200
TRUE: Final = frozenset({"true", "1", "t", "True", "TRUE"})
FALSE: Final = frozenset({"false", "0", "f", "False", "FALSE", ""})


class Query:
    """The parameters of one call to `operation`, the name that refusals carry."""

    def __init__(self, operation: str, parameters: QueryParams) -> None:
        self._operation = operation
        self._parameters = parameters

    def text(self, name: str) -> str:
        """The parameter, empty when absent."""
        return self._parameters.get(name, "")

    def words(self, name: str) -> frozenset[str]:
        """A comma-separated list, empty when absent."""
        return frozenset(word for word in self.text(name).split(",") if word)

    def each(self, name: str) -> list[str]:
        """A parameter that may be repeated; commas inside a repetition separate too."""
        return [word for text in self._parameters.getlist(name) for word in text.split(",") if word]

    def whole(self, name: str) -> int | None:
        """A whole number of 64 bits, None when absent. Raises ApiError 400 for anything else."""
        text = self.text(name)
        if not text:
            return None
        if not WHOLE.fullmatch(text):
            raise self._malformed(name, text, "ParseInt", "invalid syntax")
        # The number of digits bounds what is converted; no 64 bits need more.
        value = int(text) if len(text.lstrip("+-0")) <= DIGITS else INT64
        if not -INT64 <= value < INT64:
            raise self._malformed(name, text, "ParseInt", "value out of range")
        return value

    def required_whole(self, name: str) -> int:
        """A whole number that must be there. Raises ApiError 400."""
        value = self.whole(name)
        if value is None:
            raise _missing(name)
        return value

    def tickers(self, name: str, most: int) -> list[str]:
        """One to `most` market tickers, repeated or between commas, each once. Raises ApiError 400."""
        found = list(dict.fromkeys(self.each(name)))
        if not found:
            raise _missing(name)
        if len(found) > most or any(len(ticker) > LONGEST_TICKER for ticker in found):
            raise invalid_parameter(self._operation, name, "max")
        return found

    def bounded(self, name: str, *, low: int, high: int, default: int) -> int:
        """A whole number within its bounds; above or below is refused, not clamped."""
        value = self.whole(name)
        if value is None:
            return default
        if value > high:
            raise invalid_parameter(self._operation, name, "lte")
        if value < low:
            raise invalid_parameter(self._operation, name, "gte")
        return value

    def rows(self, *, default: int = 100) -> int:
        """The `limit` of an account's lists: 1 to 1000, and 0 means nothing was said."""
        value = self.whole("limit") or default
        if value > MAX_ROWS:
            raise invalid_parameter(self._operation, "limit", "max")
        if value < 1:
            raise invalid_parameter(self._operation, "limit", "min")
        return value

    def at_most(self, name: str, most: int) -> frozenset[str]:
        """A comma-separated list of at most `most` words, empty when absent."""
        words = self.words(name)
        if len(words) > most:
            raise invalid_parameter(self._operation, name, "max")
        return words

    def flag(self, name: str) -> bool:
        """A boolean, false when absent."""
        text = self.text(name)
        if text in TRUE:
            return True
        if text in FALSE:
            return False
        raise self._malformed(name, text, "ParseBool", "invalid syntax")

    def choice(self, name: str, allowed: Iterable[str]) -> str:
        """One of `allowed`, empty when absent."""
        text = self.text(name)
        if text and text not in allowed:
            raise invalid_parameter(self._operation, name, "oneof")
        return text

    def present(self, names: Iterable[str]) -> frozenset[str]:
        """Those of `names` that were given."""
        return frozenset(name for name in names if self.text(name))

    def _malformed(self, name: str, text: str, parser: str, why: str) -> ApiError:
        reason = f'error binding string parameter: strconv.{parser}: parsing "{text}": {why}'
        return ApiError(400, {"msg": f"Invalid format for parameter {name}: {reason}"})


def _missing(name: str) -> ApiError:
    return ApiError(400, {"msg": f"Query argument {name} is required, but not found"})


def page(entries: Iterable[tuple[int, T]], cursor: str, limit: int) -> tuple[list[T], str]:
    """One page of (position, item) pairs in ascending position, and the cursor of the next, empty on the last.

    A cursor nobody issued starts at the first page, as the exchange does.
    """
    after = _position(cursor)
    rest = [(position, item) for position, item in entries if position > after]
    shown = rest[:limit]
    more = len(rest) > len(shown)
    return [item for _, item in shown], _cursor(shown[-1][0]) if more else ""


def _cursor(position: int) -> str:
    return urlsafe_b64encode(CURSOR_PREFIX + str(position).encode()).decode().rstrip("=")


def _position(cursor: str) -> int:
    try:
        decoded = urlsafe_b64decode(cursor.encode("ascii", "replace") + b"==")
        return int(decoded.removeprefix(CURSOR_PREFIX)) if decoded.startswith(CURSOR_PREFIX) else -1
    except (binascii.Error, ValueError):
        return -1
