"""The regression gate: counts above 120 % of the baseline fail, times never do."""

from pathlib import Path

import pytest

from benchmarks.__main__ import keep
from benchmarks.compare import (
    CHANGES,
    DELAYED,
    FEES_ANEW,
    MANY_CHANGES,
    MINUTES_JUDGED,
    MINUTES_TAKEN,
    ONE_DAY,
    PARSE_PAGE,
    SEND_ED25519,
    SEND_RSA,
    TWO_DAYS,
    Measurement,
    Rate,
    Results,
    Turns,
    broken_case_limits,
    broken_limits,
    broken_rates,
    regressions,
)
from benchmarks.yardstick import REFERENCE_S, slowness

ROOT = Path(__file__).resolve().parents[2]
BASELINE = Results.model_validate_json((ROOT / "benchmarks" / "baseline.json").read_text())


def measured(*, calls: int = 1000, statements: int = 10, median_ms: float = 5) -> Measurement:
    return Measurement(median_ms=median_ms, p95_ms=9, peer="p", peer_ms=1, calls=calls, statements=statements)


def results(python: str = "3.11", **cases: Measurement) -> Results:
    return Results(python=python, cases=cases, wire={})


def turns(**changed: float) -> Turns:
    figures = {
        "turns": 20,
        "markets": 120,
        "median_ms": 200,
        "p95_ms": 300,
        "requests": 12,
        "slowest_ms": 90,
        "ratio": 2.2,
        "hops": 2,
        "statements": 44,
        "statements_most": 47,
        "faults": 0,
    }
    return Turns.model_validate(figures | changed)


def wire(name: str = "", **changed: float) -> dict[str, Turns]:
    """Series that keep every limit, but for what is `changed` in the one of that name."""
    return {
        series: turns(**changed) if series == name else turns()
        for series in (ONE_DAY, TWO_DAYS, DELAYED, FEES_ANEW)
    }


@pytest.mark.story("9.2", 3)
@pytest.mark.parametrize(
    ("today", "worse"),
    [
        (measured(calls=1200, statements=12), 0),
        (measured(calls=1201), 1),
        (measured(statements=13), 1),
        (measured(calls=1500, statements=20), 2),
        (measured(median_ms=500), 0),
    ],
)
def test_a_rise_above_a_fifth_is_a_regression(today: Measurement, worse: int) -> None:
    assert len(regressions(results(cycle=measured()), results(cycle=today))) == worse


def test_a_case_without_a_baseline_is_told() -> None:
    assert "no baseline" in regressions(results(), results(new=measured()))[0]


def test_another_interpreter_is_not_compared() -> None:
    assert regressions(results(cycle=measured()), results(python="3.13", cycle=measured(calls=9999))) == []


@pytest.mark.story("9.2", 1)
@pytest.mark.story("9.2", 2)
def test_the_baseline_covers_strategy_evaluation_api_calls_queries_and_the_cycle() -> None:
    assert set(BASELINE.cases) == {
        "decide on 120 markets",
        "list events over the wire",
        "parse a page of events",
        "parse 1,000 markets",
        "decide and send, RSA key",
        "decide and send, Ed25519 key",
        "store 120 unchanged markets",
        "cycle over 60 markets",
        "cycle over 120 markets",
    }


def test_the_baseline_says_that_a_cycle_needs_no_more_statements_for_twice_the_markets() -> None:
    assert (
        BASELINE.cases["cycle over 60 markets"].statements
        == BASELINE.cases["cycle over 120 markets"].statements
    )


def test_limits_when_all_are_kept_then_nothing_is_said() -> None:
    assert broken_limits(wire()) == []


@pytest.mark.parametrize(
    ("series", "changed", "words"),
    [
        (TWO_DAYS, {"p95_ms": 1500}, "p95 is 1500 ms"),
        (TWO_DAYS, {"statements": 45}, "rose with the markets, from 44 to 45"),
        (TWO_DAYS, {"requests": 14}, "14 requests"),
        (DELAYED, {"ratio": 3.01}, "3.01 times the slowest round trip"),
        (DELAYED, {"hops": 3}, "3 reads wait for one another"),
        (FEES_ANEW, {"ratio": 3.2}, "3.20 times the slowest round trip"),
        (FEES_ANEW, {"requests": 24}, "24 requests"),
        (ONE_DAY, {"faults": 1}, "1 faults"),
    ],
)
def test_limits_when_one_is_broken_then_it_alone_is_named(
    series: str, changed: dict[str, float], words: str
) -> None:
    (sentence,) = broken_limits(wire(series, **changed))

    assert words in sentence


