"""Outside values are hostile until parsed: every recorded answer, and every way one of them can be wrong."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.clients.kalshi import parse
from markets.clients.kalshi.paging import next_cursor
from markets.domain.ladder import build_ladder
from markets.domain.settlement_rules import parse_rule
from markets.domain.types import FeeType, MarketStatus, SettlementSource, StrikeType
from milkbot.core.cities import load_cities
from milkbot.core.errors import BadMarketData, Malformed, OutsideError
from tests.markets.makers import DAY, NOW, decode, wire_book, wire_event, wire_market, wire_series

D = Decimal


def _refused(**changes: Any) -> str:
    with pytest.raises(BadMarketData) as refusal:
        parse.parse_market(wire_market(**changes), NOW)
    return refusal.value.code


def test_market_is_read_with_exact_values() -> None:
    listing = parse.parse_market(
        wire_market(exchange_index=2, settlement_ts="2026-09-16T12:04:54.401029Z"), NOW
    )
    market, snapshot = listing.market, listing.snapshot
    assert (market.ticker, market.event_ticker) == ("KXHIGHCHI-26SEP15-B84.5", "KXHIGHCHI-26SEP15")
    assert (market.strike_type, market.floor_strike, market.cap_strike) == (StrikeType.BETWEEN, D(84), D(85))
    assert market.settled_at is not None
    assert market.settled_at.microsecond == 401029
    assert market.exchange_index == 2
    assert (snapshot.yes_bid, snapshot.yes_bid_size) == (D("0.4100"), D("120.00"))
    assert (snapshot.yes_ask, snapshot.yes_ask_size) == (D("0.4300"), D("75.50"))
    assert (snapshot.last_price, snapshot.volume) == (D("0.4200"), D("1850.00"))
    assert snapshot.captured_at == NOW


@pytest.mark.parametrize(
    ("bid", "ask", "last"),
    [
        ("0.0000", "1.0000", "0.0000"),
        ("0", "1", "1.0000"),
        (None, None, None),
        ("1.0000", "0.0000", "0.000000"),
    ],
)
def test_market_price_of_nought_one_or_null_is_absent(
    bid: str | None, ask: str | None, last: str | None
) -> None:
    snapshot = parse.parse_market(
        wire_market(yes_bid_dollars=bid, yes_ask_dollars=ask, last_price_dollars=last), NOW
    ).snapshot
    assert (snapshot.yes_bid, snapshot.yes_bid_size) == (None, None)
    assert (snapshot.yes_ask, snapshot.yes_ask_size) == (None, None)
    assert (snapshot.last_price, snapshot.spread, snapshot.mid) == (None, None, None)


@pytest.mark.parametrize("size", ["0.00", "-3.00", None])
def test_market_price_without_interest_is_absent(size: str | None) -> None:
    snapshot = parse.parse_market(wire_market(yes_bid_size_fp=size), NOW).snapshot
    assert (snapshot.yes_bid, snapshot.yes_bid_size) == (None, None)
    assert snapshot.yes_ask == D("0.43")


@pytest.mark.parametrize("name", ["yes_bid_dollars", "yes_ask_dollars", "last_price_dollars"])
@pytest.mark.parametrize(
    ("price", "code"),
    [
        ("1.2000", "PRICE_OUT_OF_RANGE"),
        ("-0.0100", "PRICE_OUT_OF_RANGE"),
        ("42", "PRICE_OUT_OF_RANGE"),
        ("NaN", "PRICE_UNREADABLE"),
        ("Infinity", "PRICE_UNREADABLE"),
        ("", "PRICE_UNREADABLE"),
        ("1e-30", "PRICE_UNREADABLE"),
        (True, "PRICE_UNREADABLE"),
        ({}, "PRICE_UNREADABLE"),
    ],
)
def test_market_price_that_is_none_is_refused(name: str, price: object, code: str) -> None:
    assert _refused(**{name: price}) == code


def test_market_price_beyond_six_decimals_is_refused() -> None:
    assert _refused(yes_bid_dollars="0.41234567") == "QUOTES_OUT_OF_RANGE"


@pytest.mark.parametrize("bid", ["0.4300", "0.5000"])
def test_market_with_crossed_quotes_is_refused(bid: str) -> None:
    assert _refused(yes_bid_dollars=bid) == "PRICES_CROSSED"


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        None,
        [{"start": "0", "end": "1", "step": "0"}],
        [{"start": "1", "end": "0", "step": "0.01"}],
        [{"start": "0", "end": "7", "step": "0.01"}],
    ],
)
def test_market_without_a_price_grid_is_refused(ranges: object) -> None:
    assert _refused(price_ranges=ranges) == "PRICE_GRID_UNREADABLE"


def test_market_that_is_not_binary_is_refused() -> None:
    assert _refused(market_type="scalar") == "NOT_BINARY"


def test_market_with_unknown_words_is_held_not_lost() -> None:
    odd = parse.parse_market(wire_market(status="suspended") | {"strike_type": "functional"}, NOW)
    assert odd.market.status is MarketStatus.UNRECOGNIZED
    assert odd.snapshot.status is MarketStatus.UNRECOGNIZED
    assert odd.market.strike_type is None
    voided = parse.parse_market(wire_market(status="finalized", result="void"), NOW)
    assert (voided.market.status, voided.market.result) == (MarketStatus.UNRECOGNIZED, "")


REQUIRED = [
    "ticker", "event_ticker", "status", "open_time", "close_time", "yes_bid_dollars", "yes_bid_size_fp",
    "yes_ask_dollars", "yes_ask_size_fp", "last_price_dollars", "volume_fp", "open_interest_fp", "price_ranges",
]  # fmt: skip
OPTIONAL = [
    "market_type",
    "strike_type",
    "floor_strike",
    "cap_strike",
    "rules_primary",
    "result",
    "expiration_value",
]


@pytest.mark.parametrize("name", REQUIRED)
def test_market_without_a_required_field_is_malformed_and_names_it(name: str) -> None:
    raw = wire_market()
    del raw[name]
    with pytest.raises(Malformed, match=name):
        parse.parse_market(raw, NOW)


@pytest.mark.parametrize("name", OPTIONAL)
def test_market_without_an_optional_field_or_with_unknown_ones_is_read(name: str) -> None:
    raw = wire_market(brand_new_field={"a": 1})
    del raw[name]
    assert parse.parse_market(raw, NOW).market.ticker == raw["ticker"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ticker", 7),
        ("ticker", ""),
        ("ticker", "X" * 201),
        ("open_time", "yesterday"),
        ("open_time", "2026-09-14T14:00:00"),
        ("close_time", None),
        ("volume_fp", "many"),
        ("floor_strike", "warm"),
        ("expiration_value", "7" * 17),
        ("exchange_index", -1),
        ("price_ranges", "all"),
        ("result", ["yes"]),
    ],
)
def test_market_with_a_mistyped_field_is_malformed_and_names_it(name: str, value: object) -> None:
    with pytest.raises(Malformed, match=name):
        parse.parse_market(wire_market() | {name: value}, NOW)


@pytest.mark.parametrize("raw", [None, [], "market", 5])
def test_market_that_is_no_object_is_malformed(raw: object) -> None:
    with pytest.raises(Malformed):
        parse.parse_market(raw, NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.decimals(allow_nan=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(name=st.sampled_from(sorted(wire_market())), value=json_values)
def test_market_with_any_value_in_any_field_parses_or_is_refused_by_our_errors(name: str, value: Any) -> None:
    try:
        listing = parse.parse_market(wire_market() | {name: value}, NOW)
    except (BadMarketData, OutsideError):
        return
    for price in (listing.snapshot.yes_bid, listing.snapshot.yes_ask, listing.snapshot.last_price):
        assert price is None or 0 < price < 1


def test_bad_market_of_a_page_is_named_and_the_others_survive() -> None:
    good, bad, shapeless = (
        wire_market(),
        wire_market("T87", "greater", 87, None, yes_bid_dollars="1.2"),
        {"ticker": "X-1"},
    )
    page = parse.parse_markets({"markets": [bad, good, shapeless, 5], "cursor": ""}, NOW)
    assert [listing.market.ticker for listing in page.listings] == [good["ticker"]]
    assert [(fault.ticker, fault.code) for fault in page.faults] == [
        (bad["ticker"], "PRICE_OUT_OF_RANGE"),
        ("X-1", "MALFORMED"),
        ("unnamed", "MALFORMED"),
    ]


def test_event_carries_its_markets_its_day_and_its_faults() -> None:
    wire = wire_event()
    wire["markets"][2]["yes_ask_dollars"] = "NaN"
    event = parse.parse_event(wire, NOW)
    assert (event.series_ticker, event.event_date) == ("KXHIGHCHI", DAY)
    assert len(event.listings) == 5
    assert [fault.code for fault in event.faults] == ["PRICE_UNREADABLE"]


def test_event_with_foreign_or_doubled_markets_says_so() -> None:
    wire = wire_event()
    foreign = wire_market() | {"event_ticker": "KXHIGHCHI-26SEP16"}
    misnamed = wire_market() | {"ticker": "KXHIGHNY-26SEP15-B84.5"}
    wire["markets"] += [wire["markets"][0], foreign, misnamed]
    event = parse.parse_event(wire, NOW)
    assert len(event.listings) == 6
    assert sorted(fault.code for fault in event.faults) == ["LISTED_TWICE", "WRONG_EVENT", "WRONG_EVENT"]


@pytest.mark.parametrize(
    "changes",
    [
        {"event_ticker": "KXHIGHCHI-SEP15"},
        {"series_ticker": "KXHIGHNY"},
        {"event_ticker": "KXHIGHCHI-26SEP31"},
    ],
)
def test_event_that_cannot_be_placed_is_left_out_of_its_page(changes: dict[str, Any]) -> None:
    page = parse.parse_events({"events": [wire_event(**changes), wire_event()]}, NOW)
    assert [event.event_ticker for event in page.events] == ["KXHIGHCHI-26SEP15"]
    assert [fault.code for fault in page.faults] == ["EVENT_TICKER_UNREADABLE"]


@pytest.mark.parametrize("payload", [{}, {"events": {}}, {"events": "none"}])
def test_events_page_without_events_is_malformed(payload: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="events"):
        parse.parse_events(payload, NOW)


@pytest.mark.parametrize(
    ("changes", "fees"),
    [
        ({}, (FeeType.QUADRATIC, D(1))),
        ({"fee_type": "quadratic_with_maker_fees", "fee_multiplier": D("0.5")}, (FeeType.QUADRATIC_WITH_MAKER_FEES, D("0.5"))),
        ({"fee_type": "flat"}, None),
        ({"fee_type": "quadratic_with_combo_maker_fees"}, None),
        ({"fee_multiplier": -1}, None),
        ({"settlement_sources": None, "fee_type": "flat"}, None),
    ],
)  # fmt: skip
def test_series_fees_are_read_or_admitted_to_be_unknown(
    changes: dict[str, Any], fees: tuple[FeeType, Decimal] | None
) -> None:
    series = parse.parse_series(wire_series(**changes))
    assert (series.fees and (series.fees.fee_type, series.fees.multiplier)) == fees


@pytest.mark.parametrize("payload", [{}, {"series": None}, {"series": []}, {"series": {"ticker": "X"}}])
def test_series_without_its_fields_is_malformed(payload: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse.parse_series(payload)


def test_status_reads_the_switches_and_the_estimated_return() -> None:
    status = parse.parse_status(
        {
            "exchange_active": True,
            "trading_active": False,
            "exchange_estimated_resume_time": "2026-09-17T09:00:00Z",
        }
    )
    assert (status.exchange_active, status.trading_active) == (True, False)
    assert status.resumes_at is not None
    for payload in ({}, {"exchange_active": True}, {"exchange_active": "yes", "trading_active": True}):
        with pytest.raises(Malformed):
            parse.parse_status(payload)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"orderbook_fp": None},
        {"orderbook_fp": {}},
        {"orderbook_fp": {"yes_dollars": None, "no_dollars": []}},
    ],
)
@pytest.mark.story("3.2", 3)
def test_orderbook_that_is_missing_reads_as_empty(payload: dict[str, Any]) -> None:
    book = parse.parse_orderbook(payload, "T")
    assert (book.bids, book.asks) == ((), ())


@pytest.mark.parametrize("levels", [[["0.41"]], ["0.41"], [["x", "1"]], [["0.41", None]], {"0.41": "1"}])
def test_orderbook_with_unreadable_levels_is_malformed(levels: object) -> None:
    with pytest.raises(Malformed):
        parse.parse_orderbook({"orderbook_fp": {"yes_dollars": levels, "no_dollars": []}}, "T")


def test_orderbooks_name_the_bad_one_and_keep_the_others() -> None:
    books, faults = parse.parse_orderbooks(
        {"orderbooks": [wire_book("A"), wire_book("B", yes="0.60", no="0.60"), {"orderbook_fp": {}}]}
    )
    assert sorted(books) == ["A"]
    assert [(fault.ticker, fault.code) for fault in faults] == [
        ("B", "BOOK_CROSSED"),
        ("unnamed", "MALFORMED"),
    ]


def test_every_recorded_market_list_parses_completely(recorded_api: Path) -> None:
    statuses: set[MarketStatus] = set()
    for path in recorded_api.glob("markets__*.json"):
        payload = decode(path.read_bytes())
        if "markets" in payload:
            page = parse.parse_markets(payload, NOW)
            assert page.faults == (), path.name
            assert len(page.listings) == len(payload["markets"]) > 0
            statuses |= {listing.market.status for listing in page.listings}
        elif "market" in payload:
            assert parse.parse_market(payload["market"], NOW).snapshot.spread == D("0.05")
    assert {
        MarketStatus.ACTIVE,
        MarketStatus.DETERMINED,
        MarketStatus.FINALIZED,
        MarketStatus.INITIALIZED,
    } <= statuses
    assert MarketStatus.UNRECOGNIZED not in statuses


def test_recorded_new_york_ladders_partition_and_hide_empty_sides(recorded_api: Path) -> None:
    payload = decode((recorded_api / "markets__high_temp.json").read_bytes())
    listings = parse.parse_markets(payload, NOW).listings
    events = {listing.market.event_ticker for listing in listings}
    assert len(events) == 3
    for event_ticker in events:
        members = [listing.market for listing in listings if listing.market.event_ticker == event_ticker]
        assert len(build_ladder(event_ticker, members).brackets) == 6
    quotes = {listing.market.ticker: listing.snapshot for listing in listings}
    assert quotes["KXHIGHNY-26JUN15-T85"].yes_bid is None
    assert quotes["KXHIGHNY-26JUN15-T85"].yes_ask_size == D("70.00")
    assert quotes["KXHIGHNY-26JUN14-B89.5"].yes_ask is None
    # Determined markets show negative sizes: nobody quotes there.
    assert quotes["KXHIGHNY-26JUN13-B93.5"].yes_ask is None


def test_recorded_rule_texts_of_both_eras_are_read(recorded_api: Path, snippets: Path) -> None:
    nws = decode((recorded_api / "markets__high_temp.json").read_bytes())["markets"][0]["rules_primary"]
    assert parse_rule(nws, load_cities()["NYC"], date(2026, 6, 15)).source is SettlementSource.NWS_CLI
    twc = decode((snippets / "kxhighchi_26sep15_event_twc.json").read_bytes())["markets"][0]["rules_primary"]
    assert parse_rule(twc, load_cities()["CHI"], DAY).cli_code == "CLIMDW"


def test_recorded_book_status_account_and_cursors_parse(recorded_api: Path) -> None:
    def body(name: str) -> dict[str, Any]:
        return decode((recorded_api / f"{name}.json").read_bytes())

    book = parse.parse_orderbook(body("orderbook__base"), "T")
    assert book.best_bid is not None
    assert (book.best_bid.price, book.best_bid.count) == (D("0.47"), D(3))
    assert book.best_ask is not None
    assert (book.best_ask.price, book.best_ask.count) == (D("0.52"), D(3))
    assert parse.parse_status(body("exchange__status")).trading_active
    account = parse.parse_account(body("auth__balance_ok"), body("account__limits"))
    assert (account.balance, account.usage_tier) == (D("98.0186"), "basic")
    assert (account.read_tokens_per_s, account.write_tokens_per_s) == (D(200), D(100))
    assert next_cursor(body("markets__page1"))
    assert next_cursor(body("markets__single_filter_lastpage")) == ""
