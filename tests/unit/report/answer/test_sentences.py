"""The answer in words: who leads, what cannot be told, kinds of models, and the eras."""

from __future__ import annotations

import pytest

from orchestrator.report.answer.ranking import fields
from orchestrator.report.answer.sentences import further, lead, limits
from orchestrator.report.tasks import About
from orchestrator.report.view import make_view
from tests.fakes.made_up import own
from tests.make import row
from tests.unit.report.makers import contender, one_epoch, ranked

NEW = {"released": "2026-07", "article": False, "keras_version": "3.15.1", "framework_version": "3"}
KINDS = {"a": "CNN", "b": "CNN", "c": "RNN"}


def timed(backend, times, repeats=5, **changes):
    """A contender's rows: `times` by workload, with a little spread over the repeats."""
    spread = [1.0, 1.01, 0.99, 1.005, 0.995][:repeats]
    rows = []
    for workload, seconds in times.items():
        about = About(workload, KINDS.get(workload, ""), place=ord(workload))
        values = [seconds * factor for factor in spread]
        rows += contender(backend, *values, workload=workload, about=about, **{"framework_version": "1", **changes})
    return rows


def told(rows):
    layout, speeds = ranked(rows, one_epoch)
    (field,) = fields(layout, speeds)
    plain = ["".join(part if isinstance(part, str) else part.text for part in lead(layout, speeds, field))]
    plain += ["".join(sentence) for sentence in (*further(layout, speeds, field), *limits(layout, field))]
    return plain


def test_who_takes_least_time_and_by_how_much_the_next_is_behind():
    said = told(timed("jax", {"a": 1.0, "b": 4.0, "d": 1.0}) + timed("torch", {"a": 2.0, "b": 2.0, "d": 3.0}))
    assert said == ["JAX 1 takes least time overall: first on 2 of 3 models; PyTorch 1, the next, takes 1.43 to 1.45 "
                    "times as long."]  # fmt: skip


def test_one_repeat_is_told_in_the_past():
    (said,) = told(timed("jax", {"a": 1.0}, repeats=1) + timed("torch", {"a": 2.0}, repeats=1))
    assert said == "JAX 1 took least time on a; PyTorch 1, the next, took 2.00 times as long."


def test_enough_repeats_that_cannot_tell_make_two_leaders():
    (said,) = told(timed("jax", {"a": 1.0, "b": 1.0}) + timed("torch", {"a": 1.001, "b": 0.999}))
    assert said == (
        "PyTorch 1 and JAX 1 lead; five repeats cannot tell them apart. "
        "Of 2 models, PyTorch 1 was first on 1 and JAX 1 was first on 1."
    )


def test_few_repeats_that_cannot_tell_are_too_few():
    rows = timed("jax", {"a": 1.0}, repeats=2) + timed("torch", {"a": 1.001}, repeats=2)
    assert told(rows) == ["JAX 1 takes least time on a; two repeats are too few to tell it from PyTorch 1."]


def test_kinds_of_models_that_another_leads():
    rows = timed("jax", {"a": 2.0, "b": 2.0, "c": 1.0}) + timed("torch", {"a": 1.0, "b": 1.0, "c": 9.0})
    said = told(rows)
    assert said[0].startswith("JAX 1 takes least time overall: first on 1 of 3 models")
    assert said[1].startswith("On CNNs PyTorch 1 led; JAX 1 takes 1.9")
    rows += timed("tensorflow", {"a": 1.2, "b": 1.2, "c": 9.0})
    between = "; TensorFlow 1, the next, takes 1.19 to 1.21 times as long; JAX 1"
    assert between in told(rows)[1]  # who comes between the two is not passed over
    every = told(timed("jax", {"a": 1.0, "b": 1.0, "c": 1.0}) + timed("torch", {"a": 3.0, "b": 3.0, "c": 3.0}))
    assert every[1] == "It led on every kind of model: CNNs and RNNs."


def test_2017_stands_against_today_whichever_is_faster():
    rows = [
        *timed("tensorflow", {"d": 4.0}),
        *timed("tensorflow", {"d": 2.0}, **NEW),
        *timed("jax", {"d": 1.0}, **NEW),
        *timed("theano", {"d": 3.0}),
    ]
    assert told(rows)[1] == (
        "Theano 1, the best of the article's, takes 3.0 to 3.1 times as long as JAX 3; TensorFlow of 2017 takes "
        "1.98 to 2.02 times as long as TensorFlow of 2026."
    )


def test_what_the_overall_figure_leaves_out_is_said():
    rows = timed("jax", {"a": 1.0, "b": 1.0, "d": 1.0}) + timed("torch", {"a": 2.0, "b": 2.0})
    rows += [row(backend="torch", framework_version="1", workload="d", status="oom", about=About("d", place=ord("d")))]
    rows += timed("cntk", {"a": 9.0})
    said = told(rows)[-1]
    assert "Overall is over a and b: 2 of 3 models, those that all compared here ran." in said
    assert "CNTK 1 has no overall figure" in said


def test_one_model_that_all_compared_ran_is_named_and_nobody_is_first_overall():
    rows = timed("jax", {"a": 1.0, "b": 1.0}) + timed("torch", {"a": 2.0})
    rows += [row(backend="torch", framework_version="1", workload="b", status="oom", about=About("b", place=ord("b")))]
    said = told(rows)
    assert said[0].startswith("JAX 1 takes least time on a; PyTorch 1, the next, takes")
    assert said[-1].startswith("Overall is over a: 1 of 2 models")


def test_files_of_ones_own_are_files():
    both = [*own(file="a.py").rows, *({**each, "workload": "b", "file": "b.py"} for each in own().rows)]
    assert "first on all 2 files" in told(both)[0]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([row(status="failed", epoch_s=None)], "No job gave a steady speed, so there is nothing to compare."),
        ([row(status="pending", epoch_s=None)], "Nothing is measured yet."),
        ([row()], "Only TensorFlow 1.3.0 gave a speed, so there is nothing to compare it with."),
        ([row(learned=0.9, val_accuracy=0.1), row(backend="jax", learned=0.9, val_accuracy=0.1)],
         "No model learned, so no speed counts."),
        (own(torch={"parameters": 5}).rows,
         "There is no verdict: not the same model (parameters: 101,770 (TensorFlow 2.21.0, JAX 0.10.0), 5 (PyTorch "
         "2.13.0))."),
    ],
)  # fmt: skip
def test_where_nobody_leads_it_says_why(rows, text):
    assert told(rows) == [text]


def test_one_file_that_does_other_things_has_no_verdict_beside_others_that_have_one():
    both, equal = own(torch={"parameters": 5}), own()
    both.rows.extend(
        {**one, "workload": "mine", "file": "mine.py", "job_id": f"m.{one['job_id']}"} for one in equal.rows
    )
    view = make_view(both)
    (field,) = fields(view.layout, view.speeds)
    assert "No verdict on my.py: not the same model" in limits(view.layout, field)[0][0]
