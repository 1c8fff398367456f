"""The configuration: safe when nothing is said, clear when something is wrong, silent about secrets."""

import json
import os
import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from milkbot.core.cities import load_cities
from milkbot.core.config import (
    KALSHI_DEMO_URL,
    KALSHI_LIVE_URL,
    LIVE_CONFIRMATION,
    Config,
    TradingMode,
    active_env_file,
    load_config,
)
from milkbot.core.errors import ConfigError

PASSWORD = "hunter2hunter2"
DATABASE_URL = f"postgresql://milkbot:{PASSWORD}@127.0.0.1:5432/milkbot"
NAMES = {name.upper() for name in Config.model_fields} | {"MILKBOT_STATE_DIR"}

type_of_environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type_of_environment:
    """Sets exactly the given variables; every other one of ours is absent, and so is any profile's file."""
    for name in list(os.environ):
        if name.upper() in NAMES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("MILKBOT_STATE_DIR", str(tmp_path / "state"))

    def set_only(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_only


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "kalshi.pem"
    path.write_text("a private key", encoding="utf-8")
    return path


@pytest.mark.story("1.3", 1)
def test_mode_database_and_keys_come_from_the_environment(
    environment: type_of_environment, key_file: Path
) -> None:
    environment(
        DATABASE_URL=DATABASE_URL,
        TRADING_MODE="DEMO",
        KALSHI_DEMO_KEY_ID="the-key-id",
        KALSHI_DEMO_PRIVATE_KEY_PATH=str(key_file),
    )
    config = load_config()
    assert config.trading_mode is TradingMode.DEMO
    assert config.database_url.get_secret_value() == DATABASE_URL
    assert config.kalshi_demo_key_id is not None
    assert config.kalshi_demo_key_id.get_secret_value() == "the-key-id"
    assert config.kalshi_demo_private_key_path == key_file


@pytest.mark.story("1.3", 3)
@pytest.mark.parametrize("said", [{}, {"TRADING_MODE": ""}])
def test_mode_that_nobody_chose_is_shadow(environment: type_of_environment, said: dict[str, str]) -> None:
    environment(DATABASE_URL=DATABASE_URL, **said)
    assert load_config().trading_mode is TradingMode.SHADOW


def test_defaults_are_the_named_ones(environment: type_of_environment) -> None:
    environment(DATABASE_URL=DATABASE_URL)
    config = load_config()
    assert config.cities == tuple(load_cities())
    assert config.starting_capital == Decimal(10_000)
    assert (config.fast_period_s, config.slow_period_s) == (60, 300)
    assert (config.public_port, config.operator_port) == (8000, 8001)
    assert config.log_level == "INFO"


@pytest.mark.story("1.3", 2)
@pytest.mark.story("1.3", 4)
@pytest.mark.parametrize("said", [{}, {"DATABASE_URL": ""}])
def test_missing_database_url_says_what_to_do(environment: type_of_environment, said: dict[str, str]) -> None:
    environment(**said)
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert str(caught.value) == (
        "DATABASE_URL is not set; set it in the environment or start with `make run`, which sets it for you."
    )


@pytest.mark.story("1.3", 4)
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TRADING_MODE", "PAPER", "'SHADOW', 'DEMO' or 'LIVE'"),
        ("TRADING_MODE", "live", "'SHADOW', 'DEMO' or 'LIVE'"),
        ("DATABASE_URL", "mysql://root@localhost/x", "must start with postgresql://"),
        ("DATABASE_URL", "postgresql://milkbot@localhost:5432", "names no database"),
        ("DATABASE_URL", f"postgresql://milkbot:{PASSWORD}#1@localhost/x", "percent-encode"),
        ("PUBLIC_DATABASE_URL", "sqlite:///x", "must start with postgresql://"),
        ("REDIS_URL", "redis://127.0.0.1:sixthousand/0", "percent-encode"),
        ("CITIES", "CHI,XYZ,ABC", "unknown city XYZ, ABC; choose from NYC, CHI"),
        ("CITIES", "chi", "unknown city chi"),
        ("STARTING_CAPITAL", "NaN", "STARTING_CAPITAL"),
        ("STARTING_CAPITAL", "0", "greater than 0"),
        ("STARTING_CAPITAL", "-1", "greater than 0"),
        ("STARTING_CAPITAL", "Infinity", "STARTING_CAPITAL"),
        ("FAST_PERIOD_S", "0", "greater than or equal to 1"),
        ("FAST_PERIOD_S", "soon", "valid integer"),
        ("PUBLIC_PORT", "70000", "less than or equal to 65535"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO'"),
        ("LOG_FORMAT", "xml", "'json' or 'text'"),
        ("MILKBOT_PROFILE", "../../etc", "MILKBOT_PROFILE"),
    ],
)
def test_bad_value_is_named_with_what_is_allowed(
    environment: type_of_environment, name: str, value: str, words: str
) -> None:
    environment(**{"DATABASE_URL": DATABASE_URL, name: value})
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert str(caught.value).startswith(f"{name}: ")
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_every_fault_is_told_at_once(environment: type_of_environment) -> None:
    environment(LOG_LEVEL="LOUD", PUBLIC_PORT="0")
    with pytest.raises(ConfigError) as caught:
        load_config()
    for name in ("DATABASE_URL", "LOG_LEVEL", "PUBLIC_PORT"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.kalshi.example/trade-api/v2",
        "http://127.0.0.1@evil.example/",
        "http://evil.example\\@127.0.0.1/",
        "http://evil.example/127.0.0.1",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example:8002/",
        "http://0.0.0.0:8002/",
        "http://127.0.0.1 .evil.example/",
        "http://[::1/",
        "http://127.0.0.1:port/",
        "ftp://127.0.0.1/",
        "//127.0.0.1:8002",
        "127.0.0.1:8002",
    ],
)
def test_exchange_elsewhere_than_this_machine_is_refused(environment: type_of_environment, url: str) -> None:
    environment(DATABASE_URL=DATABASE_URL, KALSHI_BASE_URL=url)
    with pytest.raises(ConfigError, match="KALSHI_BASE_URL: may only name a sandbox on this machine"):
        load_config()


