"""What the locked GPU packages were seen to need equals what the images promise, without a GPU or a network."""

from __future__ import annotations

import io
import re
import runpy
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from orchestrator.model import ImageVariant, Stack
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.eras import normal, pins
from orchestrator.stacks.cuda.declared import load_cuda
from orchestrator.stacks.images.dockerfile import render_dockerfile
from orchestrator.stacks.locks import lock_file

CATALOG = load_catalog()
DOCKER = CATALOG.docker_dir
PARTS = load_cuda(DOCKER)
NEEDS: dict[str, Any] = yaml.safe_load((DOCKER / "needs.yaml").read_text())
PACKAGES: dict[str, Any] = NEEDS["packages"]
STACKS = [stack for stack in CATALOG.stacks if "gpu" in stack.images and stack.images["gpu"].cuda]
PROMISES = [(stack.name, name) for stack in STACKS for name in stack.images["gpu"].cuda]


def lock(stack: Stack) -> str:
    return lock_file(stack, "gpu", DOCKER).read_text()


def packages(stack: Stack, variant: ImageVariant) -> list[str]:
    """The packages of an image whose needs were read: of its lock, and Debian's libgpuarray."""
    pinned = [name for name in PACKAGES if re.search(rf"^{re.escape(name)}==", lock(stack), re.MULTILINE)]
    return pinned + [name for name in PACKAGES if name in ("libgpuarray-dev", "libgpuarray3")] * (
        "libgpuarray-dev" in variant.apt_packages
    )


def outside(names: list[str], variant: ImageVariant) -> set[str]:
    """What these packages need and neither they, the driver nor the image's Debian packages have."""
    needs: set[str] = set()
    for name in names:
        package = PACKAGES[name]
        wanted = {*package["needed"], *package["dlopened"], *package["headers"]}
        needs |= wanted - set(PARTS.optional.get(name, {}))
    needs = {Path(variant.links.get(need, need)).name for need in needs}
    debian = set(NEEDS["debian"]["base"])
    for package_name in ("python2.7", *variant.apt_packages):
        debian |= set(NEEDS["debian"].get(package_name, []))
    return needs - debian - set(PARTS.driver)


