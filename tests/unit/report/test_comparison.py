"""Each format of a comparison is valid, and says the same; tests/unit/stats judges the figures in it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from orchestrator.cli.comparison import comparison_text
from orchestrator.report.comparison import (
    FORMATS,
    TITLES,
    action_benchmark,
    cells,
    closing,
    json_document,
    junit,
    markdown,
)
from orchestrator.stats.compare import CONDITIONS, compare


def rows(seconds, **changes):
    cell = {"workload": "mnist_mlp", "variant": "faithful", "stack": "s", "backend": "b", "device": "cpu"}
    common = {**cell, **dict.fromkeys(CONDITIONS, 1), "status": "ok", "run_id": "r", **changes}
    return [{**common, "epoch_s": value, "job_id": f"j{i}"} for i, value in enumerate(seconds)]


@pytest.fixture
def ratios():
    """One slower cell, one that is the same, one that cannot be compared."""
    return compare(
        rows([1.0, 1.01, 0.99]) + rows([1.0, 1.2, 0.9], workload="same") + rows([1.0], workload="other", scale="a"),
        rows([1.5, 1.51, 1.49]) + rows([1.0, 1.2, 0.9], workload="same") + rows([1.0], workload="other", scale="b"),
    )


def test_a_line_has_a_field_for_every_title(ratios):
    assert {len(cells(ratio)) for ratio in ratios} == {len(TITLES)}


def test_markdown_folds_what_did_not_change(ratios):
    above, _, folded = markdown(ratios).partition("<details>")
    assert "| mnist\\_mlp s b cpu | 1.00 |" in above and "| same s b cpu |" not in above
    assert "| other s b cpu |" in above  # it could not be judged, and nobody would unfold it
    assert "1 cell that cannot be told apart" in folded and "| same s b cpu |" in folded


def test_junit_has_an_error_for_what_could_not_be_judged(ratios):
    """And skips what one of both sides was never to measure."""
    ratios += compare([], rows([1.0], workload="new"))
    suite = ElementTree.fromstring(junit(ratios, 0.1))
    assert {case.get("name").split()[0]: case[0].tag for case in suite} == {
        "mnist_mlp": "failure", "same": "system-out", "other": "error", "new": "skipped",
    }  # fmt: skip


def test_the_closing_lines_name_the_regressions_of_a_threshold(ratios):
    missing = "FAILED: 1 cell could not be judged (1: different scale)"
    assert closing(ratios, 0.1)[1:] == ["1 cell regressed by more than 10 %: mnist_mlp s b cpu", missing]
    some = "no significant regression above 90 % in the 2 cells that could be judged"
    assert closing(ratios, 0.9)[1:] == [some, missing]
    assert closing(ratios[:2], 0.9)[1:] == ["no significant regression above 90 %"]
    assert closing([], None) == ["FAILED: no cell could be compared: there are none"]


def test_one_repeat_on_a_side_is_no_verdict_and_said_to_be_none():
    lines = closing(compare(rows([1.0]), rows([2.0])), 0.05)
    assert lines[-1] == "FAILED: no cell could be judged (1: not certain: one repeat)"
    assert not any("no significant regression" in line for line in lines)


def test_figures_have_three_digits_and_no_exponent():
    (ratio,) = compare(rows([1234.5]), rows([8.0]))
    assert cells(ratio)[1:3] == ("1,234", "8.00")


def test_among_many_comparisons_an_interval_is_as_wide_as_the_verdict_needs(ratios):
    many = compare(
        [one for n in range(40) for one in rows([1.0, 1.02, 0.98], workload=f"w{n}")],
        [one for n in range(40) for one in rows([1.04, 1.06, 1.03], workload=f"w{n}")],
    )
    assert not many[0].difference.significant and many[0].difference.p < 0.05
    low, high = map(float, cells(many[0])[4].split("-"))
    assert low < 1 < high
    assert cells(many[0])[-1] == "not certain: 3 repeats are too few"
    assert float(cells(ratios[0])[4].split("-")[0]) > 1


def test_nothing_to_compare_is_valid_in_every_format():
    texts = {name: write([], 0.05) for name, write in FORMATS.items()}
    assert json.loads(texts["json"])["ratios"] == json.loads(texts["github-action-benchmark"]) == []
    suite = ElementTree.fromstring(texts["junit"])
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert texts["markdown"].startswith("**FAILED: no cell could be compared")


HOSTILE = "x](http://evil) <img src=x> @team\n::error::forged\x1b[2J"


def test_names_of_a_set_are_inert_in_every_format():
    """A set may come from a change that nobody has looked at yet: its comparison is posted beside it."""
    ratios = compare(rows([1.0, 1.1], workload=HOSTILE), rows([1.0, 1.1], workload=HOSTILE))
    text = markdown(ratios, 0.1)
    assert "\\](http:" in text and "&lt;img" in text
    for form in (markdown, junit, json_document, action_benchmark, comparison_text):
        written = form(ratios, 0.1)
        assert not any(line.lstrip().startswith("::error") for line in written.splitlines()), form
        assert "\x1b" not in written
    (case, *_) = ElementTree.fromstring(junit(ratios, 0.1))
    assert case.get("classname") == HOSTILE.replace("\n", " ").replace("\x1b", " ")
