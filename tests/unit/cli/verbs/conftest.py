"""Runs that were recorded, and reports without drawings."""

from __future__ import annotations

import shutil

import pytest

from orchestrator.report.drawing import drawn_here
from orchestrator.run import drawn
from tests.replay.record import RECORDED
from tests.unit.report.makers import draw_nothing


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shutil.unpack_archive(RECORDED, folder)
    return sorted(folder.iterdir())


@pytest.fixture
def no_drawing(monkeypatch):
    """The charts are specified, but not drawn: that takes most of the time of a report and has its own tests."""
    draw_nothing(monkeypatch)
    monkeypatch.setattr(drawn, "drawn", drawn_here)
