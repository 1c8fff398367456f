"""The makers' Chicago event as rows, for tests of what is stored."""

from datetime import timedelta

from markets.models import EventRow, MarketRow
from tests.trading.makers import BRACKETS, CLOSE, DAY, EVENT, NOW


def store_markets() -> dict[str, int]:
    """The event's six markets; their ids by ticker."""
    event = EventRow.objects.create(
        event_ticker=EVENT,
        series_ticker="KXHIGHCHI",
        city_code="CHI",
        event_date=DAY,
        close_at=CLOSE,
        first_seen_at=NOW,
    )
    rows = MarketRow.objects.bulk_create(
        MarketRow(
            event=event,
            ticker=bracket.ticker,
            city_code="CHI",
            event_date=DAY,
            strike_type="between",
            low_f=bracket.low_f,
            high_f=bracket.high_f,
            label=bracket.label,
            status="active",
            open_at=CLOSE - timedelta(hours=39),
            close_at=CLOSE,
        )
        for bracket in BRACKETS
    )
    return {row.ticker: row.pk for row in rows}


def finalize(ticker: str, result: str) -> None:
    """The exchange's last word on one market."""
    MarketRow.objects.filter(ticker=ticker).update(
        status="finalized", result=result, settled_at=CLOSE + timedelta(hours=7), expiration_value="74.00"
    )
