"""Recorded runs, and trends of made-up nights."""

from __future__ import annotations

import shutil

import pytest

from orchestrator.history.nights import read_nights
from orchestrator.history.trend import trend
from orchestrator.plan.catalog import load_catalog
from tests.replay.record import RECORDED


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shutil.unpack_archive(RECORDED, folder)
    return sorted(folder.iterdir())


@pytest.fixture
def trend_of():
    return lambda results, by="date": trend(read_nights([results], load_catalog()), by)
