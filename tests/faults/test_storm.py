"""Everything at once: between us and the exchange a tenth to a half of all requests meets one fault or another."""

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from milkbot.core.cities import load_cities
from sandbox.accounts import Account
from sandbox.exchange.types import Refusal
from tests.faults.bench import Bench, running_bench
from tests.faults.books import CANCEL, PLACE, is_recovered, orders
from tests.faults.exported import configure, export_complaints, exported_books
from tests.faults.wishes import Eager
from trading import cycle
from trading.domain.types import OrderState
from trading.models import FillRow

READS = "GET /portfolio"
STORM = (
    (PLACE, "drop_before", 0.10),
    (PLACE, "drop_after", 0.15),
    (PLACE, "late", 0.10),
    (PLACE, "5xx_after", 0.15),
    (PLACE, "truncated", 0.10),
    (PLACE, "error_body", 0.10),
    (PLACE, "wrong_echo", 0.10),
    (CANCEL, "drop_before", 0.15),
    (CANCEL, "drop_after", 0.15),
    (READS, "5xx", 0.10),
    (READS, "truncated", 0.10),
    (READS, "duplicate_page", 0.50),
    (READS, "reversed_list", 0.50),
)
LATE_S = 0.05
"""Machine time after which a late request is carried out: within a minute of the hand clock."""
INTENTS = 500
SEED = 500


@pytest.fixture
def wide_bench(tmp_path: Path, keys: tuple[Account, ...], db: None) -> Iterator[Bench]:
    """All ten cities."""
    with running_bench(tmp_path, keys, cities=tuple(load_cities())) as running:
        yield running


def storm(bench: Bench, seed: int) -> None:
    for number, (match, kind, rate) in enumerate(STORM):
        bench.fault(match, kind, rate=rate, seed=100 * seed + number, seconds=LATE_S)


def calm(bench: Bench) -> None:
    """Let the late requests arrive and the turns put right what is open."""
    bench.heal()
    time.sleep(2 * LATE_S)
    bench.recover(7)


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_storm_leaves_exactly_the_orders_that_were_meant(bench: Bench, seed: int) -> None:
    storm(bench, seed)
    bench.cycle()
    bench.turns(8)

    calm(bench)

    assert bench.member.orders
    assert is_recovered()
    assert bench.complaints() == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("fresh_config")
def test_five_hundred_intents_in_a_storm_become_exactly_the_orders_meant_and_every_fill_is_booked(
    wide_bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench, rounds, begun = wide_bench, 0, time.monotonic()
    configure(monkeypatch, bench)
    monkeypatch.setattr(cycle, "decide", Eager(SEED, each_turn=8))
    draw = random.Random(SEED)
    while orders().count() < INTENTS:
        rounds += 1
        bench.wait(timedelta(hours=1))
        storm(bench, SEED + rounds)
        for _ in range(4):
            bench.turns(1)
            take_some(bench, draw)
        calm(bench)
        bench.settle()
        assert bench.complaints() == []
        assert is_recovered()
        assert rounds < 60, f"only {orders().count()} intents"

    assert export_complaints(exported_books(), bench.member) == []
    fills = FillRow.objects.count()
    with capsys.disabled():
        print(  # noqa: T201 - the figure is the point
            f"\nstorm of seed {SEED}: {orders().count()} intents, {len(bench.member.orders)} orders at the exchange, "
            f"{fills} fills, {rounds} rounds, {time.monotonic() - begun:.0f} s"
        )
    assert fills > INTENTS / 10


def take_some(bench: Bench, draw: random.Random) -> None:
    """A stranger takes part or all of some of what we have in the book."""
    resting = orders().filter(
        state__in=(OrderState.RESTING, OrderState.PARTIAL), kalshi_order_id__isnull=False
    )
    for row in draw.sample(list(resting), min(2, len(resting))):
        with suppress(Refusal):  # it has expired or its market has closed meanwhile
            bench.take(row, Decimal(draw.randint(1, 300)) / 100)
