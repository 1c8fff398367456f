"""The batch that scores events once they have settled: each once, again when its result changes, a few at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from django.db import connection, transaction
from pydantic import BaseModel, ConfigDict

from analytics.models import SkillEventRow, SkillScoreRow
from analytics.skill.bands import Band, bands_of
from analytics.skill.covering import Forecast, forecasts_at, opinions_at, quotes_at, weights_at
from analytics.skill.instants import Instant, instants
from analytics.skill.ladder import Score, Skip, count_skips, score_ladder
from markets.models import EventRow, MarketRow
from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from milkbot.core.scoring.crps import crps_normal
from trading.backtest.results import MARKET, P_MODEL

EVENTS_AT_ONCE: Final = 20
"""Two days of ten cities: a longer backlog is worked off turn by turn."""
LOOKS_BACK: Final = timedelta(days=90)
"""As long as signals are kept."""
KEPT: Final = timedelta(days=400)
_LEAST_MARKETS: Final = 2

# Markets of an event settle one by one. Its result is told by who won and when the last one was settled; an event that
# no cycle of the mode ever decided on is not ours to score.
_UNSCORED: Final = """
SELECT settled.event_id
FROM (
    SELECT market.event_id, max(market.settled_at) AS at,
        string_agg(market.ticker, ',' ORDER BY market.ticker) FILTER (WHERE market.result = 'yes') AS winner
    FROM ops.markets AS market
    WHERE market.event_date >= %(since)s
    GROUP BY market.event_id
    HAVING bool_and(market.status = 'finalized')
) AS settled
JOIN ops.events AS event ON event.id = settled.event_id
LEFT JOIN analytics.skill_events AS known ON known.mode = %(mode)s AND known.event_ticker = event.event_ticker
WHERE (known.id IS NULL OR known.settled_at <> settled.at OR known.winner <> CASE
        WHEN settled.winner LIKE '%%,%%' THEN '' ELSE COALESCE(settled.winner, '') END)
    AND EXISTS (
        SELECT FROM ops.decisions AS decision JOIN ops.markets AS market ON market.id = decision.market_id
        WHERE market.event_id = settled.event_id AND decision.mode = %(mode)s
    )
