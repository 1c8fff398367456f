"""Typed reading of one JSON object. Every fault is Malformed and names the field."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NoReturn

from markets.clients.kalshi.errors import SOURCE
from milkbot.core.errors import Malformed
from milkbot.core.money import ZERO, parse_decimal

_MAX_TEXT: Final = 20_000
_MAX_INSTANT: Final = 40
_MISSING: Final = object()
_MOST_SHARDS: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END_OF_TIME_S: Final = Decimal(4_102_444_800)  # the year 2100: beyond it stand milliseconds or junk


class Fields:
    """A JSON object and the name it goes by in messages. Unknown keys are ignored: the exchange adds some.

    The object is one that `decode_object` made, so its texts can be stored.

    A page of markets is read through these methods 20,000 times, so each first tries what nearly always stands there.
    """

    __slots__ = ("raw", "where")

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, dict):
            raise Malformed(SOURCE, f"{where} is {type(raw).__name__}, not an object")
        self.raw: dict[str, Any] = raw
        self.where = where

    def is_absent(self, name: str) -> bool:
        """Whether the key is missing or null."""
        return self.raw.get(name) is None

    def value(self, name: str) -> Any:
        """Whatever stands under a required key, null included."""
        value = self.raw.get(name, _MISSING)
        if value is _MISSING:
            raise Malformed(SOURCE, f"{self.where} lacks {name}")
        return value

    def nested(self, name: str) -> "Fields":
        return Fields(self.value(name), f"{self.where}.{name}")

    def items(self, name: str) -> list[Any]:
        """A required list. The exchange writes an empty one as null here and there."""
        value = self.value(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(name, "a list", value)
        return value

    def text(self, name: str, *, max_length: int = _MAX_TEXT) -> str:
        """A required string, not empty."""
        value = self.raw.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= max_length:
            self._wrong(name, f"a text of 1-{max_length} characters", self.value(name))
        return value

    def text_or_empty(self, name: str, *, max_length: int = _MAX_TEXT) -> str:
        """An optional string; absent and null read as empty."""
        value = self.raw.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > max_length:
            self._wrong(name, f"a text of up to {max_length} characters", value)
        return value

    def text_of_either(self, name: str, former: str, *, max_length: int = _MAX_TEXT) -> str:
        """A required string that also went by a former name."""
        return self.text(former if self.is_absent(name) else name, max_length=max_length)

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if not isinstance(value, bool):
            self._wrong(name, "true or false", value)
        return value

    def number(self, name: str) -> Decimal:
        """A required number, as decimal string or exact JSON number."""
        try:
            return parse_decimal(self.raw.get(name))
        except ValueError:
            self._wrong(name, "a number", self.value(name))

    def number_or_none(self, name: str) -> Decimal | None:
        """An optional number; absent and null read as None."""
        value = self.raw.get(name)
        if value is None:
            return None
        try:
            return parse_decimal(value)
        except ValueError:
            self._wrong(name, "a number", value)

    def whole(self, name: str) -> int:
        """A required whole number."""
        value = self.number(name)
        if value != value.to_integral_value():
            self._wrong(name, "a whole number", value)
        return int(value)

    def shard(self, name: str) -> int:
        """An exchange shard; absent and null read as the default one, 0."""
        value = self.raw.get(name)
        if value is None:
            return 0
        if type(value) is not int or not 0 <= value <= _MOST_SHARDS:
            self._wrong(name, "a shard", value)
        return value

    def unix_instant(self, name: str, *, per_second: int = 1) -> datetime:
        """A required instant in Unix seconds, or in such parts of them, as aware UTC."""
        value = self.number(name)
        if not ZERO < value < _END_OF_TIME_S * per_second:
            self._wrong(name, "a Unix instant", value)
        return _EPOCH + timedelta(seconds=float(value / per_second))

    def nullable_number(self, name: str) -> Decimal | None:
        """A number under a required key; null reads as None."""
        return None if self.raw.get(name, _MISSING) is None else self.number(name)

    def instant(self, name: str) -> datetime:
        """A required RFC 3339 instant, as aware UTC."""
        value = self.raw.get(name)
        if not isinstance(value, str) or len(value) > _MAX_INSTANT:
            self._wrong(name, "an RFC 3339 instant", self.value(name))
        try:
            return _instant(value)
        except (ValueError, OverflowError):
            self._wrong(name, "an RFC 3339 instant with zone", value)

    def instant_or_none(self, name: str) -> datetime | None:
        return None if self.raw.get(name) is None else self.instant(name)

    def _wrong(self, name: str, expected: str, value: object) -> NoReturn:
        raise Malformed(SOURCE, f"{self.where}: {name} should be {expected}, was {str(value)[:40]!r}")


@lru_cache(maxsize=1024)
def _instant(text: str) -> datetime:
    """The markets of an event open and close together: most instants have been read a moment ago."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError(text)
    return parsed.astimezone(UTC)
