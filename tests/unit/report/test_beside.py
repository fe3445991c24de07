"""Jobs that ran while another run used the same device are told on the first screen, also of old records."""

from __future__ import annotations

from orchestrator.report.beside import pairs, sentence
from orchestrator.report.sections.warnings import build
from tests.make import row
from tests.unit.report.makers import view_of


def job(name, run, started, ended, **more):
    return row(job_id=name, run_id=run, started=f"2026-11-23T{started}", ended=f"2026-11-23T{ended}", **more)


def test_both_jobs_of_a_pair_are_counted_and_others_are_not():
    rows = [job("a", "1", "10:00", "10:10"), job("b", "2", "10:05", "10:20"), job("c", "2", "10:30", "10:40")]
    assert [(one["job_id"], other["job_id"]) for one, other in pairs(rows)] == [("b", "a")]
    assert sentence(rows).startswith("2 jobs of 3 ran while another of these runs used the same device")
    assert sentence(rows[1:]) == sentence([]) == ""  # jobs of one run know of each other
    assert sentence([*rows[:1], job("b", "2", "10:05", "10:20", host="other")]) == ""


def test_the_first_screen_says_it():
    rows = [job("a", "1", "10:00", "10:10"), job("b", "2", "10:05", "10:20", backend="jax")]
    (block,) = build(view_of(rows, run_ids=["1", "2"])).blocks
    assert ("noise", sentence(rows)) in block.texts
