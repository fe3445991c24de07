"""The columns of files of one's own: seen figures, not planned ones; and packed fields that survive every table."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import pytest
from msgspec.structs import replace

from orchestrator.model import Found, OwnFile, Plan, Workload, to_json
from orchestrator.plan.catalog import load_catalog
from orchestrator.results.columns import COLUMNS, PACKED
from orchestrator.results.export import to_csv, write_parquet
from orchestrator.results.own_figures import MOST_FITS, MOST_LETTERS, for_programs, packed, unpacked
from orchestrator.results.rows import merge_run, result_row
from tests.make import make_job, make_plan, make_result

READY = {
    "framework_version": "0.10.2",
    "keras_version": "3.15.1",
    "parameters": 101_770,
    "settings": {"batch_size": 64, "initial_weights": "equal", "optimizer": {"class_name": "Adam"}},
    "arrays": {"x": {"shape": [60, 28, 28], "dtype": "float32", "sha256": "ab" * 32}},
    "packages": ["keras==3.15.1", "keras-hub==0.29"],
    "first_output": [0.25, 0.5],
}
FIT = {"event": "fit", "fit": 2, "epochs": 3, "first_epoch_s": 1.5, "epoch_s": 0.5, "parameters": 10, "samples": 60}


def own_job(**changes):
    left = dict.fromkeys(["epochs", "batch_size", "train", "validation", "dataset"])
    return make_job(**{"workload": "my", "variant": "own", "scale": "own", **left, **changes})


def own_row(job=None, **changes):
    return result_row(make_result(job or own_job(), **{"ready": READY, "fits": [FIT], **changes}), ())


def test_what_the_file_did_is_told_not_what_was_planned():
    row = own_row(own_job(epochs=10, steps=2))
    assert (row["asked_epochs"], row["asked_steps"], row["asked_batch_size"]) == (10, 2, None)
    assert (row["epochs"], row["batch_size"], row["samples"], row["batches"]) == (3, 64, 64, 2)
    assert (row["parameters"], row["train"]) == (101_770, 60)
    assert (row["first_output_mean"], row["first_output_std"]) == (0.25, 0.5)


def test_a_job_that_failed_early_knows_what_was_asked():
    row = own_row(own_job(epochs=4), status="failed", ready={}, epochs=[], fits=[], data={})
    assert (row["asked_epochs"], row["epochs"], row["batch_size"], row["batches"]) == (4, 4, None, None)
    assert {row[name] for name in PACKED} == {None}


@pytest.mark.parametrize(
    "ready",
    [
        {"first_output": {"missing": "a generator's first batch can be had only once"}},
        {"first_output": [0.25, None]},
        {"first_output": [1, 2, 3]},
        {"first_output": ["a", float("inf")]},
        {"settings": {"initial_weights": "framework"}},  # each backend drew its own: they say nothing of the model
    ],
)
def test_a_first_output_counts_only_of_equal_weights_and_as_two_numbers(ready):
    row = own_row(ready={**READY, **ready})
    assert (row["first_output_mean"], row["first_output_std"]) == (None, None)


def test_the_projects_workloads_have_none_of_it():
    row = result_row(make_result(make_job()), ())
    assert {row[name] for name in (*PACKED, "file", "asked_epochs", "samples", "batches")} == {None}


def plan_of(job, **changes):
    own = OwnFile(
        path="/home/me/My Net.py", sha256="0" * 64, contract="module", packages=["Keras_Hub", "keras==3.15.1"]
    )
    workload = Workload(name="my", title="My Net.py", own=own, learned={"own": 0.9}, **changes)
    return make_plan(jobs=[job], workloads=[workload], config={"network": True})


def test_a_row_knows_its_file_where_the_plan_is_not_at_hand():
    job = own_job()
    (row,) = merge_run(plan_of(job), {job.id: make_result(job, ready=READY)}, {})
    assert (row["file"], row["network"], row["learned"]) == ("My Net.py", "allowed", 0.9)
    assert row["packages"] == "Keras_Hub (got 0.29), keras==3.15.1"
    assert list(row) == list(COLUMNS)


@pytest.mark.parametrize("less", [{"epochs": 1}, {"steps": 3}])
def test_whoever_asks_for_less_than_the_file_says_is_not_judged_by_what_it_should_have_learned(less):
    job = own_job(**less)
    (row,) = merge_run(plan_of(job), {job.id: make_result(job, ready=READY)}, {})
    assert row["learned"] is None


def test_a_job_without_a_result_stands_under_its_file_too():
    (row,) = merge_run(plan_of(own_job()), {}, {})
    assert (row["file"], row["status"]) == ("My Net.py", "cancelled")


def test_packed_fields_are_text_in_tables_and_values_for_programs():
    row = own_row()
    (read,) = csv.DictReader(io.StringIO(to_csv([row], COLUMNS).decode()))
    assert json.loads(read["fits"])[0]["epoch_s"] == 0.5
    (document,) = for_programs([row])
    assert document["fits"][0]["parameters"] == 10
    assert document["arrays"]["x"]["shape"] == [60, 28, 28]
    assert document["settings"]["optimizer"] == {"class_name": "Adam"}


def test_what_a_job_writes_of_itself_is_bounded():
    assert len(unpacked(own_row(fits=[FIT] * 500)["fits"])) == MOST_FITS
    assert own_row(ready={**READY, "settings": {"a": "x" * MOST_LETTERS}})["settings"] is None
    assert packed({"a": "\ud800"}) is None


@pytest.mark.parametrize("text", [None, "", "{", "[" * 100_000, 7])
def test_what_is_no_packed_field_holds_nothing(text):
    assert unpacked(text) is None


def test_a_row_knows_the_stack_that_its_run_brought():
    shipped = load_catalog().stack("keras3-jax")
    found = Found(kind="python", place="/opt/conda/bin/python", sha256="0" * 64)
    for stack, told in (
        (shipped, None),
        (replace(shipped, found=found, title="Python at /opt/conda"), "Python at /opt/conda"),
    ):
        job = own_job(stack="mine", backend="jax")
        plan = replace(plan_of(job), stacks=[replace(stack, name="mine")])
        (row,) = merge_run(plan, {}, {})
        assert (row["released"], row["found"]) == (None, told)


def test_a_row_knows_the_month_that_its_plan_told_and_a_plan_of_before_opens():
    job = own_job(stack="mine", backend="jax")
    plan = replace(plan_of(job), released={"mine/jax": "2024-02"}, stacks=[load_catalog().stack("keras3-jax")])
    assert merge_run(plan, {}, {})[0]["released"] == "2024-02"
    old = json.loads(to_json(plan))
    del old["released"], old["stacks"][0]["released"], old["stacks"][0]["article"]
    old["stacks"][0]["era"] = "today"
    assert merge_run(msgspec.convert(old, Plan), {}, {})[0]["released"] is None


@pytest.mark.parametrize("count", [1e308, 2**63, -1e300, 1.5])
def test_a_count_that_no_table_can_hold_costs_nobody_the_tables(count, tmp_path):
    settings = {"settings": {"batch_size": count}}
    epoch = {"event": "epoch_end", "epoch": 1, "train_s": 1.0, "samples": count, "batches": count}
    row = own_row(ready={**READY, **settings, "parameters": count}, epochs=[epoch], data={"train": [count]})
    assert [row[name] for name in ("batch_size", "samples", "batches", "parameters")] == [None] * 4
    write_parquet([row], COLUMNS, tmp_path / "results.parquet")
    assert (tmp_path / "results.parquet").stat().st_size > 0
