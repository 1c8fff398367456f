"""What a component says of itself. The row that stores it is in `milkbot.models`."""

from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Component(StrEnum):
    """The parts a person asks after."""

    TRADER = "trader"
    ANALYTICS = "analytics"
    DASHBOARD = "dashboard"
    KALSHI_API = "kalshi_api"
    NWS_API = "nws_api"
    DATABASE = "database"
    KALSHI_STREAM = "kalshi_stream"


OPTIONAL: Final = frozenset({Component.KALSHI_STREAM})
"""Parts that nothing depends on: never heard of is no fault, and the public page leaves them out."""
REQUIRED: Final = tuple(component for component in Component if component not in OPTIONAL)


class HealthStatus(BaseModel):
    """A component's last sign of life. `last_ok_at` is wall time: a loop finished then, not "a process is up"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    component: Component
    last_ok_at: AwareDatetime | None
    checked_at: AwareDatetime
    ok: bool
    message: str = ""
