"""What a profile is: its folder, its ports, and the environment each kind of process gets."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from milkbot.core.clock import WORLD_CLOCK_VARIABLE
from milkbot.core.config import PROJECT_ROOT, TradingMode
from milkbot.embedded.process import MARKER, CannotStart

RECORDED: Final = "recorded"
SIMULATED: Final = "simulated"
SHADOW: Final = "shadow"
DEMO: Final = "demo"
PROFILES: Final = (SIMULATED, RECORDED, SHADOW, DEMO)

_PASSED_THROUGH: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "USER",
    "VIRTUAL_ENV",
    "COVERAGE_PROCESS_CONFIG",
)
DEFAULT_SPEED: Final = 60
"""The sandbox's own: a day in 24 minutes."""
DEFAULT_SEED: Final = 7
_SEED_DIGITS: Final = 9
_RECORDED_ONLY: Final = ("WORLD", "SERIES", "DATE", "SPEED", "DEPTH")
"""What `make run` may be told of a recorded day."""
_NETWORK: Final = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_OPERATOR_MAY_SET: Final = (
    *("CITIES", "FAST_PERIOD_S", "SLOW_PERIOD_S", "STARTING_CAPITAL", "LOG_LEVEL", "LOG_FORMAT"),
    *("NWS_CONTACT", "DB_POOL_SIZE", "DB_TIMEOUT_S", "STREAM_MAX_AGE_S"),
)
# Not the mode: it would ask for the mode's key, and the page shows what the database says is published.
_PUBLIC_MAY_KNOW: Final = (
    *("MILKBOT_PROFILE", "MILKBOT_WORLD", WORLD_CLOCK_VARIABLE, "CITIES", "PUBLIC_PORT"),
    *("LOG_LEVEL", "LOG_FORMAT", "DB_POOL_SIZE", "DB_TIMEOUT_S"),
)


@dataclass(frozen=True)
class Ports:
    """Loopback ports of the pages and the sandbox."""

    public: int = 8000
    operator: int = 8001
    sandbox: int = 8002

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """PUBLIC_PORT, OPERATOR_PORT and SANDBOX_PORT. Raises CannotStart for anything but distinct port numbers."""
        chosen = cls(
            _port(environment, "PUBLIC_PORT", cls.public),
            _port(environment, "OPERATOR_PORT", cls.operator),
            _port(environment, "SANDBOX_PORT", cls.sandbox),
        )
        if len({chosen.public, chosen.operator, chosen.sandbox}) < 3:
            raise CannotStart("PUBLIC_PORT, OPERATOR_PORT and SANDBOX_PORT must differ.")
        return chosen


@dataclass(frozen=True)
class World:
    """The recorded world that the sandbox replays, as `make run` names it. Empty values leave it to the sandbox."""

    folder: Path
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "World":
        """WORLD, SERIES, DATE, SPEED and DEPTH; the data beside the project, else the sample inside it."""
        beside = PROJECT_ROOT.parent / "shared" / "data"
        default = beside if beside.is_dir() else PROJECT_ROOT / "sandbox" / "sample"
        named = {name.lower(): environment[name] for name in _RECORDED_ONLY if environment.get(name)}
        options = {name: value for name, value in named.items() if name != "world"}
        if beside.is_dir() and not environment.get("WORLD"):
            options = {"series": "KXHIGHCHI", "date": "2025-05-14"} | options
        return cls(Path(environment.get("WORLD") or default).resolve(), options)

    def arguments(self) -> list[str]:
        """For the sandbox's command line."""
        options = [part for name, value in self.options.items() for part in (f"--{name}", value)]
        return ["--world", str(self.folder), *options, "--resume"]


@dataclass(frozen=True)
class SimulatedWorld:
    """Ten cities made up from a seed, at the pace and the time of life."""

    seed: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "SimulatedWorld":
        """SEED. Raises CannotStart when it is no whole number, and for what only a recorded day knows."""
        foreign = [name for name in _RECORDED_ONLY if environment.get(name)]
        if foreign:
            raise CannotStart(f"{' and '.join(foreign)} can only be given with PROFILE={RECORDED}.")
        text = environment.get("SEED") or str(DEFAULT_SEED)
        if not text.isascii() or not text.isdecimal() or len(text) > _SEED_DIGITS:
            raise CannotStart(f"SEED is {text!r}; set it to a whole number from 0 to {'9' * _SEED_DIGITS}.")
        return cls(int(text))

    @property
    def words(self) -> str:
        """What the banner and the database say."""
        return f"simulated world, seed {self.seed}"

    def arguments(self) -> list[str]:
        """For the sandbox's command line."""
        return ["--world", "simulated", "--seed", str(self.seed), "--speed", "1"]


