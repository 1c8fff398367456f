"""What the error model learns: from invented errors, from the simulated world, and from the bulletins of 2021-22."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student_t

from milkbot.core.cities import load_cities
from milkbot.core.scoring.crps import crps_student_t
from tests.sandbox.world.weathers import FIRST_DAY, long_run
from weather.domain.errors import PRIOR, Calibration, ForecastError, lead_class
from weather.domain.learning import ErrorModel
from weather.domain.types import DistKind

SOURCE: Final = "bulletin"
DAY: Final = timedelta(days=1)
BURN_IN: Final = 60
LEADS_H: Final = {"d0": 7.0, "d1PM": 19.0}
BEFORE: Final = {"d0": "d1PM", "d1PM": "d1AM"}


def flat_prior(_city: str, _lead_hours: float, _day: date) -> float:
    """The measured prior is of these very bulletins: it must not judge itself."""
    return 2.5


def error_of(
    day: date, error_f: float, *, city: str = "CHI", lead_h: float = 7.0, revision_f: float | None = None
) -> ForecastError:
    """Known at 12:50Z on the morning after."""
    known_at = datetime(day.year, day.month, day.day, 12, 50, tzinfo=UTC) + DAY
    return ForecastError(city, SOURCE, DistKind.WHOLE_DAY, lead_h, day, error_f, known_at, revision_f)


class Forecast(NamedTuple):
    """What was said of a day's high at one time, and what came."""

    observed_f: float
    mean_f: float
    sd_f: float
    df: float


def score(forecasts: Sequence[Forecast]) -> tuple[float, float]:
    """Mean CRPS of Student's t, °F, and the share of highs within the central 80 %."""
    observed, mean, sd, df = np.array(forecasts).T
    scale = sd * np.sqrt((df - 2) / df)
    crps = float(np.mean(crps_student_t(mean, scale, df, observed)))
    return crps, float(np.mean(np.abs(observed - mean) <= scale * student_t.ppf(0.9, df)))


class Bulletins:
    """The bulletins' forecasts and highs, by city and day."""

    def __init__(self, folder: Path) -> None:
        self.highs: dict[tuple[str, date], float] = {}
        self.evenings: dict[tuple[str, date], float] = {}
        self.said: dict[tuple[str, date], dict[str, float]] = defaultdict(dict)
        for row in _rows(folder / "daily_highs.csv.gz"):
            place = row["city"], date.fromisoformat(row["date"])
            if row["source"] == "bulletin":
                if row["high_f"]:
                    self.highs[place] = float(row["high_f"])
                if row["observed_evening_f"]:
                    self.evenings[place] = float(row["observed_evening_f"])
        for row in _rows(folder / "forecasts.csv.gz"):
            if row["source"] == "nws_bulletin":
                day = date.fromisoformat(row["target_date"])
                if (lead := _lead_of(day, datetime.fromisoformat(row["issued_at_utc"]))) is not None:
                    self.said[row["city"], day][lead] = float(row["high_f"])

    def walk(self, lead: str) -> Iterator[Forecast]:
        """Every forecast after the burn-in, made with what was known when the bulletin came out, and no later."""
        model, waiting = ErrorModel(flat_prior), list[ForecastError]()
        seen: dict[str, int] = defaultdict(int)
        for day in sorted({day for _, day in self.said}):
            issued_at = datetime(day.year, day.month, day.day, 12 if lead == "d0" else 0, 50, tzinfo=UTC)
            for error in [error for error in waiting if error.known_at <= issued_at]:
                model.learn(error)
            waiting = [error for error in waiting if error.known_at > issued_at]
            calibration = self._with_the_evening(model, lead, day)
            for city in load_cities():
                forecast = self._forecast(calibration, city, day, lead)
                if forecast is not None:
                    waiting.append(self._error(city, day, lead, self.highs[city, day]))
                    seen[city] += 1
                    if seen[city] > BURN_IN:
                        yield forecast

    def _with_the_evening(self, model: ErrorModel, lead: str, day: date) -> Calibration:
        """The evening bulletin names the high so far of the day that ends: not final, but known."""
        for city in load_cities():
            place = (city, day - DAY)
            if lead != "d0" and place in self.evenings and lead in self.said.get(place, {}):
                model.note(self._error(city, day - DAY, lead, self.evenings[place]))
        return model.calibration()

    def _forecast(self, calibration: Calibration, city: str, day: date, lead: str) -> Forecast | None:
        said, observed_f = self.said.get((city, day), {}), self.highs.get((city, day))
        if lead not in said or observed_f is None:
            return None
        known = calibration.spread_of(city, SOURCE, LEADS_H[lead], day, self._revision(city, day, lead))
        return Forecast(observed_f, said[lead] - known.bias, known.sd, known.df)

    def _error(self, city: str, day: date, lead: str, observed_f: float) -> ForecastError:
        error_f = self.said[city, day][lead] - observed_f
        revision_f = self._revision(city, day, lead)
        return error_of(day, error_f, city=city, lead_h=LEADS_H[lead], revision_f=revision_f)

    def _revision(self, city: str, day: date, lead: str) -> float | None:
        said = self.said[city, day]
        return said[lead] - said[BEFORE[lead]] if BEFORE[lead] in said else None


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _lead_of(day: date, issued_at: datetime) -> str | None:
    """The bulletins come at about 08:50 and 20:50 Eastern."""
    eastern = issued_at - timedelta(hours=5)
    ahead = (day - eastern.date()).days
    is_morning = eastern.hour < 14
    return {(0, True): "d0", (1, False): "d1PM", (1, True): "d1AM"}.get((ahead, is_morning))


