"""Runs that were recorded, and reports without drawings."""

from __future__ import annotations

import shutil

import pytest

from orchestrator.report import charts
from tests.replay.record import RECORDED


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shutil.unpack_archive(RECORDED, folder)
    return sorted(folder.iterdir())


@pytest.fixture
def no_drawing(monkeypatch):
    """The charts are specified, but not drawn: that takes most of the time of a report and has its own tests."""
    monkeypatch.setattr(charts, "draw", lambda title, spec: charts.Picture(title=title, spec=spec, svg="", png=b""))
    monkeypatch.setattr(charts, "javascript", str)
