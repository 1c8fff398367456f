"""The trade list a visitor reads."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from milkbot.core import clock
from tests.factories import FillFactory, MarketFactory, OrderFactory, publish

HOUR = timedelta(hours=1)


def trade(hours_ago: int, *, city: str = "CHI") -> None:
    market = MarketFactory.create(event__city_code=city)
    FillFactory.create(
        order=OrderFactory.create(intent__market=market), filled_at=clock.now() - hours_ago * HOUR
    )


def rows_of(html: str) -> list[str]:
    return re.findall(r'<tr role="row"><td.*?</tr>', html)


@pytest.mark.story("6.4", 1)
def test_trades_are_read_from_the_delayed_view_alone(visitor: Client) -> None:
    publish()
    trade(2)

    with CaptureQueriesContext(connection) as captured:
        visitor.get("/fragments/trades")

    tables = {table for query in captured for table in re.findall(r'FROM "(\w+)"', query["sql"])}
    assert tables == {"v_public_trades"}


@pytest.mark.story("6.4", 2)
def test_trade_list_has_a_column_for_each_thing_told_and_whole_minutes(visitor: Client) -> None:
    publish()
    trade(2)
    html = visitor.get("/fragments/trades").content.decode()

    heads = re.findall(r'<th role="columnheader"[^>]*>(\w+)</th>', html)
    assert heads == ["Time", "City", "Bracket", "Side", "Qty", "Price"]
    (stamp,) = re.findall(r'datetime="([^"]+)"', html)
    assert stamp.endswith(":00+00:00")


@pytest.mark.story("6.4", 3)
def test_trades_stand_newest_first_under_their_days(visitor: Client) -> None:
    publish()
    for hours_ago, city in ((30, "NYC"), (2, "CHI"), (54, "LAX")):
        trade(hours_ago, city=city)

    html = visitor.get("/fragments/trades").content.decode()

    assert [re.findall(r"<th[^>]*>(\w+)</th>", row)[0] for row in rows_of(html)] == ["CHI", "NYC", "LAX"]
    assert html.count('<tr class="day"') == 3


@pytest.mark.story("6.4", 5)
def test_trade_list_ends_at_the_last_hundred_and_says_so(visitor: Client) -> None:
    publish()
    order = OrderFactory.create()
    for hours_ago in range(2, 104):
        FillFactory.create(order=order, filled_at=clock.now() - hours_ago * HOUR)

    html = visitor.get("/fragments/trades").content.decode()

    assert len(rows_of(html)) == 100
    assert "The last 100 trades." in html
