"""Reconciliations one after another, as a test has them."""

from tests.trading.scripted_account import ScriptedAccount
from tests.trading.sent_orders import AT, DEMO, MINUTE
from trading.oms.reconcile import ReconcileReport, reconcile


def rounds(theirs: ScriptedAccount, count: int, begin: int = 0) -> list[ReconcileReport]:
    """One run a minute."""
    return [reconcile(DEMO, theirs, AT + (begin + minute) * MINUTE) for minute in range(count)]
