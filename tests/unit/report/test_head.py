"""The top of the report counts jobs and names machines."""

from __future__ import annotations

import pytest

from orchestrator.report.blocks import Drawn
from orchestrator.report.build import build
from orchestrator.report.head import counts, headline, machines, make_head, measured
from orchestrator.report.layout import lay_out
from orchestrator.report.outcomes import counted, failures, mark
from tests.fakes.made_up import own, recorded
from tests.make import row
from tests.unit.report.makers import view_of


def test_the_headline_counts_what_was_planned():
    rows = [row(), row(backend="theano", stack="keras2-theano"), row(workload="mnist_cnn")]
    assert headline(rows, lay_out(rows)) == "2 workloads on 2 backends in 2 stacks, 2 contenders side by side"
    assert headline(rows[:1], lay_out(rows[:1])) == "1 workload on 1 backend in 1 stack"


def test_a_few_hosts_are_named_and_the_rest_counted():
    hosts = [row(host=f"h{i}", cpu="c") for i in range(7)]
    assert machines(hosts[:2]) == ["h0 · c", "h1 · c"]
    assert machines(hosts)[4:] == ["h4 · c", "and 2 more"]


def test_jobs_that_were_not_meant_to_run_are_no_failures():
    found = counts([row(), row(status="unsupported"), row(status="excluded")])
    assert [(count.number, count.text, count.css, count.section) for count in found] == [
        (1, "of 1 jobs ok", "good", ""), (2, "not run here", "", "not-run"),
    ]  # fmt: skip


def test_failures_are_counted_beside_the_good():
    found = counts([row(), row(status="failed"), row(status="oom")])
    assert [(count.number, count.css, count.section) for count in found] == [(1, "bad", ""), (2, "bad", "failures")]
    assert counts([row(status="failed")])[0].css == "bad"


def test_the_head_says_which_runs_it_is_about():
    head = make_head(view_of([row()], title="Title", run_ids=["a", "b"], created="now"))
    assert (head.title, head.run_ids, head.made) == ("Title", ["a", "b"], "now")


def test_the_date_is_that_of_the_measurement():
    first = row(started="2026-11-23T01:09:39.196+01:00", ended="2026-11-23T00:12:46.096+00:00")
    assert measured([first]) == "measured 23 Nov 2026, 00:09–00:12 UTC"
    last = row(started="2026-11-23T00:12:46+00:00", ended="2026-11-25T10:00:00+00:00")
    assert measured([last, row(started=None, ended=None), first]) == (
        "measured 23 Nov 2026, 00:09 – 25 Nov 2026, 10:00 UTC"
    )
    assert measured([row(started="2026-11-23T00:12:46+00:00", ended=None)]) == "measured 23 Nov 2026, 00:12 UTC"
    assert measured([row(started="soon", ended=None)]) == "nothing was measured"


def test_both_twins_begin_with_it_and_say_of_the_report_that_it_is_the_report():
    rows = [row(started="2026-11-23T00:09:39+00:00", ended="2026-11-23T00:29:00+00:00")]
    made = build(view_of(rows, created="2026-11-25T23:44:07+00:00"), lambda view: Drawn())
    for text in (made.html.partition("<main>")[0], made.markdown.partition("##")[0]):
        assert "measured 23 Nov 2026, 00:09–00:29 UTC" in text
    assert "2026-11-25" not in made.html.partition("<main>")[0]
    assert "report made 2026-11-25T23:44:07+00:00" in made.markdown


def test_what_is_still_to_run_is_no_failure():
    found = counts([row(), row(status="pending"), row(status="running")])
    assert [(count.number, count.text, count.css) for count in found] == [
        (1, "of 3 jobs done, the run goes on", ""), (1, "ok", ""), (1, "running", ""), (1, "waiting", ""),
    ]  # fmt: skip
    assert failures([row(status="pending"), row(status="running")]) == []
    assert counted("pending", "pending ×2").href == counted("running", "running").href == ""
    assert mark("pending").text == "waiting"


def test_files_of_ones_own_are_named():
    rows = own().rows
    assert headline(rows, lay_out(rows)) == "my.py on 3 backends in 3 stacks, 3 contenders side by side"
    both = rows + recorded(workloads=["mnist_mlp"], stacks=1).rows
    assert headline(both, lay_out(both)).startswith("2 workloads on ")


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", None])
def test_a_time_that_no_clock_shows_is_none(stamp):
    assert measured([{"started": stamp, "ended": None}]) == "nothing was measured"
