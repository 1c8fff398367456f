"""A request that breaks the exchange's rules cannot be built."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.order_request import (
    Amendment,
    BadOrder,
    NewOrder,
    OrderPlace,
    OrderTerms,
    TimeInForce,
    check_expiry,
)
from markets.domain.sides import BookSide
from markets.domain.types import PriceRange
from milkbot.core.errors import MilkbotError

D = Decimal
AT = datetime(2026, 9, 15, 15, 0, 0, 500_000, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "ticker": "KXHIGHCHI-26SEP15-B84.5",
    "book_side": BookSide.BID,
    "count": D("1.5"),
    "yes_price": D("0.56"),
    "client_order_id": "4a75a66e-ca85-4187-93cd-aac5e01ad982",
}
DECI_CENT = (PriceRange(start=D(0), end=D(1), step=D("0.001")),)


@pytest.mark.parametrize(
    "change",
    [
        {"yes_price": D("0.565")},
        {"yes_price": D("0.56001")},
        {"yes_price": D(0)},
        {"yes_price": D(1)},
        {"yes_price": D("-0.5")},
        {"yes_price": D(56)},
        {"yes_price": D("NaN")},
        {"yes_price": D("sNaN")},
        {"yes_price": D("Infinity")},
        {"count": D(0)},
        {"count": D(-1)},
        {"count": D("0.001")},
        {"count": D("1e9")},
        {"count": D("NaN")},
        {"client_order_id": ""},
        {"client_order_id": "x" * 65},
        {"client_order_id": "with space"},
        {"client_order_id": "line\n"},
        {"client_order_id": "naïve"},
        {"ticker": ""},
        {"ticker": "KXHIGHCHI/../orders"},
    ],
)
def test_order_outside_the_rules_is_refused_when_built(change: dict[str, Any]) -> None:
    with pytest.raises(BadOrder) as refusal:
        NewOrder(**(ORDER | change))
    assert isinstance(refusal.value, MilkbotError)
    assert isinstance(refusal.value, ValueError)
    assert str(refusal.value)


@given(
    count=st.integers(1, 10**8).map(lambda n: D(n) / 100), cents=st.integers(1, 99).map(lambda n: D(n) / 100)
)
def test_order_of_hundredths_at_whole_cents_is_always_legal(count: Decimal, cents: Decimal) -> None:
    order = NewOrder(**(ORDER | {"count": count, "yes_price": cents}))
    assert (D(f"{order.count:.2f}"), D(f"{order.yes_price:.4f}")) == (count, cents)


def test_finer_price_needs_the_finer_grid() -> None:
    order = NewOrder(**(ORDER | {"yes_price": D("0.565"), "terms": OrderTerms(price_ranges=DECI_CENT)}))
    assert order.yes_price == D("0.565")


@pytest.mark.parametrize(
    "terms",
    [
        {"time_in_force": TimeInForce.IOC, "expires_at": AT},
        {"time_in_force": TimeInForce.FOK, "expires_at": AT},
        {"expires_at": AT.replace(tzinfo=None)},
        {"time_in_force": TimeInForce.IOC, "post_only": True},
        {"time_in_force": TimeInForce.FOK, "post_only": True},
        {"reduce_only": True},
        {"time_in_force": TimeInForce.FOK, "reduce_only": True},
        {"exchange_index": -1},
        {"exchange_index": 5_000},
    ],
)
def test_terms_that_contradict_each_other_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(BadOrder):
        OrderTerms(**terms)


def test_expiry_counts_in_whole_seconds() -> None:
    check_expiry(None, AT)
    check_expiry(AT + timedelta(seconds=1), AT)
    for expired in (AT, AT + timedelta(milliseconds=400), AT - timedelta(hours=1)):
        with pytest.raises(BadOrder):
            check_expiry(expired, AT)


@pytest.mark.parametrize(
    "change",
    [
        {"order_id": "../all"},
        {"order_id": ""},
        {"total_count": D(0)},
        {"yes_price": D("0.565")},
        {"client_order_id": "with space"},
        {"updated_client_order_id": ""},
        {"expires_at": AT.replace(tzinfo=None)},
        {"exchange_index": -1},
        {"ticker": "?"},
    ],
)
def test_amendment_outside_the_rules_is_refused(change: dict[str, Any]) -> None:
    amendment: dict[str, Any] = {
        "order_id": "2597b999-f887",
        "ticker": ORDER["ticker"],
        "book_side": BookSide.BID,
        "total_count": D(5),
        "yes_price": D("0.5"),
    }
    Amendment(**amendment)
    with pytest.raises(BadOrder):
        Amendment(**(amendment | change))


@pytest.mark.parametrize(("order_id", "ticker"), [("a/b", "T"), ("a?x=1", "T"), ("a", "T&x"), ("", "T")])
def test_place_that_could_lead_elsewhere_is_refused(order_id: str, ticker: str) -> None:
    with pytest.raises(BadOrder):
        OrderPlace(order_id, ticker)
