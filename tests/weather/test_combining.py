"""Several sources as one: weights by their own errors, what is missing widens, and only what is known is heard."""

from datetime import UTC, date, datetime, timedelta
from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.cities import load_cities
from weather.domain.combining import COMBINED, LADDER, SourceHigh, best_of, put_together
from weather.domain.errors import PRIOR, Calibration, ForecastError
from weather.domain.learning import ErrorModel
from weather.domain.outlook import SOURCE, make_outlook
from weather.domain.types import DayHigh, DistKind, Regime, WeatherSnapshot

LEAD_H = 19.0
DAY = date(2025, 5, 1)
AT = datetime(2025, 5, 1, tzinfo=UTC)
SIGNS = (1, -1, -1, 1, 1, 1, -1, -1)


def error(source: str, back: int, error_f: float) -> ForecastError:
    day = DAY - timedelta(days=back)
    known_at = AT - timedelta(days=back - 1)
    return ForecastError("CHI", source, DistKind.WHOLE_DAY, LEAD_H, day, error_f, known_at)


def learned(**usual: tuple[float, float]) -> Calibration:
    """Sixty days of each source's errors: (mean, how far to either side)."""
    return ErrorModel.of(
        error(source, back, mean + SIGNS[(back + number) % 8] * wide)
        for number, (source, (mean, wide)) in enumerate(usual.items())
        for back in range(2, 62)
    ).calibration()


def highs(**said: float) -> tuple[SourceHigh, ...]:
    return tuple(SourceHigh(source, high_f, AT) for source, high_f in said.items())


KNOWN = learned(good=(0.0, 1.0), poor=(-3.0, 4.0))


def test_each_source_loses_its_own_bias_and_the_better_one_weighs_more() -> None:
    together = put_together(KNOWN, "CHI", LEAD_H, DAY, highs(good=70.0, poor=67.0))

    assert together is not None
    good, poor = together.uses
    assert good.bias == pytest.approx(0, abs=0.4)
    assert poor.bias == pytest.approx(-3, abs=0.6)
    assert good.weight > 2 * poor.weight
    assert good.weight + poor.weight == pytest.approx(1)
    assert together.mean_f == pytest.approx(70, abs=0.4)


def test_a_source_that_is_known_and_silent_widens_the_spread() -> None:
    three = learned(good=(0.0, 1.0), fair=(0.0, 2.0), poor=(-3.0, 4.0))
    both = put_together(three, "CHI", LEAD_H, DAY, highs(good=70.0, fair=70.0))
    every = put_together(three, "CHI", LEAD_H, DAY, highs(good=70.0, fair=70.0, poor=67.0))

    assert both is not None
    assert every is not None
    assert every.inflation == 1
    assert both.inflation > 1
    assert best_of(three, "CHI", LEAD_H, DAY, highs(good=70.0, fair=70.0)).errors.sd > 0


def test_a_source_without_known_errors_is_not_heard_beside_others() -> None:
    alone = best_of(KNOWN, "CHI", LEAD_H, DAY, highs(good=70.0, stranger=99.0))
    assert (alone.source, [use.name for use in alone.uses]) == ("good", ["good"])
    assert alone.mu == pytest.approx(70, abs=0.4)


def test_where_nothing_is_known_the_newest_stands_as_it_always_did() -> None:
    said = best_of(PRIOR, "CHI", LEAD_H, DAY, highs(one=70.0, other=74.0))
    assert (said.source, said.mu) == ("other", 74.0)
    assert said.errors == PRIOR.spread_of("CHI", "other", LEAD_H, DAY)


def test_nobody_speaking_is_no_forecast() -> None:
    with pytest.raises(ValueError, match="no source speaks"):
        best_of(PRIOR, "CHI", LEAD_H, DAY, ())


def test_the_combination_is_spread_as_it_missed_itself_and_loses_the_bias_it_showed() -> None:
    own = [error(COMBINED, back, 2.0 + SIGNS[back % 8] * 0.5) for back in range(2, 62)]
    pair = [
        error(source, back, SIGNS[(back + number) % 8] * 3.0)
        for number, source in enumerate(("one", "two"))
        for back in range(2, 62)
    ]
    shown = ErrorModel.of([*own, *pair]).calibration()
    before = ErrorModel.of(pair).calibration()
    said = highs(one=70.0, two=70.0)

    after, without = (best_of(each, "CHI", LEAD_H, DAY, said) for each in (shown, before))

    assert after.source == without.source == COMBINED
    assert after.mu == pytest.approx(without.mu - 2.0, abs=0.3)
    assert after.errors.sd < without.errors.sd


