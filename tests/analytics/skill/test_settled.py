"""Scoring settled events out of the stored rows: what counts at an instant, once, again, and never too late."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import log

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.models import SkillEventRow, SkillScoreRow
from analytics.skill.bands import bands_of
from analytics.skill.covering import SEEN_WITHIN
from analytics.skill.instants import instants
from analytics.skill.settled import KEPT, score_settled
from markets.models import MarketRow
from milkbot.core.config import TradingMode
from tests.factories import (
    CHICAGO_CLOSE,
    DAY,
    SHADOW,
    DecisionFactory,
    EnsembleWeightsFactory,
    ForecastFactory,
    MarketSnapshotFactory,
    SignalFactory,
    SkillEventFactory,
    SkillScoreFactory,
    make_ladder,
)
from trading.backtest.results import FLAT, MARKET, P_MODEL, P_TRADE

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TEN = datetime.fromisoformat("2025-05-14T16:00:00+00:00")
"""Ten in the morning in Chicago's standard time, an hour the event is scored at."""
SETTLED = CHICAGO_CLOSE + timedelta(hours=9)
NOW = SETTLED + HOUR
WINNER = 2
MODEL = (0.05, 0.15, 0.40, 0.25, 0.10, 0.05)
TRADE = (0.05, 0.15, 0.35, 0.30, 0.10, 0.05)
MIDS = (0.05, 0.15, 0.30, 0.33, 0.12, 0.06)


def members(place: int) -> dict[str, object]:
    said = {"strategy": "forecast_edge", "p_yes": MODEL[place], "valid": True}
    return {"inputs": [said, {"strategy": "late_lock", "p_yes": 0.5, "valid": False}]}


def settle(markets: list[MarketRow], winner: int | None = WINNER, at: datetime = SETTLED) -> None:
    for place, market in enumerate(markets):
        result = "scalar" if winner is None else ("yes" if place == winner else "no")
        MarketRow.objects.filter(pk=market.pk).update(
            status="finalized", result=result, settled_at=at, expiration_value="75"
        )


def think(
    markets: list[MarketRow], at: datetime, *, until: datetime | None = None, mode: TradingMode = SHADOW
) -> None:
    for place, market in enumerate(markets):
        SignalFactory.create(
            market=market,
            mode=mode,
            made_at=at,
            seen_until=until or at,
            p_yes=TRADE[place],
            p_model=MODEL[place],
            ensemble=members(place),
        )


def quote(markets: list[MarketRow], at: datetime, mids: tuple[float, ...] = MIDS) -> None:
    for market, mid in zip(markets, mids, strict=True):
        bid, ask = Decimal(str(mid)) - Decimal("0.01"), Decimal(str(mid)) + Decimal("0.01")
        MarketSnapshotFactory.create(market=market, captured_at=at, yes_bid=bid, yes_ask=ask)


@pytest.fixture
def markets() -> list[MarketRow]:
    """An event we decided on, thought about and saw prices of, one minute before ten; since settled."""
    ladder = make_ladder()
    DecisionFactory.create(market=ladder[0])
    think(ladder, TEN - MINUTE)
    quote(ladder, TEN - MINUTE)
    settle(ladder)
    return ladder


def losses(local_hour: int = 10) -> dict[str, float]:
    rows = SkillScoreRow.objects.filter(local_hour=local_hour)
    return dict(rows.values_list("forecaster", "log_loss"))


