"""What a cycle leaves behind: its report, its row and the trader's sign of life."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from milkbot.core import clock
from milkbot.core.config import TradingMode
from milkbot.core.health import Component
from milkbot.core.redaction import redact_text
from milkbot.health import beat
from milkbot.logger import logger
from trading.models import CycleRow
from trading.repositories.accounts import Valuation


class CycleReport(BaseModel):
    """What one turn did. `errors` are sentences; the turn went on without what they name."""

    model_config = ConfigDict(frozen=True)

    mode: TradingMode
    started_at: datetime
    ok: bool = True
    cities: int = 0
    markets: int = 0
    signals: int = 0
    intents: int = 0
    fills: int = 0
    codes: Mapping[str, int] = Field(default_factory=dict)
    errors: tuple[str, ...] = ()
    timings_ms: Mapping[str, int] = Field(default_factory=dict)
    valuation: Valuation | None = None


class Stopwatch:
    """Milliseconds per step."""

    def __init__(self) -> None:
        self._last = self._begun = clock.monotonic()
        self.timings_ms: dict[str, int] = {}

    def lap(self, step: str) -> None:
        """End `step`: it took the time since the step before it ended."""
        now = clock.monotonic()
        self.timings_ms[step] = round((now - self._last) * 1000)
        self._last = now

    @property
    def total_ms(self) -> int:
        return round((clock.monotonic() - self._begun) * 1000)


def record_success(report: CycleReport, duration_ms: int, *, replayed: bool = False) -> None:
    """The cycle's row and the trader's sign of life: only a finished loop counts as one.

    A `replayed` turn ends at its own time and beats for nobody, so that history is never taken for a running trader.
    """
    valuation = report.valuation
    past_end = report.started_at + timedelta(milliseconds=duration_ms)
    CycleRow.objects.create(
        **report.model_dump(mode="python", exclude={"valuation"}) | {"errors": list(report.errors)},
        finished_wall_at=past_end if replayed else clock.wall_now(),
        duration_ms=duration_ms,
        cash=valuation.cash if valuation else None,
        realized_pnl=valuation.realized_pnl if valuation else None,
        unrealized_pnl=valuation.unrealized_pnl if valuation else None,
    )
    if replayed:
        return
    beat(
        Component.TRADER, message=f"{report.markets} markets, {report.intents} intents, {report.fills} fills"
    )
    summary = report.model_dump(mode="json", exclude={"started_at", "valuation"})
    logger.info("cycle finished", extra=summary | {"duration_ms": duration_ms})


def record_failure(now: datetime, mode: TradingMode, error: Exception) -> None:
    """Leave a trace of a turn that could not be finished: a cycle row that is not ok, and a failing heartbeat."""
    # The row is append-only: what a driver's message quotes of a connection string would stay in it for good.
    what = redact_text(f"{type(error).__name__}: {error}".replace("\x00", ""))[:500]
    CycleRow.objects.create(
        mode=mode,
        started_at=now,
        finished_wall_at=clock.wall_now(),
        duration_ms=0,
        ok=False,
        errors=[what],
    )
    beat(Component.TRADER, ok=False, message=what)
