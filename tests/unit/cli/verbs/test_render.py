"""`orchestrate render`: the generated files, written or only compared."""

from __future__ import annotations

import shutil

import pytest

from orchestrator.cli.verbs import render as verb
from orchestrator.files import PACKAGE
from tests.conftest import ROOT


@pytest.fixture
def root(tmp_path):
    """A root with the declarations alone."""
    ignored = shutil.ignore_patterns("cuda", "__pycache__", "*.Dockerfile")
    shutil.copytree(ROOT / "docker", tmp_path / "root" / "docker", ignore=ignored)
    shutil.copytree(ROOT / "workloads", tmp_path / "root" / "workloads", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "root"


def test_rendered_files_are_up_to_date(orchestrate):
    answer = orchestrate("render", "--check")
    assert answer.returncode == 0, answer.stdout


def test_what_is_missing_is_told_written_and_then_up_to_date(orchestrate, root):
    answer = orchestrate("render", "--check", "--root", root)
    assert answer.returncode == 1
    assert "docker/keras2-theano/cpu.Dockerfile differs from its template\n" in answer.stdout
    assert "compose.yaml differs from its template\n" in answer.stdout
    assert not (root / "compose.yaml").exists()
    answer = orchestrate("render", "--root", root)
    assert answer.returncode == 0
    assert "compose.yaml written\n" in answer.stdout
    assert (root / "compose.yaml").read_bytes() == (ROOT / "compose.yaml").read_bytes()
    assert orchestrate("render", "--check", "--root", root).stdout == ""


def test_only_what_differs_is_written(orchestrate, root):
    orchestrate("render", "--root", root)
    path = root / "docker" / "keras3-jax" / "gpu.Dockerfile"
    path.write_text("FROM mine\n")
    assert orchestrate("render", "--root", root).stdout == "docker/keras3-jax/gpu.Dockerfile written\n"
    assert "FROM mine" not in path.read_text()


def test_an_installed_copy_renders_nothing(orchestrate, root, monkeypatch):
    monkeypatch.setattr(verb, "PACKAGE", root)
    answer = orchestrate("render", "--root", root)
    assert answer.returncode == 2
    assert "an installed copy renders nothing" in answer.stderr
    assert "name a folder with --root" in answer.stderr
    assert PACKAGE not in root.parents
