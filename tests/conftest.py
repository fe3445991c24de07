"""Shared by all tests: no test reads the caller's caches, container tests need an engine, what is dear is made once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from orchestrator.errors import HostError
from orchestrator.files import cache_locked
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images.engine import connect

ROOT = Path(__file__).resolve().parent.parent
#: In CI a test that needs an engine or a cluster and cannot have one is a failure, not a skip.
REQUIRED = os.environ.get("KERAS_ORCHESTRATE_REQUIRE_CONTAINERS") == "1"
REQUIRED_CLUSTER = os.environ.get("KERAS_ORCHESTRATE_REQUIRE_CLUSTER") == "1"
#: With several workers, the tests of a file run on one of them, and so do the files of a group: they would disturb each
#: other on the host's engine, or wait for the same cluster. The longest begin; slow files come next, quick ones last.
GROUPS = {
    "engine": (
        "tests/cluster/test_containers.py",
        *(
            f"tests/containers/test_{name}.py"
            for name in ("cells", "faults", "hardening", "runtimes", "soak", "two_users")
        ),
    ),
    "cluster": (
        *(f"tests/cluster/test_{name}.py" for name in ("faults", "granted", "runs")),
        "tests/contracts/test_executors.py",
    ),
    "images": ("tests/containers/test_images.py",),
    "eras": ("tests/containers/test_eras.py",),
    "environments": ("tests/processes/test_cells.py",),
    "steps": ("tests/processes/test_steps.py",),
    "gpu image": ("tests/containers/test_gpu_images.py",),
    "own engine": ("tests/containers/test_engine_faults.py",),
}


#: Of `make test-fast`; `make test` draws the usual number of examples.
#: On a busy machine a slow draw is no fault.
hypothesis.settings.register_profile("default", suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None)
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("default"), max_examples=20)
hypothesis.settings.load_profile("default")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # As in a shell's background: the commands under test would inherit it, and be right not to listen to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # as under nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def group(nodeid: str) -> str:
    path = nodeid.partition("::")[0]
    return next((name for name, paths in GROUPS.items() if path in paths), path)


class Groups(LoadScopeScheduling):
    """What `--dist loadscope` does here. (pytest-xdist 3.8 does not see its own `xdist_group` under pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    return Groups(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = {group(item.nodeid) for item in items if item.get_closest_marker("slow")}
        order = [*GROUPS, *sorted(slow - {*GROUPS})]
        items.sort(key=lambda item: order.index(name) if (name := group(item.nodeid)) in order else len(order))


@pytest.fixture(scope="session", autouse=True)
def own_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test makes or reads the caller's own key (orchestrator/run/owner.py), nor do the programs that tests start."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this session that all of its workers see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(answer: Path, make: Callable[[], object]) -> Any:
    """What `make` gave the first worker that asked, kept in `answer` as JSON; others wait for it."""
    with cache_locked(answer):
        if not answer.exists():
            answer.write_text(json.dumps(make()))
    return json.loads(answer.read_text())


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
def image_of(engine, shared):
    """A function that gives the name of a stack's image, built where it is missing: by one worker, others wait."""
    catalog = load_catalog()

    def ready(name: str, device: str = "cpu", **settings: Any) -> str:
        def made() -> str:
            stack = catalog.stack(name)
            return image_build.build(engine, stack, device, catalog, BuildSettings(**settings), print).name

        return once(shared / f"image-{name}-{device}.json", made)

    return ready


@pytest.fixture(scope="session")
def cells(engine, shared):
    """The twenty cells of 2017 at `smoke`, run once on this host: the images are built where they are not there yet.

    Gives the results folder, the exit code, the rows and standard error.
    """
    from tests.cells import STACKS_OF_2017, run  # which needs this module

    out = shared / "cells"
    stacks = [word for stack in STACKS_OF_2017 for word in ("--stack", stack)]

    def made() -> tuple[int, list[dict], str]:
        with contextlib.ExitStack() as held:  # nobody else builds what the run builds
            for stack in STACKS_OF_2017:
                held.enter_context(cache_locked(shared / f"image-{stack}-cpu.json"))
            return run(out, "--launcher", "docker", *stacks)

    return out, *once(shared / "cells.json", made)
