"""Jobs of one file that did not do the same thing are found, whatever it was; what nobody saw contradicts nothing."""

from __future__ import annotations

import pytest

from orchestrator.stats.sameness import DATA, MODEL, unlike


def job(backend, **changes):
    seen = {"parameters": 101_770, "train": 2048, "validation": None, "samples": 1638, "batches": 26}
    outputs = {"first_output_mean": None, "first_output_std": None, "seed": 7, "arrays": '{"x":1}'}
    return {"variant": "own", "status": "ok", "backend": backend, **seen, **outputs, **changes}


def judged(*rows):
    return unlike(rows, lambda row: row["backend"])


def test_equal_jobs_are_the_same_thing():
    assert judged(job("jax"), job("torch"), job("tensorflow", batches=None, parameters=None)) is None


@pytest.mark.parametrize(
    ("column", "what", "counted"),
    [
        ("parameters", MODEL, "parameters"),
        ("train", DATA, "training samples"),
        ("validation", DATA, "validation samples"),
        ("samples", DATA, "samples per epoch"),
        ("batches", DATA, "batches per epoch"),
    ],
)
def test_each_count_must_agree_and_is_told_with_its_contenders(column, what, counted):
    found = judged(job("jax", **{column: 1234}), job("torch", **{column: 5}), job("tensorflow", **{column: 1234}))
    assert found.what == what
    assert found.words == f"{what} ({counted}: 1,234 (jax, tensorflow), 5 (torch))"


def test_failed_jobs_and_the_projects_own_workloads_are_not_looked_at():
    assert judged(job("jax"), job("torch", status="failed", parameters=5)) is None
    assert judged(job("jax", variant="faithful"), job("torch", variant="faithful", parameters=5)) is None


def output(backend, mean, std, **changes):
    return job(backend, first_output_mean=mean, first_output_std=std, **changes)


def test_first_outputs_agree_within_a_thousandth_of_their_size():
    assert judged(output("jax", 1e-6, 0.5), output("torch", -1e-6, 0.5002)) is None
    assert judged(output("jax", 2.0, 0.5), output("torch", 2.001, 0.5)) is None
    found = judged(output("jax", 2.0, 0.5), output("torch", 2.0, 0.503))
    assert found.what == MODEL
    assert found.numbers == "first output of the untrained model: 2 ± 0.5 (jax), 2 ± 0.503 (torch)"


def test_first_outputs_of_other_seeds_are_no_contradiction():
    assert judged(output("jax", 2.0, 0.5), output("torch", 5.0, 0.5, seed=8)) is None


def test_other_outputs_of_other_arrays_are_other_data():
    found = judged(output("jax", 2.0, 0.5), output("torch", 5.0, 0.5, arrays='{"x":2}'))
    assert found.what == DATA


def test_many_contenders_are_counted():
    rows = [job(f"b{i}") for i in range(7)] + [job("other", parameters=1)]
    assert "101,770 (b0, b1, b2, b3, 3 more), 1 (other)" in judged(*rows).words
