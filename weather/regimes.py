"""How settled each city's forecast is, written down when it changes: for people, and for looking back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day
from weather.repositories import RegimeRepository, WeatherRepository

_DAYS_AHEAD: Final = 2
"""Today and tomorrow: the days that are traded."""


@transaction.atomic
def update_regimes(city_codes: Sequence[str], now: datetime) -> int:
    """Store the regime of every city and traded day whose newest outlook names another than before; how many."""
    cities = load_cities()
    today = {code: climate_day(now, cities[code].std_offset_hours) for code in city_codes}
    days = [
        (code, day + timedelta(days=ahead)) for code, day in today.items() for ahead in range(_DAYS_AHEAD)
    ]
    outlooks = WeatherRepository().get_outlooks(days)
    repository = RegimeRepository()
    known = repository.newest(outlooks)
    changed = [outlook for key, outlook in outlooks.items() if known.get(key) != outlook.regime]
    repository.append(changed, now)
    return len(changed)
