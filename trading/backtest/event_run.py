"""One event as it is traded in a replay: on which row to turn next, and what a turn does."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from trading.backtest.as_of import AsOf
from trading.backtest.desk import Desk, Note, Verdict
from trading.backtest.event_past import EventPast
from trading.backtest.event_sheet import Bools, EventSheet, Known, Screen
from trading.backtest.quote_history import MICROS, NOBODY, Int32s, micros_of
from trading.backtest.remembered import Told
from trading.backtest.screen import Prospects, is_deep, passed_through, prospects, surely_kept
from trading.domain.decide import Weighed, weigh
from trading.domain.ensemble import Belief
from trading.domain.inputs import Account, Circumstances, CityView, EventContext
from trading.domain.keys import intent_key
from trading.domain.risk import MarketPlace
from trading.domain.supersede import Standing, next_turn
from trading.domain.taking import BOOK
from trading.domain.types import BookSide, Order
from trading.domain.working import Belief as PlainBelief
from trading.domain.working import review_beside
from weather.domain.types import Outlook

_LATER: Final = datetime(9999, 1, 1, tzinfo=UTC)
_SIDES: Final = (BookSide.BID, BookSide.ASK)


class EventRun:
    """The search through one event's rows, and the turns on those that matter."""

    def __init__(self, sheet: EventSheet, as_of: AsOf, known: Known, around: Circumstances) -> None:
        self.sheet = sheet
        self._past = EventPast(as_of, sheet.event)
        self._known = known
        self._around = around
        self._columns = {bracket.ticker: column for column, bracket in enumerate(sheet.columns.brackets)}
        self._sendable: dict[str, tuple[Standing, bool, int | None]] = {}
        """By wish, from which row on it may be sent as it stood when it was asked for last, and whether that would close."""
        self._search = self._searched(as_of)
        self._belief: tuple[int, Belief | None] = (-1, None)
        """Of the segment that was turned in last."""

    @cached_property
    def _wishes(self) -> "Sequence[_Wish]":
        return [
            _Wish(_key(self.sheet, bracket.ticker, side, self._around), column, side)
            for side in _SIDES
            for column, bracket in enumerate(self.sheet.columns.brackets)
        ]

    @cached_property
    def _verdict(self) -> Verdict:
        return verdict_of(self.sheet)

    @cached_property
    def _told(self) -> Mapping[int, Told]:
        """Unpacked with the first turn: most events of a replay in which little may be traded have none."""
        return self.sheet.remembered.told()

    @property
    def place(self) -> MarketPlace:
        """Where the event's markets count for the caps."""
        city = self._past.city
        return MarketPlace(self.sheet.event.event_ticker, city.code, city.cluster)

    def next_row(self, after: int, desk: Desk) -> int | None:
        """The first row after `after` on which a turn could do anything; None when there is none left."""
        first = after + 1
        if self.sheet.screen is Screen.NONE:
            return first if first < self.sheet.columns.instants else None
        event_ticker = self.sheet.event.event_ticker
        found = [
            *self._wanted(first, desk),
            *(self._disturbed(first, each.order) for each in desk.account.resting(event_ticker)),
        ]
        return min((row for row in found if row is not None), default=None)

    def turn(self, row: int, desk: Desk) -> Weighed:
        """One turn: what was passed has filled, then decide, review, cancel and renew, and send."""
        now = self.sheet.columns.moment(row)
        board = self._past.board(self.sheet.columns.place[row].tolist(), now)
        view = self._past.view(board, self._outlook_on(row), now)
        around = self._known.circumstances(self._around, now)
        releases = self._past.releases
        desk.fill_resting(board, releases, self._verdict, now)
        orders = desk.resting_now(board.event_ticker, releases, now)
        account = desk.account.account(board.event_ticker)
        weighed = self._weigh(row, view, EventContext(view.city, board, around), account)
        if orders:
            beliefs = _beliefs(weighed)
            desk.carry_out(review_beside(orders, [view], beliefs, account.holdings, around), now)
        for place, intent in enumerate(weighed.intents):
            if intent is not None:
                desk.send(intent, _note(weighed, place), board, self.place, releases, self._verdict, now)
        return weighed

    def _weigh(self, row: int, view: CityView, event: EventContext, account: Account) -> Weighed:
        """As `decide` weighs the event; what is believed is formed once a segment, in which only prices move."""
        segment = int(self.sheet.segment[row])
        told = self._told.get(segment)
        known = told.belief if told else self._belief[1] if self._belief[0] == segment else None
        weighed, _ = weigh(view, event, account, known)
        self._belief = segment, weighed.opinion and weighed.opinion.belief
        return weighed

    def _searched(self, as_of: AsOf) -> "_Search | None":
        fees, around = self._past.fees, self._around
        if fees is None or not is_deep(as_of.depth, around.policy):
            return None
        found = prospects(self.sheet, fees, as_of.depth, around.policy, may_rest=around.may_rest)
        return _Search(found, _next_rows(found))

    def _wanted(self, first: int, desk: Desk) -> Sequence[int]:
        """For each wish that may still be sent, the first row on which it could be wanted."""
        if self._search is None:
            return ()
        standings = desk.account.standings(self.sheet.event.event_ticker)
        following: list[int] = self._search.following[first].tolist()
        found = []
        for place, (wish, row) in enumerate(zip(self._wishes, following, strict=True)):
            standing = standings.get(wish.key) if standings else None
            again = (
                row if standing is None else self._wanted_again(self._search, first, place, standing, desk)
            )
            if again is not None and again < self.sheet.columns.instants:
                found.append(again)
        return found

    def _wanted_again(
        self, search: "_Search", first: int, place: int, standing: Standing, desk: Desk
    ) -> int | None:
        """The first row from `first` on on which an earlier wish could be sent once more; None when there is none."""
        key, column, side = self._wishes[place]
        is_bid = side is BookSide.BID
        held = desk.account.held(self.sheet.columns.brackets[column].ticker)
        earliest = self._sendable_from(key, standing, closes=held < 0 if is_bid else held > 0)
        if earliest is None:
            return None
        row = int(search.following[max(first, earliest), place])
        wanted = (search.prospects.bid if is_bid else search.prospects.ask)[row:, column]
        further = _first_true(wanted & self._unchased(row, column, side, standing.first_price))
        return None if further is None else row + further

    def _unchased(self, begins: int, column: int, side: BookSide, first_price: Decimal) -> Bools:
        """Rows from `begins` on where a second try costs at most `max_chase` more; none is cheaper than at the own touch."""
        chase = self._around.policy.max_chase
        columns = self.sheet.columns
        if side is BookSide.BID:
            return np.asarray(columns.bid[begins:, column] <= int((first_price + chase) * MICROS))
        return np.asarray(columns.ask[begins:, column] >= int((first_price - chase) * MICROS))

    def _sendable_from(self, key: str, standing: Standing, *, closes: bool) -> int | None:
        """The first row on which supersession lets the wish be sent; None when it never does again."""
        known = self._sendable.get(key)
        if known is None or known[0] is not standing or known[1] is not closes:
            known = self._sendable[key] = standing, closes, self._made_sendable_from(standing, closes=closes)
        return known[2]

    def _made_sendable_from(self, standing: Standing, *, closes: bool) -> int | None:
        policy = self._around.policy
        # A wish that is refused at its own first price and any time later is refused for good.
        turn = next_turn(standing, BookSide.BID, standing.first_price, _LATER, policy, closes=closes)
        if not turn.gate:
            return None
        earliest = micros_of(standing.updated_at + policy.supersede_after)
        return int(self.sheet.columns.at.searchsorted(earliest))

    def _disturbed(self, first: int, order: Order) -> int | None:
        """The first row on which a resting order fills or might be cancelled."""
        column, is_bid = self._columns[order.market_ticker], order.book_side is BookSide.BID
        price = int(order.limit_price * MICROS)
        columns = self.sheet.columns
        passed = passed_through(
            is_bid=is_bid,
            price_micros=price,
            bid=columns.bid[first:, column],
            ask=columns.ask[first:, column],
        )
        if self._search is None:
            return first if first < columns.instants else None
        kept = surely_kept(
            self._search.prospects, column, is_bid=is_bid, price_micros=price, policy=self._around.policy
        )
        row = _first_true(passed | ~kept[first:])
        return None if row is None else first + row

    def _outlook_on(self, row: int) -> Outlook | None:
        segment = int(self.sheet.segment[row])
        told = self._told.get(segment)
        return told.outlook if told else self._past.outlook(self.sheet.outlook_at[segment])