@dataclass(frozen=True)
class Profile:
    """One world with a folder, a database and settings of its own. `world` is None where the data are live."""

    name: str
    state: Path
    ports: Ports
    world: World | SimulatedWorld | None

    @property
    def folder(self) -> Path:
        """`.milkbot/<profile>`: settings, logs and data."""
        return self.state / self.name

    @property
    def env_file(self) -> Path:
        """Where a second shell finds this profile's settings."""
        return self.folder / "env"

    @property
    def sandbox_state(self) -> Path:
        """Where the sandbox keeps its own state and describes itself."""
        return self.folder / "sandbox"

    @property
    def mode(self) -> TradingMode:
        """DEMO sends real orders to its sandbox's exchange; every other profile only computes what would fill."""
        return TradingMode.DEMO if self.name == DEMO else TradingMode.SHADOW

    def log(self, process: str) -> Path:
        """The log of one process."""
        return self.folder / "logs" / f"{process}.log"

    def make_folders(self) -> None:
        """Everything a profile keeps is for its owner's eyes."""
        for folder in (self.state, self.folder, self.folder / "logs", self.sandbox_state):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def name_profile(profile: str | None, mode: str) -> str:
    """The profile that `make run PROFILE= MODE=` means. Raises CannotStart when the two contradict each other.

    LIVE is not among them: real money is never one short command away.
    """
    match mode:
        case "":
            return profile or SIMULATED
        case TradingMode.DEMO if profile in (None, DEMO):
            return DEMO
        case TradingMode.SHADOW if profile != DEMO:
            return profile or SIMULATED
        case TradingMode.LIVE:
            raise CannotStart("LIVE is not started by this; docs/DEMO_TO_LIVE_PLAYBOOK.md says how it is.")
        case TradingMode.DEMO | TradingMode.SHADOW:
            raise CannotStart(f"The profile {profile!r} does not run in {mode}.")
    raise CannotStart(f"MODE is {mode!r}; choose {TradingMode.SHADOW} or {TradingMode.DEMO}.")


def choose_profile(name: str, environment: Mapping[str, str]) -> Profile:
    """The profile of that name with what the environment says of it. Raises CannotStart."""
    if name not in PROFILES:
        raise CannotStart(
            f"There is no profile {name!r}; choose {', '.join(PROFILES[:-1])} or {PROFILES[-1]}."
        )
    state = Path(environment.get("MILKBOT_STATE_DIR") or PROJECT_ROOT / ".milkbot").absolute()
    world: World | SimulatedWorld | None = None
    if name == RECORDED:
        world = World.from_environment(environment)
    elif name in (SIMULATED, DEMO):
        world = SimulatedWorld.from_environment(environment)
    return Profile(name, state, Ports.from_environment(environment), world)


def settings_of(
    profile: Profile, urls: Mapping[str, str], world: str, environment: Mapping[str, str]
) -> dict[str, str]:
    """The settings of a profile by their names in `milkbot.core.config`.

    `urls` are those of database and broker; `world` is what the data are, in words.
    """
    settings = {
        "TRADING_MODE": profile.mode.value,
        "MILKBOT_PROFILE": profile.name,
        **urls,
        "PUBLIC_PORT": str(profile.ports.public),
        "OPERATOR_PORT": str(profile.ports.operator),
        "SECRET_KEY": _stored_secret(profile.env_file) or secrets.token_urlsafe(48),
    }
    if profile.world is not None:
        sandbox = f"http://127.0.0.1:{profile.ports.sandbox}"
        settings |= {
            "MILKBOT_WORLD": world,
            "KALSHI_BASE_URL": f"{sandbox}/trade-api/v2",
            "NWS_BASE_URL": f"{sandbox}/nws",
            **_pace(profile, profile.world),
            **(_sandbox_key(profile) if _needs_a_key(profile, environment) else {}),
        }
    return settings | {name: environment[name] for name in _OPERATOR_MAY_SET if environment.get(name)}


