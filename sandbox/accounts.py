"""Two generated accounts, one signing with RSA and one with Ed25519, and a key that only reads the first of them.

The keys are kept so that a restart knows them.
"""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey
Scope = Literal["read", "write", "write::trade"]

STARTING_BALANCE: Final = Decimal("10000.00")
KEY_ID_NAMESPACE: Final = uuid.UUID("6f6b3f0e-5f0c-4a52-9a43-0d6b8f6a1c11")


TRADING: Final[tuple[Scope, ...]] = ("read", "write::trade")
READING: Final[tuple[Scope, ...]] = ("read",)
READ_ONLY_KEY: Final = "read-only"


@dataclass(frozen=True, slots=True)
class Account:
    """A key of the sandbox exchange and whose money it stands for. `balance` is that member's first cash in dollars."""

    key_id: str
    public_key: PublicKey
    private_key_path: Path
    member: str
    scopes: tuple[Scope, ...] = TRADING
    balance: Decimal = STARTING_BALANCE

    @property
    def name(self) -> str:
        """What its owner called it."""
        return self.private_key_path.stem

    @property
    def may_trade(self) -> bool:
        """Whether it may send, change and cancel orders."""
        return bool({"write", "write::trade"}.intersection(self.scopes))


def _new_rsa_key() -> PrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


GENERATORS: Final[dict[str, Callable[[], PrivateKey]]] = {
    "rsa": _new_rsa_key,
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def open_accounts(folder: Path) -> tuple[Account, ...]:
    """The accounts whose keys lie in `folder`; missing keys are made, readable by the owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tuple(_account(folder / f"{name}.pem", generate) for name, generate in GENERATORS.items())


def open_read_only_key(folder: Path, account: Account) -> Account:
    """A second key of `account`, kept in `folder` too: it sees everything and may order nothing."""
    key = _account(folder / f"{READ_ONLY_KEY}.pem", ed25519.Ed25519PrivateKey.generate)
    return replace(key, member=account.member, scopes=READING)


def _account(path: Path, generate: Callable[[], PrivateKey]) -> Account:
    if not path.exists():
        _write_key(path, generate())
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise TypeError(f"{path} holds neither an RSA nor an Ed25519 key")
    public = key.public_key()
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    key_id = str(uuid.uuid5(KEY_ID_NAMESPACE, encoded.hex()))
    return Account(key_id, public, path.resolve(), member=key_id)


def _write_key(path: Path, key: PrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    unfinished = path.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    unfinished.replace(path)
