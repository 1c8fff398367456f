"""When an order without an answer may be sent once more, and what orders that rest keep from the balance."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from markets.domain.account_types import ExchangeOrder, ExchangePosition, OrderStatus
from markets.domain.sides import BookSide
from trading.domain.policy import Policy
from trading.domain.reconciliation import collateral
from trading.domain.supersede import Unanswered, asks_again

NOW = datetime(2026, 5, 19, 12, tzinfo=UTC)
LOST = Unanswered(Decimal("0.40"), Decimal(10), post_only=False, decided_at=NOW)
POLICY = Policy()


@pytest.mark.parametrize(
    ("price", "count", "post_only", "age", "asks"),
    [
        ("0.40", 10, False, timedelta(minutes=1), True),
        ("0.40", 25, False, timedelta(minutes=1), True),
        ("0.40", 9, False, timedelta(minutes=1), False),
        ("0.41", 10, False, timedelta(minutes=1), False),
        ("0.39", 10, False, timedelta(minutes=1), False),
        ("0.40", 10, True, timedelta(minutes=1), False),
        ("0.40", 10, False, POLICY.ask_again_within, True),
        ("0.40", 10, False, POLICY.ask_again_within + timedelta(seconds=1), False),
    ],
)
def test_asks_again_only_for_the_very_order_that_is_still_wanted_and_only_for_a_while(
    price: str, count: int, post_only: bool, age: timedelta, asks: bool
) -> None:
    wanted = asks_again(
        LOST, Decimal(price), Decimal(count), post_only=post_only, now=NOW + age, policy=POLICY
    )

    assert wanted is asks


def resting(
    side: BookSide, price: str, count: int, status: OrderStatus = OrderStatus.RESTING
) -> ExchangeOrder:
    return ExchangeOrder(
        order_id=f"{side}-{price}",
        client_order_id="",
        ticker="T",
        book_side=side,
        status=status,
        yes_price=Decimal(price),
        initial_count=Decimal(count),
        filled_count=Decimal(0),
        remaining_count=Decimal(count),
    )


def held(count: int) -> ExchangePosition:
    return ExchangePosition(
        ticker="T",
        count=Decimal(count),
        exposure=Decimal(0),
        total_traded=Decimal(0),
        realized_pnl=Decimal(0),
        fees=Decimal(0),
    )


@pytest.mark.parametrize(
    ("order", "position", "dollars"),
    [
        (resting(BookSide.BID, "0.30", 10), 0, "3.00"),
        (resting(BookSide.ASK, "0.30", 10), 0, "7.00"),
        (resting(BookSide.ASK, "0.30", 10), 4, "4.20"),
        (resting(BookSide.ASK, "0.30", 10), 10, "0"),
        (resting(BookSide.ASK, "0.30", 10), -10, "7.00"),
        (resting(BookSide.BID, "0.30", 10), -4, "1.80"),
        (resting(BookSide.BID, "0.30", 10, OrderStatus.CANCELED), 0, "0"),
    ],
)
def test_collateral_is_the_price_of_what_an_order_would_open(
    order: ExchangeOrder, position: int, dollars: str
) -> None:
    assert collateral([order], [held(position)]) == Decimal(dollars)


def test_collateral_frees_contracts_held_once_however_many_orders_would_close_them() -> None:
    orders = [resting(BookSide.ASK, "0.30", 10), resting(BookSide.ASK, "0.40", 10)]

    assert collateral(orders, [held(10)]) == Decimal("6.00")
    assert collateral(orders[::-1], [held(10)]) == Decimal("6.00"), "the first to fill are free"
