"""What an event settles on, read from its own text and compared with the city's station.

Two wordings exist. Up to 2026-08-13: "... recorded in Central Park, New York for May 22, 2026 as reported by the
National Weather Service's Climatological Report (Daily) ...", which names a site. From 2026-08-14: "... recorded at
New York City (CLINYC) for Aug 31, 2026 ... according to The Weather Company ...", which names the climate report.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from markets.domain.types import Market, SettlementRule, SettlementSource
from milkbot.core.cities import CityConfig
from milkbot.core.errors import BadMarketData

UNREADABLE: Final = "RULE_UNREADABLE"
STATION_MISMATCH: Final = "STATION_MISMATCH"
DATE_MISMATCH: Final = "RULE_DATE_MISMATCH"
STRIKE_MISMATCH: Final = "RULE_STRIKE_MISMATCH"

_SITE = re.compile(
    r"\b(?:highest|maximum)\s+temperature\s+recorded\s+(?:in|at)\s+(?P<site>\S.{0,80}?)\s+(?:for|on)\s+"
    r"(?P<month>[A-Z][a-z]{2,8})\.?\s+(?P<day>[0-9]{1,2}),\s*(?P<year>20[0-9]{2})\b"
)
_CLI = re.compile(r"\(\s*(CLI[A-Z]{3})\s*\)")
_STRIKE = re.compile(
    r"\bis\s+(?:(?P<side>greater|less)\s+than\s+(?P<bound>-?[0-9.]*[0-9])"
    r"|between\s+(?P<low>-?[0-9]+)\s*(?:-|–|to|and)\s*(?P<high>-?[0-9]+))"
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_AIRPORT: Final = frozenset({"international", "intl", "airport"})


class _Site(NamedTuple):
    """Words a text may use for a city's station, and those of which it must use one (empty: the city is enough).

    Anything outside the allowed words (downtown, O'Hare, Camp Mabry, LaGuardia) is another station.
    """

    allowed: frozenset[str]
    needed: frozenset[str] = frozenset()


def _site(words: str, *, needed: str = "", airport: bool = True) -> _Site:
    return _Site(frozenset(words.split()) | (_AIRPORT if airport else frozenset()), frozenset(needed.split()))


# Where a city has a second well-known station, or the texts always named the site, the city alone is not enough.
_SITES: Final = {
    "NYC": _site("central park new york city nyc ny", needed="central", airport=False),
    "CHI": _site("chicago midway il illinois", needed="midway"),
    "LAX": _site("los angeles la lax ca california", needed="airport intl international lax"),
    "MIA": _site("miami mia fl florida", needed="airport intl international"),
    "AUS": _site("austin bergstrom tx texas", needed="bergstrom"),
    "DEN": _site("denver den co colorado"),
    "PHL": _site("philadelphia phila phl pa pennsylvania", needed="airport intl international"),
    "BOS": _site("boston logan bos ma massachusetts"),
    "SEA": _site("seattle tacoma sea tac seatac wa washington"),
    "SFO": _site("san francisco sf sfo ca california"),
}


def parse_rule(rules_primary: str, city: CityConfig, event_date: date) -> SettlementRule:
    """The settlement rule of an event of `city`, checked against the city's station and the climate day.

    Raises BadMarketData: RULE_UNREADABLE when source or place cannot be told, STATION_MISMATCH when the text names
    another station, RULE_DATE_MISMATCH when it names another day.
    """
    text = " ".join(rules_primary.split())
    source = _source(text)
    place = _SITE.search(text)
    if place is None:
        raise BadMarketData(UNREADABLE, f"no station and day in {text[:120]!r}")
    named = _named_date(place)
    if named != event_date:
        raise BadMarketData(DATE_MISMATCH, f"the rules speak of {named}, the event is {event_date}")
    codes = set(_CLI.findall(text))
    site_text = _CLI.sub("", place["site"]).strip()
    _check_station(codes, site_text, city)
    return SettlementRule(source=source, cli_code=city.cli_code if codes else None, site_text=site_text)


def source_url(source: SettlementSource, city: CityConfig) -> str:
    """Where a person reads the figure that an event of `city` settles on.

    Source: the addresses the exchange names in its series, and the climate report's own page at its office.
    """
    if source is SettlementSource.WEATHER_COMPANY:
        return "https://weather.com/kalshi"
    return (
        f"https://forecast.weather.gov/product.php?site={city.nws_office}"
        f"&issuedby={city.cli_location}&product=CLI&format=txt"
    )


def check_strikes(market: Market) -> None:
    """Raises BadMarketData(RULE_STRIKE_MISMATCH) when the text states other strikes than the market's fields."""
    match = _STRIKE.search(" ".join(market.rules_primary.split()))
    if match is None:
        return
    stated: tuple[Decimal | None, Decimal | None]
    if match["side"] is None:
        stated = Decimal(match["low"]), Decimal(match["high"])
    else:
        bound = Decimal(match["bound"])
        stated = (bound, None) if match["side"] == "greater" else (None, bound)
    if stated != (market.floor_strike, market.cap_strike):
        raise BadMarketData(
            STRIKE_MISMATCH,
            f"{market.ticker}: the rules say {match[0]!r}, the strikes are {market.floor_strike}, {market.cap_strike}",
        )


def _source(text: str) -> SettlementSource:
    lowered = text.lower()
    named = {
        source
        for phrase, source in (
            ("the weather company", SettlementSource.WEATHER_COMPANY),
            ("national weather service", SettlementSource.NWS_CLI),
        )
        if phrase in lowered
    }
    if len(named) != 1:
        raise BadMarketData(UNREADABLE, f"{len(named)} known settlement sources in {text[:120]!r}")
    return named.pop()


def _named_date(place: re.Match[str]) -> date:
    month = place["month"][:3].lower()
    try:
        return date(int(place["year"]), _MONTHS.index(month) + 1, int(place["day"]))
    except ValueError:
        raise BadMarketData(UNREADABLE, f"{place[0][-40:]!r} names no day of the calendar") from None


def _check_station(codes: set[str], site_text: str, city: CityConfig) -> None:
    if codes:
        if codes != {city.cli_code}:
            raise BadMarketData(
                STATION_MISMATCH, f"the rules name {', '.join(sorted(codes))}, {city.code} is {city.cli_code}"
            )
        return
    words = set(re.findall(r"[a-z]+", re.sub(r"['’.]", "", site_text.lower())))
    site = _SITES.get(city.code)
    if site is None or not words or words - site.allowed or (site.needed and not words & site.needed):
        raise BadMarketData(STATION_MISMATCH, f"the rules name {site_text!r}, {city.code} is {city.site}")
