"""From an outlook to the probability of each bracket, with its standard error: three forecasters, never mixed.

The whole-day forecast is conditioned on what has been seen (truncation), the nowcast lets the mass below the maximum
so far fall onto it (censoring), climatology knows neither. All allow for the settled degree being a neighbour of the
observed one. Source: project reference on probability and sizing, sections 1.2, 2.1 and 5.3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Final, NamedTuple

import numpy as np

from milkbot.core.arrays import Floats
from weather.domain.brackets import HALF_DEGREE, Bracket, edges
from weather.domain.distribution import (
    STANDARD_ERROR_FLOOR,
    bracket_probabilities,
    bracket_standard_errors,
    with_basis_risk,
    with_neighbours,
)
from weather.domain.families import Curve, Normal, StudentT, StudentTs
from weather.domain.intraday import censored_probabilities, truncated_probabilities
from weather.domain.types import Climatology, DistKind, Nowcast, Outlook

Read = Callable[[Curve, Sequence[Bracket]], tuple[float, ...]]
"""Bracket probabilities of a distribution, given what has been seen."""

_REFUTED: Final = 1e-9
"""A forecast that gave what was seen less than this has nothing to say of where above it the day will end."""


def outlook_probabilities(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """The best single forecast now: the nowcast when there is one, else the whole day's.

    Raises ValueError for an outlook of the remaining hours: that one needs the maximum so far as well.
    """
    return _best(outlook)[0](outlook, brackets)


def outlook_standard_errors(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Standard errors of `outlook_probabilities`, from the outlook's own parameter uncertainty. Raises as it does."""
    return _best(outlook)[1](outlook, brackets)