def test_a_settled_event_is_scored_beside_the_market_of_the_same_instant(markets: list[MarketRow]) -> None:
    ForecastFactory.create(made_at=TEN - HOUR, mu=74.0, sigma=2.0, model_version="cal-7")
    EnsembleWeightsFactory.create(version=3, learned_at=TEN - HOUR)
    EnsembleWeightsFactory.create(version=4, learned_at=TEN + MINUTE)

    report = score_settled(SHADOW, NOW)

    found = losses()
    assert found[P_MODEL] == found["forecast_edge"] == pytest.approx(-log(MODEL[WINNER]))
    assert found[P_TRADE] == pytest.approx(-log(TRADE[WINNER]))
    assert found[FLAT] == pytest.approx(log(6))
    assert set(found) == {P_MODEL, P_TRADE, FLAT, MARKET, "forecast_edge"}
    row = SkillScoreRow.objects.get(forecaster=P_MODEL, local_hour=10)
    assert (row.city_code, row.event_date, row.at, row.lead_hours) == ("CHI", DAY, TEN, 5)
    assert (row.outcome, row.weights_version, row.calibration_version) == (WINNER, 3, "cal-7")
    assert row.crps_f == pytest.approx(0.6, abs=0.1)
    ours, theirs = found[P_MODEL], found[MARKET]
    assert SkillEventRow.objects.get().bands == {
        "5": [1, pytest.approx(ours), pytest.approx(theirs)],
        "all": [1, pytest.approx(ours), pytest.approx(theirs)],
    }
    assert report.events == 1
    assert report.scores == SkillScoreRow.objects.count()


def test_hours_that_cannot_be_scored_are_counted_with_their_reason(markets: list[MarketRow]) -> None:
    score_settled(SHADOW, NOW)

    event = SkillEventRow.objects.get()
    assert event.ladders == 36
    assert event.skipped[P_TRADE] == event.skipped[P_MODEL] == {"NOT_SEEN": 35}
    assert event.skipped[MARKET] == {"PRICES_MISSING": 35}
    assert event.skipped["late_lock"] == {"SILENT": 1}
    assert set(losses(11)) == {FLAT}


def test_nothing_later_than_the_instant_is_read(markets: list[MarketRow]) -> None:
    before = _scored()
    think(markets, TEN + timedelta(seconds=1), until=SETTLED)
    quote(markets, TEN + timedelta(seconds=1), (0.02, 0.02, 0.90, 0.03, 0.02, 0.02))
    SkillEventRow.objects.all().delete()

    assert _scored() == before


def _scored() -> dict[str, float]:
    score_settled(SHADOW, NOW)
    return losses()


def test_a_signal_made_after_the_fact_is_never_scored() -> None:
    ladder = make_ladder()
    DecisionFactory.create(market=ladder[0])
    think(ladder, SETTLED - MINUTE, until=NOW)
    settle(ladder)

    score_settled(SHADOW, NOW)

    assert set(SkillScoreRow.objects.values_list("forecaster", flat=True)) == {FLAT}


@pytest.mark.parametrize(("age", "is_seen"), [(SEEN_WITHIN, True), (SEEN_WITHIN + MINUTE, False)])
def test_what_was_not_seen_for_long_no_longer_covers(age: timedelta, is_seen: bool) -> None:
    ladder = make_ladder()
    DecisionFactory.create(market=ladder[0])
    think(ladder, TEN - 8 * HOUR, until=TEN - age)
    settle(ladder)

    score_settled(SHADOW, NOW)

    assert (P_TRADE in losses()) is is_seen


def test_an_opinion_covers_every_hour_until_it_was_last_seen(markets: list[MarketRow]) -> None:
    think(markets, TEN + MINUTE, until=TEN + 3 * HOUR)

    score_settled(SHADOW, NOW)

    hours = SkillScoreRow.objects.filter(forecaster=P_MODEL).values_list("local_hour", flat=True)
    assert sorted(hours) == [10, 11, 12, 13]


def test_the_second_turn_scores_nothing_new(markets: list[MarketRow]) -> None:
    score_settled(SHADOW, NOW)
    before = list(SkillScoreRow.objects.order_by("pk").values_list("pk", flat=True))

    assert score_settled(SHADOW, NOW + HOUR).events == 0
    assert list(SkillScoreRow.objects.order_by("pk").values_list("pk", flat=True)) == before


def test_a_resettlement_scores_anew(markets: list[MarketRow]) -> None:
    score_settled(SHADOW, NOW)
    settle(markets, 3, SETTLED + 2 * HOUR)

    assert score_settled(SHADOW, NOW + 2 * HOUR).events == 1

    assert losses()[P_MODEL] == pytest.approx(-log(MODEL[3]))
    event = SkillEventRow.objects.get()
    assert (event.revision, event.winner) == (1, markets[3].ticker)
    assert set(SkillScoreRow.objects.values_list("outcome", flat=True)) == {3}
    assert score_settled(SHADOW, NOW + 3 * HOUR).events == 0


