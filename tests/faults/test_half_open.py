"""Half-open TCP: the other end is gone and nobody says so, on connections that lie idle and on one in the midst of a send."""

import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.faults.bench import Bench
from tests.faults.books import PLACE, is_recovered, states
from tests.faults.detours import Relay, on_another_way, relay_to
from tests.faults.test_network import durations_s
from trading.domain.types import OrderState
from trading.models import ReconciliationRow

RECOVERY_S: Final = 15.0
ORDER: Final = b"POST /trade-api/v2/portfolio/events/orders"


@pytest.fixture
def relay(bench: Bench) -> Iterator[Relay]:
    with relay_to(bench.base_url) as found:
        yield found


@pytest.mark.story("9.4", 1)
@pytest.mark.story("9.4", 2)
def test_idle_connections_whose_peer_vanished_cost_one_turn_and_are_replaced(
    bench: Bench, relay: Relay
) -> None:
    bench = on_another_way(bench, relay.base_url)
    bench.cycle()
    bench.turns(1)
    relay.fall_silent()
    assert relay.fell_silent

    (took_s,) = durations_s(bench, 1)
    begun = time.monotonic()
    (report,) = bench.turns(1)

    assert took_s < RECOVERY_S
    assert time.monotonic() - begun < RECOVERY_S - took_s
    assert report.errors == (), "nothing of the silence is left"
    assert ReconciliationRow.objects.order_by("-pk")[0].complete_until is not None
    bench.recover(3)  # The breaker of prices that could not be read clears after as many.
    assert is_recovered()
    assert bench.complaints() == []


def test_peer_that_vanishes_once_it_took_an_order_is_found_to_have_taken_it(
    bench: Bench, relay: Relay
) -> None:
    bench = on_another_way(bench, relay.base_url)
    relay.swallows_answer_to = ORDER

    (took_s,) = durations_s(bench, 1)

    assert took_s < RECOVERY_S
    assert relay.fell_silent
    assert bench.member.orders
    assert set(states()) <= {OrderState.UNKNOWN, OrderState.CANCELED}
    assert states()[OrderState.UNKNOWN]
    relay.swallows_answer_to = None
    begun, arrived = time.monotonic(), len(bench.member.orders)
    bench.turns(1)
    assert time.monotonic() - begun < RECOVERY_S
    assert not states()[OrderState.UNKNOWN]
    assert len(bench.member.orders) >= arrived

    bench.recover(5)

    assert bench.front.count(PLACE)
    assert is_recovered()
    assert bench.complaints() == []
