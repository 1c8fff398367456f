import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from milkbot.core import clock

SetClock = Callable[[datetime], None]


@pytest.fixture
def visitor(settings: Settings, db: None) -> Client:
    """Anyone, at the public process's URLs behind its own middleware."""
    settings.ROOT_URLCONF = "milkbot.urls.public"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
    return Client()


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SetClock:
    """Stops the application's clock at a time that is not ahead of the machine's."""
    stopped = 0

    def stop_at(instant: datetime) -> None:
        nonlocal stopped
        stopped += 1
        world = {
            "wall_started_at": clock.wall_now().isoformat(),
            "world_started_at": instant.isoformat(),
            "speed": 1e-9,
        }
        described = tmp_path / f"world-{stopped}.json"
        described.write_text(json.dumps({"clock": world}), encoding="utf-8")
        monkeypatch.setenv(clock.WORLD_CLOCK_VARIABLE, str(described))

    return stop_at
