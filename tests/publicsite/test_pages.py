"""The public site over HTTP: what anyone gets, and what nobody may do."""

import re
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from analytics.rollups.equity import roll_up_equity
from milkbot.core import clock
from milkbot.core.climate_day import climate_day
from milkbot.core.constants import DASH_REFRESH_SEC
from milkbot.core.health import REQUIRED, Component
from milkbot.health import beat
from milkbot.models import HealthStatusRow
from publicsite.regions import REGIONS
from tests.factories import (
    SHADOW,
    CycleFactory,
    DepositFactory,
    FillFactory,
    MarketSnapshotFactory,
    SignalFactory,
    WeatherSnapshotFactory,
    make_ladder,
    publish,
)
from tests.public_role import ActsAsPublic

ROOT = Path(__file__).resolve().parents[2]
FRAGMENTS = [f"/fragments/{name}" for name in REGIONS]
URLS = ["/", *FRAGMENTS, "/healthz", "/robots.txt"]


def fill_world(cities: tuple[str, ...] = ("CHI",), hours_ago: int = 2) -> None:
    """An open event per city with prices, weather, a trade and an opinion that are `hours_ago` old."""
    now = clock.now()
    old = now - timedelta(hours=hours_ago)
    for city in cities:
        day = climate_day(now, -6)
        WeatherSnapshotFactory.create(city_code=city, captured_at=now, day=day)
        for market in make_ladder(city_code=city, event_date=day, close_at=now + timedelta(hours=5)):
            MarketSnapshotFactory.create(market=market, captured_at=now)
            SignalFactory.create(market=market, p_yes=0.37, made_at=old)
            FillFactory.create(order__intent__market=market, filled_at=old)
    CycleFactory.create(started_at=old, realized_pnl=Decimal("12.5"))
    roll_up_equity(SHADOW)


def version_of(html: str, region: str) -> str:
    found = re.search(rf"/fragments/{region}\?v=(\w+)", html)
    assert found
    return found.group(1)


