"""The slow loop's turn for analytics, with a real HTTP server on loopback as the public page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from analytics.models import EquityRow
from analytics.probe import probe_public_web
from analytics.services import refresh
from analytics.tasks import rollup
from milkbot.core.health import Component
from milkbot.health import read_all
from tests.factories import CycleFactory, DepositFactory


@contextmanager
def public_page(status: int) -> Iterator[str]:
    """A page that answers every GET with `status`; yields its base URL."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_refresh_with_a_serving_page_rolls_up_and_beats_three_components(db: None) -> None:
    DepositFactory.create()
    CycleFactory.create()

    with public_page(200) as url:
        summary = refresh(url)

    assert (summary.equity_points, summary.dashboard_fault) == (1, None)
    beats = read_all()
    assert set(beats) == {Component.ANALYTICS, Component.DATABASE, Component.DASHBOARD}
    assert all(status.ok for status in beats.values())


@pytest.mark.parametrize("status", [301, 404, 503])
def test_refresh_with_a_page_that_answers_otherwise_beats_the_dashboard_as_failing(
    db: None, status: int
) -> None:
    with public_page(status) as url:
        refresh(url)

    beat = read_all()[Component.DASHBOARD]
    assert (beat.ok, beat.message, beat.last_ok_at) == (False, f"The public page answers {status}.", None)


def test_rollup_task_runs_the_service_of_this_installation(db: None) -> None:
    DepositFactory.create()
    CycleFactory.create()

    rollup.run()

    assert EquityRow.objects.count() == 1
    assert {Component.ANALYTICS, Component.DASHBOARD} <= set(read_all())


def test_probe_when_nobody_listens_says_so() -> None:
    with public_page(200) as url:
        pass
    with requests.Session() as session:
        fault = probe_public_web(url, session)

    assert fault == "The public page does not answer (ConnectionError)."
