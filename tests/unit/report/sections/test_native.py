"""The section on what Keras costs: its tables, and that it is there only where something ran without Keras."""

from __future__ import annotations

from orchestrator.report.sections import native
from tests.unit.report.answer.test_keras_cost import ONCE, TWICE, both, cell
from tests.unit.report.makers import view_of
from tests.unit.report.sections.test_years import flat


def test_a_table_for_each_figure_with_ratio_interval_and_verdict():
    rows = both(TWICE, ONCE) + both(ONCE, ONCE, workload="cifar10_cnn")
    section = native.build(view_of(rows))
    epochs, first, memory = (block for block in section.blocks if block.kind == "table")
    assert [column.title for column in epochs.columns] == ["library", "overall", "cifar10_cnn", "mnist_mlp"]
    ((name, overall, cnn, mlp),) = ([flat(cell) for cell in row] for row in epochs.rows)
    assert name == "PyTorch 2.13.0" and overall.startswith("1.42× 1.3") and overall.endswith(" more")
    assert cnn.startswith("1.00× 0.98") and cnn.endswith(" no difference seen") and mlp.startswith("2.02× ")
    assert flat(first.rows[0][3]).endswith(" more")
    assert flat(memory.rows[0][1]).startswith("1.00× ")
    assert "corrected for the 3 comparisons" in flat(section.blocks[0].texts[0])


def test_two_settings_of_one_model_are_told_apart():
    rows = both(TWICE, ONCE, axes="batch_size=64") + both(ONCE, ONCE, axes="batch_size=256")
    section = native.build(view_of(rows))
    epochs = next(block for block in section.blocks if block.kind == "table")
    titles = [column.title for column in epochs.columns]
    assert len(set(titles)) == len(titles) and any("64" in title for title in titles)
    assert "over 2 rows together" in "".join(map(flat, section.blocks[1].texts))


def test_one_repeat_says_how_to_get_a_verdict():
    section = native.build(view_of(both(TWICE[:1], ONCE[:1])))
    assert flat(section.blocks[0].texts[0]).endswith("With one repeat there is no verdict: use --repeats 5.")


def test_no_section_without_a_pair():
    assert native.build(view_of(cell("torch", TWICE))) is None
    assert native.build(view_of(cell("torch-native", TWICE))) is None
