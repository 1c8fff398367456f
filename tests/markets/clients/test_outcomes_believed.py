"""A success is believed only as far as it can be true of what was asked."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from markets.clients.kalshi import outcomes
from markets.domain.order_outcomes import Amended, Unknown
from markets.domain.order_request import Amendment
from markets.domain.sides import BookSide
from tests.markets.clients.order_makers import CLIENT_ID, ORDER_ID, TICKER, TS_MS, new_order, wire_created
from tests.markets.clients.test_outcomes import answer

D = Decimal
AMENDMENT = Amendment(ORDER_ID, TICKER, BookSide.BID, D(10), D("0.56"))
AMENDED = {"order_id": ORDER_ID, "fill_count": "4.00", "remaining_count": "6.00", "ts_ms": TS_MS}


@pytest.mark.parametrize(
    "changes",
    [
        {"fill_count": "500.00"},
        {"fill_count": "4.00", "remaining_count": "6.01"},
        {"remaining_count": "900.00", "fill_count": None},
        {"average_fill_price": "0.5700"},
        {"average_fee_paid": "3"},
        {"order_id": "another"},
        {"client_order_id": "another"},
        {"ts_ms": -9_000_000_000_000},
    ],
)
def test_amendment_answered_as_it_cannot_be_is_unknown(changes: dict[str, Any]) -> None:
    amendment = replace(AMENDMENT, client_order_id=CLIENT_ID)
    assert isinstance(outcomes.amended(answer(200, AMENDED), amendment), Amended)
    assert isinstance(outcomes.amended(answer(200, AMENDED | changes), amendment), Unknown)


def test_amendment_of_a_seller_is_not_told_a_price_below_the_limit() -> None:
    seller = replace(AMENDMENT, book_side=BookSide.ASK)
    for price, kind in (("0.5500", Unknown), ("0.5600", Amended), ("0.6000", Amended)):
        assert isinstance(
            outcomes.amended(answer(200, AMENDED | {"average_fill_price": price}), seller), kind
        )


def test_amendment_that_names_the_order_anew_may_be_answered_under_either_name() -> None:
    renamed = replace(AMENDMENT, client_order_id="before", updated_client_order_id="after")
    for name, kind in (("before", Amended), ("after", Amended), ("third", Unknown)):
        assert isinstance(outcomes.amended(answer(200, AMENDED | {"client_order_id": name}), renamed), kind)


@pytest.mark.parametrize("ts_ms", [-9_000_000_000_000, 0, 10**12 * 9999, "9999999999999999", True])
def test_instant_that_cannot_be_is_unknown(ts_ms: object) -> None:
    """1684, the beginning of time, and what lies beyond this century."""
    assert isinstance(outcomes.created(answer(201, wire_created(ts_ms=ts_ms)), new_order()), Unknown)
    body = {"order_id": ORDER_ID, "reduced_by": "1.00", "ts_ms": ts_ms}
    assert isinstance(outcomes.canceled(answer(200, body), ORDER_ID), Unknown)


@pytest.mark.parametrize("name", ["reduced_by", "remaining_count"])
def test_count_beyond_any_order_is_unknown(name: str) -> None:
    body = {"order_id": ORDER_ID, name: "1000000.01", "ts_ms": TS_MS}
    judge = outcomes.canceled if name == "reduced_by" else outcomes.decreased
    assert isinstance(judge(answer(200, body), ORDER_ID), Unknown)
