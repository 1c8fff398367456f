"""What is measured: deciding, parsing, storing, an API round trip, and a whole cycle at one size and at twice that."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from benchmarks.case import Case
from benchmarks.exchange import exchange_cases
from markets.clients.kalshi.parse import parse_events
from markets.domain.types import Board, ExchangeStatus
from markets.repositories import MarketRepository
from markets.services import BoardRound
from milkbot.core.config import TradingMode
from tests.e2e.world import World, running_world
from tests.trading.makers import NOW, around, make_account, make_board, make_outlook, make_view, make_weather
from trading.cycle import Settings, run_cycle
from trading.domain.decide import decide
from trading.reading import Sources
from weather.services import WeatherRound

SAMPLE = Path(__file__).resolve().parents[1] / "sandbox" / "sample"
SMALL, LARGE = 10, 20
"""Events of six markets: ten cities, and two days of each as usually open at once."""


@contextmanager
def cases() -> Iterator[list[Case]]:
    """All cases, with the sandbox some of them talk to."""
    with (
        TemporaryDirectory() as folder,
        running_world(SAMPLE, None, Path(folder)) as world,
        exchange_cases(Path(folder)) as exchange,
    ):
        world.move_to(world.opens_at + timedelta(hours=6))
        tick = _ticker()
        yield [*_strategy_cases(), *_api_cases(world), *exchange, _database_case(tick), *_cycle_cases(tick)]


def boards_of(events: int) -> list[Board]:
    """Fairly priced boards, one event each: nothing to trade, so every run does the same work."""
    days = [date(2025, 5, 14) + timedelta(days=offset) for offset in range(events)]
    return [make_board(event_ticker=f"KXHIGHCHI-{day:%y%b%d}".upper()) for day in days]


def _strategy_cases() -> list[Case]:
    views = [make_view(board=board, outlook=make_outlook()) for board in boards_of(LARGE)]
    account, circumstances = make_account(), around()
    text = json.dumps([view.boards[0].model_dump(mode="json") for view in views])
    return [
        Case(
            "decide on 120 markets",
            "strategy evaluation",
            lambda: decide(views, account, circumstances),
            "json.loads of the same boards",
            lambda: json.loads(text),
            rounds=60,
        )
    ]


def _api_cases(world: World) -> list[Case]:
    url = f"{world.base_url}/trade-api/v2/events?series_ticker=KXHIGHCHI&status=open&with_nested_markets=true"
    session = requests.Session()
    body = session.get(url, timeout=5).text
    parsed = json.loads(body)
    now = world.now
    return [
        Case(
            "list events over the wire",
            "API calls",
            lambda: world.kalshi.list_events("KXHIGHCHI"),
            "bare requests.get of the same page",
            lambda: session.get(url, timeout=5).json(),
            rounds=40,
        ),
        Case(
            "parse a page of events",
            "API calls",
            lambda: parse_events(parsed, now),
            "json.loads of the same page",
            lambda: json.loads(body),
            rounds=100,
        ),
    ]


def _database_case(tick: Iterator[datetime]) -> Case:
    boards, repository = boards_of(LARGE), MarketRepository()
    tickers = [market.market.ticker for board in boards for market in board.markets]
    return Case(
        "store 120 unchanged markets",
        "DB queries",
        lambda: repository.save_boards(boards, next(tick)),
        "one SELECT of the 120 rows",
        lambda: repository.ids(tickers),
        rounds=40,
    )


def _cycle_cases(tick: Iterator[datetime]) -> list[Case]:
    return [_cycle_case(events, tick) for events in (SMALL, LARGE)]


def _cycle_case(events: int, tick: Iterator[datetime]) -> Case:
    boards = boards_of(events)
    settings = Settings(mode=TradingMode.SHADOW, cities=("CHI",), capital=Decimal(10_000))
    sources = Sources(weather=_weather, boards=_boards(boards))

    def turn() -> object:
        return run_cycle(next(tick), settings, sources=sources, holder="bench/1/1.00")

    views = [make_view(board=board) for board in boards]
    return Case(
        f"cycle over {events * 6} markets",
        "cycle",
        turn,
        "decide alone on the same markets",
        lambda: decide(views, make_account(), around()),
        rounds=40,
    )


def _weather(codes: Sequence[str], now: datetime) -> WeatherRound:
    known = {code: make_weather(captured_at=now, issued_at=now) for code in codes}
    return WeatherRound(snapshots=known, errors={})


def _boards(boards: Sequence[Board]) -> Callable[[Sequence[str], datetime], BoardRound]:
    status = ExchangeStatus(exchange_active=True, trading_active=True)
    return lambda _codes, _now: BoardRound(boards=tuple(boards), errors={}, status=status)


def _ticker() -> Iterator[datetime]:
    """Ever later instants, a second apart."""
    return (NOW.astimezone(UTC) + timedelta(seconds=second) for second in count(1))
