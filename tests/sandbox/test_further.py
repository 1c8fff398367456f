"""Documented reads of what these worlds hardly have: as the specification has them, and true."""

import pytest

from tests.sandbox.openapi import Contract
from tests.sandbox.trading import Trading

EVENT = "KXHIGHCHI-26MAY19"
READS = (
    "/events/multivariate",
    f"/events/{EVENT}/metadata",
    "/milestones?limit=10",
    "/account/api_usage_level/volume_progress",
    "/portfolio/order_groups",
    "/portfolio/subaccounts/balances",
    "/portfolio/summary/total_resting_order_value",
)


@pytest.mark.parametrize("path", READS)
def test_further_read_is_as_the_specification_has_it(trading: Trading, specification: str, path: str) -> None:
    body = trading.members[0].get(path)
    assert Contract(specification).faults("GET", path.partition("?")[0], 200, body) == []


def test_resting_orders_are_worth_what_they_would_cost(trading: Trading) -> None:
    member = trading.members[0]
    member.place(price="0.0100", count="5.00")
    member.place(side="ask", price="0.9000", count="2.50")
    trading.wait()
    assert member.get("/portfolio/summary/total_resting_order_value") == {
        "total_resting_order_value": 30,
        "resting_order_value_breakdown": [{"exchange_index": 0, "balance": "0.3000"}],
    }
    (balance,) = member.get("/portfolio/subaccounts/balances")["subaccount_balances"]
    assert (balance["subaccount_number"], balance["balance"]) == (0, "9999.7000")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/events/NOPE/metadata", 404),
        ("/milestones", 400),
        ("/milestones?limit=501", 400),
        ("/events/multivariate?limit=201", 400),
    ],
)
def test_further_read_of_what_is_not_there_is_refused(trading: Trading, path: str, status: int) -> None:
    answer = trading.members[0].call("GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
