"""What each expert's opinion counts for, and how settled events change it.

Source: project reference on probability and sizing, sections 3.2 (weights) and 3.3 (the market as an expert).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

MARKET: Final = "market"
"""The market's name among the experts."""
EXPERTS: Final = (
    "forecast_edge",
    "intraday_nowcast",
    "climatology",
    "price_reversion",
    "late_lock",
    MARKET,
)
"""Every expert there is; vectors of weights are in this order."""


class Horizon(StrEnum):
    """How far an event is from its outcome: what is known, and by whom, differs too much to share weights."""

    DAY_AHEAD = "day_ahead"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    SETTLING = "settling"
    """After the preliminary report of the day."""


@dataclass(frozen=True, slots=True)
class HorizonWeights:
    """Weights of one horizon in the order of EXPERTS; they are not negative and sum to 1."""

    shares: tuple[float, ...]
    events: int = 0
    """Settled events they were learned from."""
    log_loss: float | None = None
    """Recent mean log loss of our own forecast, nats per event; None before the first."""
    entropy: float | None = None
    """What that loss would be on average if the forecast were calibrated, nats per event."""


@dataclass(frozen=True, slots=True)
class EnsembleWeights:
    """Weights by horizon, in the order of Horizon. Immutable: learning makes a new version."""

    version: int
    horizons: tuple[HorizonWeights, ...]
    learned_until: datetime | None = None
    """When the last event learned from became final."""

    def of(self, horizon: Horizon) -> HorizonWeights:
        return self.horizons[_PLACE[horizon]]


_PLACE: Final = {horizon: place for place, horizon in enumerate(Horizon)}

_PRIOR_SHARES: Final = {
    #                    forecast, nowcast, climatology, reversion, lock, market
    Horizon.DAY_AHEAD: (0.34, 0.00, 0.03, 0.03, 0.00, 0.60),
    Horizon.MORNING: (0.16, 0.14, 0.02, 0.03, 0.00, 0.65),
    Horizon.AFTERNOON: (0.02, 0.36, 0.00, 0.02, 0.10, 0.50),
    Horizon.SETTLING: (0.00, 0.40, 0.00, 0.00, 0.50, 0.10),
}
"""The market's is the reference's (3.3); the rest is ours, in the order in which each expert knows most."""

PRIOR: Final = EnsembleWeights(0, tuple(HorizonWeights(_PRIOR_SHARES[horizon]) for horizon in Horizon))
"""Before anything has settled."""
