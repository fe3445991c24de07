"""Building without an engine: what it is sent, what is made of its answers, what people are told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator import __version__
from orchestrator.environment import CA_BUNDLES, CHOICES, PIP_SOURCES, UV_SOURCES
from orchestrator.errors import HostError, UserError
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.cuda import find as cuda_files
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images import recipe
from orchestrator.stacks.images.engine import RECIPE_LABEL, inspect
from tests.fakes.docker_engine import FakeEngine

CATALOG = load_catalog()
NAME = f"keras-orchestrate/keras1-mxnet:{__version__}-cpu"
MXNET = CATALOG.stack("keras1-mxnet")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch):
    for name in (*PIP_SOURCES, *UV_SOURCES, *CHOICES, *CA_BUNDLES, "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def said() -> list[str]:
    return []


def build(engine: FakeEngine, folder: Path, said: list[str], **settings: Any) -> image_build.BuiltImage:
    chosen = BuildSettings(base_image="own:1", log_dir=str(folder), **settings)
    return image_build.build(engine, MXNET, "cpu", CATALOG, chosen, said.append)


def test_a_build_sends_only_what_the_dockerfile_copies(tmp_path: Path, said: list[str]):
    engine = FakeEngine()
    built = build(engine, tmp_path, said)
    assert built.name == NAME
    assert not built.reused
    assert engine.context == ["Dockerfile", "requirements/keras1-mxnet-cpu.txt", "requirements/python2-tools.txt"]
    assert engine.requests[0]["buildargs"]["BASE_IMAGE"] == "own:1"
    assert said == [
        f"the packages of {built.name} come from https://pypi.org/simple (the default)",
        f"building {built.name}",
        f"{built.name} 1/2: FROM x",
        f"{built.name} 2/2: RUN make",
        f"{built.name}: 500 MB, built in 0 s",
    ]
    assert "made" in next(tmp_path.glob("*.log")).read_text()


def test_an_image_of_the_same_recipe_is_not_built_again(tmp_path: Path, said: list[str]):
    engine = FakeEngine()
    build(engine, tmp_path, said)
    assert build(engine, tmp_path, said).reused
    assert not build(engine, tmp_path, said, no_cache=True).reused
    engine.known[NAME].labels[RECIPE_LABEL] = "0" * 64
    assert not build(engine, tmp_path, said).reused


def test_lines_are_put_together_and_lose_their_colours():
    chunks = ["Step 1/1 : RUN x\n", "\x1b[91mE", ": no such", " package\n\x1b[0m", "end"]
    lines = list(image_build.output_lines([{"stream": chunk} for chunk in chunks]))
    assert lines == ["Step 1/1 : RUN x", "E: no such package", "end"]


def test_only_the_failing_steps_own_lines_are_shown(tmp_path: Path):
    answers = [{"stream": "Step 1/2 : RUN a\nfine\nStep 2/2 : RUN b\n\nbad\n"}]
    engine = FakeEngine([*answers, {"error": "The command '/bin/sh -c b' returned a non-zero code: 7"}])
    with pytest.raises(HostError) as caught:
        build(engine, tmp_path, [])
    head = f"the build of {NAME} failed at Step 2/2 : RUN b"
    assert caught.value.message == f"{head}\n  bad\n  the command returned a non-zero code: 7"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("ssl.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "--ca-bundle"),
        ("Temporary failure resolving 'deb.debian.org'", "--debian-mirror"),
        ("E: Failed to fetch http://deb.debian.org/x", "--debian-mirror"),
        ("OSError: [Errno 28] No space left on device", "docker system prune"),
        ("ERROR: No matching distribution found for torch==2.13.0+cpu", "PIP_FIND_LINKS"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "do not use it"),
    ],
)
def test_a_failing_step_is_named_with_its_last_lines_and_what_to_do(tmp_path: Path, line: str, hint: str):
    engine = FakeEngine([{"stream": f"Step 3/9 : RUN pip install\n---> Running\n{line}\n"}, {"error": "returned 1"}])
    with pytest.raises(HostError) as caught:
        build(engine, tmp_path, [])
    assert "failed at Step 3/9 : RUN pip install" in caught.value.message
    assert line in caught.value.message
    assert "returned 1" in caught.value.message
    assert hint in caught.value.hint
    assert str(tmp_path) in caught.value.hint


def test_a_stack_without_that_image_is_the_users_mistake(tmp_path: Path):
    fields = {name: getattr(MXNET, name) for name in MXNET.__struct_fields__}
    cpu_only = type(MXNET)(**{**fields, "images": {"cpu": MXNET.images["cpu"]}})
    with pytest.raises(UserError, match="keras1-mxnet has no gpu image"):
        image_build.build(FakeEngine(), cpu_only, "gpu", CATALOG, BuildSettings(), print)


TWO = CATALOG.stack("keras2-tensorflow-cntk")
GPU_NAME = f"keras-orchestrate/keras2-tensorflow-cntk:{__version__}-gpu"


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: Any) -> dict[str, cuda_files.Found]:
        raise HostError("no route gave libcudart.so.8.0", "See CUDA.md.")

    monkeypatch.setattr(cuda_files, "find", find)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every CUDA file is had by a route called made."""

    def find(client: Any, stack: Any, device: Any, *_: Any) -> dict[str, cuda_files.Found]:
        (tmp_path / "file").write_bytes(b"x")
        places = stack.images[device].outside_files
        return {place: cuda_files.Found(path=tmp_path / "file", route="made") for place in places}

    monkeypatch.setattr(cuda_files, "find", find)


