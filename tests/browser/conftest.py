"""A browser, the public site behind its own middleware on a loopback port, and tabs."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test.testcases import LiveServerThread
from pytest_django import Settings

from milkbot.core import clock
from milkbot.settings import public
from tests.browser.tab import Browser, Tab
from tests.publicsite.scene import set_ten_cities

NAMES = ("chromium", "chromium-browser", "google-chrome")
PUBLIC_SETTINGS = (
    "ROOT_URLCONF",
    "MIDDLEWARE",
    "CONTENT_SECURITY_POLICY",
    "X_FRAME_OPTIONS",
    "SECURE_CONTENT_TYPE_NOSNIFF",
    "SECURE_REFERRER_POLICY",
    "SECURE_CROSS_ORIGIN_OPENER_POLICY",
)
HOST = "127.0.0.1"
OpenTab = Callable[..., Tab]


def browser_path() -> str | None:
    """Where the system's Chromium is."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium. Where CI is set it must be there; elsewhere its absence skips the test."""
    path = browser_path()
    if path is None:
        reason = f"none of {', '.join(NAMES)} is on PATH"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}, and CI is set: the pages must be looked at")
        pytest.skip(reason)
    with Browser(path) as opened:
        yield opened


@pytest.fixture
def site(settings: Settings, transactional_db: None) -> Iterator[str]:
    """Address of the public site with the settings its process has."""
    for name in PUBLIC_SETTINGS:
        setattr(settings, name, getattr(public, name))
    settings.ALLOWED_HOSTS = [HOST]
    thread = LiveServerThread(HOST, StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://{HOST}:{thread.port}"
    thread.terminate()
    connections.close_all()


@pytest.fixture
def ten_cities(site: str) -> str:
    """Address of the page with ten cities in every state on it."""
    set_ten_cities(clock.now())
    return f"{site}/"


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[OpenTab]:
    """Opens tabs (`width`, `height`, `scripts`), which close with the test."""
    with ExitStack() as opened:

        def open_one(*, width: int = 1440, height: int = 900, scripts: bool = True) -> Tab:
            tab = browser.open(width=width, height=height, scripts=scripts)
            opened.callback(tab.close)
            return tab

        yield open_one
