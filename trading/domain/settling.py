"""What a final market pays, how a result that changed is taken back, and how our books compare with the exchange's.

Settlements of a market are additive: each is one booking, a changed result adds the opposite of what stood and then
the new payments. So the sum over all of them is always what the account has truly received.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from markets.domain.account_types import ExchangeSettlement, MarketResult
from markets.domain.types import Bracket, SettlementSource
from milkbot.core.money import CENT, CENTICENT, ONE, ZERO
from trading.domain.reconciliation import Difference
from weather.domain.types import CliReport

Result = Literal["yes", "no", "scalar"]
"""`scalar` is booked by hand only: a market's listing does not say what it pays."""

YES_VALUE: Final[Mapping[Result, Decimal]] = {"yes": ONE, "no": ZERO}
"""Dollars that one YES contract pays, by the results we can pay out ourselves."""
OVERDUE_AFTER: Final = timedelta(days=8)
"""From the close: results come the next morning, at the latest a week after the day."""
ROWS_LAG: Final = timedelta(hours=1)
"""A settlement may reach the exchange's account, its balance and its rows, a little after the market is final."""
SETTLEMENT: Final = "settlement"
"""The kind of drift found here."""
TOLERANCE: Final = CENTICENT
"""Dollars from which on two figures differ: the exchange's own precision."""


class FinalResult(NamedTuple):
    """What a market was settled at. `yes_value` is what one YES contract pays, in dollars from 0 to 1."""

    result: Result
    yes_value: Decimal
    settled_at: datetime
    expiration_value: str = ""

    def payout(self, count: Decimal) -> Decimal:
        """Dollars paid for `count` contracts, positive YES and negative NO."""
        each = self.yes_value if count > 0 else ONE - self.yes_value
        return (abs(count) * each).quantize(CENTICENT)


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

    def repaid(self, final: FinalResult) -> "Settlement":
        """The same contracts paid out at another result."""
        return self.model_copy(
            update={
                "result": final.result,
                "expiration_value": final.expiration_value,
                "payout": final.payout(self.count),
                "settled_at": final.settled_at,
            }
        )


def standing(settlements: Sequence[Settlement]) -> tuple[Settlement, ...]:
    """Of a market's bookings in their order, those that were not taken back."""
    last_reversal = max((n for n, each in enumerate(settlements) if each.is_reversal), default=-1)
    return tuple(settlements[last_reversal + 1 :])


def revised(settlements: Sequence[Settlement], final: FinalResult) -> tuple[Settlement, ...]:
    """The bookings that turn what stands into `final`: each taken back, then each paid again. None if it stands so."""
    stale = standing(settlements)
    if all((each.result, each.payout) == (final.result, final.payout(each.count)) for each in stale):
        return ()
    repaid = (each.repaid(final) for each in stale)
    taken_back = (each.reversed().model_copy(update={"settled_at": final.settled_at}) for each in stale)
    return (*taken_back, *repaid)


class UnknownPayouts(NamedTuple):
    """Markets whose payout our books do not have and cannot work out, and what it may change cash by, in dollars."""

    tickers: tuple[str, ...]
    least: Decimal
    most: Decimal

    def may_explain(self, change: Decimal) -> bool:
        """Whether these payouts alone may have changed cash so."""
        return self.least <= change <= self.most


def may_be_payouts(change: Decimal, uncredited: Iterable[Decimal], unknown: UnknownPayouts | None) -> bool:
    """Whether payouts alone may be what the exchange's cash is more than ours by: some of those we booked that may be
    `uncredited` there, each whole or not at all, and whatever the unknown ones come to.

    Payouts are dollars and cents: however many there are, they add up to few different sums.
    """
    sums = {ZERO}
    for payout in uncredited:
        sums |= {each + payout for each in sums}
    return any(
        change == -each or (unknown is not None and unknown.may_explain(change + each)) for each in sums
    )


def payout_bounds(held: Decimal, settlements: Sequence[Settlement]) -> tuple[Decimal, Decimal]:
    """The least and the most by which a market may yet change cash that pays an unknown amount for the contracts `held`
    and instead of what its `settlements` paid: from nothing to a dollar a contract.
    """
    paid = standing(settlements)
    contracts = abs(held) + sum((abs(each.count) for each in paid), ZERO)
    booked = sum((each.payout for each in paid), ZERO)
    return -booked, contracts - booked


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
    # The row states its revenue in whole cents: exact for a dollar a contract, and for nothing else.
    in_cents = any(row.result not in (MarketResult.YES, MarketResult.NO) for row in rows)
    figures = [
        ("contracts", booked.contracts, sum((row.yes_count - row.no_count for row in rows), ZERO)),
        ("revenue", booked.payout, sum((row.revenue for row in rows), ZERO)),
    ]
    if rows and len(fees) == len(rows):
        # Each row states all fees the market has cost so far.
        figures.append(("fees", booked.fees, max(fees)))
    for name, our_figure, their_figure in figures:
        tolerance = CENT if in_cents and name == "revenue" else TOLERANCE
        if abs(our_figure - their_figure) >= tolerance:
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
