"""How long a refused question is left alone before it is asked again."""

import pytest

from milkbot.core.errors import Malformed, OutsideError, Refused, Unreachable
from trading.archive.patience import Patience


def busy(status: int = 429, retry_after_s: float | None = None) -> Refused:
    error = Refused("kalshi", "slow down", status=status)
    error.retry_after_s = retry_after_s
    return error


def asked(*outcomes: OutsideError | str) -> tuple[list[float], Patience, list[OutsideError | str]]:
    naps: list[float] = []
    return naps, Patience(attempts=4, sleep=naps.append), list(outcomes)


def answer(outcomes: list[OutsideError | str]) -> str:
    outcome = outcomes.pop(0)
    if isinstance(outcome, OutsideError):
        raise outcome
    return outcome


def test_waits_double_until_an_answer_comes() -> None:
    down = Unreachable("iem", "no answer")
    naps, patience, outcomes = asked(down, down, down, "here")
    assert patience.call(lambda: answer(outcomes)) == "here"
    assert naps == [1.0, 2.0, 4.0]


def test_what_the_service_asks_for_is_waited() -> None:
    naps, patience, outcomes = asked(busy(retry_after_s=17), busy(retry_after_s=0.5), "here")
    assert patience.call(lambda: answer(outcomes)) == "here"
    assert naps == [17, 2.0]


def test_last_failure_leaves() -> None:
    down = Unreachable("iem", "no answer")
    naps, patience, outcomes = asked(down, down, down, busy())
    with pytest.raises(Refused):
        patience.call(lambda: answer(outcomes))
    assert len(naps) == 3


@pytest.mark.parametrize(
    "error",
    [busy(404), Malformed("iem", "no JSON"), busy(retry_after_s=3600)],
    ids=["no", "junk", "too long"],
)
def test_waiting_in_vain_is_not_tried(error: OutsideError) -> None:
    naps, patience, outcomes = asked(error, "never asked for")
    with pytest.raises(type(error)):
        patience.call(lambda: answer(outcomes))
    assert naps == []
    assert outcomes == ["never asked for"]


def test_somebody_is_told_of_every_wait() -> None:
    told: list[tuple[float, str]] = []
    patience = Patience(sleep=lambda _: None, on_wait=lambda wait_s, why: told.append((wait_s, why)))
    _, _, outcomes = asked(busy(retry_after_s=5), "here")
    patience.call(lambda: answer(outcomes))
    assert told == [(5, "kalshi: slow down")]
