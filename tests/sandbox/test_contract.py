"""Every record the exchange serves has the fields and value shapes that the contract requires."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.recorded import RecordedDay
from tests.sandbox.stages import client_at

ROOT = "/trade-api/v2"
MOMENTS = [
    datetime(2026, 5, 18, 13, 45, tzinfo=UTC),
    datetime(2026, 5, 19, 20, tzinfo=UTC),
    datetime(2026, 5, 20, 6, tzinfo=UTC),
    datetime(2026, 5, 20, 10, 30, tzinfo=UTC),
    datetime(2026, 5, 20, 12, tzinfo=UTC),
]
REQUIRED = {
    "Market": "ticker event_ticker market_type yes_sub_title no_sub_title created_time updated_time open_time close_time "
    "latest_expiration_time settlement_timer_seconds status notional_value_dollars yes_bid_dollars yes_ask_dollars "
    "no_bid_dollars no_ask_dollars yes_bid_size_fp yes_ask_size_fp last_price_dollars previous_yes_bid_dollars "
    "previous_yes_ask_dollars previous_price_dollars volume_fp volume_24h_fp open_interest_fp result can_close_early "
    "expiration_value rules_primary rules_secondary price_level_structure price_ranges settlement_bounds_type",
    "EventData": "event_ticker series_ticker sub_title title collateral_return_type mutually_exclusive settlement_sources",
    "Series": "ticker frequency title category tags settlement_sources contract_url contract_terms_url fee_type "
    "fee_multiplier additional_prohibitions categories",
    "OrderbookCountFp": "yes_dollars no_dollars",
    "MarketCandlestick": "end_period_ts yes_bid yes_ask price volume_fp open_interest_fp",
    "ExchangeStatus": "exchange_active trading_active",
    "ExchangeIndexStatus": "exchange_index description exchange_active trading_active intra_exchange_transfers_active",
    "Schedule": "standard_hours maintenance_windows",
    "WeeklySchedule": "start_time end_time monday tuesday wednesday thursday friday saturday sunday",
}
DOLLARS = re.compile(r"-?\d+\.\d{4}")
COUNT = re.compile(r"\d+\.\d{2}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def served(day: RecordedDay, at: datetime) -> dict[str, list[dict[str, Any]]]:
    """Records by the name of their schema."""
    client = client_at(day, at)

    def body(path: str) -> Any:
        answer = client.get(f"{ROOT}{path}")
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    (event,) = body("/events?with_nested_markets=true")["events"]
    market = event["markets"][3]["ticker"]
    status, schedule = body("/exchange/status"), body("/exchange/schedule")["schedule"]
    window = "start_ts=1779000000&end_ts=1780000000&period_interval=60"
    return {
        "Market": [*body("/markets")["markets"], body(f"/markets/{market}")["market"], *event["markets"]],
        "EventData": [event, body(f"/events/{event['event_ticker']}")["event"]],
        "Series": [*body("/series")["series"], body("/series/KXHIGHCHI?include_volume=true")["series"]],
        "OrderbookCountFp": [
            body(f"/markets/{market}/orderbook")["orderbook_fp"],
            *(book["orderbook_fp"] for book in body(f"/markets/orderbooks?tickers={market}")["orderbooks"]),
        ],
        "MarketCandlestick": body(f"/series/KXHIGHCHI/markets/{market}/candlesticks?{window}")[
            "candlesticks"
        ],
        "ExchangeStatus": [status],
        "ExchangeIndexStatus": status["exchange_index_statuses"],
        "Schedule": [schedule],
        "WeeklySchedule": schedule["standard_hours"],
    }


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every (field name, plain value) below `value`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value


def schema_block(specification: str, name: str) -> str:
    """The lines of one schema of the OpenAPI file."""
    found = re.search(rf"^    {name}:\n((?:      .*\n|\s*\n)+)", specification, re.MULTILINE)
    assert found is not None, name
    return found.group(1)


def required_by(specification: str, name: str) -> set[str]:
    found = re.search(
        r"^      required:\n((?:      - \w+\n)+)", schema_block(specification, name), re.MULTILINE
    )
    assert found is not None, name
    return set(re.findall(r"- (\w+)", found.group(1)))


def properties_in(specification: str, name: str) -> set[str]:
    return set(re.findall(r"^        (\w+):", schema_block(specification, name), re.MULTILINE))


@pytest.mark.parametrize("at", MOMENTS)
def test_records_have_every_required_field_in_its_wire_shape(invented_day: RecordedDay, at: datetime) -> None:
    for schema, records in served(invented_day, at).items():
        for record in records:
            assert set(REQUIRED[schema].split()) <= set(record), schema
            for name, value in leaves(record):
                assert not isinstance(value, float), name
                if name in ("yes_dollars", "no_dollars"):
                    assert DOLLARS.fullmatch(value) or COUNT.fullmatch(value), name
                elif name.endswith("_dollars"):
                    assert DOLLARS.fullmatch(value), name
                elif name.endswith("_fp"):
                    assert COUNT.fullmatch(value), name
                elif name in ("open_time", "close_time") and schema in ("Schedule", "WeeklySchedule"):
                    assert re.fullmatch(r"\d\d:\d\d", value), name
                elif name.endswith(("_time", "_datetime")):
                    assert TIME.fullmatch(value), name


@pytest.mark.parametrize("schema", REQUIRED)
def test_our_list_of_required_fields_is_that_of_the_specification(specification: str, schema: str) -> None:
    assert set(REQUIRED[schema].split()) == required_by(specification, schema)


def test_records_have_no_field_that_the_specification_does_not_know(
    specification: str, invented_day: RecordedDay
) -> None:
    for at in MOMENTS:
        for schema, records in served(invented_day, at).items():
            unknown = {name for record in records for name in record} - properties_in(specification, schema)
            assert not unknown, schema


def test_refusals_have_the_recorded_bodies(shared_data: Path, invented_day: RecordedDay) -> None:
    samples = shared_data / "kalshi" / "api-samples" / "fortuna-demo-2026-06"
    client = client_at(invented_day, MOMENTS[1])
    over = client.get(f"{ROOT}/markets?limit=1001")
    assert over.json() == json.loads((samples / "markets__limit_over_max.json").read_text(encoding="utf-8"))
    unsigned = client.get(f"{ROOT}/portfolio/balance")
    assert unsigned.json() == json.loads(
        (samples / "auth__missing_signature_header.json").read_text(encoding="utf-8")
    )


def test_recorded_day_is_served_in_the_same_shape(recorded_day: RecordedDay) -> None:
    at = datetime(2025, 5, 14, 15, tzinfo=UTC)
    client = client_at(recorded_day, at)
    for market in client.get(f"{ROOT}/markets").json()["markets"]:
        assert set(REQUIRED["Market"].split()) <= set(market)
