"""What several sources say together of one day's high: each less its own bias, weighed by its own errors.

The combination is then a source like any other: what it missed is learned under the name COMBINED, and its spread is
that of its own errors, not one derived from the sources'. A source that joins later, or a stand-in, leaves that spread
as it was found without it, until the errors made with it narrow it. Source: project reference on probability and
sizing, 1.2.
"""

from collections.abc import Sequence
from datetime import date, datetime
from math import pi, sqrt
from typing import Final, NamedTuple

from weather.domain.blending import combine, source_weights
from weather.domain.errors import BiasAndSpread, Calibration
from weather.domain.regime import regime_of
from weather.domain.types import Regime, SourceUse

COMBINED: Final = "combined"
"""The combination's name among the sources."""
LADDER: Final = "ladder"
"""Name of what the exchange must have expected when it laid its brackets: a stand-in, see SourceHigh."""
FEWEST_DAYS: Final = 15.0
"""Settled days, faded, before a source is heard beside others: its bias is not known before. A stand-in's prior is."""
FEWEST_COMBINED: Final = 15.0
"""Settled days, faded, before the combination's own errors say how wide it is."""
_MAE_OF_SD: Final = sqrt(2 / pi)


class SourceHigh(NamedTuple):
    """A source's forecast high of one day, °F, as published."""

    source: str
    high_f: float
    issued_at: datetime
    revision_f: float | None = None
    """Less its own of about twelve hours before; None when that is not known."""
    stands_at_h: float | None = None
    """Of a stand-in for the weather service, hours from its issue to the peak: it is never renewed, so that its errors
    are those of this lead at any time. None of others, whose lead is that of their use."""

    def lead_at(self, lead_hours: float) -> float:
        """The lead at which its errors are known, when it is used `lead_hours` before the peak."""
        return lead_hours if self.stands_at_h is None else self.stands_at_h


class Together(NamedTuple):
    """Sources put together, nothing corrected but their own biases."""

    mean_f: float
    inflation: float
    """Factor on sigma for the sources that are missing."""
    apart_f: float
    """Between the two that lie farthest apart, °F; 0 of one alone."""
    revision_f: float | None
    """Weighed like the mean, over those whose revision is known."""
    uses: tuple[SourceUse, ...]


class Said(NamedTuple):
    """What an outlook is made of."""

    source: str
    mu: float
    errors: BiasAndSpread
    """Of what `mu` was taken from; its bias is in `mu` already."""
    regime: Regime
    uses: tuple[SourceUse, ...]


def put_together(
    calibration: Calibration, city_code: str, lead_hours: float, day: date, highs: Sequence[SourceHigh]
) -> Together | None:
    """The sources of `highs` whose errors are known, weighed by these; None when fewer than two are.

    Weights ∝ 1/(MAE² + τ²); a source that is known and silent widens sigma, except a stand-in, which nobody waits for.
    Raises ValueError as `spread_of`.
    """
    heard = _heard(calibration, city_code, lead_hours, highs)
    return _together(calibration, city_code, lead_hours, day, heard)


def _together(
    calibration: Calibration, city_code: str, lead_hours: float, day: date, heard: Sequence[SourceHigh]
) -> Together | None:
    if len(heard) < 2:
        return None
    known = _known(calibration, city_code, lead_hours, day, heard)
    own = {
        high.source: calibration.spread_of(
            city_code, high.source, high.lead_at(lead_hours), day, high.revision_f
        )
        for high in heard
    }
    weights = source_weights({source: errors.sd * _MAE_OF_SD for source, errors in known.items()})
    corrected = {high.source: high.high_f - own[high.source].bias for high in heard}
    found = combine(weights, corrected)
    present = sum(weights[source] for source in corrected)
    return Together(
        mean_f=found.mean,
        inflation=found.inflation,
        apart_f=max(corrected.values()) - min(corrected.values()),
        revision_f=_revision(heard, weights),
        uses=tuple(
            SourceUse(
                name=high.source,
                high=high.high_f,
                bias=own[high.source].bias,
                weight=weights[high.source] / present,
                issued_at=high.issued_at,
            )
            for high in heard
        ),
    )


