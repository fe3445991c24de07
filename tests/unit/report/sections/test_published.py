"""Others' figures beside ours: of the same model and backend, nearest in time, and never a verdict."""

from __future__ import annotations

import pytest

from orchestrator.report.published import sources
from orchestrator.report.sections.published import beside, build
from tests.unit.report.makers import contender, view_of

WOOLF = next(source for source in sources() if source.name == "woolf-2017-06")


def row(backend, version, released, seconds, **more) -> list[dict]:
    more = {"stack": f"{backend}-{version}", "gpu_name": "Tesla T4", "epoch_s_article": seconds, **more}
    return contender(backend, 1.0, framework_version=version, released=released, **more)


OURS = [*row("tensorflow", "1.3.0", "2017-08", 2.0), *row("cntk", "2.5.1", "2018-04", 3.0)]


def test_the_same_model_and_backend_stand_beside_each_other_with_ratios_of_their_own_side():
    found = {each.figure.backend: each for each in beside(view_of(OURS).layout, WOOLF)}
    assert set(found) == {"tensorflow", "cntk"}
    cntk = found["cntk"]
    assert (cntk.figure.value, cntk.ours, cntk.contender) == (2.768, 3.0, "CNTK 2.5.1")
    assert cntk.theirs_to_baseline == pytest.approx(2.768 / 3.374) and cntk.ours_to_baseline == pytest.approx(1.5)


def test_the_version_nearest_in_time_is_taken_and_none_of_another_age():
    rows = [*OURS, *row("tensorflow", "1.15.0", "2019-06", 0.5)]
    (tensorflow,) = [each for each in beside(view_of(rows).layout, WOOLF) if each.figure.backend == "tensorflow"]
    assert tensorflow.contender == "TensorFlow 1.3.0"
    assert not list(beside(view_of(row("tensorflow", "2.21.0", "2026-07", 0.5)).layout, WOOLF))
    assert not list(beside(view_of(row("tensorflow", "1.3.0", None, 0.5)).layout, WOOLF))


def test_the_page_names_both_hardwares_and_judges_nothing():
    section = build(view_of(OURS, sources=sources()))
    assert section and all(block.only == "html" for block in section.blocks)
    (note, *_) = section.blocks[0].texts
    assert "judge nothing" in note and "Ours ran on Tesla T4, at the scale quick, where an epoch" in note
    table = next(block for block in section.blocks if block.kind == "table")
    assert table.fold == "2 figures of Max Woolf, 2017-06, beside ours"
    where = "Tesla K80 on Google Compute Engine"
    assert table.rows[1] == ["MNIST MLP", "CNTK", where, "2.77 s", "3.00 s", "CNTK 2.5.1", "0.82×", "1.50×"]
    assert "the Keras team (2024-04)" in section.blocks[-1].hint


def test_a_run_of_other_models_has_no_such_section():
    other = [{**each, "workload": "babi_rnn"} for each in OURS]
    assert build(view_of(other, sources=sources())) is None
    assert build(view_of(OURS)) is None
