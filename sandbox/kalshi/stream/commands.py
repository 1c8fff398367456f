"""What a client may say on the feed, checked field by field; a mistake is a numbered error of the documented list."""

import json
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from sandbox.kalshi.wire import JsonObject, well_formed

PATH: Final = "/trade-api/ws/v2"

BOOK: Final = "orderbook_delta"
TICKER: Final = "ticker"
TRADE: Final = "trade"
FILL: Final = "fill"
USER_ORDERS: Final = "user_orders"
POSITIONS: Final = "market_positions"
LIFECYCLE: Final = "market_lifecycle_v2"
# Nothing ever happens on these here.
QUIET: Final = frozenset({"multivariate_market_lifecycle", "communications", "order_group_updates"})
PER_MARKET: Final = frozenset({BOOK, TICKER, TRADE, FILL, USER_ORDERS, POSITIONS})
CHANNELS: Final = PER_MARKET | {LIFECYCLE} | QUIET
ACTIONS: Final = frozenset({"add_markets", "delete_markets", "get_snapshot"})
COMMANDS: Final = frozenset({"subscribe", "unsubscribe", "update_subscription", "list_subscriptions"})

MESSAGES: Final = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market Ticker required",
    15: "Action required",
    25: "Subscription buffer overflow",
}


class StreamError(Exception):
    """A command that cannot be carried out; `code` is one of `MESSAGES`."""

    def __init__(self, code: int) -> None:
        super().__init__(MESSAGES[code])
        self.code = code


@dataclass(frozen=True, slots=True)
class Command:
    """One command. An `id` of 0 is the same as none."""

    id: int
    name: str
    params: "Params"


def parse(text: str) -> Command:
    """A command as it came in. Raises StreamError; `command_id` tells which command it was."""
    message = _object(text)
    name = message.get("cmd")
    if not isinstance(name, str) or name not in COMMANDS:
        raise StreamError(5)
    params = message.get("params")
    if name != "list_subscriptions" and not isinstance(params, dict):
        raise StreamError(2)
    return Command(command_id(text), name, Params(params if isinstance(params, dict) else {}))


def command_id(text: str) -> int:
    """The id of a command, 0 when it has none."""
    try:
        given = _object(text).get("id")
    except StreamError:
        return 0
    return max(given, 0) if _is_whole(given) else 0


class Params:
    """The `params` of a command."""

    def __init__(self, params: JsonObject) -> None:
        self._params = params

    def channels(self) -> list[str]:
        """The channels to subscribe to; whether they exist is not checked. Raises StreamError 3."""
        channels = self._params.get("channels")
        if not isinstance(channels, list) or not channels:
            raise StreamError(3)
        return [str(channel) for channel in channels]

    def sids(self) -> list[int]:
        """The subscriptions to cancel. Raises StreamError 4."""
        sids = self._params.get("sids")
        if not isinstance(sids, list) or not sids or not all(_is_whole(sid) for sid in sids):
            raise StreamError(4)
        return sids

    def one_sid(self) -> int:
        """The one subscription to change, as `sid` or as the only member of `sids`. Raises StreamError 12."""
        sid, sids = self._params.get("sid"), self._params.get("sids")
        given = ([] if sid is None else [sid]) + (sids if isinstance(sids, list) else [])
        if len(given) != 1 or not _is_whole(given[0]):
            raise StreamError(12)
        return given[0]

    def action(self) -> str:
        """What to change. Raises StreamError 15 or 13."""
        action = self._params.get("action")
        if action is None:
            raise StreamError(15)
        if not isinstance(action, str) or action not in ACTIONS:
            raise StreamError(13)
        return action

    def tickers(self) -> tuple[str, ...]:
        """Market tickers, empty when none are given. Raises StreamError 11 for anything else, market ids included."""
        one, several = self._params.get("market_ticker"), self._params.get("market_tickers")
        if "market_id" in self._params or "market_ids" in self._params or (one and several):
            raise StreamError(11)
        given = [one] if one is not None else several or []
        if not isinstance(given, list) or not all(isinstance(ticker, str) and ticker for ticker in given):
            raise StreamError(11)
        return tuple(dict.fromkeys(map(well_formed, given)))

    def flag(self, name: str) -> bool:
        """An option, false when absent. Raises StreamError 11."""
        value = self._params.get(name, False)
        if not isinstance(value, bool):
            raise StreamError(11)
        return value


def _object(text: str) -> JsonObject:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise StreamError(1) from None
    if not isinstance(message, dict):
        raise StreamError(1)
    return message


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
