"""A GPU image without a GPU: CNTK's, built for real, and CUDA files taken out of an image."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import docker.errors
import msgspec
import pytest

from orchestrator.data.declared import load_datasets
from orchestrator.data.find import resolve
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.cuda import find as cuda_files
from orchestrator.stacks.images import sbom
from orchestrator.stacks.images.engine import inspect
from tests.cells import PARAMETERS
from tests.fakes.libraries import driverless, library, tar

pytestmark = pytest.mark.containers

CATALOG = load_catalog()
STACK = CATALOG.stack("keras2-tensorflow-cntk")
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
TENSORFLOW = "/opt/venv/lib/python2.7/site-packages/tensorflow/python/_pywrap_tensorflow_internal.so"
CNTK = "import cntk; print('%s %s' % (cntk.__version__, [str(d) for d in cntk.all_devices()]))"


@pytest.fixture(scope="module")
def image(image_of: Any) -> str:
    """The image with CNTK's own CUDA and nobody else's; one with more serves as well."""
    image_of(STACK.name)  # of the same base, which is made once
    return image_of(STACK.name, "gpu", without_cuda=True)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """In place of what NVIDIA's toolkit mounts: a driver that says it is not there."""
    path = driverless(tmp_path_factory.mktemp("driver"))
    return {str(path): {"bind": f"{LIBRARIES}/{path.name}", "mode": "ro"}}


def run(
    engine: Any, image: str, command: list[str], volumes: dict[str, Any], more: dict[str, str] | None = None
) -> str:
    """What a command prints in a container as hardened as a job's."""
    output = engine.containers.run(
        image,
        command,
        remove=True,
        user=f"{os.getuid() or 65534}:{os.getgid() or 65534}",
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        tmpfs={"/tmp": ""},
        environment={**STACK.backend("cntk").env, "OMP_NUM_THREADS": "1", **(more or {})},
        volumes=volumes,
    )
    return output.decode()


@pytest.mark.slow
def test_cntk_starts_from_its_own_cuda_and_finds_no_gpu(engine: Any, image: str, driver: Any):
    assert run(engine, image, ["python", "-c", CNTK], driver).splitlines()[-1] == "2.5.1 ['CPU']"


@pytest.mark.slow
def test_without_a_driver_cntk_says_which_library_is_missing(engine: Any, image: str):
    script = f"try:\n    {CNTK}\nexcept ImportError as error:\n    print(error)"
    assert "libnvidia-ml.so.1: cannot open shared object file" in run(engine, image, ["python", "-c", script], {})


@pytest.mark.slow
def test_the_image_says_that_tensorflow_cannot_work_and_it_cannot_for_want_of_cuda_alone(engine: Any, image: str):
    info = inspect(engine, image)
    assert info is not None
    assert info.unusable in ([], ["tensorflow"])  # none, if somebody had built it whole before
    listed = run(engine, image, ["ldd", TENSORFLOW], {}).splitlines()
    missing = {line.split()[0] for line in listed if "not found" in line}
    assert missing == {"libcuda.so.1", *(STACK.images["gpu"].cuda if info.unusable else [])}


@pytest.mark.slow
def test_cntks_gpu_build_trains_on_the_cpu(engine: Any, image: str, driver: Any, tmp_path: Path):
    workload = CATALOG.workload("mnist_mlp")
    scale = workload.scales["smoke"]
    folder = os.environ.get("KERAS_ORCHESTRATE_TEST_DATA")
    given = Path(folder) if folder else None
    found = resolve(load_datasets(), ["mnist"], given, allow_fetch=False, allow_synthetic=True, say=print)
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    volumes = {
        **driver,
        str(CATALOG.workloads_dir): {"bind": "/workloads", "mode": "ro"},
        found["mnist"].path: {"bind": "/data/mnist.npz", "mode": "ro"},
        str(out): {"bind": "/out", "mode": "rw"},
    }
    sizes = {"epochs": scale.epochs, "train": scale.train, "validation": scale.validation}
    words = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    command = ["python", "-B", "/workloads/run.py", "mnist_mlp", "--data", "/data/mnist.npz", "--out", "/out", *words]
    with pytest.raises(
        docker.errors.ContainerError, match=r"a GPU was given to this job, but cntk 2\.5\.1 sees only: CPU"
    ):
        run(engine, image, command, volumes)  # never in silence
    run(engine, image, command, volumes, {"NVIDIA_VISIBLE_DEVICES": "none"})
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    losses = [event["loss"] for event in events if event["event"] == "epoch_end"]
    assert len(losses) == scale.epochs
    assert losses[-1] < losses[0]
    assert PARAMETERS["mnist_mlp"] in [event.get("parameters") for event in events]


def test_cuda_files_can_come_out_of_an_image(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name = "keras-orchestrate-test/cuda:made-up"
    members: dict[str, Any] = {
        "usr/local/cuda": "-> /usr/local/cuda-8.0",
        "usr/local/cuda-8.0/lib64/libcudart.so.8.0": "-> libcudart.so.8.0.61",
        "usr/local/cuda-8.0/lib64/libcudart.so.8.0.61": library("libcudart.so.8.0"),
        "usr/lib/libcudnn.so.6": "-> /etc/alternatives/libcudnn.so.6",
        "etc/alternatives/libcudnn.so.6": "-> /usr/lib/libcudnn.so.6.0.21",
        "usr/lib/libcudnn.so.6.0.21": library("libcudnn.so.6"),
    }
    engine.api.import_image_from_data(tar(members), repository="keras-orchestrate-test/cuda", tag="made-up")
    try:
        variant = msgspec.structs.replace(STACK.images["gpu"], cuda=["libcudart.so.8.0", "libcudnn.so.6"])
        stack = msgspec.structs.replace(STACK, images={"gpu": variant})
        found = cuda_files.find(engine, stack, "gpu", CATALOG, BuildSettings(cuda_base=name), print)
        assert found["lib/libcudart.so.8.0"].path.read_bytes() == library("libcudart.so.8.0")
        assert found["lib/libcudnn.so.6"].path.read_bytes() == library("libcudnn.so.6")
        assert engine.containers.list(all=True, filters={"ancestor": name}, ignore_removed=True) == []
    finally:
        engine.images.remove(name)


@pytest.mark.slow
def test_the_bill_of_materials_comes_from_inside_the_image(engine: Any, image: str):
    info = inspect(engine, image)
    assert info is not None
    bill = sbom.document(image, info, "bullseye", sbom.listing(engine, image))
    purls = {component.get("purl", "") for component in bill["components"]}
    assert {"pkg:pypi/cntk-gpu@2.5.1", "pkg:pypi/tensorflow-gpu@1.3.0"} <= purls
    assert any(purl.startswith("pkg:deb/debian/libgomp1@") for purl in purls)
