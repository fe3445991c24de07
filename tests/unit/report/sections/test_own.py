"""What was seen of a file of one's own: said once where all agree, with its contenders where they differ."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.report.blocks import Paragraphs, Span, Table
from orchestrator.report.sections import own as section
from orchestrator.report.view import make_view
from tests.fakes.made_up import ARRAYS, SETTINGS, own, recorded

FIT = {"fit": 2, "epochs": 3, "first_epoch_s": 2.0, "epoch_s": 0.5, "parameters": 7850, "samples": 4096}


def packed(value):
    return msgspec.json.encode(value).decode()


def sections(report):
    return {found.name: found for found in section.build(make_view(report))}


def plain(text):
    return text if isinstance(text, str) else "".join(part.text if isinstance(part, Span) else part for part in text)


def told(report):
    """What the table says: what -> text."""
    (_, table) = sections(report)["own"].blocks
    assert isinstance(table, Table)
    assert table.caption == "my.py"
    return {row[0]: plain(row[1]) for row in table.rows}


def test_what_all_agree_in_is_said_once():
    said = told(own())
    assert said["data: x"] == "(4096, 28, 28) float32, sha256 1a2b3c000000"
    assert said["parameters"] == "101,770"
    assert said["optimizer"] == "Adam (learning_rate 0.001)"
    assert said["compiled (jit_compile)"] == "yes"
    assert said["run eagerly"] == "no"
    assert said["network"] == "closed"
    assert "packages asked for" not in said
    assert "first output of the untrained model (mean, standard deviation)" not in said


def test_contenders_that_differ_are_named_with_what_they_have():
    eager = {"settings": packed({**SETTINGS, "jit_compile": False, "script_asked": {"KERAS_BACKEND": "jax"}})}
    said = told(own(torch=eager))
    assert said["compiled (jit_compile)"] == "differs TensorFlow 2.21.0, JAX 0.10.0: yes; PyTorch 2.13.0: no"
    asked = "differs TensorFlow 2.21.0, JAX 0.10.0: not known; PyTorch 2.13.0: KERAS_BACKEND jax"
    assert said["the script asked for"] == asked


def test_arrays_drawn_anew_in_each_repeat_differ_on_nobody():
    report = own()
    for row in report.rows:
        row["arrays"] = packed({"x": {**ARRAYS["x"], "sha256": f"{row['repeat']}{row['backend']}"}})
    assert told(report)["data: x"] == "(4096, 28, 28) float32, other values in each job"


def test_arrays_drawn_from_the_seed_of_a_repeat_are_the_same_on_all_contenders():
    report = own()
    for row in report.rows:
        row["arrays"] = packed({"x": {**ARRAYS["x"], "sha256": str(row["repeat"]) * 64}})
    text = "(4096, 28, 28) float32, other values in each repeat, the same on all contenders"
    assert told(report)["data: x"] == text


def test_arrays_of_one_contender_alone_are_said():
    other = packed({"x": {**ARRAYS["x"], "sha256": "f" * 64}})
    assert told(own(torch={"arrays": other}))["data: x"].startswith("differs ")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            {"kind": "tf.data.Dataset", "batches": 64, "elements": [{"shape": [None, 28], "dtype": "float32"}]},
            "tf.data.Dataset, 64 batches: (?, 28) float32",
        ),
        ({"kind": "generator", "batches": None, "elements": []}, "generator, batches not counted"),
        (
            {"shape": [9], "dtype": "int8", "sha256": "a" * 64, "hashed_bytes": 4},
            "(9) int8, sha256 of its beginning aaaaaaaaaaaa",
        ),
        ("nonsense", ""),
        ({"kind": {"a": [1]}, "batches": "many", "elements": "none"}, "a 1, batches not counted"),
    ],
)
def test_data_in_words(said, text):
    assert section.array(said) == text


def test_only_files_of_ones_own_that_ran_are_told_of():
    assert sections(recorded(workloads=["mnist_mlp"], repeats=1)) == {}
    failed = {"status": "failed", "reason": "made up"}
    assert sections(own(jax=failed, torch=failed, tensorflow=failed)) == {}


def test_further_trainings_are_a_table_the_fastest_first():
    report = own(jax={"fits": packed([FIT])}, torch={"fits": packed([{**FIT, "epoch_s": 0.25}])})
    hint, table = sections(report)["fits"].blocks
    assert isinstance(hint, Paragraphs)
    assert [list(map(plain, row)) for row in table.rows] == [
        ["my.py", "fit 2", "PyTorch 2.13.0", "3", "2.00 s", "0.250 s", "7,850", "4,096", "3"],
        ["my.py", "fit 2", "JAX 0.10.0", "3", "2.00 s", "0.500 s", "7,850", "4,096", "3"],
    ]


def test_further_trainings_of_other_models_say_so():
    report = own(jax={"fits": packed([FIT])}, torch={"fits": packed([{**FIT, "parameters": 1}])})
    rows = sections(report)["fits"].blocks[1].rows
    assert {plain(row[6]) for row in rows} == {"7,850 not the same model", "1 not the same model"}


def test_what_jobs_wrote_into_their_fields_breaks_nothing():
    wild = {"fits": packed([7, {"fit": None}, {"fit": 2}]), "arrays": packed([1]), "settings": "{"}
    report = own(jax={**wild, "arrays": packed({"x": 3})}, torch={**wild, "arrays": None})
    assert plain(sections(report)["fits"].blocks[1].rows[0][4]) == "–"
