"""Which charts a report has; the tests in tests/unit/report/charts look into them."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.report.blocks import Drawn
from orchestrator.report.build import build_report
from orchestrator.report.drawing import drawn_here
from orchestrator.report.sections.charts import build
from orchestrator.report.view import make_view
from tests.fakes.made_up import recorded
from tests.make import row
from tests.unit.report.makers import draw_nothing, view_of


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    draw_nothing(monkeypatch)


def with_charts(view):
    return msgspec.structs.replace(view, drawn=drawn_here(view))


def test_all_charts_of_the_report_and_how_to_read_them():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, device="gpu")
    job = {"run_id": report.rows[0]["run_id"], "job_id": report.rows[0]["job_id"]}
    report.gpu = [{**job, "t_s": t, "util": 50.0, "power_w": 9.0, "mem_mb": 1.0, "throttled": False} for t in range(3)]
    *charts, hint = build(with_charts(make_view(report))).blocks
    assert [chart.name for chart in charts] == ["every-epoch", "phases", "convergence", "gpu", "host"]
    assert hint.hint.startswith("A backend keeps its colour")


def test_without_epochs_and_readings_there_is_no_section():
    assert build(view_of([row()])) is None


def test_too_many_contenders_are_not_drawn():
    rows = [row(host=f"h{i}", job_id=f"j{i}") for i in range(41)]
    epochs = [{"job_id": one["job_id"], "epoch": epoch, "train_s": 1.0} for one in rows for epoch in (1, 2)]
    for epoch in epochs:
        epoch.update(run_id=rows[0]["run_id"], elapsed_s=1.0, val_acc=0.5, val_loss=0.5)
    assert "figure id=" not in build_report(view_of(rows, epochs=epochs).report).html
    few = [epoch for epoch in epochs if epoch["job_id"] == "j0"]
    assert "figure id=" in build_report(view_of(rows[:1], epochs=few).report).html


def test_what_could_not_be_drawn_stands_where_it_would_be_in_both_twins():
    section = build(msgspec.structs.replace(view_of([row()]), drawn=Drawn(lacking=["1 of 1 chart: no memory."])))
    (block,) = section.blocks
    assert block.texts == [("", "1 of 1 chart: no memory.")] and block.only is None
