"""A trader's turn and a person's command may reconcile in the same moment."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connections

from tests.trading.makers import NOW
from tests.trading.scripted_account import ScriptedAccount, filled, held, read_as
from tests.trading.sent_orders import AT, DEMO, MINUTE
from trading.controls import ensure_controls
from trading.domain.reconciliation import AccountReading
from trading.domain.types import Order
from trading.models import LedgerRow
from trading.oms.drift import CASH_ROUNDS
from trading.oms.reconcile import reconcile
from trading.repositories.books import LedgerRepository

ELSEWHERE = "POLITICS-26-YES"


@dataclass
class ReadTogether(ScriptedAccount):
    """Nobody has the account before both who ask for it may have it."""

    both: threading.Barrier = field(default_factory=lambda: threading.Barrier(2, timeout=30))

    def read(self, since: datetime | None, open_orders: Sequence[Order]) -> AccountReading:
        self.both.wait()
        return super().read(since, open_orders)


def at_once(account: ReadTogether, now: datetime) -> None:
    def run() -> None:
        try:
            reconcile(DEMO, account, now)
        finally:
            connections.close_all()

    runs = [threading.Thread(target=run) for _ in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join(30)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_attempt", range(3))
def test_two_runs_at_once_then_cash_that_went_by_hand_is_booked_by_one_of_them(_attempt: int) -> None:
    ensure_controls(DEMO, NOW)
    LedgerRepository(DEMO).open_account(Decimal(10_000), NOW)
    gone = read_as(cash="9000")
    for minute in range(CASH_ROUNDS - 1):
        reconcile(DEMO, ScriptedAccount(gone), AT + minute * MINUTE)

    at_once(ReadTogether(gone), AT + CASH_ROUNDS * MINUTE)

    assert list(LedgerRow.objects.filter(kind="external").values_list("amount", flat=True)) == [-1000]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_attempt", range(3))
def test_two_first_runs_at_once_then_what_a_person_traded_elsewhere_is_booked_once(_attempt: int) -> None:
    """Before the account is open there is no row of its own to hold."""
    ensure_controls(DEMO, NOW)
    bought = filled(name="by-hand", ticker=ELSEWHERE)
    account = ReadTogether(read_as(fills=[bought], positions=[held("10", ticker=ELSEWHERE)], cash="9000"))

    at_once(account, AT + MINUTE)

    rows = LedgerRow.objects.order_by("kind").values_list("kind", "amount")
    assert [kind for kind, _ in rows] == ["deposit", "external"]
    assert sum(amount for _, amount in rows) == 9000
