"""Whether a quote may rest now, and until when: it must be out of the book before anything that moves prices is due."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from trading.domain.evidence import LEAVES_WITHIN
from trading.domain.gates import PASSED, Gate
from trading.domain.inputs import CityView
from trading.domain.policy import Policy
from trading.domain.types import ReasonCode
from weather.domain.releases import NOTHING_DUE, Releases


def expiration(at: datetime, releases: Releases, life: timedelta) -> datetime:
    """When an order sent or renewed at `at` ends by itself, at the exchange and without us."""
    unsafe_from = releases.unsafe_from(at)
    return at + life if unsafe_from is None else min(at + life, unsafe_from)


def is_too_late(at: datetime, releases: Releases) -> bool:
    """Whether a quote sent or renewed at `at` may reach the exchange after the expiration it would have."""
    return expiration(at, releases, LEAVES_WITHIN) < at + LEAVES_WITHIN


def check_quiet(releases: Releases, now: datetime, policy: Policy) -> Gate:
    """Nothing is due for as long as a new quote must live to be worth posting."""
    until = releases.unsafe_from(now)
    if until is None or until - now >= policy.min_resting_life:
        return PASSED
    window = releases.open_at(until)
    assert window is not None, "it opens just then"
    return Gate(
        False,
        ReasonCode.RELEASE_DUE,
        f"{window.what} due from {window.starts_at:%H:%MZ}, until it is seen or {window.ends_at:%H:%MZ}",
    )


def check_still_quiet(releases: Releases, now: datetime) -> Gate:
    """Nothing is due at this very moment: what rests may stay until its expiration."""
    window = releases.open_at(now)
    if window is None:
        return PASSED
    return Gate(False, ReasonCode.RELEASE_DUE, f"{window.what} due from {window.starts_at:%H:%MZ}")


def releases_by_market(views: Iterable[CityView]) -> Mapping[str, Releases]:
    """What is due, by market ticker."""
    return {
        market.market.ticker: view.releases.get(board.event_date, NOTHING_DUE)
        for view in views
        for board in view.boards
        for market in board.markets
    }
