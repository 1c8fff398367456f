"""The rule texts of both eras as the exchange wrote them, and texts that must never be traded on."""

from datetime import date

import pytest

from markets.domain.settlement_rules import check_strikes, parse_rule, source_url
from markets.domain.types import SettlementSource, StrikeType
from milkbot.core.cities import load_cities
from milkbot.core.errors import BadMarketData
from tests.markets.makers import market

MAY_22 = date(2026, 5, 22)
NWS = "National Weather Service's Climatological Report (Daily)"
HIGHEST = "If the highest temperature recorded {site} for May 22, 2026 as reported by the " + NWS
MAXIMUM = (
    "If the maximum temperature recorded {site} for May 22, 2026, is less than 72° fahrenheit according to the "
    + NWS
)
# Wordings of all ten series as listed for 2026-05-22.
NWS_ERA = {
    "NYC": HIGHEST.format(site="in Central Park, New York"),
    "CHI": f"If the highest temperature recorded at Chicago Midway, IL for May 22, 2026, is greater than 71° "
    f"according to the {NWS}, then the market resolves to Yes.",
    "LAX": HIGHEST.format(site="in Los Angeles Airport, CA"),
    "MIA": HIGHEST.format(site="at Miami International Airport"),
    "AUS": HIGHEST.format(site="in Austin Bergstrom"),
    "DEN": HIGHEST.format(site="in Denver, CO"),
    "PHL": HIGHEST.format(site="at Philadelphia International Airport"),
    "BOS": MAXIMUM.format(site="at Boston"),
    "SEA": MAXIMUM.format(site="at Seattle"),
    "SFO": MAXIMUM.format(site="at San Francisco"),
}
TWC = (
    "If the maximum temperature recorded at {place} for Aug 31, 2026, is greater than 85° fahrenheit according to "
    "The Weather Company, then the market resolves to Yes."
)
AUG_31 = date(2026, 8, 31)


def _refused(text: str, city_code: str, day: date) -> str:
    with pytest.raises(BadMarketData) as refusal:
        parse_rule(text, load_cities()[city_code], day)
    return refusal.value.code


@pytest.mark.parametrize("city_code", sorted(NWS_ERA))
def test_rule_of_the_nws_era_is_read_from_the_site(city_code: str) -> None:
    rule = parse_rule(NWS_ERA[city_code], load_cities()[city_code], MAY_22)
    assert rule.source is SettlementSource.NWS_CLI
    assert rule.cli_code is None
    assert rule.site_text


@pytest.mark.parametrize("city_code", sorted(load_cities()))
def test_rule_of_the_weather_company_era_is_read_from_the_cli_code(city_code: str) -> None:
    city = load_cities()[city_code]
    rule = parse_rule(TWC.format(place=f"{city.name} ({city.cli_code})"), city, AUG_31)
    assert (rule.source, rule.cli_code) == (SettlementSource.WEATHER_COMPANY, city.cli_code)
    assert rule.site_text == city.name


@pytest.mark.parametrize("other", sorted(NWS_ERA))
def test_rule_of_any_other_city_is_a_station_mismatch(other: str) -> None:
    for city_code, text in NWS_ERA.items():
        if city_code != other:
            assert _refused(text, other, MAY_22) == "STATION_MISMATCH"


