"""A recorded world goes on where it stood, or is started anew on purpose."""

import json
from pathlib import Path

import pytest

from milkbot.embedded import world_memory
from milkbot.embedded.process import CannotStart
from milkbot.embedded.profile import Profile, World, choose_profile

DESCRIBED = {
    "base_url": "http://127.0.0.1:8002/trade-api/v2",
    "world": "recorded Chicago day 2025-05-14, moved by 190 days",
    "world_path": "/data",
    "series": "KXHIGHCHI",
    "recorded_date": "2025-05-14",
    "clock": {
        "wall_started_at": "2025-11-21T01:00:00+00:00",
        "world_started_at": "2025-11-18T15:00:00+00:00",
        "speed": 60.0,
    },
}
ASKED = World(Path("/data"), {"series": "KXHIGHCHI", "date": "2025-05-14"})


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = choose_profile("recorded", {"MILKBOT_STATE_DIR": str(tmp_path)})
    made.make_folders()
    return made


@pytest.fixture
def live(profile: Profile) -> Path:
    """The description of a sandbox that listens."""
    file = profile.sandbox_state / "sandbox.json"
    file.write_text(json.dumps(DESCRIBED))
    return file


def test_first_start_plays_what_was_asked_for(profile: Profile) -> None:
    assert world_memory.recall(profile, ASKED) == ASKED


def test_sandbox_that_describes_nothing_is_a_fault(profile: Profile) -> None:
    with pytest.raises(CannotStart, match="did not describe itself"):
        world_memory.remember(profile)


def test_clock_survives_an_end_in_peace(profile: Profile, live: Path) -> None:
    assert world_memory.remember(profile).world == DESCRIBED["world"]
    live.unlink()  # as the sandbox does when it is stopped
    world = world_memory.recall(profile, World(Path("/data")))
    assert world.options == {"series": "KXHIGHCHI", "date": "2025-05-14", "speed": "60"}
    assert json.loads(live.read_text()) == DESCRIBED


def test_speed_turned_since_the_start_is_kept(profile: Profile, live: Path) -> None:
    world_memory.remember(profile)
    live.write_text(json.dumps({**DESCRIBED, "clock": {**DESCRIBED["clock"], "speed": 600.0}}))  # type: ignore[dict-item]
    world_memory.keep(profile)
    live.unlink()
    assert world_memory.recall(profile, ASKED).options["speed"] == "600"


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (World(Path("/elsewhere"), {}), "WORLD"),
        (World(Path("/data"), {"date": "2025-05-20"}), "DATE"),
        (World(Path("/data"), {"series": "KXHIGHNY", "speed": "30"}), "SERIES and SPEED"),
    ],
)
def test_another_world_on_the_same_data_is_refused(
    profile: Profile, live: Path, asked: World, named: str
) -> None:
    world_memory.remember(profile)
    with pytest.raises(CannotStart, match=f"to change {named} start it anew with FRESH=1"):
        world_memory.recall(profile, asked)


def test_same_speed_written_otherwise_is_the_same(profile: Profile, live: Path) -> None:
    world_memory.remember(profile)
    assert world_memory.recall(profile, World(Path("/data"), {"speed": "60.0"})).options["speed"] == "60"


def test_forgotten_world_begins_anew(profile: Profile, live: Path) -> None:
    world_memory.remember(profile)
    world_memory.forget(profile)
    other = World(Path("/elsewhere"), {"speed": "5"})
    assert world_memory.recall(profile, other) == other
    assert not live.exists()
