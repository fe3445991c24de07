"""A sentence for each model: the same figures as those of the first screen, folded away."""

from __future__ import annotations

import re

from orchestrator.report.sections.findings import build, findings
from orchestrator.report.view import make_view
from tests.fakes.made_up import own
from tests.make import row
from tests.unit.report.makers import one_epoch, ranked, two, view_of

NOW = {"released": "2026-07", "article": False}
JAX = {"backend": "jax", **NOW, "keras_version": "3.15.1", "framework_version": "0.10.0", "samples_per_s": None}


def told(rows):
    [(_, sentence)] = findings(*ranked(rows, one_epoch))
    return sentence


def test_one_repeat_gives_ratios_that_are_not_certain():
    assert told([row(), row(**JAX, epoch_s=0.5)]) == (
        "JAX 0.10.0 took least time: 0.500 s per epoch; next TensorFlow 1.3.0 (2.00×, not certain)."
    )


def test_the_sentence_names_the_next_the_best_of_the_other_era_and_the_slowest():
    rows = [
        row(), row(**JAX, epoch_s=0.5),
        row(backend="torch", **NOW, keras_version="3.15.1", framework_version="2.13.0", epoch_s=0.6),
        row(backend="cntk", framework_version="2.5.1", epoch_s=1.5),
    ]  # fmt: skip
    assert re.findall(r"(next|best of the article's|slowest) (\w+)", told(rows)) == [
        ("next", "PyTorch"), ("best of the article's", "TensorFlow"), ("slowest", "CNTK"),
    ]  # fmt: skip


def test_a_host_that_only_some_jobs_know_is_not_a_second_machine():
    rows = [row(), row(backend="cntk", status="unsupported", host=None, epoch_s=None)]
    assert findings(*ranked(rows)) == [("mnist_mlp", "only TensorFlow 1.3.0 gave a speed: 1.00 s per epoch.")]


def test_a_subject_says_which_machine_and_that_the_data_is_synthetic():
    rows = [row(data_kind="synthetic", host=host, job_id=host) for host in "ab"]
    assert [subject for subject, _ in findings(*ranked(rows))] == [
        "mnist_mlp (a) with synthetic data", "mnist_mlp (b) with synthetic data",
    ]  # fmt: skip


def test_repeats_give_an_interval_instead_of_a_ratio():
    sentence = told(two([1.0, 1.02, 0.98, 1.01], [1.5, 1.52, 1.48, 1.51]))
    assert re.search(r"next JAX 0\.10 takes 1\.4\d to 1\.5\d times as long\.", sentence)


def test_too_few_repeats_to_tell_are_not_called_no_difference():
    sentence = told(two([1.0, 1.3, 0.8, 1.1], [1.1, 1.5, 0.9, 1.3]))
    assert sentence.endswith("JAX 0.10: not certain: 4 repeats are too few.")
    enough = told(two([1.0, 1.3, 0.8, 1.1, 1.0], [1.1, 1.5, 0.9, 1.3, 1.0]))
    assert enough.endswith("JAX 0.10: 5 repeats cannot tell them apart.")


def test_a_cell_that_did_not_learn_loses():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in two([1.0, 1.0], [0.5, 0.5])]
    for one in rows[2:]:
        one["val_accuracy"] = 0.1
    assert told(rows).startswith("TensorFlow 1.3.0 took least time") and "no other model learned" in told(rows)
    assert told([{**r, "val_accuracy": 0.1} for r in rows]) == "no model learned, so no speed counts."


def test_a_file_whose_contenders_differ_has_no_winner_in_words():
    section = build(make_view(own(tensorflow={"batches": 7})))
    assert section and section.title == "File by file"
    (block,) = section.blocks
    (sentence,) = block.texts
    assert sentence[-1] == (
        ", there is no verdict: not the same data (batches per epoch: 7 (TensorFlow 2.21.0), 64 (JAX 0.10.0, "
        "PyTorch 2.13.0))."
    )
    assert block.fold == "1 sentence, one for each file"


def test_without_any_speed_there_is_nothing_to_say():
    assert build(view_of([row(status="failed", epoch_s=None)])) is None
