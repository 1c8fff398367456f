"""Signs of life of the components, in `ops.health_status`."""

from datetime import datetime, timedelta

from milkbot.core import clock
from milkbot.core.health import Component, HealthStatus
from milkbot.core.redaction import redact_text
from milkbot.models import HealthStatusRow

DEGRADED_AFTER = {
    Component.TRADER: timedelta(minutes=3),
    Component.ANALYTICS: timedelta(minutes=20),
    Component.DASHBOARD: timedelta(minutes=20),
    Component.KALSHI_API: timedelta(minutes=5),
    Component.NWS_API: timedelta(minutes=20),
    Component.DATABASE: timedelta(minutes=20),
    Component.KALSHI_STREAM: timedelta(minutes=1),
}
"""How long a component may be silent before it counts as degraded, whatever it last said."""


def beat(component: Component, *, ok: bool = True, message: str = "") -> HealthStatus:
    """Record a finished loop (`ok`) or a failed one, which keeps the time of the last success."""
    at = clock.wall_now()
    values: dict[str, object] = {"checked_at": at, "ok": ok, "message": _showable(message)}
    if ok:
        values["last_ok_at"] = at
    # One statement: two processes may speak for a component for the first time at once.
    HealthStatusRow.objects.bulk_create(
        [HealthStatusRow(component=component, **values)],
        update_conflicts=True,
        unique_fields=["component"],
        update_fields=list(values),
    )
    return _to_domain(HealthStatusRow.objects.get(component=component))


def read_all() -> dict[Component, HealthStatus]:
    """The last word of every component that ever spoke."""
    known = {component.value for component in Component}
    rows = HealthStatusRow.objects.filter(component__in=known)
    return {Component(row.component): _to_domain(row) for row in rows}


def is_degraded(status: HealthStatus | None, component: Component, wall_now: datetime | None = None) -> bool:
    """Silent for too long at `wall_now` (the machine's time when omitted), never heard of, or failing."""
    if status is None or status.last_ok_at is None or not status.ok:
        return True
    return (wall_now or clock.wall_now()) - status.last_ok_at > DEGRADED_AFTER[component]


def _showable(message: str) -> str:
    """Fit for a public page: no secrets, no characters PostgreSQL refuses, not too long."""
    return redact_text(message.replace("\x00", ""))[:500]


def _to_domain(row: HealthStatusRow) -> HealthStatus:
    return HealthStatus(
        component=Component(row.component),
        last_ok_at=row.last_ok_at,
        checked_at=row.checked_at,
        ok=row.ok,
        message=row.message,
    )
