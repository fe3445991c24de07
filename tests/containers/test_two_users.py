"""Two users of one engine, at once and with every stack: neither is in the other's way, nor runs what he made."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.plan.catalog import load_catalog
from tests.cells import data_words, reasons
from tests.fakes import second_user

pytestmark = [pytest.mark.containers, pytest.mark.slow]
USERS = (12345, 12346)


@pytest.fixture
def built(engine, image_of):
    """The engine with every image; the caches of these users are removed afterwards."""
    for stack in load_catalog().stacks:
        if "cpu" in stack.images:
            image_of(stack.name)
    yield engine
    for volume in engine.volumes.list():
        if any(f"-u{user}-" in volume.name for user in USERS):
            volume.remove()


def start(user: int, folder: Path) -> subprocess.Popen[str]:
    """A run of the smallest workload by a user with nothing but a number, a home and the engine's group."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    socket = Path(engine.removeprefix("unix://"))
    if not socket.exists() or not stat.S_ISSOCK(socket.stat().st_mode):
        pytest.skip(f"other users have no way to {engine}")
    home = folder / str(user)
    home.mkdir()
    os.chown(home, user, user)
    *before, program = second_user.python(uid=user, groups=[socket.stat().st_gid])
    words = ["run", "--config", "smoke", "--workload", "mnist_mlp", "--launcher", "docker", "--device", "cpu"]
    words += ["--threads", "1", "--json", "--out", str(home / "results"), *data_words()]
    argv = [*before, f"HOME={home}", f"DOCKER_HOST={engine}", program, "-m", "tests.fakes.no_report", *words]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home)


def test_two_users_run_every_stack_on_one_engine_at_once(built):
    backends = {(s.name, b.name) for s in load_catalog().stacks if "cpu" in s.images for b in s.backends}
    with second_user.shared_folder() as folder:
        for user, process in [(user, start(user, folder)) for user in USERS]:
            stdout, stderr = process.communicate(timeout=900)
            assert process.returncode == 0, stderr
            rows = json.loads(stdout)["results"]
            assert reasons(rows) == {}
            assert Counter((row["stack"], row["backend"]) for row in rows) == dict.fromkeys(backends, 1)
            # The other has compiled the same at the same time, or before; and it was not taken.
            assert {row["cache"] for row in rows if row["backend"] == "theano"} == {"cold"}
            assert {path.lstat().st_uid for path in (folder / str(user) / "results").rglob("*")} == {user}
        for user in USERS:
            assert [v.name for v in built.volumes.list() if f"keras2-theano-theano-u{user}-" in v.name]
