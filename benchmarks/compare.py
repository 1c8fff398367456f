"""Is today's code dearer than the recorded baseline?

Times on shared machines wander by half; how many SQL statements and Python calls a piece of work takes does not. So a
regression is judged by the two counts, and the times are printed and kept beside a peer measured in the same run.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

TOLERANCE: Final = 0.20
ONE_DAY: Final = "ten cities, an event each"
TWO_DAYS: Final = "ten cities, two events each"
DELAYED: Final = "answers after 500 ms"
FEES_ANEW: Final = "and all fees read anew"
MOST_TURN_MS: Final = 1500
MOST_RATIO: Final = 3
MOST_HOPS: Final = 2
SEND_RSA: Final = "decide and send, RSA key"
SEND_ED25519: Final = "decide and send, Ed25519 key"
PARSE_PAGE: Final = "parse 1,000 markets"
MOST_SEND_MS: Final = 3
MOST_SEND_P99_MS: Final = 10
MOST_SEND_RATIO: Final = 3
"""Of the bare post beside it, where a machine is so slow that the bare post takes a third of either limit."""
MOST_PARSE_RATIO: Final = 3
"""From the bytes of a page to its markets, in processor time of `json.loads` of the same bytes."""
MOST_REQUESTS: Final = {ONE_DAY: 12, TWO_DAYS: 13, DELAYED: 13, FEES_ANEW: 23}
"""Status, ten cities' events, a call for each hundred order books; ten series more when fees are read anew."""


MINUTES: Final = "every minute, screened"
MINUTES_TAKEN: Final = "every minute, takers only, screened"
MINUTES_JUDGED: Final = "every minute, judged one by one"
CHANGES: Final = "every change, screened"
CHANGES_JUDGED: Final = "every change, judged one by one"
MANY_CHANGES: Final = "every change, four times the days"
LEAST_JUDGED_PER_S: Final = 50_000
LEAST_SCREENED_PER_S: Final = 250_000
"""Market-snapshots, where little or nothing is traded: what decisions cost is in the rates of every change."""
LEAST_OF_FEW: Final = 0.65
"""Of the rate over few days, over four times as many: what has been settled must not be looked at again."""


class Measurement(BaseModel):
    """One case. Times in milliseconds; `peer_ms` is what `peer` takes for the same input in the same run."""

    model_config = ConfigDict(frozen=True)

    median_ms: float
    p95_ms: float
    p99_ms: float | None = None
    """None in results of former days."""
    peer: str
    peer_ms: float
    peer_p99_ms: float | None = None
    """None in results of former days."""
    cpu_ratio: float | None = None
    """Its processor time in this thread by the peer's of the same round, median over the rounds. Unlike `ratio` it
    does not rise when others use the machine, who interrupt the longer work more often. None in former results."""
    calls: int
    """Python function calls of one run."""
    statements: int
    """SQL statements of one run."""

    @property
    def ratio(self) -> float:
        """How many times the peer's time it takes."""
        return self.median_ms / self.peer_ms if self.peer_ms else float("inf")


class Turns(BaseModel):
    """A series of turns over the wire. Times in milliseconds; counts are the most that a turn of the series took."""

    model_config = ConfigDict(frozen=True)

    turns: int
    markets: int
    median_ms: float
    p95_ms: float
    requests: int
    slowest_ms: float
    """The slowest round trip of a turn, median over the turns."""
    ratio: float
    """A turn's time divided by its slowest round trip, median over the turns."""
    hops: int
    """Reads in a row. Only slow answers tell them from reads that merely began later."""
    statements: int
    """SQL statements of a turn that finds nothing new, the least of the series."""
    statements_most: int
    """The most of a turn without orders: each table that got something new costs one."""
    faults: int
    """Sentences in the reports on what could not be read."""


class Rate(BaseModel):
    """One replay, in processor time of one process."""

    model_config = ConfigDict(frozen=True)

    snapshots: int
    cpu_s: float
    per_s: int
    """Market-snapshots a second."""
    slowness: float = 1.0
    """Of the core in the same minute: `benchmarks.yardstick`."""
    decided: int
    """Instants that were decided in full."""
    trades: int


