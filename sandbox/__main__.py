"""`python -m sandbox`: a local Kalshi and NWS over a recorded day or a simulated world, on loopback only."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, NoReturn

import uvicorn

from sandbox.accounts import Account, open_accounts, open_read_only_key
from sandbox.assembly import Options, Setup, UnusableOptions, prepare, sandbox_app
from sandbox.clock import parse_instant, wall_now
from sandbox.control import MAX_SPEED
from sandbox.description import (
    Description,
    addresses_in_words,
    describe,
    remove_description,
    write_description,
)
from sandbox.kalshi.costs import TIERS, USUAL_TIER, Tier
from sandbox.kalshi.state_file import StateFile, UnreadableState
from sandbox.kalshi.stream.heartbeat import PING_EVERY_S, HeartbeatProtocol
from sandbox.recorded import RecordedDataError
from sandbox.simulation import LIFE_SPEED, SIMULATED, SimulatedOptions, prepare_simulated

LOOPBACK: Final = "127.0.0.1"
SAMPLE: Final = Path(__file__).parent / "sample"
BAD_ARGUMENTS: Final = 2
CANNOT_LISTEN: Final = 1
ACCOUNTS_FILE: Final = "exchange.json"
FINISH_REQUESTS_S: Final = 2
MAX_HISTORY_DAYS: Final = 400
RECORDED_ONLY: Final = ("series", "date", "depth")
SIMULATED_ONLY: Final = ("seed", "start", "history_days")
RECORDED_DEFAULTS: Final = {"world": SAMPLE, "series": "KXHIGHCHI", "speed": 60.0, "depth": Decimal(10)}
SIMULATED_DEFAULTS: Final = {"seed": 7, "speed": LIFE_SPEED, "history_days": 7}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM. Exit code 0 after that, 1 when the port is taken, 2 for unusable arguments."""
    port, tier, options = _parse(arguments)
    try:
        setup = (
            prepare(options, wall_now)
            if isinstance(options, Options)
            else prepare_simulated(options, wall_now)
        )
    except (UnusableOptions, RecordedDataError) as error:
        return _failed(BAD_ARGUMENTS, str(error))
    try:
        listener = socket.create_server((LOOPBACK, port))
    except OSError as error:
        return _failed(CANNOT_LISTEN, f"port {port} cannot be used: {error.strerror}")
    # asyncio does so for its own sockets only; without it every kept-alive answer waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener:
        try:
            _serve(setup, options, listener, tier)
        except UnreadableState as error:
            return _failed(BAD_ARGUMENTS, str(error))
    return 0


def _serve(setup: Setup, options: Options | SimulatedOptions, listener: socket.socket, tier: Tier) -> None:
    folder = options.state_dir / "sandbox"
    accounts = open_accounts(folder)
    reader = open_read_only_key(folder, accounts[0])
    origin = f"http://{LOOPBACK}:{listener.getsockname()[1]}"

    def publish() -> Description:
        description = _description(setup, (*accounts, reader), origin)
        write_description(options.state_dir, description)
        return description

    def announce() -> None:
        description = publish()
        depth = f", assumed depth {options.depth} contracts" if isinstance(options, Options) else ""
        stated = f"\n{setup.inefficiency}" if setup.inefficiency else ""
        sys.stdout.write(f"Sandbox at {origin}: {setup.words}, speed {options.speed:g}{depth}{stated}\n")
        sys.stdout.write(addresses_in_words(description))
        sys.stdout.flush()

    state = StateFile(folder / ACCOUNTS_FILE, setup.world_json)
    config = uvicorn.Config(
        sandbox_app(setup.stage, (*accounts, reader), publish, state=state, tier=tier),
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=FINISH_REQUESTS_S,
        ws=HeartbeatProtocol,
        ws_ping_interval=PING_EVERY_S,
    )
    server = _Server(config, announce)
    # uvicorn raises the signal again once it is done; our own handler makes that a clean return instead of a death.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.stop)
    try:
        server.run(sockets=[listener])
    finally:
        remove_description(options.state_dir, os.getpid())


