"""Forecasters beside one another on the same event at the same moment, five times a day, and what came of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, TypeGuard

import numpy as np

from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.scoring.crps import crps_integer
from trading.backtest.baselines import Baselines, read_off
from trading.backtest.event_past import EventPast
from trading.backtest.event_sheet import EventSheet, Known
from trading.backtest.recorded_types import RecordedEvent
from trading.backtest.results import CLIMATOLOGY, FLAT, MARKET, P_MODEL, P_TRADE, POINT_SPREAD, ScoredLadder
from trading.domain.inputs import Circumstances, EventContext
from trading.domain.market_expert import market_opinion, quotes_of
from trading.domain.opinion import form_opinion
from weather.domain.brackets import Bracket
from weather.domain.calibration import PEAK_HOUR_LST
from weather.domain.odds import whole_day_probabilities
from weather.domain.types import Outlook

LOCAL_HOURS: Final = (-4, 7, 10, 13, 16)
"""Local standard hours of the event's day: eight in the evening before, then from the morning on until it has peaked."""
HALF_WIDTH_F: Final = 60
"""Degrees around the mean within which the whole distribution is taken to lie, for the CRPS."""


def scored_ladders(
    past: EventPast, sheet: EventSheet, baselines: Baselines, known: Known, around: Circumstances
) -> tuple[ScoredLadder, ...]:
    """The event at each of LOCAL_HOURS at which it traded, earliest first. Raises ValueError while it is undecided."""
    event = sheet.event
    outcome = winner_of(event, past.tickers)
    start, _ = climate_day_bounds(event.event_date, past.city.std_offset_hours)
    found = []
    for hour in LOCAL_HOURS:
        at = start + timedelta(hours=hour)
        if event.open_at <= at < event.close_at:
            circumstances = known.circumstances(around, at)
            found.append(_scored(past, sheet, baselines, circumstances, hour, outcome))
    return tuple(found)


def _scored(
    past: EventPast,
    sheet: EventSheet,
    baselines: Baselines,
    around: Circumstances,
    hour: int,
    outcome: int,
) -> ScoredLadder:
    event, brackets = sheet.event, [(each.low_f, each.high_f) for each in sheet.columns.brackets]
    at = around.now
    board = past.board(past.places_at(at), at)
    outlook = past.outlook(at)
    spoken: dict[str, Sequence[float] | None] = {
        MARKET: market_opinion(quotes_of(board.markets)),
        FLAT: [1 / len(brackets)] * len(brackets),
        CLIMATOLOGY: read_off(baselines.climatology(event.city_code, event.event_date, at), brackets),
        POINT_SPREAD: read_off(baselines.point_spread(event.city_code, event.event_date, at), brackets),
    }
    pit = mean_f = crps_f = None
    if outlook is not None:
        opinion = form_opinion(outlook, EventContext(past.city, board, around), sheet.belief_made_at(at))
        if opinion is not None:
            spoken[P_MODEL], spoken[P_TRADE] = opinion.belief.p_model, opinion.priced.pool.p_trade
        else:
            # No strategy would act on it any more; the forecast says something all the same, and adds nothing to prices.
            spoken[P_MODEL], spoken[P_TRADE] = whole_day_probabilities(outlook, brackets), spoken[MARKET]
        mean_f = outlook.mu
        if event.settle_f is not None:
            pit, crps_f = _against(outlook, event.settle_f)
    return ScoredLadder(
        event_ticker=event.event_ticker,
        city=event.city_code,
        event_date=event.event_date,
        at=at,
        local_hour=hour,
        lead_hours=float(max(PEAK_HOUR_LST - hour, 0)),
        brackets=tuple(brackets),
        probabilities={name: tuple(said) for name, said in sorted(spoken.items()) if _speaks(said)},
        outcome=outcome,
        settle_f=event.settle_f,
        pit=pit,
        mean_f=mean_f,
        crps_f=crps_f,
    )


def _against(outlook: Outlook, settle_f: int) -> tuple[tuple[float, float], float]:
    """The PIT interval of the settled high and the CRPS in °F, both of the whole distribution."""
    first, last = round(outlook.mu) - HALF_WIDTH_F, round(outlook.mu) + HALF_WIDTH_F
    ends: list[Bracket] = [(None, settle_f - 1), (None, settle_f)]
    middle: list[Bracket] = [(degree, degree) for degree in range(first + 1, last)]
    # In one call: most of the cost is in having one.
    below, up_to, *masses = whole_day_probabilities(outlook, [*ends, (None, first), *middle, (last, None)])
    return (below, up_to), crps_integer(first, masses, settle_f)


def winner_of(event: RecordedEvent, tickers: Sequence[str]) -> int:
    """Place among `tickers` of the market that paid. Raises ValueError for an event that is not decided."""
    results = {entry.market.ticker: entry.result for entry in event.markets}
    return [results[ticker] for ticker in tickers].index("yes")


def _speaks(said: Sequence[float] | None) -> TypeGuard[Sequence[float]]:
    return said is not None and bool(np.isfinite(said).all())
