"""From candlesticks and stored prices to rows, whatever comes: nothing is lost uncounted, nothing looks ahead."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markets.archive import StoredPrices
from markets.domain.history_types import Candle, Ohlc
from markets.domain.types import Market, MarketStatus, StrikeType
from trading.archive.ladder_rows import candle_rows, price_fault, settled_as
from trading.archive.stored_parts import minute_rows
from trading.archive.text import Row, degrees, figure, stamp

D = Decimal
OPEN = datetime(2026, 9, 14, 14, tzinfo=UTC)
CLOSE = OPEN + timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
PRICES = st.none() | st.decimals("0.001", "0.999", places=3)
COUNTS = st.decimals(0, 50, places=2)


def market(ticker: str = "KXHIGHCHI-26SEP15-B74.5", **changes: Any) -> Market:
    values: dict[str, Any] = {
        "ticker": ticker,
        "event_ticker": "KXHIGHCHI-26SEP15",
        "strike_type": StrikeType.BETWEEN,
        "floor_strike": D(74),
        "cap_strike": D(75),
        "status": MarketStatus.ACTIVE,
        "open_at": OPEN,
        "close_at": CLOSE,
        "price_ranges": (),
    }
    return Market.model_validate(values | changes)


@st.composite
def candle(draw: st.DrawFn) -> Candle:
    seconds = draw(st.integers(-2, 33)) * 60 + draw(st.sampled_from((0, 0, 0, 7)))
    return Candle(
        ends_at=OPEN + timedelta(seconds=seconds),
        yes_bid=Ohlc(close=draw(PRICES)),
        yes_ask=Ohlc(close=draw(PRICES)),
        price=Ohlc(close=draw(PRICES)),
        previous_price=draw(PRICES),
        volume=draw(COUNTS),
        open_interest=draw(COUNTS),
    )


@settings(max_examples=60)
@given(candles=st.lists(candle(), max_size=30))
def test_candles_become_rows_or_are_counted(candles: list[Candle]) -> None:
    candles.sort(key=lambda one: one.ends_at)
    refused = Counter[str]()
    rows = list(candle_rows(market(), candles, refused))

    stamps = [row[1] for row in rows]
    assert stamps == sorted(set(stamps))
    assert len(rows) + refused.total() <= len(candles)
    assert all(row[2:] != before[2:] for before, row in pairwise(rows))
    in_place = [
        one for one in {one.ends_at: one for one in reversed(candles)}.values()
        if OPEN <= one.ends_at <= CLOSE and not one.ends_at.second
    ]  # fmt: skip
    volumes = [D(row[5]) for row in rows]
    assert volumes == sorted(volumes)
    assert not volumes or volumes[-1] <= sum((one.volume for one in in_place), D(0))
    for row in rows:
        bid, ask, last = (D(text) if text else None for text in row[2:5])
        assert price_fault(bid, ask, last) is None
        (source,) = (one for one in in_place if stamp(one.ends_at) == row[1])
        assert (bid, ask) == (source.yes_bid.close, source.yes_ask.close)


@st.composite
def seen(draw: st.DrawFn) -> StoredPrices:
    bid = draw(st.none() | st.integers(1, 50).map(lambda cents: D(cents) / 100))
    ask = draw(st.none() | st.integers(51, 99).map(lambda cents: D(cents) / 100))
    return StoredPrices(
        ticker=draw(st.sampled_from(("A", "B"))),
        captured_at=OPEN + timedelta(seconds=draw(st.integers(-90, 1900))),
        status=draw(st.sampled_from(("active", "active", "inactive"))),
        yes_bid=bid,
        yes_ask=ask,
        last=None,
        volume=draw(COUNTS),
        open_interest=D(1),
        yes_bid_size=None if bid is None else D(3),
        yes_ask_size=None if ask is None else D(0),
    )


def as_told(rows: Sequence[Row], ticker: str, at: datetime) -> Row | None:
    known = [row for row in rows if row[0] == ticker and row[1] <= stamp(at)]
    return known[-1] if known else None


@settings(max_examples=60)
@given(prices=st.lists(seen(), max_size=25))
def test_rows_tell_at_the_end_of_every_minute_what_stood_then(prices: list[StoredPrices]) -> None:
    prices.sort(key=lambda one: (one.captured_at, one.ticker))
    refused = Counter[str]()
    rows = list(minute_rows([market("A"), market("B")], prices, refused))

    assert [(row[1], row[0]) for row in rows] == sorted({(row[1], row[0]) for row in rows})
    inside = [one for one in prices if OPEN <= one.captured_at <= CLOSE]
    assert refused.total() == len(prices) - len(inside)
    for minutes in range(31):
        at = OPEN + minutes * MINUTE
        for ticker in ("A", "B"):
            stood = [one for one in inside if one.ticker == ticker and one.captured_at <= at]
            told = as_told(rows, ticker, at)
            if not stood:
                assert told is None
                continue
            active, newest = stood[-1].status == "active", stood[-1]
            assert told is not None
            bid, ask = (newest.yes_bid, newest.yes_ask) if active else (None, None)
            assert told[2:4] == (figure(bid), figure(ask))
            assert told[5] == figure(newest.volume)
            assert told[7:] == ("3" if bid else "", ""), "of none displayed no size is told"


@given(value=st.decimals("-1e9", "1e9", places=6))
def test_figures_are_exact(value: Decimal) -> None:
    text = figure(value)
    assert D(text) == value
    assert "E" not in text
    assert len(text.partition(".")[2]) in (0, 2, 3, 4, 5, 6)


def test_texts() -> None:
    assert [figure(value) for value in (None, 3, D("3.00"), D("0.4"), D("0.4050"), D(0))] == [
        "", "3", "3", "0.40", "0.405", "0",
    ]  # fmt: skip
    assert [degrees(value) for value in (18.3, -3.2999999999999545, D(7))] == ["18.3", "-3.3", "7.0"]
    assert stamp(OPEN + timedelta(microseconds=5)) == "2026-09-14T14:00:00.000005Z"


FINAL: dict[str, Any] = {"status": MarketStatus.FINALIZED, "settled_at": CLOSE}


@pytest.mark.parametrize(
    ("expiration", "settle_f"),
    [("74.00", 74), ("75", 75), ("74.5", None), ("76.00", None), ("", None), ("x", None)],
)
def test_settled_high_is_whole_and_inside_the_bracket_that_pays(
    expiration: str, settle_f: int | None
) -> None:
    pays = market(result="yes", expiration_value=expiration, **FINAL)
    loses = market("KXHIGHCHI-26SEP15-B76.5", result="no", expiration_value=expiration, **FINAL)
    assert settled_as([pays, loses]) == (pays.ticker, settle_f)


@pytest.mark.parametrize("results", [("yes", "yes"), ("no", "no"), ("yes", "scalar"), ("yes", "")])
def test_results_that_contradict_one_another_are_none(results: tuple[str, str]) -> None:
    markets = [
        market(f"KXHIGHCHI-26SEP15-B{number}", result=result, **FINAL)
        for number, result in enumerate(results)
    ]
    assert settled_as(markets) is None