class _Server(uvicorn.Server):
    """Calls `on_listening` as soon as requests are answered."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening()

    def stop(self, _number: int, _frame: object) -> None:
        """Signal handler outside uvicorn's own."""
        self.should_exit = True


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of a page."""

    def error(self, message: str) -> NoReturn:
        sys.exit(_failed(BAD_ARGUMENTS, message))


def _parse(arguments: Sequence[str] | None) -> tuple[int, Tier, Options | SimulatedOptions]:
    parser = _parser()
    given = parser.parse_args(arguments)
    simulated = given.world == SIMULATED
    foreign = [
        f"--{name.replace('_', '-')}"
        for name in (RECORDED_ONLY if simulated else SIMULATED_ONLY)
        if getattr(given, name) is not None
    ]
    if foreign:
        kind = "recorded" if simulated else "simulated"
        parser.error(f"{' and '.join(foreign)} can only be given for a {kind} world")
    for name, usual in (SIMULATED_DEFAULTS if simulated else RECORDED_DEFAULTS).items():
        if getattr(given, name) is None:
            setattr(given, name, usual)
    return given.port, TIERS[given.tier], _simulated(given) if simulated else _recorded(given)


def _recorded(given: argparse.Namespace) -> Options:
    return Options(
        world=Path(given.world),
        series=given.series,
        event_date=given.date,
        speed=given.speed,
        depth=given.depth,
        state_dir=given.state_dir,
        wall_anchor=given.wall_anchor,
        resume=given.resume,
    )


def _simulated(given: argparse.Namespace) -> SimulatedOptions:
    return SimulatedOptions(
        seed=given.seed,
        speed=given.speed,
        start=given.start,
        history_days=given.history_days,
        state_dir=given.state_dir,
        wall_anchor=given.wall_anchor,
        resume=given.resume,
    )


def _parser() -> _Parser:
    parser = _Parser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=_port, default=8002, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--world", help="folder in the recorded-ladder format, or the word simulated; default: the sample"
    )
    parser.add_argument("--series", help="recorded: which series; default KXHIGHCHI")
    parser.add_argument(
        "--date", type=date.fromisoformat, help="recorded: event date; may be left out if there is one only"
    )
    parser.add_argument("--depth", type=_depth, help="recorded: assumed contracts at each price; default 10")
    parser.add_argument("--seed", type=_seed, help="simulated: which world; default 7")
    parser.add_argument(
        "--start", type=parse_instant, help="simulated: begin at this past moment; default: now, at speed 1"
    )
    parser.add_argument(
        "--history-days", type=_history_days, help="simulated: days of events before the start; default 7"
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        help="world seconds in a second until world time is now; default 60 recorded, 1 simulated",
    )
    parser.add_argument(
        "--state-dir", type=Path, default=Path(".milkbot"), help="where sandbox.json and keys are put"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the clock of a run that did not end cleanly"
    )
    parser.add_argument(
        "--tier",
        choices=TIERS,
        default=USUAL_TIER.name,
        help=f"how much the exchange answers each account; default {USUAL_TIER.name}",
    )
    parser.add_argument(
        "--wall-anchor", type=parse_instant, help="start as if at this past moment (for tests)"
    )
    return parser


def _seed(text: str) -> int:
    return _whole(text, 0, 2**32 - 1)


def _history_days(text: str) -> int:
    return _whole(text, 0, MAX_HISTORY_DAYS)


def _whole(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
    return int(text)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{port} is no port")
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= MAX_SPEED:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {MAX_SPEED}")
    return speed


def _depth(text: str) -> Decimal:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of contracts above 0")
    return Decimal(text)


def _description(setup: Setup, accounts: tuple[Account, ...], origin: str) -> Description:
    return describe(
        setup.identity,
        setup.words,
        setup.shift_days,
        setup.stage.clock,
        accounts,
        origin,
        setup.inefficiency,
    )


def _failed(code: int, reason: str) -> int:
    sys.stderr.write(f"sandbox: {reason}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
