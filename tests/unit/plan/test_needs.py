"""What a model needs of Keras, held against a stack before anything runs."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.needs import lacking

STACK = load_catalog().stack("keras3-jax")


@pytest.mark.parametrize(
    ("keras", "missing"),
    [
        (
            "1.2.2",
            "needs Conv2D (since Keras 2.0), MultiHeadAttention (since Keras 2.4), and keras3-jax has Keras 1.2.2",
        ),
        ("2.3.1", "needs MultiHeadAttention (since Keras 2.4), and keras3-jax has Keras 2.3.1"),
        ("2.4.3", ""),
        ("3.15.1", ""),
        ("nightly", ""),
    ],
)
def test_a_stack_lacks_what_its_keras_is_too_old_for(keras, missing):
    assert lacking(["Conv2D", "MultiHeadAttention"], msgspec.structs.replace(STACK, keras=keras)) == missing
