"""Each format of a comparison is valid, and says the same; tests/unit/stats judges the figures in it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from orchestrator.report.comparison import FORMATS, TITLES, cells, closing, junit, markdown
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
    assert "| mnist_mlp s b cpu | 1 |" in above and "| same s b cpu |" not in above
    assert "2 cells without a significant difference" in folded and "| same s b cpu |" in folded


def test_junit_skips_what_has_no_ratio(ratios):
    suite = ElementTree.fromstring(junit(ratios, 0.1))
    assert {case.get("name").split()[0]: case[0].tag for case in suite} == {
        "mnist_mlp": "failure", "same": "system-out", "other": "skipped",
    }  # fmt: skip


def test_the_closing_lines_name_the_regressions_of_a_threshold(ratios):
    assert closing(ratios, 0.1)[1:] == ["1 cells regressed by more than 10 %: mnist_mlp s b cpu"]
    assert closing(ratios, 0.9)[1:] == ["no significant regression above 90 %"]
    assert closing([], None) == ["no cell can be compared"]


def test_nothing_to_compare_is_valid_in_every_format():
    texts = {name: write([], 0.05) for name, write in FORMATS.items()}
    assert json.loads(texts["json"])["ratios"] == json.loads(texts["github-action-benchmark"]) == []
    assert ElementTree.fromstring(texts["junit"]).get("tests") == "0"
    assert texts["markdown"].startswith("**no cell can be compared**")
