from __future__ import annotations

import re

from orchestrator.report.answer.table import verdict
from orchestrator.report.build import build_report
from tests.fakes.made_up import recorded
from tests.unit.report.makers import draw_nothing, ranked, two


def test_the_table_says_its_figures_in_attributes(monkeypatch):
    """The contract with the page's script."""
    draw_nothing(monkeypatch)
    html = build_report(recorded()).html
    assert '<div id="controls" hidden></div>' in html
    assert len(re.findall(r'<table id="answer"', html)) == 1
    names = 'data-contender="jax-0.10.0" data-backend="jax" data-era="today"'
    assert re.findall(rf'<tr {names} data-overall="[\d.]+">', html)
    cell = re.search(r'<td data-task="mnist_cnn"([^>]*)><b>[^<]+</b><small>[^<]*</small>', html)
    names = ("seconds", "samples", "low", "high", "verdict")
    assert [name for name in names if f" data-{name}=" in cell[1]] == list(names)
    assert '<th scope="col" data-column="overall">' in html


def test_too_few_repeats_to_tell_is_not_no_difference():
    def verdicts(*times):
        speeds = ranked(two(*times))[1].values()
        return [verdict(speed) for speed in sorted(speeds, key=lambda speed: not speed.best)]

    assert verdicts([1.0], [2.0]) == ["best", "unsure"]
    assert verdicts([1.0, 1.3], [1.1, 1.5]) == ["best", "unsure"]
    close = [1.0, 1.1, 1.2, 1.1, 1.0], [1.05, 1.1, 1.2, 1.15, 1.0]
    assert verdicts(*close) == ["best", "tied"]
    assert verdicts([1.0, 1.01, 1.0, 1.02, 1.0], [2.0, 2.01, 2.0, 2.0, 2.02]) == ["best", "slower"]
