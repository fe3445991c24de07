"""A failed job is shown with its reason and the end of its log."""

from __future__ import annotations

from orchestrator.report.blocks import Span
from orchestrator.report.sections import failures
from orchestrator.report.sections.failures import build, log_tail
from tests.make import row
from tests.unit.report.makers import view_of

FAILED = {"status": "failed", "job_id": "a", "reason": "RuntimeError: made up", "exit_code": 1, "log_tail": "one\ntwo"}


def test_log_tail_is_short_and_plain():
    text = log_tail("\n".join(f"\x1b[1mline {i}\x1b[0m\x07" for i in range(100)) + "\n")
    assert text.splitlines()[0] == "line 70" and text.splitlines()[-1] == "line 99"
    assert len(log_tail("x" * 5000)) == 400


def test_the_page_has_a_table_and_markdown_a_list_with_logs():
    view = view_of([row(), row(**FAILED), row(status="timeout", job_id="b", reason="", exit_code=None, log_tail="")])
    table, first, log, second = build(view).blocks
    assert [column.heads for column in table.columns] == [True, False, False, False]
    assert [(cells[0][0].text, cells[2][0], cells[2][1].text, cells[3]) for cells in table.rows] == [
        ("a", "RuntimeError: made up", "one\ntwo", "1"), ("b", "no reason known", "", "–"),
    ]  # fmt: skip
    assert first.texts[0][-1] == ": failed, RuntimeError: made up (exit code 1)"
    assert log.texts == [("", "one\ntwo")]
    assert second.texts[0][-1] == ": timeout, no reason known"


def test_a_failure_goes_by_its_name_with_the_id_under_which_its_files_lie():
    table, bullet, _ = build(view_of([row(**FAILED, called="MNIST MLP on JAX 0.10.2 (cpu)")])).blocks
    name = ["MNIST MLP on JAX 0.10.2 (cpu)", " ", Span("a", "aside")]
    assert table.rows[0][0] == name
    assert bullet.texts[0][:3] == [Span(name[0], "strong"), *name[1:]]


def test_without_failures_there_is_no_section():
    assert build(view_of([row(), row(status="excluded")])) is None


def test_of_very_many_the_first_are_told_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(failures, "MOST_SHOWN", 2)
    table, *_, more = build(view_of([row(**FAILED | {"job_id": str(i)}) for i in range(5)])).blocks
    assert len(table.rows) == 2
    assert more.texts == ["And 3 more: results.csv of each run and merged set has them all."]
