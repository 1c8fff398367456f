"""Versions of the ensemble's weights: appended, never changed. The newest of a mode holds."""

from datetime import datetime
from typing import Any

from milkbot.core.config import TradingMode
from trading.domain.weights import EXPERTS, EnsembleWeights, Horizon, HorizonWeights
from trading.models import EnsembleWeightsRow


class WeightsRepository:
    """The weights of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def newest(self) -> EnsembleWeights | None:
        """What was learned last; None before anything was."""
        row = EnsembleWeightsRow.objects.filter(mode=self._mode).order_by("-version").first()
        return _to_weights(row) if row is not None else None

    def append(self, weights: EnsembleWeights, now: datetime) -> None:
        """Store a version. Raises ValueError for one that learned nothing, IntegrityError for one stored already."""
        if weights.learned_until is None:
            raise ValueError("only what was learned is stored")
        EnsembleWeightsRow.objects.create(
            mode=self._mode,
            version=weights.version,
            learned_at=now,
            learned_until=weights.learned_until,
            horizons={horizon.value: _to_json(weights.of(horizon)) for horizon in Horizon},
        )


def _to_json(horizon: HorizonWeights) -> dict[str, Any]:
    return {
        "prior": dict(zip(EXPERTS, horizon.prior, strict=True)),
        "shares": dict(zip(EXPERTS, horizon.shares, strict=True)),
        "events": horizon.events,
        "log_loss": horizon.log_loss,
        "entropy": horizon.entropy,
    }


def _to_weights(row: EnsembleWeightsRow) -> EnsembleWeights:
    return EnsembleWeights(
        version=row.version,
        horizons=tuple(_to_horizon(row.horizons[horizon.value]) for horizon in Horizon),
        learned_until=row.learned_until,
    )


def _to_horizon(stored: dict[str, Any]) -> HorizonWeights:
    # An expert that is younger than the version starts at nothing, as it would have.
    return HorizonWeights(
        prior=tuple(stored["prior"].get(name, 0.0) for name in EXPERTS),
        shares=tuple(stored["shares"].get(name, 0.0) for name in EXPERTS),
        events=stored["events"],
        log_loss=stored["log_loss"],
        entropy=stored["entropy"],
    )
