"""Signatures, checked with the public key as the exchange would."""

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from markets.clients.kalshi.signing import DEMO_HOSTS, LIVE_HOSTS, Signer
from milkbot.core.errors import ConfigError

BALANCE = "/trade-api/v2/portfolio/balance"
AT_MS = 1_781_159_348_379


def _write(path: Path, key: object, encryption: KeySerializationEncryption | None = None) -> Path:
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())  # type: ignore[attr-defined]
    )
    return path


@pytest.mark.story("3.1", 2)
def test_rsa_signature_is_pss_with_a_32_byte_salt_over_time_method_and_path(tmp_path: Path) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    headers = Signer("key-1", _write(tmp_path / "k.pem", key), DEMO_HOSTS).headers("GET", BALANCE, AT_MS)
    assert headers["KALSHI-ACCESS-KEY"] == "key-1"
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == str(AT_MS)
    key.public_key().verify(
        base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]),
        f"{AT_MS}GET{BALANCE}".encode(),
        PSS(mgf=MGF1(hashes.SHA256()), salt_length=32),
        hashes.SHA256(),
    )


@pytest.mark.story("3.1", 2)
def test_ed25519_signature_is_over_time_method_and_path_without_the_query(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    signer = Signer("key-2", _write(tmp_path / "k.pem", key), LIVE_HOSTS)
    signature = base64.b64decode(
        signer.headers("GET", f"{BALANCE}?subaccount=1", AT_MS)["KALSHI-ACCESS-SIGNATURE"]
    )
    key.public_key().verify(signature, f"{AT_MS}GET{BALANCE}".encode())
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, f"{AT_MS}GET{BALANCE}?subaccount=1".encode())


def test_signer_signs_only_for_its_own_environment_and_this_machine(tmp_path: Path) -> None:
    signer = Signer("demo-key-id", _write(tmp_path / "k.pem", Ed25519PrivateKey.generate()), DEMO_HOSTS)
    assert signer.may_sign_for("external-api.demo.kalshi.co")
    assert signer.may_sign_for("127.0.0.1")
    for host in (*LIVE_HOSTS, "example.com", None):
        assert not signer.may_sign_for(host)
    assert "demo-key-id" not in repr(signer)


def test_signer_refuses_a_key_file_it_cannot_use(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN PRIVATE KEY-----\nsecretsecret\n-----END PRIVATE KEY-----\n")
    locked = _write(tmp_path / "locked.pem", Ed25519PrivateKey.generate(), BestAvailableEncryption(b"pass"))
    curve = _write(tmp_path / "curve.pem", ec.generate_private_key(ec.SECP256R1()))
    for path, words in (
        (tmp_path / "absent.pem", "cannot be read"),
        (garbage, "not an unencrypted private key"),
        (locked, "not an unencrypted private key"),
        (curve, "takes RSA or Ed25519"),
    ):
        with pytest.raises(ConfigError, match=words) as refusal:
            Signer("key", path, DEMO_HOSTS)
        assert "secretsecret" not in str(refusal.value)
