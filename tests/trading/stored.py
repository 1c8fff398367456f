"""The makers' Chicago event as rows, for tests of what is stored."""

from datetime import timedelta

from markets.models import MarketRow
from tests.factories import EventFactory, MarketFactory
from tests.trading.makers import BRACKETS, CLOSE, EVENT


def store_markets() -> dict[str, int]:
    """The event's six markets; their ids by ticker."""
    event = EventFactory.create(event_ticker=EVENT, close_at=CLOSE)
    return {
        bracket.ticker: MarketFactory.create(
            event=event,
            ticker=bracket.ticker,
            low_f=bracket.low_f,
            high_f=bracket.high_f,
            label=bracket.label,
        ).pk
        for bracket in BRACKETS
    }


def finalize(ticker: str, result: str) -> None:
    """The exchange's last word on one market."""
    MarketRow.objects.filter(ticker=ticker).update(
        status="finalized", result=result, settled_at=CLOSE + timedelta(hours=7), expiration_value="74.00"
    )
