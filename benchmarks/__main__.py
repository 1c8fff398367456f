"""`make bench`: measures, prints, keeps the results, and with --check refuses a regression above 20 %."""

import argparse
import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.compare import TOLERANCE, Results, regressions
from milkbot.embedded.postgres import scratch_cluster
from milkbot.embedded.process import stop

BASELINE = Path(__file__).with_name("baseline.json")
HISTORY = Path("build/benchmarks.jsonl")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="fail if a case costs > 20 %% more than its baseline"
    )
    parser.add_argument("--record", action="store_true", help="make today's results the baseline")
    given = parser.parse_args()
    with _database():
        results = _run()
    _print(results)
    keep(results)
    if given.record:
        BASELINE.write_text(results.model_dump_json(indent=2) + "\n")
    if not given.check:
        return 0
    worse = regressions(Results.model_validate_json(BASELINE.read_text()), results)
    for sentence in worse:
        print(f"REGRESSION  {sentence}")
    return 1 if worse else 0


def _run() -> Results:
    # Imported here: they need Django, which needs the database.
    from benchmarks.cases import cases
    from benchmarks.measure import measure

    with cases() as listed:
        measured = {
            case.name: measure(case.work, peer=case.peer, peer_work=case.peer_work, rounds=case.rounds)
            for case in listed
        }
    return Results(python=".".join(platform.python_version_tuple()[:2]), cases=measured)


@contextmanager
def _database() -> Iterator[None]:
    """A PostgreSQL of its own unless DATABASE_URL names one, with an empty, migrated test database."""
    cluster = process = None
    if not os.environ.get("DATABASE_URL"):
        cluster = scratch_cluster()
        process = cluster.start(cluster.data.parent / "log")
        os.environ["DATABASE_URL"] = cluster.url("postgres")
    os.environ["DJANGO_SETTINGS_MODULE"] = "milkbot.settings.test"
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    # Imported here: the settings read the environment set above.
    import django
    from django.test.utils import setup_databases, teardown_databases

    try:
        django.setup()
        former = setup_databases(verbosity=0, interactive=False)
        try:
            yield
        finally:
            teardown_databases(former, verbosity=0)
    finally:
        if cluster is not None and process is not None:
            stop(process, signal.SIGQUIT, timeout_s=5)
            cluster.delete()


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


def keep(results: Results, history: Path = HISTORY) -> None:
    """Add the run to the history, one JSON object a line."""
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.open("a") as file:
        file.write(results.model_dump_json() + "\n")


if __name__ == "__main__":
    sys.exit(main())
