"""What was known and thought of an event at given instants, from the rows that cover them.

A row covers an instant when it is the newest one made by then and was still seen shortly before: nothing made later is
ever read. Statements do not grow with instants or markets.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection

from analytics.skill.ladder import Opinion, Quote, opinion_of
from milkbot.core.config import TradingMode

SEEN_WITHIN: Final = timedelta(minutes=15)
"""Of the instant: what was last seen longer ago was not known to hold any more (reference 3.3)."""

At = tuple[datetime, int]
"""An instant and a market's id."""

_OPINIONS: Final = """
SELECT instant.at, market.id, opinion.p_yes, opinion.p_model, opinion.ensemble
FROM unnest(%(instants)s::timestamptz[]) AS instant(at)
CROSS JOIN unnest(%(markets)s::bigint[]) AS market(id)
JOIN LATERAL (
    SELECT p_yes, p_model, ensemble, seen_until
    FROM ops.signals AS signal
    WHERE signal.mode = %(mode)s AND signal.market_id = market.id AND signal.made_at <= instant.at
    ORDER BY signal.made_at DESC, signal.id DESC
    LIMIT 1
) AS opinion ON opinion.seen_until >= instant.at - %(within)s
"""
_QUOTES: Final = """
SELECT instant.at, market.id, quote.yes_bid, quote.yes_ask
FROM unnest(%(instants)s::timestamptz[]) AS instant(at)
CROSS JOIN unnest(%(markets)s::bigint[]) AS market(id)
JOIN LATERAL (
    SELECT yes_bid, yes_ask, last_seen_at
    FROM ops.market_snapshots AS snapshot
    WHERE snapshot.market_id = market.id AND snapshot.captured_at <= instant.at
    ORDER BY snapshot.captured_at DESC, snapshot.id DESC
    LIMIT 1
) AS quote ON quote.last_seen_at >= instant.at - %(within)s
"""
_FORECASTS: Final = """
SELECT instant.at, forecast.mu, forecast.sigma, forecast.model_version
FROM unnest(%(instants)s::timestamptz[]) AS instant(at)
JOIN LATERAL (
    SELECT mu, sigma, model_version
    FROM ops.forecasts AS forecast
    WHERE forecast.city_code = %(city)s AND forecast.event_date = %(day)s AND forecast.made_at <= instant.at
    ORDER BY forecast.made_at DESC, forecast.id DESC
    LIMIT 1
) AS forecast ON true
"""
_WEIGHTS: Final = """
SELECT instant.at, (
    SELECT max(weights.version) FROM ops.ensemble_weights AS weights
    WHERE weights.mode = %(mode)s AND weights.learned_at <= instant.at
)
FROM unnest(%(instants)s::timestamptz[]) AS instant(at)
"""


class Forecast(NamedTuple):
    """The distribution of the high that was in force: its mean and standard deviation, °F."""

    mu: float
    sigma: float
    version: str


def opinions_at(
    mode: TradingMode, market_ids: Sequence[int], instants: Sequence[datetime]
) -> Mapping[At, Opinion]:
    """What we thought of each market at each instant, where a signal covers it."""
    rows = _rows(_OPINIONS, mode=mode.value, markets=list(market_ids), instants=list(instants))
    return {(at, pk): opinion_of(p_yes, p_model, _parsed(said)) for at, pk, p_yes, p_model, said in rows}


def quotes_at(market_ids: Sequence[int], instants: Sequence[datetime]) -> Mapping[At, Quote]:
    """The prices of each market at each instant, where a snapshot covers it."""
    rows = _rows(_QUOTES, markets=list(market_ids), instants=list(instants))
    return {(at, pk): Quote(bid, ask) for at, pk, bid, ask in rows}


def forecasts_at(city_code: str, day: date, instants: Sequence[datetime]) -> Mapping[datetime, Forecast]:
    """The newest forecast of a city's climate day at each instant that has one."""
    rows = _rows(_FORECASTS, city=city_code, day=day, instants=list(instants))
    return {at: Forecast(*values) for at, *values in rows}


def weights_at(mode: TradingMode, instants: Sequence[datetime]) -> Mapping[datetime, int | None]:
    """The version of the ensemble's weights in force at each instant."""
    return dict(_rows(_WEIGHTS, mode=mode.value, instants=list(instants)))


def _rows(statement: str, **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values | {"within": SEEN_WITHIN})
        return list(cursor.fetchall())


def _parsed(said: str | None) -> Mapping[str, Any] | None:
    """Django reads jsonb as text where it does not know the column."""
    return None if said is None else json.loads(said)
