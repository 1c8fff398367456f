"""Times, calls and statements of a piece of work."""

import statistics
import sys
import time
from collections.abc import Callable
from types import FrameType

from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.compare import Measurement

Work = Callable[[], object]


def measure(work: Work, *, peer: str, peer_work: Work, rounds: int, warm_up: int = 2) -> Measurement:
    """Run `work` and its peer alternately, so that a slow moment of the machine meets both alike."""
    for _ in range(warm_up):
        work()
        peer_work()
    statements = _statements(work)
    calls = _calls(work)
    times, peer_times, cpu_ratios = [], [], []
    for _ in range(rounds):
        elapsed_ms, cpu_ms = _spent_ms(work)
        peer_elapsed_ms, peer_cpu_ms = _spent_ms(peer_work)
        times.append(elapsed_ms)
        peer_times.append(peer_elapsed_ms)
        cpu_ratios.append(cpu_ms / peer_cpu_ms)
    return Measurement(
        median_ms=round(statistics.median(times), 3),
        p95_ms=round(statistics.quantiles(times, n=20)[-1], 3),
        p99_ms=round(statistics.quantiles(times, n=100)[-1], 3),
        peer=peer,
        peer_ms=round(statistics.median(peer_times), 4),
        peer_p99_ms=round(statistics.quantiles(peer_times, n=100)[-1], 3),
        cpu_ratio=round(statistics.median(cpu_ratios), 3),
        calls=calls,
        statements=statements,
    )


def _spent_ms(work: Work) -> tuple[float, float]:
    """Time on the clock, and of the processor in this thread."""
    begun, cpu_begun = time.perf_counter(), time.thread_time()
    work()
    return (time.perf_counter() - begun) * 1000, (time.thread_time() - cpu_begun) * 1000


def _statements(work: Work) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


def _calls(work: Work) -> int:
    """Python-level calls in this thread: the same on every machine for the same input."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
