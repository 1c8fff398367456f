"""Our database is lost and comes back from a backup that is older than the day's orders."""

from typing import Final

import pytest
from django.db import connection

from tests.faults.bench import Bench
from tests.faults.books import is_recovered, locks, orders, states
from trading.domain.types import OrderState, TradingState
from trading.models import FillRow, RiskEventRow

_LATER: Final = (
    "DELETE FROM ops.order_events",
    "DELETE FROM ops.fills",
    "DELETE FROM ops.orders",
    "DELETE FROM ops.intents",
    "DELETE FROM ops.positions",
    "DELETE FROM ops.ledger WHERE kind <> 'deposit'",
    "DELETE FROM ops.reconciliations WHERE id > (SELECT min(id) FROM ops.reconciliations)",
)
"""All that the books learnt since their first reading of the account."""


def restore_backup() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in _LATER:
            cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


@pytest.mark.parametrize("halted_turns", [0, 30])
def test_books_restored_from_before_the_day_s_intents_take_back_what_is_theirs(
    bench: Bench, halted_turns: int
) -> None:
    """At once, or when the orders of before are so old that no list of the exchange shows them."""
    bench.reconcile()
    bench.wait()
    bench.cycle()
    bench.turns(3)
    assert states()[OrderState.FILLED] > 1
    restore_backup()
    if halted_turns:
        bench.turn_switch(TradingState.HALTED)
        bench.turns(halted_turns)
        bench.turn_switch(TradingState.ACTIVE)

    bench.turns(1)
    assert FillRow.objects.filter(order=None).exists(), "taken for a person's"
    bench.recover(8)

    assert is_recovered(), locks()
    named = set(orders().exclude(kalshi_order_id=None).values_list("kalshi_order_id", flat=True))
    external = FillRow.objects.filter(order=None)
    assert not external.filter(kalshi_order_id__in=named).exists()
    assert FillRow.objects.exclude(order=None).exists()
    assert RiskEventRow.objects.filter(event_type="ORDER_TERMS_DIFFER").exists()
    # The wish decided again is for other counts: the account was another one. Nothing but that order's end may differ.
    complaints = bench.complaints()
    others = {one.partition(": we meant (")[0] for one in complaints if ": we meant (" in one}
    assert [one for one in complaints if not any(one.startswith(key) for key in others)] == []
