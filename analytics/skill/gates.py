"""The gate's task: the record of each strategy in DEMO, judged, and pushed to `trading.controls`."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from analytics.skill.comparing import days_of
from analytics.skill.evidence import RecordFile, StrategyRecord, evidence_of, record_of
from analytics.skill.pairs import read_pairs, scored_strategies
from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from milkbot.models import InstallationRow
from trading.controls import TASK, decide_gate
from trading.domain.keys import wish_of
from trading.domain.strategy_gate import StrategyGate
from trading.domain.types import BookSide
from trading.models import FillRow, IntentRow

WINDOW: Final = timedelta(days=180)
"""Before the moment of judging: what a strategy was a year ago it need not be now."""
_TO_HUNDREDTHS_OF_A_CENT: Final = Decimal("0.0001")


class Slippage(NamedTuple):
    """`per_contract` in dollars beyond the price first decided on, above 0 when it cost us; None without a fill."""

    fills: int
    per_contract: Decimal | None


def read_records(mode: TradingMode, now: datetime) -> RecordFile:
    """What every strategy showed in `mode` within WINDOW."""
    since = (now - WINDOW).date()
    installation = InstallationRow.objects.first()
    return RecordFile(
        mode=mode,
        profile=installation.profile if installation else "",
        world=installation.world if installation else "",
        written_at=now,
        strategies=tuple(_record(mode, name, since, now) for name in scored_strategies(mode, since)),
    )


def judge_records(file: RecordFile, now: datetime, *, actor: str = TASK) -> tuple[StrategyGate, ...]:
    """How each strategy of the file stands before the gate to LIVE now; each verdict is recorded."""
    return tuple(
        decide_gate(evidence_of(record, file.mode, file.world), now=now, actor=actor)
        for record in file.strategies
    )


def judge_demo(now: datetime) -> tuple[StrategyGate, ...]:
    """Judge by what lies in this database. A LIVE one holds nothing of DEMO: what was brought in by file stays."""
    return judge_records(read_records(TradingMode.DEMO, now), now)


def read_slippage(mode: TradingMode, strategy: str, since: datetime) -> Slippage:
    """Over the fills of orders that rest on `strategy`, weighted by contracts.

    An order that was superseded is measured by the price its wish was first decided at: what running after a price
    costs is slippage, too.
    """
    fills = FillRow.objects.filter(
        mode=mode, filled_at__gte=since, order__intent__contributors__contains=[strategy]
    ).select_related("order__intent")
    told = [(fill, _wish(fill)) for fill in fills]
    if not told:
        return Slippage(0, None)
    wishes = {wish for _, wish in told}
    decided = dict(IntentRow.objects.filter(intent_key__in=wishes).values_list("intent_key", "limit_price"))
    contracts = sum((fill.count for fill, _ in told), ZERO)
    beyond = sum((fill.count * _beyond(fill, decided[wish]) for fill, wish in told), ZERO)
    return Slippage(len(told), (beyond / contracts).quantize(_TO_HUNDREDTHS_OF_A_CENT))


def _record(mode: TradingMode, strategy: str, since: date, now: datetime) -> StrategyRecord:
    slippage = read_slippage(mode, strategy, now - WINDOW)
    return record_of(strategy, days_of(read_pairs(mode, strategy, since)), *slippage)


def _wish(fill: FillRow) -> str:
    assert fill.order is not None, "only fills of our own orders rest on a strategy"
    return wish_of(fill.order.intent.intent_key, fill.order.intent.generation)


def _beyond(fill: FillRow, decided: Decimal) -> Decimal:
    """A bid loses by paying more than was decided, an ask by getting less."""
    return fill.yes_price - decided if fill.book_side == BookSide.BID else decided - fill.yes_price
