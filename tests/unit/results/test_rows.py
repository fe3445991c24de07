"""Figures from literals: every definition is checked against a value worked out by hand."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.model import Plan, Sample, Skip
from orchestrator.results.columns import COLUMNS
from orchestrator.results.rows import cache_state, epoch_rows, merge_run, sample_rows
from tests.make import epoch, make_job, make_result


def one_row(result, samples=()):
    plan = Plan(run_id="r", created="now", config={}, seed=1, jobs=[result.job])
    (row,) = merge_run(plan, {result.job.id: result}, {result.job.id: samples})
    return row


def test_times_of_a_good_job():
    row = one_row(make_result(make_job(epochs=3)))
    assert row["setup_s"] == 1.0 + 4.0  # start of the container, then everything before the first batch
    assert row["first_epoch_s"] == 5.0
    assert row["epoch_s"] == 2.5  # median of 2 and 3: the first epoch and the validation stay out
    assert (row["epoch_s_n"], row["epoch_s_min"], row["epoch_s_max"]) == (2, 2.0, 3.0)
    assert row["validation_s"] == 0.5
    assert row["epoch_s_article"] == 4.0  # 12 s of fit() over 3 epochs
    assert row["samples_per_s"] == 64 / 2.5
    assert row["wall_s"] == 22.5


def test_quality_and_identity_of_a_good_job():
    row = one_row(make_result(make_job()))
    assert row["val_accuracy"] == pytest.approx(0.63)
    assert (row["train"], row["validation"]) == (60, 20)  # what there was, not what was asked for
    assert (row["framework_version"], row["keras_version"], row["python"]) == ("0.9.0", "2.0.8", "2.7.18")
    assert row["cache"] == "warm"
    assert row["command"] == "docker run 'a b'"


def test_every_row_has_exactly_the_columns():
    good, skipped, lost = make_job(), make_job(repeat=2), make_job(repeat=3)
    plan = Plan(
        run_id="r",
        created="now",
        config={},
        seed=1,
        jobs=[good, lost],
        skipped=[Skip(job=skipped, status="excluded", reason="excluded by '*'")],
    )
    rows = merge_run(plan, {good.id: make_result(good)}, {})
    assert [list(row) for row in rows] == [list(COLUMNS)] * 3
    assert [row["status"] for row in rows] == ["ok", "cancelled", "excluded"]
    assert "no result on record" in rows[1]["reason"]


def test_a_job_without_an_epoch_has_no_times():
    row = one_row(make_result(make_job(), status="failed", epochs=[], end={}, ready={}, phases={}))
    assert (row["epoch_s"], row["first_epoch_s"], row["cpu_util_mean"]) == (None, None, None)


def test_one_epoch_has_no_steady_time():
    row = one_row(make_result(make_job(), epochs=[epoch(1, 5.0, 1.0, 106.0)]))
    assert (row["first_epoch_s"], row["epoch_s"], row["epoch_s_n"], row["samples_per_s"]) == (5.0, None, 0, None)


def test_processor_use_is_that_of_the_epochs_only():
    # One core until the epochs begin (t=100), two while they run, then idle.
    times = [(95, 0), (100, 5), (106, 17), (112, 29), (120, 29)]
    samples = [Sample(t=t, device="cpu:0", cpu_s=s, rss_mb=m) for (t, s), m in zip(times, (1, 5, 9, 4, 1), strict=True)]
    row = one_row(make_result(make_job()), samples)
    assert row["cpu_util_mean"] == pytest.approx(200)
    assert (row["rss_peak_mb"], row["process_rss_peak_mb"]) == (9, 200)


def test_readings_that_no_figure_can_hold_give_none():
    samples = [Sample(t=t, device="d", cpu_s=cpu) for t, cpu in [(0.0, -1e308), (1e-9, 1e308), (200.0, 1e308)]]
    assert one_row(make_result(make_job()), samples)["cpu_util_mean"] == 0
    steep = [Sample(t=t, device="d", cpu_s=cpu) for t, cpu in [(0.0, -1e308), (200.0, 1e308)]]
    assert one_row(make_result(make_job()), steep)["cpu_util_mean"] is None


def test_samples_become_percent_between_neighbours():
    samples = [Sample(t=90.0 + i, device="d", cpu_s=cpu, rss_mb=1) for i, cpu in enumerate([0.0, 1.0, 3.0, None])]
    rows = sample_rows(make_job().id, samples, launched_t=90.0)
    assert rows == sample_rows(make_job().id, samples)
    assert [(row["t_s"], row["cpu_percent"]) for row in rows] == [(1.0, 100.0), (2.0, 200.0)]


def test_epochs_are_rows_with_the_usual_names():
    (first, *_) = epoch_rows([make_result(make_job())])
    assert (first["epoch"], first["elapsed"], first["loss"], first["acc"]) == (1, 6.0, 1.0, 0.5)


@pytest.mark.parametrize(
    ("caches", "state"),
    [
        ({}, None),
        ({"a": {"before": 0, "after": 9}}, "cold"),
        ({"a": {"before": 5, "after": 9}}, "partly"),
        ({"a": {"before": 9, "after": 9}}, "warm"),
        ({"a": "rubbish"}, "cold"),
        ({"a": {"before": "3", "after": True}, "b": {"before": 2, "after": 2}}, "warm"),
    ],
)
def test_state_of_the_compile_cache(caches, state):
    assert cache_state(caches) == state


def test_how_a_job_computed_is_told_in_one_field():
    ready = {"precision": {"cudnn.allow_tf32": False}, "computing": {"XLA_FLAGS": "--a"}, "deterministic": {}}
    end = {"rounding": {"product": 2e-7, "convolution": "odd", "trouble": "none left"}}
    row = one_row(
        make_result(make_job(deterministic=True), ready={**ready, "settings": {"lstm": {"cudnn": True}}}, end=end)
    )
    assert (row["product_error"], row["convolution_error"], row["deterministic"]) == (2e-7, None, True)
    assert msgspec.json.decode(row["computing"]) == {
        "cudnn.allow_tf32": False,
        "XLA_FLAGS": "--a",
        "deterministic": "asked for, but this library has no such setting",
        "cuDNN LSTM": True,
        "products not measured": "none left",
    }
    plain = one_row(make_result(make_job()))
    assert (plain["deterministic"], plain["computing"]) == (None, None)  # as of records that know nothing of it


def test_hostile_figures_raise_nothing():
    rubbish = {"event": "epoch_end", "t": 1, "train_s": "fast", "samples": [], "acc": {}, "validation_s": None}
    row = one_row(
        make_result(
            make_job(train=64, validation=32),
            epochs=[rubbish, rubbish],
            end={"elapsed_s": "x", "caches": "rubbish"},
            data={"train": "x", "validation": [[[]]]},
        )
    )
    assert (row["status"], row["epoch_s"], row["cache"]) == ("ok", None, None)
    assert (row["train"], row["validation"]) == (64, 32)  # as planned, where the job does not tell


def test_a_recorded_epoch_without_a_time_gives_no_use_of_the_processor():
    samples = [Sample(t=t, device="d", cpu_s=t) for t in (0.0, 200.0)]
    row = one_row(make_result(make_job(), epochs=[{"epoch": 1, "train_s": 2.0}]), samples)
    assert (row["cpu_util_mean"], row["first_epoch_s"]) == (None, 2.0)


@pytest.mark.parametrize("number", [None, "first", 0, -1, 1.5, True, [1]])
def test_an_epoch_that_does_not_say_its_number_has_its_place(number):
    result = make_result(make_job())
    events = [{**event, "epoch": number} for event in result.epochs]
    rows = epoch_rows([msgspec.structs.replace(result, epochs=events)])
    assert [row["epoch"] for row in rows] == [1, 2, 3]


def test_where_the_time_of_a_good_job_went():
    result = make_result(make_job(epochs=3))
    row = one_row(msgspec.structs.replace(result, end={**result.end, "t": 112.0}))
    parts = ("start_s", "import_s", "data_s", "build_s", "first_epoch_s", "steady_s", "validated_s", "exit_s")
    assert all(row[name] is not None and row[name] >= 0 for name in parts)
    assert row["start_s"] == 1.0
    assert row["steady_s"] == 5.0  # epochs of 2 and 3 s
    assert row["start_s"] + row["import_s"] + row["data_s"] + row["build_s"] == row["setup_s"]
    assert row["exit_s"] == 0.5 and sum(row[name] for name in parts) <= row["wall_s"]


def test_phases_that_a_job_did_not_tell_are_unknown():
    result = make_result(make_job(epochs=1))
    row = one_row(msgspec.structs.replace(result, phases={}, launched_t=None, end={}, epochs=result.epochs[:1]))
    assert (row["start_s"], row["import_s"], row["build_s"], row["steady_s"], row["exit_s"]) == (None,) * 5


@pytest.mark.parametrize(("waits", "share"), [([9.0, 0.5, 1.0], 0.375), ([9.0, 0.5, None], None), ([None] * 3, None)])
def test_the_share_of_waiting_is_that_of_the_steady_epochs(waits, share):
    events = [{**epoch(n, 2.0, 0.5, 5.0 + n), "input_wait_s": wait} for n, wait in enumerate(waits, 1)]
    assert one_row(make_result(make_job(epochs=3), epochs=events))["input_wait_share"] == share
