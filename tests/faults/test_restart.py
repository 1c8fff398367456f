"""A trader that starts again looks at its account before anything else, and trades on nothing it could not read."""

import pytest

from tests.faults.bench import LAG, MODE, Bench
from tests.faults.books import PLACE, orders
from trading.cycle import run_cycle
from trading.cycle_report import CycleReport
from trading.domain.types import ReasonCode
from trading.models import FillRow, ReconciliationRow, TraderLeaseRow

NEXT_HOLDER = "faults/2/2.00"


def restart(bench: Bench) -> CycleReport:
    """The first turn of the process that follows one that died."""
    # On another host the lease would have to run out first; here its holder is known to be gone.
    TraderLeaseRow.objects.filter(mode=MODE).update(holder=NEXT_HOLDER)
    TraderLeaseRow.objects.filter(mode=MODE).update(fencing=_fencing() + 1)
    bench.front.asked.clear()
    return run_cycle(
        bench.now, bench.settings(), sources=bench.sources, exchange=bench.exchange, holder=NEXT_HOLDER
    )


def _fencing() -> int:
    return TraderLeaseRow.objects.get(mode=MODE).fencing


def kinds() -> list[str]:
    return list(ReconciliationRow.objects.order_by("pk").values_list("kind", flat=True))


def test_trader_reconciles_wholly_at_its_start_and_in_small_afterwards(bench: Bench) -> None:
    bench.cycle()
    bench.turns(2)

    assert kinds() == ["start", "cycle", "cycle"]


def test_trader_reads_its_whole_account_before_its_first_order(bench: Bench) -> None:
    bench.cycle()

    asked = bench.front.asked
    first_order = next(n for n, request in enumerate(asked) if request.startswith(PLACE))
    account = [n for n, request in enumerate(asked) if request.startswith("GET /portfolio")]
    assert {asked[n].rpartition("/")[2] for n in account} >= {"orders", "fills", "positions", "balance"}
    assert max(account) < first_order


def test_trader_that_starts_again_reconciles_anew_under_its_own_lease(bench: Bench) -> None:
    bench.cycle()
    bench.recover(2)
    bench.sends_within_s = 0

    restart(bench)

    latest = ReconciliationRow.objects.order_by("-pk")[0]
    assert (latest.kind, latest.fencing) == ("start", _fencing())
    assert kinds() == ["start", "cycle", "cycle", "start"]
    assert bench.complaints() == []


def test_trader_that_cannot_read_its_account_sends_nothing_new(bench: Bench) -> None:
    bench.fault("GET /portfolio/fills", "5xx", rate=1)

    bench.cycle()
    report = bench.turns(2)[-1]

    assert bench.front.count(PLACE) == 0
    assert not orders().exists()
    assert report.codes[ReasonCode.ACCOUNT_UNSURE]
    assert set(kinds()) == {"start"}, "it has not started until the account is read"

    bench.heal()
    bench.turns(2)
    assert orders().exists()
    assert kinds()[-1] == "cycle"


@pytest.mark.parametrize("page", ["orders", "fills", "positions", "balance"])
def test_trader_that_starts_again_blind_in_one_list_leaves_its_orders_and_adds_none(
    bench: Bench, page: str
) -> None:
    bench.cycle()
    bench.wait(LAG)
    before, fills = orders().count(), FillRow.objects.count()
    bench.fault(f"GET /portfolio/{page}", "5xx", rate=1)

    restart(bench)

    assert bench.front.count(PLACE) == 0
    assert orders().count() == before
    assert FillRow.objects.count() >= fills
