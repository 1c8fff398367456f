"""A calibration as JSON, and the version that its content gives it: whatever is stored can be had again, bit for bit."""

import hashlib
import json
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat

from weather.domain.errors import Calibration, Cell, Pool, measured_prior
from weather.domain.types import Climatology

MEASURED: Final = "measured-1"
"""Names the prior spread of `weather.domain.calibration` that a stored calibration is drawn to."""
_DIGITS: Final = 20


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Cell(_Strict):
    city: str
    source: str
    lead: int
    bias: float
    bias_variance: NonNegativeFloat
    squares: NonNegativeFloat
    days: NonNegativeFloat
    misses: tuple[tuple[date, float], ...]


class _Pool(_Strict):
    source: str
    lead: int
    of_revision: float
    of_last_miss: float
    ratio: PositiveFloat
    df: Annotated[float, Field(gt=2)]


class _Usual(_Strict):
    """Mean, standard deviation and days by day of the year."""

    city: str
    days: dict[int, tuple[float, PositiveFloat, NonNegativeFloat]]


class _Content(_Strict):
    prior: str = Field(pattern=f"^{MEASURED}$")
    widening: PositiveFloat
    usual: tuple[_Usual, ...] = ()
    cells: tuple[_Cell, ...]
    pools: tuple[_Pool, ...]


def to_json(calibration: Calibration) -> dict[str, object]:
    """The content, in a fixed order. Raises ValueError for another prior than the measured one, which has no name."""
    if calibration.prior_sd is not measured_prior:
        raise ValueError("only a calibration that is drawn to the measured prior can be stored")
    return _Content(
        prior=MEASURED,
        widening=calibration.widening,
        usual=tuple(
            _Usual(city=city, days={day: (of.mean, of.sd, of.days) for day, of in sorted(days.items())})
            for city, days in sorted(calibration.usual.items())
            if days
        ),
        cells=tuple(
            _Cell(city=city, source=source, lead=lead, **cell._asdict())
            for (city, source, lead), cell in sorted(calibration.cells.items())
        ),
        pools=tuple(
            _Pool(source=source, lead=lead, **pool._asdict())
            for (source, lead), pool in sorted(calibration.pools.items())
        ),
    ).model_dump(mode="json")


def from_json(version: str, content: object) -> Calibration:
    """The calibration that was stored as `version`. Raises ValueError for what is none."""
    read = _Content.model_validate(content)
    cells = {
        (cell.city, cell.source, cell.lead): Cell(**cell.model_dump(exclude={"city", "source", "lead"}))
        for cell in read.cells
    }
    pools = {
        (pool.source, pool.lead): Pool(**pool.model_dump(exclude={"source", "lead"})) for pool in read.pools
    }
    usual = {
        city.city: MappingProxyType(
            {day: Climatology(mean=mean, sd=sd, days=days) for day, (mean, sd, days) in city.days.items()}
        )
        for city in read.usual
    }
    return Calibration(
        version=version,
        usual=MappingProxyType(usual),
        cells=MappingProxyType(cells),
        pools=MappingProxyType(pools),
        widening=read.widening,
    )


def versioned(calibration: Calibration) -> Calibration:
    """The same under the version of its content. Raises as `to_json`."""
    text = json.dumps(to_json(calibration), sort_keys=True, allow_nan=False)
    return replace(calibration, version=f"cal-{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}")