@pytest.mark.parametrize(("lead", "most_crps"), [("d0", 1.31), ("d1PM", 1.46)])
def test_walk_forward_on_the_bulletins_beats_a_running_filter(
    shared_data: Path, lead: str, most_crps: float
) -> None:
    """A running filter of fifteen lines reaches 1.33 on the same morning and 1.48 on the evening before."""
    forecasts = list(Bulletins(shared_data / "weather").walk(lead))

    crps, coverage = score(forecasts)

    assert len(forecasts) > 3_700
    assert crps <= most_crps
    assert 0.77 <= coverage <= 0.83


@pytest.mark.parametrize("lead", LEADS_H)
def test_four_hundred_days_of_ten_simulated_cities_show_their_spread_and_their_biases(lead: str) -> None:
    planted = {city: (number - 4.5) / 3 for number, city in enumerate(load_cities())}
    model, misses, variances = ErrorModel(flat_prior), [], []
    for number in range(400):
        day, calibration = FIRST_DAY + number * DAY, model.calibration()
        for city, bias in planted.items():
            errors = {name: bias - long_run(city).errors_f[name][number] for name in (lead, BEFORE[lead])}
            revision_f = errors[lead] - errors[BEFORE[lead]]
            known = calibration.spread_of(city, SOURCE, LEADS_H[lead], day, revision_f)
            if number >= BURN_IN:
                misses.append(errors[lead] - known.bias)
                variances.append(known.sd**2)
            model.learn(error_of(day, errors[lead], city=city, lead_h=LEADS_H[lead], revision_f=revision_f))

    assert np.sqrt(np.mean(variances)) == pytest.approx(np.std(misses), rel=0.03)
    assert abs(np.mean(misses)) < 0.1


def test_nothing_learned_is_the_prior() -> None:
    day = date(2025, 5, 14)
    assert ErrorModel().calibration().spread_of("CHI", SOURCE, 7, day) == PRIOR.spread_of(
        "CHI", SOURCE, 7, day
    )


def test_bias_of_a_source_is_learned_for_its_city_and_lead_and_no_other() -> None:
    days = [FIRST_DAY + number * DAY for number in range(60)]
    calibration = ErrorModel.of([error_of(day, -3.5) for day in days]).calibration()

    def bias(city: str, source: str, lead_h: float) -> float:
        return calibration.spread_of(city, source, lead_h, days[-1] + 5 * DAY).bias

    assert bias("CHI", SOURCE, 8) == pytest.approx(-3.5, abs=0.3)
    assert bias("NYC", SOURCE, 8) == bias("CHI", "other", 8) == bias("CHI", SOURCE, 20) == 0


def test_one_absurd_error_hardly_widens_the_spread() -> None:
    days = [FIRST_DAY + number * DAY for number in range(60)]
    usual = [error_of(day, 2.0 * (-1) ** number) for number, day in enumerate(days)]
    wrong_station = error_of(days[-1] + DAY, 40.0)
    after = days[-1] + 9 * DAY

    calm = ErrorModel.of(usual).calibration().spread_of("CHI", SOURCE, 7, after)
    hit = ErrorModel.of([*usual, wrong_station]).calibration().spread_of("CHI", SOURCE, 7, after)

    assert calm.sd < hit.sd < 1.3 * calm.sd


def test_widened_calibration_widens_every_spread() -> None:
    narrow = ErrorModel.of([error_of(FIRST_DAY, 1.0)]).calibration()
    wide = Calibration("wide", narrow.cells, narrow.pools, widening=1.25)
    for city in ("CHI", "NYC"):
        spreads = [each.spread_of(city, SOURCE, 7, FIRST_DAY + DAY).sd for each in (narrow, wide)]
        assert spreads[1] == pytest.approx(1.25 * spreads[0])


def test_error_known_before_the_last_is_refused() -> None:
    model = ErrorModel.of([error_of(FIRST_DAY + DAY, 1.0)])
    with pytest.raises(ValueError, match="known before"):
        model.learn(error_of(FIRST_DAY, 1.0))


def test_share_of_a_revision_is_never_more_than_all_of_it() -> None:
    wild = [(0, 16.0, 3.0), (39, 20.0, 3.0), (40, 0.0, 2.0)]
    errors = [error_of(FIRST_DAY + day * DAY, error, revision_f=move) for day, error, move in wild]

    pool = ErrorModel.of(errors).calibration().pools[SOURCE, lead_class(7)]

    assert pool.of_revision == 1.0


@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(-20, 20), st.floats(-9, 9)), max_size=60),
    st.randoms(use_true_random=False),
)
def test_whatever_comes_in_whatever_order_the_calibration_is_the_same_and_sane(
    drawn: list[tuple[int, float, float]], chance: "object"
) -> None:
    errors = [error_of(FIRST_DAY + day * DAY, error, revision_f=move) for day, error, move in drawn]
    unique = list({error.target_date: error for error in errors}.values())
    shuffled = unique[:]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    one, other = ErrorModel.of(unique).calibration(), ErrorModel.of(shuffled).calibration()

    assert (one.version, one.cells, one.pools) == (other.version, other.cells, other.pools)
    known = one.spread_of("CHI", SOURCE, 7, FIRST_DAY + 41 * DAY, 30.0)
    assert 0.3 < known.sd < 40
    assert 3 <= known.df <= 30
    assert abs(known.bias) <= 4 + 8 * 2
    assert known.bias_se > 0
