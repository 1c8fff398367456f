"""The account's lists: exact, complete or saying what is missing, and each row once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from markets.clients.kalshi import parse_account
from markets.clients.kalshi.portfolio import MOST_PAGES, KalshiPortfolio
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.account_types import (
    Bucket,
    ExchangeFill,
    ExchangePosition,
    MarketResult,
    OrderStatus,
    SettlementStatus,
    ShardBalance,
)
from markets.domain.order_request import OrderPlace
from markets.domain.sides import BookSide
from milkbot.core.errors import Malformed, Refused
from tests.markets.clients.order_makers import CLIENT_ID, ORDER_ID, PLACE, TICKER, wire_error
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import NOW, decode

D = Decimal


@pytest.fixture
def portfolio(exchange: LocalExchange, signer: Signer, naps: list[float]) -> Iterator[KalshiPortfolio]:
    transport = Transport(exchange.base_url, signer, now=lambda: NOW, sleep=naps.append)
    yield KalshiPortfolio(transport)
    transport.close()


def wire_fill(fill_id: str = "f1", /, **changes: Any) -> dict[str, Any]:
    row = {
        "fill_id": fill_id,
        "trade_id": fill_id,
        "order_id": ORDER_ID,
        "ticker": TICKER,
        "market_ticker": TICKER,
        "book_side": "bid",
        "outcome_side": "yes",
        "count_fp": "2.05",
        "yes_price_dollars": "0.5600",
        "no_price_dollars": "0.4400",
        "is_taker": True,
        "fee_cost": "0.035400",
        "created_time": "2026-09-15T14:00:00.123456Z",
        "exchange_index": 0,
    }
    return {name: value for name, value in (row | changes).items() if value is not None}


def wire_order(order_id: str = ORDER_ID, /, **changes: Any) -> dict[str, Any]:
    row = {
        "order_id": order_id,
        "client_order_id": CLIENT_ID,
        "user_id": "u",
        "ticker": TICKER,
        "book_side": "ask",
        "outcome_side": "no",
        "type": "limit",
        "status": "resting",
        "yes_price_dollars": "0.5600",
        "no_price_dollars": "0.4400",
        "initial_count_fp": "10.00",
        "fill_count_fp": "2.50",
        "remaining_count_fp": "7.50",
        "taker_fees_dollars": "0.0000",
        "maker_fees_dollars": "0.0100",
        "taker_fill_cost_dollars": "0.000000",
        "maker_fill_cost_dollars": "1.400000",
        "created_time": "2026-09-15T14:00:00Z",
        "expiration_time": None,
        "last_update_reason": "Decrease",
    }
    return row | changes


@pytest.mark.story("3.4", 2)
def test_get_fills_returns_exact_fills(exchange: LocalExchange, portfolio: KalshiPortfolio) -> None:
    exchange.on("/portfolio/fills", json_reply({"fills": [wire_fill()], "cursor": ""}))
    assert list(portfolio.get_fills()) == [
        ExchangeFill(
            fill_id="f1",
            order_id=ORDER_ID,
            ticker=TICKER,
            book_side=BookSide.BID,
            count=D("2.05"),
            yes_price=D("0.56"),
            is_taker=True,
            fee=D("0.0354"),
            filled_at=datetime(2026, 9, 15, 14, 0, 0, 123456, tzinfo=UTC),
        )
    ]


@pytest.mark.story("3.4", 4)
def test_get_fills_since_asks_for_whole_seconds_before_and_keeps_the_exact_ones(
    exchange: LocalExchange, portfolio: KalshiPortfolio
) -> None:
    since = datetime(2026, 9, 15, 14, 0, 0, 500_000, tzinfo=UTC)
    rows = [
        wire_fill("after", created_time="2026-09-15T14:00:01Z"),
        wire_fill("at", created_time="2026-09-15T14:00:00.5Z"),
        wire_fill("before", created_time="2026-09-15T14:00:00.499999Z"),
    ]
    exchange.on("/portfolio/fills", json_reply({"fills": rows, "cursor": ""}))
    assert [fill.fill_id for fill in portfolio.get_fills(since)] == ["after", "at"]
    assert exchange.requests[0].query == {"min_ts": [str(int(since.timestamp()) - 1)], "limit": ["1000"]}


@pytest.mark.story("3.4", 5)
def test_lists_of_an_account_without_history_are_empty_and_complete(
    exchange: LocalExchange, portfolio: KalshiPortfolio
) -> None:
    exchange.on("/portfolio/fills", json_reply({"fills": [], "cursor": ""}))
    exchange.on("/portfolio/orders", json_reply({"orders": None}))
    exchange.on("/portfolio/settlements", json_reply({"settlements": []}))
    exchange.on("/portfolio/positions", json_reply({"market_positions": [], "event_positions": []}))
    exchange.on("/portfolio/orders/queue_positions", json_reply({"queue_positions": None}))
    for reading in (
        portfolio.get_fills(),
        portfolio.get_orders(),
        portfolio.get_settlements(),
        portfolio.get_positions(),
        portfolio.get_queue_positions(),
    ):
        assert len(reading) == 0
        assert reading.is_complete


@pytest.mark.story("3.4", 3)
def test_pages_that_shift_while_being_read_give_each_row_once_as_last_read(
    exchange: LocalExchange, portfolio: KalshiPortfolio
) -> None:
    def page(request: Request) -> Reply:
        if "cursor" in request.query:
            moved = wire_order("b", status="executed", remaining_count_fp="0.00", fill_count_fp="10.00")
            return json_reply({"orders": [moved, wire_order("c")], "cursor": ""})
        return json_reply({"orders": [wire_order("a"), wire_order("b")], "cursor": "2"})

    exchange.on("/portfolio/orders", page)
    found = portfolio.get_orders(ticker=TICKER, status=OrderStatus.RESTING, since=NOW)
    assert [(order.order_id, order.status) for order in found] == [
        ("a", OrderStatus.RESTING), ("b", OrderStatus.EXECUTED), ("c", OrderStatus.RESTING),
    ]  # fmt: skip
    assert exchange.requests[1].query == {
        "ticker": [TICKER], "status": ["resting"], "min_ts": [str(int(NOW.timestamp()) - 1)], "limit": ["1000"],
        "cursor": ["2"],
    }  # fmt: skip


@pytest.mark.story("3.4", 3)
@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], [str(n) for n in range(MOST_PAGES + 2)]])
def test_pages_that_never_end_are_malformed(
    exchange: LocalExchange, portfolio: KalshiPortfolio, cursors: list[str]
) -> None:
    exchange.on("/portfolio/fills", *(json_reply({"fills": [], "cursor": cursor}) for cursor in cursors))
    with pytest.raises(Malformed, match=r"cursor|pages"):
        portfolio.get_fills()
    assert len(exchange.requests) <= MOST_PAGES


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": None}, {"fill_id": 17}, {"count_fp": "0.00"}, {"count_fp": "-1"},
        {"count_fp": "0.005"}, {"yes_price_dollars": "1.0000"}, {"yes_price_dollars": "NaN"},
        {"yes_price_dollars": None}, {"is_taker": "true"}, {"fee_cost": "-0.01"}, {"created_time": "yesterday"},
        {"created_time": None}, {"book_side": "ask"}, {"book_side": "middle", "outcome_side": None},
        {"exchange_index": -1}, {"exchange_index": 0.5},
    ],
)  # fmt: skip
def test_unreadable_fill_is_reported_and_the_others_stay(
    exchange: LocalExchange,
    portfolio: KalshiPortfolio,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
) -> None:
    exchange.on(
        "/portfolio/fills", json_reply({"fills": [wire_fill("bad", **changes), wire_fill()], "cursor": ""})
    )
    found = portfolio.get_fills()
    assert [fill.fill_id for fill in found] == ["f1"]
    assert not found.is_complete
    assert [fault.code for fault in found.faults] == ["MALFORMED"]
    assert "unreadable" in caplog.text


def test_fill_without_a_stated_fee_has_none_not_zero() -> None:
    assert parse_account.parse_fill(wire_fill(fee_cost=None)).fee is None
    assert parse_account.parse_fill(wire_fill(created_time=None, ts=1_789_480_800)).filled_at == datetime(
        2026, 9, 15, 14, 0, tzinfo=UTC
    )


def test_get_fills_of_one_order_or_of_tickers(exchange: LocalExchange, portfolio: KalshiPortfolio) -> None:
    rows = [wire_fill("mine"), wire_fill("other", order_id="another")]
    exchange.on("/portfolio/fills", json_reply({"fills": rows, "cursor": ""}))
    exchange.on("/historical/fills", json_reply({"fills": rows, "cursor": ""}))
    assert [fill.fill_id for fill in portfolio.get_fills(order_id=ORDER_ID)] == ["mine"]
    assert [fill.fill_id for fill in portfolio.get_fills(order_id=ORDER_ID, archived=True)] == ["mine"]
    portfolio.get_fills(tickers=["A", "B"])
    assert [request.query for request in exchange.requests] == [
        {"order_id": [ORDER_ID], "limit": ["1000"]},
        {"limit": ["1000"]},
        {"ticker": ["A,B"], "limit": ["1000"]},
    ]
    with pytest.raises(ValueError, match="at most 100"):
        portfolio.get_fills(tickers=[f"T{n}" for n in range(101)])


@pytest.mark.story("3.4", 1)
def test_get_positions_returns_signed_holdings(exchange: LocalExchange, portfolio: KalshiPortfolio) -> None:
    row = {
        "ticker": TICKER, "position_fp": "-3.50", "market_exposure_dollars": "1.540000", "exchange_index": 0,
        "total_traded_dollars": "1.540000", "realized_pnl_dollars": "-0.250000", "fees_paid_dollars": "0.018900",
        "last_updated_ts": "2026-09-15T14:00:00Z",
    }  # fmt: skip
    exchange.on("/portfolio/positions", json_reply({"market_positions": [row, {"ticker": "half"}]}))
    exchange.on("/historical/positions", json_reply({"market_positions": [row]}))
    found = portfolio.get_positions()
    assert found.rows == (
        ExchangePosition(
            ticker=TICKER,
            count=D("-3.50"),
            exposure=D("1.54"),
            total_traded=D("1.54"),
            realized_pnl=D("-0.25"),
            fees=D("0.0189"),
            updated_at=datetime(2026, 9, 15, 14, tzinfo=UTC),
        ),
    )
    assert [fault.ticker for fault in found.faults] == ["half"]
    portfolio.get_positions(SettlementStatus.ALL, ticker=TICKER)
    assert len(portfolio.get_positions(archived=True)) == 1
    assert [request.query for request in exchange.requests] == [
        {"settlement_status": ["unsettled"], "limit": ["1000"]},
        {"ticker": [TICKER], "settlement_status": ["all"], "limit": ["1000"]},
        {"limit": ["1000"]},
    ]


def test_order_of_an_unknown_status_is_held_open(exchange: LocalExchange, portfolio: KalshiPortfolio) -> None:
    row = wire_order(status="quarantined", outcome_side=None, book_side="bid", taker_fees_dollars=None)
    exchange.on("/portfolio/orders", json_reply({"orders": [row], "cursor": ""}))
    (order,) = portfolio.get_orders()
    assert (order.status, order.may_still_fill, order.fees) == (OrderStatus.UNRECOGNIZED, True, None)


def test_archived_orders_are_asked_for_without_a_status(
    exchange: LocalExchange, portfolio: KalshiPortfolio
) -> None:
    exchange.on("/historical/orders", json_reply({"orders": [wire_order()], "cursor": ""}))
    (order,) = portfolio.get_orders(status=OrderStatus.EXECUTED, archived=True)
    assert (order.book_side, order.fees, order.last_update_reason) == (BookSide.ASK, D("0.01"), "Decrease")
    assert exchange.requests[0].query == {"limit": ["1000"]}


def test_get_order_names_the_market_and_knows_what_a_404_is_worth(
    exchange: LocalExchange, portfolio: KalshiPortfolio
) -> None:
    path = f"/portfolio/orders/{ORDER_ID}"
    exchange.on(
        path,
        json_reply({"order": wire_order()}),
        json_reply(wire_error("not_found"), 404),
        json_reply(wire_error("user_not_found"), 404),
        json_reply({"order": wire_order("another")}),
        json_reply({}),
    )
    found = portfolio.get_order(PLACE)
    assert found is not None
    assert found.client_order_id == CLIENT_ID
    assert portfolio.get_order(PLACE) is None
    with pytest.raises(Refused, match="user_not_found"):
        portfolio.get_order(PLACE)
    for _ in range(2):
        with pytest.raises(Malformed):
            portfolio.get_order(OrderPlace(ORDER_ID, TICKER))
    assert exchange.requests[0].query == {"market_ticker": [TICKER]}


def test_get_settlements_turns_cents_into_dollars(
    exchange: LocalExchange, portfolio: KalshiPortfolio
) -> None:
    row = {
        "ticker": TICKER, "event_ticker": "KXHIGHCHI-26SEP15", "market_result": "yes", "yes_count_fp": "3.50",
        "yes_total_cost_dollars": "1.960000", "no_count_fp": "0.00", "no_total_cost_dollars": "0.000000",
        "revenue": 350, "value": 100, "fee_cost": "0.0340", "settled_time": "2026-09-16T12:04:54.401029Z",
    }  # fmt: skip
    late = row | {"settled_time": "2026-09-15T00:00:00Z", "market_result": "void", "value": None}
    exchange.on("/portfolio/settlements", json_reply({"settlements": [row, late], "cursor": ""}))
    first, second = portfolio.get_settlements()
    assert (first.revenue, first.yes_value, first.yes_cost) == (D("3.50"), D(1), D("1.96"))
    assert (first.result, second.result, second.yes_value) == (
        MarketResult.YES, MarketResult.UNRECOGNIZED, None,
    )  # fmt: skip
    assert len(portfolio.get_settlements(datetime(2026, 9, 16, tzinfo=UTC), ticker=TICKER)) == 1


def test_get_balance_is_exact_and_broken_down_by_shard(
    exchange: LocalExchange, portfolio: KalshiPortfolio
) -> None:
    body = {
        "balance": 9801, "balance_dollars": "98.0186", "portfolio_value": 198, "updated_ts": 1_789_484_400,
        "balance_breakdown": [{"exchange_index": 0, "balance": "90.0186"}, {"exchange_index": 2, "balance": "8"}],
    }  # fmt: skip
    exchange.on("/portfolio/balance", json_reply(body), json_reply(body | {"balance_breakdown": None}))
    balance = portfolio.get_balance()
    assert (balance.available, balance.portfolio_value, balance.updated_at) == (D("98.0186"), D("1.98"), NOW)
    assert balance.by_shard[1] == ShardBalance(exchange_index=2, balance=D(8))
    assert [balance.on_shard(index) for index in (0, 1)] == [D("90.0186"), D(0)]
    assert portfolio.get_balance().on_shard(0) is None


def test_watermark_queue_limits_and_costs_are_read(
    exchange: LocalExchange, portfolio: KalshiPortfolio, recorded_api: Path
) -> None:
    exchange.on("/exchange/user_data_timestamp", json_reply({"as_of_time": "2026-09-15T14:59:59.5Z"}))
    exchange.on(
        "/portfolio/orders/queue_positions",
        json_reply({"queue_positions": [{"order_id": "o", "market_ticker": TICKER, "queue_position_fp": "12.50"}]}),
    )  # fmt: skip
    exchange.on("/account/limits", Reply(200, (recorded_api / "account__limits.json").read_bytes()))
    exchange.on(
        "/account/endpoint_costs", Reply(200, (recorded_api / "account__endpoint_costs.json").read_bytes())
    )
    assert portfolio.get_user_data_timestamp() == NOW - timedelta(milliseconds=500)
    assert [row.contracts_ahead for row in portfolio.get_queue_positions([TICKER])] == [D("12.5")]
    assert portfolio.get_account_limits().write == Bucket(refill_per_s=D(100), capacity=D(100))
    costs = portfolio.get_endpoint_costs()
    assert costs.default_cost == 10
    assert {cost.cost for cost in costs.exceptions if cost.method == "DELETE"} == {2, 4}


def test_recorded_account_rows_parse(recorded_api: Path, snippets: Path) -> None:
    def body(name: str) -> dict[str, Any]:
        return decode((recorded_api / f"{name}.json").read_bytes())

    orders = [parse_account.parse_order(row) for row in body("portfolio__orders_list")["orders"]]
    assert {order.status for order in orders} >= {OrderStatus.EXECUTED, OrderStatus.CANCELED}
    for name in ("orders__get_after_create", "orders__get_after_cancel", "orders__stp_resting_after"):
        assert parse_account.parse_order(body(name)["order"]).status is OrderStatus.RESTING
    fills = [parse_account.parse_fill(row) for row in body("fills__after_taker")["fills"]]
    assert [fill.fee for fill in fills[:2]] == [D("0.0175"), D("0.0007")]
    positions = [
        parse_account.parse_position(row) for row in body("portfolio__positions")["market_positions"]
    ]
    assert positions[0].count == D(3)
    for name in ("auth__balance_ok", "auth__balance_alt_host", "auth__skew_plus5s", "auth__skew_minus5s"):
        assert parse_account.parse_balance(body(name)).available == D("98.0186")
    assert parse_account.parse_limits(body("account__limits")).usage_tier == "basic"
    live = json.loads((snippets / "fills_live_2026-07.json").read_text())["fills"]
    assert parse_account.parse_fill(live[0]).book_side is BookSide.ASK
    with pytest.raises(Malformed, match=r"fill_id|trade_id"):
        parse_account.parse_fill(live[1])
