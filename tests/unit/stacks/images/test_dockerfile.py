"""The generated files: up to date, complete, hardened."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
import yaml

from orchestrator import __version__
from orchestrator.model import Stack
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.stacks.images.dockerfile import render_dockerfile, rendered_files, written

ROOT = Path(__file__).resolve().parents[4]
CATALOG = load_catalog(ROOT)
RENDERED = rendered_files(CATALOG, __version__)
IMAGES = [(stack.name, device) for stack in written(CATALOG) for device in stack.images]


@functools.cache
def dockerfile(stack: str, device: str) -> str:
    return render_dockerfile(CATALOG, CATALOG.stack(stack), device, __version__)  # type: ignore[arg-type]


def stages(text: str) -> list[str]:
    """The text before the first FROM, and each stage."""
    return re.split(r"^FROM ", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", RENDERED)
def test_the_committed_file_is_what_the_template_gives(name: str):
    path = ROOT / name
    assert path.is_file() and path.read_text() == RENDERED[name], "orchestrate render"


@pytest.mark.parametrize(("stack", "device"), IMAGES)
def test_two_stages_from_a_base_pinned_by_digest_and_overridable(stack: str, device: str):
    head, build, final = stages(dockerfile(stack, device))
    base = CATALOG.bases[CATALOG.stack(stack).base]
    assert f"# {base.tag}\nARG BASE_IMAGE={base.tag}@sha256:" in head
    assert build.startswith("${BASE_IMAGE} AS build\n")
    assert final.startswith("${BASE_IMAGE}\n")


@pytest.mark.parametrize(("stack", "device"), IMAGES)
def test_every_package_is_checked_against_its_lock(stack: str, device: str):
    text = dockerfile(stack, device)
    assert f"--require-hashes -r /build/{stack}-{device}.txt" in text
    installs = re.findall(r"^.*pip (?:install|download)(?:[^\n]*\\\n)*[^\n]*", text, re.MULTILINE)
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)


@pytest.mark.parametrize(("stack", "device"), IMAGES)
def test_what_nothing_loads_is_gone_in_the_step_that_brought_it_or_every_layer_would_keep_it(stack: str, device: str):
    files = CATALOG.stack(stack).images[device].unused  # type: ignore[index]
    (install,) = re.findall(rf"/build/{stack}-{device}\.txt(?:[^\n]*\\\n)*[^\n]*", dockerfile(stack, device))
    removed = re.search(r"site-packages; \\\n    rm (.+)$", install)
    assert (removed[1].split() if removed else []) == files
    assert all(re.fullmatch(r"[\w./-]+", file) and not file.startswith("/") and ".." not in file for file in files)


@pytest.mark.parametrize(("stack", "device"), IMAGES)
def test_the_final_stage_takes_nothing_but_the_environment_and_runs_as_nobody(stack: str, device: str):
    final = stages(dockerfile(stack, device))[-1]
    copied = re.findall(r"^COPY (.*)$", final, re.MULTILINE)
    assert copied[-1] == "--from=build /opt/venv /opt/venv"
    assert set(copied) <= {"--from=build /opt/venv /opt/venv", "--from=build /opt/cuda /opt/cuda"}
    assert "ca-bundle" not in final
    assert "USER 65534:65534" in final


def test_theano_has_a_compiler_and_a_cache_that_anyone_can_write():
    final = stages(dockerfile("keras2-theano", "cpu"))[-1]
    assert "g++ libopenblas-dev python2.7 python2.7-dev" in final
    assert "install -d -m 1777 /cache/theano" in final
    assert "VOLUME" not in final
    assert "/cache/cuda" not in final


def test_cntk_finds_open_mpi_under_its_old_names():
    final = stages(dockerfile("keras2-tensorflow-cntk", "cpu"))[-1]
    assert "ln -s libmpi_cxx.so.40 /usr/lib/x86_64-linux-gnu/libmpi_cxx.so.1" in final
    assert "ldconfig" in final


@pytest.mark.parametrize("stack", [stack.name for stack in written(CATALOG)])
def test_gpu_images_ask_the_toolkit_for_compute_and_nvml(stack: str):
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in dockerfile(stack, "gpu")
    assert "NVIDIA" not in stages(dockerfile(stack, "cpu"))[-1]


def test_what_gpu_images_need_from_nvidia_is_checked_and_explained():
    explained = (ROOT / "docker" / "CUDA.md").read_text()
    for stack in written(CATALOG):
        variant = stack.images["gpu"]
        text = dockerfile(stack.name, "gpu")
        assert bool(variant.cuda) == stack.article == ("Missing in docker/cuda" in text)
        for name in variant.outside_files:
            assert name in text
            assert f"`{name}`" in explained


@pytest.mark.parametrize("stack", [stack for stack in CATALOG.stacks if stack.article], ids=lambda s: s.name)
def test_an_image_without_cuda_files_has_no_trace_of_them(stack: Stack):
    text = render_dockerfile(CATALOG, stack, "gpu", __version__, without_cuda=True)
    assert "cuda/8" not in text
    assert "/opt/cuda" not in "".join(line for line in text.splitlines() if "THEANO_FLAGS" not in line)
    assert "pygpu" not in text
    assert ("libmpi.so.40" in text) == (stack.name == "keras2-tensorflow-cntk")


def test_an_unknown_name_in_a_template_is_an_error():
    from jinja2 import UndefinedError

    fields = {name: getattr(CATALOG, name) for name in CATALOG.__struct_fields__}
    broken = Catalog(**{**fields, "dockerfile_template": "{{ stakc.name }}"})
    with pytest.raises(UndefinedError, match="stakc"):
        render_dockerfile(broken, CATALOG.stacks[0], "cpu", __version__)


def test_compose_has_every_image_hardened_with_its_profile():
    document = yaml.safe_load(rendered_files(CATALOG, __version__)["compose.yaml"])
    assert "volumes" not in document
    assert set(document["services"]) == {f"{stack}-{device}" for stack, device in IMAGES}
    for name, service in document["services"].items():
        assert service["profiles"] == [name.rpartition("-")[2]]
        assert service["network_mode"] == "none"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"][0] == "/tmp:exec"
        caches = service["environment"].get("KERAS_ORCHESTRATE_CACHES", "")
        assert service["tmpfs"][1:] == [f"{path}:exec,mode=1777" for path in caches.split(":") if path]
        stack, _, device = name.rpartition("-")
        assert bool(caches) == bool(CATALOG.stack(stack).caches_for(device))
        assert service["user"] == "${JOB_USER:-65534:65534}"
        assert (ROOT / "docker" / service["build"]["dockerfile"]).is_file()
        writable = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
        assert [volume.rpartition(":")[2] for volume in writable] == ["/out"], "nobody finds what another user left"
        assert ("deploy" in service) == name.endswith("-gpu")
