"""The first screen: sentences, how sure, the tables, and what explains them."""

from __future__ import annotations

from orchestrator.report.sections.answer import build
from tests.unit.report.makers import contender, two, view_of


def kinds(view):
    return [block.kind for block in build(view).blocks]


def test_the_answer_comes_first_then_how_sure_then_the_table():
    assert kinds(view_of(two([1.0], [2.0]))) == ["paragraphs", "sure", "answer", "paragraphs"]
    assert kinds(view_of(contender("jax", 1.0))) == ["paragraphs", "answer"]


def test_every_group_that_compares_has_a_line_and_a_table_and_the_first_is_the_answer():
    rows = two([1.0], [2.0]) + two([3.0], [5.0], device="gpu", gpu_name="K80")[1:]
    rows += contender("torch", 9.0, device="gpu", gpu_name="K80")
    blocks = build(view_of(rows)).blocks
    tables = [block for block in blocks if block.kind == "answer"]
    assert [(block.name, block.title) for block in tables] == [("answer", "CPU"), ("answer-2", "K80")]
    said = [text[0].text for text in blocks[0].texts]
    assert said == ["CPU", "K80"]


def test_one_that_leads_everywhere_is_said_to():
    rows = [one for host in "ab" for one in two([2.0, 2.0, 2.0], [1.0, 1.0, 1.0], host=host)]
    for one, host in zip(rows[:3] + rows[6:9], "aaabbb", strict=True):
        one["host"] = host
    blocks = build(view_of(rows)).blocks
    assert "".join(getattr(part, "text", part) for part in blocks[0].texts[0]) == (
        "JAX 0.10 takes least time in all two tables."
    )


def test_only_the_words_that_are_there_are_explained():
    hint = build(view_of(two([1.0], [2.0]))).blocks[-1].hint
    assert hint == "Seconds: the median training time of an epoch after the first."
    doubts = build(view_of(two([1.0, 1.3], [1.1, 1.5]))).blocks[-1].hint
    assert "“not certain”: too few repeats" in doubts and "not told apart" not in doubts
