"""The report of a run that goes on, as it would be now."""

from __future__ import annotations

import json
import os

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.results.folder import RunFolder, Session
from orchestrator.run import page_now
from orchestrator.run.page import Paged
from tests.fakes.recorder import Recorder
from tests.make import make_job, make_plan, make_result

JOBS = [make_job(repeat=repeat) for repeat in (1, 2, 3)]
SESSION = Session(host="h", began="now", pid=1)


@pytest.fixture
def going_on(tmp_path):
    """A run of three jobs: one is done, one runs, one waits; its lock is held."""
    folder = RunFolder.create(tmp_path, make_plan(jobs=JOBS))
    with folder.locked(), folder.live(SESSION):
        for job in JOBS[:2]:
            folder.begin(job, 1)
        folder.write_result(make_result(JOBS[0]))
        yield folder


def test_it_says_how_far_the_run_is_and_looks_again(going_on):
    root = load_catalog().root
    assert Paged(Recorder(), going_on.path, root, (), False)._written() == ""
    html, markdown = ((going_on.path / f"report.{kind}").read_text() for kind in ("html", "md"))
    assert '<meta http-equiv="refresh" content="20">' in html
    assert "1 of 3 jobs are done, 1 running, 1 waiting" in html and "1 of 3 jobs done, the run goes on" in html
    assert "cancelled" not in html.lower() and "cancelled" not in markdown.lower()
    assert "Charts are drawn when the run has ended." in html
    rows = json.loads((going_on.path / "results.json").read_text())["results"]
    assert [row["status"] for row in rows] == ["ok", "running", "pending"]


def test_the_program_is_the_least_urgent_and_keeps_to_its_cores(going_on, monkeypatch):
    called = []
    monkeypatch.setattr(os, "nice", lambda by: called.append(("nice", by)))
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: called.append((pid, cores)))
    page_now.main(str(going_on.path), load_catalog().root, "1,3")
    assert called == [("nice", 19), (0, {1, 3})]


def test_the_report_at_the_end_looks_no_more(tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path, make_plan(jobs=JOBS[:1]))
    folder.begin(JOBS[0], 1)
    folder.write_result(make_result(JOBS[0]))
    monkeypatch.setattr(os, "nice", lambda by: None)
    page_now.main(str(folder.path), load_catalog().root, "")
    assert 'http-equiv="refresh"' not in (folder.path / "report.html").read_text()
