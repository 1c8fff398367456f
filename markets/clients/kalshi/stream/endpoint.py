"""Where the feed is and who may hear it. Its handshake is signed even for what everybody may read."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from markets.clients.kalshi.signing import DEMO_HOSTS, LIVE_HOSTS, Signer
from milkbot.core.config import Config, TradingMode

LIVE_FEED_URL: Final = "wss://external-api-ws.kalshi.com/trade-api/ws/v2"
DEMO_FEED_URL: Final = "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2"
_PATH: Final = "/trade-api/ws/v2"


class Endpoint(NamedTuple):
    url: str
    signer: Signer


def endpoint_from_config(config: Config) -> Endpoint | None:
    """The feed of the configured mode; None without a key.

    SHADOW holds no key of the exchange; at a sandbox on this machine a demo key may be given, which goes nowhere else.
    Raises ConfigError when the key cannot be loaded.
    """
    url, key_id, path, hosts = (
        (LIVE_FEED_URL, config.kalshi_live_key_id, config.kalshi_live_private_key_path, LIVE_HOSTS)
        if config.trading_mode is TradingMode.LIVE
        else (DEMO_FEED_URL, config.kalshi_demo_key_id, config.kalshi_demo_private_key_path, DEMO_HOSTS)
    )
    is_keyless = config.trading_mode is TradingMode.SHADOW and not config.kalshi_base_url
    if is_keyless or key_id is None or path is None:
        return None
    return Endpoint(_beside(config.kalshi_base_url) or url, Signer(key_id.get_secret_value(), path, hosts))


def _beside(base_url: str | None) -> str | None:
    """The feed of an exchange whose REST interface an override names."""
    if base_url is None:
        return None
    parts = urlsplit(base_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{_PATH}"
