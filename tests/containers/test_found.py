"""Images that were not made here: another entry point, no labels of ours, no Keras."""

from __future__ import annotations

import json

import pytest

from orchestrator.launchers.sweep import orphans
from tests.cells import PARAMETERS, reasons, run

pytestmark = [pytest.mark.containers, pytest.mark.slow]
#: An entry point that would keep a job waiting, as those of others may.
ENTRY = 'ENTRYPOINT ["/bin/sh", "-c", "echo welcome; exec sleep 1000"]'
NAME = "keras-orchestrate-test/found"


@pytest.fixture(scope="module")
def image(engine, image_of):
    """The file system of an image with Keras and JAX, with nothing that says whose it is."""
    container = engine.containers.create(image_of("keras3-jax"))
    try:
        path = "ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"
        engine.api.import_image_from_data(b"".join(container.export()), NAME, "1", changes=[ENTRY, path])
    finally:
        container.remove(force=True)
    yield f"{NAME}:1"
    engine.images.remove(f"{NAME}:1")


@pytest.fixture(scope="module")
def bare(engine, image):
    """The same without Keras."""
    gone = "rm -r /opt/venv/lib/python3*/site-packages/keras /opt/venv/lib/python3*/site-packages/keras-*"
    container = engine.containers.run(image, [gone], entrypoint=["/bin/sh", "-c"], detach=True, network_mode="none")
    try:
        assert container.wait()["StatusCode"] == 0
        container.commit(NAME, "bare")
    finally:
        container.remove(force=True)
    yield f"{NAME}:bare"
    engine.images.remove(f"{NAME}:bare")


def test_an_image_of_others_runs_the_built_in_workloads_as_it_is(engine, image, tmp_path):
    code, rows, stderr = run(tmp_path, "--image", image, "--workload", "mnist_mlp")
    assert reasons(rows) == {} and code == 0, stderr[-3000:]
    (row,) = rows
    assert (row["stack"], row["backend"], row["parameters"]) == ("found-1", "jax", PARAMETERS["mnist_mlp"])
    assert row["image_digest"] == engine.images.get(image).id
    (plan,) = tmp_path.glob("2*/plan.json")
    (stack,) = json.loads(plan.read_bytes())["stacks"]
    assert stack["found"]["place"] == image and any(each.startswith("jax==") for each in stack["found"]["packages"])
    assert orphans(engine) == []


def test_an_image_without_keras_says_so_before_anything_runs(bare, tmp_path):
    code, rows, stderr = run(tmp_path, "--image", bare, "--workload", "mnist_mlp")
    assert (code, rows) == (3, []) and f"there is no Keras in {bare} (jax is there)" in stderr
    assert not list(tmp_path.glob("2*"))


@pytest.mark.network
def test_a_keras_is_put_beside_it_and_is_on_record(engine, bare, tmp_path):
    code, rows, stderr = run(tmp_path, "--image", bare, "--with", "keras==3.15.1", "--workload", "mnist_mlp")
    assert reasons(rows) == {} and code == 0, stderr[-3000:]
    assert rows[0]["keras_version"] == "3.15.1"
    assert rows[0]["image_digest"].startswith(f"{engine.images.get(bare).id}+with:sha256:")
