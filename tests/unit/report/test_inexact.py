"""A faithful cell that did not compute in float32 is named and marked; a modern one is not."""

from __future__ import annotations

from orchestrator.report.disturbed import marks
from orchestrator.report.inexact import error, sentence
from orchestrator.report.layout import lay_out
from tests.make import row

COARSE = {"product_error": 2e-7, "convolution_error": 3.2e-4}


def test_faithful_cells_that_were_tf32_are_named_and_marked():
    rows = [row(**COARSE), row(backend="jax", framework_version="0.10", product_error=4e-7)]
    said = sentence(lay_out(rows))
    assert said.startswith("Not equal work: TensorFlow 1.3.0 on mnist_mlp (error 3e-04) multiplied with fewer bits")
    assert "JAX" not in said
    assert [mark.text for mark in marks(rows[:1])] == ["not equal: TF32"]
    assert marks(rows[1:]) == []


def test_modern_takes_what_its_library_does():
    rows = [row(variant="modern", **COARSE), row(product_error=None)]
    assert sentence(lay_out(rows)) == ""
    assert marks(rows) == []


def test_an_error_is_one_digit():
    assert (error(3.24e-4), error(None), error(float("nan"))) == ("3e-04", "–", "–")
