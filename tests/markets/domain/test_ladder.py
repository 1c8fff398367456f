"""Brackets come from strike fields, and a ladder only from a partition of the integers."""

import csv
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.ladder import bracket_of, build_ladder
from markets.domain.types import Bracket, Ladder, Market, MarketStatus, StrikeType
from milkbot.core.errors import BadMarketData
from tests.markets.makers import CENT_GRID, STRIKES, event, market

LESS, BETWEEN, GREATER = StrikeType.LESS, StrikeType.BETWEEN, StrikeType.GREATER
EVENT = "KXHIGHCHI-26SEP15"


def ladder_of(*strikes: tuple[StrikeType | None, str | None, str | None]) -> Ladder:
    return build_ladder(
        EVENT, [market(*strike, suffix=f"X{number}") for number, strike in enumerate(strikes)]
    )


@pytest.mark.parametrize(
    ("strike_type", "floor", "cap", "low_f", "high_f", "label"),
    [
        (LESS, None, "81", None, 80, "80° or below"),
        (BETWEEN, "81", "82", 81, 82, "81° to 82°"),
        (GREATER, "88", None, 89, None, "89° or above"),
        (LESS, None, "-3", None, -4, "-4° or below"),
        (LESS, None, "80.5", None, 80, "80° or below"),
        (GREATER, "88.5", None, 89, None, "89° or above"),
        (BETWEEN, "80.5", "82.5", 81, 82, "81° to 82°"),
    ],
)
def test_bracket_from_strikes_holds_the_degrees_the_rules_say(
    strike_type: StrikeType,
    floor: str | None,
    cap: str | None,
    low_f: int | None,
    high_f: int | None,
    label: str,
) -> None:
    bracket = bracket_of(market(strike_type, floor, cap))
    assert (bracket.low_f, bracket.high_f, bracket.label) == (low_f, high_f, label)


@pytest.mark.parametrize(
    ("strike_type", "floor", "cap"),
    [
        (None, "81", "82"),
        (LESS, None, None),
        (LESS, "70", "81"),
        (GREATER, None, "88"),
        (GREATER, "88", "90"),
        (BETWEEN, "82", "81"),
        (BETWEEN, "81", None),
        (BETWEEN, "81.2", "81.8"),
        (GREATER, "1e6", None),
    ],
)
def test_bracket_from_contradicting_strikes_is_refused(
    strike_type: StrikeType | None, floor: str | None, cap: str | None
) -> None:
    with pytest.raises(BadMarketData) as refusal:
        bracket_of(market(strike_type, floor, cap))
    assert refusal.value.code == "EVENT_NOT_PARTITION"


def test_ladder_of_a_full_event_is_coldest_first_whatever_the_order_listed() -> None:
    markets = [listing.market for listing in event().listings]
    ladder = build_ladder(EVENT, markets[::-1])
    assert [bracket.ticker.rsplit("-", 1)[1] for bracket in ladder.brackets] == [row[0] for row in STRIKES]


@pytest.mark.parametrize(
    ("strikes", "words"),
    [
        ([(LESS, None, "80"), (BETWEEN, "81", "82"), (GREATER, "82", None)], "leave a gap"),
        ([(LESS, None, "81"), (BETWEEN, "80", "82"), (GREATER, "82", None)], "overlap"),
        ([(BETWEEN, "80", "81"), (GREATER, "81", None)], "no open bracket"),
        ([(LESS, None, "80"), (BETWEEN, "80", "81")], "no open bracket"),
        ([(LESS, None, "80"), (LESS, None, "82"), (GREATER, "81", None)], "same end"),
        ([(LESS, None, "80"), (GREATER, "79", None), (GREATER, "84", None)], "same end"),
        ([(LESS, None, "80")], "no open bracket"),
        ([], "no open bracket"),
    ],
)
def test_ladder_that_does_not_partition_is_refused_in_words(
    strikes: list[tuple[StrikeType, str | None, str | None]], words: str
) -> None:
    with pytest.raises(BadMarketData, match=words) as refusal:
        ladder_of(*strikes)
    assert refusal.value.code == "EVENT_NOT_PARTITION"


def test_ladder_with_a_market_of_another_event_is_refused() -> None:
    markets = [listing.market for listing in event().listings]
    stranger = markets[0].model_copy(update={"event_ticker": "KXHIGHCHI-26SEP16"})
    with pytest.raises(BadMarketData, match="other events"):
        build_ladder(EVENT, [stranger, *markets[1:]])


@given(
    edges=st.lists(st.integers(-60, 130), min_size=1, max_size=9, unique=True), value=st.integers(-200, 300)
)
def test_ladder_built_from_any_cuts_holds_every_degree_once(edges: list[int], value: int) -> None:
    cuts = sorted(edges)
    strikes: list[tuple[StrikeType | None, str | None, str | None]] = [(LESS, None, str(cuts[0]))]
    strikes += [(BETWEEN, str(low), str(high - 1)) for low, high in pairwise(cuts)]
    ladder = ladder_of(*strikes, (GREATER, str(cuts[-1] - 1), None))
    assert sum(bracket.holds(value) for bracket in ladder.brackets) == 1


@given(edges=st.lists(st.integers(-60, 130), min_size=4, max_size=9, unique=True), data=st.data())
def test_ladder_that_lost_any_bracket_is_refused(edges: list[int], data: st.DataObject) -> None:
    cuts = sorted(edges)
    strikes: list[tuple[StrikeType | None, str | None, str | None]] = [(LESS, None, str(cuts[0]))]
    strikes += [(BETWEEN, str(low), str(high - 1)) for low, high in pairwise(cuts)]
    strikes.append((GREATER, str(cuts[-1] - 1), None))
    strikes.pop(data.draw(st.integers(0, len(strikes) - 1)))
    with pytest.raises(BadMarketData):
        ladder_of(*strikes)


def test_every_recorded_ladder_builds_and_its_result_agrees_with_the_settled_value(ladders_csv: Path) -> None:
    with ladders_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    events = 0
    for ticker, group in groupby(rows, key=lambda row: row["event_ticker"]):
        members = list(group)
        ladder = build_ladder(ticker, [_recorded_market(row) for row in members])
        events += 1
        assert len(ladder.brackets) == 6
        for row in (row for row in members if row["settle_f"]):
            bracket = ladder.bracket(row["ticker"])
            assert isinstance(bracket, Bracket)
            assert bracket.holds(int(row["settle_f"])) == (row["result"] == "yes")
    assert events == 47


def _recorded_market(row: dict[str, str]) -> Market:
    return Market(
        ticker=row["ticker"],
        event_ticker=row["event_ticker"],
        strike_type=StrikeType(row["strike_type"]),
        floor_strike=Decimal(row["floor_strike"]) if row["floor_strike"] else None,
        cap_strike=Decimal(row["cap_strike"]) if row["cap_strike"] else None,
        status=MarketStatus.FINALIZED,
        open_at=datetime.fromisoformat(row["open_time_utc"]).astimezone(UTC),
        close_at=datetime.fromisoformat(row["close_time_utc"]).astimezone(UTC),
        price_ranges=CENT_GRID,
    )
