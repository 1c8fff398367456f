"""One connection to the feed: its subscriptions, their sequence numbers, and what each has been told."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.feeds import Trade
from sandbox.kalshi.stream.board import Board
from sandbox.kalshi.stream.commands import (
    BOOK,
    CHANNELS,
    MESSAGES,
    PER_MARKET,
    TICKER,
    Command,
    Params,
    StreamError,
    command_id,
    parse,
)
from sandbox.kalshi.stream.messages import Levels, delta_msg, snapshot_msg, trade_msg, with_times
from sandbox.kalshi.wire import JsonObject

Place = tuple[str, str, Decimal]
"""Market, side (yes or no bids) and price of a change in a book."""


@dataclass(slots=True)
class Subscription:
    """A channel and its markets, None for all. `books` and `tickers` are what was told last."""

    sid: int
    channel: str
    markets: dict[str, None] | None
    uses_yes_price: bool = False
    seq: int = 0
    books: dict[str, tuple[Levels, Levels]] = field(default_factory=dict)
    tickers: dict[str, JsonObject] = field(default_factory=dict)

    def covers(self, ticker: str) -> bool:
        """Whether the market is subscribed to."""
        return self.markets is None or ticker in self.markets

    def next_seq(self) -> int:
        """The number of the next message that has one."""
        self.seq += 1
        return self.seq


class Session:
    """`board` tells the present, `send` puts a message on its way; `member` is whose connection it is."""

    def __init__(self, member: str, board: Callable[[], Board], send: Callable[[JsonObject], None]) -> None:
        self.member = member
        self._board = board
        self._send = send
        self._subscriptions: dict[int, Subscription] = {}
        self._sids = 0

    def hear(self, text: str) -> None:
        """Carry out one command, or say why not."""
        try:
            self._carry_out(parse(text))
        except StreamError as error:
            self._fail(command_id(text), error.code)

    def fail_all(self, code: int) -> None:
        """End every subscription with a terminal error."""
        self._subscriptions.clear()
        self._fail(0, code)

    def subscriptions(self, channel: str) -> list[Subscription]:
        """Those to one channel."""
        return [one for one in self._subscriptions.values() if one.channel == channel]

    def tell(self, channel: str, kind: str, msg: JsonObject, ticker: str) -> None:
        """A message about one market to whoever subscribed to it."""
        for subscription in self.subscriptions(channel):
            if subscription.covers(ticker):
                self._send({"type": kind, "sid": subscription.sid, "msg": msg})

    def tell_books(self, board: Board, markets: Collection[str], causes: Mapping[Place, str]) -> None:
        """What changed in the books of `markets` since they were last told; `causes` are this member's own orders."""
        for subscription in self.subscriptions(BOOK):
            for ticker in subscription.markets or ():
                if ticker in markets:
                    self._tell_deltas(subscription, ticker, board, causes)

    def tell_tickers(self, board: Board, markets: Collection[str]) -> None:
        """Tickers among `markets` of which any figure changed."""
        for subscription in self.subscriptions(TICKER):
            for ticker in board.trading() if subscription.markets is None else subscription.markets:
                if ticker in markets and subscription.tickers.get(ticker) != board.ticker(ticker):
                    self._tell_ticker(subscription, ticker, board)

    def tell_trade(self, trade: Trade) -> None:
        """A trade."""
        self.tell("trade", "trade", trade_msg(trade), trade.ticker)

    def _carry_out(self, command: Command) -> None:
        if command.name == "subscribe":
            self._subscribe(command)
        elif command.name == "unsubscribe":
            self._unsubscribe(command)
        elif command.name == "update_subscription":
            self._update(command)
        else:
            listed = [{"channel": one.channel, "sid": one.sid} for one in self._subscriptions.values()]
            self._reply(command.id, {"type": "ok", "msg": listed})

    def _subscribe(self, command: Command) -> None:
        tickers = command.params.tickers()
        for channel in command.params.channels():
            try:
                subscription = self._subscribed(channel, tickers, command.params)
            except StreamError as error:
                self._fail(command.id, error.code)
                continue
            told = {"channel": channel, "sid": subscription.sid}
            self._reply(command.id, {"type": "subscribed", "msg": told})
            self._begin(subscription, tickers, command.params)

    def _subscribed(self, channel: str, tickers: tuple[str, ...], params: Params) -> Subscription:
        """The subscription to a channel; a second one to the same channel joins the first."""
        if channel not in CHANNELS:
            raise StreamError(8)
        if channel == BOOK and not tickers:
            raise StreamError(14)
        markets = dict.fromkeys(tickers) if tickers and channel in PER_MARKET else None
        uses_yes_price = params.flag("use_yes_price")
        for existing in self.subscriptions(channel):
            existing.markets = (
                None if markets is None or existing.markets is None else existing.markets | markets
            )
            return existing
        self._sids += 1
        subscription = Subscription(self._sids, channel, markets, uses_yes_price)
        self._subscriptions[subscription.sid] = subscription
        return subscription

    def _begin(self, subscription: Subscription, tickers: tuple[str, ...], params: Params) -> None:
        """What new markets are told at once: a snapshot of their books, and of their tickers when asked for.

        Without it a ticker is first told when it changes.
        """
        if subscription.channel == BOOK:
            self._tell_snapshots(subscription, tickers)
        if subscription.channel == TICKER:
            board, now_told = self._board(), params.flag("send_initial_snapshot")
            for ticker in board.trading() if subscription.markets is None else tickers:
                if now_told:
                    self._tell_ticker(subscription, ticker, board)
                subscription.tickers.setdefault(ticker, board.ticker(ticker))

    def _unsubscribe(self, command: Command) -> None:
        for sid in command.params.sids():
            subscription = self._subscriptions.pop(sid, None)
            if subscription is None:
                self._fail(command.id, 7)
            else:
                told = {"type": "unsubscribed", "sid": sid, "seq": subscription.next_seq()}
                self._reply(command.id, told)

    def _update(self, command: Command) -> None:
        params = command.params
        sid = params.one_sid()
        subscription = self._subscriptions.get(sid)
        if subscription is None:
            raise StreamError(7)
        action, tickers = params.action(), params.tickers()
        is_about_books = action != "get_snapshot" or subscription.channel == BOOK
        if subscription.channel not in PER_MARKET or not is_about_books:
            raise StreamError(13)
        if not tickers:
            raise StreamError(14)
        if action == "get_snapshot":
            self._tell_snapshots(subscription, tickers)
            return
        added = self._changed_markets(subscription, action, tickers)
        markets = {"market_tickers": list(subscription.markets or ())}
        self._reply(command.id, {"type": "ok", "sid": sid, "seq": subscription.next_seq(), "msg": markets})
        self._begin(subscription, added, params)

    def _changed_markets(
        self, subscription: Subscription, action: str, tickers: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Add or delete markets; the ones that are new. A subscription to all markets stays one."""
        markets = subscription.markets
        if markets is None:
            return ()
        if action == "add_markets":
            added = tuple(ticker for ticker in tickers if ticker not in markets)
            markets |= dict.fromkeys(tickers)
            return added
        for ticker in tickers:
            markets.pop(ticker, None)
            subscription.books.pop(ticker, None)
            subscription.tickers.pop(ticker, None)
        return ()

    def _tell_snapshots(self, subscription: Subscription, tickers: tuple[str, ...]) -> None:
        board = self._board()
        for ticker in tickers:
            yes, no = board.levels(ticker)
            if subscription.covers(ticker):
                subscription.books[ticker] = yes, no
            shown_no = (
                {1 - price: count for price, count in no.items()} if subscription.uses_yes_price else no
            )
            self._numbered(subscription, "orderbook_snapshot", snapshot_msg(ticker, yes, shown_no))

    def _tell_deltas(
        self, subscription: Subscription, ticker: str, board: Board, causes: Mapping[Place, str]
    ) -> None:
        told, now = subscription.books.get(ticker, ({}, {})), board.levels(ticker)
        for side, before, after in zip(("yes", "no"), told, now, strict=True):
            for price in sorted(before.keys() | after.keys()):
                delta = after.get(price, Decimal(0)) - before.get(price, Decimal(0))
                if not delta:
                    continue
                is_turned = side == "no" and subscription.uses_yes_price
                msg = delta_msg(ticker, side, 1 - price if is_turned else price, delta, board.at)
                cause = causes.get((ticker, side, price))
                self._numbered(
                    subscription, "orderbook_delta", msg | ({"client_order_id": cause} if cause else {})
                )
        subscription.books[ticker] = now

    def _tell_ticker(self, subscription: Subscription, ticker: str, board: Board) -> None:
        msg = board.ticker(ticker)
        subscription.tickers[ticker] = msg
        self._send({"type": "ticker", "sid": subscription.sid, "msg": with_times(msg, board.at)})

    def _numbered(self, subscription: Subscription, kind: str, msg: JsonObject) -> None:
        self._send({"type": kind, "sid": subscription.sid, "seq": subscription.next_seq(), "msg": msg})

    def _reply(self, identity: int, message: JsonObject) -> None:
        self._send(({"id": identity} if identity else {}) | message)

    def _fail(self, identity: int, code: int) -> None:
        self._reply(identity, {"type": "error", "msg": {"code": code, "msg": MESSAGES[code]}})