def hears_the_feed(settings: Mapping[str, str]) -> bool:
    """Whether a profile asks for the exchange's feed and holds a key for it."""
    return settings.get("STREAM_MAX_AGE_S", "0") != "0" and "KALSHI_DEMO_KEY_ID" in settings


def _needs_a_key(profile: Profile, environment: Mapping[str, str]) -> bool:
    """To send orders, or to hear the feed."""
    return profile.mode is TradingMode.DEMO or bool(environment.get("STREAM_MAX_AGE_S"))


def _sandbox_key(profile: Profile) -> dict[str, str]:
    """The key of the sandbox's first account: nobody else would take it."""
    described = describe_sandbox(profile).get("accounts")
    if not isinstance(described, list) or not described:
        return {}
    account = described[0]
    return {
        "KALSHI_DEMO_KEY_ID": account["key_id"],
        "KALSHI_DEMO_PRIVATE_KEY_PATH": account["private_key_path"],
    }


def _pace(profile: Profile, world: World | SimulatedWorld) -> dict[str, str]:
    """Whose clock runs, which cities it holds, and how often the loops turn, in wall seconds."""
    if isinstance(world, SimulatedWorld):
        return {"FAST_PERIOD_S": "30", "SLOW_PERIOD_S": "60"}
    return {
        "MILKBOT_WORLD_CLOCK": str(profile.sandbox_state / "sandbox.json"),
        "CITIES": "CHI",
        "FAST_PERIOD_S": str(_period_s(world, world_s=300, live_s=60)),
        "SLOW_PERIOD_S": str(_period_s(world, world_s=600, live_s=300)),
    }


def write_env_file(profile: Profile, settings: Mapping[str, str]) -> None:
    """Let a second shell find this profile: its settings, readable by the owner only, and its name in `active`."""
    lines = "".join(f"{name}={_quoted(value)}\n" for name, value in sorted(settings.items()))
    descriptor = os.open(profile.env_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(lines)
    (profile.state / "active").write_text(f"{profile.name}\n", encoding="utf-8")


def trader_environment(
    profile: Profile, settings: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """For workers, beat and the operator's pages."""
    passed = {name: environment[name] for name in (*_PASSED_THROUGH, *_NETWORK) if name in environment}
    return {**passed, **settings, MARKER: str(profile.folder), "MILKBOT_STATE_DIR": str(profile.state)}


def public_environment(
    profile: Profile, settings: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """For the public page: its own database role, no key, no broker, and no way to the file that holds the others."""
    passed = {name: environment[name] for name in _PASSED_THROUGH if name in environment}
    return {
        **passed,
        **{name: settings[name] for name in _PUBLIC_MAY_KNOW if name in settings},
        "DATABASE_URL": settings["PUBLIC_DATABASE_URL"],
        "DJANGO_SETTINGS_MODULE": "milkbot.settings.public",
        MARKER: str(profile.folder),
        "MILKBOT_STATE_DIR": os.devnull,
    }


def describe_sandbox(profile: Profile) -> dict[str, object]:
    """What the sandbox says of itself since it listens; empty before."""
    try:
        described = json.loads((profile.sandbox_state / "sandbox.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return described if isinstance(described, dict) else {}


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise CannotStart(f"{name} is {text!r}; set it to a port number from 1 to 65535.")
    return int(text)


def _period_s(world: World, *, world_s: int, live_s: int) -> int:
    """Wall seconds between turns of a loop that shall turn every `world_s` seconds of a replayed world's time.

    Data go stale by world time, so a faster world needs more frequent turns; faster than one a second helps nobody,
    and slower than in life (`live_s`) neither.
    """
    try:
        speed = float(world.options.get("speed") or DEFAULT_SPEED)
    except ValueError:
        raise CannotStart(f"SPEED={world.options['speed']} is no number.") from None
    return min(max(round(world_s / max(speed, 1)), 1), live_s)


def _quoted(value: str) -> str:
    """As python-dotenv reads it back."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _stored_secret(env_file: Path) -> str | None:
    """The key made at the first start: sessions outlive a restart."""
    return dotenv_values(env_file, interpolate=False).get("SECRET_KEY") if env_file.is_file() else None
