"""Rows of a run that varies settings: nothing of different settings is pooled, compared or set against the article."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.report.answer.ranking import fields
from orchestrator.report.blocks import Drawn
from orchestrator.report.build import build
from orchestrator.report.input import Reference
from orchestrator.report.sections.article import VARIED
from orchestrator.report.view import make_view
from tests.fakes.made_up import recorded


def swept(axis: str, values: tuple[str, ...]):
    """A made-up run with each value of an axis: the same figures, as only their places matter."""
    plain = recorded(workloads=["mnist_mlp"], stacks=3, repeats=2)
    rows, epochs = [], []
    for value in values:
        more = {"axes": f"{axis}={value}"} | ({axis: int(value)} if value.isdecimal() else {})
        tail = f".{axis}-{value}"
        rows += [{**row, **more, "job_id": row["job_id"] + tail} for row in plain.rows]
        epochs += [{**epoch, "job_id": epoch["job_id"] + tail} for epoch in plain.epochs]
    return replace(plain, rows=rows, epochs=epochs, samples=[])


def test_each_setting_is_a_row_and_a_table_of_its_own_in_the_order_of_numbers() -> None:
    view = make_view(swept("batch_size", ("32", "128", "1024")))
    labels = [task.label.partition(" · ")[2] for task in view.layout.tasks]
    assert labels == ["batch 32", "batch 128", "batch 1024"]
    assert [field.where for field in fields(view.layout, view.speeds)] == labels
    assert {len(rows) for rows in view.layout.cells.values()} == {2}


def test_contenders_of_varied_threads_are_one_and_their_rows_apart() -> None:
    view = make_view(swept("threads", ("1", "2")))
    assert len(view.layout.contenders) == 3
    assert [task.label.partition(" · ")[2] for task in view.layout.tasks] == ["1 thread", "2 threads"]


def test_what_is_varied_is_not_set_against_the_article() -> None:
    reference = read_yaml(PACKAGE / "report" / "reference" / "bhatia-2017.yaml", Reference)
    plain = recorded(workloads=["mnist_mlp"], stacks=3, repeats=2)
    for found, left_out in ((swept("batch_size", ("32",)), True), (swept("threads", ("1",)), False), (plain, False)):
        rows = [{**row, "article": True} for row in found.rows]
        text = build(make_view(replace(found, rows=rows, reference=reference)), lambda _: Drawn()).markdown
        assert (VARIED in text) == left_out and "Against" in text


def test_a_setting_whose_jobs_failed_stands_in_its_place_though_they_know_no_amounts() -> None:
    report = swept("batch_size", ("32", "128"))
    unknown = {"status": "failed", "train": None, "validation": None, "data_sha256": None, "data_kind": None}
    rows = [{**row, **unknown} if row["axes"] == "batch_size=128" else row for row in report.rows]
    view = make_view(replace(report, rows=rows, epochs=[]))
    assert " · batch 32" in view.layout.tasks[0].label
