"""The recipe of an image: full, or for the backends whose wheels contain CUDA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import __version__
from orchestrator.errors import HostError, UserError
from orchestrator.model import Stack
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.cuda import find as cuda_files
from orchestrator.stacks.images import recipe
from orchestrator.stacks.images.dockerfile import render_dockerfile
from orchestrator.stacks.images.engine import UNUSABLE_LABEL

CATALOG = load_catalog()
BOTH = CATALOG.stack("keras2-tensorflow-cntk")
MXNET = CATALOG.stack("keras1-mxnet")


def choose(stack: Stack, device: Any, said: list[str], **settings: Any) -> recipe.Recipe:
    return recipe.choose(None, stack, device, CATALOG, BuildSettings(**settings), said.append)


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: Any) -> dict[str, cuda_files.Found]:
        raise HostError("no route gave it", "See CUDA.md.")

    monkeypatch.setattr(cuda_files, "find", find)


def test_a_recipe_is_its_dockerfile_and_its_locks():
    plain = recipe.plain(CATALOG, MXNET, "cpu")
    assert plain.dockerfile == render_dockerfile(CATALOG, MXNET, "cpu", __version__)
    assert sorted(plain.files) == ["requirements/keras1-mxnet-cpu.txt", "requirements/python2-tools.txt"]
    assert plain.labels == {}


def test_an_image_for_processors_asks_for_no_cuda_files(no_cuda: None):
    assert choose(BOTH, "cpu", []) == recipe.plain(CATALOG, BOTH, "cpu")


def test_with_cuda_files_the_recipe_is_the_full_one_and_says_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    found = {"lib/libcudnn.so.6": cuda_files.Found(path=tmp_path / "x", route="made")}
    monkeypatch.setattr(cuda_files, "find", lambda *_: found)
    chosen = choose(BOTH, "gpu", [])
    assert chosen.sha256 == recipe.plain(CATALOG, BOTH, "gpu").sha256
    assert chosen.files["cuda/8.0/lib/libcudnn.so.6"] == tmp_path / "x"
    assert chosen.labels == {recipe.CUDA_LABEL: "libcudnn.so.6=made"}


def test_without_cuda_files_it_is_for_the_backends_that_bring_their_own(no_cuda: None):
    said: list[str] = []
    chosen = choose(BOTH, "gpu", said)
    assert chosen == recipe.plain(CATALOG, BOTH, "gpu", without_cuda=True)
    assert chosen.sha256 != recipe.plain(CATALOG, BOTH, "gpu").sha256
    assert chosen.labels == {UNUSABLE_LABEL: "tensorflow"}
    assert said == ["no route gave it", "Building keras2-tensorflow-cntk for cntk only. See CUDA.md."]


def test_who_asks_for_that_is_told_nothing(no_cuda: None):
    said: list[str] = []
    assert choose(BOTH, "gpu", said, without_cuda=True).labels == {UNUSABLE_LABEL: "tensorflow"}
    assert said == []


def test_without_any_such_backend_there_is_no_recipe(no_cuda: None):
    with pytest.raises(HostError, match="no route gave it"):
        choose(MXNET, "gpu", [])
    with pytest.raises(UserError, match="no backend of keras1-mxnet brings its own CUDA"):
        choose(MXNET, "gpu", [], without_cuda=True)
    assert recipe.needing_cuda(MXNET) == ["mxnet"]
