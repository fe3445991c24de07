"""The images really build, hold what was locked and nothing of the host, and serve any hardened job."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner

from orchestrator import __version__
from orchestrator.cli.app import cli
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images.engine import inspect

pytestmark = pytest.mark.containers

CATALOG = load_catalog()
#: Today's first: at the same time a run makes those of 2017 (tests/conftest.py).
IN_ORDER = sorted((stack for stack in CATALOG.stacks if not stack.like), key=lambda stack: stack.article)
#: Files of the build stage, certificates of the host.
LEFT = "find / -xdev '(' -path '/build*' -o -name 'ca-bundle*' -o -name '*.whl' ')' 2>/dev/null || :"
BACKENDS = [
    pytest.param(stack, backend, id=f"{stack.name}-{backend.name}", marks=[pytest.mark.slow] * (not stack.article))
    for stack in IN_ORDER
    for backend in stack.backends
]
STACKS = [pytest.param(stack, id=stack.name, marks=[pytest.mark.slow] * (not stack.article)) for stack in IN_ORDER]


def job(engine: Any, image: str, command: list[str], **settings: Any) -> str:
    """What a command prints in a container as hardened as a job's."""
    output = engine.containers.run(
        image,
        command,
        remove=True,
        user="1000:1000",
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        **{"tmpfs": {"/tmp": ""}, **settings},
    )
    return output.decode()


def test_an_image_is_looked_into_by_its_command(image_of: Any):
    name = image_of("keras1-mxnet")
    answer = CliRunner().invoke(cli, ["images", "check", "--device", "cpu", "--stack", "keras1-mxnet", "--json"])
    assert answer.exit_code == 0, answer.output
    (image,) = json.loads(answer.stdout)["images"]
    assert (image["name"], image["imports"], image["faults"]) == (name, {"mxnet": "0.11.0"}, [])
    assert image["inside"]["libraries"] > 50 and image["size_mb"] > 100


@pytest.mark.parametrize(("stack", "backend"), BACKENDS)
def test_keras_starts_on_every_backend_without_root_network_or_a_writable_disk(
    engine: Any, image_of: Any, stack: Any, backend: Any
):
    script = "import keras; from keras import backend as K; print('%s %s' % (K.backend(), keras.__version__))"
    output = job(
        engine,
        image_of(stack.name),
        ["python", "-c", script],
        environment={**backend.env, "OMP_NUM_THREADS": "1"},
        tmpfs={"/tmp": "", **{cache.path: "mode=1777,exec" for cache in stack.caches_for("cpu")}},
    )
    assert output.splitlines()[-1] == f"{backend.name} {stack.keras}"


@pytest.mark.parametrize("stack", STACKS)
def test_the_image_holds_the_locked_versions(engine: Any, image_of: Any, stack: Any):
    lock = (CATALOG.docker_dir / "requirements" / f"{stack.name}-cpu.txt").read_text()
    locked = set(re.findall(r"^([\w.+-]+==[\w.+-]+)", lock, re.MULTILINE))
    frozen = set(job(engine, image_of(stack.name), ["cat", "/opt/venv/packages.txt"]).split())
    assert {normal(pin) for pin in locked} <= {normal(pin) for pin in frozen}


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_of_the_build_is_left_in_the_image(engine: Any, image_of: Any, stack: Any):
    found = job(engine, image_of(stack.name), ["sh", "-c", LEFT])
    assert found == ""


def test_an_image_that_is_current_is_taken_as_it_is(engine: Any, image_of: Any):
    stack = CATALOG.stack("keras1-mxnet")
    image_of(stack.name)
    again = image_build.build(engine, stack, "cpu", CATALOG, BuildSettings(), print)
    assert again.reused
    info = inspect(engine, again.name)
    assert info is not None
    assert info.id == again.id
    assert info.dockerfile_sha256
    assert engine.images.get(again.name).labels["org.opencontainers.image.version"] == __version__


def test_theanos_cache_volume_can_be_written_by_anyone(engine: Any, image_of: Any):
    name = image_of("keras2-theano")
    volume = engine.volumes.create()
    try:
        binds = {volume.name: {"bind": "/cache/theano", "mode": "rw"}}
        job(engine, name, ["touch", "/cache/theano/kept"], volumes=binds)
        assert job(engine, name, ["ls", "/cache/theano"], volumes=binds) == "kept\n"
        assert job(engine, name, ["stat", "-c", "%a", "/cache/theano"], volumes=binds) == "1777\n"
    finally:
        volume.remove()


def test_an_unknown_image_is_none_not_an_error(engine: Any):
    assert inspect(engine, "keras-orchestrate/nothing:0-cpu") is None


def normal(pin: str) -> str:
    return re.sub(r"[-_.]+", "-", pin).lower()
