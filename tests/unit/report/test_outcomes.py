"""What failed and what was never meant to run are two things, everywhere."""

from __future__ import annotations

import pytest

from orchestrator.report.outcomes import counted, did_not_fit, failures, mark, not_run

STATUSES = ("ok", "failed", "timeout", "oom", "cancelled", "unsupported", "excluded")


def test_every_row_is_good_failed_or_not_run():
    rows = [{"status": status} for status in STATUSES]
    assert [row["status"] for row in failures(rows)] == ["failed", "timeout", "oom", "cancelled"]
    assert [row["status"] for row in not_run(rows)] == ["unsupported", "excluded"]


@pytest.mark.parametrize(
    ("status", "look", "section"),
    [("oom", "status bad", "#failures"), ("excluded", "status excluded", "#not-run")],
)
def test_a_mark_links_to_the_section_with_the_reasons(status, look, section):
    assert (mark(status).text, mark(status).look, mark(status).href) == (status, look, "")
    found = counted(status, f"{status} ×2")
    assert (found.text, found.look, found.href) == (f"{status} ×2", look, section)


def test_a_good_status_looks_good():
    assert mark("ok").look == "status good"


def test_what_ran_out_of_memory_along_an_axis_is_no_failure_and_only_there():
    def row(size, status):
        return {"status": status, "workload": "w", "variant": "v", "axes": f"batch_size={size}"}

    rows = [row(32, "ok"), row(4096, "oom"), row(8192, "failed")]
    assert did_not_fit(rows) == [rows[1]] and failures(rows) == [rows[2]]
    assert did_not_fit(rows[1:]) == [] and failures(rows[1:]) == rows[1:]
    found = counted("oom", "oom ×2", fits=False)
    assert (found.look, found.href) == ("status", "#sweeps")
