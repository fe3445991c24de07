"""What else limits the answer is said below it, gravest first."""

from __future__ import annotations

from orchestrator.report.sections.warnings import build, warnings
from orchestrator.report.view import make_view
from tests.fakes.made_up import own
from tests.make import row
from tests.unit.report.makers import one_epoch, ranked, two, view_of


def kinds(rows, steady=lambda row: []):
    return [kind for kind, _ in warnings(rows, *ranked(rows, steady))]


def test_errors_of_a_card_are_said_for_jobs_that_ended_well():
    marked = row(gpu_xids="63", gpu_ecc_corrected=2, gpu_ecc_uncorrected=0)
    quiet = [row(backend="jax", gpu_xids="", gpu_ecc_corrected=0), row(status="failed", gpu_xids="31")]
    (text,) = [text for kind, text in warnings([marked, *quiet], *ranked([marked, *quiet])) if kind == "gpu"]
    assert text.startswith("1 job ran on a GPU that reported errors meanwhile: Xid 63; 2 memory errors, corrected. ")
    assert "gpu" not in kinds(quiet)


def test_a_cpu_run_beside_a_broken_driver_is_named_as_one():
    said = [
        text
        for kind, text in warnings([row(gpu_trouble="NVML says: mismatch."), row()], *ranked([row()]))
        if kind == "gpu"
    ]
    assert said == ["These are figures of the CPU, because the GPU of the host could not be used: NVML says: mismatch."]
    assert not [kind for kind, _ in warnings([row()], *ranked([row()])) if kind == "gpu"]


def test_a_model_that_did_not_learn_is_named_with_both_accuracies():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in two([1.0, 1.0], [0.5, 0.5])]
    for one in rows[2:]:
        one["val_accuracy"] = 0.1
    [text] = [text for kind, text in warnings(rows, *ranked(rows, one_epoch)) if kind == "quality"]
    assert "JAX 0.10 on mnist_mlp (10.0 %, 90.0 % counts)" in text


def test_one_workload_under_two_conditions_is_said():
    assert "mixed" in kinds([row(), row(scale="article")])


def test_notes_follow_the_warnings():
    (block,) = build(view_of([row(gpu_trouble="x")], notes=["a note"])).blocks
    assert [kind for kind, _ in block.texts] == ["gpu", ""] and block.texts[-1] == ("", "a note")


def test_nothing_to_warn_of_is_no_section():
    assert build(view_of([row(repeat=1), row(repeat=2)])) is None


def test_that_no_charts_are_drawn_is_said():
    (block,) = build(view_of([row(host=f"h{i}", job_id=f"j{i}") for i in range(41)])).blocks
    assert block.texts[-1] == ("", "41 contenders are too many to tell apart in charts, so none are drawn.")


def test_what_is_not_equal_and_is_compared_all_the_same_is_told():
    view = make_view(own(torch={"parameters": 5}, jax={"epochs": 3}))
    found = [text for kind, text in warnings(view.rows, view.layout, view.speeds) if kind == "quality"]
    assert found == [
        "On my.py: not the same number of epochs: 5 (TensorFlow 2.21.0, PyTorch 2.13.0), 3 (JAX 0.10.0); seconds per "
        "epoch compare all the same.",
    ]
