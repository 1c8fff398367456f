"""An opinion is stored anew when it says something new, and reaches further when it does not."""

from datetime import timedelta

import pytest

from milkbot.core.config import TradingMode
from tests.trading.makers import BRACKETS, CHI, DAY, NOW
from tests.trading.stored import store_markets
from trading.domain.types import Decision, Signal
from trading.models import SignalRow
from trading.repositories.signals import SignalRepository

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
TICKER = BRACKETS[2].ticker


def signal(minutes: int, p_yes: float = 0.40, p_model: float | None = 0.50) -> Signal:
    return Signal(
        market_ticker=TICKER,
        city_code=CHI.code,
        event_date=DAY,
        mode=TradingMode.SHADOW,
        made_at=NOW + minutes * MINUTE,
        p_yes=p_yes,
        p_model=p_model,
        uncertainty=0.05,
        edge=None,
        decision=Decision.HOLD,
    )


@pytest.mark.parametrize(
    ("second", "rows"),
    [
        (signal(1), 1),
        (signal(1, p_yes=0.404, p_model=0.496), 1),
        (signal(1, p_yes=0.41), 2),
        (signal(1, p_model=0.51), 2),
        (signal(1, p_model=None), 2),
    ],
)
def test_a_whole_point_of_either_probability_is_news(second: Signal, rows: int) -> None:
    ids, signals = store_markets(), SignalRepository(TradingMode.SHADOW)

    signals.save([signal(0)], ids, NOW)
    signals.save([second], ids, NOW + MINUTE)

    assert SignalRow.objects.count() == rows
    newest = SignalRow.objects.latest("made_at")
    assert newest.seen_until == NOW + MINUTE
