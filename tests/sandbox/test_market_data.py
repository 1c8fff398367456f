"""The exchange's market data over the invented day."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.recorded import RecordedDay
from tests.sandbox.stages import Client, client_at, client_of, stage_at

ROOT = "/trade-api/v2"
EVENT = "KXHIGHCHI-26MAY19"
OPENS = datetime(2026, 5, 18, 14, tzinfo=UTC)
EVENING = datetime(2026, 5, 18, 23, tzinfo=UTC)
CLOSES = datetime(2026, 5, 20, 4, 59, tzinfo=UTC)
FINALIZES = datetime(2026, 5, 20, 11, 18, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def evening(invented_day: RecordedDay) -> Client:
    """The sandbox the evening before the day."""
    return client_at(invented_day, EVENING)


def markets(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{ROOT}/markets{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["markets"]
    return found


@pytest.mark.parametrize(
    ("at", "status", "filter_value"),
    [
        (OPENS - SECOND, "initialized", "unopened"),
        (OPENS, "active", "open"),
        (CLOSES - SECOND, "active", "open"),
        (CLOSES, "closed", "closed"),
        (FINALIZES - timedelta(hours=1) - SECOND, "closed", "closed"),
        (FINALIZES - timedelta(hours=1), "determined", "closed"),
        (FINALIZES - SECOND, "determined", "closed"),
        (FINALIZES, "finalized", "settled"),
        (FINALIZES + timedelta(days=9), "finalized", "settled"),
    ],
)
def test_status_walks_through_the_life_of_a_market(
    invented_day: RecordedDay, at: datetime, status: str, filter_value: str
) -> None:
    client = client_at(invented_day, at)
    assert {market["status"] for market in markets(client)} == {status}
    assert len(markets(client, f"?status={filter_value}")) == 6
    others = {"unopened", "open", "paused", "closed", "settled"} - {filter_value}
    assert not any(markets(client, f"?status={other}") for other in others)


def test_result_is_empty_until_determined_and_paid_at_finalization(invented_day: RecordedDay) -> None:
    closed = markets(client_at(invented_day, CLOSES))
    assert {(market["result"], market["expiration_value"]) for market in closed} == {("", "")}
    determined = {m["ticker"]: m for m in markets(client_at(invented_day, FINALIZES - SECOND))}
    assert "settlement_ts" not in determined[f"{EVENT}-B74.5"]
    finalized = {m["ticker"]: m for m in markets(client_at(invented_day, FINALIZES))}
    assert [m["ticker"] for m in finalized.values() if m["result"] == "yes"] == [f"{EVENT}-B74.5"]
    winner, loser = finalized[f"{EVENT}-B74.5"], finalized[f"{EVENT}-T77"]
    assert winner["expiration_value"] == "75.00"
    assert winner["settlement_ts"] == "2026-05-20T11:18:00Z"
    assert (winner["settlement_value_dollars"], loser["settlement_value_dollars"]) == ("1.0000", "0.0000")
    assert loser["result"] == "no"


def test_market_shows_recorded_touch_with_assumed_depth(invented_day: RecordedDay) -> None:
    client = client_of(stage_at(invented_day, EVENING, depth=Decimal(25)))
    market = client.get(f"{ROOT}/markets/{EVENT}-B74.5").json()["market"]
    recorded = [quote for quote in invented_day.quotes[f"{EVENT}-B74.5"] if quote.at <= EVENING][-1]
    assert recorded.yes_bid is not None
    assert recorded.yes_ask is not None
    assert Decimal(market["yes_bid_dollars"]) == recorded.yes_bid
    assert Decimal(market["yes_ask_dollars"]) == recorded.yes_ask
    assert Decimal(market["no_bid_dollars"]) == 1 - recorded.yes_ask
    assert Decimal(market["no_ask_dollars"]) == 1 - recorded.yes_bid
    assert (market["yes_bid_size_fp"], market["yes_ask_size_fp"]) == ("25.00", "25.00")
    book = client.get(f"{ROOT}/markets/{EVENT}-B74.5/orderbook").json()["orderbook_fp"]
    assert book == {
        "yes_dollars": [[market["yes_bid_dollars"], "25.00"]],
        "no_dollars": [[market["no_bid_dollars"], "25.00"]],
    }


def test_absent_side_is_shown_as_zero_and_one_without_size(invented_day: RecordedDay) -> None:
    client = client_at(invented_day, CLOSES - timedelta(hours=1))
    market = client.get(f"{ROOT}/markets/{EVENT}-T70").json()["market"]
    assert (market["yes_bid_dollars"], market["yes_bid_size_fp"]) == ("0.0000", "0.00")
    assert (market["no_ask_dollars"], market["yes_ask_dollars"]) == ("1.0000", "0.0100")
    assert client.get(f"{ROOT}/markets/{EVENT}-T70/orderbook").json()["orderbook_fp"]["yes_dollars"] == []


def test_closed_market_has_an_empty_book_and_keeps_its_last_price(invented_day: RecordedDay) -> None:
    market = client_at(invented_day, CLOSES).get(f"{ROOT}/markets/{EVENT}-B74.5").json()["market"]
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.0000", "1.0000")
    assert Decimal(market["last_price_dollars"]) > Decimal("0.9")


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (
            0,
            "highest temperature recorded at Chicago Midway, IL for May 19, 2026, is between 74-75° according to the National",
        ),
        (
            200,
            "maximum temperature recorded at Chicago (CLIMDW) for Dec 5, 2026, is between 74-75° fahrenheit according to The",
        ),
    ],
)
def test_rules_are_worded_as_in_the_era_of_the_moved_date(
    invented_day: RecordedDay, days: int, words: str
) -> None:
    moved = invented_day.moved(days)
    client = client_at(moved, moved.ladder.opens_at)
    (market,) = [m for m in markets(client) if m["ticker"].endswith("B74.5")]
    assert words in market["rules_primary"]
    (source,) = client.get(f"{ROOT}/events").json()["events"][0]["settlement_sources"]
    assert source["name"] == ("The Weather Company" if days else "National Weather Service")


def test_strikes_and_sub_titles_tell_the_bracket(evening: Client) -> None:
    told = [
        (m["strike_type"], m.get("floor_strike"), m.get("cap_strike"), m["yes_sub_title"])
        for m in markets(evening)
    ]
    assert told == [
        ("less", None, 70, "69° or below"),
        ("between", 70, 71, "70° to 71°"),
        ("between", 72, 73, "72° to 73°"),
        ("between", 74, 75, "74° to 75°"),
        ("between", 76, 77, "76° to 77°"),
        ("greater", 77, None, "78° or above"),
    ]


def test_pages_of_markets_join_without_gap_or_repetition(evening: Client) -> None:
    seen, cursor = [], ""
    for _ in range(3):
        body = evening.get(f"{ROOT}/markets?limit=2&cursor={cursor}").json()
        seen += [market["ticker"] for market in body["markets"]]
        cursor = body["cursor"]
    assert cursor == ""
    assert seen == [market["ticker"] for market in markets(evening)]


@pytest.mark.parametrize("cursor", ["garbage-cursor-fixture", "%00%ff", "🙂", "YWZ0ZXI6eA"])
def test_garbage_cursor_starts_at_page_one(evening: Client, cursor: str) -> None:
    body = evening.get(f"{ROOT}/markets", params={"limit": 5, "cursor": cursor}).json()
    assert body["markets"][0]["ticker"] == f"{EVENT}-T70"
    assert body["cursor"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("event_ticker=KXHIGHCHI-26MAY19", 6),
        ("event_ticker=KXHIGHNY-26MAY19", 0),
        ("series_ticker=KXHIGHCHI", 6),
        ("series_ticker=KXHIGHNY", 0),
        ("tickers=KXHIGHCHI-26MAY19-T70,KXHIGHCHI-26MAY19-T77,NOPE", 2),
        ("mve_filter=only", 0),
        ("mve_filter=exclude", 6),
        ("min_close_ts=1779253139", 6),
        ("min_close_ts=1779253140", 0),
        ("max_close_ts=1779253141", 6),
        ("max_close_ts=1779253140", 0),
        ("min_created_ts=1779000000&status=open", 6),
        ("max_created_ts=1779000000", 0),
        ("min_settled_ts=1&status=settled", 0),
        ("min_updated_ts=1779112799", 6),
        ("min_updated_ts=1779112800", 0),
        ("min_updated_ts=1&series_ticker=KXHIGHCHI&mve_filter=exclude", 6),
        ("limit=0", 6),
        ("limit=1000", 6),
    ],
)
def test_filters_choose_markets(evening: Client, query: str, count: int) -> None:
    assert len(markets(evening, f"?{query}")) == count


@pytest.mark.parametrize(
    "query",
    [
        "min_close_ts=1&min_created_ts=1",
        "min_close_ts=1&status=open",
        "min_created_ts=1&status=settled",
        "max_settled_ts=1&status=closed",
        "min_updated_ts=1&status=open",
        "min_updated_ts=1&tickers=A",
        "min_updated_ts=1&series_ticker=KXHIGHCHI",
    ],
)
def test_contradicting_filters_are_refused(evening: Client, query: str) -> None:
    answer = evening.get(f"{ROOT}/markets?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_parameters"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "/markets?limit=1001",
            "Key: 'GetMarketsParams.Limit' Error:Field validation for 'Limit' failed on the 'lte' tag",
        ),
        ("/markets?limit=-1", "failed on the 'gte' tag"),
        ("/markets?limit=ten", "Invalid format for parameter limit"),
        ("/markets?status=active", "failed on the 'oneof' tag"),
        ("/events?limit=201", "GetEventsParams.Limit"),
        ("/events?with_nested_markets=perhaps", "Invalid format for parameter with_nested_markets"),
        (f"/markets/{EVENT}-T70/orderbook?depth=101", "'lte' tag"),
        (
            f"/series/KXHIGHCHI/markets/{EVENT}-T70/candlesticks?end_ts=1&period_interval=1",
            "start_ts is required",
        ),
    ],
)
def test_parameter_outside_its_bounds_is_a_bare_message(evening: Client, path: str, words: str) -> None:
    answer = evening.get(f"{ROOT}{path}")
    assert answer.status_code == 400
    assert words in answer.json()["msg"]


@pytest.mark.parametrize("path", ["/markets/NOPE", "/events/NOPE", "/series/NOPE", "/markets/NOPE/orderbook"])
def test_unknown_record_is_not_found_in_json(evening: Client, path: str) -> None:
    answer = evening.get(f"{ROOT}{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_unknown_route_and_wrong_method_answer_in_plain_text(evening: Client) -> None:
    unknown, wrong = evening.get(f"{ROOT}/exchange/announcements"), evening.post(f"{ROOT}/markets")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert wrong.status_code == 405
    assert evening.post(f"{ROOT}/portfolio/order_groups/create", json={}).status_code == 404


def test_market_is_listed_only_shortly_before_it_opens(invented_day: RecordedDay) -> None:
    assert markets(client_at(invented_day, OPENS - timedelta(hours=2))) == []
    assert (
        client_at(invented_day, OPENS - timedelta(hours=2)).get(f"{ROOT}/events/{EVENT}").status_code == 404
    )


def test_event_carries_its_markets_inside_or_beside(evening: Client) -> None:
    nested = evening.get(f"{ROOT}/events/{EVENT}?with_nested_markets=true").json()
    beside = evening.get(f"{ROOT}/events/{EVENT}").json()
    assert nested["event"]["markets"] == beside["markets"]
    assert nested["markets"] == []
    assert "markets" not in beside["event"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 1),
        ("?status=open", 1),
        ("?status=settled", 0),
        ("?series_ticker=KXHIGHCHI", 1),
        ("?series_ticker=KXHIGHNY", 0),
        (f"?tickers={EVENT},X", 1),
        ("?tickers=X", 0),
        ("?min_close_ts=1779253140", 0),
        ("?min_updated_ts=1779253140", 0),
    ],
)
def test_filters_choose_events(evening: Client, query: str, count: int) -> None:
    body = evening.get(f"{ROOT}/events{query}").json()
    assert (len(body["events"]), body["cursor"]) == (count, "")


def test_books_come_in_the_order_asked_for(evening: Client) -> None:
    asked = [f"{EVENT}-T77", f"{EVENT}-T70", "NOPE"]
    body = evening.get(f"{ROOT}/markets/orderbooks", params={"tickers": asked}).json()
    assert [book["ticker"] for book in body["orderbooks"]] == asked
    assert body["orderbooks"][2]["orderbook_fp"] == {"yes_dollars": [], "no_dollars": []}
    single = evening.get(f"{ROOT}/markets/{EVENT}-T77/orderbook").json()
    assert body["orderbooks"][0]["orderbook_fp"] == single["orderbook_fp"]
    assert evening.get(f"{ROOT}/markets/orderbooks").status_code == 400


def test_trades_are_not_invented_from_volume(evening: Client) -> None:
    assert evening.get(f"{ROOT}/markets/trades?ticker={EVENT}-T70").json() == {"trades": [], "cursor": ""}


def test_series_names_its_fees_and_is_filtered_by_category_and_tag(evening: Client) -> None:
    series = evening.get(f"{ROOT}/series/KXHIGHCHI?include_volume=true").json()["series"]
    assert (series["fee_type"], series["fee_multiplier"]) == ("quadratic", 1)
    assert Decimal(series["volume_fp"]) == sum(Decimal(market["volume_fp"]) for market in markets(evening))
    assert len(evening.get(f"{ROOT}/series?category=Climate and Weather").json()["series"]) == 1
    assert evening.get(f"{ROOT}/series?category=Politics").json()["series"] == []
    assert evening.get(f"{ROOT}/series?tags=Oil").json()["series"] == []


def test_volume_of_a_day_is_the_difference_to_a_day_before(invented_day: RecordedDay) -> None:
    at = OPENS + timedelta(hours=30)
    market = client_at(invented_day, at).get(f"{ROOT}/markets/{EVENT}-B74.5").json()["market"]
    before = (
        client_at(invented_day, at - timedelta(hours=24))
        .get(f"{ROOT}/markets/{EVENT}-B74.5")
        .json()["market"]
    )
    assert Decimal(market["volume_24h_fp"]) == Decimal(market["volume_fp"]) - Decimal(before["volume_fp"])
    assert market["previous_yes_bid_dollars"] == before["yes_bid_dollars"]
    assert market["previous_price_dollars"] == before["last_price_dollars"]


def test_frozen_market_shows_one_moment_until_thawed_while_time_goes_on(invented_day: RecordedDay) -> None:
    stage = stage_at(invented_day, EVENING)
    client = client_of(stage)
    tickers = ",".join(market["ticker"] for market in markets(client))
    books = f"{ROOT}/markets/orderbooks?tickers={tickers}"
    frozen = client.post("/control", json={"do": "freeze"}).json()
    before = client.get(books).content
    stage.wall = lambda: EVENING + timedelta(hours=2)
    assert client.get(books).content == before
    assert frozen["frozen_at"] == EVENING.isoformat()
    client.post("/control", json={"do": "thaw"})
    assert client.get(books).content != before
    client.post("/control", json={"do": "freeze"})
    stage.wall = lambda: EVENING + timedelta(hours=30)
    assert {market["status"] for market in markets(client)} == {"closed"}


@pytest.mark.parametrize(
    "query",
    [
        "markets?limit=1_0",
        "markets?limit=%205",
        "markets?limit=٥",
        "markets?limit=５",
        "markets?min_close_ts=9223372036854775808",
        "series?min_updated_ts=soon",
        "series?include_product_metadata=perhaps",
        "series/fee_changes?show_historical=perhaps",
        "events/fee_changes?limit=0",
        "events/fee_changes?limit=1001",
        "historical/markets?mve_filter=only",
        f"markets/orderbooks?tickers={'T' * 201}",
        "markets/orderbooks",
        "markets/candlesticks?start_ts=1&end_ts=2&period_interval=60",
    ],
)
def test_parameter_that_cannot_be_is_refused_with_a_bare_message(evening: Client, query: str) -> None:
    answer = evening.get(f"{ROOT}/{query}")
    assert (answer.status_code, set(answer.json())) == (400, {"msg"})


def test_missing_list_of_tickers_is_named(evening: Client) -> None:
    candles = f"{ROOT}/markets/candlesticks?start_ts=1&end_ts=2&period_interval=60"
    for name, path in (("tickers", f"{ROOT}/markets/orderbooks"), ("market_tickers", candles)):
        assert evening.get(path).json() == {"msg": f"Query argument {name} is required, but not found"}


def test_whole_numbers_are_read_as_the_exchange_reads_them(evening: Client) -> None:
    for text in ("5", "+5", "005"):
        assert len(markets(evening, f"?limit={text.replace('+', '%2B')}")) == 5
    assert markets(evening, "?min_close_ts=9223372036854775807") == []


def test_historical_markets_are_asked_for_by_ticker_or_by_event(evening: Client) -> None:
    answer = evening.get(f"{ROOT}/historical/markets?tickers=A&event_ticker=B")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameters")
    assert evening.get(f"{ROOT}/historical/markets?mve_filter=exclude").status_code == 200


def test_series_tell_their_product_metadata_and_what_changed_since(evening: Client) -> None:
    plain = evening.get(f"{ROOT}/series").json()["series"][0]
    assert "product_metadata" not in plain
    told = evening.get(f"{ROOT}/series?include_product_metadata=true").json()["series"][0]
    assert told == plain | {"product_metadata": {}}
    assert evening.get(f"{ROOT}/series/KXHIGHCHI").json()["series"]["product_metadata"] == {}
    changed = int(datetime.fromisoformat(plain["last_updated_ts"]).timestamp())
    counts = [
        len(evening.get(f"{ROOT}/series?min_updated_ts={since}").json()["series"])
        for since in (changed - 1, changed)
    ]
    assert counts == [1, 0]


@pytest.mark.parametrize("path", ["markets/", "exchange/status/", "nothing"])
def test_path_with_one_more_slash_is_as_unknown_as_any_other(evening: Client, path: str) -> None:
    answer = evening.get(f"{ROOT}/{path}")
    assert (answer.status_code, answer.text) == (404, "404 page not found")
