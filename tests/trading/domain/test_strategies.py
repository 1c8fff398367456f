"""Each strategy's opinion of a ladder, and why it keeps silent."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.types import Bracket
from tests.trading.makers import BRACKETS, CHI, DAY, NOW, make_outlook
from trading.domain.market_expert import Quotes
from trading.domain.opinion import STRATEGIES
from trading.domain.policy import Policy
from trading.domain.strategies.base import Situation
from trading.domain.strategies.climatology import ClimatologyStrategy
from trading.domain.strategies.forecast_edge import ForecastEdgeStrategy
from trading.domain.strategies.intraday_nowcast import IntradayNowcastStrategy
from trading.domain.strategies.late_lock import LateLockStrategy
from trading.domain.strategies.price_reversion import PriceReversionStrategy
from trading.domain.types import ReasonCode, StrategyOutput
from trading.domain.weights import EXPERTS
from weather.domain.families import Normal
from weather.domain.types import Climatology, LockState, Nowcast, Outlook, SourceUse

UNQUOTED = Quotes((None,) * 6, (None,) * 6, (None,) * 6, (None,) * 6)
AFTERNOON = datetime(2025, 5, 14, 21, 0, tzinfo=UTC)
"""15:00 CST of the day."""
NINE = datetime(2025, 5, 14, 15, 0, tzinfo=UTC)
"""09:00 CST of the day."""
USUAL = Climatology(mean=70, sd=9, days=600)


def normal_cdf(x: float) -> float:
    """Written out here so that the check does not lean on the code it checks."""
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def nowcast(
    *,
    at: datetime = AFTERNOON,
    maximum: int = 75,
    mu: float = 74.0,
    lock: LockState = LockState.OPEN,
    p_lock: float = 0.6,
) -> Nowcast:
    is_closed = lock in {LockState.FINAL_PRELIM, LockState.FINAL}
    return Nowcast(
        observed_at=at,
        max_so_far={maximum: 1.0},
        remaining=None if is_closed else Normal(mu=mu, sigma=1.2),
        lock=lock,
        p_lock=p_lock,
    )


def outlook(found: Nowcast | None = None, **changes: object) -> Outlook:
    return make_outlook().model_copy(update={"nowcast": found, **changes})


def situation(
    of: Outlook,
    *,
    now: datetime = NOW,
    quotes: Quotes = UNQUOTED,
    brackets: Sequence[Bracket] = BRACKETS,
    fair: tuple[float, ...] = (),
) -> Situation:
    errors = (0.03,) * len(fair)
    return Situation(of, brackets, quotes, now, CHI.std_offset_hours, Policy(), fair, errors)


def silence(outputs: tuple[StrategyOutput, ...]) -> ReasonCode:
    assert len(outputs) == len(BRACKETS)
    assert not any(output.valid for output in outputs)
    (reason,) = {output.reasons[0] for output in outputs}
    return ReasonCode(reason)


@pytest.mark.story("4.1", 3)
@pytest.mark.story("4.2", 4)
def test_forecast_edge_gives_the_gaussian_mass_between_half_degrees() -> None:
    outputs = ForecastEdgeStrategy().evaluate(situation(make_outlook(mu=75, sigma=2.5)))

    expected = [
        normal_cdf((70.5 - 75) / 2.5),
        *(
            normal_cdf((high + 0.5 - 75) / 2.5) - normal_cdf((high - 1.5 - 75) / 2.5)
            for high in (72, 74, 76, 78)
        ),
        1 - normal_cdf((78.5 - 75) / 2.5),
    ]
    assert [output.p_yes for output in outputs] == pytest.approx(expected, abs=1e-9)
    assert sum(output.p_yes for output in outputs) == pytest.approx(1, abs=1e-9)


@pytest.mark.story("4.2", 2)
def test_forecast_edge_for_a_threshold_gives_the_tail_above_it() -> None:
    (output,) = ForecastEdgeStrategy().evaluate(
        situation(make_outlook(mu=79, sigma=2), brackets=[BRACKETS[-1]])
    )

    assert output.p_yes == pytest.approx(1 - normal_cdf((78.5 - 79) / 2))


@pytest.mark.parametrize(("p_yes", "error"), [(math.nan, 0.1), (0.5, math.nan), (0.5, -0.1)])
def test_what_is_no_opinion_is_never_spoken(p_yes: float, error: float) -> None:
    with pytest.raises(ValueError, match="no probabilities"):
        ForecastEdgeStrategy().speak([0.5, p_yes], [0.1, error], {}, ReasonCode.FC_EDGE)


def test_forecast_edge_states_its_inputs_and_uncertainty() -> None:
    output, *_ = ForecastEdgeStrategy().evaluate(situation(make_outlook()))

    assert output.valid
    assert output.reasons == ("FC_EDGE",)
    assert 0.02 <= output.uncertainty <= 1
    assert set(output.features) == {"mu", "sigma", "lead_hours"}


@pytest.mark.parametrize(
    ("of", "now", "reason"),
    [
        (outlook(issued_at=NOW - timedelta(hours=19)), NOW, ReasonCode.FC_STALE),
        (outlook(lead_hours=61.0), NOW, ReasonCode.LEAD_TOO_LONG),
        (outlook(), datetime(2025, 5, 14, 16, 0, tzinfo=UTC), ReasonCode.DAY_UNDER_WAY),
        (outlook(climatology=Climatology(mean=50, sd=6, days=600)), NOW, ReasonCode.FC_OUTLIER),
    ],
)
def test_forecast_edge_keeps_silent_with_its_reason(of: Outlook, now: datetime, reason: ReasonCode) -> None:
    assert silence(ForecastEdgeStrategy().evaluate(situation(of, now=now))) is reason


def test_forecast_far_from_the_usual_is_believed_when_two_sources_agree() -> None:
    sources = tuple(
        SourceUse(name=name, high=76, bias=0, weight=0.5, issued_at=NOW) for name in ("nws_grid", "nbm")
    )
    of = outlook(climatology=Climatology(mean=50, sd=6, days=600), sources=sources)

    assert all(output.valid for output in ForecastEdgeStrategy().evaluate(situation(of)))


def test_forecast_of_the_morning_leaves_nothing_below_what_was_reached() -> None:
    outputs = ForecastEdgeStrategy().evaluate(situation(outlook(nowcast(at=NINE)), now=NINE))

    assert [output.p_yes for output in outputs[:3]] == [0, 0, 0]
    assert sum(output.p_yes for output in outputs) == pytest.approx(1, abs=1e-9)


def test_nowcast_lets_the_mass_below_the_maximum_fall_onto_it() -> None:
    outputs = IntradayNowcastStrategy().evaluate(situation(outlook(nowcast()), now=AFTERNOON))

    expected = [0, 0, 0, normal_cdf(2.5 / 1.2), normal_cdf(4.5 / 1.2) - normal_cdf(2.5 / 1.2)]
    assert [output.p_yes for output in outputs[:5]] == pytest.approx(expected, abs=1e-9)
    assert outputs[0].features == {"max_so_far": 75, "p_lock": 0.6, "observed_min_ago": 0}


@pytest.mark.parametrize(
    ("found", "now", "reason"),
    [
        (None, AFTERNOON, ReasonCode.NC_GAP),
        (nowcast(at=AFTERNOON - timedelta(minutes=91)), AFTERNOON, ReasonCode.NC_GAP),
        (nowcast(at=AFTERNOON + timedelta(minutes=1)), AFTERNOON, ReasonCode.NC_GAP),
        (nowcast(at=NINE - timedelta(hours=4)), NINE - timedelta(hours=4), ReasonCode.NC_EARLY),
        (nowcast(at=NOW), NOW, ReasonCode.NC_EARLY),
    ],
)
def test_nowcast_keeps_silent_with_its_reason(
    found: Nowcast | None, now: datetime, reason: ReasonCode
) -> None:
    assert silence(IntradayNowcastStrategy().evaluate(situation(outlook(found), now=now))) is reason


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (nowcast(maximum=77), "NC_DEV_UP"),
        (nowcast(maximum=76), "NC_ON_TRACK"),
        (nowcast(maximum=73, p_lock=0.3), "NC_ON_TRACK"),
        (nowcast(maximum=73, p_lock=0.9), "NC_DEV_DOWN"),
        (nowcast(maximum=73, lock=LockState.FINAL_PRELIM), "LOCK_PRELIM"),
    ],
)
def test_nowcast_says_which_way_the_day_leaves_its_forecast(found: Nowcast, reason: str) -> None:
    output, *_ = IntradayNowcastStrategy().evaluate(situation(outlook(found), now=AFTERNOON))

    assert output.reasons == (reason,)


def test_climatology_is_the_usual_high_and_ends_with_the_first_reading_used() -> None:
    usual = outlook(climatology=USUAL)
    outputs = ClimatologyStrategy().evaluate(situation(usual))

    assert outputs[0].p_yes == pytest.approx(normal_cdf(0.5 / 9))
    assert outputs[0].features == {"mean": 70, "sd": 9, "days": 600}
    assert silence(ClimatologyStrategy().evaluate(situation(outlook()))) is ReasonCode.FORECAST_MISSING
    seen = outlook(nowcast(), climatology=USUAL)
    assert silence(ClimatologyStrategy().evaluate(situation(seen))) is ReasonCode.DAY_UNDER_WAY


@pytest.mark.parametrize(
    ("lock", "reason"),
    [
        (LockState.LOCKED_OBS, "LOCK_OBS"),
        (LockState.FINAL_PRELIM, "LOCK_PRELIM"),
        (LockState.FINAL, "LOCK_PRELIM"),
    ],
)
def test_late_lock_speaks_once_the_day_is_locked(lock: LockState, reason: str) -> None:
    found = outlook(nowcast(lock=lock, p_lock=0.99))
    outputs = LateLockStrategy().evaluate(situation(found, now=AFTERNOON))

    assert outputs[3].p_yes > 0.9
    assert outputs[3].reasons == (reason,)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (nowcast(lock=LockState.LIKELY, p_lock=0.9), ReasonCode.LOCK_OPEN),
        (nowcast(lock=LockState.LOCKED_OBS, at=AFTERNOON - timedelta(hours=2)), ReasonCode.NC_GAP),
        (None, ReasonCode.NC_GAP),
    ],
)
def test_late_lock_keeps_silent_before(found: Nowcast | None, reason: ReasonCode) -> None:
    assert silence(LateLockStrategy().evaluate(situation(outlook(found), now=AFTERNOON))) is reason


FAIR = (0.03, 0.10, 0.22, 0.30, 0.23, 0.12)
LEFT = Quotes((0.02, 0.09, 0.20, 0.15, 0.30, 0.18), (0.03, 0.11, 0.22, 0.17, 0.32, 0.20), (9,) * 6, (9,) * 6)
"""The fourth bracket is priced at 0.16."""
LATER = NOW + timedelta(minutes=30)


def test_price_that_left_the_forecast_is_expected_back() -> None:
    outputs = PriceReversionStrategy().evaluate(situation(outlook(), now=LATER, quotes=LEFT, fair=FAIR))

    assert tuple(output.p_yes for output in outputs) == FAIR
    assert outputs[0].features["z_score"] == pytest.approx((0.30 - 0.16) / math.sqrt(0.03**2 + 2 * 0.01**2))


@pytest.mark.parametrize(
    ("of", "now", "quotes", "reason"),
    [
        (outlook(), LATER - timedelta(seconds=1), LEFT, ReasonCode.MR_NEWS_BLOCK),
        (
            outlook(nowcast(at=LATER - timedelta(minutes=29))),
            LATER + timedelta(hours=1),
            LEFT,
            ReasonCode.MR_QUIET,
        ),
        (outlook(nowcast(at=LATER)), LATER + timedelta(minutes=29), LEFT, ReasonCode.MR_NEWS_BLOCK),
        (outlook(), LATER, UNQUOTED, ReasonCode.MR_QUIET),
    ],
)
def test_price_reversion_keeps_silent_with_its_reason(
    of: Outlook, now: datetime, quotes: Quotes, reason: ReasonCode
) -> None:
    near = (0.03, 0.10, 0.21, 0.19, 0.29, 0.18)
    fair = near if reason is ReasonCode.MR_QUIET else FAIR
    given = situation(of, now=now, quotes=quotes, fair=fair)

    assert silence(PriceReversionStrategy().evaluate(given)) is reason
    assert silence(PriceReversionStrategy().evaluate(given._replace(fair=()))) is ReasonCode.FORECAST_MISSING


def test_every_strategy_is_an_expert_and_the_one_on_prices_comes_last() -> None:
    assert {strategy.name for strategy in STRATEGIES} < set(EXPERTS)
    assert STRATEGIES[-1].name == "price_reversion"
    assert make_outlook().event_date == DAY


@given(
    mu=st.floats(50, 100),
    sigma=st.floats(1, 6),
    maximum=st.integers(55, 95),
    warmer=st.floats(0.01, 10),
    hour=st.sampled_from([7, 9, 12, 15, 20]),
)
def test_ladders_are_coherent_and_warmer_means_warmer(
    mu: float, sigma: float, maximum: int, warmer: float, hour: int
) -> None:
    """Valid opinions sum to 1, a warmer forecast puts no less above any strike, a split bracket adds up."""
    now = datetime(2025, 5, 14, 6, tzinfo=UTC) + timedelta(hours=hour)
    fine = (
        *BRACKETS[:3],
        BRACKETS[3].model_copy(update={"high_f": 75}),
        BRACKETS[3].model_copy(update={"low_f": 76}),
        *BRACKETS[4:],
    )
    for strategy in STRATEGIES[:-1]:
        found = []
        for mean in (mu, mu + warmer):
            seen = nowcast(at=now, maximum=maximum, mu=mean, lock=LockState.LOCKED_OBS)
            of = make_outlook(mu=mean, sigma=sigma).model_copy(
                update={"nowcast": None if strategy.name == "climatology" else seen, "climatology": USUAL}
            )
            outputs = strategy.evaluate(situation(of, now=now))
            split = strategy.evaluate(situation(of, now=now, brackets=fine))
            if not outputs[0].valid:
                assert not split[0].valid
                continue
            assert sum(output.p_yes for output in outputs) == pytest.approx(1, abs=1e-9)
            assert split[3].p_yes + split[4].p_yes == pytest.approx(outputs[3].p_yes, abs=1e-9)
            found.append([sum(output.p_yes for output in outputs[place:]) for place in range(6)])
        if len(found) == 2:
            assert all(hot >= cold - 1e-9 for cold, hot in zip(*found, strict=True))
