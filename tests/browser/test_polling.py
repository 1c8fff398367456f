"""The page while one keeps it open: still while nothing changes, honest when something stops."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route

from markets.models import MarketRow, MarketSnapshotRow
from milkbot.core import clock
from milkbot.core.constants import DASH_REFRESH_SEC
from milkbot.core.health import REQUIRED, Component
from milkbot.health import DEGRADED_AFTER
from milkbot.models import HealthStatusRow
from publicsite.regions import REGIONS
from tests.browser.conftest import HOST, OpenTab
from tests.browser.tab import Tab
from tests.factories import MarketSnapshotFactory

# Everything there is to see or to hear. Outside it stands only the empty element on which htmx marks a request.
OBSERVE: Final = """() => {
    window.mutations = [];
    new MutationObserver((records) => records.forEach((record) => window.mutations.push(record.target.nodeName)))
        .observe(document.querySelector(".page"), { subtree: true, childList: true, attributes: true, characterData: true });
}"""


def _in_one_minute(look: Callable[[], None]) -> None:
    """Look once more when the wall's minute turned meanwhile: the page rightly changes with it."""
    while True:
        minute = clock.now().minute
        look()
        if clock.now().minute == minute:
            return


@pytest.mark.story("6.3", 3)
@pytest.mark.story("6.3", 5)
def test_three_idle_polls_ask_for_every_region_and_touch_nothing(ten_cities: str, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(ten_cities)
    seen: dict[str, object] = {}

    def look() -> None:
        tab.poll()
        tab.evaluate(OBSERVE)
        asked = len(tab.requested)
        tab.poll(times=3)
        seen["asked"] = [urlsplit(url).path for url in tab.requested[asked:]]
        seen["mutations"] = tab.evaluate("window.mutations")

    _in_one_minute(look)

    assert sorted(seen["asked"]) == sorted(f"/fragments/{name}" for name in REGIONS for _ in range(3))  # type: ignore[call-overload]
    assert seen["mutations"] == []


def _raise_the_price() -> None:
    market = MarketRow.objects.get(city_code="NYC", result="", label__startswith="54°")
    latest = MarketSnapshotRow.objects.filter(market=market).latest("captured_at")
    MarketSnapshotFactory.create(
        market=market,
        captured_at=latest.captured_at + timedelta(seconds=1),
        yes_bid=latest.yes_bid,
        yes_ask="0.49",
    )


@pytest.mark.story("6.3", 1)
def test_changed_price_is_shown_at_the_next_poll(ten_cities: str, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(ten_cities)
    assert "Ask\n47¢" in tab.text("#tile-nyc")

    _raise_the_price()
    tab.poll()

    assert "Ask\n49¢" in tab.text("#tile-nyc")


def test_focus_and_what_the_visitor_opened_survive_a_changed_poll(ten_cities: str, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(ten_cities)
    tab.evaluate("document.getElementById('equity-table').open = true")
    tab.evaluate("document.getElementById('health-table').open = true")
    tab.evaluate("document.getElementById('health-summary').focus()")
    before = tab.evaluate("document.getElementById('region-health').getAttribute('hx-get')")

    _silence(Component.NWS_API)
    tab.poll()

    assert tab.evaluate("document.getElementById('region-health').getAttribute('hx-get')") != before
    assert tab.evaluate("document.activeElement.id") == "health-summary"
    assert tab.evaluate("document.getElementById('health-table').open") is True
    assert tab.evaluate("document.getElementById('equity-table').open") is True


def _silence(component: Component) -> None:
    """Let `component` have been silent for just longer than it may."""
    last = clock.wall_now() - DEGRADED_AFTER[component] - timedelta(seconds=1)
    HealthStatusRow.objects.filter(component=component).update(last_ok_at=last, checked_at=last)


@pytest.mark.story("6.7", 3)
@pytest.mark.story("6.7", 4)
@pytest.mark.story("6.7", 5)
def test_stopped_writers_turn_their_badges_red_at_the_next_poll(ten_cities: str, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(ten_cities)
    assert "Stopped" not in tab.text("header")

    for component in REQUIRED:
        _silence(component)
    tab.poll()

    header = tab.text("header")
    assert header.count("nothing for") == len(REQUIRED)
    assert "Stopped No trading cycle has finished for 3 min." in " ".join(header.split())
    assert tab.evaluate(_BADGE_COLOUR) == "rgb(255, 133, 119)"


_BADGE_COLOUR: Final = "getComputedStyle(document.querySelector('.health .status--bad')).color"


def test_lost_connection_says_so_until_it_is_back(ten_cities: str, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(ten_cities)

    async def refuse(route: Route) -> None:
        await route.abort("connectionrefused")

    tab.run(tab.page.route("**/fragments/**", refuse))
    tab.poll()
    assert "No connection" in tab.text("header")
    assert "54° to 55°" in tab.text("#tile-nyc")

    tab.run(tab.page.unroute("**/fragments/**"))
    tab.poll()
    assert "No connection" not in tab.text("header")


def _hide(tab: Tab, hidden: bool) -> None:
    tab.evaluate(
        f"Object.defineProperty(document, 'hidden', {{ configurable: true, get: () => {str(hidden).lower()} }})"
    )


def test_hidden_tab_asks_once_a_minute_and_at_once_when_seen_again(
    ten_cities: str, open_tab: OpenTab
) -> None:
    tab = open_tab()
    tab.goto(ten_cities)
    tab.poll()
    asked = len(tab.requested)

    _hide(tab, True)
    tab.pass_time(60 - DASH_REFRESH_SEC)
    assert len(tab.requested) == asked
    tab.poll()
    assert len(tab.requested) == asked + len(REGIONS)

    _hide(tab, False)
    tab.poll()
    assert len(tab.requested) == asked + 2 * len(REGIONS)


def test_visitor_gets_no_cookie_and_asks_no_other_host(ten_cities: str, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(ten_cities)
    tab.poll(times=2)

    assert tab.run(tab.context.cookies()) == []
    assert tab.evaluate("localStorage.length") == 0
    assert {urlsplit(url).hostname for url in tab.requested} == {HOST}
