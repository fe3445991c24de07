"""The command line in the process of the test, in a folder and a home of its own and without an engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.fakes import in_process


@pytest.fixture
def orchestrate(tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """A function that runs `orchestrate` with these words; other variables of the environment by their names."""

    def call(*words: object, **environment: str) -> CompletedProcess[str]:
        home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "DOCKER_HOST": "unix:///nowhere.sock"}
        return in_process.orchestrate(words, tmp_path, {**home, "COLUMNS": "200", **environment})

    return call
