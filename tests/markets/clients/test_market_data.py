"""The client as the rest of the house uses it, against a local exchange."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from markets.clients.kalshi.market_data import KalshiMarketData, client_from_config
from markets.clients.kalshi.paging import MAX_PAGES
from markets.domain.types import MarketSnapshot
from milkbot.core.config import Config
from milkbot.core.errors import BadMarketData, Malformed, Refused, Unreachable
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import NOW, wire_book, wire_event, wire_market, wire_series

D = Decimal
TICKER = "KXHIGHCHI-26SEP15-B84.5"


def _config(**values: Any) -> Config:
    return Config(database_url="postgresql://user@localhost/name", _env_file=None, **values)  # type: ignore[call-arg, arg-type, unused-ignore]


@pytest.mark.story("3.1", 1)
def test_client_reads_live_data_in_shadow_and_demo_data_in_demo(key_path: Path) -> None:
    shadow = client_from_config(_config(trading_mode="SHADOW"))
    assert shadow.base_url == "https://external-api.kalshi.com/trade-api/v2"
    demo = client_from_config(
        _config(trading_mode="DEMO", kalshi_demo_key_id="k", kalshi_demo_private_key_path=key_path)
    )
    assert demo.base_url == "https://external-api.demo.kalshi.co/trade-api/v2"
    live = client_from_config(
        _config(
            trading_mode="LIVE",
            kalshi_live_key_id="k",
            kalshi_live_private_key_path=key_path,
            live_confirm="I accept real orders with real money",
        )
    )
    assert live.base_url == "https://external-api.kalshi.com/trade-api/v2"
    sandbox = client_from_config(_config(kalshi_base_url="http://127.0.0.1:8002/trade-api/v2"))
    assert sandbox.base_url == "http://127.0.0.1:8002/trade-api/v2"
    for made in (shadow, demo, live, sandbox):
        made.close()


def test_client_in_shadow_signs_nothing_even_when_a_demo_key_is_configured(
    exchange: LocalExchange, key_path: Path
) -> None:
    exchange.on("/exchange/status", json_reply({"exchange_active": True, "trading_active": True}))
    shadow = client_from_config(
        _config(
            kalshi_base_url=exchange.base_url,
            kalshi_demo_key_id="demo-key",
            kalshi_demo_private_key_path=key_path,
        )
    )
    shadow.get_status()
    shadow.close()
    assert "demo-key" not in str(exchange.requests)


@pytest.mark.story("3.1", 3)
@pytest.mark.story("3.1", 5)
def test_list_markets_of_a_series_returns_snapshots_of_every_page(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    first, second = wire_market(), wire_market("T87", "greater", 87, None, yes_bid_dollars="0.0000")

    def page(request: Request) -> Reply:
        if "cursor" in request.query:
            return json_reply({"markets": [second], "cursor": ""})
        return json_reply({"markets": [first], "cursor": "next"})

    exchange.on("/markets", page)
    snapshots = client.list_markets("KXHIGHCHI", status="open")
    assert all(isinstance(snapshot, MarketSnapshot) for snapshot in snapshots)
    assert [(s.ticker, s.yes_bid, s.captured_at) for s in snapshots] == [
        (first["ticker"], D("0.41"), NOW),
        (second["ticker"], None, NOW),
    ]
    assert exchange.requests[1].query == {
        "series_ticker": ["KXHIGHCHI"], "status": ["open"], "limit": ["1000"], "cursor": ["next"],
    }  # fmt: skip


def test_list_markets_leaves_out_and_logs_a_bad_one(
    exchange: LocalExchange, client: KalshiMarketData, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.on(
        "/markets",
        json_reply(
            {"markets": [wire_market(yes_bid_dollars="1.2"), wire_market("T87", "greater", 87, None)]}
        ),
    )
    assert [s.ticker for s in client.list_markets("KXHIGHCHI")] == ["KXHIGHCHI-26SEP15-T87"]
    assert [record.__dict__["code"] for record in caplog.records] == ["PRICE_OUT_OF_RANGE"]


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"]])
def test_pages_with_a_repeated_cursor_are_malformed(
    exchange: LocalExchange, client: KalshiMarketData, cursors: list[str]
) -> None:
    exchange.on("/markets", *(json_reply({"markets": [], "cursor": cursor}) for cursor in cursors))
    with pytest.raises(Malformed, match="repeats a cursor"):
        client.list_markets("KXHIGHCHI")


def test_pages_without_end_are_malformed(exchange: LocalExchange, client: KalshiMarketData) -> None:
    exchange.on("/markets", *(json_reply({"markets": [], "cursor": str(n)}) for n in range(MAX_PAGES + 5)))
    with pytest.raises(Malformed, match="more than 50 pages"):
        client.list_markets("KXHIGHCHI")
    assert len(exchange.requests) == MAX_PAGES


def test_list_listings_asks_for_a_hundred_tickers_at_a_time(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    exchange.on("/markets", json_reply({"markets": [wire_market()], "cursor": ""}))
    assert client.list_listings([]) == []
    assert exchange.requests == []
    listings = client.list_listings([f"T-{n}" for n in range(250)])
    assert len(listings) == 3
    assert [len(r.query["tickers"][0].split(",")) for r in exchange.requests] == [100, 100, 50]


def test_list_events_reads_nested_markets_of_every_page_once(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    exchange.on(
        "/events",
        json_reply({"events": [wire_event()], "cursor": "2"}),
        json_reply({"events": [wire_event(), {"event_ticker": "junk"}], "cursor": ""}),
    )
    events = client.list_events("KXHIGHCHI")
    assert [(event.event_ticker, len(event.listings)) for event in events] == [("KXHIGHCHI-26SEP15", 6)]
    assert exchange.requests[0].query == {
        "series_ticker": ["KXHIGHCHI"], "with_nested_markets": ["true"], "status": ["open"], "limit": ["200"],
    }  # fmt: skip


def test_list_events_of_another_series_is_malformed(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    exchange.on("/events", json_reply({"events": [wire_event(series="KXHIGHNY")], "cursor": ""}))
    with pytest.raises(Malformed, match="KXHIGHNY"):
        client.list_events("KXHIGHCHI")


def test_get_event_and_series_are_read_and_checked(exchange: LocalExchange, client: KalshiMarketData) -> None:
    exchange.on("/events/KXHIGHCHI-26SEP15", json_reply({"event": wire_event()}))
    exchange.on("/series/KXHIGHCHI", json_reply(wire_series()))
    exchange.on("/series/KXHIGHNY", json_reply(wire_series()))
    assert len(client.get_event("KXHIGHCHI-26SEP15").listings) == 6
    assert client.get_series("KXHIGHCHI").settlement_source_names == ("The Weather Company",)
    with pytest.raises(Malformed, match="asked for series KXHIGHNY"):
        client.get_series("KXHIGHNY")


@pytest.mark.parametrize("status", [500, 503, 504])
def test_get_status_believes_a_server_error_that_says_the_exchange_is_closed(
    exchange: LocalExchange, client: KalshiMarketData, status: int
) -> None:
    exchange.on("/exchange/status", json_reply({"exchange_active": False, "trading_active": False}, status))
    assert not client.get_status().exchange_active


@pytest.mark.parametrize(
    "reply", [Reply(503, b"<html></html>"), json_reply({"error": {"code": "internal"}}, 500)]
)
def test_get_status_from_a_plain_server_error_is_unknown(
    exchange: LocalExchange, client: KalshiMarketData, reply: Reply
) -> None:
    exchange.on("/exchange/status", reply)
    with pytest.raises(Unreachable):
        client.get_status()


@pytest.mark.story("3.2", 1)
@pytest.mark.story("3.2", 2)
@pytest.mark.story("3.2", 4)
def test_get_orderbook_returns_bid_ask_volume_and_spread_as_a_snapshot(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    exchange.on(f"/markets/{TICKER}", json_reply({"market": wire_market()}))
    exchange.on(f"/markets/{TICKER}/orderbook", json_reply(wire_book(TICKER, yes="0.4000", no="0.5600")))
    snapshot = client.get_orderbook(TICKER)
    assert isinstance(snapshot, MarketSnapshot)
    assert (snapshot.yes_bid, snapshot.yes_bid_size) == (D("0.40"), D(50))
    assert (snapshot.yes_ask, snapshot.yes_ask_size) == (D("0.44"), D(30))
    assert (snapshot.volume, snapshot.open_interest) == (D(1850), D(940))
    assert (snapshot.spread, snapshot.mid) == (D("0.04"), D("0.42"))


@pytest.mark.story("3.2", 1)
@pytest.mark.story("3.2", 4)
def test_get_orderbook_of_the_recorded_book_has_the_listed_spread(
    exchange: LocalExchange, client: KalshiMarketData, recorded_api: Path
) -> None:
    ticker = "KXWTACHALLENGERMATCH-26JUN11JIMLEP-LEP"
    exchange.on(f"/markets/{ticker}", Reply(200, (recorded_api / "markets__single.json").read_bytes()))
    exchange.on(
        f"/markets/{ticker}/orderbook", Reply(200, (recorded_api / "orderbook__base.json").read_bytes())
    )
    snapshot = client.get_orderbook(ticker)
    assert (snapshot.yes_bid, snapshot.yes_ask, snapshot.spread) == (D("0.47"), D("0.52"), D("0.05"))


@pytest.mark.story("3.2", 3)
@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"error": {"code": "not_found"}}, 404),
        json_reply({"orderbook_fp": None}),
        json_reply({"orderbook_fp": {"yes_dollars": [], "no_dollars": []}}),
    ],
)
def test_get_orderbook_of_a_closed_or_halted_market_has_no_sides(
    exchange: LocalExchange, client: KalshiMarketData, reply: Reply
) -> None:
    exchange.on(f"/markets/{TICKER}", json_reply({"market": wire_market(status="closed")}))
    exchange.on(f"/markets/{TICKER}/orderbook", reply)
    snapshot = client.get_orderbook(TICKER)
    assert (snapshot.yes_bid, snapshot.yes_ask, snapshot.spread) == (None, None, None)
    assert snapshot.volume == D(1850)


def test_get_orderbook_refused_for_another_reason_stays_refused(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    exchange.on(f"/markets/{TICKER}", json_reply({"market": wire_market()}))
    exchange.on(f"/markets/{TICKER}/orderbook", json_reply({"error": {"code": "forbidden"}}, 403))
    with pytest.raises(Refused):
        client.get_orderbook(TICKER)


def test_get_orderbooks_asks_for_all_in_one_call_and_ignores_what_it_did_not_ask(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    exchange.on("/markets/orderbooks", json_reply({"orderbooks": [wire_book("A"), wire_book("Z")]}))
    assert sorted(client.get_orderbooks(["A", "B"])) == ["A"]
    assert [request.query for request in exchange.requests] == [{"tickers": ["A", "B"]}]


@pytest.mark.story("3.2", 5)
def test_rate_limits_are_documented_and_a_cycle_stays_far_below_them(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "KALSHI_LIMITS.md").read_text()
    for fact in ("200", "10 tokens", "429", "100 tickers"):
        assert fact in page
    exchange.on("/markets/orderbooks", json_reply({"orderbooks": []}))
    client.get_orderbooks([f"T-{n}" for n in range(120)])
    assert len(exchange.requests) == 2


@pytest.mark.parametrize("ticker", ["", "Ü"])
def test_ticker_that_is_none_is_refused_before_any_call(
    exchange: LocalExchange, client: KalshiMarketData, ticker: str
) -> None:
    with pytest.raises(BadMarketData):
        client.get_orderbook(ticker)
    assert exchange.requests == []


def test_ticker_is_sent_as_one_path_segment(exchange: LocalExchange, client: KalshiMarketData) -> None:
    with pytest.raises(Refused):
        client.get_series("../portfolio/orders?x=1")
    assert exchange.paths() == ["/series/..%2Fportfolio%2Forders%3Fx%3D1"]


def test_no_answer_of_the_recording_makes_the_client_leak_a_foreign_error(
    exchange: LocalExchange, client: KalshiMarketData, recorded_api: Path
) -> None:
    for path in recorded_api.glob("*.meta.json"):
        body = recorded_api / path.name.replace(".meta.json", ".json")
        status = json.loads(path.read_text()).get("status")
        if body.exists() and isinstance(status, int) and status < 400:
            ticker = body.stem
            exchange.on(f"/markets/{ticker}", Reply(status, body.read_bytes()))
            try:
                client.get_orderbook(ticker)
            except (Malformed, Refused, BadMarketData):
                continue
