"""What the scenarios ask of our books."""

from collections import Counter
from collections.abc import Collection, Iterable

import pytest
from _pytest.mark import ParameterSet
from django.db.models import QuerySet

from markets.domain.order_request import TimeInForce
from tests.faults.bench import MODE
from trading.controls import get_trading_state
from trading.domain.types import OrderState, TradingState
from trading.models import LockRow, OrderRow

PLACE = "POST /portfolio/events/orders"
CANCEL = "DELETE /portfolio/events/orders"
OPEN_QUESTIONS = (OrderState.NEW, OrderState.SUBMITTED, OrderState.UNKNOWN)


def some_slow(names: Iterable[str], slow: Collection[str]) -> list[ParameterSet]:
    """The names as parameters, of which some run with the slow tests only."""
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ()) for name in names]


def orders() -> QuerySet[OrderRow]:
    return OrderRow.objects.filter(mode=MODE).select_related("intent", "market").order_by("pk")


def states() -> Counter[str]:
    """How many orders stand in which state."""
    return Counter(orders().values_list("state", flat=True))


def resting() -> OrderRow:
    """The largest order that rests with nothing filled."""
    row = orders().filter(state=OrderState.RESTING, time_in_force=TimeInForce.GTC).order_by("-count").first()
    assert row is not None, "nothing rests"
    return row


def takers() -> QuerySet[OrderRow]:
    return orders().filter(time_in_force=TimeInForce.IOC)


def state_of(row: OrderRow) -> str:
    row.refresh_from_db()
    return row.state


def is_recovered() -> bool:
    """No order's fate is open, nothing waits for a person."""
    return (
        not orders().filter(state__in=OPEN_QUESTIONS).exists()
        and get_trading_state(MODE) is TradingState.ACTIVE
        and not LockRow.objects.filter(mode=MODE, cleared_at__isnull=True).exists()
    )


def locks() -> set[str]:
    return set(LockRow.objects.filter(mode=MODE, cleared_at__isnull=True).values_list("code", flat=True))