def build_gpu(
    engine: FakeEngine, folder: Path, said: list[str], stack: Any = TWO, **settings: Any
) -> image_build.BuiltImage:
    chosen = BuildSettings(base_image="own:1", log_dir=str(folder), **settings)
    return image_build.build(engine, stack, "gpu", CATALOG, chosen, said.append)


def test_cuda_files_travel_in_the_context_and_the_image_says_who_gave_them(tmp_path: Path, said: list[str], cuda: None):
    engine = FakeEngine()
    build_gpu(engine, tmp_path, said)
    assert "cuda/8.0/lib/libcudnn.so.6" in engine.context
    assert "CUDA.md" in engine.context
    labels = engine.requests[0]["labels"]
    assert "libcudnn.so.6=made" in labels[recipe.CUDA_LABEL]
    info = inspect(engine, GPU_NAME)
    assert info is not None and info.unusable == []


def test_without_cuda_files_the_image_serves_the_backends_that_bring_their_own(
    tmp_path: Path, said: list[str], no_cuda: None
):
    engine = FakeEngine()
    assert not build_gpu(engine, tmp_path, said).reused
    assert {"no route gave libcudart.so.8.0", "Building keras2-tensorflow-cntk for cntk only. See CUDA.md."} <= set(
        said
    )
    assert not [name for name in engine.context if "cuda" in name.lower()]
    info = inspect(engine, GPU_NAME)
    assert info is not None and info.unusable == ["tensorflow"]
    assert build_gpu(engine, tmp_path, said).reused


def test_once_the_files_can_be_had_the_image_is_built_whole_and_then_serves_those_without_too(
    tmp_path: Path, said: list[str], cuda: None
):
    engine = FakeEngine()
    build_gpu(engine, tmp_path, said, without_cuda=True)
    assert not [line for line in said if "only" in line]  # asked for, nothing to explain
    assert not build_gpu(engine, tmp_path, said).reused
    info = inspect(engine, GPU_NAME)
    assert info is not None and info.unusable == []
    assert build_gpu(engine, tmp_path, said, without_cuda=True).reused
    assert not build_gpu(engine, tmp_path, said, cuda_dir=str(tmp_path)).reused


def test_a_stack_without_any_such_backend_is_not_built(tmp_path: Path, said: list[str], no_cuda: None):
    with pytest.raises(HostError, match="no route gave"):
        build_gpu(FakeEngine(), tmp_path, said, MXNET)
    with pytest.raises(UserError, match="no backend of keras1-mxnet brings its own CUDA"):
        build_gpu(FakeEngine(), tmp_path, said, MXNET, without_cuda=True)


@pytest.mark.parametrize(
    ("networks", "arguments", "mode"),
    [
        (["host", "bridge"], {}, "default"),
        (["host", "none"], {}, "host"),
        (["host", "bridge"], {"https_proxy": "http://user@127.0.0.1:3128"}, "host"),
        (["host", "bridge"], {"PIP_EXTRA_INDEX_URL": "https://a http://localhost:3141/simple"}, "host"),
        (["host", "bridge"], {"PIP_INDEX_URL": "http://[::1]:3141/simple"}, "host"),
        (["host", "bridge"], {"PIP_INDEX_URL": "https://mirror/localhost/simple"}, "default"),
        (["host", "bridge"], {"https_proxy": "http://proxy:3128", "no_proxy": "localhost"}, "default"),
    ],
)
def test_a_build_uses_the_hosts_network_only_where_it_must(networks: list[str], arguments: dict[str, str], mode: str):
    engine = FakeEngine()
    engine.networks_there = networks
    assert image_build.build_network(engine, arguments) == mode


def test_no_line_of_a_build_tells_a_password():
    answers = [{"stream": "Looking in indexes: https://me:S3"}, {"stream": "CRET@host/simple\nx https://a:S3CRET@b"}]
    lines = list(image_build.output_lines([*answers, {"error": "cannot reach https://me:S3CRET@host/?token=S3CRET"}]))
    assert lines == [
        "Looking in indexes: https://host/simple",
        "x https://b",
        "FAILED: cannot reach https://host/",
    ]


def test_a_python_that_no_base_image_has_is_told_before_anything_is_built(tmp_path: Path, said: list[str]):
    engine = FakeEngine()
    stack = msgspec.structs.replace(MXNET, python="3.7")
    with pytest.raises(
        HostError, match=r"no base image has Python 3\.7 \(bullseye has 2\.7 and 3\.9; bookworm has 3\.11\)"
    ):
        image_build.build(engine, stack, "cpu", CATALOG, BuildSettings(log_dir=str(tmp_path)), said.append)
    assert engine.requests == []
