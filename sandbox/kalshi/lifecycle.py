"""The life of a market, from its times alone: initialized, active, closed, determined, finalized."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Literal

from sandbox.cities import first_time_after
from sandbox.feeds import Ladder

Status = Literal["initialized", "active", "closed", "determined", "finalized"]

# Observed in October 2026: daily temperature markets are paid at 11:18 to 11:19 UTC, an hour after determination.
FINALIZED_UTC: Final = time(11, 18)
SETTLEMENT_TIMER: Final = timedelta(seconds=3600)
LISTED_BEFORE_OPENING: Final = timedelta(minutes=30)

STATUS_OF_FILTER: Final[dict[str, frozenset[Status]]] = {
    "unopened": frozenset({"initialized"}),
    "open": frozenset({"active"}),
    "paused": frozenset(),
    "closed": frozenset({"closed", "determined"}),
    "settled": frozenset({"finalized"}),
}


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The moments at which a ladder's markets change status; those of the result are None when nobody knows it.

    `closed_early_at` is when a control ended trading, None where it ends as planned.
    """

    created_at: datetime
    opens_at: datetime
    closes_at: datetime
    determined_at: datetime | None
    finalized_at: datetime | None
    closed_early_at: datetime | None = None

    def status(self, at: datetime) -> Status:
        """The status at `at`."""
        if at < self.opens_at:
            return "initialized"
        if at < self.closes_at:
            return "active"
        if self.determined_at is None or at < self.determined_at:
            return "closed"
        if self.finalized_at is None or at < self.finalized_at:
            return "determined"
        return "finalized"

    def updated_at(self, at: datetime) -> datetime:
        """The last change that was not trading: opening and determination touch the record, closing in time does not."""
        moments = (
            self.created_at,
            self.opens_at,
            self.closed_early_at,
            self.determined_at,
            self.finalized_at,
        )
        return max(
            moment for moment in moments if moment is not None and (moment <= at or moment == self.created_at)
        )


def finalization_time(ladder: Ladder) -> datetime:
    """When the ladder is paid out: at the world's own hour, otherwise the first 11:18 UTC after its close."""
    return ladder.finalized_at or first_time_after(ladder.closes_at, FINALIZED_UTC)


def created_time(ladder: Ladder) -> datetime:
    """When the ladder's markets are listed."""
    return ladder.opens_at - LISTED_BEFORE_OPENING


def lifecycle(ladder: Ladder, has_outcome: bool) -> Lifecycle:
    """The moments of `ladder`; without an outcome it stays closed."""
    finalized_at = finalization_time(ladder) if has_outcome else None
    return Lifecycle(
        created_at=created_time(ladder),
        opens_at=ladder.opens_at,
        closes_at=ladder.closes_at,
        determined_at=finalized_at - SETTLEMENT_TIMER if finalized_at else None,
        finalized_at=finalized_at,
    )
