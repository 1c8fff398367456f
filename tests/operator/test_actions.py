"""Cancel-all, clearing locks and disarming: look at the consequence, give a reason, retype the word."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from milkbot.core import clock
from milkbot.core.config import TradingMode
from tests.exchange_account import rest_one
from tests.factories import (
    SHADOW,
    LockFactory,
    OrderFactory,
    ReconciliationFactory,
    admit_strategies,
    make_ladder,
    publish,
)
from tests.faults.bench import MODE, Bench
from tests.faults.books import CANCEL
from tests.trading.meanwhile import moved_meanwhile
from trading.arming import arm_live, standing_arming
from trading.controls import get_trading_state
from trading.domain.order_states import OrderEvent
from trading.domain.types import OrderState, TradingState
from trading.models import LockRow, OperatorActionRow, OrderRow

DONE = {"reason": "drill", "word": "CANCEL"}


@pytest.mark.parametrize("name", ["cancel-all", "disarm"])
def test_shadow_has_nothing_to_cancel_or_disarm(console: Client, name: str) -> None:
    publish()

    assert console.get(f"/admin/act/{name}/").status_code == 404
    assert f"/admin/act/{name}/" not in console.get("/admin/").content.decode()


def test_action_by_staff_without_the_permission_is_forbidden(looker: Client) -> None:
    publish()

    assert looker.get("/admin/act/clear-locks/").status_code == 403
    assert looker.post("/admin/act/clear-locks/", {"reason": "x", "word": "CLEAR"}).status_code == 403


def test_action_nobody_knows_is_not_found(console: Client) -> None:
    assert console.get("/admin/act/flatten/").status_code == 404


def test_clear_locks_names_each_lock_and_changes_nothing_before_the_word(console: Client) -> None:
    publish()
    LockFactory.create(scope="*", code="OVERFILL", message="11 filled of 10", needs_person=True)
    LockFactory.create(scope="CHI", code="WEATHER_STALE", needs_person=False)

    html = console.get("/admin/act/clear-locks/").content.decode()
    refused = console.post("/admin/act/clear-locks/", {"reason": "drill", "word": "clear"})

    assert "1 locks that wait for a person end" in html
    assert "OVERFILL on *" in html
    assert "11 filled of 10" in html
    assert "Type CLEAR, in capitals" in refused.content.decode()
    assert LockRow.objects.filter(cleared_at__isnull=True).count() == 2


def test_clear_locks_ends_those_that_wait_and_leaves_the_switch(console: Client) -> None:
    row = publish()
    type(row).objects.update(state="HALTED")
    LockFactory.create(scope="*", code="OVERFILL", needs_person=True)
    LockFactory.create(scope="CHI", code="WEATHER_STALE", needs_person=False)

    html = console.post(
        "/admin/act/clear-locks/", {"reason": "explained", "word": "CLEAR"}, follow=True
    ).content.decode()

    assert "1 locks cleared." in html
    assert list(LockRow.objects.filter(cleared_at__isnull=True).values_list("code", flat=True)) == [
        "WEATHER_STALE"
    ]
    assert get_trading_state(SHADOW) is TradingState.HALTED
    action = OperatorActionRow.objects.get()
    assert (action.action, action.actor, action.reason) == ("clear_locks", "ada", "explained")


def test_resume_is_refused_while_a_lock_waits_for_a_person(console: Client) -> None:
    row = publish()
    type(row).objects.update(state="HALTED")
    LockFactory.create(scope="*", code="OVERFILL", message="11 filled of 10", needs_person=True)

    page = console.get("/admin/switch/resume/").content.decode()
    answer = console.post("/admin/switch/resume/", {"reason": "go on", "word": "RESUME"})

    assert "Resume is refused until" in page
    assert "1 locks wait for a person. OVERFILL" in answer.content.decode()
    assert get_trading_state(SHADOW) is TradingState.HALTED


def test_index_shows_locks_with_what_ends_them(console: Client) -> None:
    publish()
    LockFactory.create(scope="*", code="OVERFILL", message="11 filled of 10", needs_person=True)
    LockFactory.create(scope="CHI", code="WEATHER_STALE", needs_person=False)

    html = console.get("/admin/").content.decode()

    assert "OVERFILL on everything" in html
    assert "WEATHER_STALE on CHI" in html
    assert "clears itself three cycles after its cause is gone" in html
    assert 'href="/admin/act/clear-locks/"' in html


def test_cancel_all_states_the_numbers_then_empties_the_book(demo: Bench, console: Client) -> None:
    order = rest_one(demo)

    page = console.get("/admin/act/cancel-all/").content.decode()
    assert "take 1 open orders with 7 unfilled contracts" in page
    assert "every order placed by hand" in page
    assert demo.front.count(CANCEL) == 0

    html = console.post("/admin/act/cancel-all/", DONE, follow=True).content.decode()

    assert "1 orders were open, 0 are left open." in html
    assert OrderRow.objects.get(client_order_id=order.client_order_id).state == OrderState.CANCELED
    assert OperatorActionRow.objects.get(action="cancel_all").actor == "ada"


@pytest.mark.django_db(transaction=True)
def test_cancel_all_one_by_one_of_an_order_the_trader_renews_meanwhile_says_it_is_out(
    demo: Bench, console: Client
) -> None:
    order = rest_one(demo)
    demo.fault(CANCEL, "5xx", count=1)

    with moved_meanwhile(order, OrderEvent.RENEW, expires_at=order.expires_at):
        html = console.post("/admin/act/cancel-all/", DONE, follow=True).content.decode()

    assert "1 orders were open, 0 are left open. Cancel-all was not confirmed" in html
    assert OrderRow.objects.get(client_order_id=order.client_order_id).state == OrderState.CANCELED


def test_index_in_demo_shows_open_orders_and_the_last_reconciliation(demo: Bench, console: Client) -> None:
    order = rest_one(demo)
    drift = [{"what": "position", "where": order.market_ticker, "ours": "5.00", "theirs": "7.00"}]
    ReconciliationFactory.create(mode=MODE, at=clock.now(), complete_until=clock.now(), drift=drift)

    html = console.get("/admin/").content.decode()

    assert "<b>DEMO</b>" in html
    assert order.market_ticker in html
    assert "1 difference: nothing new is traded." in html
    assert '<td class="right">5.00</td><td class="right">7.00</td>' in html
    assert 'href="/admin/act/cancel-all/"' in html


def test_index_in_demo_before_any_reconciliation_says_so(demo: Bench, console: Client) -> None:
    html = console.get("/admin/").content.decode()

    assert "Never reconciled: nothing is traded." in html
    assert "Nothing of ours rests or waits for an answer." in html


def test_index_takes_the_same_number_of_queries_for_more_orders(demo: Bench, console: Client) -> None:
    first, *others = make_ladder()
    OrderFactory.create(intent__market=first, intent__mode=MODE, state=OrderState.RESTING)
    with CaptureQueriesContext(connection) as once:
        console.get("/admin/")
    for market in others:
        OrderFactory.create(intent__market=market, intent__mode=MODE, state=OrderState.RESTING)
    with CaptureQueriesContext(connection) as more:
        console.get("/admin/")

    assert len(more) == len(once)


@pytest.mark.story("4.10", 3)
@pytest.mark.usefixtures("live")
def test_live_shows_its_arming_on_every_page_and_is_disarmed_in_two_steps(console: Client) -> None:
    publish(mode=TradingMode.LIVE)
    assert "Not armed: no order leaves." in console.get("/admin/").content.decode()
    admit_strategies("forecast_edge")
    until = arm_live(timedelta(hours=2), actor="ada", user_id=None, reason="first day")

    assert (
        f"Armed by ada until {until:%Y-%m-%d %H:%M} UTC." in console.get("/admin/trading/").content.decode()
    )
    assert "LIVE is armed until" in console.get("/admin/act/disarm/").content.decode()
    assert standing_arming() is not None
    html = console.post("/admin/act/disarm/", {"reason": "enough", "word": "DISARM"}, follow=True)

    assert "1 armings taken back" in html.content.decode()
    assert standing_arming() is None


@pytest.mark.parametrize("url", ["/admin/act/clear-locks/", "/admin/act/cancel-all/"])
def test_action_pages_hold_no_inline_code(demo: Bench, console: Client, url: str) -> None:
    own = console.get(url).content.decode().split('id="content"')[1].split("</main>")[0]

    assert "<script" not in own
    assert "style=" not in own
