"""Weights learned from what was kept of events that are over: once each, in order, and from nothing later."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from django.db import IntegrityError

from markets.models import MarketRow
from milkbot.core.config import TradingMode
from tests.factories import SignalFactory, make_ladder
from trading.domain.types import EnsembleOutput, StrategyOutput
from trading.domain.weights import EXPERTS, MARKET, PRIOR, Horizon
from trading.learning import FINAL_FOR, learn_from_finished
from trading.models import EnsembleWeightsRow, SignalRow
from trading.repositories.lessons import SEEN_WITHIN
from trading.repositories.weights import WeightsRepository

pytestmark = pytest.mark.django_db

SHADOW: Final = TradingMode.SHADOW
DAY: Final = date(2025, 5, 14)
MIDNIGHT: Final = datetime(2025, 5, 14, 6, tzinfo=UTC)
"""Of Chicago's standard time."""
EVENING, MORNING, AFTERNOON = (MIDNIGHT + timedelta(hours=hour) for hour in (-4, 7, 13))
FINAL: Final = datetime(2025, 5, 15, 12, 5, tzinfo=UTC)
LATER: Final = FINAL + FINAL_FOR
SURE: Final = (0.05, 0.05, 0.70, 0.10, 0.05, 0.05)
FLAT: Final = (0.15, 0.15, 0.20, 0.20, 0.15, 0.15)
RIGHT, WRONG = 2, 4


def finish(markets: Sequence[MarketRow], winner: int, at: datetime = FINAL) -> None:
    for place, market in enumerate(markets):
        market.status, market.result, market.settled_at = "finalized", "yes" if place == winner else "no", at
        market.save()


def keep(
    markets: Sequence[MarketRow],
    at: datetime,
    ours: Sequence[float] = SURE,
    market: Sequence[float] | None = FLAT,
    *,
    seen_until: datetime | None = None,
    names: Mapping[str, bool] | None = None,
) -> None:
    """Signals of a whole ladder as a cycle stores them."""
    for place, row in enumerate(markets):
        inputs = tuple(
            StrategyOutput(
                strategy=name, p_yes=ours[place], uncertainty=0.03, features={}, valid=valid, reasons=()
            )
            for name, valid in (names or {"forecast_edge": True, "climatology": False}).items()
        )
        output = EnsembleOutput(
            p_yes=ours[place],
            p_no=1 - ours[place],
            confidence=1,
            explain="",
            inputs=inputs,
            p_model=ours[place],
            p_market=None if market is None else market[place],
        )
        SignalFactory.create(
            market=row, made_at=at, seen_until=seen_until or at, ensemble=output.model_dump(mode="json")
        )


@pytest.fixture
def ladder() -> list[MarketRow]:
    return make_ladder(event_date=DAY)


def share(name: str, horizon: Horizon) -> float:
    weights = WeightsRepository(SHADOW).newest()
    assert weights is not None
    return weights.of(horizon).shares[EXPERTS.index(name)]


def test_settled_event_teaches_once_for_each_horizon(ladder: list[MarketRow]) -> None:
    for at in (EVENING, MORNING, AFTERNOON):
        keep(ladder, at)
    finish(ladder, RIGHT)

    assert learn_from_finished(SHADOW, LATER) == 3
    assert learn_from_finished(SHADOW, LATER + timedelta(days=1)) == 0

    (row,) = EnsembleWeightsRow.objects.all()
    assert (row.version, row.learned_at, row.learned_until) == (3, LATER, FINAL)
    for horizon in (Horizon.DAY_AHEAD, Horizon.MORNING):
        before = PRIOR.of(horizon).shares
        assert share("forecast_edge", horizon) > before[0]
        assert share(MARKET, horizon) < before[-1]
        assert sum(WeightsRepository(SHADOW).newest().of(horizon).shares) == pytest.approx(1)  # type: ignore[union-attr]


def test_who_was_wrong_loses_weight(ladder: list[MarketRow]) -> None:
    keep(ladder, EVENING)
    finish(ladder, WRONG)

    assert learn_from_finished(SHADOW, LATER) == 1
    assert share("forecast_edge", Horizon.DAY_AHEAD) < PRIOR.of(Horizon.DAY_AHEAD).shares[0]
    assert share("climatology", Horizon.DAY_AHEAD) == PRIOR.of(Horizon.DAY_AHEAD).shares[2], "it kept silent"


