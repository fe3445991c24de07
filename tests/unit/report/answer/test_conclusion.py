"""The answer for terminals and programs is that of the page, word for word."""

from __future__ import annotations

from orchestrator.report.answer.conclusion import conclude, plain
from orchestrator.report.sections.answer import build
from tests.unit.report.makers import contender, two, view_of

CLOSE = [1.0, 1.1, 0.9, 1.05, 0.95], [1.02, 1.13, 0.93, 1.06, 0.98]


def test_it_has_the_sentences_the_doubt_and_the_command_of_the_page():
    for rows in (two(*CLOSE), two([1.0], [2.0]) + two([3.0], [5.0], device="gpu", gpu_name="K80")[1:]):
        view = view_of(rows)
        found, (said, doubt, *_) = conclude(view), build(view).blocks
        assert found.sentences == [plain(text) for text in said.texts]
        assert (found.sure, found.why, found.what_for, found.command) == (
            *(doubt.word, doubt.why, doubt.what_for, doubt.command),
        )


def test_where_nothing_is_compared_only_that_is_said():
    found = conclude(view_of(contender("jax", 1.0)))
    assert (len(found.sentences), found.sure, found.command) == (1, "", "")
    assert "nothing to compare it with" in found.sentences[0]
