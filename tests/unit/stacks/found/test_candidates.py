"""What `doctor` names: environments of the caller that have Keras, and images by their names."""

from __future__ import annotations

import os
import types
from pathlib import Path

import pytest

from orchestrator.stacks.found import candidates
from tests.fakes.pythons import ANSWER, fake_python, saying

BARE = saying({**ANSWER, "packages": ["python==3.11.7"], "keras": [], "met": {}})


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Interpreters of a conda environment with Keras, and of the search path without."""
    own = types.SimpleNamespace(executable=fake_python(tmp_path / "own" / "bin" / "python", BARE))
    monkeypatch.setattr(candidates, "sys", own)
    conda = fake_python(tmp_path / "conda" / "bin" / "python", f"touch {tmp_path}/started\n{saying(ANSWER)}")
    fake_python(tmp_path / "path" / "python3", BARE)
    return {"CONDA_PREFIX": str(Path(conda).parent.parent), "PATH": str(tmp_path / "path")}


def test_an_active_environment_with_keras_is_named_with_what_to_type(site):
    (check,) = candidates.pythons(site)
    conda = f"{site['CONDA_PREFIX']}/bin/python"
    assert check.level == "ok"
    assert check.seen == (
        f"{conda} (CONDA_PREFIX): Python 3.11.7, Keras 3.15.1, jax 0.10.2; `--python {conda}` takes it as it is"
    )


def test_a_folder_that_is_named_twice_is_looked_into_once(site):
    assert len(candidates.pythons({**site, "VIRTUAL_ENV": site["CONDA_PREFIX"]})) == 1


def test_a_program_of_another_user_is_not_started(site, tmp_path, monkeypatch):
    if os.geteuid() == 0:
        os.chown(f"{site['CONDA_PREFIX']}/bin/python", 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    checks = candidates.pythons(site)
    assert any("not looked into, as" in check.seen for check in checks)
    assert not (tmp_path / "started").exists()


def test_a_program_that_anybody_can_change_is_not_started(site, tmp_path):
    Path(site["CONDA_PREFIX"], "bin", "python").chmod(0o777)
    (check,) = candidates.pythons(site)
    assert "not looked into, as" in check.seen and not (tmp_path / "started").exists()


def test_one_that_does_not_answer_is_passed_over(site):
    fake_python(Path(site["CONDA_PREFIX"], "bin", "python"), "exit 1")
    assert candidates.pythons(site) == []


def test_tensorflow_is_known_by_its_other_names(site):
    answer = {**ANSWER, "packages": ["keras==3.15.1", "python==3.11.7", "tensorflow-cpu==2.21.0"]}
    fake_python(Path(site["CONDA_PREFIX"], "bin", "python"), saying(answer))
    assert "Keras 3.15.1, tensorflow 2.21.0;" in candidates.pythons(site)[0].seen


def test_images_are_named_by_their_names_and_ours_are_not():
    tags = ["tensorflow/tensorflow:2.19.0", "debian:12", "keras-orchestrate/keras3-jax:0.1.0-cpu", "me/my-keras:1"]
    client = types.SimpleNamespace(api=types.SimpleNamespace(images=lambda filters: [{"Id": "1", "RepoTags": tags}]))
    (check,) = candidates.images(client)
    names = "me/my-keras:1, tensorflow/tensorflow:2.19.0"
    assert check.seen == f"by their names these could serve: {names}; `--image NAME` takes one as it is"
    client.api.images = lambda filters: [{"Id": "1", "RepoTags": ["debian:12"]}]
    assert candidates.images(client) == []


def test_an_engine_that_does_not_list_is_told_by_others():
    assert candidates.images(types.SimpleNamespace()) == []


def test_an_interpreter_that_this_user_may_not_even_look_at_is_passed_over(site, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.exists", closed)
    assert candidates.pythons({"VIRTUAL_ENV": str(site)}) == []
