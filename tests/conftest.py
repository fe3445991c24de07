"""Shared by all tests: a Docker engine and a Slurm cluster for those that need one, and the cells of 2017."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.stacks.images.engine import connect

ROOT = Path(__file__).resolve().parent.parent
#: In CI a test that needs an engine or a cluster and cannot have one is a failure, not a skip.
REQUIRED = os.environ.get("KERAS_ORCHESTRATE_REQUIRE_CONTAINERS") == "1"
REQUIRED_CLUSTER = os.environ.get("KERAS_ORCHESTRATE_REQUIRE_CLUSTER") == "1"


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # As in a shell's background: the commands under test would inherit it, and be right not to listen to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def engine():
    """A client of a real Docker engine; without one the test is skipped, in CI it fails."""
    try:
        return connect()
    except HostError as error:
        if REQUIRED:
            raise
        pytest.skip(f"no Docker engine: {error.message}")


@pytest.fixture(scope="session")
def cluster():
    """A Slurm cluster of two nodes on this host; where none can be started the test is skipped, in CI it fails."""
    from tests.fakes import slurm_cluster  # few tests need it

    why = slurm_cluster.missing()
    if why:
        assert not REQUIRED_CLUSTER, why
        pytest.skip(why)
    with slurm_cluster.running() as made:
        yield made


@pytest.fixture(scope="session")
def cells(engine, tmp_path_factory):
    """The twenty cells of 2017 at `smoke`, run once on this host: the images are built where they are not there yet.

    Gives the results folder, the exit code, the rows and standard error.
    """
    from tests.cells import STACKS_OF_2017, run  # which needs this module

    out = tmp_path_factory.mktemp("cells")
    stacks = [word for stack in STACKS_OF_2017 for word in ("--stack", stack)]
    return out, *run(out, "--launcher", "docker", *stacks)
