"""compose.yaml as its header says, by Debian's docker-compose 1.29: every cpu service, whoever ran before."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from orchestrator.plan.catalog import load_catalog
from tests.conftest import REQUIRED, ROOT
from tests.fakes.roots import make_data

pytestmark = [pytest.mark.containers, pytest.mark.slow]
STACKS = [stack.name for stack in load_catalog().stacks if not stack.like]
USERS = ("65534:65534", "1000:1000")


@pytest.fixture
def compose(engine, image_of, tmp_path):
    """A function that runs a service as a user: (exit code, what it said, its folder)."""
    if not shutil.which("docker-compose"):
        assert not REQUIRED, "docker-compose is not installed"
        pytest.skip("docker-compose is not installed (Debian's package of that name)")
    data = make_data(tmp_path / "data")

    def run(stack, user, *words, options=()):
        image_of(stack)
        out = tmp_path / user.replace(":", "-")
        out.mkdir(exist_ok=True)
        if os.getuid() == 0:
            os.chown(out, *map(int, user.split(":")))
        else:
            out.chmod(0o777)
        argv = ["docker-compose", "--profile", "cpu", "run", *options, "--rm", f"{stack}-cpu", *words]
        variables = {"JOB_USER": user, "DATA_DIR": str(data), "OUT": str(out)}
        done = subprocess.run(argv, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr, out

    return run


@pytest.mark.parametrize("stack", STACKS)
def test_each_service_trains_whoever_ran_before(compose, engine, stack):
    before = {volume.name for volume in engine.volumes.list()}
    first, second = USERS if STACKS.index(stack) % 2 else reversed(USERS)
    look = ("-c", "import keras")  # which is where Theano opens what it keeps
    code, said, _ = compose(stack, first, *look, options=("--entrypoint", "python"))
    assert code == 0, said
    sizes = ("--epochs", "1", "--train", "128", "--validation", "64")
    code, said, out = compose(stack, second, "mnist_mlp", "--data", "/data/mnist.npz", "--out", "/out", *sizes)
    assert code == 0, said
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events][-1] == "end"
    kept = {name: count["before"] for name, count in events[-1]["caches"].items()}
    assert kept == ({"/cache/theano": 0} if stack == "keras2-theano" else {}), "a cache is nobody else's"
    assert {volume.name for volume in engine.volumes.list()} == before
