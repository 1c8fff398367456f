"""The console shows the exchange side without letting anyone change it, at a constant cost; the task calls its service."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from markets.models import EventRow, MarketRow
from markets.repositories import MarketRepository
from markets.tasks import refresh_unsettled_markets
from milkbot.celery import app as celery_app
from tests.markets.makers import NOW
from tests.markets.test_repositories import boards_of

pytestmark = pytest.mark.django_db
PAGES = ["eventrow", "marketrow", "marketsnapshotrow"]


@pytest.fixture
def operator(settings: Settings) -> Client:
    """Logged in to the console, which here serves no static files: they are collected by an installation."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    console = Client()
    console.force_login(User.objects.create_superuser("operator", password="correct horse battery"))
    return console


@pytest.mark.parametrize("page", PAGES)
def test_console_lists_are_shown_at_a_cost_that_does_not_grow(operator: Client, page: str) -> None:
    url = reverse(f"admin:markets_{page}_changelist")
    counts = []
    for days in (1, 4):
        MarketRepository().save_boards(boards_of(days), NOW + timedelta(minutes=days))
        with CaptureQueriesContext(connection) as captured:
            assert operator.get(url).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_console_leads_from_an_event_to_what_it_settles_on(operator: Client) -> None:
    MarketRepository().save_boards(boards_of(1), NOW)
    events = reverse("admin:markets_eventrow_changelist")
    for source, link in (
        ("weather_company", b'<a href="https://weather.com/kalshi" rel="noreferrer">weather_company</a>'),
        ("nws_cli", b"issuedby=MDW&amp;product=CLI"),
        ("", b'field-settles_on">-<'),
    ):
        EventRow.objects.update(settlement_source=source)
        assert link in operator.get(events).content


@pytest.mark.parametrize("page", PAGES)
def test_console_refuses_additions_and_edits(operator: Client, page: str) -> None:
    MarketRepository().save_boards(boards_of(1), NOW)
    assert operator.get(reverse(f"admin:markets_{page}_add")).status_code == 403
    if page == "eventrow":
        row = EventRow.objects.earliest("pk")
        change = reverse("admin:markets_eventrow_change", args=[row.pk])
        assert operator.get(change).status_code == 200
        assert operator.post(change, {"refusal": "mine"}).status_code == 403
        assert operator.post(reverse("admin:markets_eventrow_delete", args=[row.pk])).status_code == 403
        assert EventRow.objects.get(pk=row.pk).refusal == row.refusal


def test_task_with_nothing_unsettled_asks_nobody() -> None:
    assert MarketRow.objects.count() == 0
    task = celery_app.tasks[refresh_unsettled_markets.name]
    task()
    assert task.name == "markets.tasks.refresh_unsettled_markets"
