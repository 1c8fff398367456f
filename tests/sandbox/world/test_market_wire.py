"""What the exchange serves of a simulated world: trades, candles, the historical tier, pauses, wire shapes."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.cities import CITIES
from sandbox.clock import WorldClock
from sandbox.stage import Stage
from sandbox.world.feed_weather import SimulatedWeatherFeed
from sandbox.world.market import SimulatedMarketFeed
from sandbox.world.weather import WorldWeather
from tests.sandbox.stages import Client, Wall, client_of
from tests.sandbox.test_contract import COUNT, DOLLARS, REQUIRED, TIME, leaves, properties_in, required_by
from tests.sandbox.world.martingale import Martingale

ROOT = "/trade-api/v2"
NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
FIRST_DAY = date(2026, 9, 10)
CUTOFF = datetime(2026, 9, 21, tzinfo=UTC)
FLAT = {
    "MarketCandlestickHistorical": {
        "end_period_ts",
        "yes_bid",
        "yes_ask",
        "price",
        "volume",
        "open_interest",
    },
    "BidAskDistributionHistorical": {"open", "low", "high", "close"},
    "PriceDistributionHistorical": {"open", "low", "high", "close", "mean", "previous"},
}
TRADE = {
    "trade_id",
    "ticker",
    "count_fp",
    "yes_price_dollars",
    "no_price_dollars",
    "taker_outcome_side",
    "taker_book_side",
    "created_time",
    "is_block_trade",
}


@pytest.fixture(scope="module")
def world() -> SimulatedMarketFeed:
    """Ten cities, ten weeks of past."""
    return SimulatedMarketFeed(Martingale(7), 7, CITIES, FIRST_DAY)


def client_at(world: SimulatedMarketFeed, at: datetime) -> Client:
    """A client of the sandbox that stands at `at`."""
    weather = SimulatedWeatherFeed(WorldWeather(7, CITIES))
    return client_of(Stage(world, weather, WorldClock(at, at, 1.0), Wall(at)))


def body(client: Client, path: str) -> Any:
    answer = client.get(f"{ROOT}{path}")
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return answer.json()


def test_open_markets_are_two_events_in_each_of_ten_cities(world: SimulatedMarketFeed) -> None:
    client = client_at(world, NOW)
    events = body(client, "/events?status=open&with_nested_markets=true")["events"]
    assert len(events) == 20
    assert {len(event["markets"]) for event in events} == {6}
    assert len(body(client, "/markets?status=open&limit=1000")["markets"]) == 120
    assert len(body(client, "/series")["series"]) == 10


@pytest.mark.parametrize("hour", [10, 18])
def test_records_have_the_shapes_of_the_contract(world: SimulatedMarketFeed, hour: int) -> None:
    client = client_at(world, NOW.replace(hour=hour))
    events = body(client, "/events?with_nested_markets=true&limit=200&series_ticker=KXHIGHNY")["events"][-5:]
    markets = [market for event in events for market in event["markets"]]
    status, schedule = body(client, "/exchange/status"), body(client, "/exchange/schedule")["schedule"]
    trades = body(client, "/markets/trades?limit=50")["trades"]
    served = {"Market": markets, "EventData": events, "ExchangeStatus": [status], "Schedule": [schedule]}
    for schema, records in served.items():
        assert records
        assert all(set(REQUIRED[schema].split()) <= set(record) for record in records), schema
    assert len(trades) == 50
    for name, value in leaves([served, trades]):
        assert not isinstance(value, float), name
        if name.endswith("_dollars"):
            assert DOLLARS.fullmatch(value), (name, value)
        elif name.endswith("_fp"):
            assert COUNT.fullmatch(value), (name, value)
        elif name.endswith(("_time", "_datetime")) and not re.fullmatch(r"\d\d:\d\d", value):
            assert TIME.fullmatch(value), (name, value)


def test_our_lists_of_required_fields_are_those_of_the_specification(specification: str) -> None:
    for schema, fields in {**FLAT, "Trade": TRADE}.items():
        assert fields == required_by(specification, schema)
        assert fields <= properties_in(specification, schema)


def test_empty_sides_are_zero_and_one_on_the_wire(world: SimulatedMarketFeed) -> None:
    markets = body(client_at(world, NOW.replace(hour=4)), "/markets?status=open&limit=1000")["markets"]
    unwanted = [market for market in markets if market["yes_bid_dollars"] == "0.0000"]
    assert unwanted
    assert {(m["yes_bid_size_fp"], m["no_ask_dollars"]) for m in unwanted} == {("0.00", "1.0000")}


def test_trades_come_newest_first_and_pages_join_without_gap_or_repetition(
    world: SimulatedMarketFeed,
) -> None:
    client = client_at(world, NOW)
    since = int((NOW - timedelta(minutes=90)).timestamp())
    whole = body(client, f"/markets/trades?min_ts={since}&limit=1000")
    assert whole["cursor"] == ""
    pages: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(200):
        page = body(client, f"/markets/trades?min_ts={since}&limit=7&cursor={cursor}")
        pages += page["trades"]
        cursor = page["cursor"]
        if not cursor:
            break
    assert pages == whole["trades"]
    assert len(pages) > 20
    times = [datetime.fromisoformat(trade["created_time"]) for trade in pages]
    assert times == sorted(times, reverse=True)
    assert all(set(trade) == TRADE for trade in pages)
    assert all(
        Decimal(trade["yes_price_dollars"]) + Decimal(trade["no_price_dollars"]) == 1 for trade in pages
    )


def test_page_does_not_shift_when_trades_are_made_meanwhile(world: SimulatedMarketFeed) -> None:
    first = body(client_at(world, NOW), "/markets/trades?limit=20")
    later = client_at(world, NOW + timedelta(hours=1))
    next_now = body(client_at(world, NOW), f"/markets/trades?limit=20&cursor={first['cursor']}")
    assert body(later, f"/markets/trades?limit=20&cursor={first['cursor']}") == next_now


def test_trades_of_one_market_add_up_to_its_volume(world: SimulatedMarketFeed) -> None:
    client = client_at(world, NOW)
    market = max(
        body(client, "/markets?event_ticker=KXHIGHNY-26NOV21")["markets"],
        key=lambda record: Decimal(record["volume_fp"]),
    )
    trades = body(client, f"/markets/trades?ticker={market['ticker']}&limit=1000")["trades"]
    assert sum(Decimal(trade["count_fp"]) for trade in trades) == Decimal(market["volume_fp"]) > 0
    assert trades[0]["yes_price_dollars"] == market["last_price_dollars"]
    assert {trade["ticker"] for trade in trades} == {market["ticker"]}
    pairs = {(trade["taker_outcome_side"], trade["taker_book_side"]) for trade in trades}
    assert pairs == {("yes", "bid"), ("no", "ask")}
    assert body(client, f"/markets/trades?ticker={market['ticker']}&is_block_trade=true")["trades"] == []


def test_no_trade_is_told_before_it_was_made(world: SimulatedMarketFeed) -> None:
    client = client_at(world, NOW)
    ahead = int((NOW + timedelta(days=1)).timestamp())
    trades = body(client, f"/markets/trades?max_ts={ahead}&limit=5")["trades"]
    assert all(datetime.fromisoformat(trade["created_time"]) <= NOW for trade in trades)
    assert len(body(client, "/markets/trades?cursor=rubbish&limit=5")["trades"]) == 5


def test_candles_of_several_markets_are_those_of_each(world: SimulatedMarketFeed) -> None:
    client = client_at(world, NOW)
    tickers = [m["ticker"] for m in body(client, "/markets?event_ticker=KXHIGHCHI-26NOV21")["markets"]]
    start, end = int((NOW - timedelta(hours=12)).timestamp()), int(NOW.timestamp())
    window = f"start_ts={start}&end_ts={end}&period_interval=60"
    several = body(client, f"/markets/candlesticks?market_tickers={','.join(tickers)},KXNONE&{window}")
    assert [entry["market_ticker"] for entry in several["markets"]] == [*tickers, "KXNONE"]
    assert several["markets"][-1]["candlesticks"] == []
    for entry in several["markets"][:-1]:
        one = body(client, f"/series/KXHIGHCHI/markets/{entry['market_ticker']}/candlesticks?{window}")
        assert entry["candlesticks"] == one["candlesticks"]
    assert max(len(entry["candlesticks"]) for entry in several["markets"]) in (12, 13)


@pytest.mark.parametrize(
    "query",
    [
        "market_tickers=&start_ts=1&end_ts=2&period_interval=60",
        "market_tickers=A&start_ts=1&end_ts=2&period_interval=61",
        "market_tickers=A&start_ts=2&end_ts=1&period_interval=60",
        "market_tickers=" + ",".join(f"A{n}" for n in range(101)) + "&start_ts=1&end_ts=2&period_interval=60",
    ],
)
def test_batch_of_candles_refuses_what_the_exchange_refuses(world: SimulatedMarketFeed, query: str) -> None:
    assert client_at(world, NOW).get(f"{ROOT}/markets/candlesticks?{query}").status_code == 400


def test_more_than_ten_thousand_candles_are_refused(world: SimulatedMarketFeed) -> None:
    client = client_at(world, NOW)
    markets = body(client, "/markets?status=settled&limit=100")["markets"]
    tickers = ",".join(market["ticker"] for market in markets)
    window = f"start_ts=1&end_ts={int(NOW.timestamp())}&period_interval=1"
    answer = client.get(f"{ROOT}/markets/candlesticks?market_tickers={tickers}&{window}")
    assert answer.status_code == 400
    assert "10000" in answer.text


def test_settled_markets_vanish_past_the_cutoff_and_appear_in_the_historical_tier(
    world: SimulatedMarketFeed,
) -> None:
    client = client_at(world, NOW)
    line = body(client, "/historical/cutoff")
    assert (line["market_settled_ts"], line["trades_created_ts"]) == ("2026-09-21T00:00:00Z",) * 2
    assert line["orders_updated_ts"] == "2026-11-07T00:00:00Z"
    old, young = "KXHIGHNY-26SEP19", "KXHIGHNY-26SEP20"
    assert body(client, f"/markets?event_ticker={old}")["markets"] == []
    assert len(body(client, f"/markets?event_ticker={young}")["markets"]) == 6
    archived = body(client, f"/historical/markets?event_ticker={old}")["markets"]
    assert len(archived) == 6
    assert body(client, f"/historical/markets?event_ticker={young}")["markets"] == []
    ticker = archived[2]["ticker"]
    assert client.get(f"{ROOT}/markets/{ticker}").status_code == 404
    assert body(client, f"/historical/markets/{ticker}")["market"] == archived[2]
    assert archived[2]["status"] == "finalized"
    event = body(client, f"/events/{old}?with_nested_markets=true")["event"]
    assert (event["event_ticker"], event["markets"]) == (old, [])


def test_historical_markets_are_paged_and_filtered(world: SimulatedMarketFeed) -> None:
    client = client_at(world, NOW)
    first = body(client, "/historical/markets?series_ticker=KXHIGHDEN&limit=40")
    rest = body(client, f"/historical/markets?series_ticker=KXHIGHDEN&limit=40&cursor={first['cursor']}")
    both = [market["ticker"] for page in (first, rest) for market in page["markets"]]
    assert rest["cursor"] == ""
    assert len(set(both)) == len(both) == 60
    assert all(ticker.startswith("KXHIGHDEN-26SEP") for ticker in both)
    chosen = body(client, f"/historical/markets?tickers={both[0]},{both[7]}")["markets"]
    assert [market["ticker"] for market in chosen] == [both[0], both[7]]


def test_historical_candles_have_flat_names(world: SimulatedMarketFeed) -> None:
    client = client_at(world, NOW)
    ticker = body(client, "/historical/markets?event_ticker=KXHIGHMIA-26SEP15")["markets"][3]["ticker"]
    window = f"start_ts=1&end_ts={int(NOW.timestamp())}&period_interval=60"
    candles = body(client, f"/historical/markets/{ticker}/candlesticks?{window}")["candlesticks"]
    assert len(candles) > 20
    for candle in candles:
        assert set(candle) == FLAT["MarketCandlestickHistorical"]
        assert set(candle["yes_bid"]) == set(candle["yes_ask"]) == FLAT["BidAskDistributionHistorical"]
        assert set(candle["price"]) == FLAT["PriceDistributionHistorical"]
    young = body(client, "/markets?status=settled&event_ticker=KXHIGHMIA-26NOV15")["markets"][0]["ticker"]
    assert client.get(f"{ROOT}/historical/markets/{young}/candlesticks?{window}").status_code == 404
    assert client.get(f"{ROOT}/historical/markets/{young}").status_code == 404


def test_trades_are_split_at_the_cutoff(world: SimulatedMarketFeed) -> None:
    client = client_at(world, NOW)
    low, high = (int((CUTOFF + shift * timedelta(minutes=40)).timestamp()) for shift in (-1, 1))
    window = f"min_ts={low}&max_ts={high}&limit=1000"
    old = body(client, f"/historical/trades?{window}")["trades"]
    young = body(client, f"/markets/trades?{window}")["trades"]
    assert old
    assert young
    assert all(datetime.fromisoformat(trade["created_time"]) <= CUTOFF for trade in old)
    assert all(datetime.fromisoformat(trade["created_time"]) > CUTOFF for trade in young)


def test_trading_pauses_on_thursday_morning(world: SimulatedMarketFeed) -> None:
    thursday = datetime(2026, 11, 19, 8, tzinfo=UTC)
    before, during, after = (
        body(client_at(world, thursday + timedelta(minutes=shift)), "/exchange/status")
        for shift in (-1, 30, 120)
    )
    assert (before["trading_active"], during["trading_active"], after["trading_active"]) == (
        True,
        False,
        True,
    )
    assert during["exchange_active"] is True
    assert during["exchange_estimated_resume_time"] == "2026-11-19T10:00:00Z"
    assert during["exchange_index_statuses"][0]["trading_active"] is False
    windows = body(client_at(world, NOW), "/exchange/schedule")["schedule"]["maintenance_windows"]
    assert windows[0] == {"start_datetime": "2026-11-26T08:00:00Z", "end_datetime": "2026-11-26T10:00:00Z"}
    assert len(windows) == 4
