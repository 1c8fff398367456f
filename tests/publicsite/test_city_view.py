"""Which event a tile shows as days begin, end and are listed late; which locks hold it."""

from datetime import datetime, timedelta

import pytest

from analytics.public import PublicLock, PublicMarket
from milkbot.core.cities import load_cities
from publicsite.city_view import build_views, ladder_to_show
from tests.factories import CHICAGO_CLOSE, DAY, NOON

CHICAGO = load_cities()["CHI"]


def market(days: int, *, event: str = "") -> PublicMarket:
    """The one bracket of the event `days` after the usual day."""
    return PublicMarket(
        ticker=f"{event or days}-T",
        event_ticker=event or f"E{days}",
        city="CHI",
        event_date=DAY + timedelta(days=days),
        refusal="",
        refusal_text="",
        label="74° to 75°",
        low_f=74,
        high_f=75,
        close_at=CHICAGO_CLOSE + timedelta(days=days),
        status="active",
        result="",
        expiration_value="",
        settled_at=None,
        last_seen_at=NOON,
        yes_bid=None,
        yes_ask=None,
        volume=None,
    )


YESTERDAY, TODAY, TOMORROW = market(-1), market(0), market(1)
AFTER_MIDNIGHT = CHICAGO_CLOSE + timedelta(hours=1)


@pytest.mark.parametrize(
    ("listed", "now", "shown"),
    [
        ([TOMORROW, TODAY, YESTERDAY], NOON, TODAY),
        ([TOMORROW, TODAY, YESTERDAY], CHICAGO_CLOSE, TOMORROW),
        ([TODAY, YESTERDAY], AFTER_MIDNIGHT, TODAY),
        ([TOMORROW, YESTERDAY], NOON, YESTERDAY),
        ([YESTERDAY], NOON, YESTERDAY),
        ([TOMORROW], NOON, TOMORROW),
    ],
    ids=[
        "today trades",
        "today has closed, midnight is near",
        "the new day is not listed yet",
        "today was left out, tomorrow is listed",
        "nothing but the past",
        "nothing but the future",
    ],
)
def test_ladder_shown_is_of_the_day_that_trades_else_of_the_day_before(
    listed: list[PublicMarket], now: datetime, shown: PublicMarket
) -> None:
    assert ladder_to_show(listed, CHICAGO, now) == (shown,)


def test_ladder_without_events_is_empty() -> None:
    assert ladder_to_show([], CHICAGO, NOON) == ()


@pytest.mark.parametrize(
    ("scope", "holds"), [("CHI", True), ("*", True), ("E0", True), ("E1", False), ("NYC", False)]
)
def test_view_carries_the_locks_of_its_city_its_event_and_everywhere(scope: str, holds: bool) -> None:
    lock = PublicLock(
        scope=scope,
        city=None,
        code="SKEW",
        message="",
        needs_person=False,
        from_own_trading=False,
        locked_at=NOON,
    )

    (view,) = build_views([TOMORROW, TODAY], {}, [lock], NOON)

    assert (view.locks == (lock,)) is holds
