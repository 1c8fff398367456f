"""Settlements add up, whatever is taken back; differences are named and nothing else."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.account_types import ExchangeSettlement, MarketResult
from markets.domain.types import Bracket, SettlementSource
from trading.domain.settling import (
    YES_VALUE,
    FinalResult,
    Paid,
    Result,
    Settlement,
    UnknownPayouts,
    agrees,
    compare_settlements,
    payout_bounds,
    revised,
    settling_report,
    standing,
)
from weather.domain.types import CliReport

AT = datetime(2025, 5, 15, 12, tzinfo=UTC)
TICKER = "KXHIGHCHI-25MAY14-B73.5"
D = Decimal

results: st.SearchStrategy[Result] = st.sampled_from(["yes", "no"])
counts = st.integers(-1_000, 1_000).filter(bool).map(lambda hundredths: D(hundredths) / 100)


def final(result: Result, expiration_value: str = "", settled_at: datetime = AT) -> FinalResult:
    return FinalResult(result, YES_VALUE[result], settled_at, expiration_value)


def settlement(count: str = "10", cost: str = "4", result: Result = "yes") -> Settlement:
    paid = final(result).payout(D(count))
    return Settlement(result=result, count=D(count), cost=D(cost), payout=paid, settled_at=AT)


def total(settlements: Sequence[Settlement], field: str) -> Decimal:
    return sum((getattr(each, field) for each in settlements), D(0))


@pytest.mark.parametrize(
    ("count", "result", "payout"),
    [("3", "yes", "3"), ("3", "no", "0"), ("-3", "no", "3"), ("-3", "yes", "0")],
)
def test_payout_of_a_side_is_a_dollar_a_contract_if_it_won(count: str, result: Result, payout: str) -> None:
    assert final(result).payout(D(count)) == D(payout)


@pytest.mark.parametrize(
    ("count", "value", "payout"),
    [("10", "0.37", "3.70"), ("-10", "0.37", "6.30"), ("10.25", "0.37", "3.7925"), ("3", "0.333333", "1")],
)
def test_payout_of_a_scalar_result_is_its_value_a_contract_to_the_exchange_s_precision(
    count: str, value: str, payout: str
) -> None:
    assert FinalResult("scalar", D(value), AT).payout(D(count)) == D(payout)


def test_revised_when_the_value_booked_by_hand_was_another_then_takes_back_and_pays_anew() -> None:
    before = (settlement("10", "4", "yes"),)
    booked = revised(before, FinalResult("scalar", D("0.37"), AT))

    assert revised((*before, *booked), FinalResult("scalar", D("0.37"), AT)) == ()
    changes = revised((*before, *booked), FinalResult("scalar", D("0.36"), AT))
    assert [each.payout for each in changes] == [D("-3.70"), D("3.60")]


@pytest.mark.parametrize(
    ("held", "booked", "bounds"),
    [
        ("-10", None, ("0", "10")),
        ("0", "yes", ("-10", "0")),
        ("0", "no", ("0", "10")),
        ("5", "yes", ("-10", "5")),
    ],
)
def test_payout_bounds_are_nothing_and_a_dollar_a_contract_less_what_was_booked(
    held: str, booked: Result | None, bounds: tuple[str, str]
) -> None:
    settlements = [settlement("10", "4", booked)] if booked else []

    least, most = payout_bounds(D(held), settlements)

    assert (least, most) == (D(bounds[0]), D(bounds[1]))
    unknown = UnknownPayouts((TICKER,), least, most)
    assert [unknown.may_explain(change) for change in (least - 1, least, most, most + 1)] == [
        False,
        True,
        True,
        False,
    ]


def test_revised_when_the_result_turned_then_takes_back_and_pays_anew() -> None:
    before = (settlement("10", "4", "yes"),)

    changes = revised(before, final("no", "75.00", AT + timedelta(days=1)))

    assert [(each.result, each.count, each.cost, each.payout) for each in changes] == [
        ("yes", D(-10), D(-4), D(-10)),
        ("no", D(10), D(4), D(0)),
    ]
    assert (changes[1].expiration_value, changes[1].settled_at) == ("75.00", AT + timedelta(days=1))


def test_revised_when_nothing_changed_or_nothing_was_booked_then_books_nothing() -> None:
    assert revised((settlement(result="yes"),), final("yes")) == ()
    assert revised((), final("yes")) == ()


@given(st.lists(counts, min_size=1, max_size=3), st.lists(results, min_size=1, max_size=6))
def test_revised_however_often_the_result_turns_the_sum_is_what_the_last_one_pays(
    held: list[Decimal], words: list[Result]
) -> None:
    booked = [settlement(str(count), "0.5", words[0]) for count in held]
    for word in words[1:]:
        booked += revised(booked, final(word))

    assert total(booked, "payout") == sum((final(words[-1]).payout(count) for count in held), D(0))
    assert (total(booked, "count"), total(booked, "cost")) == (sum(held, D(0)), D("0.5") * len(held))
    assert {each.result for each in standing(booked)} == {words[-1]}
    assert len(standing(booked)) == len(held)


def row(
    ticker: str = TICKER,
    *,
    yes: str = "10",
    no: str = "0",
    revenue: str = "10",
    fee: str | None = "0.1680",
    result: MarketResult = MarketResult.YES,
) -> ExchangeSettlement:
    return ExchangeSettlement(
        ticker=ticker,
        event_ticker=ticker.rpartition("-")[0],
        result=result,
        yes_count=D(yes),
        no_count=D(no),
        yes_cost=D(4),
        no_cost=D(0),
        revenue=D(revenue),
        yes_value=D(1),
        fee=None if fee is None else D(fee),
        settled_at=AT,
    )


OURS = {TICKER: Paid(D(10), D(10), D("0.1680"))}


@pytest.mark.parametrize(
    ("theirs", "where"),
    [
        ([row()], []),
        ([row(fee="0.16805")], []),  # finer than the exchange's own precision
        ([row(fee=None)], []),
        ([row(fee="0.1681")], ["fees"]),
        ([row(revenue="9.99")], ["revenue"]),
        ([row(revenue="9.991")], ["revenue"]),
        ([row(revenue="9.991", result=MarketResult.SCALAR)], []),  # stated in whole cents
        ([row(revenue="9.99", result=MarketResult.SCALAR)], ["revenue"]),
        ([row(yes="0", no="10")], ["contracts"]),
        ([row(), row("KXHIGHCHI-25MAY14-B75.5")], []),  # traded by hand, not in our books
        ([], ["contracts", "revenue"]),
    ],
)
def test_compare_settlements_names_each_figure_that_differs_by_a_ten_thousandth(
    theirs: list[ExchangeSettlement], where: list[str]
) -> None:
    drift = compare_settlements(OURS, theirs)

    assert {each.what for each in drift} <= {"settlement"}
    assert [each.where for each in drift] == [f"{TICKER} {name}" for name in where]


def report(high_f: int | None, *, hour: int, is_final: bool = True) -> CliReport:
    return CliReport(
        cli_code="CLIMDW",
        climate_date=date(2025, 5, 14),
        issued_at=datetime(2025, 5, 15, hour, tzinfo=UTC),
        is_final=is_final,
        correction="",
        high_f=high_f,
    )


@pytest.mark.parametrize(
    ("source", "high_f"),
    [(SettlementSource.NWS_CLI, 76), (SettlementSource.WEATHER_COMPANY, 75), (None, 76)],
)
def test_settling_report_is_the_first_or_the_latest_final_one_as_the_rules_of_its_era_say(
    source: SettlementSource | None, high_f: int
) -> None:
    reports = [
        report(74, hour=1, is_final=False),
        report(None, hour=6),
        report(75, hour=7),
        report(76, hour=9),
        report(None, hour=11),
    ]

    found = settling_report(reports, source)

    assert found is not None
    assert found.high_f == high_f


def test_settling_report_when_no_final_report_names_a_maximum_then_there_is_none() -> None:
    assert settling_report([report(None, hour=6), report(74, hour=1, is_final=False)], None) is None
    assert settling_report([], SettlementSource.NWS_CLI) is None


@pytest.mark.parametrize(
    ("high_f", "value", "same"),
    [
        (74, "74.00", True),
        (73, "74.00", False),  # the same bracket, another value: still a mismatch
        (75, "75.00", False),  # the value is ours, the winner is not its bracket
        (74, "", True),
        (75, "", False),
        (74, "seventy-four", True),
        (74, "NaN", False),
    ],
)
def test_agrees_only_when_value_and_winner_are_what_our_reading_says(
    high_f: int, value: str, same: bool
) -> None:
    assert agrees(high_f, Bracket(ticker=TICKER, low_f=73, high_f=74), value) is same
