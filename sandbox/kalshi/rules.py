"""The contract texts. They changed with the settlement source: National Weather Service up to the events of
2026-08-13, The Weather Company, keyed by the climate report's code, from 2026-08-14 on."""

from datetime import date
from typing import Final

from sandbox.cities import City
from sandbox.english import MONTHS
from sandbox.feeds import Bracket, Ladder
from sandbox.kalshi.wire import long_date, short_date

WEATHER_COMPANY_SINCE: Final = date(2026, 8, 14)


def settles_on_weather_company(event_date: date) -> bool:
    """Which of the two settlement sources the event of `event_date` names."""
    return event_date >= WEATHER_COMPANY_SINCE


def settlement_sources(city: City, event_date: date) -> list[dict[str, str]]:
    """The `settlement_sources` of an event."""
    if settles_on_weather_company(event_date):
        return [{"name": "The Weather Company", "url": "https://weather.com/kalshi"}]
    url = f"https://forecast.weather.gov/product.php?site={city.office}&product=CLI&issuedby={city.cli_location}"
    return [{"name": "National Weather Service", "url": url}]


def rules_primary(city: City, event_date: date, bracket: Bracket) -> str:
    """The rule of one market in the wording of its event's date."""
    condition = _condition(bracket)
    if settles_on_weather_company(event_date):
        return (
            f"If the maximum temperature recorded at {city.name} (CLI{city.cli_location}) for {short_date(event_date)}, "
            f"is {condition} fahrenheit according to The Weather Company, then the market resolves to Yes."
        )
    day = f"{MONTHS[event_date.month - 1]} {event_date.day:02}, {event_date.year}"
    return (
        f"If the highest temperature recorded {city.rules_site_before_twc} for {day}, is {condition} according to the "
        "National Weather Service's Climatological Report (Daily), then the market resolves to Yes."
    )


def rules_secondary(event_date: date) -> str:
    """The explanations that go with the rule."""
    if settles_on_weather_company(event_date):
        return (
            "Only the first official, non-preliminary value published for the day counts; later revisions are ignored. "
            "Expiration may be delayed for a material error."
        )
    return (
        "The official and final value is the highest temperature in the NWS Climatological Report (Daily) for the day. "
        "Preliminary NWS reports may be subject to rounding and conversion."
    )


def early_close_condition(event_date: date) -> str:
    """Prose about the closing time; the market's `close_time` is what counts."""
    day = long_date(event_date)
    return (
        f"The Last Trading Time will be 11:59 PM local time on {day} regardless of any data releases or events occurring. "
        f"Expiration will occur on the sooner of the first 7:00 or 8:00 AM ET following the release of the data for {day}, "
        f"or one week after {day}."
    )


def market_title(city: City, event_date: date, bracket: Bracket) -> str:
    """The question as the site shows it."""
    symbol = {
        "less": f"<{bracket.cap_strike}°",
        "between": f"{bracket.floor_strike}-{bracket.cap_strike}°",
        "greater": f">{bracket.floor_strike}°",
    }[bracket.strike_type]
    return f"Will the **high temp in {city.short_name}** be {symbol} on {short_date(event_date)}?"


def event_title(city: City, ladder: Ladder) -> str:
    """`Highest temperature in Chicago on Sep 15, 2026?`"""
    return f"Highest temperature in {city.name} on {short_date(ladder.event_date)}?"


def sub_title(bracket: Bracket) -> str:
    """The bracket in words: `80° or below`, `81° to 82°`, `89° or above`."""
    if bracket.lowest_f is None:
        return f"{bracket.highest_f}° or below"
    if bracket.highest_f is None:
        return f"{bracket.lowest_f}° or above"
    return f"{bracket.lowest_f}° to {bracket.highest_f}°"


def _condition(bracket: Bracket) -> str:
    if bracket.strike_type == "less":
        return f"less than {bracket.cap_strike}°"
    if bracket.strike_type == "greater":
        return f"greater than {bracket.floor_strike}°"
    return f"between {bracket.floor_strike}-{bracket.cap_strike}°"
