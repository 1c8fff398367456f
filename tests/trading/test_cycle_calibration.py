"""A turn trades on the calibration that was promoted last, and on no other."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from tests.factories import CalibrationFactory
from tests.trading.makers import DAY, NOW, make_board, make_weather
from tests.trading.test_cycle import CHEAP, HOLDER, settings_for, sources, turn
from trading.cycle import run_cycle
from trading.reading import OtherSources
from weather.domain.calibration_json import to_json, versioned
from weather.domain.combining import SourceHigh
from weather.domain.errors import PRIOR, Calibration, Cell, lead_class
from weather.domain.outlook import SOURCE
from weather.models import ForecastRow

pytestmark = pytest.mark.django_db
MADE = NOW


def calibration(bias_f: float) -> Calibration:
    cells = {
        ("CHI", SOURCE, lead_class(lead_h)): Cell(bias=bias_f, days=60.0, squares=60.0)
        for lead_h in (5, 20, 30)
    }
    return versioned(Calibration("any", cells))


def store(learned: Calibration, *, promoted: bool) -> None:
    CalibrationFactory.create(
        version=learned.version, content=to_json(learned), promoted_at=MADE if promoted else None
    )


def both_known() -> Calibration:
    """The grid is 2 °F too high, the guidance 1 °F too low, and as good."""
    biases = {SOURCE: 2.0, "nbm_text": -1.0}
    cells = {
        ("CHI", source, lead_class(lead_h)): Cell(bias=bias_f, days=60.0, squares=60.0)
        for source, bias_f in biases.items()
        for lead_h in (5, 20, 30)
    }
    return versioned(Calibration("any", cells))


def turn_with_guidance(high_f: float) -> ForecastRow:
    """A turn whose guidance says `high_f` of every day."""

    def others(days: Iterable[tuple[str, date]], now: datetime) -> OtherSources:
        return {key: [SourceHigh("nbm_text", high_f, now - timedelta(hours=3))] for key in days}

    outside = replace(sources(make_board(quotes=CHEAP)), others=others)
    run_cycle(NOW, settings_for(), sources=outside, holder=HOLDER)
    return ForecastRow.objects.get()


def test_turn_combines_the_sources_whose_errors_are_known() -> None:
    store(both_known(), promoted=True)
    grid_f = make_weather().high_on(DAY)
    assert grid_f is not None

    row = turn_with_guidance(grid_f - 4)

    assert row.source == "combined"
    assert [use["name"] for use in row.sources] == ["nbm_text", SOURCE]
    assert row.mu == pytest.approx((grid_f - 4 + 1 + grid_f - 2) / 2, abs=0.01)
    assert row.forecast_high_f == grid_f


def test_turn_hears_the_grid_alone_while_the_guidance_has_shown_nothing() -> None:
    grid_f = make_weather().high_on(DAY)
    assert grid_f is not None

    row = turn_with_guidance(grid_f - 15)

    assert (row.source, row.mu) == (SOURCE, grid_f)


def made() -> tuple[str, float]:
    turn()
    row = ForecastRow.objects.get()
    return row.calibration_version, row.mu - row.forecast_high_f


def test_turn_uses_the_promoted_calibration() -> None:
    learned = calibration(2.0)
    store(calibration(-3.0), promoted=True)
    store(learned, promoted=True)
    store(calibration(1.0), promoted=False)

    version, correction_f = made()
    assert version == learned.version
    assert correction_f == pytest.approx(-2.0)


def test_turn_uses_the_prior_while_nothing_was_promoted() -> None:
    store(calibration(2.0), promoted=False)

    assert made() == (PRIOR.version, 0.0)