class Results(BaseModel):
    """All cases of one run, and the interpreter they ran on: call counts differ between versions."""

    model_config = ConfigDict(frozen=True)

    python: str
    cases: Mapping[str, Measurement]
    wire: Mapping[str, Turns]
    replays: Mapping[str, Rate] = Field(default_factory=dict)
    """Empty in results of former days."""


def regressions(baseline: Results, today: Results, tolerance: float = TOLERANCE) -> list[str]:
    """A sentence for every case that costs more than `tolerance` above its baseline, or has none."""
    if baseline.python != today.python:
        return []
    found = []
    for name, measured in today.cases.items():
        before = baseline.cases.get(name)
        if before is None:
            found.append(f"{name} has no baseline: run `make bench RECORD=1` and commit it")
            continue
        for what in ("calls", "statements"):
            was, now = getattr(before, what), getattr(measured, what)
            if now > was * (1 + tolerance):
                found.append(f"{name}: {what} rose from {was} to {now}")
    return found


def broken_limits(wire: Mapping[str, Turns]) -> list[str]:
    """A sentence for every promise about turns over the wire that does not hold; docs/MEASUREMENTS.md lists them."""
    found = []
    if (small := wire[ONE_DAY].statements) != (large := wire[TWO_DAYS].statements):
        found.append(f"statements of a turn rose with the markets, from {small} to {large}")
    if (p95_ms := wire[TWO_DAYS].p95_ms) >= MOST_TURN_MS:
        found.append(f"{TWO_DAYS}: p95 is {p95_ms:.0f} ms, {MOST_TURN_MS} are allowed")
    for name in (DELAYED, FEES_ANEW):
        if (hops := wire[name].hops) > MOST_HOPS:
            found.append(f"{name}: {hops} reads wait for one another, {MOST_HOPS} are allowed")
        if (ratio := wire[name].ratio) > MOST_RATIO:
            found.append(f"{name}: {ratio:.2f} times the slowest round trip, {MOST_RATIO} are allowed")
    for name, most in MOST_REQUESTS.items():
        if (requests := wire[name].requests) > most:
            found.append(f"{name}: {requests} requests in a turn, {most} are allowed")
    faulty = (f"{name}: {turns.faults} faults" for name, turns in wire.items() if turns.faults)
    return [*found, *faulty]


def broken_case_limits(cases: Mapping[str, Measurement]) -> list[str]:
    """A sentence for every promise about sending an order and parsing a page that does not hold."""
    found = []
    for name in (SEND_RSA, SEND_ED25519):
        case = cases[name]
        most = max(MOST_SEND_MS, MOST_SEND_RATIO * case.peer_ms)
        if case.median_ms >= most:
            found.append(f"{name}: median is {case.median_ms:.1f} ms, {most:.1f} are allowed")
        most = max(MOST_SEND_P99_MS, MOST_SEND_RATIO * (case.peer_p99_ms or 0))
        if case.p99_ms is None or case.p99_ms >= most:
            found.append(f"{name}: p99 is {case.p99_ms} ms, {most:.1f} are allowed")
    ratio = cases[PARSE_PAGE].cpu_ratio
    if ratio is None or ratio >= MOST_PARSE_RATIO:
        found.append(f"{PARSE_PAGE}: {ratio} times json.loads, less than {MOST_PARSE_RATIO} are allowed")
    return found


def broken_rates(replays: Mapping[str, Rate]) -> list[str]:
    """A sentence for every promise about the speed of replays that does not hold."""
    least = {
        MINUTES_TAKEN: LEAST_SCREENED_PER_S,
        MINUTES_JUDGED: LEAST_JUDGED_PER_S,
    }
    found = [
        f"{name}: {rate.per_s} market-snapshots a second on a core {rate.slowness:.2f} times slower than the reference,"
        f" {wanted / rate.slowness:.0f} are wanted"
        for name, wanted in least.items()
        if (rate := replays[name]).per_s < wanted / rate.slowness
    ]
    few, many = replays[CHANGES].per_s, replays[MANY_CHANGES].per_s
    if many < few * LEAST_OF_FEW:
        found.append(
            f"{MANY_CHANGES}: {many} market-snapshots a second instead of {few}: it grows with what is over"
        )
    return found
