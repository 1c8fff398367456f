"""A stored signal can be replayed: another process, with other hash seeds and threads, computes the same bits."""

import os
import subprocess
import sys

import pytest

from milkbot.core.config import PROJECT_ROOT
from tests.golden.fingerprint import fingerprint


@pytest.mark.parametrize(("hash_seed", "threads"), [("1", "1"), ("4242", "2")])
def test_functions_when_run_in_another_interpreter_then_every_bit_is_the_same(
    hash_seed: str, threads: str
) -> None:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "OPENBLAS_NUM_THREADS": threads}
    elsewhere = subprocess.run(
        [sys.executable, "-m", "tests.golden.fingerprint"],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert elsewhere.stdout == fingerprint()
