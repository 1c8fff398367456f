"""The gate before real money: what a strategy has shown in DEMO, and whether that is enough. Pure.

Source: project reference on probability and sizing, section 6.6. Evidence counts events, not hours: the hours of an event
share its outcome, and the cities of a date share its weather.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from milkbot.core.config import TradingMode

LEAST_DAYS: Final = 60
LEAST_EVENTS: Final = 300
MOST_WORSE: Final = 0.01
"""Nats per event by which the market may be better, at the upper end of the 95 % interval."""
LEAST_COVERAGE: Final = 0.74
MOST_COVERAGE: Final = 0.86
"""Of the 80 % interval: narrower claims too much, wider says too little."""
MOST_SLIPPAGE: Final = Decimal("0.005")
"""Dollars per contract paid beyond the price that was decided on."""
LAST_DAY_WITHIN: Final = timedelta(days=14)
"""Of the decision: what a strategy showed in another season says little of this one."""
ADMITTED_FOR: Final = timedelta(days=30)
"""After this the evidence must be looked at anew; without a newer decision the gate is shut."""
OVERRIDE_FOR: Final = timedelta(days=7)


class GateCode(StrEnum):
    """What is missing before a strategy may trade real money; docs list them all."""

    GATE_NO_EVIDENCE = "GATE_NO_EVIDENCE"
    GATE_NOT_DEMO = "GATE_NOT_DEMO"
    GATE_WORLD_NOT_REAL = "GATE_WORLD_NOT_REAL"
    GATE_DAYS_FEW = "GATE_DAYS_FEW"
    GATE_EVENTS_FEW = "GATE_EVENTS_FEW"
    GATE_EVIDENCE_OLD = "GATE_EVIDENCE_OLD"
    GATE_LOSS_ABOVE_MARKET = "GATE_LOSS_ABOVE_MARKET"
    GATE_COVERAGE_OFF = "GATE_COVERAGE_OFF"
    GATE_SLIPPAGE_UNKNOWN = "GATE_SLIPPAGE_UNKNOWN"
    GATE_SLIPPAGE_HIGH = "GATE_SLIPPAGE_HIGH"
    GATE_WITHDRAWN = "GATE_WITHDRAWN"
    GATE_OVERRIDE = "GATE_OVERRIDE"


class Shortfall(NamedTuple):
    """One condition that is not met, with the figure it fails by."""

    code: GateCode
    detail: str


class GateEvidence(BaseModel):
    """What a strategy showed, beside the market at the same instants. Losses in nats per event, smaller is better."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str = Field(max_length=40)
    mode: TradingMode
    """Where it was gathered."""
    world: str
    """Empty for the real one."""
    first_day: date | None = None
    last_day: date | None = None
    days: int = Field(default=0, ge=0)
    events: int = Field(default=0, ge=0)
    log_loss: float | None = None
    market_log_loss: float | None = None
    difference: float | None = None
    """Mean over dates of ours minus the market's; None without a date."""
    difference_low: float | None = None
    difference_high: float | None = None
    """95 % interval from blocks of days; None with too few of them."""
    coverage: float | None = Field(default=None, ge=0, le=1)
    """Share of outcomes inside the strategy's 80 % interval."""
    clipped: int = Field(default=0, ge=0)
    """Scores cut off at the floor of the log score."""
    fills: int = Field(default=0, ge=0)
    slippage: Decimal | None = None
    """Dollars per contract paid beyond the price first decided on; None without a fill."""


class StrategyGate(BaseModel):
    """How a strategy stands before the gate to `mode`, as last decided."""

    model_config = ConfigDict(frozen=True)

    mode: TradingMode
    strategy: str
    version: int
    admitted: bool
    withdrawn: bool
    """A person took it back: evidence alone does not admit it again."""
    is_override: bool
    shortfalls: tuple[Shortfall, ...]
    evidence: GateEvidence | None
    note: str
    decided_at: AwareDatetime
    decided_by: str
    expires_at: AwareDatetime | None


def judge(evidence: GateEvidence, now: datetime) -> tuple[Shortfall, ...]:
    """All that is missing; empty when the strategy may trade real money for ADMITTED_FOR from `now`."""
    found = (
        _origin(evidence)
        + _amount(evidence, now)
        + _loss(evidence)
        + _coverage(evidence)
        + _slippage(evidence)
    )
    return tuple(found)


def _origin(evidence: GateEvidence) -> list[Shortfall]:
    found = []
    if evidence.mode is not TradingMode.DEMO:
        found.append(Shortfall(GateCode.GATE_NOT_DEMO, f"gathered in {evidence.mode}, not in DEMO"))
    if evidence.world:
        why = f"gathered in {evidence.world}: what is planted there says nothing of real weather"
        found.append(Shortfall(GateCode.GATE_WORLD_NOT_REAL, why))
    return found


def _amount(evidence: GateEvidence, now: datetime) -> list[Shortfall]:
    found = []
    if evidence.days < LEAST_DAYS:
        found.append(Shortfall(GateCode.GATE_DAYS_FEW, f"{evidence.days} of {LEAST_DAYS} days"))
    if evidence.events < LEAST_EVENTS:
        found.append(Shortfall(GateCode.GATE_EVENTS_FEW, f"{evidence.events} of {LEAST_EVENTS} events"))
    if evidence.last_day is not None and now.date() - evidence.last_day > LAST_DAY_WITHIN:
        found.append(Shortfall(GateCode.GATE_EVIDENCE_OLD, f"the last day scored is {evidence.last_day}"))
    return found


def _loss(evidence: GateEvidence) -> list[Shortfall]:
    """The whole interval must lie below the margin: that it cannot be told is not that it is no worse."""
    high = evidence.difference_high
    if evidence.difference is None or high is None or evidence.difference_low is None:
        return [Shortfall(GateCode.GATE_LOSS_ABOVE_MARKET, "too few days for an interval")]
    if high <= MOST_WORSE:
        return []
    span = f"{evidence.difference:+.3f} nats ({evidence.difference_low:+.3f} to {high:+.3f})"
    why = f"log loss against the market {span}, its upper end may be {MOST_WORSE:+.2f} at most"
    return [Shortfall(GateCode.GATE_LOSS_ABOVE_MARKET, why)]


def _coverage(evidence: GateEvidence) -> list[Shortfall]:
    if evidence.coverage is None:
        return [Shortfall(GateCode.GATE_COVERAGE_OFF, "the coverage of the 80 % interval is unknown")]
    if LEAST_COVERAGE <= evidence.coverage <= MOST_COVERAGE:
        return []
    why = f"the 80 % interval covers {evidence.coverage:.1%}, not {LEAST_COVERAGE:.0%} to {MOST_COVERAGE:.0%}"
    return [Shortfall(GateCode.GATE_COVERAGE_OFF, why)]


def _slippage(evidence: GateEvidence) -> list[Shortfall]:
    if evidence.slippage is None:
        return [Shortfall(GateCode.GATE_SLIPPAGE_UNKNOWN, "no order it spoke for was filled")]
    if evidence.slippage <= MOST_SLIPPAGE:
        return []
    paid = f"{evidence.slippage * 100:.2f} ¢ a contract beyond the price decided on"
    why = f"{paid}, {MOST_SLIPPAGE * 100:.1f} ¢ at most"
    return [Shortfall(GateCode.GATE_SLIPPAGE_HIGH, why)]
