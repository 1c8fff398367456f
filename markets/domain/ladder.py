"""From strikes to brackets. A ladder exists only if its brackets hold every whole degree exactly once."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Final

from markets.domain.types import Bracket, Ladder, Market, StrikeType
from milkbot.core.errors import BadMarketData

NOT_PARTITION: Final = "EVENT_NOT_PARTITION"
_COLDEST_STRIKE_F: Final = -100
_HOTTEST_STRIKE_F: Final = 200


def bracket_of(market: Market) -> Bracket:
    """The whole degrees °F on which `market` pays YES, by its strike fields.

    less: V < cap · between: floor <= V <= cap, both ends inclusive · greater: V > floor (kalshi-api.md 7).
    Raises BadMarketData(EVENT_NOT_PARTITION) when type and strikes do not describe a set of degrees.
    """
    floor, cap = _plausible(market.floor_strike, market), _plausible(market.cap_strike, market)
    low: int | None = None
    high: int | None = None
    match (market.strike_type, floor, cap):
        case (StrikeType.LESS, None, Decimal()):
            high = _ceil(cap) - 1
        case (StrikeType.GREATER, Decimal(), None):
            low = _floor(floor) + 1
        case (StrikeType.BETWEEN, Decimal(), Decimal()) if _ceil(floor) <= _floor(cap):
            low, high = _ceil(floor), _floor(cap)
        case _:
            raise BadMarketData(
                NOT_PARTITION,
                f"{market.ticker}: strike type {market.strike_type}, floor {floor}, cap {cap} is no bracket",
            )
    return Bracket(ticker=market.ticker, low_f=low, high_f=high)


def build_ladder(event_ticker: str, markets: Sequence[Market]) -> Ladder:
    """All brackets of the event, coldest first.

    Raises BadMarketData(EVENT_NOT_PARTITION) unless they partition the integers: exactly one open below, one open
    above, no gap and no overlap between neighbours.
    """
    strangers = [market.ticker for market in markets if market.event_ticker != event_ticker]
    if strangers:
        raise BadMarketData(
            NOT_PARTITION, f"{event_ticker} holds markets of other events: {', '.join(strangers)}"
        )
    brackets = sorted((bracket_of(market) for market in markets), key=coldest_first)
    if len(brackets) < 2 or brackets[0].low_f is not None or brackets[-1].high_f is not None:
        raise BadMarketData(NOT_PARTITION, f"{event_ticker} has no open bracket at one of its ends")
    for lower, upper in pairwise(brackets):
        if lower.high_f is None or upper.low_f is None:
            raise BadMarketData(NOT_PARTITION, f"{lower.ticker} and {upper.ticker} are open at the same end")
        if upper.low_f != lower.high_f + 1:
            fault = "overlap" if upper.low_f <= lower.high_f else "leave a gap"
            raise BadMarketData(NOT_PARTITION, f"{lower.label} and {upper.label} {fault} in {event_ticker}")
    return Ladder(event_ticker=event_ticker, brackets=tuple(brackets))


def coldest_first(bracket: Bracket) -> tuple[int, int]:
    """Sort key: an end open below is colder, an end open above hotter than any degree."""
    low = _COLDEST_STRIKE_F - 2 if bracket.low_f is None else bracket.low_f
    high = _HOTTEST_STRIKE_F + 2 if bracket.high_f is None else bracket.high_f
    return low, high


def _plausible(strike: Decimal | None, market: Market) -> Decimal | None:
    if strike is not None and not _COLDEST_STRIKE_F <= strike <= _HOTTEST_STRIKE_F:
        raise BadMarketData(NOT_PARTITION, f"{market.ticker}: strike {strike} is no temperature in °F")
    return strike


def _ceil(strike: Decimal) -> int:
    return int(strike.to_integral_value(ROUND_CEILING))


def _floor(strike: Decimal) -> int:
    return int(strike.to_integral_value(ROUND_FLOOR))
