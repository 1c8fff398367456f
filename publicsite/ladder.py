"""The ladder of an event: its brackets hottest first, as the market, the weather and, an hour late, Milkbot see them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from analytics.public import PublicMarket
from publicsite import words


@dataclass(frozen=True)
class Rung:
    """One bracket. `bar` and `tick` are lengths in percent of the track, None where there is nothing to draw."""

    label: str
    price: str
    bar: str | None
    tick: str | None
    ours: str
    is_favourite: bool = False
    is_winner: bool = False
    is_passed: bool = False
    is_reached: bool = False


def build_rungs(
    markets: Sequence[PublicMarket], settled: bool, reached_f: int | None, ours: Mapping[str, float]
) -> tuple[Rung, ...]:
    """A rung per market, in their order. `reached_f` is the highest whole °F measured; `ours` P(YES) by ticker."""
    favourite = None if settled else _favourite(markets)
    return tuple(
        replace(
            _rung(market, settled, ours.get(market.ticker)),
            is_favourite=market is favourite,
            is_passed=reached_f is not None and market.high_f is not None and market.high_f < reached_f,
            is_reached=reached_f is not None and _holds(market, reached_f),
        )
        for market in markets
    )


def _rung(market: PublicMarket, settled: bool, p_yes: float | None) -> Rung:
    tick = None if p_yes is None else f"{p_yes * 100:.1f}%"
    said = "ours n/a" if p_yes is None else f"ours {p_yes:.0%}"
    if settled:
        won = market.result == "yes"
        return Rung(market.label, "100¢" if won else "0¢", "100%" if won else None, tick, said, is_winner=won)
    mid = _mid(market)
    worth = _worth(market)
    bar = None if worth is None else f"{worth * 100:.1f}%"
    return Rung(market.label, _price_words(market, mid), bar, tick, said)


def _worth(market: PublicMarket) -> Decimal | None:
    """What the market holds it worth at least: the mid, or a bid that nobody offers against. An ask alone is no price."""
    mid = _mid(market)
    return market.yes_bid if mid is None else mid


def _mid(market: PublicMarket) -> Decimal | None:
    if market.yes_bid is None or market.yes_ask is None:
        return None
    return (market.yes_bid + market.yes_ask) / 2


def _price_words(market: PublicMarket, mid: Decimal | None) -> str:
    """The mid; with one side only, what that side still bounds."""
    if mid is not None:
        return words.cents(mid)
    if market.yes_ask is not None:
        return f"≤{words.cents(market.yes_ask)}"
    if market.yes_bid is not None:
        return f"≥{words.cents(market.yes_bid)}"
    return words.MISSING


def _favourite(markets: Iterable[PublicMarket]) -> PublicMarket | None:
    priced = [(worth, market) for market in markets if (worth := _worth(market)) is not None]
    return max(priced, key=lambda entry: entry[0])[1] if priced else None


def _holds(market: PublicMarket, value_f: int) -> bool:
    return (market.low_f is None or value_f >= market.low_f) and (
        market.high_f is None or value_f <= market.high_f
    )


def build_book(markets: Sequence[PublicMarket], settled: bool) -> tuple[tuple[str, str], ...]:
    """Terms and values under the ladder: the favourite's quotes, or what was paid; volume is the whole event's."""
    volumes = [market.volume for market in markets if market.volume is not None]
    volume = words.quantity(sum(volumes, Decimal(0)) if volumes else None)
    if settled:
        return (("Official", words.degrees(official_f(markets))), ("Paid", "100¢"), ("Volume", volume))
    favourite = _favourite(markets)
    bid, ask = (favourite.yes_bid, favourite.yes_ask) if favourite else (None, None)
    spread = None if bid is None or ask is None else ask - bid
    return (
        ("Bid", words.cents(bid, 2)),
        ("Ask", words.cents(ask, 2)),
        ("Spread", words.cents(spread, 2)),
        ("Volume", volume),
    )


def official_f(markets: Sequence[PublicMarket]) -> int | None:
    """The settled high, °F; None where the exchange's text of it is not a number."""
    texts = (market.expiration_value for market in markets if market.expiration_value)
    try:
        return round(Decimal(next(texts, "")))
    except (InvalidOperation, OverflowError, ValueError):
        return None