class _Search(NamedTuple):
    """What could be wanted anywhere in the event."""

    prospects: Prospects
    following: Int32s
    """Of each row, and of the one after the last, the first from it on on which each wish could be wanted; as many as there
    are rows where none is. Bids by bracket, then asks."""


class _Wish(NamedTuple):
    """What may be wanted once: its intent key without a generation, its bracket, and its side of the book."""

    key: str
    column: int
    side: BookSide


def _key(sheet: EventSheet, ticker: str, side: BookSide, around: Circumstances) -> str:
    return intent_key(
        mode=around.mode,
        city_code=sheet.event.city_code,
        market_ticker=ticker,
        book_side=side,
        strategy=BOOK,
        event_date=sheet.event.event_date,
    )


def _next_rows(prospects: Prospects) -> Int32s:
    return np.hstack([_next_true(prospects.bid), _next_true(prospects.ask)])


def _next_true(wanted: Bools) -> Int32s:
    rows, columns = wanted.shape
    found = np.full((rows + 1, columns), rows, dtype=np.int32)
    found[:rows] = np.where(wanted, np.arange(rows, dtype=np.int32)[:, None], rows)
    return np.minimum.accumulate(found[::-1], axis=0)[::-1]


def verdict_of(sheet: EventSheet) -> Verdict:
    """How the event's markets ended: the last mid of each, and what it paid."""
    columns = sheet.columns
    both = (columns.bid != NOBODY) & (columns.ask != NOBODY)
    mids = {
        bracket.ticker: _last_mid(columns.bid[:, column], columns.ask[:, column], both[:, column])
        for column, bracket in enumerate(columns.brackets)
    }
    outcomes = {
        entry.market.ticker: entry.result == "yes" if entry.result else None for entry in sheet.event.markets
    }
    return Verdict(mids, outcomes)


def _beliefs(weighed: Weighed) -> dict[str, PlainBelief]:
    """What is believed of each market, by its ticker; nothing when every strategy abstains."""
    if weighed.opinion is None:
        return {}
    pool, markets = weighed.opinion.priced.pool, weighed.event.board.markets
    return {
        market.market.ticker: PlainBelief(p_yes, error)
        for market, p_yes, error in zip(markets, pool.p_trade, pool.errors, strict=True)
    }


def _note(weighed: Weighed, place: int) -> Note:
    opinion = weighed.opinion
    assert opinion is not None, "nobody who abstains wants anything"
    return Note(opinion.priced.pool.p_trade[place], opinion.belief.p_model[place], opinion.weights)


def _last_mid(bid: Int32s, ask: Int32s, both: Bools) -> Decimal | None:
    rows = np.flatnonzero(both)
    if not rows.size:
        return None
    return Decimal(int(bid[rows[-1]]) + int(ask[rows[-1]])) / (2 * MICROS)


def _first_true(values: Bools) -> int | None:
    row = int(values.argmax()) if values.size else 0
    return row if values.size and values[row] else None
