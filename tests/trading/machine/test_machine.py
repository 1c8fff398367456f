"""Random steps of trader, operator, network and world: no order doubled, none lost, no halt broken, no cap passed."""

import logging
import os
import random
import time

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sandbox.exchange.scripted import MID
from tests.trading.machine.edge import Edge, Fault
from tests.trading.machine.machine import OrderPath
from tests.trading.machine.trader import Wish
from trading.domain.types import Order, Side
from trading.oms.venues.base import Answer, Rejected, Unknown

STEPS = int(os.environ.get("SOAK_STEPS", "0"))
STEPS_EACH = 100
DEFAULT_STEPS = 2_000
PHASES = (Phase.generate, Phase.shrink) if os.environ.get("SHRINK") else (Phase.generate,)


def run(steps: int, capsys: pytest.CaptureFixture[str]) -> None:
    """At least so many steps, in runs of a hundred. SOAK_SEED repeats a run, SHRINK=1 makes its failure short."""
    drawn = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(2**32))
    logging.getLogger("milkbot").setLevel(logging.CRITICAL)
    OrderPath.steps, begun = 0, time.perf_counter()
    try:
        while OrderPath.steps < steps:
            run_state_machine_as_test(
                seed(drawn + OrderPath.steps)(type("Run", (OrderPath,), {})),
                settings=settings(
                    max_examples=max((steps - OrderPath.steps) // STEPS_EACH, 1),
                    stateful_step_count=STEPS_EACH,
                    deadline=None,
                    database=None,
                    derandomize=False,
                    phases=PHASES,
                    suppress_health_check=list(HealthCheck),
                ),
            )
    finally:
        logging.getLogger("milkbot").setLevel(logging.NOTSET)
        with capsys.disabled():
            took = time.perf_counter() - begun
            print(f"\norder path: {OrderPath.steps:,} steps in {took:.0f} s, SOAK_SEED={drawn}")  # noqa: T201


@pytest.mark.django_db
def test_order_path_over_random_steps_then_every_invariant_holds(capsys: pytest.CaptureFixture[str]) -> None:
    run(DEFAULT_STEPS, capsys)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.skipif(not STEPS, reason="`make soak STEPS=100000` says how many")
def test_order_path_soaked_then_every_invariant_holds(capsys: pytest.CaptureFixture[str]) -> None:
    run(STEPS, capsys)


class Liar(Edge):
    """Tells a lost answer as a refusal, which is how bots lose orders."""

    def place(self, order: Order) -> Answer:
        answer = super().place(order)
        return Rejected(code="timeout") if answer == Unknown(why=Fault.LOST_ANSWER) else answer


class Misled(OrderPath):
    edge_type = Liar


@pytest.mark.django_db
@pytest.mark.parametrize("machine", [OrderPath, Misled])
def test_oracle_when_a_lost_answer_is_taken_for_a_refusal_then_says_so(machine: type[OrderPath]) -> None:
    path = machine()
    path.show((50, 50, 50))
    path.turn([], [])
    path.break_requests([Fault.LOST_ANSWER])
    path.turn([Wish(MID, Side.YES, cents=48, contracts=10, rests=True)], [])

    if machine is OrderPath:
        path.holds()
    else:
        with pytest.raises(AssertionError):
            path.holds()


@pytest.mark.django_db
def test_cancel_of_an_order_without_a_name_leaves_nothing_on_its_way() -> None:
    path = OrderPath()
    path.show((50, 50, 50))
    path.turn([], [])
    path.break_requests([Fault.LOST_REQUEST, Fault.LATE_REQUEST])
    path.turn([Wish(MID, Side.YES, cents=48, contracts=10, rests=True)], [])

    path.wait(30)
    path.cancel(0)
    path.wait(1)
    path.turn([], [])

    assert path.edge.in_flight == []
    path.holds()
