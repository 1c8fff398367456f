"""What a cycle reads: each city's weather and boards, and what could not be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from markets.domain.types import Board
from markets.services import BoardRound, read_boards
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.config import Config
from milkbot.logger import logger
from trading.domain.inputs import CityView
from weather.calibrating import calibration_in_use
from weather.domain.errors import PRIOR, Calibration
from weather.domain.outlook import make_outlook
from weather.domain.types import Outlook, WeatherSnapshot
from weather.services import WeatherRound, known_weather, refresh_weather


@dataclass(frozen=True)
class Sources:
    """Where a cycle reads from."""

    weather: Callable[[Sequence[str], datetime], WeatherRound] = refresh_weather
    boards: Callable[[Sequence[str], datetime], BoardRound] = read_boards
    calibration: Callable[[], Calibration] = calibration_in_use


class Reading(NamedTuple):
    """What was read, one sentence for each fault met on the way, and whether the exchange trades at all."""

    views: Sequence[CityView]
    faults: tuple[str, ...]
    exchange_trading: bool
    failed_prices: frozenset[str] = frozenset()
    """Codes of the cities whose markets could not be read."""

    @property
    def boards(self) -> list[Board]:
        return [board for view in self.views for board in view.boards]

    @property
    def outlooks(self) -> list[Outlook]:
        return [outlook for view in self.views for outlook in view.outlooks.values()]


def sources_for(config: Config) -> Sources:
    """What the fast loop reads: weather as the slow loop stored it, so that a slow NWS never delays a turn.

    A replayed world runs faster than the slow loop turns; there the cycle fetches for itself, from loopback.
    """
    return Sources() if config.milkbot_world_clock else Sources(weather=known_weather)


def assemble(
    codes: Sequence[str],
    weather: WeatherRound,
    boards: BoardRound,
    now: datetime,
    calibration: Calibration = PRIOR,
) -> Reading:
    """One view per city. A city that could not be read keeps an empty view and a fault; the others go on."""
    cities = load_cities()
    views = [
        _view(
            cities[code],
            weather.snapshots.get(code),
            [board for board in boards.boards if board.city_code == code],
            now,
            calibration,
        )
        for code in codes
    ]
    faults = tuple(
        f"{code}: {text}" for source in (weather.errors, boards.errors) for code, text in source.items()
    )
    for fault in faults:
        logger.warning("could not be read", extra={"fault": fault})
    return Reading(
        views,
        faults,
        boards.status is not None and boards.status.trading_active,
        frozenset(boards.errors).intersection(codes),
    )


def _view(
    city: CityConfig,
    weather: WeatherSnapshot | None,
    boards: Sequence[Board],
    now: datetime,
    calibration: Calibration,
) -> CityView:
    outlooks: dict[date, Outlook] = {}
    for board in boards:
        outlook = make_outlook(city, weather, board.event_date, now, calibration) if weather else None
        if outlook is not None:
            outlooks[board.event_date] = outlook
    return CityView(city, weather, outlooks, boards)