def closure(names: Iterable[str]) -> set[str]:
    """These files and all that they ask for in turn."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += PARTS.file(name).needs
    return found


def difference(stack: Stack, variant: ImageVariant) -> tuple[list[str], list[str]]:
    """What the image lacks, and what it has for nothing."""
    wanted = outside(packages(stack, variant), variant)
    unknown = wanted - {file.name for file in PARTS.files()}
    needed = closure(wanted - unknown) | unknown
    return sorted(needed - set(variant.cuda)), sorted(set(variant.cuda) - needed)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_the_image_promises_exactly_what_its_packages_need(stack: Stack):
    assert difference(stack, stack.images["gpu"]) == ([], [])


@pytest.mark.parametrize(("stack", "name"), PROMISES)
def test_each_file_left_out_is_missed(stack: str, name: str):
    whole = CATALOG.stack(stack).images["gpu"]
    without = msgspec.structs.replace(whole, cuda=[other for other in whole.cuda if other != name])
    assert difference(CATALOG.stack(stack), without) == ([name], [])


@pytest.mark.parametrize(
    ("stack", "package", "lacking"),
    [
        ("keras2-tensorflow-cntk", "libgomp1", ["libgomp.so.1"]),
        ("keras2-tensorflow-cntk", "libopenmpi3", ["libmpi.so.40", "libmpi_cxx.so.40"]),
        ("keras2-tensorflow-cntk", "libpython2.7", ["libpython2.7.so.1.0"]),
        ("keras1-mxnet", "libgomp1", ["libgomp.so.1"]),
    ],
)
def test_each_debian_package_left_out_is_missed(stack: str, package: str, lacking: list[str]):
    whole = CATALOG.stack(stack).images["gpu"]
    without = [name for name in whole.apt_packages if name != package]
    assert difference(CATALOG.stack(stack), msgspec.structs.replace(whole, apt_packages=without)) == (lacking, [])


@pytest.mark.parametrize("link", ["libcublas.so", "libcudnn.so", "libnvrtc.so"])
def test_theanos_names_without_a_version_are_missed_too(link: str):
    stack = CATALOG.stack("keras2-theano")
    variant = stack.images["gpu"]
    links = {name: target for name, target in variant.links.items() if name != link}
    assert link in difference(stack, msgspec.structs.replace(variant, links=links))[0]


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_some_route_promises_every_file(stack: Stack):
    given = {part for route in PARTS.routes for archive in route.archives for part in archive.gives}
    promised = {file.place for file in PARTS.files(given)}
    assert set(stack.images["gpu"].outside_files) <= promised


def test_a_backend_with_its_own_cuda_needs_no_file_from_outside():
    for stack in STACKS:
        variant = stack.images["gpu"]
        for backend in stack.backends:
            alone = outside([backend.package["gpu"]], variant)
            assert backend.own_cuda == (backend.package["gpu"] != "Theano" and not alone), backend.name


@pytest.mark.parametrize("name", [name for name, package in PACKAGES.items() if not package["file"].endswith(".deb")])
def test_what_was_read_is_what_is_locked(name: str):
    locks = [lock(stack) for stack in STACKS if f"{name}==" in lock(stack)]
    assert locks
    for text in locks:
        pinned = re.search(
            rf"^{name}=={re.escape(PACKAGES[name]['version'])} \\\n.*{PACKAGES[name]['sha256']}", text, re.M
        )
        assert pinned, name


def test_what_is_called_optional_was_seen():
    for name, reasons in PARTS.optional.items():
        seen = {*PACKAGES[name]["needed"], *PACKAGES[name]["dlopened"], *PACKAGES[name]["headers"]}
        assert set(reasons) <= seen
        assert all(reasons.values())


def test_a_source_has_one_hash():
    for stack in STACKS:
        for source in stack.images["gpu"].sources:
            part = next(part.name for part in PARTS.parts for file in part.files if file.name == source.file)
            archives = [archive for route in PARTS.routes for archive in route.archives if part in archive.gives]
            assert {archive.sha256 for archive in archives} == {source.sha256}


#: The oldest driver that translates a version of PTX: that of the CUDA which brought it (NVIDIA's PTX documentation).
TRANSLATES = {"8.1": "530.30.02", "8.2": "535.54.03", "8.5": "555.42.02", "8.8": "575.51.03"}
#: Stack -> the wheels that hold its framework's own code.
OWN_CODE = {
    "keras3-tensorflow": ["tensorflow"],
    "keras3-jax": ["jax-cuda12-pjrt", "jax-cuda12-plugin"],
    "keras3-torch": ["torch"],
    "keras30-jax0423": ["jax-cuda12-pjrt", "jax-cuda12-plugin"],
    "tf215": ["tensorflow"],
    "keras30-tf216": ["tensorflow"],
    "keras312-tf220": ["tensorflow"],
    "tfkeras-tf221": ["tensorflow"],
    "keras312-torch213": ["torch"],
}
IN_WHEELS = [stack for stack in CATALOG.stacks if "gpu" in stack.images and not stack.images["gpu"].cuda]


@pytest.mark.parametrize("stack", IN_WHEELS, ids=lambda stack: stack.name)
def test_the_gpus_of_a_stack_are_those_that_its_wheels_have_code_for(stack: Stack):
    needs = stack.images["gpu"].gpu_needs
    assert needs is not None
    for name in OWN_CODE[stack.name]:
        (key,) = [key for key in NEEDS["code"] if re.search(rf"^{name}==.*\Z", key) and f"\n{key} " in lock(stack)]
        code = NEEDS["code"][key]
        assert code["sha256"] in lock(stack)
        assert needs.native == code["native"]
        ptx = {needs.ptx.compute_capability: needs.ptx.min_driver} if needs.ptx else {}
        assert ptx == {capability: TRANSLATES[version] for capability, version in code["ptx"].items()}


@pytest.mark.parametrize("stack", [stack for stack in STACKS + IN_WHEELS if stack.like], ids=lambda stack: stack.name)
def test_an_era_is_of_one_version_on_both_devices_and_its_image_takes_nothing_out(stack: Stack):
    cpu = lock_file(stack, "cpu", DOCKER).read_text()
    for backend in stack.backends:
        versions = [pins(text)[normal(backend.package[kind])] for kind, text in (("cpu", cpu), ("gpu", lock(stack)))]
        assert len({version.partition("+")[0] for version in versions}) == 1
    dockerfile = render_dockerfile(CATALOG, stack, "gpu", "1")
    assert "NVIDIA_VISIBLE_DEVICES" in dockerfile and f"requirements/{stack.name}-gpu.txt" in dockerfile
    assert "/site-packages" not in dockerfile, "what one of today has for nothing may be missing here"
    assert not stack.images["gpu"].verified, "nobody ran it on a GPU"


@pytest.mark.parametrize("name", ["tensorflow-gpu", "mxnet-cu80", "cntk-gpu"])
def test_the_ranges_of_2017_are_within_what_their_wheels_have_code_for(name: str):
    (needs,) = [stack.needs(b.name) for stack in STACKS for b in stack.backends if b.package["gpu"] == name]
    assert needs is not None
    (native,) = [code["native"] for key, code in NEEDS["code"].items() if key.startswith(f"{name}==")]
    lowest, highest = needs.compute_capability
    assert lowest == native[0] and highest.partition(".")[0] == native[-1].partition(".")[0]


@pytest.mark.parametrize("kind", ["whl", "tar.gz"])
def test_a_package_that_unpacks_to_more_than_any_library_is_refused(tmp_path: Path, kind: str):
    script, path = runpy.run_path(str(DOCKER / "needs.py")), tmp_path / f"bomb-1.0.{kind}"
    if kind == "whl":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr("libbomb.so", bytes(1000))
    else:
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo("libbomb.so")
            member.size = 1000
            archive.addfile(member, io.BytesIO(bytes(1000)))
    members = script["members"]
    assert [(name, len(content)) for name, content in members(path)] == [("libbomb.so", 1000)]
    members.__globals__["MOST_BYTES"] = 999
    with pytest.raises(SystemExit, match=r"'libbomb\.so' unpacks to 1,000 bytes"):
        list(members(path))
