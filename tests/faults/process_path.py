"""The order path with the trader as a real process: random steps of trader, operator, network, exchange and world.

The trader is killed and stopped at random instants; the exchange is another server over HTTP, and the database is real.
What must hold is looked at here, outside the trader, after every step.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.db import connections

from sandbox.exchange.types import Order as TheirOrder
from sandbox.exchange.types import Refusal
from tests.faults.bench import MODE, Bench
from tests.faults.books import CANCEL, PLACE, is_recovered, locks, orders, states
from tests.faults.exposure import cap_complaints
from tests.faults.forked import Nursery
from trading.breakers import clear_locks
from trading.domain.types import Action, OrderState, TradingState
from trading.models import OrderRow
from trading.oms.reconcile import SENT
from trading.oms.working import cancel
from trading.repositories.orders import OrderRepository, StaleOrder

READS: Final = "GET /portfolio"
FAULTS: Final = (
    *(
        (PLACE, kind)
        for kind in ("drop_before", "drop_after", "late", "5xx_after", "truncated", "wrong_echo")
    ),
    *((CANCEL, kind) for kind in ("drop_before", "drop_after", "late", "5xx_after")),
    *((READS, kind) for kind in ("5xx", "truncated", "duplicate_page", "reversed_list", "empty_list")),
)
LATE_S: Final = 0.05
ARRIVES_WITHIN_S: Final = 0.03
"""What a killed process had sent reaches the server by then."""
QUIET_TURNS: Final = 8
IN_BOOK: Final = (OrderState.RESTING, OrderState.PARTIAL)


@dataclass
class ProcessPath:
    """One run, all drawn from `draw`."""

    bench: Bench
    nursery: Nursery
    draw: random.Random

    def __post_init__(self) -> None:
        self.trader = self.nursery.bear()
        self.turn_takes_s = 0.3
        self.done: Counter[str] = Counter()
        self._silent_since: int | None = None
        """How many orders had arrived when the last halt was acknowledged."""

    def step(self) -> None:
        """One thing that happens, and what must hold after it."""
        happening = self.draw.choices(_HAPPENINGS, _WEIGHTS)[0]
        self.done[happening.__name__] += 1
        happening(self)
        self.check()

    # The trader's process

    def turn(self) -> None:
        begun = time.monotonic()
        self.trader.begin_turn(self.draw.randrange(2**32))
        self.trader.answer()
        self.turn_takes_s = 0.9 * self.turn_takes_s + 0.1 * (time.monotonic() - begun)

    def killed_turn(self) -> None:
        self._begin_and_wait()
        self.kill()

    def kill(self) -> None:
        self.trader.kill()
        time.sleep(ARRIVES_WITHIN_S)
        self.trader = self.nursery.bear()

    def stopped_turn(self) -> None:
        """Stopped somewhere in its turn, it goes on later, whatever happened meanwhile."""
        self._begin_and_wait()
        self.trader.stop()
        meanwhile = self.draw.choice((self.halt, self.wait, self.take, self.restart_exchange))
        with ThreadPoolExecutor(1) as other:
            # A halt waits for a send that was let out before it: the process must go on for it to be acknowledged.
            happens = other.submit(_with_a_connection_of_its_own, meanwhile)
            with suppress(TimeoutError):
                happens.result(0.1)
            self.trader.go_on()
            happens.result()
        self.trader.answer()

    def _begin_and_wait(self) -> None:
        self.trader.begin_turn(self.draw.randrange(2**32))
        time.sleep(self.draw.uniform(0, 1.2 * self.turn_takes_s))

    # Network, exchange and world

    def break_something(self) -> None:
        match, kind = self.draw.choice(FAULTS)
        rate = self.draw.uniform(0.1, 0.5)
        self.bench.fault(
            match,
            kind,
            rate=rate,
            count=self.draw.randint(1, 10),
            seed=self.draw.randrange(999),
            seconds=LATE_S,
        )

    def heal(self) -> None:
        self.bench.heal()

    def wait(self) -> None:
        self.bench.wait(timedelta(seconds=self.draw.randint(1, 90)))

    def take(self) -> None:
        """A stranger takes from what we have in the book."""
        resting = list(orders().filter(state__in=IN_BOOK, kalshi_order_id__isnull=False))
        if resting:
            with suppress(Refusal):  # it has expired or its market has closed meanwhile
                self.bench.take(self.draw.choice(resting), Decimal(self.draw.randint(1, 300)) / 100)

    def restart_exchange(self) -> None:
        self.bench.restart_from_journal()

    # The operator

    def halt(self) -> None:
        self.bench.turn_switch(TradingState.HALTED)
        self._silent_since = self.bench.front.count(PLACE)

    def resume(self) -> None:
        self._silent_since = None
        clear_locks(MODE, actor="tester", user_id=None, reason="looked at it", now=self.bench.now)
        self.bench.turn_switch(TradingState.ACTIVE)

    def cancel_by_hand(self) -> None:
        open_orders = OrderRepository(MODE).in_states((*IN_BOOK, OrderState.UNKNOWN))
        if open_orders:
            with suppress(StaleOrder):
                cancel(
                    self.draw.choice(open_orders),
                    self.bench.exchange.venue,
                    at=self.bench.now,
                    why="by hand",
                    actor="tester",
                )

    # What must hold

    def check(self) -> None:
        """After every step."""
        assert cap_complaints(MODE) == []
        rows = {str(row.client_order_id): row for row in OrderRow.objects.filter(mode=MODE)}
        alive: Counter[tuple[int, str]] = Counter()
        filling: Counter[tuple[int, str]] = Counter()
        seen: set[str] = set()
        for order in self._orders_there():
            assert order.client_order_id not in seen, f"{order.client_order_id} stands for two orders"
            seen.add(order.client_order_id)
            row = rows[order.client_order_id]
            wish = (row.market_id, row.book_side)
            assert row.filled_count <= order.fill_count, f"{row.client_order_id} has more fills with us"
            # What is held may be sold in many parts; only what opens must be filled once.
            filling[wish] += row.action != Action.SELL and bool(order.fill_count)
            if order.status == "resting":
                alive[wish] += 1
                assert row.state in SENT, f"{row.client_order_id} rests, and is {row.state} with us"
        assert max([0, *alive.values(), *filling.values()]) <= 1, (alive, filling)
        if self._silent_since is not None:
            assert self.bench.front.count(PLACE) == self._silent_since, "something left after a halt"

    def check_quiet(self) -> None:
        """Faults end, the operator lets it trade, and after some turns all books agree to the last digit."""
        self.bench.heal()
        time.sleep(2 * LATE_S)
        self.resume()
        for _ in range(QUIET_TURNS - 1):
            self.bench.wait()
            self.turn()
        self.bench.stand_still()
        told = self.trader.silent_turn()
        assert "skipped" not in told, told
        self.bench.settle()
        self.check()
        said = self.bench.complaints()
        assert said == [], said
        assert is_recovered(), (states(), locks())

    def _orders_there(self) -> list[TheirOrder]:
        engine, member = self.bench.venue.exchange, self.bench.account.member

        def look() -> list[TheirOrder]:
            engine.advance(self.bench.now)
            return list(engine.orders(member))

        return self.bench.front.do(look)


def _with_a_connection_of_its_own(call: Callable[[], None]) -> None:
    try:
        call()
    finally:
        connections.close_all()


_HAPPENINGS: Final[tuple[Callable[[ProcessPath], None], ...]] = (
    ProcessPath.turn,
    ProcessPath.killed_turn,
    ProcessPath.stopped_turn,
    ProcessPath.kill,
    ProcessPath.break_something,
    ProcessPath.heal,
    ProcessPath.wait,
    ProcessPath.take,
    ProcessPath.restart_exchange,
    ProcessPath.halt,
    ProcessPath.resume,
    ProcessPath.cancel_by_hand,
)
_WEIGHTS: Final = (40, 8, 5, 2, 8, 3, 14, 10, 1, 2, 5, 2)
