"""From configuration to a conversation: which host, whose key, which budget."""

from collections.abc import Callable
from datetime import datetime

from markets.clients.kalshi.budget import TokenBudget
from markets.clients.kalshi.signing import DEMO_HOSTS, LIVE_HOSTS, Signer
from markets.clients.kalshi.transport import Transport
from milkbot.core import clock
from milkbot.core.config import Config, TradingMode


def transport_from_config(config: Config, *, wall_now: Callable[[], datetime] = clock.wall_now) -> Transport:
    """The transport for the configured mode; SHADOW signs nothing. Market data, portfolio and orders may share it.

    Raises ConfigError when the key cannot be loaded or belongs to the other environment.
    """
    return Transport(config.kalshi_url, signer_from_config(config), now=wall_now, budget=TokenBudget())


def signer_from_config(config: Config) -> Signer | None:
    """The key of the configured mode, bound to that mode's hosts. None in SHADOW, whatever keys are configured."""
    key_id, path, hosts = {
        TradingMode.SHADOW: (None, None, frozenset[str]()),
        TradingMode.DEMO: (config.kalshi_demo_key_id, config.kalshi_demo_private_key_path, DEMO_HOSTS),
        TradingMode.LIVE: (config.kalshi_live_key_id, config.kalshi_live_private_key_path, LIVE_HOSTS),
    }[config.trading_mode]
    return Signer(key_id.get_secret_value(), path, hosts) if key_id and path else None
