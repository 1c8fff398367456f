"""Tells every open connection what happens: members' own changes at once, the market's as often as it is looked at."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sandbox.exchange.types import (
    BookChanged,
    ExchangeEvent,
    FillMade,
    LifecycleChanged,
    OrderChanged,
    PositionChanged,
    TradePrinted,
)
from sandbox.kalshi.listing import market_json
from sandbox.kalshi.stream.board import Board
from sandbox.kalshi.stream.commands import FILL, LIFECYCLE, POSITIONS, TRADE, USER_ORDERS
from sandbox.kalshi.stream.messages import (
    event_created_msg,
    fill_msg,
    lifecycle_msg,
    market_created_msg,
    order_msg,
    position_msg,
)
from sandbox.kalshi.stream.session import Place, Session
from sandbox.kalshi.venue import Venue


class Hub:
    """The open sessions. `look` tells what changed in the market since it was last looked at."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._sessions: set[Session] = set()
        self._looked_at = venue.reached
        self._told_trades: set[tuple[datetime, str]] = set()
        self._listed: frozenset[str] = frozenset()
        venue.watch(self._hear)

    @property
    def is_watched(self) -> bool:
        """Whether anybody listens."""
        return bool(self._sessions)

    def board(self) -> Board:
        """The market at the instant the exchange has reached."""
        venue = self._venue
        return Board(venue.market, venue.listings_reached(), venue.reached)

    def join(self, session: Session) -> None:
        """From now on the session is told."""
        if not self._sessions:
            board = self.board()
            self._looked_at, self._told_trades = board.at, set()
            self._remember_trades(board, board.at)
            self._listed = frozenset(board.listed)
        self._sessions.add(session)

    def leave(self, session: Session) -> None:
        """The session is closed."""
        self._sessions.discard(session)

    def look(self) -> None:
        """Tell the changes of books, tickers, trades and listings in every market since the last look."""
        board = self.board()
        self._tell_new_listings(board)
        self._tell_trades(board, board.listed)
        if board.at > self._looked_at:
            self._told_trades = {trade for trade in self._told_trades if trade[0] == board.at}
        self._looked_at = board.at
        for session in self._sessions:
            session.tell_tickers(board, board.listed)
            session.tell_books(board, board.listed, {})

    def _glance(self, events: Sequence[ExchangeEvent]) -> None:
        """The same for the markets that `events` touch, which also say whose orders changed a book."""
        touched = {
            event.trade.ticker if isinstance(event, TradePrinted) else event.ticker
            for event in events
            if isinstance(event, BookChanged | TradePrinted)
        }
        if not touched:
            return
        board = self.board()
        self._tell_trades(board, touched)
        for session in self._sessions:
            session.tell_tickers(board, touched)
            session.tell_books(board, touched, _causes(events, session.member))

    def _hear(self, events: Sequence[ExchangeEvent]) -> None:
        if not self._sessions:
            return
        for event in events:
            self._tell(event)
        self._glance(events)

    def _tell(self, event: ExchangeEvent) -> None:
        match event:
            case FillMade(fill=fill):
                for session in self._of(fill.account):
                    session.tell(FILL, "fill", fill_msg(fill), fill.ticker)
            case OrderChanged(order=order):
                for session in self._of(order.account):
                    session.tell(USER_ORDERS, "user_order", order_msg(order), order.ticker)
            case PositionChanged(position=position):
                for session in self._of(position.account):
                    session.tell(POSITIONS, "market_position", position_msg(position), position.ticker)
            case LifecycleChanged(life=life):
                for session in self._sessions:
                    session.tell(LIFECYCLE, LIFECYCLE, lifecycle_msg(event), life.ticker)

    def _of(self, member: str) -> Iterable[Session]:
        return [session for session in self._sessions if session.member == member]

    def _tell_trades(self, board: Board, markets: Collection[str]) -> None:
        """Trades since the last look that were not told at a glance or at the very instant of that look."""
        watched = [one for session in self._sessions for one in session.subscriptions(TRADE)]
        listens_to_all = any(subscription.markets is None for subscription in watched)
        tickers = (
            board.listed
            if listens_to_all
            else {ticker for subscription in watched for ticker in subscription.markets or ()}
        )
        fresh = [
            trade
            for ticker in tickers
            if ticker in markets
            for trade in board.trades_since(ticker, self._looked_at)
            if (trade.at, trade.trade_id) not in self._told_trades
        ]
        for trade in sorted(fresh, key=lambda trade: (trade.at, trade.trade_id)):
            self._told_trades.add((trade.at, trade.trade_id))
            for session in self._sessions:
                session.tell_trade(trade)

    def _remember_trades(self, board: Board, since: datetime) -> None:
        for ticker in board.trading():
            found = board.trades_since(ticker, since)
            self._told_trades |= {(trade.at, trade.trade_id) for trade in found}

    def _tell_new_listings(self, board: Board) -> None:
        new = [listing for ticker, listing in board.listed.items() if ticker not in self._listed]
        if not new:
            return
        self._listed = frozenset(board.listed)
        events = {listing.ladder.event_ticker: listing for listing in new}
        for session in self._sessions:
            for listing in events.values():
                session.tell(LIFECYCLE, "event_lifecycle", event_created_msg(listing), listing.bracket.ticker)
            for listing in new:
                record = market_json(self._venue.market, listing)
                msg = market_created_msg(record, listing)
                session.tell(LIFECYCLE, LIFECYCLE, msg, listing.bracket.ticker)


def _causes(events: Sequence[ExchangeEvent], member: str) -> dict[Place, str]:
    return {
        (event.ticker, event.side, event.price): event.client_order_id
        for event in events
        if isinstance(event, BookChanged) and event.account == member and event.client_order_id
    }
