"""What the slow loop does for analytics."""

import requests
from pydantic import BaseModel, ConfigDict

from analytics.probe import probe_public_web
from analytics.rollups.equity import roll_up_equity
from milkbot.core.config import TradingMode
from milkbot.core.health import Component
from milkbot.database import check_database
from milkbot.health import beat


class RollupSummary(BaseModel):
    """What one turn of the rollup did."""

    model_config = ConfigDict(frozen=True)

    equity_points: int
    dashboard_fault: str | None


def refresh(public_url: str) -> RollupSummary:
    """Roll up every mode, ask the public page at `public_url` for its health, and record the signs of life."""
    points = sum(roll_up_equity(mode) for mode in TradingMode)
    beat(Component.ANALYTICS)
    beat(Component.DATABASE, ok=check_database())
    with requests.Session() as session:
        # A proxy set for the outside world must not stand between us and our own loopback port.
        session.trust_env = False
        fault = probe_public_web(f"{public_url}/healthz", session)
    beat(Component.DASHBOARD, ok=fault is None, message=fault or "")
    return RollupSummary(equity_points=points, dashboard_fault=fault)