ORDER BY settled.at, settled.event_id
LIMIT %(limit)s
"""


class SkillReport(BaseModel):
    """What one turn scored."""

    model_config = ConfigDict(frozen=True)

    events: int = 0
    scores: int = 0
    skipped: int = 0
    """Forecasts that could not be scored; their reasons stand with each event."""
    pruned: int = 0


def score_settled(
    mode: TradingMode, now: datetime, *, limit: int | None = EVENTS_AT_ONCE, is_past: bool = False
) -> SkillReport:
    """Score at most `limit` settled events that were not, or whose result has changed; the oldest settlement first.

    Of a past lived through at once (`is_past`), an event counts as scored when it settled, as the slow loop would have.
    """
    events = scores = skipped = 0
    for event_id in _unscored(mode, now, limit):
        row, count = _score_event(mode, EventRow.objects.get(pk=event_id), None if is_past else now)
        events, scores = events + 1, scores + count
        skipped += sum(sum(reasons.values()) for reasons in row.skipped.values())
    return SkillReport(events=events, scores=scores, skipped=skipped, pruned=_prune(mode, now))


def _unscored(mode: TradingMode, now: datetime, limit: int | None) -> list[int]:
    since = (now - LOOKS_BACK).date()
    with connection.cursor() as cursor:
        cursor.execute(_UNSCORED, {"mode": mode.value, "since": since, "limit": limit})
        return [pk for (pk,) in cursor.fetchall()]


@transaction.atomic
def _score_event(mode: TradingMode, event: EventRow, scored_at: datetime | None) -> tuple[SkillEventRow, int]:
    """All of an event anew, at `scored_at`, or as it settled. A second turn at it waits at its row and finds it done."""
    markets = sorted(event.markets.all(), key=_coldest_first)
    winners = [market for market in markets if market.result == "yes"]
    settled_at = max(market.settled_at for market in markets if market.settled_at)
    scored_at = scored_at or settled_at
    winner = winners[0].ticker if len(winners) == 1 else ""
    row, is_new = SkillEventRow.objects.select_for_update().get_or_create(
        mode=mode,
        event_ticker=event.event_ticker,
        defaults={
            "city_code": event.city_code,
            "event_date": event.event_date,
            "winner": winner,
            "settled_at": settled_at,
            "scored_at": scored_at,
            "ladders": 0,
        },
    )
    if not is_new and (row.winner, row.settled_at) == (winner, settled_at):
        return row, 0
    SkillScoreRow.objects.filter(mode=mode, event_ticker=event.event_ticker).delete()
    moments = _moments(event, markets) if winner and len(markets) >= _LEAST_MARKETS else ()
    row.winner, row.settled_at, row.scored_at = winner, settled_at, scored_at
    row.settle_f = _whole_degrees(winners[0].expiration_value) if winner else None
    row.revision += not is_new
    row.ladders = len(moments)
    scores, row.skipped = _scores(mode, row, markets, moments)
    row.bands = _bands(scores)
    row.save()
    return row, len(SkillScoreRow.objects.bulk_create(scores))


def _moments(event: EventRow, markets: Sequence[MarketRow]) -> tuple[Instant, ...]:
    offset = load_cities()[event.city_code].std_offset_hours
    open_at = max(market.open_at for market in markets)
    return instants(event.event_date, offset, open_at, min(market.close_at for market in markets))


def _scores(
    mode: TradingMode, event: SkillEventRow, markets: Sequence[MarketRow], moments: Sequence[Instant]
) -> tuple[list[SkillScoreRow], dict[str, dict[str, int]]]:
    """The rows of each forecaster that spoke, and how often which could not be scored."""
    if not moments:
        return [], {}
    times, ids = [moment.at for moment in moments], [market.pk for market in markets]
    outcome = [market.ticker for market in markets].index(event.winner)
    opinions, quotes = opinions_at(mode, ids, times), quotes_at(ids, times)
    forecasts = forecasts_at(event.city_code, event.event_date, times)
    weights = weights_at(mode, times)
    rows, ladders = [], []
    for moment in moments:
        found = score_ladder(
            outcome,
            [opinions.get((moment.at, pk)) for pk in ids],
            [quotes.get((moment.at, pk)) for pk in ids],
        )
        ladders.append(found)
        forecast = forecasts.get(moment.at)
        rows += [
            _row(event, moment, name, score, outcome, forecast, weights[moment.at])
            for name, score in found.items()
            if not isinstance(score, Skip)
        ]
    return rows, count_skips(ladders)


def _bands(scores: Sequence[SkillScoreRow]) -> dict[str, Band]:
    losses = {(row.local_hour, row.forecaster): row.log_loss for row in scores}
    hours = sorted(hour for hour, name in losses if name == P_MODEL and (hour, MARKET) in losses)
    return bands_of((hour, losses[hour, P_MODEL], losses[hour, MARKET]) for hour in hours)


def _row(
    event: SkillEventRow,
    moment: Instant,
    forecaster: str,
    score: Score,
    outcome: int,
    forecast: Forecast | None,
    weights_version: int | None,
) -> SkillScoreRow:
    crps_f = None
    if forecaster == P_MODEL and forecast is not None and event.settle_f is not None:
        crps_f = float(crps_normal(forecast.mu, forecast.sigma, event.settle_f))
    return SkillScoreRow(
        mode=event.mode,
        event_ticker=event.event_ticker,
        city_code=event.city_code,
        event_date=event.event_date,
        at=moment.at,
        local_hour=moment.local_hour,
        lead_hours=moment.lead_hours,
        forecaster=forecaster,
        outcome=outcome,
        crps_f=crps_f,
        weights_version=weights_version,
        calibration_version=forecast.version if forecast else "",
        **{name: getattr(score, name) for name in score.__dataclass_fields__},
    )


def _coldest_first(market: MarketRow) -> tuple[int, str]:
    return (-999 if market.low_f is None else market.low_f, market.ticker)


def _whole_degrees(value: str) -> int | None:
    """The settled high as the exchange prints it, `75` or `75.00`; None for anything else."""
    try:
        high_f = Decimal(value)
    except InvalidOperation:
        return None
    return int(high_f) if high_f == high_f.to_integral_value() and abs(high_f) < 200 else None


def _prune(mode: TradingMode, now: datetime) -> int:
    before = {"mode": mode, "event_date__lt": (now - KEPT).date()}
    gone, _ = SkillScoreRow.objects.filter(**before).delete()
    SkillEventRow.objects.filter(**before).delete()
    return gone
