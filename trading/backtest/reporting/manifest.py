"""Where a report comes from: code, input files, options, seed and versions. With it the same report can be made again."""

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from milkbot.core.config import PROJECT_ROOT
from trading.backtest.reporting.plain import as_json
from trading.backtest.results import BacktestOptions

LIBRARIES: Final = ("numpy", "scipy", "matplotlib", "pydantic")
_GIT_TIMEOUT_S: Final = 10


@dataclass(frozen=True, slots=True)
class Code:
    """`git` is None where the source is no checkout; `changed` tells that files differ from that commit."""

    git: str | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """`inputs` are SHA-256 sums by path inside the data folder; no path of this machine is told."""

    code: Code
    inputs: Mapping[str, str]
    options: BacktestOptions
    seed: int
    python: str
    versions: Mapping[str, str]

    @property
    def inputs_digest(self) -> str:
        """Names the files that were replayed, all together."""
        return _digest(as_json(self.inputs).encode())

    @property
    def variant(self) -> str:
        """Names what was run: another option, input or line of code is another variant."""
        return _digest(as_json((self.code, self.inputs, self.options)).encode())


def make_manifest(data: Path, files: Iterable[str], options: BacktestOptions, code: Code) -> Manifest:
    """Of a run on those of `data`'s tables whose names are among `files`."""
    return Manifest(
        code=code,
        inputs=hash_inputs(data, files),
        options=options,
        seed=options.seed,
        python=platform.python_version(),
        versions={name: version(name) for name in LIBRARIES},
    )


def hash_inputs(data: Path, files: Iterable[str]) -> dict[str, str]:
    """SHA-256 by path below `data`, in order."""
    names = set(files)
    found = sorted(path for path in data.rglob("*") if path.is_file() and path.name in names)
    return {path.relative_to(data).as_posix(): _digest(path.read_bytes()) for path in found}


def read_code(root: Path = PROJECT_ROOT) -> Code:
    """The commit checked out at `root`."""
    commit = _git(root, "rev-parse", "HEAD")
    return Code(git=commit, changed=bool(commit and _git(root, "status", "--porcelain")))


def _git(root: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None or not (root / ".git").exists():
        return None
    command = [program, "-C", str(root), *arguments]
    try:
        answer = subprocess.run(  # noqa: S603 - our own arguments only
            command, capture_output=True, text=True, check=True, timeout=_GIT_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
