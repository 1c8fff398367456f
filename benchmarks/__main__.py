"""`make bench`: measures, prints, keeps the results; --check refuses a regression above 20 % and a broken limit."""

import argparse
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.compare import (
    MOST_HOPS,
    MOST_RATIO,
    MOST_TURN_MS,
    TOLERANCE,
    Rate,
    Results,
    broken_case_limits,
    broken_limits,
    broken_rates,
    regressions,
)
from benchmarks.database import database_server, empty_database

BASELINE = Path(__file__).with_name("baseline.json")
HISTORY = Path("build/benchmarks.jsonl")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="fail if a case costs > 20 %% more than its baseline"
    )
    parser.add_argument("--record", action="store_true", help="make today's results the baseline")
    given = parser.parse_args()
    with database_server():
        results = _run()
    _print(results)
    _print_turns(results)
    print_rates(results.replays)
    keep(results)
    if given.record:
        BASELINE.write_text(results.model_dump_json(indent=2) + "\n")
    if not given.check:
        return 0
    worse = regressions(Results.model_validate_json(BASELINE.read_text()), results)
    for sentence in worse:
        print(f"REGRESSION  {sentence}")
    broken = [
        *broken_limits(results.wire),
        *broken_case_limits(results.cases),
        *broken_rates(results.replays),
    ]
    for sentence in broken:
        print(f"BROKEN LIMIT  {sentence}")
    return 1 if worse or broken else 0


def _run() -> Results:
    # Imported here: they need Django, which needs the server.
    from benchmarks.cases import cases
    from benchmarks.measure import measure
    from benchmarks.replays import measure_replays
    from benchmarks.wire import measure_turns

    with empty_database(), cases() as listed:
        measured = {
            case.name: measure(case.work, peer=case.peer, peer_work=case.peer_work, rounds=case.rounds)
            for case in listed
        }
    with empty_database():
        wire = measure_turns()
    return Results(
        python=".".join(platform.python_version_tuple()[:2]),
        cases=measured,
        wire=wire,
        replays=measure_replays(),
    )


def _print(results: Results) -> None:
    print(f"{'':28}{'median':>10}{'p95':>10}{'x peer':>9}{'calls':>9}{'SQL':>5}   peer")
    for name, case in results.cases.items():
        print(
            f"{name:28}{case.median_ms:>7.2f} ms{case.p95_ms:>7.2f} ms{case.ratio:>9.1f}{case.calls:>9}"
            f"{case.statements:>5}   {case.peer}, {case.peer_ms:.3f} ms"
        )
    cycles = [case.statements for name, case in results.cases.items() if name.startswith("cycle")]
    print(f"statements of a cycle when the markets double: {cycles[0]} -> {cycles[1]}")
    print(f"a case fails --check when its calls or statements exceed the baseline by {TOLERANCE:.0%}")


def _print_turns(results: Results) -> None:
    print(
        f"\n{'turns over the wire':28}{'median':>10}{'p95':>10}{'slowest trip':>14}{'ratio':>7}{'requests':>10}",
        end="",
    )
    print(f"{'hops':>6}{'SQL':>9}{'markets':>9}")
    for name, turns in results.wire.items():
        print(
            f"{name:28}{turns.median_ms:>7.0f} ms{turns.p95_ms:>7.0f} ms{turns.slowest_ms:>11.0f} ms{turns.ratio:>7.2f}"
            f"{turns.requests:>10}{turns.hops:>6}{turns.statements:>4} - {turns.statements_most:<2}{turns.markets:>9}"
        )
    print(
        f"--check: p95 < {MOST_TURN_MS} ms; with slow answers at most {MOST_RATIO} x the slowest round trip and {MOST_HOPS} hops"
    )


def print_rates(replays: Mapping[str, Rate]) -> None:
    """One line for each replay."""
    print(
        f"\n{'replays':34}{'snapshots':>10}{'processor':>11}{'snapshots/s':>13}{'slowness':>10}{'decided':>9}{'fills':>7}"
    )
    for name, rate in replays.items():
        print(
            f"{name:34}{rate.snapshots:>10}{rate.cpu_s:>9.2f} s{rate.per_s:>13}{rate.slowness:>10.2f}{rate.decided:>9}{rate.trades:>7}"
        )


def keep(results: Results, history: Path = HISTORY) -> None:
    """Add the run to the history, one JSON object a line."""
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.open("a") as file:
        file.write(results.model_dump_json() + "\n")


if __name__ == "__main__":
    sys.exit(main())
