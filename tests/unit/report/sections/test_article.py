"""Ours beside the article's: the ratios, the order, the caveats."""

from __future__ import annotations

import pytest

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.report import words
from orchestrator.report.build import build_report
from orchestrator.report.input import Reference
from orchestrator.report.layout import lay_out
from orchestrator.report.sections.article import against_article, build, kendall
from tests.fakes.made_up import recorded
from tests.unit.report.makers import draw_nothing, view_of


@pytest.fixture(scope="module")
def reference():
    return read_yaml(PACKAGE / "report" / "reference" / "bhatia-2017.yaml", Reference)


@pytest.mark.parametrize(
    ("a", "b", "tau"),
    [([1, 2, 3], [10, 20, 30], 1), ([1, 2, 3], [3, 2, 1], -1), ([1, 2, 3, 4], [1, 2, 4, 3], 4 / 6),
     ([1, 1, 2], [1, 2, 3], 2 / 6**0.5), ([1], [1], None), ([1, 1], [1, 2], None)],
)  # fmt: skip
def test_kendalls_tau(a, b, tau):
    assert kendall(a, b) == (tau if tau is None else pytest.approx(tau))


def test_ratios_are_to_tensorflow_of_the_same_side(reference):
    found = against_article(lay_out(recorded(workloads=["babi_rnn"]).rows), reference)
    cntk = next(line for line in found.lines if line.contender.startswith("CNTK"))
    assert cntk.theirs_to_baseline == pytest.approx(9.43 / 23.18)
    tensorflow = next(line for line in found.lines if line.contender.startswith("TensorFlow"))
    assert tensorflow.ours_to_baseline == 1
    assert {line.contender.split()[0] for line in found.lines} == {"CNTK", "TensorFlow", "Theano"}  # no Keras 3
    (agreement,) = found.agreements
    assert agreement.theirs == "CNTK < Theano < TensorFlow"
    assert any("Tesla K80" in caveat for caveat in found.caveats)


def test_the_same_gpu_and_scale_need_fewer_caveats(reference):
    rows = [{**row, "scale": "article"} for row in recorded(workloads=["mnist_mlp"], device="gpu").rows]
    caveats = against_article(lay_out(rows), reference).caveats
    assert not any("seconds are not comparable" in caveat or "holds less data" in caveat for caveat in caveats)


def test_without_a_2017_stack_there_is_no_section(reference):
    rows = [row for row in recorded(workloads=["mnist_mlp"]).rows if row["keras_version"].startswith("3")]
    assert against_article(lay_out(rows), reference) is None
    assert build(view_of(rows, reference=reference)) is None


def test_without_published_figures_there_is_no_section():
    assert build(view_of(recorded(workloads=["mnist_mlp"]).rows)) is None


def test_the_sources_are_on_the_page_only(reference):
    section = build(view_of(recorded(workloads=["babi_rnn"]).rows, reference=reference))
    page, twin = (block for block in section.blocks if block.kind == "table")
    assert (page.only, page.columns[-1].title) == ("html", "source")
    assert (twin.only, twin.columns) == ("markdown", page.columns[:-1])
    assert [cells[:-1] for cells in page.rows] == twin.rows


def test_the_first_ratio_is_our_seconds_over_the_articles(reference):
    rows = recorded(workloads=["babi_rnn"]).rows
    page = next(b for b in build(view_of(rows, reference=reference)).blocks if b.kind == "table")
    lines = against_article(lay_out(rows), reference).lines
    assert [cells[4] for cells in page.rows] == [words.ratio(line.ours / line.theirs) for line in lines]


def test_the_report_states_the_errors_once(reference, monkeypatch):
    draw_nothing(monkeypatch)
    report = recorded(workloads=["mnist_mlp"], repeats=2)
    report.reference = reference
    built = build_report(report)
    for text in (built.html.replace("&#39;", "'"), built.markdown):
        assert text.count("turns the bAbI result round") == 1
        assert "Kendall's tau" in text
