"""The week before a simulated world's first start is lived through once, and a fault in it stops the start."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from milkbot.core.config import TradingMode
from milkbot.embedded.first_week import has_lived, live_through
from milkbot.embedded.process import CannotStart
from milkbot.embedded.profile import Profile, SimulatedWorld, choose_profile
from trading.models import CycleRow

WORLD = SimulatedWorld(7)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = choose_profile("simulated", {"MILKBOT_STATE_DIR": str(tmp_path)})
    made.make_folders()
    return made


def database_url() -> str:
    """The test database, as libpq wants it."""
    known = connection.settings_dict
    host = known["HOST"] or known["OPTIONS"].get("host", "")
    return f"host='{host}' port='{known['PORT'] or 5432}' user='{known['USER']}' dbname='{known['NAME']}'" + (
        f" password='{known['PASSWORD']}'" if known["PASSWORD"] else ""
    )


def turn_once() -> None:
    now = datetime(2026, 9, 15, tzinfo=UTC)
    CycleRow.objects.create(
        mode=TradingMode.SHADOW, started_at=now, finished_wall_at=now, duration_ms=1, ok=True
    )


@pytest.mark.django_db(transaction=True)
def test_database_that_has_lived_keeps_its_past(profile: Profile) -> None:
    assert not has_lived(database_url())
    turn_once()
    said: list[str] = []

    live_through(profile, WORLD, database_url(), {}, said.append)

    assert has_lived(database_url())
    assert said == []
    assert not (profile.folder / "history").exists()


@pytest.mark.django_db(transaction=True)
def test_past_that_cannot_be_filled_in_stops_the_start_with_its_reason(profile: Profile) -> None:
    """The environment names no database: the export succeeds, the filling does not."""
    said: list[str] = []
    env = {"MILKBOT_STATE_DIR": str(profile.state), "SECRET_KEY": "x" * 50}

    with pytest.raises(CannotStart, match="DATABASE_URL is not set"):
        live_through(profile, WORLD, database_url(), env, said.append)

    assert said == [
        "Living through the week before today in the simulated world, seed 7: about a minute, this once."
    ]
    assert (profile.folder / "history" / "kalshi" / "ladders" / "events.csv").is_file()
