"""Candlesticks are sums over recorded closes, nothing more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from sandbox.recorded import RecordedDay
from tests.sandbox.stages import client_at

TICKER = "KXHIGHCHI-26MAY19-B74.5"
LATE = datetime(2026, 5, 20, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def gap_around_noon(invented_day: RecordedDay) -> RecordedDay:
    """The day without the rows of two hours, so that no candle of an hour ends at 12Z or at 13Z."""
    start, end = datetime(2026, 5, 19, 11, tzinfo=UTC), datetime(2026, 5, 19, 13, tzinfo=UTC)
    kept = {
        ticker: tuple(quote for quote in quotes if not start < quote.at <= end)
        for ticker, quotes in invented_day.quotes.items()
    }
    return replace(invented_day, quotes=kept)


def candles(day: RecordedDay, at: datetime, **parameters: Any) -> list[dict[str, Any]]:
    asked = {"start_ts": 1779000000, "end_ts": 1780000000, "period_interval": 60} | parameters
    answer = client_at(day, at).get(
        f"/trade-api/v2/series/KXHIGHCHI/markets/{TICKER}/candlesticks", params=asked
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["ticker"] == TICKER
    found: list[dict[str, Any]] = answer.json()["candlesticks"]
    return found


@pytest.mark.parametrize("minutes", [1, 60, 1440])
def test_candles_end_on_their_period_and_add_up_to_the_volume(
    invented_day: RecordedDay, minutes: int
) -> None:
    found = candles(invented_day, LATE, period_interval=minutes)
    assert all(candle["end_period_ts"] % (minutes * 60) == 0 for candle in found)
    assert sum(Decimal(candle["volume_fp"]) for candle in found) == invented_day.quotes[TICKER][-1].volume
    ends = [candle["end_period_ts"] for candle in found]
    assert ends == sorted(set(ends))


def test_minute_candle_closes_at_the_recorded_row(invented_day: RecordedDay) -> None:
    found = {candle["end_period_ts"]: candle for candle in candles(invented_day, LATE, period_interval=1)}
    for quote in invented_day.quotes[TICKER]:
        candle = found[int(quote.at.timestamp())]
        assert Decimal(candle["yes_bid"]["close_dollars"]) == (quote.yes_bid or 0)
        assert Decimal(candle["yes_ask"]["close_dollars"]) == (1 if quote.yes_ask is None else quote.yes_ask)


def test_candle_low_and_high_enclose_open_and_close(invented_day: RecordedDay) -> None:
    for candle in candles(invented_day, LATE):
        for side in (candle["yes_bid"], candle["yes_ask"]):
            low, high = Decimal(side["low_dollars"]), Decimal(side["high_dollars"])
            assert low <= Decimal(side["open_dollars"]) <= high
            assert low <= Decimal(side["close_dollars"]) <= high


def test_candle_without_trades_has_no_traded_price(invented_day: RecordedDay) -> None:
    quiet = [
        candle
        for candle in candles(invented_day, LATE, period_interval=1)
        if Decimal(candle["volume_fp"]) == 0
    ]
    assert quiet
    assert all(set(candle["price"]) <= {"previous_dollars"} for candle in quiet)


NEXT_BOUNDARY = 1779195600  # 2026-05-19 13:00Z


@pytest.mark.parametrize("start", [NEXT_BOUNDARY - 3600, NEXT_BOUNDARY - 1800, NEXT_BOUNDARY - 1])
def test_candle_before_the_range_is_projected_to_the_boundary_after_its_start(
    gap_around_noon: RecordedDay, start: int
) -> None:
    plain = candles(gap_around_noon, LATE, start_ts=start)
    projected = candles(gap_around_noon, LATE, start_ts=start, include_latest_before_start=True)
    assert projected[1:] == plain
    assert projected[0]["end_period_ts"] == NEXT_BOUNDARY
    assert projected[0]["volume_fp"] == "0.00"
    latest = candles(gap_around_noon, LATE, end_ts=start - 1)[-1]
    traded = ("open_dollars", "low_dollars", "high_dollars", "close_dollars")
    assert projected[0]["price"] == dict.fromkeys(traded) | {
        "previous_dollars": latest["price"].get("close_dollars") or latest["price"]["previous_dollars"]
    }
    assert set(projected[0]["yes_bid"].values()) == {latest["yes_bid"]["close_dollars"]}


@pytest.mark.parametrize("minutes", [1, 60])
@pytest.mark.parametrize(
    "start", [NEXT_BOUNDARY, NEXT_BOUNDARY + 60, NEXT_BOUNDARY + 1, NEXT_BOUNDARY + 1799]
)
def test_no_two_candles_end_at_the_same_instant(invented_day: RecordedDay, minutes: int, start: int) -> None:
    asked = {"start_ts": start, "period_interval": minutes, "include_latest_before_start": True}
    ends = [candle["end_period_ts"] for candle in candles(invented_day, LATE, **asked)]
    assert ends == sorted(set(ends))


def test_traded_candle_tells_the_mean_and_the_bounds_of_what_was_traded(invented_day: RecordedDay) -> None:
    quotes = [quote for quote in invented_day.quotes[TICKER] if quote.at <= LATE]
    found = [one for one in candles(invented_day, LATE) if Decimal(one["volume_fp"]) > 0]
    assert found
    for candle in found:
        price = {name.removesuffix("_dollars"): Decimal(value) for name, value in candle["price"].items()}
        assert (price["min"], price["max"]) == (price["low"], price["high"])
        end = datetime.fromtimestamp(candle["end_period_ts"], UTC)
        paid = count = Decimal(0)
        for before, quote in pairwise([None, *quotes]):
            traded = (
                (quote.volume or Decimal(0)) - ((before and before.volume) or Decimal(0))
                if quote
                else Decimal(0)
            )
            if quote and traded and end - timedelta(hours=1) < quote.at <= end:
                paid, count = paid + traded * (quote.last or 0), count + traded
        assert price["mean"] == (paid / count).quantize(Decimal("0.0001"))


def test_candle_of_a_wrong_period_or_series_is_refused(invented_day: RecordedDay) -> None:
    client = client_at(invented_day, LATE)
    query = "start_ts=1&end_ts=2&period_interval"
    assert (
        client.get(f"/trade-api/v2/series/KXHIGHCHI/markets/{TICKER}/candlesticks?{query}=5").status_code
        == 400
    )
    assert (
        client.get(f"/trade-api/v2/series/KXHIGHNY/markets/{TICKER}/candlesticks?{query}=60").status_code
        == 404
    )
