"""What each process of a profile gets to know, and what a second shell finds."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.cities import load_cities
from milkbot.core.config import PROJECT_ROOT, TradingMode, load_config
from milkbot.embedded.lock import AlreadyRunning, held_lock
from milkbot.embedded.process import MARKER, CannotStart
from milkbot.embedded.profile import (
    Ports,
    Profile,
    SimulatedWorld,
    World,
    choose_profile,
    hears_the_feed,
    name_profile,
    public_environment,
    settings_of,
    trader_environment,
    write_env_file,
)
from milkbot.embedded.sockets import socket_folder

URLS = {
    "DATABASE_URL": "postgresql://milkbot_trader@/milkbot?host=%2Frun",
    "PUBLIC_DATABASE_URL": "postgresql://milkbot_public@/milkbot?host=%2Frun",
    "REDIS_URL": "redis+socket:///run/redis.sock",
}


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = choose_profile("recorded", {"MILKBOT_STATE_DIR": str(tmp_path / "state")})
    made.make_folders()
    return made


def test_second_shell_reads_what_the_start_wrote(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    write_env_file(profile, settings_of(profile, URLS, "a recorded day, it's moved", {"SLOW_PERIOD_S": "30"}))
    for name in ("DATABASE_URL", "MILKBOT_PROFILE", "CITIES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MILKBOT_STATE_DIR", str(profile.state))
    config = load_config()
    assert config.milkbot_profile == "recorded"
    assert config.milkbot_world == "a recorded day, it's moved"
    assert config.milkbot_world_clock == profile.sandbox_state / "sandbox.json"
    assert config.database_url.get_secret_value() == URLS["DATABASE_URL"]
    assert config.kalshi_url == "http://127.0.0.1:8002/trade-api/v2"
    assert (config.cities, config.fast_period_s, config.slow_period_s) == (("CHI",), 5, 30)


def test_env_file_and_folders_are_for_the_owner_only(profile: Profile) -> None:
    write_env_file(profile, settings_of(profile, URLS, "", {}))
    assert stat.S_IMODE(profile.env_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(profile.folder.stat().st_mode) == 0o700


def test_secret_key_is_made_once_and_kept(profile: Profile) -> None:
    first = settings_of(profile, URLS, "", {})
    write_env_file(profile, first)
    assert len(first["SECRET_KEY"]) >= 50
    assert settings_of(profile, URLS, "", {})["SECRET_KEY"] == first["SECRET_KEY"]


@given(world=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60))
def test_any_world_in_words_survives_the_env_file(
    tmp_path_factory: pytest.TempPathFactory, world: str
) -> None:
    profile = choose_profile("recorded", {"MILKBOT_STATE_DIR": str(tmp_path_factory.mktemp("state"))})
    profile.make_folders()
    write_env_file(profile, settings_of(profile, URLS, world, {}))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        assert load_config(profile.env_file).milkbot_world == world


@pytest.mark.story("9.3", 3)
def test_public_process_gets_its_own_role_and_no_key(profile: Profile) -> None:
    settings = settings_of(profile, URLS, "a day", {})
    shell = {"PATH": "/bin", "KALSHI_LIVE_KEY_ID": "k", "OPENROUTER_API_KEY": "o", "SECRET_KEY": "s"}
    public = public_environment(profile, settings, shell)
    assert public["DATABASE_URL"] == URLS["PUBLIC_DATABASE_URL"]
    assert not {"PUBLIC_DATABASE_URL", "REDIS_URL", "SECRET_KEY", "KALSHI_BASE_URL"} & set(public)
    assert not {name for name in public if "KEY" in name}
    assert public["MILKBOT_STATE_DIR"] == "/dev/null"  # the file that holds the others is out of its reach


def test_trader_processes_get_the_settings_and_their_mark(profile: Profile) -> None:
    trader = trader_environment(profile, settings_of(profile, URLS, "", {}), {"PATH": "/bin", "OTHER": "x"})
    assert trader["DATABASE_URL"] == URLS["DATABASE_URL"]
    assert trader[MARKER] == str(profile.folder)
    assert "OTHER" not in trader


def test_shadow_profile_asks_the_real_services(tmp_path: Path) -> None:
    profile = choose_profile("shadow", {"MILKBOT_STATE_DIR": str(tmp_path)})
    settings = settings_of(profile, URLS, "", {})
    assert profile.world is None
    assert not {"KALSHI_BASE_URL", "NWS_BASE_URL", "MILKBOT_WORLD_CLOCK", "CITIES"} & set(settings)
    assert settings["TRADING_MODE"] == "SHADOW"


@pytest.fixture
def demo(tmp_path: Path) -> Profile:
    """The demo profile, its sandbox listening."""
    made = choose_profile("demo", {"MILKBOT_STATE_DIR": str(tmp_path / "state")})
    made.make_folders()
    key = tmp_path / "rsa.pem"
    key.write_text("a private key", encoding="utf-8")
    described = {"accounts": [{"key_id": "sandbox-account", "private_key_path": str(key)}]}
    (made.sandbox_state / "sandbox.json").write_text(json.dumps(described), encoding="utf-8")
    return made


@pytest.mark.story("4.10", 2)
def test_demo_profile_trades_with_the_sandbox_key_at_the_sandbox_only(
    demo: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_env_file(demo, settings_of(demo, URLS, "a world", {}))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    config = load_config(demo.env_file)

    assert isinstance(demo.world, SimulatedWorld)
    assert (config.trading_mode, config.milkbot_profile) == (TradingMode.DEMO, "demo")
    assert config.kalshi_url == "http://127.0.0.1:8002/trade-api/v2"
    assert config.kalshi_demo_key_id is not None
    assert config.kalshi_demo_key_id.get_secret_value() == "sandbox-account"


@pytest.mark.story("9.3", 3)
def test_public_process_of_the_demo_profile_starts_without_a_key(
    demo: Profile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    public = public_environment(demo, settings_of(demo, URLS, "a world", {}), {})
    assert not {name for name in public if "KALSHI" in name or "KEY" in name}
    for name in ("DATABASE_URL", "TRADING_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in public.items():
        monkeypatch.setenv(name, value)

    assert load_config(tmp_path / "none").kalshi_demo_key_id is None


@pytest.mark.parametrize(
    ("profile", "mode", "named"),
    [
        (None, "", "simulated"),
        ("recorded", "", "recorded"),
        (None, "SHADOW", "simulated"),
        ("shadow", "SHADOW", "shadow"),
        (None, "DEMO", "demo"),
        ("demo", "DEMO", "demo"),
        ("demo", "", "demo"),
    ],
)
def test_mode_and_profile_name_one_profile(profile: str | None, mode: str, named: str) -> None:
    assert name_profile(profile, mode) == named


@pytest.mark.parametrize(
    ("profile", "mode", "complaint"),
    [
        ("recorded", "DEMO", "'recorded' does not run in DEMO"),
        ("demo", "SHADOW", "'demo' does not run in SHADOW"),
        (None, "LIVE", "DEMO_TO_LIVE_PLAYBOOK"),
        (None, "demo", "MODE is 'demo'"),
    ],
)
def test_mode_that_cannot_be_is_refused(profile: str | None, mode: str, complaint: str) -> None:
    with pytest.raises(CannotStart, match=complaint):
        name_profile(profile, mode)


def test_unknown_profile_is_refused() -> None:
    with pytest.raises(CannotStart, match="no profile 'live'"):
        choose_profile("live", {})


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"PUBLIC_PORT": "eighty"}, "PUBLIC_PORT is 'eighty'"),
        ({"OPERATOR_PORT": "0"}, "OPERATOR_PORT is '0'"),
        ({"SANDBOX_PORT": "70000"}, "SANDBOX_PORT is '70000'"),
        ({"PUBLIC_PORT": "8001"}, "must differ"),
    ],
)
def test_port_that_cannot_be_is_refused(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(CannotStart, match=complaint):
        Ports.from_environment(environment)


def test_ports_left_empty_are_the_usual_ones() -> None:
    assert Ports.from_environment({"PUBLIC_PORT": ""}) == Ports(8000, 8001, 8002)


def test_world_is_what_was_named(tmp_path: Path) -> None:
    world = World.from_environment({"WORLD": str(tmp_path), "SPEED": "600", "SERIES": ""})
    assert (world.folder, world.options) == (tmp_path, {"speed": "600"})


def test_world_left_open_is_one_that_exists() -> None:
    world = World.from_environment({})
    beside, sample = PROJECT_ROOT.parent / "shared" / "data", PROJECT_ROOT / "sandbox" / "sample"
    assert world.folder == (beside if beside.is_dir() else sample).resolve()
    assert world.folder.is_dir()


def test_lock_is_held_by_one_and_says_where_the_pages_are(profile: Profile) -> None:
    pages = "already running .profile recorded.: http://127.0.0.1:8000/ and http://127.0.0.1:8001/admin/"
    with held_lock(profile), pytest.raises(AlreadyRunning, match=pages), held_lock(profile):
        pytest.fail("two held the lock")
    with held_lock(profile):
        pass


def test_lock_of_a_start_that_has_not_described_itself_yet(profile: Profile) -> None:
    with held_lock(profile):
        (profile.state / "lock").write_text("")
        with pytest.raises(AlreadyRunning, match="already starting"), held_lock(profile):
            pytest.fail("two held the lock")


def test_sockets_stand_in_the_profile_or_where_their_path_is_short_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    short, long = Path("/tmp") / tmp_path.name[-8:], tmp_path / ("x" * 90)
    assert socket_folder(long).parent == tmp_path
    assert stat.S_IMODE(socket_folder(long).stat().st_mode) == 0o700
    assert socket_folder(short) == short / "run"
    (short / "run").rmdir()
    short.rmdir()


def test_socket_folder_that_others_may_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    long = tmp_path / ("x" * 90)
    socket_folder(long).chmod(0o755)
    with pytest.raises(CannotStart, match="not a private folder"):
        socket_folder(long)


@pytest.mark.parametrize(
    ("speed", "fast", "slow"), [("", 5, 10), ("60", 5, 10), ("600", 1, 1), ("6", 50, 100), ("1", 60, 300)]
)
def test_loops_turn_as_often_as_the_worlds_speed_asks(
    tmp_path: Path, speed: str, fast: int, slow: int
) -> None:
    fast_world = choose_profile("recorded", {"MILKBOT_STATE_DIR": str(tmp_path), "SPEED": speed})

    settings = settings_of(fast_world, URLS, "", {})

    assert (settings["FAST_PERIOD_S"], settings["SLOW_PERIOD_S"]) == (str(fast), str(slow))


def test_speed_that_is_no_number_is_refused_in_a_sentence(tmp_path: Path) -> None:
    odd = choose_profile("recorded", {"MILKBOT_STATE_DIR": str(tmp_path), "SPEED": "fast"})

    with pytest.raises(CannotStart, match="SPEED=fast is no number"):
        settings_of(odd, URLS, "", {})


def test_simulated_profile_is_ten_cities_at_the_pace_of_life(tmp_path: Path) -> None:
    profile = choose_profile("simulated", {"MILKBOT_STATE_DIR": str(tmp_path), "SPEED": ""})
    assert profile.world == SimulatedWorld(7)
    settings = settings_of(profile, URLS, profile.world.words, {})
    assert settings["MILKBOT_WORLD"] == "simulated world, seed 7"
    assert (settings["FAST_PERIOD_S"], settings["SLOW_PERIOD_S"]) == ("30", "60")
    assert not {"MILKBOT_WORLD_CLOCK", "CITIES"} & set(settings), "the wall's time, and all cities"
    profile.make_folders()
    write_env_file(profile, settings)
    config = load_config(profile.env_file)
    assert (config.cities, config.milkbot_world_clock) == (tuple(load_cities()), None)
    assert config.kalshi_url == "http://127.0.0.1:8002/trade-api/v2"


def test_simulated_world_refuses_what_only_a_recorded_day_knows() -> None:
    asked = {"DATE": "2025-05-14", "SPEED": "600", "SERIES": ""}
    with pytest.raises(CannotStart, match=r"DATE and SPEED can only be given with PROFILE=recorded\."):
        choose_profile("simulated", asked)


def test_seed_chooses_the_simulated_world() -> None:
    world = SimulatedWorld.from_environment({"SEED": "11"})
    assert world.words == "simulated world, seed 11"
    assert world.arguments() == ["--world", "simulated", "--seed", "11", "--speed", "1"]


@pytest.mark.parametrize("seed", ["seven", "-1", "1.5", "٣", "9" * 20])
def test_seed_that_is_no_seed_is_refused(seed: str) -> None:
    with pytest.raises(CannotStart, match="SEED is"):
        SimulatedWorld.from_environment({"SEED": seed})


def test_feed_is_heard_only_where_it_was_asked_for_and_the_sandbox_gave_a_key(profile: Profile) -> None:
    asked = {"STREAM_MAX_AGE_S": "15"}
    assert not hears_the_feed(settings_of(profile, URLS, "a world", {}))
    assert not hears_the_feed(settings_of(profile, URLS, "a world", asked)), "nobody described the sandbox"

    account = {"key_id": "11111111-2222-4333-8444-555555555555", "private_key_path": "/somewhere/rsa.pem"}
    described = json.dumps({"accounts": [account, {}]})
    (profile.sandbox_state / "sandbox.json").write_text(described)
    silent, hearing = (settings_of(profile, URLS, "a world", given) for given in ({}, asked))

    assert not hears_the_feed(silent)
    assert "KALSHI_DEMO_KEY_ID" not in silent
    assert hears_the_feed(hearing)
    assert hearing["KALSHI_DEMO_PRIVATE_KEY_PATH"] == "/somewhere/rsa.pem"
    assert hearing["TRADING_MODE"] == "SHADOW"
    assert not {name for name in public_environment(profile, hearing, asked) if "KALSHI" in name}
