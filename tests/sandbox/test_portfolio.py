"""What accounts read: lists and their filters, money, and how far behind the matching engine they are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.accounts import Account
from sandbox.recorded import RecordedDay
from tests.sandbox.trading import LAG, ORDERS, TICKER, Member, Trading

EVENT = "KXHIGHCHI-26MAY19"
OTHER = f"{EVENT}-B76.5"
TINY = timedelta(milliseconds=100)


def ids(member: Member, query: str = "") -> list[str]:
    return [order["order_id"] for order in member.get(f"/portfolio/orders{query}")["orders"]]


def test_reads_show_an_order_half_a_second_after_it_was_placed(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place()
    path = f"/portfolio/orders/{placed['order_id']}"
    trading.wait(timedelta(milliseconds=499))
    assert ids(member) == []
    assert member.call("GET", path).status_code == 404
    assert member.get("/portfolio/balance")["balance_dollars"] == "10000.0000"
    trading.wait(timedelta(milliseconds=1))
    assert ids(member) == [placed["order_id"]]
    assert member.get(path)["order"]["status"] == "resting"
    assert member.get("/portfolio/balance")["balance_dollars"] == "9999.9900"


def test_read_right_after_a_cancel_still_says_resting(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place()
    trading.wait()
    member.call("DELETE", f"{ORDERS}/{placed['order_id']}")
    trading.wait(timedelta(milliseconds=410))
    assert member.get(f"/portfolio/orders/{placed['order_id']}")["order"]["status"] == "resting"
    trading.wait(TINY)
    assert member.get(f"/portfolio/orders/{placed['order_id']}")["order"]["status"] == "canceled"


def test_watermark_past_a_send_means_that_the_reads_know_of_it(trading: Trading) -> None:
    """3.5 of the design's order path: absence proves nothing before the watermark has passed."""
    member = trading.members[0]
    for _ in range(6):
        placed = member.place()
        for _ in range(12):
            trading.wait(TINY)
            as_of = datetime.fromisoformat(member.get("/exchange/user_data_timestamp")["as_of_time"])
            if as_of >= datetime.fromtimestamp(placed["ts_ms"] / 1000, UTC):
                assert placed["order_id"] in ids(member)
            else:
                assert placed["order_id"] not in ids(member)


def test_orders_are_listed_newest_first_and_paged_to_an_empty_cursor(trading: Trading) -> None:
    member = trading.members[0]
    placed = []
    for _ in range(5):
        placed.append(member.place()["order_id"])
        trading.wait(TINY)
    trading.wait()
    seen: list[str] = []
    cursor = ""
    while True:
        body = member.get(f"/portfolio/orders?limit=2&cursor={cursor}")
        seen += [order["order_id"] for order in body["orders"]]
        member.place()  # a new row at the head shifts no page
        trading.wait()
        cursor = body["cursor"]
        if not cursor:
            break
    assert seen == placed[::-1]
    assert ids(member, "?limit=2&cursor=garbage") == ids(member, "?limit=2")


def test_orders_are_filtered(trading: Trading) -> None:
    member = trading.members[0]
    resting = member.place()["order_id"]
    executed = member.place(ticker=OTHER, price="0.9900", time_in_force="immediate_or_cancel")["order_id"]
    canceled = member.place()["order_id"]
    member.call("DELETE", f"{ORDERS}/{canceled}")
    trading.wait()
    now = int(trading.stage.now().timestamp())
    expected = {
        "status=resting": {resting},
        "status=executed": {executed},
        "status=canceled": {canceled},
        f"ticker={OTHER}": {executed},
        f"event_ticker={EVENT},KXHIGHNY-26MAY19": {resting, executed, canceled},
        "event_ticker=KXHIGHNY-26MAY19": set(),
        f"min_ts={now + 60}": set(),
        f"max_ts={now - 60}": set(),
        f"min_ts={now - 60}&max_ts={now}": {resting, executed, canceled},
        "exchange_index=1": set(),
        "subaccount=7": set(),
        "subaccount=0&exchange_index=0": {resting, executed, canceled},
    }
    assert {query: set(ids(member, f"?{query}")) for query in expected} == expected


@pytest.mark.parametrize(
    "path",
    [
        "/portfolio/orders?limit=1001",
        "/portfolio/orders?limit=-1",
        "/portfolio/orders?status=pending",
        "/portfolio/orders?min_ts=soon",
        "/portfolio/orders?event_ticker=" + ",".join(f"E{number}" for number in range(11)),
        "/portfolio/fills?ticker=" + ",".join(f"T{number}" for number in range(101)),
        "/portfolio/positions?settlement_status=maybe",
    ],
)
def test_parameter_out_of_bounds_is_a_bare_message(trading: Trading, path: str) -> None:
    answer = trading.members[0].call("GET", path)
    assert answer.status_code == 400
    assert list(answer.json()) == ["msg"]


