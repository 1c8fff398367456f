"""What is stored is what was seen: once per change, never half, with a constant number of statements."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from markets.clients.kalshi import parse
from markets.domain.board import build_board
from markets.domain.types import Board, Listing, Market, MarketSnapshot, MarketStatus, OrderBook
from markets.models import EventRow, MarketRow, MarketSnapshotRow
from markets.repositories import MarketRepository
from milkbot.core.cities import load_cities
from milkbot.core.errors import BadMarketData
from tests.markets.makers import DAY, NOW, TAKER_FEES, book, event, wire_event, wire_market

pytestmark = pytest.mark.django_db
D = Decimal
CHICAGO = load_cities()["CHI"]
BRACKET = "KXHIGHCHI-26SEP15-B84.5"
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def repository() -> MarketRepository:
    return MarketRepository()


def chicago(now: datetime = NOW, books: dict[str, OrderBook] | None = None, **changes: Any) -> Board:
    return build_board(CHICAGO, event(wire_event(**changes)), books or {}, TAKER_FEES, now)


def boards_of(days: int, series: Sequence[str] = ("KXHIGHCHI", "KXHIGHNY")) -> list[Board]:
    codes = {"KXHIGHCHI": "CHI", "KXHIGHNY": "NYC"}
    return [
        build_board(
            load_cities()[codes[name]],
            event(wire_event(series=name, day=date(2026, 9, 1 + offset))),
            {},
            TAKER_FEES,
            NOW,
        )
        for name in series
        for offset in range(1, days + 1)
    ]


@pytest.mark.story("2.6", 2)
@pytest.mark.story("2.6", 5)
@pytest.mark.story("2.3", 3)
def test_board_saved_comes_back_as_the_same_markets_and_prices(repository: MarketRepository) -> None:
    board = chicago(books={BRACKET: book(BRACKET, {"0.40": "7"}, {"0.44": "30"})})
    ids = repository.save_boards([board], NOW)
    assert set(ids) == {entry.market.ticker for entry in board.markets}
    assert repository.get_active_markets("CHI") == [entry.snapshot for entry in board.markets]
    assert repository.get_active_markets("NYC") == []
    assert repository.latest_snapshots([BRACKET, "unknown"]) == {BRACKET: board.markets[3].snapshot}
    for entry in board.markets:
        without_text = entry.market.model_copy(update={"price_ranges": (), "rules_primary": ""})
        assert repository.get_market(entry.market.ticker) == without_text
    assert repository.get_market("unknown") is None
    stored = EventRow.objects.get()
    assert (stored.settlement_source, stored.cli_code, stored.fee_type) == (
        "weather_company",
        "CLIMDW",
        "quadratic",
    )


@pytest.mark.story("2.6", 3)
def test_repository_answers_in_domain_types(repository: MarketRepository) -> None:
    repository.save_boards([chicago()], NOW)
    assert all(isinstance(snapshot, MarketSnapshot) for snapshot in repository.get_active_markets("CHI"))
    assert isinstance(repository.get_market(BRACKET), Market)
    assert all(isinstance(s, MarketSnapshot) for s in repository.latest_snapshots([BRACKET]).values())


@pytest.mark.story("2.6", 2)
def test_snapshot_saved_alone_becomes_the_latest(repository: MarketRepository) -> None:
    repository.save_boards([chicago()], NOW)
    moved = repository.latest_snapshots([BRACKET])[BRACKET].model_copy(
        update={"captured_at": LATER, "yes_bid": D("0.42")}
    )
    repository.save_snapshot(moved)
    assert repository.latest_snapshots([BRACKET]) == {BRACKET: moved}
    with pytest.raises(BadMarketData) as refusal:
        repository.save_snapshot(moved.model_copy(update={"ticker": "unknown"}))
    assert refusal.value.code == "UNKNOWN_MARKET"


@pytest.mark.story("2.3", 2)
def test_snapshot_keeps_the_book_as_the_exchange_wrote_it(repository: MarketRepository) -> None:
    repository.save_boards(
        [chicago(books={BRACKET: book(BRACKET, {"0.40": "7", "0.39": "2"}, {"0.44": "30"})})], NOW
    )
    assert MarketSnapshotRow.objects.get(market__ticker=BRACKET).raw == {
        "yes_dollars": [["0.39", "2"], ["0.40", "7"]],
        "no_dollars": [["0.56", "30"]],
    }


def test_unchanged_prices_only_move_the_time_they_were_last_seen(repository: MarketRepository) -> None:
    repository.save_boards([chicago()], NOW)
    repository.save_boards([chicago(LATER)], LATER)
    assert MarketSnapshotRow.objects.count() == 6
    rows = MarketSnapshotRow.objects.values_list("captured_at", "last_seen_at").distinct()
    assert list(rows) == [(NOW, LATER)]


@pytest.mark.parametrize(
    "change",
    [
        {"yes_bid_dollars": "0.4000"},
        {"yes_bid_size_fp": "121.00"},
        {"yes_ask_dollars": "1.0000"},
        {"last_price_dollars": "0.4300"},
        {"volume_fp": "1850.01"},
        {"open_interest_fp": "941.00"},
        {"status": "inactive"},
    ],
)
def test_any_change_of_a_market_is_one_new_row(repository: MarketRepository, change: dict[str, str]) -> None:
    repository.save_boards([chicago()], NOW)
    changed = wire_event()
    changed["markets"][3] |= change
    repository.save_boards([chicago(LATER, markets=changed["markets"])], LATER)
    rows = MarketSnapshotRow.objects.order_by("captured_at")
    assert rows.count() == 7
    assert (rows[6].market.ticker, rows[6].captured_at, rows[6].last_seen_at) == (BRACKET, LATER, LATER)


def test_prices_that_arrive_late_do_not_replace_newer_ones(repository: MarketRepository) -> None:
    repository.save_boards([chicago(LATER)], LATER)
    stale = wire_event()
    stale["markets"][3]["yes_bid_dollars"] = "0.1000"
    repository.save_boards([chicago(NOW, markets=stale["markets"])], NOW)
    assert MarketSnapshotRow.objects.count() == 6
    assert repository.latest_snapshots([BRACKET])[BRACKET].yes_bid == D("0.41")


def test_refused_board_is_stored_with_its_reason_and_keeps_what_was_known(
    repository: MarketRepository,
) -> None:
    repository.save_boards([chicago()], NOW)
    for wire in (broken := wire_event())["markets"]:
        wire["rules_primary"] = "Resolves on vibes."
    repository.save_boards([chicago(LATER, markets=broken["markets"])], LATER)
    stored = EventRow.objects.get()
    assert (stored.refusal, stored.cli_code) == ("RULE_UNREADABLE", "CLIMDW")
    assert stored.first_seen_at == NOW
    repository.save_boards([chicago(LATER)], LATER)
    assert EventRow.objects.get().refusal == ""


def test_no_boards_are_no_rows(repository: MarketRepository) -> None:
    assert repository.save_boards([], NOW) == {}


@pytest.mark.story("2.6", 4)
@pytest.mark.parametrize("is_known", [False, True])
def test_statements_of_a_save_do_not_grow_with_the_markets(
    repository: MarketRepository, is_known: bool
) -> None:
    few, many = boards_of(1, ["KXHIGHCHI"]), boards_of(10)
    assert (len(few[0].markets), sum(len(board.markets) for board in many)) == (6, 120)
    if is_known:
        repository.save_boards(many, NOW - timedelta(minutes=1))
    counts = []
    for boards in (few, many):
        with transaction.atomic():
            with CaptureQueriesContext(
                connection,
            ) as captured:
                repository.save_boards(boards, NOW)
            counts.append(len(captured))
            transaction.set_rollback(True)
    assert counts[0] == counts[1] <= 10


@pytest.mark.story("2.6", 4)
def test_sql_of_a_save_and_a_read_is_what_it_should_be(repository: MarketRepository) -> None:
    with CaptureQueriesContext(connection) as saved:
        repository.save_boards([chicago()], NOW)
    inserts = [q["sql"] for q in saved if q["sql"].startswith("INSERT")]
    assert ['"events"' in sql for sql in inserts] == [True, False, False]
    assert all("ON CONFLICT" in sql and "DO UPDATE" in sql for sql in inserts[:2])
    assert 'INSERT INTO "market_snapshots"' in inserts[2]
    with CaptureQueriesContext(connection) as read:
        repository.get_active_markets("CHI")
    (select,) = [q["sql"] for q in read]
    assert "'CHI'" in select
    assert "'active'" in select
    assert "LIMIT 1" in select


def test_reads_cost_one_statement_each_however_many_markets(repository: MarketRepository) -> None:
    repository.save_boards(boards_of(5), NOW)
    tickers = list(MarketRow.objects.values_list("ticker", flat=True))
    for read in (
        lambda: repository.get_active_markets("CHI"),
        lambda: repository.latest_snapshots(tickers),
        lambda: repository.unsettled(NOW),
        lambda: repository.get_market(tickers[0]),
    ):
        with CaptureQueriesContext(connection) as captured:
            assert read()
        assert len(captured) == 1


def _listing(**changes: Any) -> Listing:
    return parse.parse_market(wire_market(**changes), NOW)


AFTER_CLOSE = datetime(2026, 9, 16, 7, tzinfo=UTC)


def test_unsettled_are_the_markets_past_their_close_and_not_final(repository: MarketRepository) -> None:
    repository.save_boards([chicago()], NOW)
    assert repository.unsettled(NOW) == ()
    assert len(repository.unsettled(AFTER_CLOSE)) == 6
    finalized = _listing(status="finalized", result="yes")
    assert repository.apply_listings([finalized], AFTER_CLOSE) == (BRACKET,)
    assert BRACKET not in repository.unsettled(AFTER_CLOSE)
    row = MarketRow.objects.get(ticker=BRACKET)
    # The exchange did not say when: the time we saw it stands in.
    assert (row.settled_at, row.result) == (AFTER_CLOSE, "yes")


def test_final_market_is_not_touched_by_an_old_listing(repository: MarketRepository) -> None:
    repository.save_boards([chicago()], NOW)
    repository.apply_listings([_listing(status="finalized", result="yes")], AFTER_CLOSE)
    assert repository.apply_listings([_listing(status="active", result="no")], AFTER_CLOSE) == ()
    repository.save_boards([chicago(LATER)], LATER)
    row = MarketRow.objects.get(ticker=BRACKET)
    assert (row.status, row.result) == (MarketStatus.FINALIZED, "yes")


@pytest.mark.parametrize("status", ["disputed", "amended"])
def test_final_market_that_is_challenged_is_followed_to_its_next_final_word(
    repository: MarketRepository, status: str
) -> None:
    repository.save_boards([chicago()], NOW)
    repository.apply_listings([_listing(status="finalized", result="yes")], AFTER_CLOSE)

    assert repository.apply_listings([_listing(status=status, result="yes")], AFTER_CLOSE) == ()
    assert BRACKET in repository.unsettled(AFTER_CLOSE)
    assert repository.apply_listings([_listing(status="finalized", result="no")], AFTER_CLOSE) == (BRACKET,)
    assert MarketRow.objects.get(ticker=BRACKET).result == "no"


@pytest.mark.parametrize(
    ("status", "result", "then"),
    [("finalized", "no", "no"), ("finalized", "", "yes"), ("closed", "", "yes"), ("determined", "no", "yes")],
)
def test_final_market_changes_only_by_a_word_that_can_follow_a_final_one(
    repository: MarketRepository, status: str, result: str, then: str
) -> None:
    repository.save_boards([chicago()], NOW)
    repository.apply_listings([_listing(status="finalized", result="yes")], AFTER_CLOSE)

    repository.apply_listings([_listing(status=status, result=result)], AFTER_CLOSE)

    row = MarketRow.objects.get(ticker=BRACKET)
    assert (row.status, row.result) == (MarketStatus.FINALIZED, then)


def test_listings_of_unknown_markets_are_ignored(repository: MarketRepository) -> None:
    assert repository.apply_listings([_listing(status="finalized", result="yes")], AFTER_CLOSE) == ()
    assert repository.apply_listings([], AFTER_CLOSE) == ()


def test_save_that_fails_leaves_nothing_behind(repository: MarketRepository) -> None:
    board = chicago()
    crossed = board.markets[0].snapshot.model_copy(update={"yes_bid": D("0.90")})
    broken = board.model_copy(
        update={"markets": (board.markets[0].model_copy(update={"snapshot": crossed}), *board.markets[1:])}
    )
    with pytest.raises(IntegrityError, match="snapshot_not_crossed"):
        repository.save_boards([broken], NOW)
    assert EventRow.objects.count() == MarketRow.objects.count() == MarketSnapshotRow.objects.count() == 0


@pytest.mark.story("2.3", 1)
def test_market_snapshots_are_indexed_by_city_and_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'ops' AND tablename = 'market_snapshots'"
        )
        definitions = [row[0] for row in cursor.fetchall()]
    assert any("(city_code, captured_at DESC)" in definition for definition in definitions)
    assert any("(market_id, captured_at DESC)" in definition for definition in definitions)


@pytest.mark.story("2.3", 2)
@pytest.mark.story("2.3", 5)
def test_market_snapshot_columns_match_the_domain_type() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'ops' AND table_name = 'market_snapshots'"
        )
        columns = {name: (kind, nullable == "YES") for name, kind, nullable in cursor.fetchall()}
    assert columns["raw"][0] == "jsonb"
    elsewhere = {"ticker", "event_ticker"}  # On the market and event rows.
    for name, field in MarketSnapshot.model_fields.items():
        if name in elsewhere:
            continue
        allows_none = type(None) in getattr(field.annotation, "__args__", ())
        assert columns[name][1] == allows_none, name
        if "Decimal" in str(field.annotation):
            assert columns[name][0] == "numeric", name
    assert columns["captured_at"][0] == "timestamp with time zone"


@pytest.mark.story("2.3", 4)
def test_market_rows_cannot_stand_without_their_parents(repository: MarketRepository) -> None:
    repository.save_boards([chicago()], NOW)
    row = MarketSnapshotRow.objects.first()
    assert row is not None
    row.pk, row.market_id = None, 0
    row.save()
    with pytest.raises(IntegrityError, match="market_id"):
        connection.check_constraints()
    transaction.set_rollback(True)


def test_day_of_the_event_is_stored_on_its_markets(repository: MarketRepository) -> None:
    repository.save_boards([chicago()], NOW)
    assert set(MarketRow.objects.values_list("event_date", "city_code")) == {(DAY, "CHI")}
