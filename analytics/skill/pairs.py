"""Stored scores of a forecaster beside the market's of the same event and hour."""

from collections import defaultdict
from datetime import date
from typing import Final, NamedTuple

from django.db import connection

from analytics.models import SkillEventRow, SkillScoreRow
from analytics.skill.comparing import Pair, share_inside
from milkbot.core.config import TradingMode
from trading.backtest.results import FLAT, MARKET, P_MODEL, P_TRADE

NOT_STRATEGIES: Final = frozenset({FLAT, MARKET, P_MODEL, P_TRADE})

_PAIRS: Final = """
SELECT ours.city_code, ours.event_date, ours.local_hour, ours.lead_hours, ours.log_loss, market.log_loss,
    ours.pit_low, ours.pit_high, ours.clipped
FROM analytics.skill_scores AS ours
JOIN analytics.skill_scores AS market
    ON market.mode = ours.mode AND market.event_ticker = ours.event_ticker
    AND market.local_hour = ours.local_hour AND market.forecaster = %(market)s
WHERE ours.mode = %(mode)s AND ours.forecaster = %(forecaster)s AND ours.event_date >= %(since)s
ORDER BY ours.event_date, ours.city_code, ours.local_hour
"""

_DAYS: Final = """
SELECT forecaster, count(*)::integer, sum(scores)::integer, avg(our_loss), avg(market_loss)
FROM (
    SELECT ours.forecaster, ours.event_date, count(*) AS scores, avg(ours.log_loss) AS our_loss,
        avg(market.log_loss) AS market_loss
    FROM analytics.skill_scores AS ours
    JOIN analytics.skill_scores AS market
        ON market.mode = ours.mode AND market.event_ticker = ours.event_ticker
        AND market.local_hour = ours.local_hour AND market.forecaster = %(market)s
    WHERE ours.mode = %(mode)s AND ours.event_date >= %(since)s AND ours.forecaster <> %(market)s
    GROUP BY ours.forecaster, ours.event_date, ours.event_ticker
) AS by_event
GROUP BY forecaster, event_date
ORDER BY forecaster, event_date
"""


class DayMeans(NamedTuple):
    """A date's means over its events, as `analytics.skill.comparing.compare` takes them."""

    events: int
    scores: int
    ours: float
    market: float


def read_pairs(mode: TradingMode, forecaster: str, since: date) -> tuple[Pair, ...]:
    """All pairs of events from climate day `since` on, oldest first."""
    values = {"mode": mode.value, "forecaster": forecaster, "market": MARKET, "since": since}
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, values)
        return tuple(
            Pair(city, day, hour, lead, ours, theirs, share_inside(low, high), clipped)
            for city, day, hour, lead, ours, theirs, low, high, clipped in cursor.fetchall()
        )


def read_days(mode: TradingMode, since: date) -> dict[str, tuple[DayMeans, ...]]:
    """Each forecaster's days beside the market, oldest first: all hours of an event averaged, then a date's events."""
    found: dict[str, list[DayMeans]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"mode": mode.value, "market": MARKET, "since": since})
        for forecaster, *means in cursor.fetchall():
            found[forecaster].append(DayMeans(*means))
    return {forecaster: tuple(days) for forecaster, days in found.items()}


def scored_strategies(mode: TradingMode, since: date) -> tuple[str, ...]:
    """Names of the strategies that were ever scored since then."""
    rows = SkillScoreRow.objects.filter(mode=mode, event_date__gte=since).exclude(
        forecaster__in=NOT_STRATEGIES
    )
    return tuple(rows.order_by("forecaster").values_list("forecaster", flat=True).distinct())


def count_skipped(mode: TradingMode, forecaster: str, since: date) -> dict[str, int]:
    """At how many event hours since then the forecaster could not be scored, by reason."""
    found: dict[str, int] = {}
    events = SkillEventRow.objects.filter(mode=mode, event_date__gte=since)
    for reasons in events.values_list(f"skipped__{forecaster}", flat=True):
        for reason, count in (reasons or {}).items():
            found[reason] = found.get(reason, 0) + count
    return dict(sorted(found.items()))
