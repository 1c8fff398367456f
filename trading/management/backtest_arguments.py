"""What `backtest` and `sweep` are asked for alike."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandParser

from milkbot.core.cities import load_cities
from milkbot.core.constants import STARTING_CAPITAL
from trading.backtest.as_of import ASSUMED_DEPTH
from trading.backtest.results import WEATHER_DELAY, BacktestOptions
from trading.domain.opinion import STRATEGIES

DEFAULT_SEED: Final = 7


def add_backtest_arguments(parser: CommandParser) -> None:
    """Which recording, which part of it, with what, and where to."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder in the recorded-ladder format: kalshi/ladders and weather",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the report; made if need be")
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, default=date.min,
        help="first climate day (default: the recording's first); weather before it is learned from",
    )  # fmt: skip
    parser.add_argument(
        "--to",
        dest="last",
        type=date.fromisoformat,
        default=date.max,
        help="last climate day (default: its last)",
    )
    parser.add_argument(
        "--city",
        action="append",
        choices=sorted(load_cities()),
        help="may be given several times (default: all)",
    )
    parser.add_argument(
        "--strategy",
        choices=sorted(strategy.name for strategy in STRATEGIES),
        help="let only this one trade",
    )
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="of the report's resampling (default: 7)"
    )
    parser.add_argument(
        "--assumed-depth", type=Decimal, default=ASSUMED_DEPTH,
        help="contracts taken to stand at each recorded price (default: 10); 1, 10 and 50 are compared in any case",
    )  # fmt: skip
    parser.add_argument(
        "--weather-delay", type=int, default=WEATHER_DELAY // timedelta(minutes=1), metavar="MINUTES",
        help="from the release of a forecast to our seeing it (default: 10)",
    )  # fmt: skip
    parser.add_argument("--capital", type=Decimal, default=STARTING_CAPITAL, help="dollars (default: 10000)")


def asked_options(options: Mapping[str, Any]) -> BacktestOptions:
    """Of a command's parsed arguments."""
    return BacktestOptions(
        first=options["first"],
        last=options["last"],
        cities=tuple(code for code in load_cities() if code in (options["city"] or load_cities())),
        strategy=options["strategy"],
        seed=options["seed"],
        assumed_depth=options["assumed_depth"],
        capital=options["capital"],
        weather_delay=timedelta(minutes=options["weather_delay"]),
    )