class Elements(HTMLParser):
    """Collects every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))


@pytest.mark.parametrize("url", URLS)
def test_every_url_answers_anyone_without_cookies(visitor: Client, url: str) -> None:
    publish()
    DepositFactory.create()
    fill_world()

    response = visitor.get(url)

    assert response.status_code == 200
    assert not response.cookies
    assert "Cookie" not in response.headers.get("Vary", "")


@pytest.mark.parametrize("url", URLS)
def test_every_url_needs_nothing_but_what_the_public_role_may_read(
    visitor: Client, as_public: ActsAsPublic, url: str
) -> None:
    publish()
    DepositFactory.create()
    fill_world()
    expected = visitor.get(url).content

    with as_public():
        assert visitor.get(url).content == expected


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_every_url_refuses_to_be_written_to(visitor: Client, url: str, method: str) -> None:
    assert getattr(visitor, method)(url).status_code == 405


@pytest.mark.parametrize("url", ["/", *FRAGMENTS])
def test_pages_may_be_shared_by_a_proxy_for_a_second(visitor: Client, url: str) -> None:
    assert set(visitor.get(url)["Cache-Control"].split(", ")) == {"public", "max-age=1"}


def test_page_takes_the_same_number_of_queries_for_one_city_and_ten(visitor: Client) -> None:
    publish()
    DepositFactory.create()
    fill_world(("CHI",))
    with CaptureQueriesContext(connection) as one:
        visitor.get("/")
    fill_world(("NYC", "LAX", "MIA", "AUS", "DEN", "PHL", "BOS", "SEA", "SFO"), hours_ago=3)
    with CaptureQueriesContext(connection) as ten:
        html = visitor.get("/").content.decode()

    assert html.count('<article class="tile"') == 10
    assert len(ten) == len(one) <= 12


@pytest.mark.story("6.1", 3)
def test_page_has_its_title_and_a_favicon_that_exists(visitor: Client) -> None:
    elements = Elements(visitor.get("/").content.decode()).all

    (icon,) = [attrs for tag, attrs in elements if tag == "link" and attrs.get("rel") == "icon"]
    assert "title" in [tag for tag, _ in elements]
    assert icon["href"] == "/static/publicsite/favicon.svg"
    assert (ROOT / "static/publicsite/favicon.svg").read_text().startswith("<svg")
    assert visitor.get("/favicon.ico")["Location"] == "/static/publicsite/favicon.svg"


@pytest.mark.story("6.1", 1)
@pytest.mark.story("6.2", 3)
def test_page_of_an_empty_database_is_complete_and_says_what_is_missing(visitor: Client) -> None:
    response = visitor.get("/")
    html = response.content.decode()

    assert response.status_code == 200
    assert "nothing is published at the moment" in html
    assert "No city has reported yet." in html
    assert "No account value is old enough to be shown." in html
    assert "No trade is old enough to be shown." in html
    assert html.count(": not heard of yet") == len(REQUIRED)


@pytest.mark.story("6.1", 2)
def test_page_is_dark_by_its_own_stylesheets_alone(visitor: Client) -> None:
    elements = Elements(visitor.get("/").content.decode()).all

    sheets = [attrs["href"] for tag, attrs in elements if tag == "link" and attrs.get("rel") == "stylesheet"]
    assert sheets == ["/static/tokens.css", "/static/publicsite/site.css"]
    tokens = (ROOT / "static/tokens.css").read_text()
    assert "color-scheme: dark" in tokens
    assert "--surface-page: #0a0c0f" in tokens


@pytest.mark.story("6.1", 4)
def test_every_region_asks_for_itself_every_five_seconds(visitor: Client) -> None:
    elements = Elements(visitor.get("/").content.decode()).all

    polled = {
        str(attrs["hx-get"]).split("?")[0]: attrs["hx-trigger"] for _, attrs in elements if "hx-get" in attrs
    }
    assert DASH_REFRESH_SEC == 5
    assert polled == {url: "every 5s" for url in FRAGMENTS}


@pytest.mark.story("6.1", 5)
def test_page_holds_no_inline_code_and_nothing_from_elsewhere(visitor: Client) -> None:
    publish()
    DepositFactory.create()
    fill_world()
    elements = Elements(visitor.get("/").content.decode()).all

    for tag, attrs in elements:
        assert tag != "style"
        assert tag != "form"
        assert not [name for name in attrs if name == "style" or name.startswith(("on", "hx-on"))]
        source = attrs.get("src") or (attrs.get("href") if tag == "link" else None)
        assert source is None or source.startswith("/static/")
        assert tag != "script" or attrs.get("src")


@pytest.mark.story("6.1", 5)
def test_faces_name_no_secret_setting() -> None:
    sources = [*(ROOT / "publicsite").rglob("*.py"), *(ROOT / "templates/publicsite").rglob("*.html")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)

    assert sources
    assert not re.search(r"secret|api_key|private_key|password|get_config", text, re.IGNORECASE)


@pytest.mark.parametrize("region", list(REGIONS))
def test_fragment_with_the_version_shown_answers_204_and_nothing_else(visitor: Client, region: str) -> None:
    publish()
    DepositFactory.create()
    fill_world()
    html = visitor.get(f"/fragments/{region}").content.decode()

    unchanged = visitor.get(f"/fragments/{region}?v={version_of(html, region)}")

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert visitor.get(f"/fragments/{region}?v=0123456789abcdef").content.decode() == html


def test_fragment_is_what_the_page_shows_in_its_place(visitor: Client) -> None:
    publish()
    DepositFactory.create()
    fill_world()
    page = visitor.get("/").content.decode()

    for region in REGIONS:
        assert visitor.get(f"/fragments/{region}").content.decode() in page


def test_fragment_after_a_price_change_has_another_version(visitor: Client) -> None:
    now = clock.now()
    market, *_ = make_ladder(close_at=now + timedelta(hours=5))
    MarketSnapshotFactory.create(
        market=market,
        yes_bid=Decimal("0.40"),
        yes_ask=Decimal("0.42"),
        captured_at=now - timedelta(minutes=1),
    )
    before = visitor.get("/fragments/tiles").content.decode()
    MarketSnapshotFactory.create(
        market=market, yes_bid=Decimal("0.50"), yes_ask=Decimal("0.52"), captured_at=now
    )

    after = visitor.get(f"/fragments/tiles?v={version_of(before, 'tiles')}")

    assert after.status_code == 200
    assert "51¢" in after.content.decode()


def test_fragment_of_an_unknown_name_is_not_found(visitor: Client) -> None:
    assert visitor.get("/fragments/orders").status_code == 404


def test_page_with_its_etag_answers_304_until_something_changes(visitor: Client) -> None:
    publish()
    etag = visitor.get("/")["ETag"]
    assert visitor.get("/", headers={"if-none-match": etag}).status_code == 304

    WeatherSnapshotFactory.create(captured_at=clock.now())
    assert visitor.get("/", headers={"if-none-match": etag}).status_code == 200


def test_recent_trading_changes_no_byte_of_any_public_url(visitor: Client) -> None:
    publish()
    DepositFactory.create()
    fill_world()
    market = make_ladder(city_code="NYC", close_at=clock.now() + timedelta(hours=5))[0]
    WeatherSnapshotFactory.create(city_code="NYC", captured_at=clock.now())
    before = {url: visitor.get(url) for url in URLS}

    recent = clock.now() - timedelta(minutes=30)
    FillFactory.create(order__intent__market=market, filled_at=recent)
    SignalFactory.create(market=market, p_yes=0.99, made_at=recent)
    CycleFactory.create(started_at=recent, realized_pnl=Decimal("-200"))
    roll_up_equity(SHADOW)

    for url in URLS:
        after = visitor.get(url)
        assert (after.status_code, after.headers, after.content) == (
            before[url].status_code,
            before[url].headers,
            before[url].content,
        )


@pytest.mark.parametrize("component", list(REQUIRED))
def test_health_turns_red_by_silence_alone(visitor: Client, component: Component) -> None:
    for each in Component:
        beat(each)
    assert "status--bad" not in visitor.get("/fragments/health").content.decode()

    HealthStatusRow.objects.filter(component=component).update(
        last_ok_at=clock.wall_now() - timedelta(hours=2)
    )
    html = visitor.get("/fragments/health").content.decode()

    assert "nothing for 2 h" in html
    assert ("No trading cycle has finished for 2 h" in html) is (component is Component.TRADER)


def test_health_of_a_failing_service_is_a_warning_and_keeps_its_words_to_itself(visitor: Client) -> None:
    beat(Component.NWS_API)
    beat(Component.NWS_API, ok=False, message="connection to 10.0.0.7 refused")

    html = visitor.get("/fragments/health").content.decode()

    assert "Weather: failing" in html
    assert "10.0.0.7" not in html


def test_trades_are_escaped_and_show_side_quantity_price_and_minute(visitor: Client) -> None:
    publish()
    market = make_ladder()[2]
    market.label = "<b>74° to 75°</b>"
    market.save()
    filled_at = (clock.now() - timedelta(hours=3)).replace(second=31)
    FillFactory.create(
        order__intent__market=market,
        order__intent__count=Decimal(18),
        filled_at=filled_at,
        yes_price=Decimal("0.12"),
    )

    html = visitor.get("/fragments/trades").content.decode()

    assert "&lt;b&gt;74° to 75°&lt;/b&gt;" in html
    assert f">{filled_at:%H:%M}</time>" in html
    cells = '<td role="cell">Buy YES</td><td role="cell" class="num right">18</td><td role="cell" class="num right">12¢</td>'
    assert cells in html


def test_healthz_answers_ok_while_the_database_does(visitor: Client) -> None:
    response = visitor.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"] == "no-store"
