"""The console: mode and state on every page, history to look at and never to edit."""

import re
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from analytics.rollups.equity import roll_up_equity
from milkbot.core import clock
from milkbot.history_admin import HistoryAdmin
from tests.factories import (
    SHADOW,
    CycleFactory,
    DepositFactory,
    FillFactory,
    OrderFactory,
    PositionFactory,
    SignalFactory,
    make_ladder,
    publish,
)
from trading.domain.types import OrderState
from trading.models import ControlsRow, DecisionRow, LedgerRow

TRADING = [model for model in apps.get_app_config("trading").get_models()]
ROW_MODELS = [model for model, page in admin.site._registry.items() if isinstance(page, HistoryAdmin)]


def url_of(model: type[Model], page: str = "changelist", *args: object) -> str:
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_{page}", args=args)


def fill_history(city: str) -> None:
    """A row in every table of trading that the order path writes, for each bracket of an event."""
    now = clock.now()
    for market in make_ladder(city_code=city):
        order = OrderFactory.create(intent__market=market)
        fill = FillFactory.create(order=order)
        PositionFactory.create(market=market)
        SignalFactory.create(market=market)
        DecisionRow.objects.create(
            mode=SHADOW, market=market, city_code=city, code="SPREAD_WIDE", decided_at=now, seen_until=now
        )
        LedgerRow.objects.create(mode=SHADOW, kind="fill", amount=-4, fill=fill, at=now)


def test_every_table_of_trading_has_its_read_only_page() -> None:
    assert set(TRADING) <= set(ROW_MODELS)


@pytest.mark.parametrize("model", ROW_MODELS, ids=lambda model: model.__name__)
def test_history_page_lists_and_offers_no_way_to_change(console: Client, model: type[Model]) -> None:
    response = console.get(url_of(model))

    assert response.status_code == 200
    assert "addlink" not in response.content.decode().split('id="content"')[1]
    assert console.get(url_of(model, "add")).status_code == 403
    assert console.post(url_of(model, "add"), {}).status_code == 403


@pytest.mark.parametrize("model", TRADING, ids=lambda model: model.__name__)
def test_history_page_takes_the_same_number_of_queries_for_twice_the_rows(
    console: Client, model: type[Model]
) -> None:
    fill_history("CHI")
    with CaptureQueriesContext(connection) as once:
        console.get(url_of(model))
    fill_history("NYC")
    with CaptureQueriesContext(connection) as twice:
        console.get(url_of(model))

    assert len(twice) == len(once) <= 9


def test_order_page_shows_its_life_and_refuses_to_be_edited(console: Client) -> None:
    order = OrderFactory.create(intent__market=make_ladder()[0], state=OrderState.RESTING)
    url = url_of(type(order), "change", order.pk)

    html = console.get(url).content.decode()

    assert str(order.client_order_id) in html
    assert "RESTING" in html
    assert 'name="_save"' not in html
    assert console.post(url, {"state": "CANCELED"}).status_code == 403
    assert console.post(url_of(type(order), "delete", order.pk), {"post": "yes"}).status_code == 403


def test_history_list_filters_by_city_without_reading_every_row(console: Client) -> None:
    fill_history("CHI")

    with CaptureQueriesContext(connection) as queries:
        html = console.get(url_of(DecisionRow), {"city": "CHI"}).content.decode()

    assert html.count("SPREAD_WIDE") == 6
    assert "SPREAD_WIDE" not in console.get(url_of(DecisionRow), {"city": "NYC"}).content.decode()
    assert not [query for query in queries.captured_queries if "DISTINCT" in query["sql"]]


@pytest.mark.parametrize(
    "url", ["/admin/", "/admin/trading/", "/admin/trading/fillrow/", "/admin/switch/halt/"]
)
def test_every_page_carries_mode_profile_and_state(console: Client, url: str) -> None:
    publish()
    ControlsRow.objects.update(state="HALTED")

    html = console.get(url).content.decode()

    assert "<b>SHADOW</b>" in html
    assert "Profile recorded, recorded world, May 2025." in html
    assert "Trading HALTED" in html


def test_login_page_shows_the_mode_and_not_the_state(db: None) -> None:
    publish()

    html = Client().get("/admin/login/").content.decode()

    assert "<b>SHADOW</b>" in html
    assert "Trading ACTIVE" not in html


def test_index_shows_switch_cycle_orders_positions_and_health(console: Client) -> None:
    publish()
    DepositFactory.create()
    CycleFactory.create(started_at=clock.wall_now(), realized_pnl=Decimal("-44.10"), ok=False)
    roll_up_equity(SHADOW)
    first, second, *_ = make_ladder()
    OrderFactory.create(intent__market=first, state=OrderState.UNKNOWN)
    PositionFactory.create(market=second)

    html = console.get("/admin/").content.decode()

    assert '<li class="at-active" aria-current="true">ACTIVE</li>' in html
    assert 'href="/admin/switch/halt/"' in html
    assert 'href="/admin/switch/resume/"' not in html
    assert "failed in 840 ms" in html
    assert "NWS answers 500" in html
    assert "$9,955.90" in html
    assert "−$44.10" in html
    assert "EDGE_BELOW_FLOOR" in html
    assert '<dd><span class="status status--bad">1</span></dd>' in html
    assert "never heard of" in html


def test_index_of_an_empty_database_says_what_is_missing(console: Client) -> None:
    html = console.get("/admin/").content.decode()

    assert "No cycle has finished yet." in html
    assert '<li class="at-halted" aria-current="true">HALTED</li>' in html


def test_index_names_history_in_the_words_of_the_field(console: Client) -> None:
    html = console.get("/admin/").content.decode()

    assert ">Fills</a>" in html
    assert ">Ledger</a>" in html
    assert " rows</a>" not in html


@pytest.mark.parametrize("name", ["trading/fillrow", "weather/calibrationrow", "markets/eventrow"])
def test_no_page_speaks_of_rows(console: Client, name: str) -> None:
    html = console.get(f"/admin/{name}/").content.decode()

    assert not re.search(r"\brows?\b", html.split('id="content"')[1].split("</main>")[0])


@pytest.mark.parametrize("url", ["/admin/", "/admin/switch/halt/"])
def test_own_pages_of_the_console_hold_no_inline_code(console: Client, url: str) -> None:
    own = console.get(url).content.decode().split('id="content"')[1].split("</main>")[0]

    assert "<script" not in own
    assert "style=" not in own
