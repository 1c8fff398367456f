"""Signs requests. There is no login: every request proves the key (kalshi-api.md 1).

Text signed = milliseconds + METHOD + path from the API root, without host and query. RSA keys sign with PSS, SHA-256
and a 32-byte salt; Ed25519 keys sign the text as it is.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from milkbot.core.config import LOOPBACK_HOSTS
from milkbot.core.errors import ConfigError

DEMO_HOSTS: Final = frozenset(
    {"external-api.demo.kalshi.co", "demo-api.kalshi.co", "external-api-ws.demo.kalshi.co"}
)
LIVE_HOSTS: Final = frozenset(
    {"external-api.kalshi.com", "api.elections.kalshi.com", "external-api-ws.kalshi.com"}
)

_PSS: Final = PSS(mgf=MGF1(hashes.SHA256()), salt_length=32)


class Signer:
    """One API key, loaded once, and the hosts it may be shown to: a demo key never signs for the live exchange."""

    def __init__(self, key_id: str, private_key_path: Path, hosts: frozenset[str]) -> None:
        """Raises ConfigError when the file holds no unencrypted RSA or Ed25519 private key."""
        self.key_id = key_id
        self._key = _load_key(private_key_path)
        self._hosts = hosts | LOOPBACK_HOSTS

    def __repr__(self) -> str:
        return f"<Signer for {', '.join(sorted(self._hosts))}>"

    def may_sign_for(self, host: str | None) -> bool:
        return host in self._hosts

    def headers(self, method: str, path: str, at_ms: int) -> Mapping[str, str]:
        """The three signature headers. `path` starts at the API root, e.g. /trade-api/v2/portfolio/balance."""
        text = f"{at_ms}{method}{path.split('?', 1)[0]}".encode()
        return MappingProxyType(
            {
                "KALSHI-ACCESS-KEY": self.key_id,
                "KALSHI-ACCESS-TIMESTAMP": str(at_ms),
                "KALSHI-ACCESS-SIGNATURE": base64.b64encode(self._sign(text)).decode(),
            }
        )

    def _sign(self, text: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(text, _PSS, hashes.SHA256())
        return self._key.sign(text)


def _load_key(path: Path) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(f"The Kalshi private key {path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is dropped on purpose: parser messages may quote the key.
        raise ConfigError(f"{path} is not an unencrypted private key in PEM form.") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ConfigError(f"{path} holds a {type(key).__name__}; Kalshi takes RSA or Ed25519 keys.")
    return key
