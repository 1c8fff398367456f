"""Things the operator should know of."""

from trading.domain.types import RiskEvent
from trading.models import RiskEventRow


def record_risk_event(event: RiskEvent, *, at_most_one_per_market: bool = False) -> bool:
    """Store an event; False when it was already told for this market and once is enough."""
    ticker = event.market_ticker or ""
    if (
        at_most_one_per_market
        and RiskEventRow.objects.filter(
            mode=event.mode, event_type=event.event_type, market_ticker=ticker
        ).exists()
    ):
        return False
    RiskEventRow.objects.create(
        at=event.at,
        severity=event.severity,
        event_type=event.event_type,
        mode=event.mode,
        city_code=event.city_code or "",
        market_ticker=ticker,
        message=event.message,
        payload=event.payload,
    )
    return True
