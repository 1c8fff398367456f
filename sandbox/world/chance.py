"""Chance by name: the same seed and words give the same numbers in any process, on any machine, in any order.

Philox is specified bit by bit, and uniforms become normals by the inverse distribution function instead of numpy's own
sampler, whose stream may change with its version.
"""

import hashlib
from functools import cache
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STANDARD: Final = NormalDist()
_SMALLEST: Final = 2.0**-54


@cache
def _key_prefix(seed: int) -> bytes:
    return f"{seed}|".encode()


def uniforms(seed: int, *words: object, count: int) -> Floats:
    """`count` independent uniforms on [0, 1) that belong to these words."""
    named = _key_prefix(seed) + "|".join(map(str, words)).encode()
    key = int.from_bytes(hashlib.blake2b(named, digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key)).random(count)


def uniform(seed: int, *words: object) -> float:
    """One uniform on [0, 1)."""
    return float(uniforms(seed, *words, count=1)[0])


def normals(seed: int, *words: object, count: int) -> Floats:
    """`count` independent standard normals."""
    raw = uniforms(seed, *words, count=count)
    return np.array([_STANDARD.inv_cdf(max(value, _SMALLEST)) for value in raw.tolist()])


def normal(seed: int, *words: object) -> float:
    """One standard normal."""
    return float(normals(seed, *words, count=1)[0])


def spread_of_heavy_tails(seed: int, *words: object) -> float:
    """A random variance with mean 1 that turns normals into Student's t with 6 degrees of freedom and unit variance."""
    product = float(np.prod(np.maximum(uniforms(seed, *words, count=3), _SMALLEST)))
    # Half of a chi-squared with 6 degrees of freedom is the sum of three exponentials.
    return 2.0 / -float(np.log(product))
