"""Which charts a report has; tests/unit/report/test_charts*.py look into them."""

from __future__ import annotations

from orchestrator.report.sections.charts import build
from orchestrator.report.view import make_view
from tests.fakes.made_up import recorded
from tests.make import row
from tests.unit.report.makers import view_of


def test_all_charts_of_the_report_and_how_to_read_them():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, device="gpu")
    job = {"run_id": report.rows[0]["run_id"], "job_id": report.rows[0]["job_id"]}
    report.gpu = [{**job, "t_s": t, "util": 50.0, "power_w": 9.0, "mem_mb": 1.0, "throttled": False} for t in range(3)]
    *charts, hint = build(make_view(report)).blocks
    assert [chart.name for chart in charts] == [
        "epoch-seconds",
        "convergence-mnist_mlp",
        "host-mnist_mlp",
        "gpu-mnist_mlp",
    ]
    assert hint.hint.startswith("Bars reach to the median")


def test_without_epochs_and_readings_there_is_no_section():
    assert build(view_of([row()])) is None


def test_too_many_contenders_are_not_drawn():
    rows = [row(host=f"h{i}", job_id=f"j{i}") for i in range(41)]
    epochs = [{"job_id": one["job_id"], "epoch": epoch, "train_s": 1.0} for one in rows for epoch in (1, 2)]
    for epoch in epochs:
        epoch.update(run_id=rows[0]["run_id"], elapsed_s=1.0, val_acc=0.5, val_loss=0.5)
    assert build(view_of(rows, epochs=epochs)) is None
    few = [epoch for epoch in epochs if epoch["job_id"] == "j0"]
    assert build(view_of(rows[:1], epochs=few)) is not None
