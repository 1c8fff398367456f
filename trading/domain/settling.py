"""What a final market pays, how a result that changed is taken back, and how our books compare with the exchange's.

Settlements of a market are additive: each is one booking, a changed result adds the opposite of what stood and then
the new payments. So the sum over all of them is always what the account has truly received.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from markets.domain.account_types import ExchangeSettlement
from markets.domain.types import Bracket, SettlementSource
from milkbot.core.money import ZERO
from trading.domain.reconciliation import Difference
from weather.domain.types import CliReport

Result = Literal["yes", "no"]

SETTLEMENT: Final = "settlement"
"""The kind of drift found here."""
TOLERANCE: Final = Decimal("0.0001")
"""Dollars from which on two figures differ: the exchange's own precision."""


class Settlement(BaseModel):
    """One booking of a market's final result. Counts are YES when positive, NO when negative; money is dollars."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    result: Result
    expiration_value: str = ""
    count: Decimal
    cost: Decimal
    """What the contracts cost without fees; negative in a booking that takes another one back."""
    payout: Decimal
    settled_at: AwareDatetime

    @property
    def pnl(self) -> Decimal:
        """Of the contracts settled, before fees."""
        return self.payout - self.cost

    @property
    def is_reversal(self) -> bool:
        """Whether it takes others back: a contract held has always cost something."""
        return self.cost < ZERO

    def reversed(self) -> "Settlement":
        """The booking that takes this one back."""
        return self.model_copy(
            update={"count": -self.count, "cost": -self.cost, "payout": -self.payout},
        )

    def repaid(self, result: Result, expiration_value: str, settled_at: AwareDatetime) -> "Settlement":
        """The same contracts paid out at another result."""
        return self.model_copy(
            update={
                "result": result,
                "expiration_value": expiration_value,
                "payout": payout_of(self.count, result),
                "settled_at": settled_at,
            }
        )


def payout_of(count: Decimal, result: Result) -> Decimal:
    """Dollars paid for `count` contracts (positive YES, negative NO): one for each of the winning side."""
    return abs(count) if (count > 0) == (result == "yes") else ZERO


def standing(settlements: Sequence[Settlement]) -> tuple[Settlement, ...]:
    """Of a market's bookings in their order, those that were not taken back."""
    last_reversal = max((n for n, each in enumerate(settlements) if each.is_reversal), default=-1)
    return tuple(settlements[last_reversal + 1 :])


def revised(
    settlements: Sequence[Settlement], result: Result, expiration_value: str, settled_at: AwareDatetime
) -> tuple[Settlement, ...]:
    """The bookings that turn what stands into `result`: each taken back, then each paid again. None if it stands so."""
    stale = standing(settlements)
    if all(each.result == result for each in stale):
        return ()
    repaid = (each.repaid(result, expiration_value, settled_at) for each in stale)
    taken_back = (each.reversed().model_copy(update={"settled_at": settled_at}) for each in stale)
    return (*taken_back, *repaid)


class Paid(NamedTuple):
    """What our books hold of one settled market: all its settlements added up, and all fees of its fills."""

    contracts: Decimal = ZERO
    """Net: positive YES, negative NO."""
    payout: Decimal = ZERO
    fees: Decimal = ZERO


def compare_settlements(
    ours: Mapping[str, Paid], theirs: Iterable[ExchangeSettlement]
) -> tuple[Difference, ...]:
    """Markets of ours in which contracts settled, dollars paid or fees differ, by ticker and figure.

    A market that the exchange does not list counts as nothing there. A fee the exchange does not state is not compared.
    """
    paid: dict[str, list[ExchangeSettlement]] = {}
    for row in theirs:
        paid.setdefault(row.ticker, []).append(row)
    return tuple(
        difference
        for ticker, booked in sorted(ours.items())
        for difference in _differences(ticker, booked, paid.get(ticker, []))
    )


def _differences(ticker: str, booked: Paid, rows: Sequence[ExchangeSettlement]) -> Iterable[Difference]:
    fees = [row.fee for row in rows if row.fee is not None]
    figures = [
        ("contracts", booked.contracts, sum((row.yes_count - row.no_count for row in rows), ZERO)),
        ("revenue", booked.payout, sum((row.revenue for row in rows), ZERO)),
    ]
    if rows and len(fees) == len(rows):
        # Each row states all fees the market has cost so far.
        figures.append(("fees", booked.fees, max(fees)))
    for name, our_figure, their_figure in figures:
        if abs(our_figure - their_figure) >= TOLERANCE:
            yield Difference(SETTLEMENT, f"{ticker} {name}", our_figure, their_figure)


def settling_report(reports: Sequence[CliReport], source: SettlementSource | None) -> CliReport | None:
    """Of a day's final climate reports, oldest first, the one its event settles on; None while none names a maximum.

    The Weather Company's rules take the first publication and ignore revisions; the NWS era asked for the latest.
    """
    speaking = [report for report in reports if report.is_final and report.high_f is not None]
    if not speaking:
        return None
    return speaking[0] if source is SettlementSource.WEATHER_COMPANY else speaking[-1]


def agrees(high_f: int, winner: Bracket, expiration_value: str) -> bool:
    """Whether our reading of a day is the one the exchange paid by. Its value may be empty; its winner never is."""
    try:
        value = Decimal(expiration_value)
    except InvalidOperation:
        return winner.holds(high_f)
    return value == high_f and winner.holds(high_f)
