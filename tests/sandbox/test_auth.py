"""Signatures: both key kinds, the accepted skew, and the refusals in the exchange's own words."""

import stat
import uuid
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from sandbox.accounts import Account, open_accounts
from sandbox.recorded import RecordedDay
from tests.sandbox.stages import Client, client_of, stage_at

BALANCE = "/trade-api/v2/portfolio/balance"
NOW = datetime(2026, 5, 19, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, ...]:
    """An RSA and an Ed25519 account."""
    return open_accounts(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def client(invented_day: RecordedDay, accounts: tuple[Account, ...]) -> Client:
    """A sandbox whose machine clock stands at `NOW`."""
    return client_of(stage_at(invented_day, NOW), accounts)


def signed(account: Account, path: str, at: datetime = NOW, signed_path: str | None = None) -> dict[str, str]:
    """The three headers of a GET."""
    timestamp = str(round(at.timestamp() * 1000))
    text = f"{timestamp}GET{signed_path or path}".encode()
    key = serialization.load_pem_private_key(account.private_key_path.read_bytes(), password=None)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(text)
    else:
        assert isinstance(key, rsa.RSAPrivateKey)
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        signature = key.sign(text, pss, hashes.SHA256())
    return {
        "KALSHI-ACCESS-KEY": account.key_id,
        "KALSHI-ACCESS-TIMESTAMP": timestamp,
        "KALSHI-ACCESS-SIGNATURE": b64encode(signature).decode(),
    }


@pytest.mark.parametrize("index", [0, 1])
def test_both_key_kinds_read_their_balance_and_limits(
    client: Client, accounts: tuple[Account, ...], index: int
) -> None:
    balance = client.get(f"{BALANCE}?subaccount=0", headers=signed(accounts[index], BALANCE))
    assert balance.status_code == 200
    assert (balance.json()["balance"], balance.json()["balance_dollars"]) == (1_000_000, "10000.0000")
    limits = client.get(
        "/trade-api/v2/account/limits", headers=signed(accounts[index], "/trade-api/v2/account/limits")
    )
    assert limits.json()["read"] == {"bucket_capacity": 900, "refill_rate": 300}
    assert limits.json()["usage_tier"] == "advanced"


@pytest.mark.parametrize(
    ("skew_s", "status"), [(-15, 200), (15, 200), (-10, 200), (-16, 401), (16, 401), (300, 401)]
)
def test_timestamp_may_be_fifteen_seconds_off(
    client: Client, accounts: tuple[Account, ...], skew_s: int, status: int
) -> None:
    answer = client.get(BALANCE, headers=signed(accounts[0], BALANCE, NOW + timedelta(seconds=skew_s)))
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == {
            "error": {"code": "header_timestamp_expired", "message": "header timestamp expired"}
        }


def test_unsigned_request_for_an_account_is_refused(client: Client) -> None:
    answer = client.get(BALANCE)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "signature_is_missing_from_headers"


def test_missing_signature_header_is_named(client: Client, accounts: tuple[Account, ...]) -> None:
    headers = signed(accounts[0], BALANCE)
    del headers["KALSHI-ACCESS-SIGNATURE"]
    answer = client.get(BALANCE, headers=headers)
    assert answer.json()["error"]["code"] == "signature_is_missing_from_headers"


@pytest.mark.parametrize("signature", ["bm9uc2Vuc2U=", "not base64", "é", ""])
def test_wrong_signature_is_refused(client: Client, accounts: tuple[Account, ...], signature: str) -> None:
    headers = signed(accounts[1], BALANCE) | {"KALSHI-ACCESS-SIGNATURE": signature}
    answer = client.get(BALANCE, headers={name: value.encode() for name, value in headers.items()})
    assert answer.status_code == 401
    if signature:
        assert answer.json()["error"]["details"] == "INCORRECT_API_KEY_SIGNATURE"


@pytest.mark.parametrize("path", ["/portfolio/balance", f"{BALANCE}?subaccount=0"])
def test_signature_covers_the_path_from_the_root_without_query(
    client: Client, accounts: tuple[Account, ...], path: str
) -> None:
    answer = client.get(f"{BALANCE}?subaccount=0", headers=signed(accounts[0], BALANCE, signed_path=path))
    assert answer.json()["error"]["details"] == "INCORRECT_API_KEY_SIGNATURE"


def test_unknown_key_is_refused(client: Client, accounts: tuple[Account, ...]) -> None:
    headers = signed(accounts[0], BALANCE) | {"KALSHI-ACCESS-KEY": str(uuid.UUID(int=0))}
    answer = client.get(BALANCE, headers=headers)
    assert answer.json()["error"] == {
        "code": "authentication_error",
        "message": "We could not authenticate your request",
        "details": "INVALID_PARAMETER",
    }


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1779192000000.5", "9" * 40, "²"])
def test_timestamp_that_is_no_number_is_expired(
    client: Client, accounts: tuple[Account, ...], timestamp: str
) -> None:
    headers = signed(accounts[0], BALANCE) | {"KALSHI-ACCESS-TIMESTAMP": timestamp}
    answer = client.get(BALANCE, headers={name: value.encode() for name, value in headers.items()})
    assert answer.json()["error"]["code"] == "header_timestamp_expired"


def test_wrong_signature_is_refused_on_public_routes_too(
    client: Client, accounts: tuple[Account, ...]
) -> None:
    path = "/trade-api/v2/exchange/status"
    assert client.get(path).status_code == 200
    assert client.get(path, headers=signed(accounts[0], path)).status_code == 200
    assert client.get(path, headers=signed(accounts[0], BALANCE)).status_code == 401


def test_keys_are_private_and_kept_for_the_next_start(tmp_path: Path) -> None:
    first, second = open_accounts(tmp_path / "keys"), open_accounts(tmp_path / "keys")
    assert [account.key_id for account in first] == [account.key_id for account in second]
    assert len({account.key_id for account in first}) == 2
    for account in first:
        assert stat.S_IMODE(account.private_key_path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "rsa.pem").write_bytes(pem)
    with pytest.raises(TypeError, match="neither an RSA nor an Ed25519"):
        open_accounts(tmp_path)
