"""The console's page of skill: verdict, hours, gates, and the two steps that shut or release one."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from milkbot.core import clock
from milkbot.core.config import TradingMode
from tests.analytics.skill.scenes import CITIES, NOW, store_scores
from tests.factories import SHADOW, OrderFactory, StrategyGateFactory
from trading.controls import decide_gate
from trading.domain.strategy_gate import GateEvidence
from trading.domain.types import OrderState
from trading.models import OperatorActionRow, StrategyGateRow
from trading.repositories.strategy_gates import admitted_strategies

LIVE = TradingMode.LIVE
EDGE = "forecast_edge"


@pytest.fixture(autouse=True)
def _at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def shown(console: Client, path: str = "/admin/skill/") -> str:
    html = console.get(path).content.decode()
    return re.sub(r"\s+", " ", html)


def test_before_anything_settled_the_page_says_what_is_awaited(console: Client) -> None:
    html = shown(console)

    assert "No event has been scored yet." in html
    assert "No strategy was ever judged." in html


def test_page_tells_verdict_hours_cities_and_counts(console: Client) -> None:
    store_scores(SHADOW, days=30, hours=(-4, 10))

    html = shown(console)

    assert "Difference not distinguishable from zero." in html
    assert "20:00 day before" in html
    assert all(city in html for city in CITIES)
    assert f"<dt>Events</dt><dd>{30 * len(CITIES)}</dd>" in html
    assert "<code>NOT_SEEN</code>" in html
    assert html.count('class="forest__ci"') == 2 + 2 + len(CITIES) + 3


def test_page_of_few_days_draws_no_interval(console: Client) -> None:
    store_scores(SHADOW, days=3, hours=(10,))

    html = shown(console)

    assert "3 days are too few to tell." in html
    assert "forest__ci" not in html


@pytest.mark.django_db
def test_gates_say_how_they_stand_and_what_is_missing(console: Client) -> None:
    decide_gate(GateEvidence(strategy=EDGE, mode=TradingMode.DEMO, world="", days=12, events=60), now=NOW)
    StrategyGateFactory.create(strategy="climatology")
    StrategyGateFactory.create(strategy="late_lock", expires_at=NOW - timedelta(hours=1))
    StrategyGateFactory.create(strategy="price_reversion", is_override=True, note="a drill")

    html = shown(console)

    assert "12 of 60 days" in html
    assert "Admitted until 1 Jan 00:00 UTC" in html
    assert "Ran out 3 Mar 14:00 UTC" in html
    assert "Overridden until" in html


def test_a_gate_is_withdrawn_and_released_in_two_steps(console: Client) -> None:
    StrategyGateFactory.create(strategy=EDGE)
    path = f"/admin/skill/{EDGE}/withdraw/"
    assert "no send begins in LIVE of an order that rests on this strategy alone" in shown(console, path)
    assert admitted_strategies(LIVE) == frozenset({EDGE})

    wrong = console.post(path, {"reason": "odd", "word": "withdraw"})
    assert "Nothing was changed." in wrong.content.decode()
    done = console.post(path, {"reason": "odd", "word": "WITHDRAW"}, follow=True)

    assert f"The gate of {EDGE} is shut now." in done.content.decode()
    assert admitted_strategies(LIVE) == frozenset()
    assert OperatorActionRow.objects.get().actor == "ada"
    console.post(f"/admin/skill/{EDGE}/release/", {"reason": "seen", "word": "RELEASE"})
    assert "nothing it said was ever scored" in shown(console)


def test_a_withdrawal_tells_what_may_still_arrive(console: Client) -> None:
    StrategyGateFactory.create(strategy=EDGE)
    path = f"/admin/skill/{EDGE}/withdraw/"
    assert "the exchange may still take" in shown(console, path)
    OrderFactory.create(intent__mode=LIVE, state=OrderState.SUBMITTED, sent_at=clock.now())

    done = console.post(path, {"reason": "odd", "word": "WITHDRAW"}, follow=True)

    assert "1 orders were under way and are not answered" in done.content.decode()


def test_releasing_what_is_not_withdrawn_says_so(console: Client) -> None:
    StrategyGateFactory.create(strategy=EDGE)

    html = console.post(f"/admin/skill/{EDGE}/release/", {"reason": "x", "word": "RELEASE"}, follow=True)

    assert f"Nothing was changed: {EDGE} is not withdrawn." in html.content.decode()


def test_nothing_here_lets_a_strategy_through(console: Client) -> None:
    StrategyGateFactory.create(strategy=EDGE, admitted=False)

    for name in ("override", "admit", "judge"):
        assert console.post(f"/admin/skill/{EDGE}/{name}/", {"reason": "x", "word": "X"}).status_code == 404
    assert console.get("/admin/skill/unheard_of/withdraw/").status_code == 404


def test_staff_without_the_permission_may_look_and_not_act(looker: Client) -> None:
    StrategyGateFactory.create(strategy=EDGE)

    assert "Withdraw" not in shown(looker)
    assert (
        looker.post(f"/admin/skill/{EDGE}/withdraw/", {"reason": "x", "word": "WITHDRAW"}).status_code == 403
    )
    assert StrategyGateRow.objects.count() == 1


def test_statements_do_not_grow_with_scores(console: Client) -> None:
    store_scores(SHADOW, days=2)
    with CaptureQueriesContext(connection) as few:
        console.get("/admin/skill/")
    store_scores(SHADOW, days=6, last=NOW.date() - timedelta(days=30))
    with CaptureQueriesContext(connection) as many:
        console.get("/admin/skill/")

    assert len(many) == len(few)
