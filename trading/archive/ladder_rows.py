"""Events and their prices as rows of the recorded-ladder format: `kalshi/ladders/events.csv` and `quotes_*`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from markets.domain.history_types import Candle
from markets.domain.ladder import bracket_of, build_ladder
from markets.domain.types import Market, MarketStatus
from milkbot.core.cities import CityConfig
from milkbot.core.money import ZERO, parse_decimal
from trading.archive.text import Row, figure, stamp
from trading.backtest.recorded_rows import HIGHEST_PRICE, LOWEST_PRICE

SETTLE_SOURCE: Final = "kalshi"
"""Result and settled high are the exchange's own."""
MINUTE: Final = timedelta(minutes=1)


def event_rows(city: CityConfig, event_date: date, markets: Sequence[Market]) -> list[Row]:
    """One row a market, by ticker. Raises BadMarketData when the markets are no ladder.

    Results are told once all markets are final and one of them pays. A settled high that contradicts them is left out.
    """
    event_ticker = markets[0].event_ticker if markets else ""
    build_ladder(event_ticker, markets)
    open_at = min(market.open_at for market in markets)
    close_at = max(market.close_at for market in markets)
    settled = settled_as(markets)
    settle_f = None if settled is None else settled[1]
    return [
        (
            city.code,
            city.kalshi_series,
            event_ticker,
            event_date.isoformat(),
            market.ticker,
            market.strike_type.value if market.strike_type else "",
            figure(market.floor_strike),
            figure(market.cap_strike),
            stamp(open_at),
            stamp(close_at),
            "" if settled is None else market.result,
            figure(settle_f),
            SETTLE_SOURCE,
        )
        for market in sorted(markets, key=lambda market: market.ticker)
    ]


def settled_as(markets: Sequence[Market]) -> tuple[str, int | None] | None:
    """The market that pays and the settled high in °F, None where it is not told; None before all are final."""
    if any(m.status is not MarketStatus.FINALIZED or m.result not in ("yes", "no") for m in markets):
        return None
    winners = [market for market in markets if market.result == "yes"]
    if len(winners) != 1:
        return None
    try:
        value = parse_decimal(winners[0].expiration_value)
    except ValueError:
        return winners[0].ticker, None
    is_whole = value == value.to_integral_value() and bracket_of(winners[0]).holds(int(value))
    return winners[0].ticker, int(value) if is_whole else None


def candle_rows(market: Market, candles: Iterable[Candle], refused: "Counter[str]") -> Iterator[Row]:
    """A row for every minute that changed something, stamped with its end; what cannot be used is counted.

    A candle tells the volume of its minute and the price of a trade in it; a row tells the volume so far and the last
    price. `candles` come in order of time.
    """
    volume, last, told, newest = ZERO, None, None, None
    for candle in candles:
        ends_at = candle.ends_at
        if ends_at == newest:
            refused["candle_twice"] += 1
            continue
        newest = ends_at
        if not market.open_at <= ends_at <= market.close_at or ends_at.second or ends_at.microsecond:
            refused["candle_out_of_place"] += 1
            continue
        volume += candle.volume
        last = candle.price.close or last or candle.previous_price
        bid, ask = candle.yes_bid.close, candle.yes_ask.close
        figures = (bid, ask, last, volume, candle.open_interest)
        fault = price_fault(bid, ask, last)
        if fault:
            refused[fault] += 1
        elif figures != told:
            told = figures
            yield market.ticker, stamp(ends_at), *map(figure, figures)


def price_fault(bid: Decimal | None, ask: Decimal | None, last: Decimal | None) -> str | None:
    """Why the reader of recordings would refuse these prices; None when it takes them."""
    if any(price is not None and not LOWEST_PRICE <= price <= HIGHEST_PRICE for price in (bid, ask, last)):
        return "price_out_of_range"
    if bid is not None and ask is not None and bid >= ask:
        return "crossed"
    return None
