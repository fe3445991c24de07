"""Building without an engine: what it is sent, what is made of its answers, what people are told."""

from __future__ import annotations

import hashlib
import io
import sys
import types
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator import __version__
from orchestrator.errors import HostError, UserError
from orchestrator.launchers import sweep
from orchestrator.model import Plan
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.draft import drop_unready
from orchestrator.plan.jobs import PlanInput, make_jobs
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks import docker as provisioner
from orchestrator.stacks.cuda import find as cuda_files
from orchestrator.stacks.images import base, engine, recipe
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images.context import build_arguments, host_files, recipe_sha256, write_context
from orchestrator.stacks.images.engine import RECIPE_LABEL, inspect
from orchestrator.stacks.settings import choose_ca_bundle
from tests.fakes.engine import FakeEngine

CATALOG = load_catalog()
NAME = f"keras-orchestrate/keras1-mxnet:{__version__}-cpu"
MXNET = CATALOG.stack("keras1-mxnet")
PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch):
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "PIP_FIND_LINKS", "PIP_INDEX_URL", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)


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
    assert said == [f"building {built.name}", f"{built.name} 1/2: FROM x", f"{built.name} 2/2: RUN make"]
    assert "made" in next(tmp_path.glob("*.log")).read_text()


def test_an_image_of_the_same_recipe_is_not_built_again(tmp_path: Path, said: list[str]):
    engine = FakeEngine()
    build(engine, tmp_path, said)
    assert build(engine, tmp_path, said).reused
    assert not build(engine, tmp_path, said, no_cache=True).reused
    engine.known[NAME].labels[RECIPE_LABEL] = "0" * 64
    assert not build(engine, tmp_path, said).reused


def test_the_recipe_follows_dockerfile_and_locks(tmp_path: Path):
    recipes = {recipe_sha256(CATALOG, stack, device, "FROM x") for stack in CATALOG.stacks for device in stack.images}
    assert len(recipes) == 12
    assert recipe_sha256(CATALOG, MXNET, "cpu", "FROM y") not in recipes


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


WISH = {
    **{"backends": ["*"], "variants": ["faithful"], "exclude": [], "scale": "smoke", "repeats": 1},
    **{"epochs": None, "timeout_s": None, "seed": 1, "threads": 1},
}
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
    assert "no route gave libcudart.so.8.0\nBuilding keras2-tensorflow-cntk for cntk only. See CUDA.md." in said
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


def test_jobs_of_a_backend_that_an_image_cannot_serve_are_unsupported_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_cuda: None
):
    monkeypatch.setattr(sweep, "remove_orphans", lambda *_: None)
    settled: list[bool] = []
    monkeypatch.setattr(provisioner, "flush_to_disk", lambda: settled.append(True))
    settings = BuildSettings(base_image="own:1", log_dir=str(tmp_path))
    site = provisioner.DockerProvisioner(FakeEngine(), CATALOG, settings, True, lambda line: None)
    troubles = site.prepare([TWO], "gpu")
    assert settled == [True]  # it was built: no job starts before it is on the disk
    wish = msgspec.convert(
        {**WISH, "stacks": [TWO.name], "device": "gpu", "workloads": ["mnist_mlp"]},
        PlanInput,
    )
    jobs = make_jobs(wish, CATALOG.stacks, CATALOG.workloads)
    draft = Plan(run_id="r", created="", config={}, seed=0, jobs=jobs)
    whole = drop_unready(draft, troubles)
    assert [job.backend for job in whole.jobs] == ["cntk"]
    (skip,) = whole.skipped
    assert (skip.job.backend, skip.status) == ("tensorflow", "unsupported")
    assert "was built without CUDA 8.0, which tensorflow needs" in skip.reason


def test_the_ca_bundle_is_the_given_one_else_the_environments(tmp_path: Path):
    given, named = tmp_path / "given.pem", tmp_path / "named.pem"
    given.write_text(PEM)
    named.write_text(PEM)
    environ = {"REQUESTS_CA_BUNDLE": str(named)}
    assert choose_ca_bundle(str(given), environ) == (given, "--ca-bundle")
    assert choose_ca_bundle(None, environ) == (named, "$REQUESTS_CA_BUNDLE")
    assert choose_ca_bundle(None, {}) is None


def test_a_wrong_ca_bundle_is_told_with_who_named_it(tmp_path: Path):
    with pytest.raises(UserError, match=r"\(\$PIP_CERT\) cannot be read: No such file"):
        choose_ca_bundle(None, {"PIP_CERT": str(tmp_path / "none.pem")})
    (tmp_path / "text.pem").write_text("hello")
    with pytest.raises(UserError, match=r"\(--ca-bundle\) holds no PEM certificate"):
        choose_ca_bundle(str(tmp_path / "text.pem"), {})


def test_locked_wheels_in_a_local_folder_travel_in_the_context(tmp_path: Path, said: list[str]):
    content = b"a wheel"
    (tmp_path / "torch-2.0+cpu-cp311-cp311-linux_x86_64.whl").write_bytes(content)
    (tmp_path / "torch-2.0+cpu-cp312-cp312-linux_x86_64.whl").write_bytes(b"of another hash")
    (tmp_path / "numpy-1.0-py3-none-any.whl").write_bytes(content)
    lock = f"torch==2.0+cpu \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    environ = {"PIP_FIND_LINKS": f"https://elsewhere/wheels {tmp_path.as_uri()}"}
    files, places = host_files(BuildSettings(), environ, lock, said.append)
    assert list(files) == ["wheels/torch-2.0+cpu-cp311-cp311-linux_x86_64.whl"]
    assert places == ["https://elsewhere/wheels"]
    assert said == [f"torch-2.0+cpu-cp311-cp311-linux_x86_64.whl comes from {tmp_path}"]


