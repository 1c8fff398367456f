"""Values named in the product's definitions. Figures that an operator may change live in `config`."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

PUBLIC_TRADE_DELAY_MIN: Final = 60
DASH_REFRESH_SEC: Final = 5
WEATHER_CACHE_MIN: Final = 5
WEATHER_STALE_MIN: Final = 15
MAX_SPREAD_CENTS: Final = 3
DAILY_LOSS_LIMIT: Final = Decimal(250)
STARTING_CAPITAL: Final = Decimal(10_000)
MAX_UNCERTAINTY: Final = 0.20

OBSERVATION_USABLE_FOR: Final = timedelta(minutes=90)
ISSUANCE_WARN_AFTER: Final = timedelta(hours=12)
ISSUANCE_BLOCK_AFTER: Final = timedelta(hours=18)
