"""Traps of kalshi-api.md 11 that concern no one answer: what a market settles on, and which hosts are spoken to."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from markets.clients.kalshi.signing import DEMO_HOSTS, LIVE_HOSTS
from markets.domain.types import SettlementSource
from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day
from tests.weather.test_cli_report import FINAL, PRELIMINARY
from trading.domain.settling import settling_report
from weather.domain.cli_report import parse_cli

ROOT = Path(__file__).parents[2]
PACKAGES = ("analytics", "markets", "milkbot", "publicsite", "sandbox", "trading", "weather")
DOCUMENTATION = {"docs.kalshi.com"}
"""Named in the sandbox's answers as in the exchange's own; never asked."""
HOST = re.compile(r"\b(?:[a-z0-9-]+\.)*kalshi\.com?\b")


@pytest.mark.parametrize(
    ("code", "station", "cli_code"),
    [("NYC", "KNYC", "CLINYC"), ("CHI", "KMDW", "CLIMDW"), ("SFO", "KSFO", "CLISFO")],
)
def test_trap_16_city_settles_on_its_own_station(code: str, station: str, cli_code: str) -> None:
    """Not JFK for Central Park, O'Hare for Midway, or downtown San Francisco."""
    city = load_cities()[code]
    assert (city.settlement_station, city.cli_code) == (station, cli_code)


def test_trap_16_day_is_the_standard_time_day() -> None:
    chicago = load_cities()["CHI"]
    half_past_midnight = datetime(2026, 7, 15, 5, 30, tzinfo=UTC)  # 00:30 CDT, 23:30 CST
    assert climate_day(half_past_midnight, chicago.std_offset_hours) == date(2026, 7, 14)


@pytest.mark.parametrize("source", [*SettlementSource, None])
def test_trap_16_preliminary_report_settles_nothing(source: SettlementSource | None) -> None:
    preliminary, final = parse_cli(PRELIMINARY), parse_cli(FINAL)
    assert settling_report([preliminary], source) is None
    assert settling_report([preliminary, final], source) is final


def test_trap_20_no_code_speaks_to_the_website() -> None:
    """Its pages stand behind bot protection; only hosts of the API are named anywhere."""
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    named = {host for path in sources for host in HOST.findall(path.read_text(encoding="utf-8"))}
    assert named & LIVE_HOSTS
    assert named - LIVE_HOSTS - DEMO_HOSTS == DOCUMENTATION
