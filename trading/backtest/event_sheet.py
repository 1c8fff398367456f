"""One event prepared for its replay: its ladder as columns, and what is believed of it from each segment's start on.

A belief changes when a forecast becomes available or a gate of time opens or closes; between, it is made anew on every
full hour, in which a spread moves by a few hundredths of a degree. Each such moment begins a segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from markets.domain.types import Board, BoardMarket, MarketSnapshot
from milkbot.core.arrays import Floats
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.money import ZERO
from trading.backtest.as_of import AsOf, displayed, recorded_book
from trading.backtest.gate_times import gate_times
from trading.backtest.ladder_columns import (
    MICROS,
    NOBODY,
    Int32s,
    LadderColumns,
    ladder_columns,
    micros_of,
)
from trading.backtest.recorded_types import QUIET_AT_MOST, Quote, RecordedEvent
from trading.domain.event_gate import check_event
from trading.domain.inputs import Circumstances, CityView, EventContext
from trading.domain.judge_rows import put_rows_beside
from trading.domain.opinion import form_belief, situation_of, timing_of
from weather.domain.outlook import make_outlook
from weather.domain.types import Outlook

Bools = npt.NDArray[np.bool_]


class RowOpinion(NamedTuple):
    """What is believed on each row of each bracket; NaN where nobody has an opinion."""

    p_model: Floats
    p_market: Floats
    """NaN as well where the ladder's prices are no forecast."""
    p_trade: Floats
    errors: Floats
    """Standard errors of `p_trade`."""


@dataclass(frozen=True, slots=True)
class EventSheet:
    """What a search for trades needs of one event. Rows are instants, columns brackets, coldest first."""

    event: RecordedEvent
    columns: LadderColumns
    starts: tuple[datetime, ...]
    """When each segment begins, ascending; the first is the opening."""
    segment: Int32s
    """Of each row."""
    is_open: Bools
    """Of each segment: whether the event as a whole may be traded in it."""
    opinion: RowOpinion


class EventPast:
    """An event as anyone could have seen it at any of its instants."""

    def __init__(self, as_of: AsOf, event: RecordedEvent) -> None:
        self.event = event
        self.city: CityConfig = load_cities()[event.city_code]
        self._as_of = as_of
        self._template = as_of.board(event, event.open_at)
        self._histories = [as_of.recording.quotes[entry.market.ticker] for entry in self._template.markets]

    @property
    def refusal(self) -> str | None:
        """Why nothing of the event may be traded, if so."""
        return self._template.refusal

    @property
    def tickers(self) -> tuple[str, ...]:
        """Coldest first."""
        return tuple(entry.market.ticker for entry in self._template.markets)

    def board(self, places: Sequence[int], now: datetime) -> Board:
        """The board at `now`, when the newest quote of each market is the one at `places` of its history.

        The same as `AsOf.board`, at a fraction of its cost: what an event has at its opening is not checked again. When
        nothing has moved for too long nobody was recording, and the prices are as old as the last change.
        """
        quotes = [
            history[place] if place >= 0 else None
            for history, place in zip(self._histories, places, strict=True)
        ]
        changed_at = max((quote.at for quote in quotes if quote is not None), default=now)
        read_at = now if now - changed_at <= QUIET_AT_MOST else changed_at
        return self._template.model_copy(
            update={
                "captured_at": now,
                "markets": tuple(
                    _board_market(entry, quote, self._as_of.depth, read_at)
                    for entry, quote in zip(self._template.markets, quotes, strict=True)
                ),
            }
        )

    def outlook(self, start: datetime) -> Outlook | None:
        """What was believed of the day from the start of a segment on."""
        snapshot = self._as_of.snapshot(self.city, start)
        return make_outlook(self.city, snapshot, self.event.event_date, start) if snapshot else None

    def view(self, board: Board, outlook: Outlook | None, now: datetime) -> CityView:
        """The city with this one board, as a decision sees it."""
        outlooks = {} if outlook is None else {self.event.event_date: outlook}
        return CityView(self.city, self._as_of.snapshot(self.city, now), outlooks, (board,))


def event_sheet(
    past: EventPast, as_of: AsOf, forecasts: Sequence[datetime], around: Circumstances
) -> EventSheet:
    """The sheet of one event. `forecasts` as `gate_times`; of `around` everything but the time is used as it is."""
    event = past.event
    starts = gate_times(event, past.city, forecasts, around.policy)
    columns = ladder_columns(event, as_of.recording.quotes, starts)
    begun = np.asarray([micros_of(start) for start in starts], dtype=np.int64)
    segment = (np.searchsorted(begun, columns.at, side="right") - 1).astype(np.int32)
    opinion = RowOpinion(*np.full((4, *columns.bid.shape), np.nan))
    is_open = np.zeros(len(starts), dtype=np.bool_)
    unquoted = [-1] * len(columns.brackets)
    for number, start in enumerate(starts):
        outlook = past.outlook(start)
        board = past.board(unquoted, start)
        view = past.view(board, outlook, start)
        context = EventContext(past.city, board, around._replace(now=start))
        is_open[number] = bool(check_event(view, context))
        if outlook is not None and is_open[number]:
            _fill_in(opinion, np.flatnonzero(segment == number), columns, outlook, context)
    return EventSheet(
        event=event, columns=columns, starts=starts, segment=segment, is_open=is_open, opinion=opinion
    )


def _fill_in(
    opinion: RowOpinion,
    rows: npt.NDArray[np.intp],
    columns: LadderColumns,
    outlook: Outlook,
    context: EventContext,
) -> None:
    """Write what decisions believe on `rows`, which are those of one segment."""
    situation = situation_of(outlook, context)
    belief = form_belief(situation, context)
    if belief is None or not belief.is_admitted or not rows.size:
        return
    bids, asks = (
        np.where(side[rows] == NOBODY, np.nan, side[rows] / MICROS) for side in (columns.bid, columns.ask)
    )
    priced = put_rows_beside(belief, bids, asks, is_quiet=timing_of(situation).is_quiet)
    opinion.p_model[rows] = belief.p_model
    opinion.p_market[rows] = priced.p_market
    opinion.p_trade[rows] = priced.p_trade
    opinion.errors[rows] = priced.errors


def _board_market(entry: BoardMarket, quote: Quote | None, depth: Decimal, now: datetime) -> BoardMarket:
    market = entry.market
    bid, ask = (quote.yes_bid, quote.yes_ask) if quote else (None, None)
    bid_size, ask_size = displayed(quote, depth)
    snapshot = MarketSnapshot.of_checked(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        captured_at=now,
        status=market.status,
        yes_bid=bid,
        yes_bid_size=bid_size,
        yes_ask=ask,
        yes_ask_size=ask_size,
        last_price=quote.last if quote else None,
        volume=(quote.volume if quote else None) or ZERO,
        open_interest=(quote.open_interest if quote else None) or ZERO,
    )
    book = recorded_book(market.ticker, bid, bid_size, ask, ask_size)
    return BoardMarket(market=market, bracket=entry.bracket, snapshot=snapshot, book=book)
