"""What sets the public process and the workers apart from the operator's."""

import pytest

from markets.clients.kalshi.budget import ORDER_WAIT_S
from markets.clients.kalshi.orders import WRITE_TIMEOUT_S
from milkbot.settings import public, worker
from trading.controls import SENDS_END_WITHIN_S

LONGEST_CYCLE_S = 60


@pytest.mark.story("9.3", 3)
def test_public_process_knows_no_login_no_session_and_no_console() -> None:
    assert not [name for name in public.INSTALLED_APPS if "session" in name or "admin" in name]
    assert not [name for name in public.MIDDLEWARE if "session" in name or "auth" in name or "csrf" in name]
    assert public.ROOT_URLCONF == "milkbot.urls.public"


def test_public_process_pools_its_connections_and_ends_long_questions() -> None:
    options = public.DATABASES["default"]["OPTIONS"]
    assert isinstance(options, dict)
    assert options["pool"]["max_size"] == public.MILKBOT.db_pool_size
    assert f"statement_timeout={public.MILKBOT.db_timeout_s * 1000} " in options["options"]


def test_public_pages_load_nothing_from_elsewhere() -> None:
    directives = public.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert directives["default-src"] == ["'none'"]
    assert {source for sources in directives.values() for source in sources} == {"'none'", "'self'"}


def test_cycle_that_hangs_ends_before_the_next_is_due_and_can_say_so_first() -> None:
    limits = worker.CELERY_TASK_ANNOTATIONS["trading.tasks.run_cycle"]
    assert limits["soft_time_limit"] < limits["time_limit"] < LONGEST_CYCLE_S


def test_messages_are_data_and_never_code() -> None:
    assert worker.CELERY_ACCEPT_CONTENT == ["json"]
    assert worker.CELERY_TASK_SERIALIZER == worker.CELERY_RESULT_SERIALIZER == "json"


def test_workers_take_one_task_at_a_time_and_keep_our_logging() -> None:
    assert worker.CELERY_WORKER_PREFETCH_MULTIPLIER == 1
    assert worker.CELERY_WORKER_HIJACK_ROOT_LOGGER is False
    options = worker.DATABASES["default"]["OPTIONS"]
    assert isinstance(options, dict)
    assert "pool" not in options


def test_paused_worker_lets_go_of_the_switch_before_an_operator_s_halt_gives_up() -> None:
    options = worker.DATABASES["default"]["OPTIONS"]
    assert isinstance(options, dict)
    assert f"idle_in_transaction_session_timeout={worker.HELD_UP_S * 1000}" in options["options"]
    assert ORDER_WAIT_S + WRITE_TIMEOUT_S < worker.HELD_UP_S < SENDS_END_WITHIN_S
