"""The whole report: both twins, its files, and reports with little or much to say."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from orchestrator.report import sections
from orchestrator.report.blocks import Paragraphs, Section
from orchestrator.report.build import build_report
from orchestrator.report.input import ReportInput
from tests.fakes.made_up import recorded
from tests.unit.report.makers import EVIL, Page, draw_nothing


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    with pytest.MonkeyPatch.context() as patch:
        draw_nothing(patch)
        yield


@pytest.fixture(scope="module")
def built():
    """Failures, synthetic data and what was not run, as small as shows them."""
    report = recorded(workloads=["mnist_mlp", "babi_rnn"], stacks=3, repeats=2)
    report.rows[0].update(status="failed", reason="RuntimeError: made up", log_tail="one\ntwo", exit_code=1)
    report.rows[5].update(status="unsupported", reason="no python2.7")
    for one in report.rows[6:]:
        one["data_kind"] = "synthetic"
    return build_report(report)


def test_every_file_of_the_folder_is_a_section_and_has_its_entry():
    lists = (*sections.SECTIONS.values(), *sections.OF_CALLS.values())
    entered = list(dict.fromkeys(build for part in lists for build in part))
    names = [f"{sections.__name__}.{module.name}" for module in pkgutil.iter_modules(sections.__path__)]
    assert sorted(build.__module__ for build in entered) == sorted(names)
    assert {importlib.import_module(build.__module__).build for build in entered} == set(entered)


def test_a_new_section_is_a_function_and_an_entry(monkeypatch):
    def build(view):
        hosts = [row["host"] for row in view.rows]
        lines = [f"{host}: {hosts.count(host)}" for host in sorted(set(hosts))]
        return Section(name="hosts", title="Jobs per host", blocks=[Paragraphs(lines)])

    longer = {**sections.SECTIONS, "background": (*sections.SECTIONS["background"], build)}
    monkeypatch.setattr("orchestrator.report.build.SECTIONS", longer)
    made = build_report(recorded(workloads=["mnist_mlp"], stacks=1, repeats=2))
    assert '<section id="hosts">\n<h2>Jobs per host</h2>\n<p>made-up: 2</p>\n</section>' in made.html
    assert '<a href="#hosts">Jobs per host</a>' in made.html
    assert "<details><summary>Jobs per host</summary>\n\nmade-up: 2\n\n</details>\n" in made.markdown


def test_a_page_of_very_many_jobs_holds_no_rows_for_downloads(monkeypatch):
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=2)
    assert 'id="rows"' in build_report(report).html
    monkeypatch.setattr("orchestrator.report.view.MOST_LISTED", 3)
    assert 'id="rows"' not in build_report(report).html


def test_anchors_are_unique_and_every_link_has_its_anchor(built):
    tags = Page(built.html).tags
    anchors = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    assert {a["href"][1:] for tag, a in tags if tag == "a"} <= set(anchors)


def test_the_page_is_complete_and_loads_nothing(built):
    page = Page(built.html)
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object")
        assert not attributes.get("src", "data:").startswith(("http", "//"))
    assert len(page.scripts) == 3
    assert re.search(r"(?i)url\(|@import", built.html.partition("</style>")[0]) is None


def test_each_chart_has_two_files_beside_the_page(built):
    files = built.files()
    assert {name.rpartition(".")[2] for name in files} == {"html", "md", "svg", "png"}
    assert len(files) == 2 + 2 * len(built.pictures)


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_both_twins_say_the_same(built, kind):
    text = getattr(built, kind).replace("\\_", "_").replace("&lt;", "<")
    for wanted in (
        "10 of 11", "1 failed", "1 not run here", "RuntimeError: made up", "two", "no python2.7",
        "synthetic", "CNTK", "Keras 2.0.8", "fastest", "2 runs of 4 epochs", "Debian has no 3.5",
        "orchestrate run --config all", "Imaginary Processor", "Accuracy after the last epoch",
    ):  # fmt: skip
        assert wanted in re.sub(r"</?b>", "", text), wanted


def test_text_from_strangers_stays_text():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    for points in (report.rows, report.epochs, report.samples, report.deviations):
        for point in points:
            keep = {"status", "keras_version"}
            point.update({k: v + EVIL for k, v in point.items() if isinstance(v, str) and k not in keep})
    report.rows[0].update(status="failed", log_tail="\x1b[31mred\x1b[0m ``````` " + EVIL)
    report.title, report.notes, report.environment, report.plan_command = EVIL, [EVIL], [(EVIL, EVIL)], EVIL
    built = build_report(report)
    page = Page(built.html)
    assert len(page.scripts) == 3
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert all(attributes["src"].startswith("data:") for tag, attributes in page.tags if tag == "img")
    prose = re.sub(r"(?s)^(`{3,})text\n.*?\n\1$", "", built.markdown, flags=re.M)
    assert "<img" not in prose and "<!--" not in prose and "@everyone" not in prose


def test_nothing_measured_at_all():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    for one in report.rows:
        one.update(status="failed", reason="", epoch_s=None, framework_version=None, keras_version=None)
    report.epochs.clear()
    report.samples.clear()
    built = build_report(report)
    assert "No job gave a steady speed" in built.html
    assert "no reason known" in built.html and "no reason known" in built.markdown
    assert len(Page(built.html).scripts) == 2 and built.pictures == {}  # of its rows and of its table


def test_a_row_needs_only_what_was_planned():
    planned = {"run_id": "r", "job_id": "j", "workload": "w", "stack": "s", "backend": "b", "device": "cpu"}
    for status in ("ok", "failed", "excluded"):
        built = build_report(ReportInput(title="t", run_ids=["r"], created="c", rows=[{**planned, "status": status}]))
        assert ("one epoch only" in built.html) == (status == "ok")


def test_many_cells_stay_one_readable_page():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    report.rows[:] = [
        {**report.rows[0], "workload": f"w{i:02d}", "job_id": f"{i}-{j}", "threads": j}
        for i in range(20) for j in range(20)
    ]  # fmt: skip
    report.epochs.clear()
    report.samples.clear()
    Page(build_report(report).html)


def test_too_many_contenders_are_listed_but_not_drawn():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    report.rows[:] = [{**report.rows[0], "host": f"h{i}", "job_id": f"j{i}"} for i in range(41)]
    report.epochs.clear()
    report.samples.clear()
    built = build_report(report)
    assert built.pictures == {}
    assert "41 contenders are too many to tell apart in charts" in built.markdown
    assert built.html.count("<td") > 41
