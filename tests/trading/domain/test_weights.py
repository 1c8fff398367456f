"""What experts count for: the prior, what settled events do to it, and what the clock says of the horizon."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.makers import CHI, DAY
from trading.domain.weights import (
    EXPERTS,
    LEAST_EVENTS,
    LEAST_OWN_SHARE,
    MARKET,
    PRIOR,
    EnsembleWeights,
    Horizon,
    HorizonWeights,
    ScoredEvent,
    calibration_of,
    expert_shares,
    horizon_of,
    learn,
    share_beside_market,
    with_market_at,
)

FINAL = datetime(2025, 5, 15, 12, tzinfo=UTC)
GOOD, BAD = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)
MIDNIGHT = datetime(2025, 5, 14, 6, tzinfo=UTC)


def scored(
    *,
    horizon: Horizon = Horizon.DAY_AHEAD,
    outcome: int = 0,
    at: datetime = FINAL,
    **probs: tuple[float, ...],
) -> ScoredEvent:
    return ScoredEvent("E", horizon, probs, probs.get("forecast_edge"), outcome, at)


def shares(weights: EnsembleWeights, horizon: Horizon = Horizon.DAY_AHEAD) -> dict[str, float]:
    return dict(zip(EXPERTS, weights.of(horizon).shares, strict=True))


@pytest.mark.parametrize(
    ("horizon", "market"),
    [(Horizon.DAY_AHEAD, 0.6), (Horizon.MORNING, 0.65), (Horizon.AFTERNOON, 0.5), (Horizon.SETTLING, 0.1)],
)
def test_prior_gives_the_market_what_the_reference_does(horizon: Horizon, market: float) -> None:
    found = expert_shares(PRIOR, horizon)

    assert found[MARKET] == pytest.approx(market)
    assert sum(found.values()) == pytest.approx(1)
    thin = expert_shares(PRIOR, horizon, thin=True)
    assert thin[MARKET] == pytest.approx(min(market, 0.3))
    assert sum(thin.values()) == pytest.approx(1)


def test_who_was_right_gains_and_who_kept_silent_keeps_its_weight() -> None:
    after = learn(PRIOR, scored(forecast_edge=GOOD, market=BAD))

    assert shares(after)["forecast_edge"] > shares(PRIOR)["forecast_edge"]
    assert shares(after)[MARKET] < shares(PRIOR)[MARKET]
    assert shares(after)["climatology"] == shares(PRIOR)["climatology"]
    assert sum(shares(after).values()) == pytest.approx(1)
    assert (after.version, after.learned_until) == (1, FINAL)
    assert shares(after, Horizon.MORNING) == shares(PRIOR, Horizon.MORNING)
    assert PRIOR.version == 0


def test_prior_holds_half_the_word_after_sixty_events() -> None:
    weights = PRIOR
    for _ in range(60):
        weights = learn(weights, scored(forecast_edge=GOOD, market=BAD))

    learned, prior = shares(weights)[MARKET], shares(PRIOR)[MARKET]
    assert learned < 0.03
    assert expert_shares(weights, Horizon.DAY_AHEAD)[MARKET] == pytest.approx((learned + prior) / 2)


def test_expert_that_fell_comes_back() -> None:
    weights = PRIOR
    for _ in range(100):
        weights = learn(weights, scored(forecast_edge=BAD, market=GOOD))
    fallen = shares(weights)["forecast_edge"]
    for _ in range(20):
        weights = learn(weights, scored(forecast_edge=GOOD, market=BAD))

    assert fallen > 0.001
    assert shares(weights)["forecast_edge"] > 0.5


def test_one_voice_alone_teaches_no_weight_but_is_counted() -> None:
    after = learn(PRIOR, scored(forecast_edge=GOOD))

    assert shares(after) == shares(PRIOR)
    assert after.of(Horizon.DAY_AHEAD).events == 1


@pytest.mark.parametrize("wrong", [scored(oracle=GOOD, market=BAD), scored(market=BAD, outcome=3)])
def test_stranger_or_outcome_outside_the_ladder_is_refused(wrong: ScoredEvent) -> None:
    with pytest.raises(ValueError, match="cannot learn"):
        learn(PRIOR, wrong)


def test_latest_event_dates_the_weights_in_whatever_order_they_come() -> None:
    weights = learn(learn(PRIOR, scored(market=GOOD)), scored(market=GOOD, at=FINAL - timedelta(days=1)))

    assert weights.learned_until == FINAL


@pytest.mark.parametrize(
    ("loss", "entropy", "events", "factor"),
    [
        (None, None, 0, 1.0),
        (3.0, 1.5, LEAST_EVENTS - 1, 1.0),
        (1.4, 1.5, 100, 1.0),
        (1.5, 1.5, 100, 1.0),
        (1.8, 1.5, 100, 0.8),
        (3.0, 1.5, 100, 0.0),
        (9.0, 1.5, 100, 0.0),
    ],
)
def test_calibration_falls_as_losses_outgrow_what_the_forecasts_claim(
    loss: float | None, entropy: float | None, events: int, factor: float
) -> None:
    prior = PRIOR.of(Horizon.DAY_AHEAD).prior

    assert calibration_of(HorizonWeights(prior, prior, events, loss, entropy)) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("hours", "horizon"),
    [
        (-0.01, Horizon.DAY_AHEAD),
        (0, Horizon.MORNING),
        (11.99, Horizon.MORNING),
        (12, Horizon.AFTERNOON),
        (24, Horizon.AFTERNOON),
    ],
)
def test_horizon_follows_the_city_s_own_standard_time(hours: float, horizon: Horizon) -> None:
    now = MIDNIGHT + timedelta(hours=hours)

    assert horizon_of(now, DAY, CHI.std_offset_hours, is_settling=False) is horizon
    assert horizon_of(now, DAY, CHI.std_offset_hours, is_settling=True) is Horizon.SETTLING


vectors = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda v: sum(v) > 0.1)


@given(
    lessons=st.lists(
        st.tuples(
            st.sampled_from(Horizon), st.dictionaries(st.sampled_from(EXPERTS), vectors), st.integers(0, 2)
        ),
        max_size=8,
    )
)
def test_whatever_is_learned_weights_stay_weights(
    lessons: list[tuple[Horizon, dict[str, list[float]], int]],
) -> None:
    weights = PRIOR
    for horizon, said, outcome in lessons:
        probs = {name: [p / sum(vector) for p in vector] for name, vector in said.items()}
        weights = learn(weights, ScoredEvent("E", horizon, probs, None, outcome, FINAL))
    for horizon in Horizon:
        for thin in (False, True):
            found = expert_shares(weights, horizon, thin=thin)
            assert sum(found.values()) == pytest.approx(1, abs=1e-9)
            assert min(found.values()) >= 0
    assert weights.version == len(lessons)


def normal_pool(share: float, ratio: float) -> float:
    """Weight of our mean in a log pool with a market whose spread is `ratio` times ours: by precisions."""
    ours, market = share, (1 - share) / ratio**2
    return ours / (ours + market)


@given(correlation=st.floats(-0.9, 0.95), ratio=st.floats(0.3, 1.5))
def test_share_beside_the_market_is_that_of_the_smallest_error(correlation: float, ratio: float) -> None:
    def variance(weight: float) -> float:
        return weight**2 + (1 - weight) ** 2 * ratio**2 + 2 * weight * (1 - weight) * correlation * ratio

    share = share_beside_market(correlation, ratio)

    assert LEAST_OWN_SHARE <= share <= 1
    best = min((step / 400 for step in range(401)), key=variance)
    if share > LEAST_OWN_SHARE:
        assert normal_pool(share, ratio) == pytest.approx(best, abs=0.003)
    else:
        assert normal_pool(share, ratio) >= best - 0.003


def test_who_knows_nothing_of_its_own_is_hardly_heard() -> None:
    assert share_beside_market(0.82, 0.81) == LEAST_OWN_SHARE
    assert share_beside_market(0.0, 1.0) == pytest.approx(0.5)
    assert share_beside_market(0.5, 0.83) == pytest.approx(0.405, abs=0.001)


@pytest.mark.parametrize(("correlation", "ratio"), [(1.0, 0.8), (-1.1, 0.8), (0.5, 0.0), (float("nan"), 0.8)])
def test_impossible_errors_are_refused(correlation: float, ratio: float) -> None:
    with pytest.raises(ValueError, match="no errors"):
        share_beside_market(correlation, ratio)


def test_market_takes_its_place_and_the_others_keep_their_proportions() -> None:
    moved = with_market_at(PRIOR, Horizon.DAY_AHEAD, 0.9)
    before, after = (expert_shares(each, Horizon.DAY_AHEAD) for each in (PRIOR, moved))

    assert after[MARKET] == pytest.approx(0.9)
    assert sum(after.values()) == pytest.approx(1)
    for name in ("forecast_edge", "climatology", "price_reversion"):
        assert after[name] == pytest.approx(before[name] / 4)
    assert expert_shares(moved, Horizon.MORNING) == expert_shares(PRIOR, Horizon.MORNING)
    with pytest.raises(ValueError, match="cannot count"):
        with_market_at(PRIOR, Horizon.DAY_AHEAD, 1.0)
