"""A week in DEMO in minutes: ten cities, traders that are killed, an exchange that starts anew, faults every third day."""

import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from milkbot.core.cities import load_cities
from sandbox.accounts import Account
from sandbox.exchange.types import Refusal
from tests.faults.bench import CYCLE, MODE, Bench, running_bench
from tests.faults.books import is_recovered, orders
from tests.faults.edge import START
from tests.faults.exported import configure, export_complaints, exported_books
from tests.faults.exposure import cap_complaints
from tests.faults.forked import Nursery, nursery
from tests.faults.shared_clock import SharedClock
from tests.faults.test_storm import LATE_S, storm
from trading.domain.types import OrderState, TradingState
from trading.models import FillRow, PositionRow, SettlementRow

WEEK: Final = timedelta(days=7)
EVERY: Final = timedelta(hours=3)
"""Of the world's time between two short bursts of turns."""
TURNS: Final = 3
CALM_TURNS: Final = 3
"""After which no order's fate is open any more: that a request cannot arrive is proven a minute after it was sent."""
SETTLES_WITHIN: Final = timedelta(days=3)
SEED: Final = 7
PENNY_FRACTION: Final = Decimal("0.0001")


@dataclass
class Week:
    """The account's life, all drawn from one seed."""

    bench: Bench
    traders: Nursery
    draw: random.Random
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.trader = self.traders.bear()

    def burst(self) -> None:
        """Some turns a minute apart under whatever goes wrong, then calm turns and a settlement round."""
        if self.draw.random() < 1 / 3:
            storm(self.bench, self.draw.randrange(999))
            self.done["storms"] += 1
        for _ in range(TURNS):
            self._turn()
            assert cap_complaints(MODE) == []
            self._take()
        if self.draw.random() < 1 / 6:
            self.bench.restart_from_journal()
            self.done["exchange restarts"] += 1
        self.bench.heal()
        time.sleep(2 * LATE_S)
        for _ in range(CALM_TURNS):
            self._turn(may_die=False)
        self.bench.settle()

    def _turn(self, *, may_die: bool = True) -> None:
        self.bench.wait(CYCLE)
        begun = time.monotonic()
        self.trader.begin_turn(self.draw.randrange(2**32))
        if may_die and self.draw.random() < 1 / 12:
            time.sleep(self.draw.uniform(0, 0.5))
            self.trader.kill()
            self.trader = self.traders.bear()
            self.done["kills"] += 1
            return
        told = self.trader.answer()
        assert "skipped" not in told, told
        self.done["turns"] += 1
        self.done["ms"] += round(1000 * (time.monotonic() - begun))

    def _take(self) -> None:
        resting = orders().filter(
            state__in=(OrderState.RESTING, OrderState.PARTIAL), kalshi_order_id__isnull=False
        )
        for row in self.draw.sample(list(resting), min(2, len(resting))):
            with suppress(Refusal):  # it has expired or its market has closed meanwhile
                self.bench.take(row, Decimal(self.draw.randint(1, 300)) / 100)

    def judge(self) -> None:
        """Every book is the exchange's own, once the trader has looked at a market that stands still."""
        self.bench.stand_still()
        told = self.trader.silent_turn()
        assert "skipped" not in told, told
        self.bench.settle()
        assert self.bench.complaints() == []

    def end(self) -> None:
        """Nothing new any more, until all that is held has been paid out."""
        self.bench.turn_switch(TradingState.HALTED)
        last = self.bench.now + SETTLES_WITHIN
        while PositionRow.objects.filter(mode=MODE, is_open=True).exists():
            assert self.bench.now < last, "positions are not settled after days"
            self.bench.wait(EVERY)
            self.trader.begin_turn(0)
            self.trader.answer()
            self.bench.settle()
        self.bench.turn_switch(TradingState.ACTIVE)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("fresh_config")
def test_week_in_demo_with_restarts_and_faults_then_every_settled_dollar_is_the_exchange_s(
    tmp_path: Path,
    keys: tuple[Account, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock, begun = SharedClock(tmp_path / "clock"), time.monotonic()
    clock.now = START
    with (
        running_bench(tmp_path, keys, cities=tuple(load_cities()), clock=clock, journal=True) as bench,
        nursery(bench, tmp_path / "clock") as traders,
    ):
        week = Week(bench, traders, random.Random(SEED))
        while bench.now < START + WEEK:
            week.burst()
            if bench.now.hour < 3:
                week.judge()
            bench.wait(EVERY)
        week.end()

        week.judge()
        assert is_recovered()
        configure(monkeypatch, bench)
        assert export_complaints(exported_books(), bench.member) == []
        check_settlements(bench)
        with capsys.disabled():
            print(  # noqa: T201 - the figure is the point
                f"\nDEMO week of seed {SEED}: {orders().count()} intents, {len(bench.member.orders)} orders, "
                f"{FillRow.objects.count()} fills, {len(bench.member.settlements)} markets settled, "
                f"{dict(week.done)}, {time.monotonic() - begun:.0f} s"
            )


def check_settlements(bench: Bench) -> None:
    """Market by market: what was paid, what was won after fees, and all of it together as cash."""
    theirs = {row.ticker: row for row in bench.member.settlements}
    ours = {
        row.market.ticker: row for row in SettlementRow.objects.filter(mode=MODE).select_related("market")
    }
    assert len(ours) == SettlementRow.objects.filter(mode=MODE).count(), "each market is settled once"
    assert ours.keys() == theirs.keys()
    assert len(theirs) > 50
    for ticker, row in theirs.items():
        revenue = Decimal(row.revenue) / 100
        assert abs(ours[ticker].payout - revenue) < PENNY_FRACTION, ticker
        won = revenue - row.yes_total_cost - row.no_total_cost
        assert abs(ours[ticker].pnl - won) < PENNY_FRACTION, ticker
        fees = sum((fill.fee for fill in bench.member.fills if fill.ticker == ticker), Decimal(0))
        booked = FillRow.objects.filter(mode=MODE, market__ticker=ticker)
        assert sum((fill.fee for fill in booked), Decimal(0)) == fees, ticker
