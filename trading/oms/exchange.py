"""The exchange as a mode that sends real orders uses it: a venue to send to and an account to read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markets.clients.kalshi.connect import transport_from_config
from markets.clients.kalshi.portfolio import KalshiPortfolio
from milkbot.core import clock
from milkbot.core.config import Config, TradingMode
from trading.oms.account import Account, KalshiAccount
from trading.oms.venues.base import KillSwitch, RestingVenue

if TYPE_CHECKING:
    from trading.oms.venues.kalshi import KalshiVenue


@dataclass(frozen=True)
class Exchange:
    """`skew_s` is the exchange's clock minus ours in seconds by its last answer; None before any."""

    venue: RestingVenue
    account: Account
    skew_s: Callable[[], float | None] = lambda: None


@dataclass(frozen=True)
class CancelDesk:
    """The exchange as the console and the command line have it: they read, and take orders out of the book."""

    venue: KillSwitch
    account: Account


def connect_cancels(config: Config) -> CancelDesk | None:
    """The same connection without its means of placing orders; None in SHADOW. Raises ConfigError as `connect`."""
    connection = _connection(config)
    return CancelDesk(*connection[:2]) if connection else None


def connect(config: Config) -> Exchange | None:
    """The exchange of DEMO and LIVE; None in SHADOW, which sends nothing and never loads the order client.

    Raises ConfigError when the mode's key cannot be loaded or belongs to another environment.
    """
    connection = _connection(config)
    return Exchange(*connection) if connection else None


def _connection(config: Config) -> "tuple[KalshiVenue, KalshiAccount, Callable[[], float | None]] | None":
    """Venue, account and clock skew over one conversation."""
    if config.trading_mode is TradingMode.SHADOW:
        return None
    # Here and not above: importing it is what SHADOW must never do.
    from markets.clients.kalshi.orders import KalshiOrders
    from trading.oms.venues.kalshi import KalshiVenue

    transport = transport_from_config(config)
    conversation = transport.conversation
    # An order's expiration is in the exchange's time, which in a simulated world is the world's.
    venue = KalshiVenue(KalshiOrders(conversation, clock.now))
    return venue, KalshiAccount(KalshiPortfolio(transport)), lambda: conversation.skew_s