@pytest.mark.parametrize(
    ("city_code", "site"),
    [
        ("CHI", "at Chicago O'Hare, IL"),
        ("CHI", "at Chicago"),
        ("NYC", "at LaGuardia, New York"),
        ("NYC", "at JFK Airport, New York"),
        ("NYC", "in New York"),
        ("AUS", "at Austin Camp Mabry"),
        ("AUS", "in Austin"),
        ("LAX", "in Downtown Los Angeles, CA"),
        ("LAX", "in Los Angeles"),
        ("SFO", "in San Francisco Downtown"),
        ("MIA", "at Miami Beach, FL"),
        ("DEN", "in Denver Stapleton"),
        ("PHL", "at Philadelphia Northeast Airport"),
    ],
)
def test_rule_naming_another_station_of_the_city_is_a_station_mismatch(city_code: str, site: str) -> None:
    assert _refused(HIGHEST.format(site=site), city_code, MAY_22) == "STATION_MISMATCH"


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("Chicago (CLIORD)", "STATION_MISMATCH"),
        ("Chicago (CLIMDW) (CLIORD)", "STATION_MISMATCH"),
        ("Chicago O'Hare", "STATION_MISMATCH"),
    ],
)
def test_rule_with_a_wrong_cli_code_is_a_station_mismatch(place: str, code: str) -> None:
    assert _refused(TWC.format(place=place), "CHI", AUG_31) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "If it rains in Chicago on Aug 31, 2026, then the market resolves to Yes.",
        TWC.format(place="Chicago (CLIMDW)").replace("maximum", "minimum"),
        TWC.format(place="Chicago (CLIMDW)").replace("The Weather Company", "AccuWeather"),
        TWC.format(place="Chicago (CLIMDW)") + f" See the {NWS}.",
        TWC.format(place="Chicago (CLIMDW)").replace("Aug 31, 2026", "Aug 32, 2026"),
        TWC.format(place="Chicago (CLIMDW)").replace("Aug 31, 2026", "tomorrow"),
    ],
)
def test_rule_that_cannot_be_read_is_refused(text: str) -> None:
    assert _refused(text, "CHI", AUG_31) == "RULE_UNREADABLE"


def test_rule_of_another_day_is_refused() -> None:
    assert _refused(TWC.format(place="Chicago (CLIMDW)"), "CHI", date(2026, 8, 30)) == "RULE_DATE_MISMATCH"


def test_rule_dates_may_be_written_long_short_or_with_a_leading_zero() -> None:
    chicago = load_cities()["CHI"]
    for written in ("July 09, 2026", "Jul 9, 2026", "Jul. 9, 2026"):
        text = TWC.format(place="Chicago (CLIMDW)").replace("Aug 31, 2026", written)
        assert parse_rule(text, chicago, date(2026, 7, 9)).cli_code == "CLIMDW"


@pytest.mark.parametrize(
    ("strike_type", "floor", "cap", "words"),
    [
        (StrikeType.GREATER, "87", None, "is greater than 87° fahrenheit"),
        (StrikeType.LESS, None, "80", "is less than 80°"),
        (StrikeType.BETWEEN, "84", "85", "is between 84-85°"),
        (StrikeType.BETWEEN, "84", "85", "settles somehow"),
    ],
)
def test_strikes_that_agree_with_the_text_pass(
    strike_type: StrikeType, floor: str | None, cap: str | None, words: str
) -> None:
    check_strikes(market(strike_type, floor, cap).model_copy(update={"rules_primary": words}))


@pytest.mark.parametrize("words", ["is greater than 84°", "is between 85-86°", "is less than 85°"])
def test_strikes_that_contradict_the_text_are_refused(words: str) -> None:
    contradicted = market(StrikeType.BETWEEN, "84", "85").model_copy(update={"rules_primary": words})
    with pytest.raises(BadMarketData) as refusal:
        check_strikes(contradicted)
    assert refusal.value.code == "RULE_STRIKE_MISMATCH"


@pytest.mark.parametrize(
    ("code", "query"),
    [("CHI", "site=LOT&issuedby=MDW&product=CLI"), ("NYC", "site=OKX&issuedby=NYC&product=CLI")],
)
def test_source_url_leads_to_the_page_the_rules_name(code: str, query: str) -> None:
    city = load_cities()[code]
    assert query in source_url(SettlementSource.NWS_CLI, city)
    assert source_url(SettlementSource.WEATHER_COMPANY, city) == "https://weather.com/kalshi"
