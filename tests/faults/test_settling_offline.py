"""Days without us: every past day is settled in one go, to the cent of the exchange's own rows."""

from datetime import timedelta

from tests.faults.bench import MODE, Bench
from trading.domain.settling import ROWS_LAG
from trading.domain.types import OrderState
from trading.models import OrderRow, PositionRow, SettlementRow
from trading.settlement_checks import check_account

DAYS_AWAY = timedelta(days=4)


def test_demo_that_was_away_for_days_settles_them_once_its_fills_are_read(bench: Bench) -> None:
    bench.cycle()
    bench.turns(3)
    bench.wait(DAYS_AWAY)

    unread = bench.settle()
    bench.reconcile()
    read = bench.settle()

    # A resting order may have filled while we were away: nothing is paid before that is known.
    assert (unread.settled, unread.waiting > 0) == (0, True)
    assert (read.settled >= unread.waiting, read.waiting) == (True, 0)
    assert not PositionRow.objects.filter(is_open=True).exists()
    assert set(OrderRow.objects.values_list("state", flat=True)) == {OrderState.CLOSED}
    assert bench.complaints() == []


def test_demo_that_settled_differs_from_the_exchange_s_rows_in_nothing(bench: Bench) -> None:
    bench.cycle()
    bench.turns(3)
    bench.wait(DAYS_AWAY)
    bench.reconcile()
    bench.settle()
    bench.wait(ROWS_LAG)
    since = bench.now - 2 * DAYS_AWAY

    rows = bench.exchange.account.settlements(since)
    assert rows is not None
    assert {row.ticker for row in rows} == set(SettlementRow.objects.values_list("market__ticker", flat=True))
    assert check_account(MODE, bench.exchange.account, since, bench.now) == ()
