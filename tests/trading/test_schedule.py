"""Both loops as they are scheduled, and how a worker begins: without waiting for beat."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from celery import Celery
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask
from kombu import Message

from milkbot.core.config import load_config
from trading.schedule import NAME_PREFIX, schedule
from trading.tasks import send_first_turns

CYCLE = ("trading.tasks.run_cycle", "fast")
SLOW_LOOP = [
    ("weather.tasks.refresh", "slow"),
    ("weather.tasks.refresh_reports", "slow"),
    ("weather.tasks.update_regimes", "slow"),
    ("trading.tasks.settle", "slow"),
    ("trading.tasks.learn", "slow"),
    ("analytics.tasks.rollup", "slow"),
    ("analytics.tasks.score", "slow"),
]


@pytest.mark.django_db
def test_ensure_schedule_makes_exactly_these_rows() -> None:
    call_command("ensure_schedule", verbosity=0)

    rows = PeriodicTask.objects.filter(name__startswith=NAME_PREFIX).order_by("pk")
    made = rows.values_list(
        "name", "task", "queue", "interval__every", "interval__period", "expire_seconds", "enabled"
    )
    assert list(made) == [
        ("milkbot: cycle", *CYCLE, 60, "seconds", 60, True),
        ("milkbot: weather", *SLOW_LOOP[0], 300, "seconds", 300, True),
        ("milkbot: climate reports", *SLOW_LOOP[1], 300, "seconds", 300, True),
        ("milkbot: regimes", *SLOW_LOOP[2], 300, "seconds", 300, True),
        ("milkbot: settlement", *SLOW_LOOP[3], 300, "seconds", 300, True),
        ("milkbot: weights", *SLOW_LOOP[4], 300, "seconds", 300, True),
        ("milkbot: rollup", *SLOW_LOOP[5], 300, "seconds", 300, True),
        ("milkbot: skill", *SLOW_LOOP[6], 300, "seconds", 300, True),
        (
            "milkbot: strategy gates",
            "analytics.tasks.judge_strategies",
            "batch",
            86_400,
            "seconds",
            43_200,
            True,
        ),
        ("milkbot: calibration", "weather.tasks.calibrate", "batch", 86_400, "seconds", 43_200, True),
        ("milkbot: pruning", "trading.tasks.prune", "batch", 86_400, "seconds", 43_200, True),
    ]


def test_loops_turn_every_minute_and_every_five_to_fifteen_unless_told_otherwise() -> None:
    periods = {entry.queue: entry.every.total_seconds() for entry in schedule(load_config())}

    assert periods["fast"] == 60
    assert 5 * 60 <= periods["slow"] <= 15 * 60


@pytest.fixture
def broker() -> Iterator[Celery]:
    """An application of its own whose broker is this process's memory."""
    application = Celery("schedule-tests", broker="memory://", set_as_current=False)
    yield application
    application.close()


def sent_on_start(application: Celery, *queues: str) -> list[tuple[str, str]]:
    """Task and queue of every message that a worker of `queues` sends itself when it is ready."""
    application.amqp.queues.select(list(queues))
    send_first_turns(sender=SimpleNamespace(app=application))
    return [(message.headers["task"], queue) for queue in queues for message in _messages(application, queue)]


def _messages(application: Celery, queue: str) -> Iterator[Message]:
    with application.connection_for_read() as connection:
        waiting = connection.SimpleQueue(queue)
        while waiting.qsize():
            message = waiting.get_nowait()
            message.ack()
            assert message.headers["expires"], "a first turn that finds no worker must not wait for ever"
            yield message


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("queues", "expected"),
    [(("fast",), [CYCLE]), (("slow", "batch"), SLOW_LOOP), (("advisory",), [])],
)
def test_worker_that_is_ready_sends_itself_the_first_turn_of_its_own_loops(
    broker: Celery, queues: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    call_command("ensure_schedule", verbosity=0)

    assert sent_on_start(broker, *queues) == expected


@pytest.mark.django_db(transaction=True)
def test_worker_that_is_ready_leaves_alone_what_the_operator_paused(broker: Celery) -> None:
    call_command("ensure_schedule", verbosity=0)
    PeriodicTask.objects.filter(task=CYCLE[0]).update(enabled=False)

    assert sent_on_start(broker, "fast") == []
