"""Whether contenders gave the same: which differences count, and how they are told."""

from __future__ import annotations

import json

import pytest

from orchestrator.stats.outputs import WHAT, unlike_outputs


def row(backend, *outputs, seed=1, variant="faithful"):
    return {"backend": backend, "seed": seed, "variant": variant, "outputs": json.dumps(outputs)}


def output(*values, way="predict", norm=1.0, shape=((8, 2),)):
    return {"way": way, "values": list(values), "norm": norm, "shape": [list(each) for each in shape]}


def judged(*rows):
    return unlike_outputs(rows, lambda row: row["backend"])


def test_what_rounding_does_is_no_difference():
    assert judged(row("jax", output(0.5, -1e-9)), row("torch", output(0.50001, 1e-9), output(0.5, 0.0))) is None


@pytest.mark.parametrize(
    "other",
    [output(0.51, 0.1), output(0.5, 0.1, norm=1.1), output(0.5, 0.1, shape=((4, 4),)), output(0.5)],
)
def test_other_values_another_norm_or_another_shape_are_told_with_who_gave_them(other):
    found = judged(row("jax", output(0.5, 0.1)), row("tensorflow", output(0.5, 0.1)), row("torch", other))
    assert found.what == WHAT
    assert "(torch)" in found.numbers
    assert "tensorflow" not in found.numbers, "who agrees with the first is not accused"


def test_one_way_of_calling_that_differs_is_enough():
    found = judged(row("jax", output(0.5), output(0.9, way="compiled")))
    assert "compiled: norm 1, 0.9 (jax)" in found.numbers


def test_other_seeds_and_other_variants_have_other_weights():
    assert judged(row("jax", output(0.5)), row("jax", output(0.9), seed=2)) is None
    assert judged(row("jax", output(0.5)), row("jax", output(0.9), variant="modern")) is None


def test_tokens_must_be_equal_and_the_place_where_they_part_is_told():
    tokens = [{"way": "compiled", "tokens": [5, 6, 7, 8]}, {"way": "compiled", "tokens": [5, 6, 9, 1]}]
    assert judged(row("jax", tokens[0]), row("torch", tokens[0])) is None
    found = judged(row("jax", tokens[0]), row("torch", tokens[1]))
    assert "compiled: 9, 1 from token 3 on (torch)" in found.numbers


@pytest.mark.parametrize("text", [None, "", "no JSON", "[1, null]", '[{"way": "x"}]', '[{"values": ["a"]}]', "{}"])
def test_what_is_not_told_contradicts_nothing(text):
    assert (
        judged(row("jax", output(0.5)), {"backend": "torch", "seed": 1, "variant": "faithful", "outputs": text}) is None
    )
