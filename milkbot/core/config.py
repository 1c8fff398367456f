"""Configuration from the environment, checked once at start.

A second shell needs nothing set by hand: `make run` writes the values of the profile it started to
`.milkbot/<profile>/env` and that profile's name to `.milkbot/active`. The environment always wins over the file.
"""

import os
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from milkbot.core.cities import load_cities
from milkbot.core.constants import STARTING_CAPITAL
from milkbot.core.errors import ConfigError

PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
LIVE_CONFIRMATION: Final = "I accept real orders with real money"
GATE_OVERRIDE: Final = "I accept real money without evidence"

KALSHI_LIVE_URL: Final = "https://external-api.kalshi.com/trade-api/v2"
KALSHI_DEMO_URL: Final = "https://external-api.demo.kalshi.co/trade-api/v2"
NWS_URL: Final = "https://api.weather.gov"


class TradingMode(StrEnum):
    """What happens to a decision. Chosen once, at start."""

    SHADOW = "SHADOW"
    DEMO = "DEMO"
    LIVE = "LIVE"


class LogFormat(StrEnum):
    JSON = "json"
    TEXT = "text"


class Config(BaseSettings):
    """Every setting an operator may give. Frozen; secrets stay out of `repr` and logs.

    Raises pydantic.ValidationError; use `load_config` for one sentence that says what to set.
    """

    # An empty variable is an unset one: KALSHI_DEMO_KEY_ID= must not count as a key.
    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        env_file_encoding="utf-8",
    )

    trading_mode: TradingMode = TradingMode.SHADOW
    milkbot_profile: str = Field(default="shadow", pattern=r"^[a-z][a-z0-9-]{0,30}$")
    milkbot_world: str = Field(default="", max_length=200)
    """What the data are when they are not the live ones, in words; shown on the banner."""
    milkbot_world_clock: Path | None = None
    """Where a replayed world publishes how its clock runs; see `milkbot.core.clock`."""

    database_url: SecretStr
    public_database_url: SecretStr | None = None
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    db_pool_size: int = Field(default=4, ge=1, le=50)
    db_timeout_s: int = Field(default=5, ge=1, le=60)

    kalshi_base_url: str | None = None
    kalshi_demo_key_id: SecretStr | None = None
    kalshi_demo_private_key_path: Path | None = None
    kalshi_live_key_id: SecretStr | None = None
    kalshi_live_private_key_path: Path | None = None
    live_confirm: str = ""
    live_gate_override: str = ""
    """Lets `manage.py strategy_gates --override` admit a strategy whose evidence falls short, when it says so."""

    stream_max_age_s: int = Field(default=0, ge=0, le=60)
    """How old a streamed order book may be to be used instead of asking for it; 0 uses none. `manage.py stream` keeps
    them fresh."""

    nws_base_url: str = NWS_URL
    nws_contact: str = "(milkbot, https://github.com/milkbot/milkbot)"
    nbm_base_url: str = ""
    """Where the National Blend of Models' station texts lie, as a second source; empty asks for none."""

    cities: Annotated[tuple[str, ...], NoDecode] = ()
    """City codes to trade; empty means all ten."""

    fast_period_s: int = Field(default=60, ge=1, le=300)
    slow_period_s: int = Field(default=300, ge=1, le=900)
    """Wall seconds between two turns. A replayed world that runs 60 times as fast turns more often."""
    starting_capital: Decimal = Field(default=STARTING_CAPITAL, gt=0, le=10_000_000)

    secret_key: SecretStr = SecretStr("")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1", "localhost", "[::1]")
    public_port: int = Field(default=8000, ge=1, le=65535)
    operator_port: int = Field(default=8001, ge=1, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: LogFormat = LogFormat.TEXT

    @field_validator("cities", "allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("cities")
    @classmethod
    def _known_cities(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = load_cities()
        unknown = [code for code in value if code not in known]
        if unknown:
            raise ValueError(f"unknown city {', '.join(unknown)}; choose from {', '.join(known)}")
        return tuple(dict.fromkeys(value)) or tuple(known)

    @field_validator("database_url", "public_database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check_database_url(value.get_secret_value())
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_readable(cls, value: SecretStr) -> SecretStr:
        _split_url(value.get_secret_value())
        return value

    @field_validator("kalshi_base_url")
    @classmethod
    def _override_only_to_loopback(cls, value: str | None) -> str | None:
        if value is not None and not _is_on_this_machine(value):
            raise ValueError("may only name a sandbox on this machine; unset it to use the real exchange")
        return value

    @model_validator(mode="after")
    def _mode_has_its_keys(self) -> "Config":
        if self.trading_mode is TradingMode.SHADOW:
            return self
        prefix = f"kalshi_{self.trading_mode.lower()}"
        key_id, key_path = f"{prefix}_key_id", f"{prefix}_private_key_path"
        missing = [name.upper() for name in (key_id, key_path) if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.trading_mode} needs {' and '.join(missing)}")
        if not getattr(self, key_path).is_file():
            raise ValueError(f"{key_path.upper()} names no readable file")
        if self.trading_mode is TradingMode.LIVE and self.live_confirm != LIVE_CONFIRMATION:
            raise ValueError(f"LIVE needs LIVE_CONFIRM='{LIVE_CONFIRMATION}'")
        return self

    def secret_values(self) -> frozenset[str]:
        """What a log line must never show: every secret, and the passwords inside the URLs, raw and decoded."""
        found: set[str | None] = set()
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                plain = value.get_secret_value()
                password = urlsplit(plain).password if name.endswith("_url") else plain
                found |= {password, unquote(password or "")}
        return frozenset(secret for secret in found if secret)

    @property
    def kalshi_url(self) -> str:
        """Base URL of the exchange for this mode. SHADOW reads the real, public market data."""
        if self.kalshi_base_url:
            return self.kalshi_base_url.rstrip("/")
        return KALSHI_DEMO_URL if self.trading_mode is TradingMode.DEMO else KALSHI_LIVE_URL


def load_config(env_file: Path | None = None) -> Config:
    """The checked configuration. Raises ConfigError with one sentence per fault."""
    chosen = env_file if env_file is not None else active_env_file()
    try:
        return Config(_env_file=chosen)
    except ValidationError as error:
        raise ConfigError(" ".join(_sentence(fault) for fault in error.errors(include_input=False))) from None


@lru_cache(maxsize=1)
def get_config() -> Config:
    """The configuration of this process, read once."""
    return load_config()


def state_folder() -> Path:
    """Where the profiles of this machine keep what is theirs."""
    return Path(os.environ.get("MILKBOT_STATE_DIR") or PROJECT_ROOT / ".milkbot")


def active_env_file(state_dir: Path | None = None) -> Path | None:
    """The environment file of the profile that was started last on this machine, if any."""
    folder = state_dir or state_folder()
    profile = os.environ.get("MILKBOT_PROFILE")
    try:
        profile = profile or (folder / "active").read_text().strip()
    except OSError:
        return None
    candidate = folder / profile / "env"
    return candidate if candidate.is_file() else None


def _check_database_url(url: str) -> None:
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must start with postgresql://")
    parts = _split_url(url)
    if not parts.path.strip("/"):
        raise ValueError("names no database; write postgresql://user:password@host:5432/name")


def _split_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # The parser's own message quotes what it took for a port, which may be a piece of the password.
        raise ValueError("cannot be read; percent-encode special characters of the password") from None
    return parts


def _is_on_this_machine(url: str) -> bool:
    """Loopback beyond doubt: a user part or a backslash is read differently by different URL parsers."""
    if any(character in url for character in "\\@") or not url.isprintable() or " " in url:
        return False
    try:
        parts = _split_url(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK_HOSTS


def _sentence(fault: ErrorDetails) -> str:
    name = ".".join(str(part) for part in fault["loc"]).upper()
    if fault["type"] == "missing":
        how = "set it in the environment or start with `make run`, which sets it for you"
        return f"{name} is not set; {how}."
    message = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{name}: {message}." if name else f"{message}."
