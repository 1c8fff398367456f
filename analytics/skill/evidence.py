"""A strategy's record in DEMO, as figures that anybody can add up again, and the gate's evidence made of it. Pure.

DEMO and LIVE each have a database of their own, so a record travels as a file. It holds each day's means: what the gate
judges is computed from them where it is judged.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from analytics.skill.comparing import Day, compare, mean
from milkbot.core.config import TradingMode
from trading.domain.strategy_gate import GateEvidence


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DayRecord(_Frozen):
    """One date's means over its events, as in `analytics.skill.comparing.Day`."""

    day: date
    events: int = Field(ge=1, le=1000)
    scores: int = Field(ge=1)
    ours: FiniteFloat = Field(ge=0)
    market: FiniteFloat = Field(ge=0)
    inside: FiniteFloat = Field(ge=0, le=1)
    clipped: int = Field(ge=0)


class StrategyRecord(_Frozen):
    """All that the gate is told of one strategy."""

    strategy: str = Field(min_length=1, max_length=40)
    days: tuple[DayRecord, ...]
    """Each date once, oldest first."""
    fills: int = Field(ge=0)
    slippage: Decimal | None = None
    """Dollars per contract beyond the price first decided on; None without a fill."""

    @model_validator(mode="after")
    def _each_day_once_in_order(self) -> "StrategyRecord":
        days = [record.day for record in self.days]
        if days != sorted(set(days)):
            raise ValueError(f"the days of {self.strategy} are not each there once and in order")
        if (self.slippage is None) is not (self.fills == 0):
            raise ValueError(f"fills and slippage of {self.strategy} do not belong together")
        return self


class RecordFile(_Frozen):
    """What a DEMO installation hands to a LIVE one."""

    format: Literal["milkbot-strategy-record-1"] = "milkbot-strategy-record-1"
    mode: TradingMode
    profile: str
    world: str
    """What its data are when they are not the live ones."""
    written_at: AwareDatetime
    strategies: tuple[StrategyRecord, ...]


def record_of(strategy: str, days: Sequence[Day], fills: int, slippage: Decimal | None) -> StrategyRecord:
    return StrategyRecord(
        strategy=strategy,
        days=tuple(DayRecord(**day._asdict()) for day in days),
        fills=fills,
        slippage=slippage,
    )


def evidence_of(record: StrategyRecord, mode: TradingMode, world: str) -> GateEvidence:
    """The figures that the gate judges: every date counts alike."""
    days = [Day(**entry.model_dump()) for entry in record.days]
    line = compare(record.strategy, days)
    return GateEvidence(
        strategy=record.strategy,
        mode=mode,
        world=world,
        first_day=days[0].day if days else None,
        last_day=days[-1].day if days else None,
        days=line.days,
        events=line.events,
        log_loss=line.ours,
        market_log_loss=line.market,
        difference=line.difference,
        difference_low=line.interval.low if line.interval else None,
        difference_high=line.interval.high if line.interval else None,
        coverage=mean([day.inside for day in days]),
        clipped=sum(day.clipped for day in days),
        fills=record.fills,
        slippage=record.slippage,
    )
