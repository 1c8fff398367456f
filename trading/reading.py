"""What a cycle reads: each city's weather and boards, and what could not be read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple

from markets.domain.types import Board
from markets.services import BoardRound, read_boards
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.config import Config
from milkbot.logger import logger
from trading.domain.inputs import CityView
from weather.calibrating import calibration_in_use
from weather.domain.combining import SourceHigh
from weather.domain.errors import PRIOR, Calibration
from weather.domain.outlook import SOURCE, make_outlook
from weather.domain.releases import Usual, due_in
from weather.domain.types import Outlook, WeatherSnapshot
from weather.habits import Habits, no_habits, usual_releases
from weather.other_sources import has_other_sources, known_sources, no_sources
from weather.services import WeatherRound, known_weather, refresh_weather

OtherSources = Mapping[tuple[str, date], Sequence[SourceHigh]]
"""What others than the grid say of a (city, day)."""
_OutlookOf = Callable[[CityConfig, WeatherSnapshot, date], Outlook | None]


@dataclass(frozen=True)
class Sources:
    """Where a cycle reads from."""

    weather: Callable[[Sequence[str], datetime], WeatherRound] = refresh_weather
    boards: Callable[[Sequence[str], datetime], BoardRound] = read_boards
    calibration: Callable[[], Calibration] = calibration_in_use
    others: Callable[[Iterable[tuple[str, date]], datetime], OtherSources] = no_sources
    habits: Callable[[Sequence[str], datetime], Habits] = no_habits


class Reading(NamedTuple):
    """What was read, one sentence for each fault met on the way, and whether the exchange trades at all."""

    views: Sequence[CityView]
    faults: tuple[str, ...]
    exchange_trading: bool
    failed_prices: frozenset[str] = frozenset()
    """Codes of the cities whose markets could not be read."""
    skew_s: float | None = None
    """The exchange's clock minus ours in seconds, as the boards were read; None when nothing told it."""

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
    others = known_sources if has_other_sources(config) else no_sources
    weather = refresh_weather if config.milkbot_world_clock else known_weather
    return Sources(weather=weather, others=others, habits=usual_releases)


def assemble(
    codes: Sequence[str],
    weather: WeatherRound,
    boards: BoardRound,
    now: datetime,
    calibration: Calibration = PRIOR,
    others: OtherSources = MappingProxyType({}),
    habits: Habits = MappingProxyType({}),
) -> Reading:
    """One view per city. A city that could not be read keeps an empty view and a fault; the others go on."""
    cities = load_cities()
    views = [
        _view(
            cities[code],
            weather.snapshots.get(code),
            [board for board in boards.boards if board.city_code == code],
            lambda city, snapshot, day: make_outlook(
                city, snapshot, day, now, calibration, _said(snapshot, day, others)
            ),
            {on: usual for (of_city, on), usual in habits.items() if of_city == code},
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
        boards.skew_s,
    )


def _view(
    city: CityConfig,
    weather: WeatherSnapshot | None,
    boards: Sequence[Board],
    outlook_of: _OutlookOf,
    usual: Mapping[date, Usual],
) -> CityView:
    outlooks: dict[date, Outlook] = {}
    for board in boards:
        outlook = outlook_of(city, weather, board.event_date) if weather else None
        if outlook is not None:
            outlooks[board.event_date] = outlook
    releases = {
        board.event_date: due_in(usual, weather, board.event_date, city.std_offset_hours) for board in boards
    }
    return CityView(city, weather, outlooks, boards, releases)


def _said(snapshot: WeatherSnapshot, day: date, others: OtherSources) -> tuple[SourceHigh, ...]:
    """What all sources say, the grid last: it is heard while no errors are known. Empty where there is only the grid."""
    known, high_f = others.get((snapshot.city_code, day)), snapshot.high_on(day)
    if not known or high_f is None or snapshot.issued_at is None:
        return ()
    return (*known, SourceHigh(SOURCE, high_f, snapshot.issued_at, snapshot.revision_on(day)))
