"""A database belongs to one profile and one world."""

from datetime import UTC, datetime, timedelta

import pytest

from milkbot.installation import WrongProfile, ensure_installation
from milkbot.models import InstallationRow

NOW = datetime(2025, 5, 14, 18, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_empty_database_is_claimed_once() -> None:
    ensure_installation(profile="recorded", world="a recorded day", now=NOW)
    ensure_installation(profile="recorded", world="a recorded day", now=NOW + timedelta(days=1))
    row = InstallationRow.objects.get()
    assert (row.profile, row.world, row.created_at) == ("recorded", "a recorded day", NOW)


def test_database_of_another_profile_is_refused_and_left_alone() -> None:
    ensure_installation(profile="live", world="", now=NOW)
    with pytest.raises(WrongProfile, match="belongs to profile 'live', not 'recorded'"):
        ensure_installation(profile="recorded", world="", now=NOW)
    assert InstallationRow.objects.get().profile == "live"


def test_database_of_another_world_is_refused() -> None:
    ensure_installation(profile="recorded", world="one day", now=NOW)
    with pytest.raises(WrongProfile, match="holds one day, not another day"):
        ensure_installation(profile="recorded", world="another day", now=NOW)
    with pytest.raises(WrongProfile, match="not the live world"):
        ensure_installation(profile="recorded", world="", now=NOW)
