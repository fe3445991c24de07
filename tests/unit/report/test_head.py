"""The top of the report counts jobs and names machines."""

from __future__ import annotations

import pytest

from orchestrator.report.blocks import Drawn
from orchestrator.report.build import build
from orchestrator.report.head import counts, headline, machines, make_head, measured, tab
from orchestrator.report.layout import lay_out
from orchestrator.report.outcomes import counted, failures, mark
from orchestrator.report.tasks import About
from tests.fakes.made_up import own, recorded
from tests.make import row
from tests.unit.report.makers import view_of


def test_the_headline_counts_models_and_versions_and_says_how_much_of_the_data():
    about = About("M", "CNN", "images", 0, 4096)
    rows = [row(about=about), row(backend="jax", released="2026-07", framework_version="1", about=about)]
    text = "1 model, 2 framework versions (1 of 2017, 1 of 2026), quick scale (all of the data), real data"
    assert headline(lay_out(rows)) == text
    rows += [row(backend=f"b{year}", released=f"{year}-01", about=about) for year in range(2018, 2022)]
    assert "6 framework versions (2017 to 2026), " in headline(lay_out(rows))
    part = [row(about=about), row(workload="b", about=About("B", whole=50_000), scale="smoke")]
    assert headline(lay_out(part)) == (
        "2 models, 1 framework version, smoke scale (a part of the data), quick scale (all of the data), real data"
    )
    assert headline(lay_out([row()])) == "1 model, 1 framework version, quick scale, real data"


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (["given", "official"], ", real data"),
        (["synthetic"], ", synthetic data"),
        (["given", "synthetic"], ", real and synthetic data"),
        ([None], ""),
    ],
)
def test_the_headline_says_whether_data_are_real(kinds, said):
    rows = [row(workload=f"w{i}", data_kind=kind) for i, kind in enumerate(kinds)]
    assert headline(lay_out(rows)).partition("quick scale")[2] == said


def test_a_few_hosts_are_named_and_the_rest_counted():
    hosts = [row(host=f"h{i}", cpu="c", threads=1, cores=8, memory_gib=31.2) for i in range(7)]
    assert machines(hosts[:1]) == ["c (h0), CPU only, 1 thread per job, 8 cores, 31.2 GiB"]
    assert machines(hosts) == ["c (h0, h1, h2, h3, h4 and 2 more), CPU only, 1 thread per job, 8 cores, 31.2 GiB"]
    unlike = [{**one, "cpu": f"c{i}", "memory_gib": 125.875} for i, one in enumerate(hosts)]
    assert machines(unlike)[4:] == ["c4 (h4), CPU only, 1 thread per job, 8 cores, 125.9 GiB", "and 2 more"]
    assert machines([row(host="h", cpu=None)])[0].startswith("h, CPU only")
    gpu = row(device="gpu", gpu_name="Tesla K80", threads=None)
    assert machines([gpu, row(status="failed", host=None)]) == [
        "Imaginary Processor 1234 @ 2.00GHz (made-up), Tesla K80"
    ]


def test_the_tab_is_told_from_others_by_its_beginning():
    one = row(started="2026-11-23T00:09:39+00:00", ended=None)
    assert tab("T?", [one]) == "made-up, Imaginary Processor 1234 @ 2.00GHz, 23 Nov 2026: T?"
    assert tab("T?", [one, {**one, "host": "b", "gpu_name": "K80"}]).startswith("2 hosts, 2 devices, 23 Nov 2026: ")
    assert tab("T?", [row(host=None, cpu=None, started=None, ended=None)]) == "T?"


def test_jobs_that_were_not_meant_to_run_are_no_failures():
    found = counts([row(), row(status="unsupported"), row(status="excluded")])
    assert [(count.number, count.text, count.css, count.section) for count in found] == [
        (1, "of 1 job ok", "good", ""), (2, "not run here", "", "not-run"),
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


def test_files_of_ones_own_are_counted():
    rows = own().rows
    assert headline(lay_out(rows)) == "1 file of your own, 3 framework versions"
    both = rows + recorded(workloads=["mnist_mlp"], stacks=1).rows
    assert headline(lay_out(both)).startswith("1 model, 1 file of your own, 4 framework versions")


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", None])
def test_a_time_that_no_clock_shows_is_none(stamp):
    assert measured([{"started": stamp, "ended": None}]) == "nothing was measured"
