"""Signals and decisions: a new row when something changed, a longer reach of the old one when nothing did.

170 000 opinions a day say mostly the same thing again. A row's [made, seen_until] covers every cycle that agreed with
it, so each market of each cycle stays explained at a fraction of the volume. A clock that steps back never shortens a
row's reach. Statements do not grow with the markets.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.functions import Greatest

from milkbot.core.config import TradingMode
from trading.domain.inputs import MarketDecision
from trading.domain.types import Decision, EnsembleOutput, Signal
from trading.models import DecisionRow, SignalRow

AnyRow = TypeVar("AnyRow", bound=Model)


class SignalRepository:
    """Signals and decisions of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    @transaction.atomic
    def save(self, signals: Sequence[Signal], market_ids: Mapping[str, int], now: datetime) -> int:
        """Store the cycle's signals; returns how many new rows that took."""
        rows = SignalRow.objects.filter(mode=self._mode, market_id__in=market_ids.values())
        latest = {row.market_id: row for row in _newest_per_market(rows, "made_at")}
        fresh, unchanged = [], []
        for signal in signals:
            row = latest.get(market_ids[signal.market_ticker])
            if row is not None and _says_the_same(row, signal):
                unchanged.append(row.pk)
            else:
                fresh.append(_signal_row(signal, market_ids[signal.market_ticker]))
        SignalRow.objects.filter(pk__in=unchanged).update(seen_until=Greatest("seen_until", now))
        return len(SignalRow.objects.bulk_create(fresh))

    @transaction.atomic
    def save_decisions(
        self, decisions: Sequence[MarketDecision], market_ids: Mapping[str, int], now: datetime
    ) -> Sequence[MarketDecision]:
        """Store why each market was or was not traded; returns the decisions whose code or size is new."""
        rows = DecisionRow.objects.filter(mode=self._mode, market_id__in=market_ids.values())
        latest = {row.market_id: row for row in _newest_per_market(rows, "decided_at")}
        changed, unchanged = [], []
        for decision in decisions:
            row = latest.get(market_ids[decision.market_ticker])
            if row is not None and (row.code, row.count) == (decision.code.value, decision.count):
                unchanged.append(row.pk)
            else:
                changed.append(decision)
        DecisionRow.objects.filter(pk__in=unchanged).update(seen_until=Greatest("seen_until", now))
        DecisionRow.objects.bulk_create(
            self._decision_row(d, market_ids[d.market_ticker], now) for d in changed
        )
        return changed

    def latest(self, market_tickers: Sequence[str]) -> dict[str, Signal]:
        """The newest signal of each market, by ticker."""
        rows = SignalRow.objects.filter(mode=self._mode, market__ticker__in=market_tickers)
        newest = _newest_per_market(rows.select_related("market"), "made_at")
        return {row.market.ticker: _to_signal(row) for row in newest}

    def _decision_row(self, decision: MarketDecision, market_id: int, now: datetime) -> DecisionRow:
        return DecisionRow(
            mode=self._mode,
            market_id=market_id,
            city_code=decision.city_code,
            code=decision.code,
            detail=decision.detail,
            count=decision.count,
            decided_at=now,
            seen_until=now,
        )


def _newest_per_market(rows: QuerySet[AnyRow], column: str) -> QuerySet[AnyRow]:
    return rows.order_by("market_id", f"-{column}").distinct("market_id")


def _says_the_same(row: SignalRow, signal: Signal) -> bool:
    """Probabilities drift with every minute of lead; a whole point is news, in what we trade on and in our own forecast."""
    return (_points(row.p_yes), _points(row.p_model), row.decision, row.codes) == (
        _points(signal.p_yes),
        _points(signal.p_model),
        signal.decision.value,
        list(signal.codes),
    )


def _points(p: float | None) -> float | None:
    return None if p is None else round(p, 2)


def _signal_row(signal: Signal, market_id: int) -> SignalRow:
    return SignalRow(
        mode=signal.mode,
        market_id=market_id,
        city_code=signal.city_code,
        event_date=signal.event_date,
        made_at=signal.made_at,
        seen_until=signal.made_at,
        p_yes=signal.p_yes,
        p_model=signal.p_model,
        p_market=signal.p_market,
        uncertainty=signal.uncertainty,
        edge=signal.edge,
        decision=signal.decision,
        codes=list(signal.codes),
        ensemble=signal.ensemble.model_dump(mode="json") if signal.ensemble else None,
    )


def _to_signal(row: SignalRow) -> Signal:
    return Signal(
        market_ticker=row.market.ticker,
        city_code=row.city_code,
        event_date=row.event_date,
        mode=TradingMode(row.mode),
        made_at=row.made_at,
        p_yes=row.p_yes,
        p_model=row.p_model,
        p_market=row.p_market,
        uncertainty=row.uncertainty,
        edge=row.edge,
        decision=Decision(row.decision),
        codes=tuple(row.codes),
        ensemble=EnsembleOutput.model_validate(row.ensemble) if row.ensemble else None,
    )