def best_of(
    calibration: Calibration, city_code: str, lead_hours: float, day: date, highs: Sequence[SourceHigh]
) -> Said:
    """The combination of `highs` where the errors of at least two are known, else the one that is known, or the last.

    Raises ValueError for none, and as `Calibration.spread_of`.
    """
    if not highs:
        raise ValueError(f"no source speaks of {city_code} on {day}")
    heard = _heard(calibration, city_code, lead_hours, highs)
    together = _together(calibration, city_code, lead_hours, day, heard)
    if together is None:
        alone = heard[0] if heard else highs[-1]
        return _alone(calibration, city_code, lead_hours, day, alone)
    errors = calibration.spread_of(
        city_code, COMBINED, lead_hours, day, together.revision_f, together.apart_f
    )
    if errors.n < FEWEST_COMBINED:
        errors = _of_the_best(calibration, city_code, lead_hours, day, heard, together.apart_f)
    miss = calibration.miss_before(city_code, COMBINED, lead_hours, day)
    return Said(
        source=COMBINED,
        mu=together.mean_f - errors.bias,
        errors=errors._replace(sd=errors.sd * together.inflation),
        regime=regime_of(together.revision_f or 0.0, miss, together.apart_f),
        uses=together.uses,
    )


def _heard(
    calibration: Calibration, city_code: str, lead_hours: float, highs: Sequence[SourceHigh]
) -> list[SourceHigh]:
    """Of `highs` those whose source has settled often enough, and a stand-in."""
    return [
        high
        for high in highs
        if high.stands_at_h is not None or _is_known(calibration, city_code, high.source, lead_hours)
    ]


def _is_known(calibration: Calibration, city_code: str, source: str, lead_hours: float) -> bool:
    is_plain = source not in (COMBINED, LADDER)
    return is_plain and calibration.days_of(city_code, source, lead_hours) >= FEWEST_DAYS


def _known(
    calibration: Calibration, city_code: str, lead_hours: float, day: date, heard: Sequence[SourceHigh]
) -> dict[str, BiasAndSpread]:
    """The sources that have settled often enough, silent or not, and a stand-in that speaks, with their errors before
    anything is known of the day."""
    known = {
        source: calibration.spread_of(city_code, source, lead_hours, day)
        for source in calibration.sources_of(city_code, lead_hours)
        if _is_known(calibration, city_code, source, lead_hours)
    }
    standing = {
        high.source: calibration.spread_of(city_code, high.source, high.stands_at_h, day)
        for high in heard
        if high.stands_at_h is not None
    }
    return known | standing


def _alone(calibration: Calibration, city_code: str, lead_hours: float, day: date, high: SourceHigh) -> Said:
    lead_h = high.lead_at(lead_hours)
    errors = calibration.spread_of(city_code, high.source, lead_h, day, high.revision_f)
    use = SourceUse(
        name=high.source, high=high.high_f, bias=errors.bias, weight=1.0, issued_at=high.issued_at
    )
    miss = calibration.miss_before(city_code, high.source, lead_h, day)
    return Said(
        high.source, high.high_f - errors.bias, errors, regime_of(high.revision_f or 0.0, miss), (use,)
    )


def _of_the_best(
    calibration: Calibration,
    city_code: str,
    lead_hours: float,
    day: date,
    heard: Sequence[SourceHigh],
    apart_f: float,
) -> BiasAndSpread:
    """Before the combination's own errors are known: no better than its best member, and no further bias."""
    members = (
        calibration.spread_of(city_code, high.source, high.lead_at(lead_hours), day, None, apart_f)
        for high in heard
    )
    return min(members, key=lambda errors: errors.sd)._replace(bias=0.0)


def _revision(heard: Sequence[SourceHigh], weights: dict[str, float]) -> float | None:
    moved = [(weights[high.source], high.revision_f) for high in heard if high.revision_f is not None]
    weight = sum(share for share, _ in moved)
    return sum(share * revision for share, revision in moved) / weight if weight > 0 else None