def whole_day_probabilities(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Of the forecast of the whole day, given that the high is no lower than the maximum so far."""
    return with_basis_risk(
        lambda wanted: _whole_day(outlook.nowcast)(outlook.distribution, wanted), brackets, outlook.basis_risk
    )


def whole_day_standard_errors(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Standard errors of `whole_day_probabilities`."""
    if outlook.nowcast is None:
        if isinstance(outlook.distribution, Normal):
            return bracket_standard_errors(
                outlook.mu, outlook.sigma, outlook.mu_se, outlook.ln_sigma_se, brackets
            )
        return _plain_standard_errors(outlook, brackets)
    return _standard_errors(_whole_day(outlook.nowcast), outlook.distribution, outlook, brackets)


class Odds(NamedTuple):
    """Of each bracket of a ladder."""

    probabilities: tuple[float, ...]
    standard_errors: tuple[float, ...]


def whole_day_odds(outlooks: Sequence[Outlook], brackets: Sequence[Bracket]) -> tuple[Odds, ...]:
    """`whole_day_probabilities` and `whole_day_standard_errors` of each outlook, to the last digit.

    Those with Student's errors and without readings are read in one call: thirty cost as much as eleven alone.
    """
    students = [
        (place, outlook, outlook.distribution)
        for place, outlook in enumerate(outlooks)
        if outlook.nowcast is None and isinstance(outlook.distribution, StudentT)
    ]
    found: dict[int, Odds] = {}
    if len(students) > 1:  # One alone is quicker by itself.
        places, plain, curves = zip(*students, strict=True)
        found = dict(zip(places, _read_together(plain, curves, brackets), strict=True))
    return tuple([found.get(place) or _odds_of(outlook, brackets) for place, outlook in enumerate(outlooks)])


def _odds_of(outlook: Outlook, brackets: Sequence[Bracket]) -> Odds:
    return Odds(whole_day_probabilities(outlook, brackets), whole_day_standard_errors(outlook, brackets))


def nowcast_probabilities(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Of the maximum so far and the remaining hours together. Raises ValueError without a nowcast."""
    read, remaining = _nowcast(outlook)
    return with_basis_risk(lambda wanted: read(remaining, wanted), brackets, outlook.basis_risk)


def nowcast_standard_errors(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Standard errors of `nowcast_probabilities`. Raises ValueError without a nowcast."""
    read, remaining = _nowcast(outlook)
    return _standard_errors(read, remaining, outlook, brackets)


def climatology_probabilities(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Of what the day usually is. Raises ValueError where too few days are known."""
    usual = _usual(outlook)
    curve = Normal(mu=usual.mean, sigma=usual.sd)
    return with_basis_risk(lambda wanted: bracket_probabilities(curve, wanted), brackets, outlook.basis_risk)


def climatology_standard_errors(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Standard errors of `climatology_probabilities`, from the days it rests on. Raises ValueError without them."""
    usual = _usual(outlook)
    days = max(usual.days, 1.0)
    return bracket_standard_errors(usual.mean, usual.sd, usual.sd / sqrt(days), 1 / sqrt(2 * days), brackets)


_OfOutlook = Callable[[Outlook, Sequence[Bracket]], tuple[float, ...]]


def _best(outlook: Outlook) -> tuple[_OfOutlook, _OfOutlook]:
    if outlook.kind is not DistKind.WHOLE_DAY:
        raise ValueError(f"an outlook of kind {outlook.kind} does not speak of the whole day")
    if outlook.nowcast is None:
        return whole_day_probabilities, whole_day_standard_errors
    return nowcast_probabilities, nowcast_standard_errors


def _nowcast(outlook: Outlook) -> tuple[Read, Curve]:
    nowcast = outlook.nowcast
    if nowcast is None:
        raise ValueError(f"no reading of {outlook.city_code} was used for {outlook.event_date}")
    seen = nowcast.max_so_far
    if nowcast.remaining is None:
        return lambda _, brackets: _pmf_probabilities(seen, brackets), outlook.distribution
    return lambda curve, brackets: censored_probabilities(curve, seen, brackets), nowcast.remaining


def _usual(outlook: Outlook) -> Climatology:
    if outlook.climatology is None:
        raise ValueError(f"too few days of {outlook.city_code} are known to say what is usual")
    return outlook.climatology


def _whole_day(nowcast: Nowcast | None) -> Read:
    if nowcast is None:
        return bracket_probabilities
    seen = nowcast.max_so_far
    return lambda curve, brackets: _truncated(curve, seen, brackets)


def _truncated(curve: Curve, seen: Mapping[int, float], brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Truncation averaged over what the maximum so far may be. A refuted forecast leaves the maximum itself."""
    total = np.zeros(len(brackets))
    for maximum, weight in sorted(seen.items()):
        left = float(curve.sf(np.asarray([maximum - HALF_DEGREE]))[0])
        found = (
            truncated_probabilities(curve, maximum, brackets)
            if left > _REFUTED
            else _pmf_probabilities({maximum: 1.0}, brackets)
        )
        total += weight * np.asarray(found)
    return tuple(total.tolist())


def _pmf_probabilities(pmf: Mapping[int, float], brackets: Sequence[Bracket]) -> tuple[float, ...]:
    return tuple(
        sum(
            weight
            for degree, weight in pmf.items()
            if (low is None or low <= degree) and (high is None or degree <= high)
        )
        for low, high in brackets
    )


@dataclass(frozen=True, slots=True)
class _Bent:
    """A distribution moved up by `shift` and stretched by `factor` about `centre`, °F: one way, or one in each row."""

    of: Curve
    centre: float | Floats
    shift: float | Floats = 0.0
    factor: float | Floats = 1.0

    def cdf(self, x: Floats) -> Floats:
        return self.of.cdf(self._back(x))

    def sf(self, x: Floats) -> Floats:
        return self.of.sf(self._back(x))

    def between(self, low: Floats, high: Floats) -> Floats:
        return self.of.between(self._back(low), self._back(high))

    def _back(self, x: Floats) -> Floats:
        return np.asarray((x - self.shift - self.centre) / self.factor + self.centre)


def _standard_errors(
    read: Read, curve: Curve, outlook: Outlook, brackets: Sequence[Bracket]
) -> tuple[float, ...]:
    """Half the difference that one standard error up and down makes, for the mean and for ln sigma; at least 0.02."""
    centre, stretch = outlook.mu, exp(outlook.ln_sigma_se)

    bent = (
        _Bent(curve, centre, shift=outlook.mu_se),
        _Bent(curve, centre, shift=-outlook.mu_se),
        _Bent(curve, centre, factor=stretch),
        _Bent(curve, centre, factor=1 / stretch),
    )
    return tuple(_half_differences(np.asarray([read(each, brackets) for each in bent])).tolist())


def _plain_standard_errors(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """`_standard_errors` where nothing has been seen yet: the four distributions are read in one call."""
    stretch = exp(outlook.ln_sigma_se)
    shifts = np.asarray([[outlook.mu_se], [-outlook.mu_se], [0.0], [0.0]])
    factors = np.asarray([[1.0], [1.0], [stretch], [1 / stretch]])
    bent = _Bent(outlook.distribution, outlook.mu, shift=shifts, factor=factors)
    return tuple(_half_differences(bent.between(*edges(brackets))).tolist())


def _half_differences(read: Floats) -> Floats:
    """Of brackets' probabilities, shape (..., 4, brackets), with the mean moved up and down, and sigma stretched and shrunk,
    in this order."""
    up, down, wide, narrow = (read[..., way, :] for way in range(4))
    return np.asarray(np.maximum(np.hypot((up - down) / 2, (wide - narrow) / 2), STANDARD_ERROR_FLOOR))


def _read_together(
    outlooks: Sequence[Outlook], curves: Sequence[StudentT], brackets: Sequence[Bracket]
) -> list[Odds]:
    """One outlook in each row."""
    loc, scale, df = np.asarray([(curve.loc, curve.scale, curve.df) for curve in curves]).reshape(-1, 3).T
    every = StudentTs(*(each[:, None] for each in (loc, scale, df))).between(
        *edges(with_neighbours(tuple(brackets)))
    )
    same, above, below = np.moveaxis(every.reshape(len(curves), 3, -1), 1, 0)
    risk = np.asarray([outlook.basis_risk for outlook in outlooks])[:, None]
    probabilities = (1 - risk) * same + risk / 2 * (above + below)
    stretch = [exp(outlook.ln_sigma_se) for outlook in outlooks]
    bent = _Bent(
        StudentTs(*(each[:, None, None] for each in (loc, scale, df))),
        np.asarray([outlook.mu for outlook in outlooks])[:, None, None],
        shift=np.asarray([(outlook.mu_se, -outlook.mu_se, 0.0, 0.0) for outlook in outlooks])[..., None],
        factor=np.asarray([(1.0, 1.0, factor, 1 / factor) for factor in stretch])[..., None],
    )
    errors = _half_differences(bent.between(*edges(brackets)))
    return [Odds(tuple(p), tuple(e)) for p, e in zip(probabilities.tolist(), errors.tolist(), strict=True)]
