"""Trades, candlesticks, the archive, fee changes and the timetable, page by page as they are wanted."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from markets.clients.kalshi import history as history_module
from markets.clients.kalshi import parse_history
from markets.clients.kalshi.history import KalshiHistory
from markets.clients.kalshi.transport import Transport
from markets.domain.history_types import CandlePeriod, Ohlc
from markets.domain.sides import BookSide
from markets.domain.types import FeeSchedule, FeeType
from milkbot.core.errors import Malformed
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import NOW, decode, wire_market

D = Decimal
TICKER = "KXHIGHCHI-26SEP15-B84.5"


@pytest.fixture
def history(exchange: LocalExchange, naps: list[float]) -> Iterator[KalshiHistory]:
    transport = Transport(exchange.base_url, now=lambda: NOW, sleep=naps.append)
    yield KalshiHistory(transport, now=lambda: NOW)
    transport.close()


def wire_trade(trade_id: str = "t1", /, **changes: Any) -> dict[str, Any]:
    row = {
        "trade_id": trade_id, "ticker": TICKER, "count_fp": "155.00", "yes_price_dollars": "0.0100",
        "no_price_dollars": "0.9900", "taker_book_side": "bid", "taker_outcome_side": "yes",
        "created_time": "2026-09-15T01:46:15.690388Z", "is_block_trade": False,
    }  # fmt: skip
    return {name: value for name, value in (row | changes).items() if value is not None}


def wire_candle(end: int = 1_789_484_400, **changes: Any) -> dict[str, Any]:
    quote = {
        "open_dollars": "1.0000",
        "low_dollars": "0.0300",
        "high_dollars": "1.0000",
        "close_dollars": "0.0300",
    }
    return {
        "end_period_ts": end, "yes_bid": quote | {"low_dollars": "0.0000"}, "yes_ask": quote, "price": {},
        "volume_fp": "0.00", "open_interest_fp": "3.00", **changes,
    }  # fmt: skip


def test_trades_are_fetched_page_by_page_as_wanted_and_come_once(
    exchange: LocalExchange, history: KalshiHistory
) -> None:
    def page(request: Request) -> Reply:
        at = int(request.query.get("cursor", ["0"])[0])
        rows = [wire_trade(f"t{at}"), wire_trade(f"t{at + 1}"), wire_trade(f"b{at}", is_block_trade=True)]
        return json_reply({"trades": [*rows, {"trade_id": "junk"}], "cursor": str(at + 1)})

    exchange.on("/markets/trades", page)
    trades = history.iter_trades(TICKER, since=NOW - timedelta(hours=1), until=NOW)
    assert exchange.requests == []
    assert [trade.trade_id for trade in islice(trades, 4)] == ["t0", "t1", "t2", "t3"]
    assert len(exchange.requests) == 3
    assert exchange.requests[0].query == {
        "ticker": [TICKER], "min_ts": [str(int(NOW.timestamp()) - 3600)], "max_ts": [str(int(NOW.timestamp()))],
        "limit": ["1000"],
    }  # fmt: skip


def test_archived_trades_with_block_trades_stand_elsewhere(
    exchange: LocalExchange, history: KalshiHistory
) -> None:
    rows = [wire_trade(), wire_trade("b", is_block_trade=True, taker_book_side=None)]
    exchange.on("/historical/trades", json_reply({"trades": rows, "cursor": ""}))
    assert [t.trade_id for t in history.iter_trades(archived=True, with_block_trades=True)] == ["t1", "b"]


def test_endless_trades_end(
    exchange: LocalExchange, history: KalshiHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "MOST_PAGES", 3)
    exchange.on("/markets/trades", *(json_reply({"trades": [], "cursor": str(n)}) for n in range(9)))
    with pytest.raises(Malformed, match="more than 3 pages"):
        list(history.iter_trades())


@pytest.mark.parametrize(
    "changes",
    [
        {"taker_book_side": None, "taker_outcome_side": None}, {"count_fp": "0"}, {"count_fp": "-3"},
        {"yes_price_dollars": "1.0000"}, {"yes_price_dollars": None}, {"created_time": 7}, {"ticker": ""},
    ],
)  # fmt: skip
def test_trade_that_says_nothing_usable_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_history.parse_trade(wire_trade(**changes))


def test_candles_of_a_live_and_of_an_archived_market(
    exchange: LocalExchange, history: KalshiHistory, snippets: Path
) -> None:
    live = f"/series/KXHIGHCHI/markets/{TICKER}/candlesticks"
    exchange.on(live, json_reply({"candlesticks": [wire_candle(), wire_candle(1_789_484_340), {"junk": 1}]}))
    archived = (snippets / "historical_candle_highny_24aug15_t83.json").read_bytes()
    exchange.on("/historical/markets/HIGHNY-24AUG15-T83/candlesticks", Reply(200, archived))
    since = NOW - timedelta(hours=1)
    older, newer = history.get_candles(TICKER, since=since, until=NOW)
    assert (older.ends_at, newer.ends_at) == (NOW - timedelta(minutes=1), NOW)
    assert newer.yes_ask == Ohlc(open=None, low=D("0.03"), high=None, close=D("0.03"))
    assert (newer.yes_bid.low, newer.price, newer.open_interest) == (None, Ohlc(), D(3))
    assert exchange.requests[0].query["period_interval"] == ["1"]
    (old,) = history.get_candles(
        "HIGHNY-24AUG15-T83", since=since, until=NOW, period=CandlePeriod.HOUR, archived=True
    )
    assert (old.yes_bid.close, old.yes_ask.high, old.previous_price) == (D("0.01"), D("0.99"), None)
    assert exchange.requests[1].query["period_interval"] == ["60"]


def test_candles_of_many_markets_come_by_ticker_or_not_at_all(
    exchange: LocalExchange, history: KalshiHistory
) -> None:
    def answer(candles: int) -> Reply:
        rows = [wire_candle(1_700_000_000 + 60 * n) for n in range(candles)]
        return json_reply({"markets": [{"market_ticker": TICKER, "candlesticks": rows}]})

    exchange.on("/markets/candlesticks", answer(2), answer(history_module.MOST_CANDLES))
    found = history.get_candles_of([TICKER, "OTHER"], since=NOW, until=NOW)
    assert {ticker: len(candles) for ticker, candles in found.items()} == {TICKER: 2, "OTHER": 0}
    assert exchange.requests[0].query["market_tickers"] == [f"{TICKER},OTHER"]
    with pytest.raises(Malformed, match="fewer"):
        history.get_candles_of([TICKER], since=NOW, until=NOW)
    with pytest.raises(ValueError, match="at most 100"):
        history.get_candles_of([f"T{n}" for n in range(101)], since=NOW, until=NOW)


def test_archived_markets_are_found_by_series_and_by_ticker(
    exchange: LocalExchange, history: KalshiHistory
) -> None:
    settled = wire_market(status="finalized", result="yes", settlement_ts="2026-09-16T12:04:54Z")
    exchange.on("/historical/markets", json_reply({"markets": [settled], "cursor": ""}))
    exchange.on(f"/historical/markets/{TICKER}", json_reply({"market": settled}))
    exchange.on(
        "/historical/cutoff",
        json_reply(
            {
                "market_settled_ts": "2026-10-01T00:00:00Z",
                "trades_created_ts": "2026-10-01T00:00:00Z",
                "orders_updated_ts": "2026-11-01T00:00:00Z",
            }
        ),
    )
    (listing,) = history.iter_archived_markets(series_ticker="KXHIGHCHI")
    assert listing == history.get_archived_market(TICKER)
    assert listing.market.result == "yes"
    cutoff = history.get_cutoff()
    assert cutoff.holds_market(listing.market.settled_at)
    assert not cutoff.holds_market(None)
    assert cutoff.positions_updated_at is None
    assert exchange.requests[0].query == {"series_ticker": ["KXHIGHCHI"], "limit": ["1000"]}


def test_fee_changes_of_series_and_events(
    exchange: LocalExchange, history: KalshiHistory, recorded_api: Path
) -> None:
    change = {
        "id": "1", "series_ticker": "KXHIGHCHI", "fee_type": "quadratic", "fee_multiplier": 0.5,
        "scheduled_ts": "2026-12-01T00:00:00Z",
    }  # fmt: skip
    event = {
        "id": "2", "series_ticker": "KXHIGHCHI", "event_ticker": "KXHIGHCHI-26SEP15", "fee_type_override": None,
        "fee_multiplier_override": None, "scheduled_ts": "2026-12-01T00:00:00Z",
    }  # fmt: skip
    recorded = (recorded_api / "series__fee_changes.json").read_bytes()
    exchange.on(
        "/series/fee_changes",
        Reply(200, recorded),
        json_reply({"series_fee_change_arr": [change, change | {"fee_type": "flat"}]}),
    )
    flat = event | {"fee_type_override": "flat", "fee_multiplier_override": 1}
    exchange.on(
        "/events/fee_changes",
        json_reply({"event_fee_changes": [event], "cursor": "2"}),
        json_reply({"event_fee_changes": [flat], "cursor": ""}),
    )
    assert history.list_series_fee_changes() == ()
    known, unknown = history.list_series_fee_changes("KXHIGHCHI", with_past=True)
    assert known.fees == FeeSchedule(fee_type=FeeType.QUADRATIC, multiplier=D("0.5"))
    assert unknown.fees is None
    changes = history.iter_event_fee_changes("KXHIGHCHI-26SEP15")
    assert next(changes).fees is None
    with pytest.raises(Malformed, match="cannot compute"):
        next(changes)


def test_schedule_tells_sessions_and_maintenance(exchange: LocalExchange, history: KalshiHistory) -> None:
    days = ("monday", "tuesday", "wednesday", "friday", "saturday", "sunday")
    hours: dict[str, Any] = {day: [{"open_time": "00:00", "close_time": "24:00"}] for day in days}
    thursday = [{"open_time": "00:00", "close_time": "03:00"}, {"open_time": "05:00", "close_time": "24:00"}]
    span = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"}
    window = {"start_datetime": "2026-09-17T07:00:00Z", "end_datetime": "2026-09-17T09:00:00Z"}
    schedule = {"standard_hours": [hours | span | {"thursday": thursday}], "maintenance_windows": [window]}
    exchange.on(
        "/exchange/schedule",
        json_reply({"schedule": schedule}),
        json_reply({"schedule": schedule | {"standard_hours": [hours | span | {"thursday": [{"open_time": "5"}]}]}}),
    )  # fmt: skip
    read = history.get_schedule()
    assert [session.closes for session in read.standard_hours[0].week[3]] == [time(3), time(0)]
    inside = datetime(2026, 9, 17, 8, tzinfo=UTC)
    assert read.maintenance_until(inside) == datetime(2026, 9, 17, 9, tzinfo=UTC)
    assert read.maintenance_until(inside + timedelta(hours=1)) is None
    with pytest.raises(Malformed):
        history.get_schedule()


def test_recorded_trades_and_candles_parse(recorded_api: Path, snippets: Path) -> None:
    body = decode((recorded_api / "trades__public_recorded.json").read_bytes())
    trades = [parse_history.parse_trade(row) for row in body["trades"]]
    assert (trades[0].count, trades[0].yes_price, trades[0].taker_side) == (
        D("7.77"),
        D("0.03"),
        BookSide.BID,
    )
    for name in (
        "kxhighny_26sep01_trade",
        "kxhighny_26sep01_candle_1m",
        "historical_candle_highny_24aug15_t83",
    ):
        snippet = decode((snippets / f"{name}.json").read_bytes())
        for row in snippet.get("trades", []):
            assert parse_history.parse_trade(row).count == D(155)
        for row in snippet.get("candlesticks", []):
            assert parse_history.parse_candle(row).yes_bid.close is not None