@pytest.mark.parametrize("host", ["127.0.0.1:8002", "localhost:8002", "[::1]:8002"])
def test_sandbox_on_this_machine_is_the_exchange(environment: type_of_environment, host: str) -> None:
    environment(DATABASE_URL=DATABASE_URL, KALSHI_BASE_URL=f"http://{host}/trade-api/v2/")
    assert load_config().kalshi_url == f"http://{host}/trade-api/v2"


@pytest.mark.parametrize(
    ("mode", "said", "words"),
    [
        ("DEMO", {}, "KALSHI_DEMO_KEY_ID and KALSHI_DEMO_PRIVATE_KEY_PATH"),
        ("DEMO", {"KALSHI_DEMO_KEY_ID": ""}, "KALSHI_DEMO_KEY_ID and KALSHI_DEMO_PRIVATE_KEY_PATH"),
        ("DEMO", {"KALSHI_DEMO_KEY_ID": "id"}, "DEMO needs KALSHI_DEMO_PRIVATE_KEY_PATH"),
        ("DEMO", {"KALSHI_LIVE_KEY_ID": "id", "KALSHI_LIVE_PRIVATE_KEY_PATH": "{key}"}, "KALSHI_DEMO_KEY_ID"),
        ("DEMO", {"KALSHI_DEMO_KEY_ID": "id", "KALSHI_DEMO_PRIVATE_KEY_PATH": "/none"}, "no readable file"),
        ("LIVE", {}, "KALSHI_LIVE_KEY_ID and KALSHI_LIVE_PRIVATE_KEY_PATH"),
        ("LIVE", {"KALSHI_LIVE_KEY_ID": "id", "KALSHI_LIVE_PRIVATE_KEY_PATH": "{key}"}, "LIVE_CONFIRM="),
        (
            "LIVE",
            {"KALSHI_LIVE_KEY_ID": "id", "KALSHI_LIVE_PRIVATE_KEY_PATH": "{key}", "LIVE_CONFIRM": "yes"},
            "LIVE_CONFIRM=",
        ),
    ],
)
def test_mode_without_what_it_needs_does_not_start(
    environment: type_of_environment, key_file: Path, mode: str, said: dict[str, str], words: str
) -> None:
    values = {name: value.format(key=key_file) for name, value in said.items()}
    environment(DATABASE_URL=DATABASE_URL, TRADING_MODE=mode, **values)
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert words in str(caught.value)


def test_each_mode_speaks_to_its_own_exchange(environment: type_of_environment, key_file: Path) -> None:
    keys = {
        f"KALSHI_{mode}_{name}": value
        for mode in ("DEMO", "LIVE")
        for name, value in (("KEY_ID", "id"), ("PRIVATE_KEY_PATH", str(key_file)))
    }
    environment(DATABASE_URL=DATABASE_URL, LIVE_CONFIRM=LIVE_CONFIRMATION, **keys)
    urls = {}
    for mode in TradingMode:
        environment(TRADING_MODE=mode.value)
        urls[mode] = load_config().kalshi_url
    assert urls == {
        TradingMode.SHADOW: KALSHI_LIVE_URL,  # the real, public market data
        TradingMode.DEMO: KALSHI_DEMO_URL,
        TradingMode.LIVE: KALSHI_LIVE_URL,
    }


