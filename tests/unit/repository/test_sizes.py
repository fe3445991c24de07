"""What images take stands in the files as docker/sizes.py writes it: read from an engine's history, never typed."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
import yaml

from orchestrator.model import Measured
from orchestrator.plan.catalog import load_catalog

CATALOG = load_catalog()
SIZES: dict[str, Any] = runpy.run_path(str(CATALOG.docker_dir / "sizes.py"), run_name="sizes")
STACKS = (CATALOG.docker_dir / "stacks.yaml").read_text()
MIB = 2**20
#: The newest layer first, as engines tell them; of a classic build, and of BuildKit with files of CUDA.
CLASSIC = [
    {"Size": 0, "CreatedBy": '/bin/sh -c #(nop)  CMD ["python"]'},
    {"Size": 3 * MIB // 2, "CreatedBy": "/bin/sh -c set -eu; ln -s a b"},
    {"Size": 600 * MIB, "CreatedBy": "/bin/sh -c #(nop) COPY dir:0123 in /opt/venv "},
    {"Size": 120 * MIB, "CreatedBy": "|1 DEBIAN_MIRROR= /bin/sh -c set -eu; apt-get update"},
    {"Size": 170 * MIB, "CreatedBy": ""},
]
CUDA = [
    {"Size": 600 * MIB, "CreatedBy": "COPY /opt/venv /opt/venv # buildkit"},
    {"Size": 900 * MIB, "CreatedBy": "COPY /opt/cuda /opt/cuda # buildkit"},
    {"Size": 120 * MIB, "CreatedBy": "RUN |1 DEBIAN_MIRROR= /bin/sh -c set -eu; apt-get update # buildkit"},
]


def test_what_lies_below_the_packages_is_shared():
    assert SIZES["of_image"](CLASSIC, None) == Measured(mb=892, shared_mb=290)
    assert SIZES["of_image"](CUDA, 95) == Measured(mb=1620, shared_mb=120, seconds=95)


@pytest.mark.parametrize("stack", CATALOG.stacks, ids=lambda stack: stack.name)
def test_every_stack_says_what_its_image_takes_and_sizes_py_would_write_it_so(stack):
    measured = stack.images["cpu"].measured
    assert measured is not None and 100 < measured.shared_mb < measured.mb < 4096
    path = CATALOG.eras_dir / f"{stack.name}.yaml" if stack.like else CATALOG.docker_dir / "stacks.yaml"
    write = SIZES["with_era" if stack.like else "with_stack"]
    text = path.read_text()
    assert write(text, stack.name, "cpu", SIZES["in_yaml"](measured)) == text


def test_stacks_that_share_their_layers_say_the_same_of_them():
    groups: dict[tuple[str, ...], set[int]] = {}
    for stack in CATALOG.stacks:
        image = stack.images["cpu"]
        assert image.measured is not None
        groups.setdefault((stack.base, stack.python, *image.apt_packages), set()).add(image.measured.shared_mb)
    assert {len(sizes) for sizes in groups.values()} == {1}


def test_a_figure_goes_to_its_own_image_and_comments_stay():
    lines = SIZES["with_stack"](STACKS, "keras3-torch", "gpu", "{mb: 7, shared_mb: 2}").splitlines()
    assert {line for line in lines if line not in STACKS.splitlines()} == {"        measured: {mb: 7, shared_mb: 2}"}
    assert len(lines) == len(STACKS.splitlines()) + 1, "nothing else was touched"
    (torch,) = [s for s in yaml.safe_load("\n".join(lines))["stacks"] if s["name"] == "keras3-torch"]
    assert torch["images"]["gpu"]["measured"] == {"mb": 7, "shared_mb": 2}
    assert torch["images"]["cpu"]["measured"] != torch["images"]["gpu"]["measured"]


def test_both_devices_of_an_era_keep_their_figures():
    text = "# why\nlike: keras3-jax\n"
    for device, measured in (("gpu", "{mb: 9, shared_mb: 1}"), ("cpu", "{mb: 5, shared_mb: 1}")):
        text = SIZES["with_era"](text, "x", device, measured)
    assert SIZES["with_era"](text, "x", "cpu", "{mb: 6, shared_mb: 1}") == (
        "# why\nlike: keras3-jax\nmeasured:\n  cpu: {mb: 6, shared_mb: 1}\n  gpu: {mb: 9, shared_mb: 1}\n"
    )


def test_no_build_is_timed_beside_the_work_of_others():
    assert SIZES["others_at_work"](0.9, 2) == ""
    assert SIZES["others_at_work"](1.1, 2).startswith("not timed: a load of 1.1 on 2 cores")
