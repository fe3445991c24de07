"""How exact products are: errors as they are for float32 and for TF32, and a library that fails costs no job anything."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import rounding

from orchestrator.stats import exactness


def library(compute):  # type: ignore[no-untyped-def]
    """A library of its own name whose product and convolution are made by `compute`."""
    rounding.LIBRARIES["made-up"] = compute
    return SimpleNamespace(name="made-up", module=None)


def tf32(array: np.ndarray) -> np.ndarray:
    """The array with the 10 bits of TF32: what a card since 2020 multiplies."""
    bits = array.view("uint32")
    return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view("float32")


@pytest.fixture(autouse=True)
def _forget():  # type: ignore[no-untyped-def]
    yield
    rounding.LIBRARIES.pop("made-up", None)


def in_float32(module, a, b, images, kernel):  # type: ignore[no-untyped-def]
    side = images.shape[1] - 2
    parts = [images[:, i : i + side, j : j + side].dot(kernel[i, j]) for i in range(3) for j in range(3)]
    return a.dot(b), sum(parts)


def in_tf32(module, *arrays):  # type: ignore[no-untyped-def]
    return in_float32(module, *map(tf32, arrays))


@pytest.mark.parametrize(("compute", "kind"), [(in_float32, "float32"), (in_tf32, "TF32")])
def test_the_error_tells_the_arithmetic(compute, kind) -> None:  # type: ignore[no-untyped-def]
    found = rounding.measured(library(compute))
    assert {name: exactness.kind(error) for name, error in found.items()} == {"product": kind, "convolution": kind}


def test_a_convolution_is_the_correlation_of_its_windows() -> None:
    images = np.arange(2 * 4 * 4 * 1, dtype="float64").reshape(2, 4, 4, 1)
    kernel = np.zeros((3, 3, 1, 1))
    kernel[0, 2] = 1.0  # the corner that a flipped kernel would not take
    assert (rounding.convolved(images, kernel) == images[:, 0:2, 2:4]).all()


@pytest.mark.parametrize("found", [RuntimeError("CUDA out of memory"), "of another shape"])
def test_what_cannot_be_measured_is_said_and_raises_nothing(found) -> None:  # type: ignore[no-untyped-def]
    def compute(module, a, b, images, kernel):  # type: ignore[no-untyped-def]
        if isinstance(found, Exception):
            raise found
        return a, images

    told = rounding.measured(library(compute))
    assert list(told) == ["trouble"]
    assert "memory" in told["trouble"] or "shape" in told["trouble"]
