"""`make run` from start to stop: one profile's servers, world, processes and pages."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from milkbot.core.clock import WorldClock, wall_now
from milkbot.core.config import TradingMode
from milkbot.embedded import children, first_week, redis, world_memory
from milkbot.embedded.lock import held_lock
from milkbot.embedded.postgres import Cluster, profile_cluster
from milkbot.embedded.process import CannotStart, end_leftovers, wait_until
from milkbot.embedded.profile import (
    Profile,
    SimulatedWorld,
    World,
    describe_sandbox,
    hears_the_feed,
    public_environment,
    settings_of,
    trader_environment,
    write_env_file,
)
from milkbot.embedded.sockets import is_free, socket_folder
from milkbot.embedded.supervisor import Supervisor
from milkbot.roles import PUBLIC, TRADER, apply_roles

DATABASE: Final = "milkbot"
PAGES_TIMEOUT_S: Final = 60.0


def run(profile: Profile, environment: Mapping[str, str], say: Callable[[str], None], *, fresh: bool) -> None:
    """Start everything, print the pages' addresses, and watch until a stop is requested. Raises CannotStart.

    `fresh` forgets the profile's database and world first; it is refused for a database that is not our own.
    """
    profile.make_folders()
    with held_lock(profile):
        end_leftovers(profile.folder)
        _refuse_busy_ports(profile)
        cluster = None if environment.get("DATABASE_URL") else profile_cluster(profile.folder)
        if fresh:
            _forget(profile, cluster)
        with Supervisor(say) as supervisor:
            _start_all(profile, cluster, environment, supervisor, say)
            _announce(profile, say)
            try:
                supervisor.watch()
            finally:
                world_memory.keep(profile)


def _start_all(
    profile: Profile,
    cluster: Cluster | None,
    environment: Mapping[str, str],
    supervisor: Supervisor,
    say: Callable[[str], None],
) -> None:
    bare = trader_environment(profile, {}, environment)
    admin_url = _start_database(profile, cluster, bare, environment, supervisor)
    broker_url = _start_broker(profile, bare, environment, supervisor)
    described = _start_world(profile, bare, supervisor, say)
    urls = {
        "DATABASE_URL": as_role(admin_url, TRADER) if cluster else admin_url,
        "PUBLIC_DATABASE_URL": environment.get("PUBLIC_DATABASE_URL") or as_role(admin_url, PUBLIC),
        "REDIS_URL": broker_url,
    }
    settings = settings_of(profile, urls, described, environment)
    write_env_file(profile, settings)
    trader = trader_environment(profile, settings, environment)
    _prepare(profile, admin_url, trader)
    if isinstance(profile.world, SimulatedWorld):
        if profile.mode is TradingMode.SHADOW:
            # An exchange that keeps the account has no past that we could have traded in.
            first_week.live_through(profile, profile.world, admin_url, trader, say)
        # The first cycle must not come before the first look at the weather.
        children.manage(profile, trader, "refresh_weather", quiet=True)
    _check_public_login(urls["PUBLIC_DATABASE_URL"])
    for child in (
        *children.pages(profile, trader, public_environment(profile, settings, environment)),
        *children.workers(profile, trader),
        *([children.stream(profile, trader)] if hears_the_feed(settings) else []),
    ):
        supervisor.start(child)


def _start_database(
    profile: Profile,
    cluster: Cluster | None,
    env: Mapping[str, str],
    environment: Mapping[str, str],
    supervisor: Supervisor,
) -> str:
    """Address of the database for whoever may make roles in it."""
    if cluster is None:
        return environment["DATABASE_URL"]
    cluster.initialise()
    cluster.take_over()
    supervisor.start(children.postgres(profile, cluster, env))
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        # The server is ours alone: our roles have no business in its other databases.
        for other in ("postgres", "template1"):
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(other)))
    return cluster.url(DATABASE)


def _start_broker(
    profile: Profile, env: Mapping[str, str], environment: Mapping[str, str], supervisor: Supervisor
) -> str:
    if environment.get("REDIS_URL"):
        return environment["REDIS_URL"]
    socket = socket_folder(profile.folder) / "redis.sock"
    supervisor.start(children.broker(profile, socket, env))
    return redis.url(socket)


def _start_world(
    profile: Profile, env: Mapping[str, str], supervisor: Supervisor, say: Callable[[str], None]
) -> str:
    """What the world is, in words; empty for the live one. A simulated one admits what is wrong in it on purpose."""
    if profile.world is None:
        return ""
    if isinstance(profile.world, SimulatedWorld):
        supervisor.start(children.sandbox(profile, profile.world, env))
        say(f"A {profile.world.words}. {describe_sandbox(profile)['inefficiency']}")
        return profile.world.words
    world = world_memory.recall(profile, profile.world)
    supervisor.start(children.sandbox(profile, world, env))
    return world_memory.remember(profile).world


def _prepare(profile: Profile, admin_url: str, trader: Mapping[str, str]) -> None:
    """Roles, then everything `manage.py prepare` does as the trader, then grants on what it made."""
    try:
        apply_roles(admin_url)
    except psycopg.Error as error:
        reason = str(error).strip().split("\n")[0]
        raise CannotStart(f"The database cannot be prepared by the user in DATABASE_URL: {reason}.") from None
    children.manage(profile, trader, "prepare")
    apply_roles(admin_url)


def _check_public_login(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=5):
            return
    except psycopg.Error:
        raise CannotStart(
            f"The role {PUBLIC} cannot log in; set PUBLIC_DATABASE_URL to its address with a password."
        ) from None


def _announce(profile: Profile, say: Callable[[str], None]) -> None:
    """Tell where the pages are once both answer. Raises CannotStart when they do not."""
    if not wait_until(lambda: children.pages_answer(profile), timeout_s=PAGES_TIMEOUT_S):
        raise CannotStart(f"The pages do not answer; the logs are in {profile.folder / 'logs'}.")
    say(f"Public page   http://127.0.0.1:{profile.ports.public}/")
    say(f"Console       http://127.0.0.1:{profile.ports.operator}/admin/")
    if isinstance(profile.world, World) and _is_played_out(world_memory.remember(profile).clock, wall_now()):
        say("The recorded day has been played to its end; `make run FRESH=1` plays it again.")
    say("Ctrl-C stops everything. From another shell: manage.py status")


def _is_played_out(clock: WorldClock, wall: datetime) -> bool:
    return clock.at(wall) >= wall


def _forget(profile: Profile, cluster: Cluster | None) -> None:
    if cluster is None:
        raise CannotStart(
            "FRESH=1 deletes only a database that `make run` made; empty the one in DATABASE_URL yourself."
        )
    cluster.take_over()
    cluster.delete()
    world_memory.forget(profile)


def _refuse_busy_ports(profile: Profile) -> None:
    ports = {"PUBLIC_PORT": profile.ports.public, "OPERATOR_PORT": profile.ports.operator}
    if profile.world is not None:
        ports["SANDBOX_PORT"] = profile.ports.sandbox
    for name, port in ports.items():
        if not is_free(port):
            raise CannotStart(f"Port {port} is in use by another program; choose another with {name}=...")


def as_role(url: str, role: str) -> str:
    """The same database for another role, without a password: for sockets and servers that trust this machine."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    query = urlencode([(n, v) for n, v in parse_qsl(parts.query) if n != "user"], quote_via=quote)
    return urlunsplit((parts.scheme, f"{quote(unquote(role))}@{place}", parts.path, query, ""))
