"""What `make run` has done before any process starts."""

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from milkbot.celery import app
from milkbot.core.config import load_config
from milkbot.models import InstallationRow
from trading.models import ControlsRow
from trading.schedule import NAME_PREFIX, schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def prepared(settings: Settings, tmp_path: object, fresh_config: None) -> str:
    """What `manage.py prepare` said."""
    settings.STATIC_ROOT = tmp_path
    out = StringIO()
    call_command("prepare", stdout=out)
    return out.getvalue()


def test_prepare_makes_installation_switch_schedule_and_login(prepared: str) -> None:
    assert InstallationRow.objects.get().profile == "shadow"
    assert ControlsRow.objects.get().is_published
    assert PeriodicTask.objects.filter(name__startswith=NAME_PREFIX).exists()
    admin = get_user_model()._default_manager.get()
    password = prepared.split(" / ")[1].split()[0]
    assert admin.check_password(password)


def test_prepare_run_again_shows_no_password_and_keeps_the_login(prepared: str) -> None:
    before = get_user_model()._default_manager.get().password
    again = StringIO()
    call_command("prepare", stdout=again)
    assert again.getvalue() == ""
    assert get_user_model()._default_manager.get().password == before


def test_every_scheduled_task_exists_and_goes_to_a_queue_somebody_serves() -> None:
    app.loader.import_default_modules()
    for entry in schedule(load_config()):
        assert entry.task in app.tasks
        assert entry.queue in {"fast", "slow", "batch"}


def test_only_the_cycle_is_on_the_fast_queue_and_expires_before_the_next() -> None:
    (cycle,) = [entry for entry in schedule(load_config()) if entry.queue == "fast"]
    assert cycle.task == "trading.tasks.run_cycle"
    assert cycle.expires == cycle.every


def test_schedule_run_again_changes_nothing_but_removes_what_is_stale_and_ours() -> None:
    call_command("ensure_schedule", verbosity=0)
    before = set(
        PeriodicTask.objects.values_list("pk", "name", "task", "queue", "interval__every", "expire_seconds")
    )
    interval = PeriodicTask.objects.earliest("pk").interval
    PeriodicTask.objects.create(name=f"{NAME_PREFIX}of an earlier release", task="gone", interval=interval)
    mine = PeriodicTask.objects.create(name="made by the operator", task="kept", interval=interval)
    call_command("ensure_schedule", verbosity=0)
    rows = PeriodicTask.objects.exclude(pk=mine.pk)
    assert set(rows.values_list("pk", "name", "task", "queue", "interval__every", "expire_seconds")) == before
    assert PeriodicTask.objects.filter(pk=mine.pk).exists()


def test_schedule_leaves_a_task_paused_by_the_operator_paused() -> None:
    call_command("ensure_schedule", verbosity=0)
    PeriodicTask.objects.filter(task="trading.tasks.run_cycle").update(enabled=False)
    out = StringIO()
    call_command("ensure_schedule", stdout=out)
    assert not PeriodicTask.objects.get(task="trading.tasks.run_cycle").enabled
    assert "periodic tasks are in place" in out.getvalue()


def test_ensure_roles_by_a_superuser_succeeds() -> None:
    out = StringIO()
    call_command("ensure_roles", stdout=out)
    assert "in place" in out.getvalue()


def test_ensure_roles_by_anybody_else_says_what_to_do() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE milkbot_analytics")
    with pytest.raises(CommandError, match=r"superuser's work: .*; set DATABASE_URL"):
        call_command("ensure_roles")
