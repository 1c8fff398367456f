"""Where the market's chance comes from: generators that depend on the seed and on names, on nothing else.

Python's own `hash` differs between processes, so names are hashed here.
"""

from hashlib import blake2b
from typing import Final
from uuid import UUID

import numpy as np

UNIT: Final = 2.0**64


def generator(seed: int, *names: str) -> np.random.Generator:
    """The random numbers that belong to `names` in the world of `seed`; the same in every process."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(seed, names), "big")))


def fraction(seed: int, *names: str) -> float:
    """One number in [0, 1) for `names`."""
    return int.from_bytes(_digest(seed, names)[:8], "big") / UNIT


def identifier(seed: int, *names: str) -> str:
    """A UUID for `names`."""
    return str(UUID(bytes=_digest(seed, names), version=4))


def _digest(seed: int, names: tuple[str, ...]) -> bytes:
    return blake2b("\x1f".join((str(seed), *names)).encode(), digest_size=16).digest()