def test_nothing_is_learned_before_an_event_has_been_final_for_a_while(ladder: list[MarketRow]) -> None:
    keep(ladder, EVENING)
    finish(ladder, RIGHT)

    assert learn_from_finished(SHADOW, LATER - timedelta(seconds=1)) == 0
    assert learn_from_finished(SHADOW, LATER) == 1


def test_event_with_an_open_market_or_without_one_winner_teaches_nothing(ladder: list[MarketRow]) -> None:
    keep(ladder, EVENING)
    finish(ladder, RIGHT)
    MarketRow.objects.filter(pk=ladder[0].pk).update(status="determined", settled_at=None, result="")
    assert learn_from_finished(SHADOW, LATER) == 0

    finish(ladder, -1)
    assert learn_from_finished(SHADOW, LATER) == 0


def test_what_was_made_later_or_not_seen_any_more_is_not_read(ladder: list[MarketRow]) -> None:
    keep(ladder, EVENING - SEEN_WITHIN - timedelta(minutes=1))
    keep(ladder, MORNING + timedelta(seconds=1))
    finish(ladder, RIGHT)

    assert learn_from_finished(SHADOW, LATER) == 0


def test_opinion_that_still_held_at_the_instant_is_read(ladder: list[MarketRow]) -> None:
    keep(ladder, EVENING - timedelta(hours=5), seen_until=EVENING - SEEN_WITHIN)
    finish(ladder, RIGHT)

    assert learn_from_finished(SHADOW, LATER) == 1


@pytest.mark.parametrize("missing", ["a bracket", "the market", "the sum"])
def test_ladder_that_is_not_whole_teaches_nothing(ladder: list[MarketRow], missing: str) -> None:
    keep(
        ladder,
        EVENING,
        market=None if missing == "the market" else FLAT,
        ours=(0.5,) * 6 if missing == "the sum" else SURE,
    )
    if missing == "a bracket":
        SignalRow.objects.filter(market=ladder[3]).delete()
    finish(ladder, RIGHT)

    assert learn_from_finished(SHADOW, LATER) == 0


def test_modes_learn_apart(ladder: list[MarketRow]) -> None:
    keep(ladder, EVENING)
    finish(ladder, RIGHT)

    assert learn_from_finished(TradingMode.DEMO, LATER) == 0
    assert learn_from_finished(SHADOW, LATER) == 1
    assert WeightsRepository(TradingMode.DEMO).newest() is None


def test_events_teach_in_the_order_they_became_final() -> None:
    days = (DAY + timedelta(days=1), DAY)
    for day in days:
        markets = make_ladder(event_date=day, event_ticker=f"KXHIGHCHI-{day:%d}")
        keep(markets, EVENING + (day - DAY), ours=SURE if day == DAY else FLAT, market=SURE)
        finish(markets, RIGHT, FINAL + (day - DAY))

    assert learn_from_finished(SHADOW, LATER) == 1
    after_one = WeightsRepository(SHADOW).newest()
    assert learn_from_finished(SHADOW, LATER + timedelta(days=1)) == 1
    after_two = WeightsRepository(SHADOW).newest()

    assert after_one is not None
    assert after_two is not None
    assert (after_one.version, after_two.version) == (1, 2)
    assert after_two.learned_until == FINAL + timedelta(days=1)


def test_weights_that_learned_nothing_are_not_stored() -> None:
    with pytest.raises(ValueError, match="learned"):
        WeightsRepository(SHADOW).append(PRIOR, LATER)


def test_version_that_another_process_stored_is_refused(ladder: list[MarketRow]) -> None:
    keep(ladder, EVENING)
    finish(ladder, RIGHT)
    learn_from_finished(SHADOW, LATER)
    repository = WeightsRepository(SHADOW)
    newest = repository.newest()
    assert newest is not None

    with pytest.raises(IntegrityError):
        repository.append(newest, LATER)
