"""The sentences and marks of disturbed cells: which, how much, by what; and none for a quiet host."""

from __future__ import annotations

import pytest

from orchestrator.report.disturbed import MOST_NAMED, beside, beside_brief, labels, marks, sentences
from orchestrator.report.layout import lay_out
from tests.make import row

LACKING = {
    "disturbed": "others on its cores",
    "lost_s": 6.0,
    "lost_percent": 50.0,
    "disturbed_epochs": 4,
    "epoch_s_n": 4,
}
QUIET = {"disturbed": "", "lost_s": 0.01, "lost_percent": 0.1, "disturbed_epochs": 0, "slept": False, "epoch_s_n": 4}


def said(*rows):
    return sentences(lay_out(list(rows)))


def test_a_quiet_host_is_not_mentioned():
    assert said(row(**QUIET), row(backend="jax", **QUIET)) == []
    assert said(row()) == []  # an older record
    assert marks([row(**QUIET), row()]) == []


def test_a_disturbed_cell_is_named_with_seconds_share_and_cause():
    (text,) = said(row(backend="jax", framework_version="0.10", **LACKING), row(**QUIET))
    assert text.startswith(
        "Disturbed while measured: 1 job of 2. JAX 0.10 on mnist_mlp lacked 6.00 s of its cores, 50 % of what its "
        "steady epochs needed (others on its cores). "
    )
    assert "verdicts that rest on them" in text


def test_of_several_repeats_and_epochs_it_says_how_many():
    some = {**LACKING, "disturbed_epochs": 1, "lost_s": 2.0, "lost_percent": 10.0, "disturbed": "CPU quota, hypervisor"}
    (text,) = said(row(repeat=1, **LACKING), row(repeat=2, **some), row(repeat=3, **QUIET))
    assert "lacked 8.00 s of its cores, 25 % of what" in text  # 8 of 12 + 20 s
    assert "(CPU quota, hypervisor and others on its cores; 5 of 8 epochs), 2 of 3 repeats" in text


def test_gpus_have_the_same_form_at_the_same_place():
    gpu = {"device": "gpu", "gpu_throttled_s": 3.0, "gpu_throttled_percent": 30.0}
    (text,) = said(
        row(backend="jax", framework_version="0.10", throttle_reasons="sw_thermal, hw_slowdown", **gpu),
        row(gpu_shared=True, device="gpu", gpu_shared_s=1.0, gpu_shared_percent=5.0),
        row(backend="torch", framework_version="2", throttle_reasons="hw_slowdown", device="gpu"),
    )
    assert text.startswith("Disturbed while measured: 3 jobs of 3. ")
    assert "ran on a GPU that slowed itself down for 3.00 s (30 %) of its epochs (hw_slowdown and sw_thermal)" in text
    assert "had strangers on its GPU for 1.00 s (5 %) of its epochs" in text
    assert "PyTorch 2 on mnist_mlp ran on a GPU that slowed itself down (hw_slowdown)" in text


def test_sleep_is_a_sentence_of_its_own():
    (text,) = said(row(**{**QUIET, "slept": True, "idle_s": 3.0, "idle_percent": 40.0}))
    assert text.startswith("Slept inside steady epochs, by itself and not for want of a core: 1 job of 1. ")
    assert "slept 3.00 s (40 %) of its steady epochs" in text


def test_of_many_cells_the_worst_are_named():
    many = [row(workload=f"w{i}", **{**LACKING, "lost_percent": 10.0 + i}) for i in range(MOST_NAMED + 3)]
    (text,) = said(*many)
    assert f"on w{MOST_NAMED + 2} lacked" in text and "on w2 lacked" not in text
    assert "; and 3 more. Their figures" in text


def test_jobs_that_did_not_end_well_have_no_figure_to_rest_on_it():
    assert said(row(status="failed", **LACKING)) == []


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        (LACKING, ["disturbed 50 %"]),
        ({"throttle_reasons": "a", "gpu_throttled_s": 1.0, "gpu_throttled_percent": 5.0}, ["throttled 5 %"]),
        ({"gpu_shared": True}, ["shared"]),
        ({"slept": True, "idle_s": 1.0, "idle_percent": 12.0}, ["slept 12 %"]),
        ({**LACKING, "slept": True, "idle_s": 1.0, "idle_percent": 12.0}, ["disturbed 50 %", "slept 12 %"]),
    ],
)
def test_the_tags_of_a_cell(fields, tags):
    assert [tag.text for tag in marks([row(**fields), row(repeat=2)])] == tags


def test_charts_of_a_task_name_who_was_disturbed_in_it():
    layout = lay_out([row(**LACKING), row(backend="jax", framework_version="0.10", slept=True), row(workload="other")])
    assert labels(layout, 0) == "slept: JAX 0.10; disturbed: TensorFlow 1.3.0"
    assert labels(layout, 1) == ""


def timed(name, run, started, ended, **more):
    return row(job_id=name, run_id=run, started=f"2026-11-23T{started}", ended=f"2026-11-23T{ended}", **more)


def test_both_jobs_of_a_pair_are_counted_and_others_are_not():
    rows = [timed("a", "1", "10:00", "10:10"), timed("b", "2", "10:05", "10:20"), timed("c", "2", "10:30", "10:40")]
    assert [(one["job_id"], other["job_id"]) for one, other in beside(rows)] == [("b", "a")]
    assert beside_brief(rows) == "2 of 3 jobs ran beside another run on the same machine (made-up)"
    assert beside_brief(rows[1:]) == beside_brief([]) == ""  # jobs of one run know of each other
    assert beside_brief([*rows[:1], timed("b", "2", "10:05", "10:20", host="other")]) == ""


def test_of_many_hosts_the_number_is_told():
    rows = [timed(f"{h}{r}", r, "10:00", "10:10", host=h) for h in "abcd" for r in "12"]
    assert beside_brief(rows) == "8 of 8 jobs ran beside another run on the same machine (4 hosts)"
