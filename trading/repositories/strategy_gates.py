"""How strategies stand before the gate, as last decided. Writing is the business of `trading.controls`."""

from django.contrib.postgres.functions import TransactionNow
from django.db.models import QuerySet

from milkbot.core.config import TradingMode
from trading.domain.strategy_gate import GateCode, GateEvidence, Shortfall, StrategyGate
from trading.models import IntentRow, StrategyGateRow


def admitted_strategies(mode: TradingMode) -> frozenset[str] | None:
    """Names of the strategies that may trade in `mode` now; None where all may: only real money is behind a gate.

    An admission ends by the database's own clock, as an arming does.
    """
    if mode is not TradingMode.LIVE:
        return None
    open_now = StrategyGateRow.objects.filter(
        pk__in=_newest(mode).values("pk"), admitted=True, expires_at__gt=TransactionNow()
    )
    return frozenset(open_now.values_list("strategy", flat=True))


def rests_on_admitted(mode: TradingMode, intent_key: str) -> bool:
    """Whether any strategy that spoke for the intent may trade in `mode` now. In LIVE one that none spoke for rests on none."""
    admitted = admitted_strategies(mode)
    if admitted is None:
        return True
    intents = IntentRow.objects.filter(mode=mode, intent_key=intent_key)
    return not admitted.isdisjoint(intents.values_list("contributors", flat=True).get())


def read_gates(mode: TradingMode) -> tuple[StrategyGate, ...]:
    """The newest decision on each strategy that was ever judged, by name."""
    return tuple(to_gate(row) for row in _newest(mode))


def read_gate(mode: TradingMode, strategy: str) -> StrategyGate | None:
    """The newest decision on one strategy; None when it was never judged."""
    row = StrategyGateRow.objects.filter(mode=mode, strategy=strategy).order_by("-version").first()
    return to_gate(row) if row else None


def to_gate(row: StrategyGateRow) -> StrategyGate:
    return StrategyGate(
        mode=TradingMode(row.mode),
        strategy=row.strategy,
        version=row.version,
        admitted=row.admitted,
        withdrawn=row.withdrawn,
        is_override=row.is_override,
        shortfalls=tuple(Shortfall(GateCode(code), detail) for code, detail in row.shortfalls),
        evidence=GateEvidence.model_validate(row.evidence) if row.evidence else None,
        note=row.note,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        expires_at=row.expires_at,
    )


def _newest(mode: TradingMode) -> QuerySet[StrategyGateRow]:
    rows = StrategyGateRow.objects.filter(mode=mode)
    return rows.order_by("strategy", "-version").distinct("strategy")
