"""Two users of one engine, at once and with every stack: neither is in the other's way, nor runs what he made."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.plan.catalog import load_catalog
from tests.cells import reasons
from tests.fakes import second_user
from tests.fakes.relay import relay

pytestmark = [pytest.mark.containers, pytest.mark.slow]
USERS = (12345, 12346)


@pytest.fixture
def built(engine, image_of):
    """The engine with every image; the caches of these users are removed afterwards."""
    for stack in load_catalog().stacks:
        if not stack.like:
            image_of(stack.name)
    yield engine
    for volume in engine.volumes.list():
        if any(f"-u{user}-" in volume.name for user in USERS):
            volume.remove()


@pytest.fixture
def way(built, tmp_path):
    """The engine's socket by a path that every user can reach, in a folder for them."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not engine.startswith("unix://"):
        pytest.skip(f"other users have no way to {engine}")
    with second_user.shared_folder() as folder, relay(engine.removeprefix("unix://"), folder / "docker.sock"):
        yield folder


def start(user: int, folder: Path) -> subprocess.Popen[str]:
    """A run of the smallest workload by a user with nothing but a number, a home and the engine."""
    home = folder / str(user)
    home.mkdir()
    os.chown(home, user, user)
    *before, program = second_user.python(uid=user)
    words = ["run", "--config", "smoke", "--workload", "mnist_mlp", "--launcher", "docker", "--device", "cpu"]
    words += ["--threads", "1", "--json", "--out", str(home / "results"), "--no-fetch"]
    place = f"DOCKER_HOST=unix://{folder}/docker.sock"
    argv = [*before, f"HOME={home}", place, program, "-m", "tests.fakes.no_report", *words]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home)


def test_two_users_run_every_stack_on_one_engine_at_once(built, way):
    backends = {(s.name, b.name) for s in load_catalog().stacks if not s.like for b in s.backends}
    for user, process in [(user, start(user, way)) for user in USERS]:
        stdout, stderr = process.communicate(timeout=900)
        assert process.returncode == 0, stderr
        rows = json.loads(stdout)["results"]
        assert reasons(rows) == {}
        assert Counter((row["stack"], row["backend"]) for row in rows) == dict.fromkeys(backends, 1)
        # The other has compiled the same at the same time, or before; and it was not taken.
        assert {row["cache"] for row in rows if row["backend"] == "theano"} == {"cold"}
        assert {path.lstat().st_uid for path in (way / str(user) / "results").rglob("*")} == {user}
    for user in USERS:
        assert [v.name for v in built.volumes.list() if f"keras2-theano-theano-u{user}-" in v.name]
