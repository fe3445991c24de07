"""One reason often rules out many jobs: it is given once."""

from __future__ import annotations

from orchestrator.report.sections import not_run
from orchestrator.report.sections.not_run import build, by_reason
from tests.make import row
from tests.unit.report.makers import view_of


def test_jobs_are_grouped_by_status_and_reason():
    rows = [
        {"status": "unsupported", "reason": "no GPU", "job_id": "a"},
        {"status": "excluded", "reason": None, "job_id": "b"},
        {"status": "unsupported", "reason": "no GPU", "job_id": "c"},
    ]
    assert by_reason(rows) == [("unsupported", "no GPU", ["a", "c"]), ("excluded", "no reason known", ["b"])]


def test_both_twins_name_the_jobs():
    rows = [row(status="excluded", reason="left out", job_id=name.lower(), called=name) for name in "AB"]
    table, bullets = build(view_of(rows)).blocks
    assert table.rows[0][2] == "A; B"
    assert bullets.texts == ["excluded: left out (A; B)"]


def test_where_all_was_run_there_is_no_section():
    assert build(view_of([row(), row(status="failed")])) is None


def test_of_very_many_jobs_the_first_are_named(monkeypatch):
    monkeypatch.setattr(not_run, "MOST_NAMED", 2)
    rows = [{"status": "excluded", "reason": "left out", "job_id": name} for name in "abcd"]
    assert by_reason(rows) == [("excluded", "left out", ["a", "b", "2 more"])]