def test_build_arguments_come_from_settings_then_from_the_environment():
    environ = {"PIP_INDEX_URL": "https://theirs/simple", "HTTPS_PROXY": "http://proxy:3128", "PIP_TRUSTED_HOST": ""}
    arguments = build_arguments(BuildSettings(), environ, "base:1", [], False)
    assert arguments == {
        "BASE_IMAGE": "base:1",
        "PIP_INDEX_URL": "https://theirs/simple",
        "https_proxy": "http://proxy:3128",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    own = BuildSettings(pip_index_url="https://ours/simple", debian_mirror="http://mirror/debian")
    arguments = build_arguments(own, environ, "base:1", ["https://wheels"], True)
    assert arguments["PIP_INDEX_URL"] == "https://ours/simple"
    assert arguments["DEBIAN_MIRROR"] == "http://mirror/debian"
    assert arguments["PIP_FIND_LINKS"] == "https://wheels"
    assert arguments["PIP_EXTRA_INDEX_URL"] == ""  # the wheels are in the context


def test_the_same_context_is_the_same_bytes(tmp_path: Path):
    (tmp_path / "lock.txt").write_text("a==1")
    archives = []
    for _ in range(2):
        (tmp_path / "lock.txt").touch()
        stream = io.BytesIO()
        write_context(stream, "FROM x", {"lock.txt": tmp_path / "lock.txt"})
        archives.append(stream.getvalue())
    assert archives[0] == archives[1]


@pytest.mark.parametrize(
    ("networks", "arguments", "mode"),
    [
        (["host", "bridge"], {}, "default"),
        (["host", "none"], {}, "host"),
        (["host", "bridge"], {"https_proxy": "http://user@127.0.0.1:3128"}, "host"),
        (["host", "bridge"], {"https_proxy": "http://proxy:3128", "no_proxy": "localhost"}, "default"),
    ],
)
def test_a_build_uses_the_hosts_network_only_where_it_must(networks: list[str], arguments: dict[str, str], mode: str):
    engine = FakeEngine()
    engine.networks_there = networks
    assert image_build.build_network(engine, arguments) == mode


BULLSEYE = CATALOG.bases["bullseye"]


def test_auto_pulls_where_a_registry_answers(said: list[str]):
    engine = FakeEngine(registry=True)
    assert base.ensure_base(engine, BULLSEYE, "auto", said.append) == BULLSEYE.reference
    assert base.ensure_base(engine, BULLSEYE, "auto", said.append) == BULLSEYE.reference
    assert said == [f"pulling {BULLSEYE.reference}"]


def test_auto_makes_the_base_where_no_registry_answers_and_says_so(monkeypatch: pytest.MonkeyPatch, said: list[str]):
    monkeypatch.setattr(base, "bootstrap", lambda *_: "made")
    assert base.ensure_base(FakeEngine(), BULLSEYE, "auto", said.append) == "made"
    assert "no such host; making the base image from Debian's packages instead" in said[-1]


def test_a_base_made_here_is_used_again_but_not_when_pulling_was_asked_for(said: list[str]):
    engine = FakeEngine()
    engine.add("keras-orchestrate/base:bullseye")
    assert base.ensure_base(engine, BULLSEYE, "auto", said.append) == "keras-orchestrate/base:bullseye"
    assert base.ensure_base(engine, BULLSEYE, "bootstrap", said.append) == "keras-orchestrate/base:bullseye"
    with pytest.raises(HostError, match="cannot pull debian:bullseye-slim@sha256:") as caught:
        base.ensure_base(engine, BULLSEYE, "pull", said.append)
    assert "--base bootstrap" in caught.value.hint


def test_without_mmdebstrap_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match=r"mmdebstrap.* is not installed") as caught:
        base.ensure_base(FakeEngine(), BULLSEYE, "bootstrap", print)
    assert "apt-get install mmdebstrap" in caught.value.hint


def test_mmdebstrap_takes_the_mirror_and_forgives_an_archives_age():
    plain = base.mmdebstrap_command("mmdebstrap", BULLSEYE, "base.tar", None)
    assert plain[-3] == "deb http://deb.debian.org/debian bullseye main"
    assert plain[-1] == "deb http://deb.debian.org/debian-security bullseye-security main"
    archived = base.mmdebstrap_command("mmdebstrap", BULLSEYE, "base.tar", "http://archive.debian.org/debian")
    assert archived[-1] == "deb http://archive.debian.org/debian-security bullseye-security main"
    assert '--aptopt=Acquire::Check-Valid-Until "false"' in archived


@pytest.mark.parametrize(
    ("text", "host", "message"),
    [
        ("('Connection aborted.', PermissionError(13, 'Permission denied'))", None, "no permission"),
        ("('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", None, "no Docker engine here"),
        ("('Connection aborted.', ConnectionRefusedError(111, 'Connection refused'))", None, "is not running"),
        ("Max retries exceeded", "tcp://elsewhere:2375", "DOCKER_HOST=tcp://elsewhere:2375"),
        ("Bad gateway", None, "does not answer: Bad gateway"),
    ],
)
def test_an_engine_that_does_not_answer_is_explained(text: str, host: str | None, message: str):
    told, hint = engine.engine_trouble(text, host)
    assert message in told
    assert hint


def test_connecting_without_the_sdk_is_one_clear_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "docker", types.ModuleType("docker"))
    with pytest.raises(HostError, match="the Docker SDK for Python is not installed"):
        engine.connect()


def test_connecting_to_nothing_names_docker_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(HostError, match=r"no Docker engine answers at DOCKER_HOST=unix://.*none\.sock"):
        engine.connect()
