"""A turn trades on the calibration that was promoted last, and on no other."""

import pytest

from tests.factories import CalibrationFactory
from tests.trading.makers import NOW
from tests.trading.test_cycle import turn
from weather.domain.calibration_json import to_json, versioned
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
