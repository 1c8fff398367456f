"""The quotes of a recording: rows of `quotes_*.csv` as the history of each market, the files shared out among processes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from trading.backtest.forked import made_of_each
from trading.backtest.recorded_events import EventIndex
from trading.backtest.recorded_rows import (
    BadRow,
    Line,
    Tally,
    UnreadableRecording,
    count,
    instant,
    is_whole_cents,
    lines_of,
    price,
)
from trading.backtest.recorded_types import Fault, Quote, RecordedEvent, quoted_at

QUOTE_COLUMNS: Final = ("ticker", "ts_utc", "yes_bid", "yes_ask", "last", "volume", "open_interest")
SIZE_COLUMNS: Final = ("yes_bid_size", "yes_ask_size")
"""What stood at the two prices, where somebody recorded it. A file has both columns or neither."""

Histories = dict[str, list[Quote]]


class _Asked(NamedTuple):
    events: EventIndex
    now: datetime


class _Packed(NamedTuple):
    """Histories column by column: so they are sent in a tenth of the time."""

    columns: Mapping[str, Sequence[Sequence[Any]]]
    tally: Tally


def read_quotes(
    folder: Path, index: EventIndex, now: datetime, tally: Tally, processes: int = 1
) -> Mapping[str, Sequence[Quote]]:
    """By ticker, every usable quote of the markets of `index`, possibly none. Raises UnreadableRecording."""
    ladders = folder / "kalshi" / "ladders"
    files = sorted([*ladders.glob("quotes_*.csv"), *ladders.glob("quotes_*.csv.gz")])
    if not files:
        raise UnreadableRecording(f"{ladders} holds no quotes_*.csv or quotes_*.csv.gz")
    asked = _Asked(index, now)
    if processes > 1 and len(files) > 1:
        packed = made_of_each(_packed, asked, files, processes)
        tickers = [ticker for each in packed for ticker in each.columns]
        if len(set(tickers)) == len(tickers):
            return _together(packed, index, tally)
        # Of a market in two files the rows must be looked at in their order.
    return _read(asked, files, tally)


def _packed(asked: _Asked, path: Path) -> _Packed:
    tally = Tally()
    histories = _read(asked, [path], tally)
    return _Packed(
        {ticker: tuple(zip(*told, strict=True)) for ticker, told in histories.items() if told}, tally
    )


def _together(packed: Iterable[_Packed], index: EventIndex, tally: Tally) -> Histories:
    histories: Histories = {ticker: [] for ticker in index.by_market}
    for each in packed:
        tally.add(each.tally)
        for ticker, columns in each.columns.items():
            histories[ticker] = list(map(Quote._make, zip(*columns, strict=True)))
    return histories


def _read(asked: _Asked, files: Iterable[Path], tally: Tally) -> Histories:
    index, now = asked
    histories: Histories = {ticker: [] for ticker in index.by_market}
    for line in chain.from_iterable(lines_of(path, QUOTE_COLUMNS, tally, SIZE_COLUMNS) for path in files):
        ticker = line.fields[0]
        event = index.by_market.get(ticker)
        if event is None:
            _strange_quote(line, index, tally)
            continue
        try:
            _add(histories[ticker], _quote(line.fields, event, now), line, tally)
        except BadRow as bad:
            tally.refuse(line, bad.fault, str(bad))
    return histories


def _strange_quote(line: Line, index: EventIndex, tally: Tally) -> None:
    """A quote of a market we do not follow."""
    ticker = line.fields[0]
    if ticker in index.outside:
        tally.outside(line)
    elif ticker in index.refused:
        tally.refuse(line, Fault.EVENT_REFUSED, f"{ticker} stands in no usable event")
    else:
        tally.refuse(line, Fault.UNKNOWN_EVENT, f"{ticker[:60]!r} is not in events.csv")


def _quote(fields: Sequence[str], event: RecordedEvent, now: datetime) -> Quote:
    at = instant(fields[1])
    if at > now:
        raise BadRow(Fault.FUTURE_STAMPED, f"{fields[1]} has not come yet")
    if at < event.open_at:
        raise BadRow(Fault.BEFORE_OPEN, f"{fields[1]} is before {event.event_ticker} opened")
    if at > event.close_at:
        raise BadRow(Fault.AFTER_CLOSE, f"{fields[1]} is after {event.event_ticker} closed")
    bid, ask, last = _prices(fields[2], fields[3], fields[4])
    volume, open_interest = count(fields[5]), count(fields[6])
    return Quote(at, bid, ask, last, volume, open_interest, _size(fields[7], bid), _size(fields[8], ask))


@lru_cache(maxsize=100_000)
def _prices(
    bid_text: str, ask_text: str, last_text: str
) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Bid, ask and last price. Together they come again and again: a row costs one look instead of three."""
    bid, ask = price(bid_text), price(ask_text)
    if bid is not None and ask is not None and bid >= ask:
        raise BadRow(Fault.CROSSED, f"bid {bid} is not below ask {ask}")
    return bid, ask, price(last_text)


def _size(text: str, at_price: Decimal | None) -> Decimal | None:
    """Contracts displayed at a price; None when not recorded. Raises BadRow for some without a price, and for none."""
    size = count(text) if text else None
    if size is not None and (at_price is None or not size):
        beside = "no price" if at_price is None else f"a price of {at_price}"
        raise BadRow(Fault.IMPLAUSIBLE, f"{text} contracts displayed at {beside}")
    return size


def _add(history: list[Quote], quote: Quote, line: Line, tally: Tally) -> None:
    """Put a quote in its place. Raises BadRow when its minute is taken: the first row of a minute stands."""
    if not (is_whole_cents(quote.yes_bid) and is_whole_cents(quote.yes_ask)):
        tally.flag(line, Fault.OFF_CENT, f"{quote.yes_bid} / {quote.yes_ask}")
    if not history or quote.at > history[-1].at:
        history.append(quote)
        return
    place = bisect_left(history, quote.at, key=quoted_at)
    if history[place].at == quote.at:
        raise BadRow(Fault.DUPLICATE, f"{line.fields[0]} has a row of {line.fields[1]} already")
    history.insert(place, quote)
    tally.flag(line, Fault.UNSORTED, f"{line.fields[1]} comes after a later row")
