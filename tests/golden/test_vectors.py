"""Every function against the project's answer key, and against our own key where that one is not at hand."""

import pytest

from tests.golden.functions import FUNCTIONS
from tests.golden.vectors import OWN, REFERENCE, Vector, differences, read_function_names, read_vectors

ABSENT = pytest.param(None, marks=pytest.mark.skip(reason=f"no answer key at {REFERENCE}"), id="absent")
REFERENCE_VECTORS = [pytest.param(vector, id=vector.id) for vector in read_vectors(REFERENCE)] or [ABSENT]
OWN_VECTORS = [pytest.param(vector, id=vector.id) for vector in read_vectors(OWN)]


@pytest.mark.parametrize("vector", REFERENCE_VECTORS)
def test_function_when_given_a_reference_vector_then_it_answers_within_tolerance(vector: Vector) -> None:
    assert differences(FUNCTIONS[vector.fn](vector.inputs), vector.expected, vector.tol) == []


@pytest.mark.parametrize("vector", OWN_VECTORS)
def test_function_when_given_an_own_vector_then_it_answers_within_tolerance(vector: Vector) -> None:
    assert differences(FUNCTIONS[vector.fn](vector.inputs), vector.expected, vector.tol) == []


def test_functions_when_compared_with_the_reference_then_none_is_missing_or_unknown() -> None:
    if not REFERENCE.exists():
        pytest.skip(f"no answer key at {REFERENCE}")
    assert read_function_names(REFERENCE) == FUNCTIONS.keys()


def test_functions_when_the_reference_is_absent_then_own_vectors_still_cover_every_one() -> None:
    assert {vector.fn for vector in read_vectors(OWN)} == FUNCTIONS.keys()


@pytest.mark.parametrize(
    ("actual", "expected"),
    [({"p": 0.5}, {"p": 0.6}), ({}, {"p": 0.5}), ({"n": 4}, {"n": 5}), ({"x": [1.0]}, {"x": [1.0, 2.0]})],
)
def test_differences_when_an_answer_is_wrong_then_it_is_named(
    actual: dict[str, object], expected: dict[str, object]
) -> None:
    assert differences(actual, expected, 1e-6) != []
