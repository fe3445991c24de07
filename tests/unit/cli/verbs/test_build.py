"""`orchestrate build`: what is said of images that serve only some backends, and the exit codes."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from orchestrator.cli.app import cli
from orchestrator.cli.verbs import build as verb
from orchestrator.errors import UserError
from orchestrator.model import Unavailable
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.provisioner import without_cuda

TWO = load_catalog().stack("keras2-tensorflow-cntk")
LACKING = [without_cuda(TWO, "tensorflow", "gpu")]
FAILED = [Unavailable(stack="keras2-theano", status="failed", reason="image: no route gave it")]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that builds where some things cannot be had: the answer, and the settings of the build."""
    seen: list[BuildSettings] = []

    def run(missing: list[Unavailable], *words: str) -> tuple[Any, BuildSettings]:
        class Provisioner:
            def prepare(self, stacks: Any, device: str) -> list[Unavailable]:
                return missing

        monkeypatch.setattr(verb, "choose_provisioner", lambda *given: (seen.append(given[1].build), Provisioner())[1])
        return CliRunner().invoke(cli, ["build", "--device", "gpu", "--stack", "keras2-*", *words]), seen[-1]

    return run


def test_an_image_for_some_backends_only_is_said_and_not_what_was_asked_for(build: Any):
    answer, _ = build(LACKING)
    assert answer.exit_code == 3
    lines = answer.stdout.splitlines()
    assert lines[:2] == ["keras2-tensorflow-cntk: ready", "keras2-theano: ready"]
    assert lines[2].startswith("  but the gpu image of keras2-tensorflow-cntk was built without CUDA 8.0")


def test_it_is_what_was_asked_for_with_without_cuda(build: Any):
    answer, settings = build(LACKING, "--without-cuda")
    assert answer.exit_code == 0
    assert settings.without_cuda
    assert build([*LACKING, *FAILED], "--without-cuda")[0].exit_code == 3


def test_where_cuda_files_come_from_reaches_the_build(build: Any, tmp_path: Any):
    words = [
        "--cuda-dir",
        str(tmp_path),
        "--cuda-base",
        "cuda:8",
        "--cuda-route",
        "conda",
        "--cuda-route",
        "nvidia-apt",
    ]
    answer, settings = build([], *words)
    assert answer.exit_code == 0
    assert (settings.cuda_dir, settings.cuda_base) == (str(tmp_path), "cuda:8")
    assert settings.cuda_routes == ["conda", "nvidia-apt"]
    assert build([], "--cuda-dir", str(tmp_path / "none"))[0].exit_code == 2


@pytest.mark.parametrize(
    "name", ["debian", "debian:bullseye-slim", "host:5000/a/b_c:1.0", f"a.b/c@sha256:{'0' * 64}", "nvidia/cuda:8.0"]
)
def test_names_of_images_are_taken_as_they_are_written_elsewhere(build: Any, name: str):
    assert build([], "--base-image", name)[1].base_image == name


@pytest.mark.parametrize("name", ["Debian", "a b", "-v", "x\nRUN id", "a//b", "../x", "a:b:c", "x@sha256:1"])
@pytest.mark.parametrize("option", ["--base-image", "--cuda-base"])
def test_what_is_no_name_of_an_image_is_refused(name: str, option: str):
    answer = CliRunner().invoke(cli, ["build", f"{option}={name}"])
    assert answer.exit_code == 2
    assert "is no name of an image: write it like debian:bullseye-slim" in " ".join(answer.output.split())


@pytest.mark.parametrize(
    ("words", "device", "stacks"),
    [
        (["--config", "eras"], "cpu", [stack.name for stack in load_catalog().stacks]),
        (["--config", "eras", "--stack", "tf2*"], "cpu", ["tf21", "tf25", "tf28", "tf211", "tf215"]),
        (["--config", "azure-nc6"], "gpu", None),
        (["--config", "azure-nc6", "--device", "cpu", "--backend", "theano"], "cpu", ["keras2-theano"]),
        (["--backend", "torch"], "cpu", ["keras3-torch"]),
    ],
)
def test_the_images_of_a_configuration_are_built_and_options_come_on_top(monkeypatch, words, device, stacks):
    seen: list[Any] = []

    class Provisioner:
        def prepare(self, wanted: Any, device: str) -> list[Unavailable]:
            seen.extend([device, [stack.name for stack in wanted]])
            return []

    monkeypatch.setattr(verb, "choose_provisioner", lambda *_: Provisioner())
    answer = CliRunner().invoke(cli, ["build", *words])
    assert answer.exit_code == 0, answer.output
    assert seen[0] == device
    assert set(seen[1]) == set(stacks or [stack.name for stack in load_catalog().stacks if stack.article])


def test_a_preset_that_there_is_not_is_a_users_mistake():
    answer = CliRunner().invoke(cli, ["build", "--config", "era"])
    assert isinstance(answer.exception, UserError)
    assert "no preset and no file is called 'era'" in answer.exception.message
