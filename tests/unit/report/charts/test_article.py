"""The article's figures beside ours: two marks for each, on one axis."""

from __future__ import annotations

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.report.charts import article
from orchestrator.report.input import Reference
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def test_each_backend_of_the_article_has_a_hollow_and_a_filled_mark():
    report = recorded(repeats=1)
    report.reference = read_yaml(PACKAGE / "report" / "reference" / "bhatia-2017.yaml", Reference)
    figure = article.build(material_of(report))
    drawn = drawings(figure)
    assert len(drawn) >= 3
    assert all(panel.count("o") == panel.count("m") >= 1 for panel in drawn)
    assert all(tip.startswith("article: ") for panel in drawn for tip in panel.tips("o"))
    assert figure and figure.alt.startswith("Furthest apart: ")


def test_without_the_article_or_its_stacks_there_is_no_picture():
    assert article.build(material_of(recorded(repeats=1))) is None
