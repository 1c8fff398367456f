"""Everything at once: between us and the exchange a tenth to a half of all requests meets one fault or another."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from milkbot.core.cities import load_cities
from sandbox.accounts import Account
from tests.faults.bench import MODE, Bench, running_bench
from tests.faults.books import CANCEL, PLACE, is_recovered, orders
from tests.faults.oracle import public_complaints
from tests.public_role import ActsAsPublic
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
    bench.turns(7)


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
def test_five_hundred_intents_in_a_storm_become_exactly_the_orders_meant_and_every_fill_is_booked(
    wide_bench: Bench, as_public: ActsAsPublic
) -> None:
    bench, rounds = wide_bench, 0
    while orders().count() < INTENTS:
        rounds += 1
        storm(bench, rounds)
        bench.turns(4)
        calm(bench)
        bench.settle()
        assert bench.complaints() == []
        assert public_complaints(MODE, bench.now, as_public) == []
        assert is_recovered()
        bench.wait(timedelta(hours=3))
        assert rounds < 60, f"only {orders().count()} intents"

    assert FillRow.objects.count() > INTENTS / 10
