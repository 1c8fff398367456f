"""History is exported before it is pruned, and what cannot be exported stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from markets.models import MarketSnapshotRow
from milkbot.core.config import get_config
from tests.factories import MarketSnapshotFactory, ObservationFactory, WeatherSnapshotFactory
from tests.trading.archive.test_export import CLOSE, DAY, NOW, OPEN, export, ladder, read, rows_of, seen
from trading import retention
from trading.archive.keeping import archive_folder
from trading.archive.parts import Part, PartKey, PartStore
from weather.models import ObservationRow, WeatherSnapshotRow

pytestmark = pytest.mark.django_db

IN_BETWEEN = datetime(2026, 9, 15, tzinfo=UTC) + timedelta(days=90)
"""Half of the day's prices are older than ninety days, half are not."""
LATER = NOW + timedelta(days=90)


@pytest.fixture
def prices() -> str:
    """Five prices over the day; the ticker."""
    market = ladder()["72"]
    for step in range(5):
        seen(market, OPEN + step * timedelta(hours=8), f"0.{20 + step}", "0.50")
    return str(market.ticker)


def test_pruned_prices_come_back_from_the_archive(tmp_path: Path, prices: str) -> None:
    export(tmp_path / "before", cities=("CHI",))
    kept = tmp_path / "kept"

    assert retention.prune(IN_BETWEEN, kept)["market_snapshots"] == 2
    assert retention.prune(LATER, kept)["market_snapshots"] == 3
    assert not MarketSnapshotRow.objects.exists()

    report = export(tmp_path / "after", cities=("CHI",), kept=kept)
    assert report.from_archive == 1
    before, after = read(tmp_path / "before"), read(tmp_path / "after")
    assert len(after.quotes[prices]) == 5
    assert (after.quotes, after.events) == (before.quotes, before.events)


def test_day_half_pruned_is_not_put_aside_again(tmp_path: Path, prices: str) -> None:
    retention.prune(IN_BETWEEN, tmp_path)
    whole = (tmp_path / PartKey("ladders", "CHI", DAY, DAY).name).read_bytes()
    retention.prune(IN_BETWEEN + timedelta(hours=1), tmp_path)
    assert (tmp_path / PartKey("ladders", "CHI", DAY, DAY).name).read_bytes() == whole


def test_nothing_is_pruned_that_the_disk_did_not_take(
    tmp_path: Path, prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: PartStore, part: Part) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(PartStore, "save", full)
        assert retention.prune(LATER, tmp_path)["market_snapshots"] == 0
    assert MarketSnapshotRow.objects.count() == 5
    assert retention.prune(LATER, tmp_path)["market_snapshots"] == 5


def test_nothing_is_pruned_where_no_archive_can_be(tmp_path: Path, prices: str) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert retention.prune(LATER, tmp_path / "kept")["market_snapshots"] == 0
    assert MarketSnapshotRow.objects.count() == 5


def test_event_that_is_no_ladder_is_not_pruned_and_the_others_are(tmp_path: Path, prices: str) -> None:
    odd = MarketSnapshotFactory.create(captured_at=CLOSE)
    assert retention.prune(LATER, tmp_path)["market_snapshots"] == 5
    assert list(MarketSnapshotRow.objects.values_list("pk", flat=True)) == [odd.pk]


def test_too_many_days_that_cannot_be_put_aside_hold_the_whole_table(
    tmp_path: Path, prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    MarketSnapshotFactory.create(captured_at=CLOSE)
    monkeypatch.setattr(retention, "MOST_HELD", 0)
    assert retention.prune(LATER, tmp_path)["market_snapshots"] == 0
    assert MarketSnapshotRow.objects.count() == 6


def test_weather_is_put_aside_with_its_readings(tmp_path: Path) -> None:
    at = datetime(2026, 9, 15, 12, tzinfo=UTC)
    highs = [{"day": "2026-09-15", "high_f": 75, "knows_night": True}]
    WeatherSnapshotFactory.create(city_code="CHI", captured_at=at, issued_at=at, highs=highs)
    ObservationFactory.create(city_code="CHI", observed_at=at)

    retention.prune(at + timedelta(days=91), tmp_path)
    assert (WeatherSnapshotRow.objects.count(), ObservationRow.objects.count()) == (0, 1)
    retention.prune(at + timedelta(days=401), tmp_path)
    assert ObservationRow.objects.count() == 0

    export(tmp_path / "out", cities=("CHI",), kept=tmp_path)
    (forecast,) = rows_of(tmp_path / "out", "weather/forecasts.csv.gz")
    assert (forecast["target_date"], forecast["high_f"]) == ("2026-09-15", "75")
    assert list((tmp_path / "out").glob("weather/observations_CHI_2026-09-15_2026-09-15.csv.gz"))


def test_archive_lies_in_the_profiles_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILKBOT_STATE_DIR", str(tmp_path))
    config = get_config()
    assert archive_folder(config) == tmp_path / config.milkbot_profile / "archive"
