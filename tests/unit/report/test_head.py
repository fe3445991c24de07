"""The top of the report counts jobs and names machines."""

from __future__ import annotations

from orchestrator.report.head import counts, headline, machines, make_head
from orchestrator.report.layout import lay_out
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
    assert (head.title, head.run_ids, head.created) == ("Title", ["a", "b"], "now")
