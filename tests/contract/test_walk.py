"""Software written elsewhere finds no fault with the sandbox: the official SDK, through a proxy that checks the contract.

`make contract` runs it. The Node packages are installed under build/, by name and exact version.
"""

import hashlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from milkbot.core.config import PROJECT_ROOT

pytestmark = pytest.mark.slow

WALK = Path(__file__).parent / "walk"
SIMULATED = ("--world", "simulated", "--seed", "7", "--speed", "1")
RECORDED = ("--speed", "1")
INSTALL_TIMEOUT_S = 300
START_TIMEOUT_S = 60
WALK_TIMEOUT_S = 300


@pytest.fixture(scope="session")
def walk_folder() -> Path:
    """The walk with its packages; installed when its package.json is new."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} cannot be found; the walk needs Node 20 or newer")
    wanted = hashlib.sha256((WALK / "package.json").read_bytes()).hexdigest()[:12]
    folder = PROJECT_ROOT / "build" / f"contract-{wanted}"
    installed = folder / ".installed"
    shutil.copytree(WALK, folder, dirs_exist_ok=True)
    if not installed.exists():
        install = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            install, cwd=folder, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
        if done.returncode:
            pytest.skip(f"npm could not install the walk's packages: {done.stderr.strip()[-300:]}")
        installed.touch()
    return folder


@contextmanager
def _running(command: list[str], cwd: Path, log: Path, is_ready: Callable[[], bool]) -> Iterator[None]:
    """The process, once it is ready; ended afterwards."""
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=cwd, stdout=sink, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, f"not ready in time: {log.read_text()[-2000:]}"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("world", [SIMULATED, RECORDED], ids=["simulated", "recorded"])
def test_official_sdk_and_the_contract_accept_the_whole_sandbox(
    walk_folder: Path, contract_file: Path, tmp_path: Path, world: tuple[str, ...]
) -> None:
    port, proxy_port = _free_port(), _free_port()
    state = tmp_path / "state"
    sandbox = [sys.executable, "-m", "sandbox", "--port", str(port), "--state-dir", str(state), *world]
    proxy = [
        *(str(walk_folder / "node_modules" / ".bin" / "prism"), "proxy", str(contract_file)),
        *(
            f"http://127.0.0.1:{port}/trade-api/v2",
            "--errors",
            "--port",
            str(proxy_port),
            "--host",
            "127.0.0.1",
        ),
    ]
    description = state / "sandbox.json"
    with (
        _running(sandbox, PROJECT_ROOT, tmp_path / "sandbox.log", description.is_file),
        _running(proxy, walk_folder, tmp_path / "proxy.log", lambda: _answers(proxy_port)),
    ):
        walk = subprocess.run(
            ["node", "walk.mjs", str(description), f"http://127.0.0.1:{proxy_port}"],
            cwd=walk_folder,
            capture_output=True,
            text=True,
            timeout=WALK_TIMEOUT_S,
            check=False,
        )
    assert walk.returncode == 0, walk.stdout + walk.stderr
    assert " 0 failures" in walk.stdout