def test_an_event_without_a_winner_is_remembered_and_not_scored(markets: list[MarketRow]) -> None:
    settle(markets, None)

    assert score_settled(SHADOW, NOW).events == 1
    assert not SkillScoreRow.objects.exists()
    assert SkillEventRow.objects.get().winner == ""
    assert score_settled(SHADOW, NOW).events == 0


def test_an_event_is_not_scored_before_its_last_market_is_final(markets: list[MarketRow]) -> None:
    MarketRow.objects.filter(pk=markets[5].pk).update(status="determined")

    assert score_settled(SHADOW, NOW).events == 0


def test_modes_are_scored_apart(markets: list[MarketRow]) -> None:
    DecisionFactory.create(market=markets[0], mode=TradingMode.DEMO)

    assert score_settled(TradingMode.LIVE, NOW).events == 0
    score_settled(TradingMode.DEMO, NOW)

    assert set(SkillScoreRow.objects.values_list("mode", "forecaster")) == {("DEMO", FLAT), ("DEMO", MARKET)}


def test_a_backlog_is_worked_off_a_few_at_a_time() -> None:
    for day in range(3):
        ladder = make_ladder(event_date=DAY - timedelta(days=day))
        DecisionFactory.create(market=ladder[0])
        settle(ladder, at=SETTLED - timedelta(days=day))

    assert [score_settled(SHADOW, NOW, limit=2).events for _ in range(3)] == [2, 1, 0]


def test_statements_do_not_grow_with_hours_or_signals(markets: list[MarketRow]) -> None:
    with CaptureQueriesContext(connection) as few:
        score_settled(SHADOW, NOW)
    for hour in range(-12, 12):
        think(markets, TEN + hour * HOUR - MINUTE)
    SkillEventRow.objects.all().delete()
    with CaptureQueriesContext(connection) as many:
        score_settled(SHADOW, NOW)

    assert len(many) == len(few)


def test_scores_are_forgotten_after_their_time() -> None:
    SkillEventFactory.create()
    SkillScoreFactory.create()
    SkillScoreFactory.create(event_date=DAY + timedelta(days=1))

    report = score_settled(SHADOW, datetime.combine(DAY, TEN.timetz()) + KEPT + timedelta(days=1))

    assert report.pruned == 1
    assert SkillScoreRow.objects.get().event_date == DAY + timedelta(days=1)
    assert not SkillEventRow.objects.exists()


def test_bands_are_means_over_the_hours_of_each() -> None:
    found = bands_of([(-12, 1.0, 2.0), (-9, 3.0, 2.0), (-8, 0.5, 0.25), (23, 0.1, 0.2)])

    assert found["0"] == (2, 2.0, 2.0)
    assert found["1"] == (1, 0.5, 0.25)
    assert found["8"] == (1, 0.1, 0.2)
    assert list(found["all"]) == pytest.approx([4, 4.6 / 4, 4.45 / 4])
    assert bands_of([]) == {}


def test_instants_are_the_last_36_full_hours_while_it_traded() -> None:
    all_day = instants(DAY, -6, CHICAGO_CLOSE - timedelta(days=3), CHICAGO_CLOSE)
    late = instants(DAY, -6, TEN, CHICAGO_CLOSE)

    assert [moment.local_hour for moment in all_day] == list(range(-12, 24))
    assert all(second.at - first.at == HOUR for first, second in pairwise(all_day))
    assert (late[0].at, late[0].local_hour, late[0].lead_hours, len(late)) == (TEN, 10, 5, 14)
    assert all_day[-1].lead_hours == 0


def test_event_of_a_past_lived_through_at_once_counts_as_scored_when_it_settled(
    markets: list[MarketRow],
) -> None:
    assert score_settled(SHADOW, NOW, limit=None, is_past=True).events == 1

    row = SkillEventRow.objects.get()
    assert row.scored_at == row.settled_at == SETTLED
    assert score_settled(SHADOW, NOW).events == 0
