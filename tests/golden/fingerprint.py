"""`python -m tests.golden.fingerprint`: one digest of every answer, to the last bit."""

import hashlib
import sys

import numpy as np

from milkbot.core.scoring.calibration import randomised_pit
from milkbot.core.scoring.evidence import block_bootstrap
from tests.golden.functions import FUNCTIONS
from tests.golden.vectors import OWN, read_vectors
from weather.domain.emos import TrainingRows, fit_emos


def fingerprint() -> str:
    """The digest over all own vectors, a fit, and what is drawn by seed."""
    answers = [repr(FUNCTIONS[vector.fn](vector.inputs)) for vector in read_vectors(OWN)]
    draws = np.random.default_rng(7)
    means, spreads = draws.normal(70, 8, 200), draws.uniform(0.5, 4, 200)
    fitted = fit_emos(TrainingRows.of(means, spreads, np.round(means + draws.normal(0, 2, 200))))
    answers += [repr(fitted), repr(block_bootstrap(means, seed=3)), repr(randomised_pit([(0.1, 0.4)], 5))]
    return hashlib.sha256("\n".join(answers).encode()).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(fingerprint())
