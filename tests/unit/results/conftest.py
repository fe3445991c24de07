"""Two recorded runs, and one set that was merged from them."""

from __future__ import annotations

import shutil

import pytest

from orchestrator.results import merged_set
from orchestrator.results.source import tables_of_set
from tests.replay.record import RECORDED


@pytest.fixture(scope="package")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shutil.unpack_archive(RECORDED, folder)
    return sorted(folder.iterdir())


@pytest.fixture(scope="package")
def merged(runs, tmp_path_factory):
    """(folder of the set, what was done, its rows); the first run was given twice."""
    to = tmp_path_factory.mktemp("merged") / "set"
    return to, *made([*runs, runs[0]], to)


def made(paths, to):
    """Merges; (what was done, the rows of the set)."""
    done = merged_set.merge_sources(paths, to)
    return done, tables_of_set(to).rows
