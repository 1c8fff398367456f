"""`python -m milkbot.embedded run|clean`: what `make run`, `make shadow` and `make clean` call."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from milkbot.embedded.launch import run
from milkbot.embedded.lock import held_lock
from milkbot.embedded.postgres import profile_cluster
from milkbot.embedded.process import CannotStart, end_leftovers
from milkbot.embedded.profile import PROFILES, SHADOW, choose_profile, name_profile
from milkbot.embedded.supervisor import StopRequested


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 after a requested stop, 1 with one sentence when nothing could be started."""
    options = _parse(arguments)
    try:
        if options.command == "clean":
            _clean()
        else:
            profile = choose_profile(name_profile(options.profile, options.mode), os.environ)
            run(profile, os.environ, _say, fresh=options.fresh)
    except StopRequested:
        _say("Stopped.")
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m milkbot.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("run", help="start a profile and watch over it")
    start.add_argument("--profile", choices=PROFILES, help="which world (default: simulated)")
    start.add_argument("--mode", default="", help="DEMO sends real orders to the sandbox's exchange")
    start.add_argument("--fresh", action="store_true", help="forget the profile's data first")
    commands.add_parser("clean", help="delete all profiles with their data, after asking")
    return parser.parse_args(arguments)


def _clean() -> None:
    """Delete data only after a clear yes; no answer is a no."""
    profile = choose_profile(SHADOW, os.environ)
    if not profile.state.is_dir():
        return
    answer = (
        input(f"Delete all data in {profile.state}, databases included? Type yes: ")
        if sys.stdin.isatty()
        else ""
    )
    if answer.strip().lower() != "yes":
        _say(f"Kept {profile.state}.")
        return
    with held_lock(profile):
        for name in PROFILES:
            folder = profile.state / name
            if folder.is_dir():
                end_leftovers(folder)
                cluster = profile_cluster(folder)
                cluster.take_over()
                cluster.delete()
        shutil.rmtree(profile.state)
    _say(f"Deleted {profile.state}.")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
