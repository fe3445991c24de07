"""The files of others' figures: complete, dated, and of models that there are."""

from __future__ import annotations

import re

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.report.published import sources
from orchestrator.report.style import BACKENDS


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_a_source_says_what_when_where_and_what_is_comparable(source):
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", source.published)
    assert source.url.startswith("https://") and source.code.startswith("https://")
    assert all((source.title, source.author, source.hardware, source.software, source.counts, source.comparable))
    assert source.figures and all(figure.value > 0 and figure.source for figure in source.figures)
    assert {figure.backend for figure in source.figures} <= set(BACKENDS)
    assert set(source.same) <= {workload.name for workload in load_catalog(None).workloads}
    assert source.unit == "s/epoch" or not source.same  # what stands beside ours is counted as ours


def test_no_figure_is_given_twice():
    for source in sources():
        keys = [(f.model, f.backend, f.keras, f.batch, source.where(f)) for f in source.figures]
        assert len(keys) == len(set(keys)), source.name


def test_they_are_the_oldest_first_and_keras_own_page_is_among_them():
    found = sources()
    assert [source.published for source in found] == sorted(source.published for source in found)
    (page,) = [source for source in found if source.name == "keras-io-2024"]
    bert = {(f.backend, f.keras): f.value for f in page.figures if f.model == "BERT, fit"}
    assert bert == {("tensorflow", "Keras 2"): 486.0, ("tensorflow", "Keras 3"): 214.49, ("jax", "Keras 3"): 222.37,
                    ("torch", "Keras 3"): 808.68}  # fmt: skip
    assert not page.same
