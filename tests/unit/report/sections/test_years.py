"""What an upgrade gains, and Keras apart from its backend, in tables and sentences."""

from __future__ import annotations

import pytest

from orchestrator.report.sections.years import build
from tests.fakes.made_up import eras
from tests.unit.report.makers import view_of
from tests.unit.report.test_timelines import JAX, NEW, NEXT, OLD, PACKAGE


def sections(*rows) -> dict:
    return {section.name: section for section in build(view_of([row for its in rows for row in its]))}


def flat(cell) -> str:
    return cell if isinstance(cell, str) else "".join(part if isinstance(part, str) else part.text for part in cell)


def test_upgrades_stand_in_the_order_of_years_with_ratio_interval_and_verdict():
    table, whole = (block for block in sections(NEW, NEXT, OLD)["upgrades"].blocks if block.kind == "table")
    assert [column.title for column in table.columns] == ["from", "to", "mnist_mlp"]
    (first, second) = ([flat(cell) for cell in row] for row in table.rows)
    assert first[:2] == ["TensorFlow 1.3.0 Keras 2.0.8, Aug 2017", "TensorFlow 2.9.0 Keras 2.9.0, May 2022"]
    assert first[2].startswith("1.98× 1.") and first[2].endswith(" faster")
    assert second[2].startswith("1.00× ") and second[2].endswith(" no difference seen")
    assert [flat(cell) for cell in whole.rows[0]][1] == "TensorFlow 2.21.0 Keras 3.15.1, Jul 2026"


def test_keras_itself_is_a_sentence_and_a_table():
    section = sections(PACKAGE, NEW)["apart"]
    (sentence,) = section.blocks[1].texts
    assert sentence.startswith("On TensorFlow 2.21.0, Keras 3.15.1 trains 0.4")
    assert sentence.endswith("times as fast as tf_keras 2.21.0.")
    assert flat(section.blocks[2].rows[0][2]).endswith("slower")


def test_the_backend_alone_is_told_the_other_way_round():
    older = [{**row, "framework_version": "0.4.23", "released": "2025-01", "stack": "j"} for row in JAX]
    (sentence,) = sections(older, JAX)["apart"].blocks[1].texts
    assert sentence == "Under Keras 3.15.1, JAX 0.10.2 trains 1.00 times as fast as JAX 0.4.23 (no difference seen)."


def test_several_models_say_how_far_they_differ():
    made = eras(only=["tfkeras-tf221", "keras3-tensorflow"], epochs=3)
    (sentence,) = next(s for s in build(view_of(made.rows, epochs=made.epochs)) if s.name == "apart").blocks[1].texts
    assert " over 5 models together, 0." in sentence and "surely slower on" in sentence


def test_the_table_of_the_picture_has_its_figures_folded_away():
    twin, table = sections(OLD, NEXT, NEW, JAX)["years"].blocks
    assert twin.only == "markdown" and twin.texts[0].startswith("Times as fast as TensorFlow 1.3.0")
    assert table.fold == "The figures of this picture as a table" and "TensorFlow 1.3.0" in table.caption
    rows = [[flat(cell) for cell in row] for row in table.rows]
    assert [row[0] for row in rows] == ["Aug 2017", "May 2022", "Jul 2026", "Jul 2026"]
    assert rows[0][3] == "1.00×" and rows[1][3].startswith("1.98× 1.")


def test_a_model_that_did_not_learn_says_so_instead_of_a_ratio():
    short = [{**row, "workload": "mnist_cnn", "learned": 0.9, "val_accuracy": 0.1} for row in (*OLD, *NEXT)]
    (table,) = (b for b in sections(OLD, NEXT, short)["upgrades"].blocks if b.kind == "table")
    assert "did not learn" in flat(table.rows[0][3])


@pytest.mark.parametrize("rows", [(OLD,), (OLD, JAX)])
def test_nothing_to_compare_is_no_section(rows):
    assert sections(*rows) == {}


def test_one_repeat_gives_ratios_no_verdict_and_the_way_to_one():
    (note, table, *_) = sections(OLD[:1], NEXT[:1])["upgrades"].blocks
    assert flat(note.texts[0]).endswith("With one repeat there is no verdict: use --repeats 5.")
    assert flat(table.rows[0][2]) == "2.00× not enough repeats"