def test_sources_that_disagree_widen_and_are_called_divided() -> None:
    agreed, divided = (
        best_of(KNOWN, "CHI", LEAD_H, DAY, highs(good=70.0, poor=67.0 + apart)) for apart in (0.0, 7.0)
    )
    assert (agreed.regime, divided.regime) == (Regime.NORMAL, Regime.DIVIDED)
    assert divided.errors.sd > 1.2 * agreed.errors.sd


@given(
    said=st.lists(st.floats(40, 90), min_size=2, max_size=2),
    moved=st.floats(-20, 20),
)
def test_the_mean_lies_between_the_corrected_sources_and_moves_with_them(
    said: list[float], moved: float
) -> None:
    one, other = said
    found, shifted = (
        put_together(KNOWN, "CHI", LEAD_H, DAY, highs(good=one + by, poor=other + by)) for by in (0.0, moved)
    )
    assert found is not None
    assert shifted is not None
    corrected = [use.high - use.bias for use in found.uses]
    assert min(corrected) - 1e-9 <= found.mean_f <= max(corrected) + 1e-9
    assert shifted.mean_f - found.mean_f == pytest.approx(moved, abs=1e-9)
    assert shifted.apart_f == pytest.approx(found.apart_f, abs=1e-9)


def test_an_outlook_of_several_sources_names_them_and_one_of_none_the_grid() -> None:
    city = load_cities()["CHI"]
    snapshot = WeatherSnapshot(
        city_code="CHI", captured_at=AT, issued_at=AT, highs=(DayHigh(day=DAY, high_f=70),)
    )
    several = make_outlook(city, snapshot, DAY, AT, KNOWN, highs(good=70.0, poor=67.0))
    single = make_outlook(city, snapshot, DAY, AT, KNOWN)

    assert several is not None
    assert single is not None
    assert several.source == COMBINED
    assert [use.name for use in several.sources] == ["good", "poor"]
    assert (single.source, single.mu, single.regime) == (SOURCE, 70.0, Regime.NORMAL)


def stand_in(high_f: float, stands_at_h: float = 31.0) -> SourceHigh:
    return SourceHigh(LADDER, high_f, AT, stands_at_h=stands_at_h)


def test_a_stand_in_is_heard_at_once_and_weighed_by_the_spread_its_lead_has_beforehand() -> None:
    one = learned(good=(0.0, 1.0))
    together = put_together(one, "CHI", LEAD_H, DAY, (stand_in(80.0), *highs(good=70.0)))

    assert together is not None
    ladder, good = together.uses
    sds = one.prior_sd("CHI", 31.0, DAY), one.spread_of("CHI", "good", LEAD_H, DAY).sd
    mean_squares = [2 / pi * sd**2 + 1 for sd in sds]
    assert ladder.bias == 0
    assert ladder.weight / good.weight == pytest.approx(mean_squares[1] / mean_squares[0])


def test_a_stand_in_gets_no_better_with_time() -> None:
    early, late = (best_of(PRIOR, "CHI", lead_h, DAY, (stand_in(70.0),)) for lead_h in (30.0, 3.0))
    assert early == late
    assert early.errors.sd == PRIOR.prior_sd("CHI", 31.0, DAY)


def test_nobody_waits_for_a_stand_in_that_is_silent() -> None:
    """However well it is known."""
    both = [error(source, back, SIGNS[back % 8] * 2.0) for source in ("one", "two") for back in range(2, 62)]
    beside = ErrorModel.of([*both, *(error(LADDER, back, 1.0) for back in range(2, 62))]).calibration()
    said = put_together(beside, "CHI", LEAD_H, DAY, highs(one=70.0, two=70.0))

    assert said is not None
    assert said.inflation == 1
    assert said == put_together(
        ErrorModel.of(both).calibration(), "CHI", LEAD_H, DAY, highs(one=70.0, two=70.0)
    )


def test_a_stand_in_that_joins_leaves_the_combination_as_wide_as_it_was_found_to_be() -> None:
    """What it missed without it is what is known of it; no narrower before its own errors with it say so."""
    shown = ErrorModel.of(
        error(source, back, SIGNS[(back + number) % 8] * 2.0)
        for number, source in enumerate(("one", "two", COMBINED))
        for back in range(2, 62)
    ).calibration()
    without = best_of(shown, "CHI", LEAD_H, DAY, highs(one=70.0, two=70.0))
    joined = best_of(shown, "CHI", LEAD_H, DAY, (stand_in(70.0), *highs(one=70.0, two=70.0)))

    assert {use.name for use in joined.uses} == {LADDER, "one", "two"}
    assert joined.errors.sd >= without.errors.sd
