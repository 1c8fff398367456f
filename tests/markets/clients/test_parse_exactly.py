"""The parser builds markets without pydantic's validation: what it builds must be what validation would have made."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from markets.clients.kalshi import parse
from markets.domain.types import MarketSnapshot
from milkbot.core.errors import BadMarketData, OutsideError
from tests.markets.makers import NOW, decode, wire_market

PRICES = ("yes_bid", "yes_ask", "last_price")
COUNTS = ("yes_bid_size", "yes_ask_size", "volume", "open_interest")
STRIKES = ("floor_strike", "cap_strike")
TEXTS = ("ticker", "event_ticker", "rules_primary", "expiration_value", "status", "strike_type", "result")
INSTANTS = ("open_time", "close_time", "settlement_ts")
ODD_NUMBERS = (
    "0", "0.0000", "1.0000", "1e-3", "0.0000001", "0.005", "-0", " 1 ", "+0.5", "007", "1.000", "999999999999.99",
    "999999999999.999", "1000000000000", "1000000000000.00",
)  # fmt: skip

numbers = (
    st.decimals(min_value=-2, max_value=2, places=4).map(str)
    | st.decimals(min_value=0, max_value=10**13, places=2).map(str)
    | st.sampled_from(ODD_NUMBERS)
)
quotable = st.decimals(min_value="0.01", max_value="0.99", places=3).map(str)
countable = st.decimals(min_value=1, max_value=10**6, places=2).map(str)
texts = st.text(max_size=20) | st.text(st.characters(categories=["Lu"]), max_size=3)
known_words = st.sampled_from(["finalized", "less", "greater", "yes", "scalar"])
instants = st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.timezones()).map(datetime.isoformat)


def changes(names: tuple[str, ...], values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(names), values, max_size=3)


def on_the_wire(**quotes: str) -> dict[str, str]:
    return {f"{name}_dollars" if name in PRICES else f"{name}_fp": text for name, text in quotes.items()}


@given(
    quotes=changes(PRICES + COUNTS, numbers),
    strikes=changes(STRIKES, numbers),
    words=changes(TEXTS, texts | known_words),
    times=changes(INSTANTS, instants),
)
def test_market_that_is_read_is_what_validation_makes_of_its_values(
    quotes: dict[str, str], strikes: dict[str, str], words: dict[str, str], times: dict[str, str]
) -> None:
    try:
        listing = parse.parse_market(wire_market() | on_the_wire(**quotes) | strikes | words | times, NOW)
    except (BadMarketData, OutsideError):
        return
    for read in (listing.market, listing.snapshot):
        validated = type(read).model_validate(dict(read), strict=True)
        assert read == validated
        assert read.model_fields_set == validated.model_fields_set
        assert read.model_dump_json() == validated.model_dump_json()
        assert hash(read) == hash(validated)


@given(
    good=st.fixed_dictionaries(dict.fromkeys(PRICES, quotable) | dict.fromkeys(COUNTS, countable)),
    others=changes(PRICES + COUNTS, numbers),
)
def test_quotes_that_validation_takes_are_read_and_no_others(
    good: dict[str, str], others: dict[str, str]
) -> None:
    quotes = good | others
    values = {name: Decimal(text) for name, text in quotes.items()}
    assume(not any(values[name] in (0, 1) for name in PRICES))  # Nobody quotes: no price, hence no size.
    assume(all(values[name] > 0 for name in ("yes_bid_size", "yes_ask_size")))  # The same.
    sample = parse.parse_market(wire_market(), NOW).snapshot
    try:
        expected = MarketSnapshot.model_validate(dict(sample) | values)
    except ValidationError:
        with pytest.raises((BadMarketData, OutsideError)):
            parse.parse_market(wire_market() | on_the_wire(**quotes), NOW)
    else:
        assert parse.parse_market(wire_market() | on_the_wire(**quotes), NOW).snapshot == expected


def test_change_of_one_copy_leaves_the_original_and_its_like_alone() -> None:
    first, second = (parse.parse_market(wire_market(), NOW).market for _ in range(2))
    changed = first.model_copy(update={"result": "yes"})
    assert (first, first.result, changed.result) == (second, "", "yes")
    with pytest.raises(ValidationError, match="frozen"):
        setattr(first, "result", "yes")  # noqa: B010


@pytest.mark.parametrize("name", ["ticker", "event_ticker", "rules_primary", "status", "expiration_value"])
def test_half_a_surrogate_pair_costs_its_market_alone(name: str) -> None:
    body: dict[str, Any] = {"markets": [wire_market() | {name: "\ud800"}, wire_market()]}
    listings, faults = parse.parse_markets(decode(json.dumps(body)), NOW)
    assert len(listings) == 1
    assert [fault.code for fault in faults] == ["MALFORMED"]


def test_time_of_capture_without_zone_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="zone"):
        parse.parse_market(wire_market(), NOW.replace(tzinfo=None))