def test_fill_has_its_fee_and_no_client_id_and_both_ids(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place(side="ask", price="0.2000", count="2.50", time_in_force="immediate_or_cancel")
    trading.wait()
    (fill,) = member.get("/portfolio/fills")["fills"]
    assert fill["fill_id"] == fill["trade_id"]
    assert "client_order_id" not in fill
    assert (fill["order_id"], fill["count_fp"], fill["yes_price_dollars"], fill["fee_cost"]) == (
        placed["order_id"],
        "2.50",
        "0.2000",
        "0.028000",
    )
    assert (fill["book_side"], fill["outcome_side"], fill["is_taker"]) == ("ask", "no", True)
    assert ids(member, f"?ticker={TICKER}") == [placed["order_id"]]
    for query, found in (
        (f"order_id={placed['order_id']}", 1),
        (f"ticker={OTHER}", 0),
        (f"ticker={TICKER},X", 1),
    ):
        assert len(member.get(f"/portfolio/fills?{query}")["fills"]) == found


def test_fractional_fills_of_one_order_are_listed_one_by_one(trading: Trading) -> None:
    maker, taker = trading.members[:2]
    resting = maker.place(price="0.2100", count="3.00")
    for count in ("0.95", "2.05"):
        taker.place(side="ask", price="0.2100", count=count, time_in_force="immediate_or_cancel")
    trading.wait()
    fills = maker.get(f"/portfolio/fills?order_id={resting['order_id']}")["fills"]
    assert sorted(fill["count_fp"] for fill in fills) == ["0.95", "2.05"]
    assert {fill["fee_cost"] for fill in fills} == {"0.000000"}
    order = maker.get(f"/portfolio/orders/{resting['order_id']}")["order"]
    assert (order["status"], order["fill_count_fp"], order["maker_fill_cost_dollars"]) == (
        "executed",
        "3.00",
        "0.630000",
    )
    (position,) = taker.get("/portfolio/positions")["market_positions"]
    assert position["position_fp"] == "-3.00"


def test_partly_filled_then_cancelled_order_is_canceled_with_fills(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place(price="0.2200", count="12.00")
    member.call("DELETE", f"{ORDERS}/{placed['order_id']}")
    trading.wait()
    order = member.get(f"/portfolio/orders/{placed['order_id']}")["order"]
    assert (order["status"], order["fill_count_fp"], order["initial_count_fp"]) == (
        "canceled",
        "10.00",
        "12.00",
    )


def test_positions_filter_by_count_settlement_and_market(trading: Trading) -> None:
    member = trading.members[0]
    member.place(price="0.2200")
    member.place(side="ask", price="0.2000")
    member.place(ticker=OTHER, price="0.9900", time_in_force="immediate_or_cancel")
    trading.wait()

    def tickers(query: str) -> set[str]:
        return {row["ticker"] for row in member.get(f"/portfolio/positions?{query}")["market_positions"]}

    assert tickers("count_filter=position") == {OTHER}
    assert tickers("count_filter=position,total_traded") == {OTHER, TICKER}
    assert tickers("settlement_status=settled") == set()
    assert tickers("settlement_status=all") == {OTHER, TICKER}
    assert tickers(f"ticker={OTHER}") == {OTHER}
    assert tickers("event_ticker=KXHIGHNY-26MAY19") == set()
    (event,) = member.get("/portfolio/positions")["event_positions"]
    assert (event["event_ticker"], event["total_cost_shares_fp"]) == (EVENT, "3.00")


def test_queue_position_counts_what_stands_before(trading: Trading) -> None:
    first, second = trading.members[:2]
    one = first.place(price="0.2000", count="4.00")["order_id"]
    two = second.place(price="0.2000")["order_id"]
    assert first.get(f"/portfolio/orders/{one}/queue_position") == {"queue_position_fp": "10.00"}
    assert second.get(f"/portfolio/orders/queue_positions?market_tickers={TICKER}")["queue_positions"] == [
        {"order_id": two, "market_ticker": TICKER, "queue_position_fp": "14.00"}
    ]
    assert second.get("/portfolio/orders/queue_positions?event_ticker=NOPE") == {"queue_positions": []}
    first.call("DELETE", f"{ORDERS}/{one}")
    assert first.call("GET", f"/portfolio/orders/{one}/queue_position").status_code == 404


def test_balance_truncates_cents_and_holds_collateral(trading: Trading) -> None:
    member = trading.members[0]
    member.place(price="0.2200", time_in_force="immediate_or_cancel")
    member.place(price="0.0100", count="5.00")
    trading.wait()
    balance = member.get("/portfolio/balance")
    assert balance["balance_dollars"] == "9999.7179"
    assert (balance["balance"], balance["portfolio_value"]) == (999971, 20)
    assert balance["balance_breakdown"] == [{"exchange_index": 0, "balance": "9999.7179"}]


@pytest.mark.parametrize(("query", "shard"), [("exchange_index=1", 1), ("subaccount=1", 0)])
def test_balance_of_another_shard_or_subaccount_is_nothing(trading: Trading, query: str, shard: int) -> None:
    balance = trading.members[0].get(f"/portfolio/balance?{query}")
    assert (balance["balance"], balance["balance_dollars"], balance["portfolio_value"]) == (0, "0.0000", 0)
    assert balance["balance_breakdown"] == [{"exchange_index": shard, "balance": "0.0000"}]


@pytest.mark.parametrize("parameter", ["exchange_index", "subaccount"])
@pytest.mark.parametrize("value", ["x", "-1", "0.5", "99999999999"])
@pytest.mark.parametrize("path", ["balance", "orders", "fills", "positions", "settlements"])
def test_shard_or_subaccount_that_cannot_be_is_refused(
    trading: Trading, path: str, parameter: str, value: str
) -> None:
    answer = trading.members[0].call("GET", f"/portfolio/{path}?{parameter}={value}")
    assert (answer.status_code, set(answer.json())) == (400, {"msg"})


def test_ask_is_sold_as_yes_in_its_order_and_as_no_in_its_fill(trading: Trading) -> None:
    """The outdated words as recorded: of an ask, an order says `yes` of demo 2026-06, a fill `no` of live 2026-07."""
    member = trading.members[0]
    member.place(side="ask", price="0.2000", time_in_force="immediate_or_cancel")
    member.place(price="0.2200", time_in_force="immediate_or_cancel")
    trading.wait()
    words = {
        name: {
            row["book_side"]: (row["action"], row["side"]) for row in member.get(f"/portfolio/{name}")[name]
        }
        for name in ("orders", "fills")
    }
    assert words == {
        "orders": {"ask": ("sell", "yes"), "bid": ("buy", "yes")},
        "fills": {"ask": ("sell", "no"), "bid": ("buy", "yes")},
    }


def test_portfolio_value_changes_at_the_same_instant_as_the_cash(trading: Trading) -> None:
    """Else the sum of both jumps by the price of every new position for half a second."""
    member = trading.members[0]
    member.place(price="0.2200", time_in_force="immediate_or_cancel")
    before = member.get("/portfolio/balance")
    assert (before["balance"], before["portfolio_value"]) == (1_000_000, 0)
    trading.wait()
    after = member.get("/portfolio/balance")
    assert (after["balance"], after["portfolio_value"]) == (999_976, 20)


def test_portfolio_value_knows_the_result_as_late_as_every_other_read(trading: Trading) -> None:
    member = trading.members[0]
    member.place(price="0.2200", time_in_force="immediate_or_cancel")
    trading.wait()
    trading.control(do="close", ticker=TICKER)
    trading.control(do="determine", ticker=TICKER, result="yes")
    assert member.get("/portfolio/balance")["portfolio_value"] == 20
    trading.wait()
    assert member.get("/portfolio/balance")["portfolio_value"] == 100


def settled(trading: Trading, result: str) -> dict[str, Any]:
    """Three contracts of TICKER bought by the first member, paid out by the controls; the settlement row."""
    member = trading.members[0]
    member.place(price="0.2200", count="3.00")
    trading.control(do="close", ticker=TICKER)
    trading.control(do="determine", ticker=TICKER, result=result)
    trading.wait()
    assert member.get("/portfolio/settlements")["settlements"] == []
    trading.control(do="finalize", ticker=TICKER)
    trading.wait()
    (row,) = member.get("/portfolio/settlements")["settlements"]
    return dict(row)


@pytest.mark.parametrize(("result", "revenue", "cash"), [("yes", 300, "10002.3039"), ("no", 0, "9999.3039")])
def test_settlement_pays_only_when_finalized(trading: Trading, result: str, revenue: int, cash: str) -> None:
    row = settled(trading, result)
    assert (row["market_result"], row["revenue"], row["value"]) == (result, revenue, revenue // 3)
    assert (row["yes_count_fp"], row["no_count_fp"], row["yes_total_cost_dollars"]) == (
        "3.00",
        "0.00",
        "0.660000",
    )
    member = trading.members[0]
    assert member.get("/portfolio/balance")["balance_dollars"] == cash
    assert member.get("/portfolio/positions")["market_positions"] == []
    (position,) = member.get("/portfolio/positions?settlement_status=settled")["market_positions"]
    assert Decimal(position["realized_pnl_dollars"]) == Decimal(revenue) / 100 - Decimal("0.66")
    market = trading.client.get(f"/trade-api/v2/markets/{TICKER}").json()["market"]
    assert (market["status"], market["result"], "settlement_ts" in market) == ("finalized", result, True)
    assert member.get(f"/portfolio/settlements?ticker={OTHER}")["settlements"] == []


def test_status_walks_from_closed_over_determined_to_finalized_after_the_timer(trading: Trading) -> None:
    def status() -> str:
        market = trading.client.get(f"/trade-api/v2/markets/{TICKER}").json()["market"]
        return str(market["status"])

    walked = [status()]
    trading.control(do="close", ticker=TICKER)
    walked.append(status())
    trading.control(do="determine", ticker=TICKER, result="no")
    walked.append(status())
    trading.wait(timedelta(seconds=3599))
    walked.append(status())
    trading.wait(timedelta(seconds=1))
    walked.append(status())
    assert walked == ["active", "closed", "determined", "determined", "finalized"]


def test_members_orders_and_trades_are_in_the_public_market(trading: Trading) -> None:
    first, second = trading.members[:2]

    def public(path: str) -> Any:
        return trading.client.get(f"/trade-api/v2{path}").json()

    before = public(f"/markets/{TICKER}")["market"]
    first.place(price="0.2100", count="3.00")
    market = public(f"/markets/{TICKER}")["market"]
    assert (market["yes_bid_dollars"], market["yes_bid_size_fp"]) == ("0.2100", "3.00")
    second.place(side="ask", price="0.2100", count="1.00", time_in_force="immediate_or_cancel")
    trading.wait()
    market = public(f"/markets/{TICKER}")["market"]
    assert (market["last_price_dollars"], market["yes_bid_size_fp"]) == ("0.2100", "2.00")
    assert Decimal(market["volume_fp"]) - Decimal(before["volume_fp"]) == 1
    (trade,) = public(f"/markets/trades?ticker={TICKER}")["trades"]
    assert (trade["yes_price_dollars"], trade["taker_book_side"]) == ("0.2100", "ask")
    assert public(f"/markets/{TICKER}/orderbook")["orderbook_fp"]["yes_dollars"][-1] == ["0.2100", "2.00"]
    now = int(trading.stage.now().timestamp())
    window = f"start_ts={now - 3600}&end_ts={now + 60}&period_interval=1"
    candles = public(f"/series/KXHIGHCHI/markets/{TICKER}/candlesticks?{window}")["candlesticks"]
    assert candles[-1]["volume_fp"] == "1.00"
    assert candles[-1]["price"]["close_dollars"] == "0.2100"


def test_ended_orders_move_to_the_historical_tier_after_two_weeks(
    invented_day: RecordedDay, accounts: tuple[Account, ...]
) -> None:
    trading = Trading(invented_day, datetime(2026, 5, 19, 12, tzinfo=UTC), accounts)
    member = trading.members[0]
    placed = member.place(price="0.9900", time_in_force="immediate_or_cancel")["order_id"]
    trading.wait(timedelta(days=14))
    assert (ids(member), len(member.get("/historical/orders")["orders"])) == ([placed], 0)
    trading.wait(timedelta(days=2))
    archived = [order["order_id"] for order in member.get("/historical/orders")["orders"]]
    assert (ids(member), archived) == ([], [placed])
    assert len(member.get("/portfolio/fills")["fills"]) == 1
    trading.wait(timedelta(days=60))
    assert member.get("/portfolio/fills")["fills"] == []
    assert len(member.get("/historical/fills")["fills"]) == 1
    assert member.get("/portfolio/positions?settlement_status=all")["market_positions"] == []
    assert len(member.get("/historical/positions")["market_positions"]) == 1


def test_lag_is_measured_in_machine_time(trading: Trading) -> None:
    as_of = datetime.fromisoformat(trading.members[0].get("/exchange/user_data_timestamp")["as_of_time"])
    assert trading.stage.now() - as_of <= LAG
