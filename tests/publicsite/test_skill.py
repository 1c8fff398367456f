"""The skill panel: the verdict in words, the hours, and figures that never hold a younger event."""

from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from analytics.public import SkillDay, read_skill
from analytics.skill.bands import bands_of
from milkbot.core.config import TradingMode
from publicsite.skill import band_words, build_panel
from tests.factories import SkillEventFactory, publish
from tests.public_role import ActsAsPublic

FIRST = date(2026, 1, 1)
HOUR = timedelta(minutes=60)
SECOND = timedelta(seconds=1)


def days(count: int, difference: float, band: int | None = None) -> list[SkillDay]:
    return [
        SkillDay(
            event_date=FIRST + timedelta(days=day),
            band=band,
            events=2,
            scores=8,
            our_loss=1.2 + difference + (0.05 if day % 2 else -0.05),
            market_loss=1.2,
        )
        for day in range(count)
    ]


def test_panel_without_scores_is_none() -> None:
    assert build_panel([]) is None


@pytest.mark.parametrize(
    ("count", "difference", "sentence"),
    [
        (30, 0.0, "difference not distinguishable from zero"),
        (30, 0.3, "worse than the market"),
        (30, -0.3, "better than the market"),
        (5, -0.3, "5 days are too few to tell"),
    ],
)
def test_panel_says_what_can_be_told(count: int, difference: float, sentence: str) -> None:
    panel = build_panel(days(count, difference))

    assert panel is not None
    assert panel.total.sentence == sentence
    assert bool(panel.total.span) is (count == 30)


def test_panel_has_a_line_for_each_four_hours_and_the_axis_holds_all() -> None:
    panel = build_panel([*days(20, 0.0), *days(20, 0.01, 2), *days(20, -0.07, 0)])

    assert panel is not None
    assert [mark.label for mark in panel.forest.marks] == [
        "12:00 to 15:59, day before",
        "20:00 to 23:59, day before",
    ]
    assert (panel.forest.start, panel.forest.end) == ("−0.1", "0.1")
    assert [mark.difference for mark in panel.forest.marks] == ["−0.070", "+0.010"]
    for mark in panel.forest.marks:
        assert 0 <= float(mark.low[:-1]) < float(mark.point[:-1]) < float(mark.high[:-1]) <= 100


def test_bands_cover_noon_of_the_day_before_to_the_end_of_the_day() -> None:
    assert band_words(0) == "12:00 to 15:59, day before"
    assert band_words(3) == "00:00 to 03:59"
    assert band_words(8) == "20:00 to 23:59"


def score(at: datetime, city: str, ours: float, *, settled_at: datetime, scored_at: datetime) -> None:
    losses = [(hour, ours, 1.0) for hour in (-12, -9, 23)]
    SkillEventFactory.create(
        city_code=city,
        event_date=at.date() - timedelta(days=1),
        settled_at=settled_at,
        scored_at=scored_at,
        bands=bands_of(losses),
    )


@pytest.mark.parametrize("age", [timedelta(), HOUR - SECOND], ids=["now", "59:59"])
@pytest.mark.parametrize("young", ["settled_at", "scored_at"])
def test_means_never_hold_an_event_that_settled_or_was_scored_within_the_hour(
    as_public: ActsAsPublic, sql_now: datetime, young: str, age: timedelta
) -> None:
    publish()
    old = {"settled_at": sql_now - 2 * HOUR, "scored_at": sql_now - 2 * HOUR}
    score(sql_now, "CHI", 0.5, **old)
    with as_public():
        before = read_skill()

    score(sql_now, "NYC", 2.5, **old | {young: sql_now - age})

    with as_public():
        assert read_skill() == before
    assert [(day.band, day.events, day.scores, day.our_loss) for day in before] == [
        (0, 1, 2, 0.5),
        (8, 1, 1, 0.5),
        (None, 1, 3, 0.5),
    ]


def test_an_event_of_an_hour_is_in_the_means(as_public: ActsAsPublic, sql_now: datetime) -> None:
    publish()
    score(sql_now, "CHI", 0.5, settled_at=sql_now - HOUR, scored_at=sql_now - HOUR)
    score(sql_now, "NYC", 2.5, settled_at=sql_now - HOUR, scored_at=sql_now - HOUR)

    with as_public():
        total = next(day for day in read_skill() if day.band is None)

    assert (total.events, total.our_loss, total.market_loss) == (2, 1.5, 1.0)


def test_scores_of_another_mode_are_not_shown(as_public: ActsAsPublic, sql_now: datetime) -> None:
    publish(mode=TradingMode.DEMO)
    score(sql_now, "CHI", 0.5, settled_at=sql_now - 2 * HOUR, scored_at=sql_now - 2 * HOUR)

    with as_public():
        assert read_skill() == ()


def test_page_says_that_nothing_was_scored_yet(visitor: Client) -> None:
    publish()

    assert "No forecast has been scored yet." in visitor.get("/fragments/skill").content.decode()