def test_the_baseline_keeps_every_limit() -> None:
    assert broken_limits(BASELINE.wire) == []


@pytest.mark.story("9.2", 4)
def test_ci_runs_the_gate_on_every_commit() -> None:
    assert "make bench CHECK=1" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.story("9.2", 5)
def test_results_are_kept_as_one_line_a_run(tmp_path: Path) -> None:
    for _ in range(2):
        keep(results(cycle=measured()), tmp_path / "build" / "history.jsonl")

    lines = (tmp_path / "build" / "history.jsonl").read_text().splitlines()
    assert [Results.model_validate_json(line) for line in lines] == [results(cycle=measured())] * 2


@pytest.mark.parametrize(
    ("median_ms", "p99_ms", "faults"),
    [(2.9, 9.9, 0), (3.0, 9.9, 1), (2.9, 10.0, 1), (2.9, None, 1), (5, 50, 2)],
)
def test_slow_order_breaks_its_limits(median_ms: float, p99_ms: float | None, faults: int) -> None:
    quick = measured(median_ms=1).model_copy(update={"p99_ms": 2.0})
    tried = measured(median_ms=median_ms).model_copy(update={"p99_ms": p99_ms})
    cases = {SEND_RSA: tried, SEND_ED25519: quick, PARSE_PAGE: quick.model_copy(update={"cpu_ratio": 2.6})}
    assert len(broken_case_limits(cases)) == faults


@pytest.mark.parametrize(("median_ms", "p99_ms", "faults"), [(4.4, 17.9, 0), (4.5, 17.9, 1), (4.4, 18.0, 1)])
def test_slow_machine_is_allowed_three_times_the_bare_post(
    median_ms: float, p99_ms: float, faults: int
) -> None:
    quick = measured(median_ms=1).model_copy(update={"p99_ms": 2.0, "cpu_ratio": 2.6})
    tried = measured(median_ms=median_ms).model_copy(
        update={"p99_ms": p99_ms, "peer_ms": 1.5, "peer_p99_ms": 6.0}
    )
    assert len(broken_case_limits({SEND_RSA: tried, SEND_ED25519: quick, PARSE_PAGE: quick})) == faults


@pytest.mark.parametrize(("cpu_ratio", "sentences"), [(2.99, 0), (3.0, 1), (4.2, 1), (None, 1)])
def test_page_parsed_in_three_times_json_loads_breaks_its_limit(
    cpu_ratio: float | None, sentences: int
) -> None:
    quick = measured(median_ms=1).model_copy(update={"p99_ms": 2.0})
    parsed = measured().model_copy(update={"cpu_ratio": cpu_ratio})
    found = broken_case_limits({SEND_RSA: quick, SEND_ED25519: quick, PARSE_PAGE: parsed})
    assert len(found) == sentences
    assert all("times json.loads" in sentence for sentence in found)


def rates(**changed: int) -> dict[str, Rate]:
    """Replays that keep every limit, but for what is `changed`."""
    per_s = {"taken": 260_000, "judged": 90_000, "few": 60_000, "many": 59_000}
    names = {"taken": MINUTES_TAKEN, "judged": MINUTES_JUDGED, "few": CHANGES, "many": MANY_CHANGES}
    return {
        names[key]: Rate(snapshots=10**6, cpu_s=10**6 / rate, per_s=rate, decided=10, trades=1)
        for key, rate in {**per_s, **changed}.items()
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"taken": 249_999}, MINUTES_TAKEN),
        ({"judged": 49_999}, MINUTES_JUDGED),
        ({"many": 38_000}, MANY_CHANGES),
    ],
)
def test_slow_replay_breaks_a_limit(changed: dict[str, int], said: str | None) -> None:
    found = broken_rates(rates(**changed))
    assert [sentence.split(":")[0] for sentence in found] == ([] if said is None else [said])


@pytest.mark.parametrize(("slowness", "kept"), [(1.0, False), (1.9, False), (2.01, True)])
def test_rate_is_compared_with_what_the_core_can_do(slowness: float, kept: bool) -> None:
    slow = {
        name: rate.model_copy(update={"slowness": slowness}) for name, rate in rates(taken=125_000).items()
    }
    assert (broken_rates(slow) == []) is kept


def test_yardstick_allows_a_quick_core_nothing() -> None:
    assert slowness(REFERENCE_S / 3) == 1
    assert slowness(REFERENCE_S * 3) == pytest.approx(3)
