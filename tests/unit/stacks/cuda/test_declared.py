"""docker/cuda.yaml: what it declares, and what is said of mistakes in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.errors import UserError
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.cuda.declared import File, load_cuda

CATALOG = load_catalog()
PARTS = load_cuda(CATALOG.docker_dir)


def test_cuda_md_names_every_route_and_calls_none_verified_that_is_not():
    explained = (CATALOG.docker_dir / "CUDA.md").read_text()
    for route in PARTS.routes:
        (line,) = [line for line in explained.splitlines() if line.startswith(f"| `{route.name}` |")]
        assert ("**not verified**" in line) != route.verified
        assert ("| yes |" in line) == all(archive.sha256 for archive in route.archives)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["routes"][0]["archives"][0]["gives"].append("cufoo"), r"\$\.routes \(conda\): there is no part"),
        (lambda d: d["parts"][0]["files"][0].update(needs=["x.so"]), "libcudart.so.8.0 needs x.so, which no part has"),
        (lambda d: d["parts"][0]["files"][0].update(holds="("), "holds is no regular expression"),
        (lambda d: d["routes"][0]["archives"][0].update(kind="zip"), r"\$\.routes\[0\]\.archives\[0\]\.kind"),
    ],
)
def test_a_mistake_in_cuda_yaml_is_named(tmp_path: Path, change: Any, message: str):
    declared = yaml.safe_load((CATALOG.docker_dir / "cuda.yaml").read_text())
    change(declared)
    (tmp_path / "cuda.yaml").write_text(yaml.safe_dump(declared))
    with pytest.raises(UserError, match=message):
        load_cuda(tmp_path)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("cudnn.h", "include/cudnn.h"),
        ("libcudart.so.8.0", "lib/libcudart.so.8.0"),
        ("libgpuarray_0.7.6.orig.tar.gz", "src/libgpuarray_0.7.6.orig.tar.gz"),
    ],
)
def test_a_file_lies_by_its_kind(name: str, place: str):
    assert File(name=name).place == place


def test_files_are_found_by_name_and_by_part():
    part = PARTS.parts[0]
    assert PARTS.files([part.name]) == part.files
    assert len(PARTS.files()) == sum(len(part.files) for part in PARTS.parts)
    assert PARTS.file(part.files[0].name) is part.files[0]
    with pytest.raises(UserError, match=r"has no part with the file libnothing\.so"):
        PARTS.file("libnothing.so")


def test_routes_are_chosen_in_the_order_of_the_file():
    names = [route.name for route in PARTS.routes]
    assert [route.name for route in PARTS.chosen([])] == names
    assert [route.name for route in PARTS.chosen([names[1], names[0]])] == names[:2]
    with pytest.raises(UserError, match="there is no CUDA route 'x'") as caught:
        PARTS.chosen(["x"])
    assert names[0] in caught.value.hint
