"""Scores of some weeks in five cities, as the batch would have left them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np

from analytics.models import SkillEventRow, SkillScoreRow
from milkbot.core.config import TradingMode
from trading.backtest.results import FLAT, MARKET, P_MODEL, P_TRADE

CITIES: Final = ("CHI", "NYC", "MIA", "LAX", "DEN")

LAST: Final = date(2026, 3, 1)
NOW: Final = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
NAMES: Final = (MARKET, P_MODEL, P_TRADE, FLAT, "forecast_edge")
RECORD: Final = (MARKET, "forecast_edge")
"""All that the gate asks for."""
_EDGES: Final = (0.0, 0.1, 0.4, 0.8, 1.0)
"""Of a calibrated forecaster's brackets, each of which wins as often as it is wide."""
HOURS: Final = (-4, 7, 10, 13, 16)


def store_scores(
    mode: TradingMode,
    *,
    days: int = 70,
    better: float = 0.0,
    hours: tuple[int, ...] = HOURS,
    names: tuple[str, ...] = NAMES,
    last: date = LAST,
) -> None:
    """Every forecaster at some hours of each event: ours beat the market by `better` nats on average, and the place of
    the outcome in them is even, as a calibrated forecaster's is."""
    rng = np.random.default_rng(7)
    events = [_event(mode, city, last - timedelta(days=back)) for back in range(days) for city in CITIES]
    SkillEventRow.objects.bulk_create(events)
    SkillScoreRow.objects.bulk_create(
        score for event in events for hour in hours for score in _scores(event, hour, better, names, rng)
    )


def _event(mode: TradingMode, city: str, day: date) -> SkillEventRow:
    ticker = f"KXHIGH{city}-{day:%y%b%d}".upper()
    return SkillEventRow(
        mode=mode,
        event_ticker=ticker,
        city_code=city,
        event_date=day,
        winner=f"{ticker}-B74.5",
        settle_f=74,
        settled_at=_at(day, 38),
        scored_at=_at(day, 38),
        ladders=36,
        skipped={P_MODEL: {"NOT_SEEN": 1}},
    )


def _scores(
    event: SkillEventRow, hour: int, better: float, names: tuple[str, ...], rng: np.random.Generator
) -> list[SkillScoreRow]:
    market = max(0.05, 1.5 - 0.045 * (hour + 4) + rng.normal(0, 0.25))
    ours = max(0.01, market - better + rng.normal(0, 0.05))
    losses = {MARKET: market, P_TRADE: (ours + market) / 2, FLAT: 1.792}
    place = int(rng.choice(4, p=np.diff(_EDGES)))
    return [
        SkillScoreRow(
            mode=event.mode,
            event_ticker=event.event_ticker,
            city_code=event.city_code,
            event_date=event.event_date,
            at=_at(event.event_date, hour + 6),
            local_hour=hour,
            lead_hours=max(15 - hour, 0),
            forecaster=name,
            outcome=place,
            p_outcome=_EDGES[place + 1] - _EDGES[place],
            log_loss=losses.get(name, ours),
            brier=0.7,
            rps=0.5,
            pit_low=_EDGES[place],
            pit_high=_EDGES[place + 1],
            clipped=False,
        )
        for name in names
    ]


def _at(day: date, hours: int) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(hours=hours)
