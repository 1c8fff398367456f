"""What users trip over (kalshi-api.md 11), one test or more for each trap that concerns the client.

Elsewhere: 10 (do not hammer a paused market) also trading's breakers and `markets.domain.trading_hours`; 12 (mid of an
empty book) also `markets.domain`; 16 and 20 tests.markets.test_traps; 19 (WebSocket resets) the stream's tests.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from markets.clients.kalshi import parse, parse_account
from markets.clients.kalshi.history import KalshiHistory
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.orders import ORDERS_PATH, KalshiOrders
from markets.clients.kalshi.portfolio import KalshiPortfolio
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.account_types import OrderStatus
from markets.domain.order_outcomes import (
    Accepted,
    AuthFault,
    AuthRefused,
    Duplicate,
    EndpointRetired,
    Gone,
    Rejected,
    RejectReason,
    Unknown,
)
from markets.domain.order_request import NewOrder, OrderPlace, OrderTerms, TimeInForce
from markets.domain.sides import Action, BookSide, Side, on_yes_book
from markets.domain.types import MarketStatus
from milkbot.core.errors import BadMarketData, Malformed, Refused
from tests.markets.clients.order_makers import (
    CLIENT_ID,
    ORDER_ID,
    PLACE,
    TICKER,
    new_order,
    wire_created,
    wire_error,
)
from tests.markets.clients.test_portfolio import wire_fill, wire_order
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import NOW, wire_market

D = Decimal


@pytest.fixture
def transport(exchange: LocalExchange, signer: Signer, naps: list[float]) -> Iterator[Transport]:
    made = Transport(exchange.base_url, signer, now=lambda: NOW, sleep=naps.append)
    yield made
    made.close()


@pytest.fixture
def portfolio(transport: Transport) -> KalshiPortfolio:
    return KalshiPortfolio(transport)


def test_trap_01_retired_endpoint_is_no_reject_of_one_market(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(ORDERS_PATH, json_reply(wire_error("deprecated_v1_order_endpoint"), 410))
    outcome = orders.place(new_order())
    assert type(outcome) is EndpointRetired


def test_trap_01_every_write_goes_to_a_v2_path(exchange: LocalExchange, orders: KalshiOrders) -> None:
    orders.place(new_order())
    orders.create_batch([new_order()])
    orders.cancel_order(PLACE)
    orders.cancel_batch([PLACE])
    orders.cancel_all()
    orders.decrease_order(PLACE, reduce_by=D(1))
    assert len(exchange.requests) == 6
    assert all(path.startswith("/portfolio/events/orders") for path in exchange.paths())


@pytest.mark.parametrize("name", ["yes_bid_dollars", "yes_ask_dollars", "last_price_dollars", "volume_fp"])
def test_trap_02_missing_field_is_a_fault_and_a_missing_price_is_none_never_zero(name: str) -> None:
    market = wire_market()
    del market[name]
    with pytest.raises(Malformed, match=name):
        parse.parse_market(market | {"yes_ask": 0, "yes_bid": 0, "last_price": 0, "volume": 0}, NOW)
    if name != "volume_fp":
        snapshot = parse.parse_market(wire_market() | {name: None}, NOW).snapshot
        assert getattr(snapshot, name.removesuffix("_dollars")) is None


@pytest.mark.parametrize(
    ("side", "action", "price", "expected"),
    [
        (Side.YES, Action.BUY, "0.62", ("bid", "0.62")),
        (Side.YES, Action.SELL, "0.62", ("ask", "0.62")),
        (Side.NO, Action.BUY, "0.62", ("ask", "0.38")),
        (Side.NO, Action.SELL, "0.62", ("bid", "0.38")),
    ],
)
def test_trap_03_four_cases_of_the_one_book(
    side: Side, action: Action, price: str, expected: tuple[str, str]
) -> None:
    book_side, yes_price = on_yes_book(side, action, D(price))
    assert (book_side, str(yes_price)) == expected


def test_trap_04_repeated_order_keeps_its_client_order_id_and_cannot_open_a_second_position(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(ORDERS_PATH, Reply(504), json_reply(wire_error("order_already_exists"), 409))
    order = new_order()
    assert isinstance(orders.place(order), Unknown)
    assert isinstance(orders.place(order), Duplicate)
    assert [request.json["client_order_id"] for request in exchange.requests] == [CLIENT_ID] * 2


def test_trap_05_killed_fill_or_kill_is_told_from_a_duplicate(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(
        ORDERS_PATH,
        json_reply(wire_error("fill_or_kill_insufficient_resting_volume"), 409),
        json_reply(wire_error("order_already_exists"), 409),
    )
    order = new_order(terms=OrderTerms(time_in_force=TimeInForce.FOK))
    killed = orders.place(order)
    assert isinstance(killed, Rejected)
    assert killed.reason is RejectReason.NOT_FILLED
    assert isinstance(orders.place(order), Duplicate)


def test_trap_06_fee_of_a_fill_is_its_fee_cost() -> None:
    row = wire_fill(fee_cost="0.017500", taker_fees_dollars="0.000000")
    assert parse_account.parse_fill(row).fee == D("0.0175")


def test_trap_07_fractions_stay_and_a_canceled_order_keeps_its_fills() -> None:
    assert [parse_account.parse_fill(wire_fill(count_fp=count)).count for count in ("0.95", "2.05", "0.01")] == [
        D("0.95"), D("2.05"), D("0.01"),
    ]  # fmt: skip
    order = parse_account.parse_order(
        wire_order(status="canceled", fill_count_fp="0.95", remaining_count_fp="0.00")
    )
    assert (order.status, order.filled_count, order.may_still_fill) == (
        OrderStatus.CANCELED, D("0.95"), False,
    )  # fmt: skip


def test_trap_07_part_of_a_contract_is_accepted_as_filled(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(ORDERS_PATH, json_reply(wire_created(fill_count="0.95", remaining_count="9.05"), 201))
    outcome = orders.place(new_order())
    assert isinstance(outcome, Accepted)
    assert outcome.filled == D("0.95")


def test_trap_08_not_found_on_cancel_is_no_success(
    exchange: LocalExchange, orders: KalshiOrders, recorded_api: Path
) -> None:
    for name in (
        "orders__cancel_already_canceled",
        "orders__cancel_executed",
        "orders__cancel_unknown_id",
    ):
        exchange.replace(
            f"{ORDERS_PATH}/{ORDER_ID}", Reply(404, (recorded_api / f"{name}.json").read_bytes())
        )
        assert isinstance(orders.cancel_order(PLACE), Gone)


def test_trap_08_order_that_still_shows_resting_after_its_cancel_reads_as_resting(
    exchange: LocalExchange, portfolio: KalshiPortfolio, recorded_api: Path
) -> None:
    body = (recorded_api / "orders__get_after_cancel.json").read_bytes()
    order_id = json.loads(body)["order"]["order_id"]
    exchange.on(f"/portfolio/orders/{order_id}", Reply(200, body))
    exchange.on("/exchange/user_data_timestamp", json_reply({"as_of_time": "2026-06-11T06:29:24.0Z"}))
    found = portfolio.get_order(OrderPlace(order_id, TICKER))
    assert found is not None
    assert found.status is OrderStatus.RESTING
    canceled_at = datetime(2026, 6, 11, 6, 29, 24, 112_000, tzinfo=UTC)
    assert (
        portfolio.get_user_data_timestamp() < canceled_at
    )  # The watermark says: this read is too old to believe.


def test_trap_09_every_call_for_one_order_says_where_it_stands(
    exchange: LocalExchange, orders: KalshiOrders, portfolio: KalshiPortfolio
) -> None:
    place = OrderPlace(ORDER_ID, TICKER, exchange_index=2)
    orders.cancel_order(place)
    orders.decrease_order(place, reduce_to=D(0))
    orders.cancel_batch([place])
    assert portfolio.get_order(place) is None
    cancel, decrease, batch, get = exchange.requests
    assert cancel.query == {"market_ticker": [TICKER], "exchange_index": ["2"]}
    assert {"market_ticker": TICKER, "exchange_index": 2}.items() <= decrease.json.items()
    assert batch.json["orders"] == [{"order_id": ORDER_ID, "market_ticker": TICKER, "exchange_index": 2}]
    assert get.query == {"market_ticker": [TICKER]}


def test_trap_09_shard_without_an_account_is_no_missing_order(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(ORDERS_PATH, json_reply(wire_error("user_not_found"), 404))
    exchange.on(f"{ORDERS_PATH}/{ORDER_ID}", json_reply(wire_error("user_not_found"), 404))
    for outcome in (orders.place(new_order()), orders.cancel_order(PLACE)):
        assert isinstance(outcome, Rejected)
        assert outcome.reason is RejectReason.UNFUNDED_SHARD


def test_trap_10_paused_trading_is_its_own_reason_and_not_asked_again_by_the_client(
    exchange: LocalExchange, orders: KalshiOrders, naps: list[float]
) -> None:
    exchange.on(ORDERS_PATH, json_reply(wire_error("trading_is_paused"), 409))
    outcome = orders.place(new_order())
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.PAUSED
    assert (len(exchange.requests), naps) == (1, [])


def test_trap_11_clock_drift_is_resynced_for_reads_and_no_bad_key_for_orders(
    exchange: LocalExchange, transport: Transport, orders: KalshiOrders
) -> None:
    there = NOW + timedelta(seconds=45)
    date = (("Date", format_datetime(there, usegmt=True)),)
    expired = json_reply(wire_error("header_timestamp_expired"), 401)._replace(headers=date)
    there_ms = int(there.timestamp() * 1000)

    def judge(request: Request) -> Reply:
        is_fresh = abs(int(request.headers["KALSHI-ACCESS-TIMESTAMP"]) - there_ms) < 15_000
        return json_reply({"ok": True})._replace(headers=date) if is_fresh else expired

    exchange.on("/portfolio/balance", judge)
    exchange.on(ORDERS_PATH, expired)
    assert transport.get_json("/portfolio/balance") == {"ok": True}
    assert transport.get_json("/portfolio/balance") == {"ok": True}
    assert exchange.paths() == ["/portfolio/balance"] * 3
    outcome = orders.place(new_order())
    assert isinstance(outcome, AuthRefused)
    assert outcome.fault is AuthFault.CLOCK


def test_trap_11_clock_that_stays_refused_is_asked_about_only_once_more(
    exchange: LocalExchange, transport: Transport
) -> None:
    date = (("Date", format_datetime(NOW, usegmt=True)),)
    exchange.on("/x", json_reply(wire_error("header_timestamp_expired"), 401)._replace(headers=date))
    with pytest.raises(Refused, match="header_timestamp_expired"):
        transport.get_json("/x")
    assert len(exchange.requests) == 2


def test_trap_12_empty_book_of_0_and_1_has_neither_spread_nor_mid() -> None:
    snapshot = parse.parse_market(
        wire_market(
            yes_bid_dollars="0.0000",
            yes_bid_size_fp="0.00",
            yes_ask_dollars="1.0000",
            yes_ask_size_fp="0.00",
        ),
        NOW,
    ).snapshot
    assert (snapshot.yes_bid, snapshot.yes_ask, snapshot.spread, snapshot.mid) == (None, None, None, None)


def test_trap_13_signed_text_holds_the_root_and_no_query(
    exchange: LocalExchange, orders: KalshiOrders, key_path: Path
) -> None:
    orders.cancel_order(PLACE)
    (request,) = exchange.requests
    assert request.query
    headers = {name.upper(): value for name, value in request.headers.items()}
    text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}DELETE/trade-api/v2{ORDERS_PATH}/{ORDER_ID}"
    key = load_pem_private_key(key_path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    key.public_key().verify(base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]), text.encode())


def test_trap_14_cursor_the_exchange_no_longer_knows_yields_page_one_once_and_then_an_error(
    exchange: LocalExchange, portfolio: KalshiPortfolio
) -> None:
    first_page = json_reply({"fills": [wire_fill()], "cursor": "stale"})
    exchange.on("/portfolio/fills", first_page)
    with pytest.raises(Malformed, match="repeats a cursor"):
        portfolio.get_fills()
    assert len(exchange.requests) == 2


def test_trap_15_archived_market_is_read_from_the_archive(
    exchange: LocalExchange, transport: Transport
) -> None:
    old = "HIGHNY-24AUG15-T83"
    settled = wire_market(ticker=old, event_ticker="HIGHNY-24AUG15", status="finalized", result="no")
    exchange.on(f"/historical/markets/{old}", json_reply({"market": settled}))
    with pytest.raises(Refused) as refusal:
        KalshiMarketData(transport, now=lambda: NOW).get_orderbook(old)
    assert refusal.value.status == 404
    listing = KalshiHistory(transport, now=lambda: NOW).get_archived_market(old)
    assert (listing.market.status, listing.market.result) == (MarketStatus.FINALIZED, "no")


def test_trap_17_closing_time_is_the_field_not_the_prose() -> None:
    prose = "The Last Trading Time will be 11:59 PM local time on September 15, 2026"
    market = parse.parse_market(wire_market(early_close_condition=prose), NOW).market
    assert market.close_at == datetime(2026, 9, 16, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"a_field_of_tomorrow": {"nested": [1]}},
        {"status": "levitating"},
        {"strike_type": "structured"},
        {"price_level_structure": "center_whole_edge_half_cent"},
    ],
)
def test_trap_18_new_words_are_tolerated_and_new_states_held(changes: dict[str, Any]) -> None:
    market = parse.parse_market(wire_market() | changes, NOW).market
    assert market.status is (MarketStatus.UNRECOGNIZED if "status" in changes else MarketStatus.ACTIVE)
    assert (market.strike_type is None) == ("strike_type" in changes)


def test_trap_18_new_words_on_orders_and_fills_are_tolerated() -> None:
    order = parse_account.parse_order(wire_order(status="levitating", tomorrow=1, last_update_reason="New"))
    assert (order.status, order.may_still_fill) == (OrderStatus.UNRECOGNIZED, True)
    assert parse_account.parse_fill(wire_fill(tomorrow={"x": []})).book_side is BookSide.BID


def test_trap_18_market_of_a_kind_we_cannot_pay_out_is_refused_alone() -> None:
    with pytest.raises(BadMarketData, match="NOT_BINARY"):
        parse.parse_market(wire_market(market_type="scalar"), NOW)


def test_numbers_are_sent_as_strings_because_the_exchange_refuses_others(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    orders.place(NewOrder(TICKER, BookSide.ASK, D("0.1"), D("0.07"), "id"))
    sent = exchange.requests[0].json
    assert (sent["count"], sent["price"]) == ("0.10", "0.0700")
