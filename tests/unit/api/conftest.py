"""Recorded runs, unpacked once; nothing here needs an engine."""

from __future__ import annotations

import shutil

import pytest

from tests.replay.record import CALLS, RECORDED


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """(the run of calls, the first of two that train); only read."""
    folder = tmp_path_factory.mktemp("recorded")
    for archive, name in ((CALLS, "calls"), (RECORDED, "trained")):
        shutil.unpack_archive(archive, folder / name)
    return min((folder / "calls").glob("2*")), min((folder / "trained").glob("2*"))
