"""The controls that stop, close and settle: what members notice of them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.test_orders import code
from tests.sandbox.trading import LAG, ORDERS, TICKER, Trading


def test_trading_pause_refuses_orders_and_lets_cancels_pass(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place()
    assert trading.control(do="pause")["paused"] == "trading"
    assert code(member.send()) == (409, "trading_is_paused")
    status = trading.client.get("/trade-api/v2/exchange/status").json()
    assert (status["exchange_active"], status["trading_active"]) == (True, False)
    assert member.call("DELETE", f"{ORDERS}/{placed['order_id']}").status_code == 200
    assert trading.control(do="resume")["paused"] is None
    assert member.send().status_code == 201


def test_exchange_pause_refuses_cancels_too(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place()
    trading.control(do="pause", kind="exchange")
    assert member.call("DELETE", f"{ORDERS}/{placed['order_id']}").status_code == 409
    status = trading.client.get("/trade-api/v2/exchange/status").json()
    assert (status["exchange_active"], status["trading_active"]) == (False, False)


def test_pause_cancels_what_asked_for_it(trading: Trading) -> None:
    member = trading.members[0]
    leaves, stays = member.place(cancel_order_on_pause=True), member.place()
    trading.control(do="pause")
    trading.wait(LAG)
    statuses = {
        placed["order_id"]: member.get(f"/portfolio/orders/{placed['order_id']}")["order"]["status"]
        for placed in (leaves, stays)
    }
    assert statuses == {leaves["order_id"]: "canceled", stays["order_id"]: "resting"}


def test_closed_market_refuses_orders_and_cancels_what_rested(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place()
    trading.control(do="close", ticker=TICKER)
    trading.wait()
    assert member.get(f"/portfolio/orders/{placed['order_id']}")["order"]["status"] == "canceled"
    assert 400 <= member.send().status_code < 500
    market = trading.client.get(f"/trade-api/v2/markets/{TICKER}").json()["market"]
    assert market["status"] == "closed"


@pytest.mark.parametrize(
    "order",
    [
        {"do": "close", "ticker": "NOPE"},
        {"do": "determine", "ticker": TICKER, "result": "yes"},
        {"do": "determine", "ticker": TICKER, "result": "maybe"},
        {"do": "finalize", "ticker": TICKER},
        {"do": "pause", "kind": "lunch"},
    ],
)
def test_control_that_cannot_be_is_refused_with_a_reason(trading: Trading, order: dict[str, str]) -> None:
    answer = trading.client.post("/control", json=order)
    assert answer.status_code == 400
    assert answer.json()["error"]


def record(trading: Trading, ticker: str = TICKER) -> Any:
    """The market as everybody sees it."""
    return trading.client.get(f"/trade-api/v2/markets/{ticker}").json()["market"]


def test_early_close_touches_the_record(trading: Trading) -> None:
    trading.wait()
    trading.control(do="close", ticker=TICKER)
    market = record(trading)
    assert market["updated_time"] == market["close_time"]


@pytest.mark.parametrize(("result", "value"), [("yes", "74.00"), ("no", "76.00")])
def test_market_determined_by_a_control_names_a_high_that_leads_to_its_result(
    trading: Trading, result: str, value: str
) -> None:
    trading.control(do="close", ticker=TICKER)
    trading.control(do="determine", ticker=TICKER, result=result)
    trading.control(do="finalize", ticker=TICKER)
    market = record(trading)
    assert (market["status"], market["result"], market["expiration_value"]) == ("finalized", result, value)


def test_only_one_market_of_an_event_wins(trading: Trading) -> None:
    """The sample's own winner is TICKER; a control that lets another win beats the world."""
    other = TICKER.replace("B74.5", "B76.5")
    member = trading.members[0]
    member.place(price="0.2200", time_in_force="immediate_or_cancel")
    for ticker in (TICKER, other):
        trading.control(do="close", ticker=ticker)
    trading.control(do="determine", ticker=other, result="yes")
    refused = trading.client.post("/control", json={"do": "determine", "ticker": TICKER, "result": "yes"})
    assert (refused.status_code, refused.json()["error"]) == (400, f"{other} has won its event already")
    trading.wait(timedelta(days=2))
    assert (record(trading)["result"], record(trading, other)["result"]) == ("no", "yes")
    assert record(trading)["expiration_value"] == record(trading, other)["expiration_value"] == "76.00"
    (row,) = member.get("/portfolio/settlements")["settlements"]
    assert (row["market_result"], row["revenue"]) == ("no", 0)