def test_cities_are_read_from_a_list_once_each(environment: type_of_environment) -> None:
    environment(
        DATABASE_URL=DATABASE_URL, CITIES=" CHI, NYC,CHI ,", LOG_LEVEL="debug", ALLOWED_HOSTS="a.example,b"
    )
    config = load_config()
    assert config.cities == ("CHI", "NYC")
    assert config.log_level == "DEBUG"
    assert config.allowed_hosts == ("a.example", "b")


def test_configuration_cannot_be_changed(environment: type_of_environment) -> None:
    environment(DATABASE_URL=DATABASE_URL)
    with pytest.raises(ValidationError):
        load_config().trading_mode = TradingMode.LIVE  # type: ignore[misc]


SECRETS = {
    "DATABASE_URL": f"postgresql://milkbot:db-{PASSWORD}%40@127.0.0.1/milkbot",
    "PUBLIC_DATABASE_URL": f"postgresql://public:pub-{PASSWORD}@127.0.0.1/milkbot",
    "REDIS_URL": f"redis://:redis-{PASSWORD}@127.0.0.1:6379/0",
    "KALSHI_DEMO_KEY_ID": f"demo-{PASSWORD}",
    "KALSHI_LIVE_KEY_ID": f"live-{PASSWORD}",
    "SECRET_KEY": f"django-{PASSWORD}",
}


@pytest.mark.story("1.3", 5)
@pytest.mark.parametrize(
    "show", [repr, str, Config.model_dump_json, lambda config: repr(config.model_dump()), lambda c: f"{[c]}"]
)
def test_shown_configuration_holds_no_secret(
    environment: type_of_environment, show: Callable[[Config], str]
) -> None:
    environment(**SECRETS)
    shown = show(load_config())
    assert PASSWORD not in shown
    assert "SHADOW" in shown


@pytest.mark.story("1.3", 5)
@pytest.mark.parametrize("build", [load_config, Config])
def test_refused_configuration_tells_no_secret(
    environment: type_of_environment, build: Callable[[], Any]
) -> None:
    environment(
        **SECRETS
        | {"DATABASE_URL": f"mysql://root:{PASSWORD}@h/x", "REDIS_URL": f"redis://:{PASSWORD}#@h:x{PASSWORD}"}
    )
    with pytest.raises((ConfigError, ValidationError)) as caught:
        build()
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in repr(caught.value)


def test_secret_values_are_all_that_logs_must_not_show(environment: type_of_environment) -> None:
    environment(**SECRETS)
    assert load_config().secret_values() == {
        f"db-{PASSWORD}%40",
        f"db-{PASSWORD}@",
        f"pub-{PASSWORD}",
        f"redis-{PASSWORD}",
        f"demo-{PASSWORD}",
        f"live-{PASSWORD}",
        f"django-{PASSWORD}",
    }


def _write_profile(state: Path, profile: str, **values: str) -> Path:
    folder = state / profile
    folder.mkdir(parents=True)
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    (folder / "env").write_text(lines, encoding="utf-8")
    (state / "active").write_text(f"{profile}\n", encoding="utf-8")
    return folder / "env"


def test_second_shell_finds_the_profile_started_last(
    environment: type_of_environment, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    _write_profile(state, "demo", DATABASE_URL=DATABASE_URL, MILKBOT_PROFILE="demo")
    written = _write_profile(state, "recorded", DATABASE_URL=DATABASE_URL, MILKBOT_PROFILE="recorded")
    environment()
    assert active_env_file() == written
    assert load_config().milkbot_profile == "recorded"
    environment(MILKBOT_PROFILE="demo")
    assert load_config().milkbot_profile == "demo"


def test_environment_wins_over_the_profiles_file(environment: type_of_environment, tmp_path: Path) -> None:
    _write_profile(
        tmp_path / "state", "recorded", DATABASE_URL=DATABASE_URL, PUBLIC_PORT="9000", LOG_LEVEL="DEBUG"
    )
    environment(PUBLIC_PORT="9100")
    config = load_config()
    assert config.public_port == 9100
    assert config.log_level == "DEBUG"


@pytest.mark.parametrize("active", [None, "", "gone"])
def test_no_profile_means_no_file(
    tmp_path: Path, environment: type_of_environment, active: str | None
) -> None:
    environment()
    if active is not None:
        (tmp_path / "active").write_text(active, encoding="utf-8")
    assert active_env_file(tmp_path) is None


def test_dumped_configuration_is_json(environment: type_of_environment) -> None:
    environment(DATABASE_URL=DATABASE_URL)
    assert json.loads(load_config().model_dump_json())["trading_mode"] == "SHADOW"
