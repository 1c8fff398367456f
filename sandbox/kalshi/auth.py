"""Request signatures: RSA-PSS or Ed25519 over `timestamp + METHOD + path`, within 15 seconds of the machine's clock."""

from base64 import b64decode
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding
from starlette.requests import HTTPConnection

from sandbox.accounts import Account, PublicKey
from sandbox.fault_middleware import ARRIVED_AT
from sandbox.kalshi.errors import ApiError, coded

KEY_HEADER: Final = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER: Final = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER: Final = "KALSHI-ACCESS-SIGNATURE"
HEADERS: Final = (KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
SIGNER: Final = "sandbox.signer"
"""Scope key: the account whose signature was checked, or None."""
SKEW_ALLOWED_MS: Final = 15_000


class Gatekeeper:
    """Tells whose request it is."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = {account.key_id: account for account in accounts}

    def identify(self, request: HTTPConnection, wall: datetime) -> Account | None:
        """The signer, or None for a request without any of the three headers. Raises ApiError 401 for a bad one.

        A WebSocket handshake is signed as the GET that it is.
        """
        if not any(request.headers.get(name) for name in HEADERS):
            return None
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not signature:
            raise unsigned()
        account = self._accounts.get(request.headers.get(KEY_HEADER, ""))
        if account is None:
            raise _refused("INVALID_PARAMETER")
        timestamp = request.headers.get(TIMESTAMP_HEADER, "")
        if not _is_fresh(timestamp, request.scope.get(ARRIVED_AT, wall)):
            raise coded(401, "header_timestamp_expired", "header timestamp expired")
        text = f"{timestamp}{request.scope.get('method', 'GET')}{request.url.path}".encode()
        if not _is_signed(account.public_key, signature, text):
            raise _refused("INCORRECT_API_KEY_SIGNATURE")
        return account

    def keys_of(self, member: str) -> list[Account]:
        """Every key of one member."""
        return [account for account in self._accounts.values() if account.member == member]


def signer(request: HTTPConnection) -> Account:
    """Whose request it is. Raises ApiError 401 when it is not signed at all."""
    account: Account | None = request.scope[SIGNER]
    if account is None:
        raise unsigned()
    return account


def trader(request: HTTPConnection) -> Account:
    """The signer, who may order. Raises ApiError 401, or 403 for a key that may only read."""
    account = signer(request)
    if not account.may_trade:
        raise coded(403, "forbidden", "forbidden", "missing scope write::trade")
    return account


def unsigned() -> ApiError:
    """No signature where there has to be one."""
    return coded(401, "signature_is_missing_from_headers", "signature is missing from headers")


def _refused(details: str) -> ApiError:
    return coded(401, "authentication_error", "We could not authenticate your request", details)


def _is_fresh(timestamp: str, wall: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        return False
    return abs(wall.timestamp() * 1000 - int(timestamp)) <= SKEW_ALLOWED_MS


def _is_signed(key: PublicKey, signature: str, text: bytes) -> bool:
    try:
        raw = b64decode(signature, validate=True)
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(raw, text)
        else:
            salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
            key.verify(raw, text, salted, hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
