"""The processes of `make run`, one row each, in the order they start; they stop in the reverse order."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from milkbot.core.config import PROJECT_ROOT
from milkbot.embedded import redis
from milkbot.embedded.postgres import Cluster
from milkbot.embedded.process import CannotStart, tail
from milkbot.embedded.profile import Profile, SimulatedWorld, World, describe_sandbox
from milkbot.embedded.supervisor import Child

LOOPBACK: Final = "127.0.0.1"
_ASK_TIMEOUT_S: Final = 2.0


def postgres(profile: Profile, cluster: Cluster, env: Mapping[str, str]) -> Child:
    """The profile's own database server. SIGINT is PostgreSQL's fast shutdown."""
    return Child(
        name="postgres",
        command=cluster.command(),
        env=env,
        log=profile.log("postgres"),
        cwd=cluster.data,
        ready=cluster.is_ready,
        stop_signal=signal.SIGINT,
        stop_timeout_s=10.0,
        user=cluster.user,
    )


def broker(profile: Profile, socket: Path, env: Mapping[str, str]) -> Child:
    """The tasks' Redis."""
    return Child(
        name="redis",
        command=redis.command(redis.find_server(), socket, profile.folder),
        env=env,
        log=profile.log("redis"),
        cwd=profile.folder,
        ready=partial(redis.is_ready, socket),
    )


def sandbox(profile: Profile, world: World | SimulatedWorld, env: Mapping[str, str]) -> Child:
    """The local Kalshi and NWS of the profile's world."""
    place = ["--port", str(profile.ports.sandbox), "--state-dir", str(profile.sandbox_state)]
    return Child(
        name="sandbox",
        command=_python("sandbox", *place, *world.arguments()),
        env=env,
        log=profile.log("sandbox"),
        cwd=PROJECT_ROOT,
        ready=lambda: bool(describe_sandbox(profile)) and answers(profile.ports.sandbox, "/nws/"),
    )


def pages(profile: Profile, trader: Mapping[str, str], public: Mapping[str, str]) -> list[Child]:
    """The public page with its own role, and the operator's console."""
    return [
        _web(profile, "public", profile.ports.public, public),
        _web(profile, "operator", profile.ports.operator, trader),
    ]


def pages_answer(profile: Profile) -> bool:
    """Whether both pages serve."""
    return answers(profile.ports.public, "/healthz") and answers(profile.ports.operator, "/admin/login/")


def workers(profile: Profile, env: Mapping[str, str]) -> list[Child]:
    """The fast queue alone, so that no slow task delays a cycle; the rest; and the clock that sends them."""
    schedule = (
        "beat",
        "--scheduler",
        "django_celery_beat.schedulers:DatabaseScheduler",
        "--max-interval",
        "5",
    )
    return [
        _celery(profile, "worker-fast", env, *_worker("fast", "fast")),
        _celery(profile, "worker-slow", env, *_worker("slow", "slow,batch")),
        _celery(profile, "beat", env, *schedule),
    ]


def stream(profile: Profile, env: Mapping[str, str]) -> Child:
    """Hears the exchange's feed. Nothing waits for it, and nothing misses it."""
    return Child(
        name="stream",
        command=[sys.executable, str(PROJECT_ROOT / "manage.py"), "stream"],
        env={**env, "DJANGO_SETTINGS_MODULE": "milkbot.settings.worker"},
        log=profile.log("stream"),
        cwd=PROJECT_ROOT,
        is_needed=False,
    )


def manage(profile: Profile, env: Mapping[str, str], *arguments: str, quiet: bool = False) -> None:
    """Run a command of manage.py to its end, what it says on the terminal or, when `quiet`, in its log.

    Raises CannotStart with the end of its log when it fails.
    """
    settings = {**env, "DJANGO_SETTINGS_MODULE": "milkbot.settings.operator"}
    command = [sys.executable, str(PROJECT_ROOT / "manage.py"), *arguments]
    _run(profile, arguments[0], command, settings, quiet=quiet)


def export_world(profile: Profile, world: SimulatedWorld, env: Mapping[str, str], *arguments: str) -> None:
    """Let the sandbox write a part of the world's past. Raises CannotStart with the end of its log when it fails."""
    _run(profile, "export", _python("sandbox.export", "--seed", str(world.seed), *arguments), env)


def answers(port: int, path: str) -> bool:
    """Whether a server on this loopback port gives any answer but a server error."""
    connection = HTTPConnection(LOOPBACK, port, timeout=_ASK_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _run(
    profile: Profile, name: str, command: Sequence[str], env: Mapping[str, str], *, quiet: bool = False
) -> None:
    log = profile.log(name)
    with log.open("ab") as sink:
        done = subprocess.run(
            command,
            env=env,
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sink if quiet else None,
            stderr=sink,
            check=False,
        )
    if done.returncode:
        raise CannotStart("\n".join(tail(log)))


def _web(profile: Profile, name: str, port: int, env: Mapping[str, str]) -> Child:
    serve = ("gunicorn", "milkbot.wsgi:application", "--bind", f"{LOOPBACK}:{port}")
    threads = ("--worker-class", "gthread", "--workers", "1", "--threads", "8")
    return Child(
        name=name,
        command=_python(*serve, *threads, "--graceful-timeout", "3", "--no-control-socket"),
        env=env,
        log=profile.log(name),
        cwd=PROJECT_ROOT,
    )


def _worker(name: str, queues: str) -> tuple[str, ...]:
    return (
        *("worker", "--hostname", f"{name}@%h", "--queues", queues, "--concurrency", "1"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )


def _celery(profile: Profile, name: str, env: Mapping[str, str], *arguments: str) -> Child:
    return Child(
        name=name,
        command=_python("celery", "-A", "milkbot.celery", *arguments),
        env={**env, "DJANGO_SETTINGS_MODULE": "milkbot.settings.worker"},
        log=profile.log(name),
        cwd=PROJECT_ROOT,
    )


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
