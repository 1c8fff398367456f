"""Where the feed is and who may hear it. Its handshake is signed even for what everybody may read."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from markets.clients.kalshi.connect import signer_from_config
from markets.clients.kalshi.signing import Signer
from milkbot.core.config import Config, TradingMode

PATH: Final = "/trade-api/ws/v2"
LIVE_FEED_URL: Final = f"wss://external-api-ws.kalshi.com{PATH}"
DEMO_FEED_URL: Final = f"wss://external-api-ws.demo.kalshi.co{PATH}"


class Endpoint(NamedTuple):
    url: str
    signer: Signer


def endpoint_from_config(config: Config) -> Endpoint | None:
    """The feed of the configured mode; None without a key.

    SHADOW holds no key of the exchange; at a sandbox on this machine a demo key may be given, which goes nowhere else.
    Raises ConfigError when the key cannot be loaded.
    """
    signer = signer_from_config(config) or _sandbox_signer(config)
    return Endpoint(_url(config), signer) if signer else None


def _url(config: Config) -> str:
    if config.kalshi_base_url:
        parts = urlsplit(config.kalshi_base_url)
        return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{PATH}"
    return LIVE_FEED_URL if config.trading_mode is TradingMode.LIVE else DEMO_FEED_URL


def _sandbox_signer(config: Config) -> Signer | None:
    key_id, path = config.kalshi_demo_key_id, config.kalshi_demo_private_key_path
    if config.trading_mode is not TradingMode.SHADOW or not config.kalshi_base_url or not (key_id and path):
        return None
    return Signer(key_id.get_secret_value(), path, hosts=frozenset())
