"""PostgreSQL stops in the midst of a turn, in good order or at once: the trader reconnects by itself and mends its books."""

import signal
import time
from collections.abc import Iterator

import pytest
from django.db import connections

from milkbot.embedded.process import stop
from tests.embedded_postgres import Server
from tests.faults.bench import CYCLE, Bench
from tests.faults.processes import check_recovery, last_complaints, trader_process, turns_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

VENUE = "trading.oms.venues.kalshi"
SEAMS = {
    "before the commit": "trading.cycle:_commit:call",
    "committed, not sent": "trading.cycle:submit_round:call",
    "sent, not answered": f"{VENUE}:place>http.client:getresponse:call",
    "answered, not booked": "trading.oms.submit:book_answer:call",
}
SHUTDOWNS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


@pytest.fixture
def server() -> Iterator[type[Server]]:
    """The session's own server, which nobody else uses."""
    if Server.process is None:
        pytest.skip("the database server belongs to others too: run without -n and without DATABASE_URL")
    yield Server
    connections.close_all()


def restart(server: type[Server], shutdown: signal.Signals) -> None:
    assert server.process is not None
    connections.close_all()
    stop(server.process, shutdown, timeout_s=20)
    time.sleep(1)
    server.process = server.cluster.start(server.cluster.data.parent / "log")


@pytest.mark.story("9.4", 1)
@pytest.mark.parametrize("shutdown", SHUTDOWNS)
@pytest.mark.parametrize("name", SEAMS)
def test_database_that_restarts_in_the_midst_of_a_turn_costs_that_turn_and_nothing_else(
    server: type[Server], bench: Bench, name: str, shutdown: str
) -> None:
    with trader_process(bench) as trader:
        trader.stop_at(SEAMS[name])
        restart(server, SHUTDOWNS[shutdown])
        trader.go_on()
        assert "Error" in str(trader.answer()), "a turn cannot end well without its database"

        bench.wait(CYCLE)
        assert isinstance(trader.do(), int)
        turns_of(trader, bench, 7)
        assert bench.member.orders
        assert last_complaints(trader, bench) == []


@pytest.mark.story("9.4", 1)
@pytest.mark.story("9.4", 2)
def test_database_that_is_down_for_minutes_ends_no_process_and_sends_nothing(
    server: type[Server], bench: Bench
) -> None:
    with trader_process(bench) as trader:
        turns_of(trader, bench, 2)
        assert server.process is not None
        connections.close_all()
        stop(server.process, signal.SIGINT, timeout_s=20)
        asked = len(bench.front.asked)
        for _ in range(3):
            bench.wait(CYCLE)
            assert "OperationalError" in trader.do()
        assert len(bench.front.asked) == asked, "without its books it asks for nothing"
        server.process = server.cluster.start(server.cluster.data.parent / "log")

    with trader_process(bench) as trader:
        check_recovery(trader, bench)
