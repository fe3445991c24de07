"""What an error says of the arithmetic, and who promised more."""

from __future__ import annotations

import pytest

from orchestrator.stats.exactness import kind, unequal, worst


@pytest.mark.parametrize(
    ("error", "words"),
    [(None, ""), (4e-7, "float32"), (3e-4, "TF32"), (2.5e-3, "less than TF32"), (0.0, "float32")],
)
def test_errors_in_words(error, words):
    assert kind(error) == words


def test_the_worse_of_both_counts():
    assert worst([{"product_error": 1e-7, "convolution_error": 3e-4}, {"product_error": None}]) == 3e-4
    assert worst([{}]) is None


def test_only_faithful_promises_float32():
    coarse = {"product_error": 1e-7, "convolution_error": 3e-4}
    kept = [{**coarse, "variant": "modern"}, {**coarse, "variant": "own"}, {"variant": "faithful"}]
    assert unequal([*kept, {**coarse, "variant": "faithful"}]) == [{**coarse, "variant": "faithful"}]
