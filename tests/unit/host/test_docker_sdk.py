"""The Docker SDK is imported when it is used, and its absence is one clear error."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import docker.errors
import pytest
import requests
import urllib3.exceptions

from orchestrator.errors import HostError
from orchestrator.host.docker_sdk import ListedImage, connection_errors, docker_sdk, explanation, listed_images
from tests.conftest import ROOT

#: What takes long to import, and which rooms of the package must do without until they use it.
HEAVY = ("docker", "numpy", "jinja2", "elftools", "duckdb", "vl_convert", "requests", "urllib3")
ROOMS = ("data.find", "launchers.docker", "launchers.command", "launchers.process", "stacks.choose")


def test_every_part_that_is_used_is_there():
    assert docker_sdk().errors.NotFound is docker.errors.NotFound
    assert docker_sdk().types.Mount and docker_sdk().utils.parse_repository_tag and docker_sdk().from_env


def test_without_the_sdk_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A folder called docker, as this project has one, is no such package."""
    (tmp_path / "docker").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    for name in [name for name in sys.modules if name.partition(".")[0] == "docker"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(HostError, match="containers of a Docker engine need docker, which is not installed") as caught:
        docker_sdk()
    assert "pip install docker" in caught.value.hint


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        requests.exceptions.ConnectionError(),
        urllib3.exceptions.ProtocolError(),
        ValueError("half an answer is no JSON"),
    ],
)
def test_an_engine_that_goes_away_is_recognised(error: Exception):
    assert isinstance(error, connection_errors())


def test_the_engines_own_words_come_first():
    assert explanation(docker.errors.APIError("500 Server Error", explanation="no such host")) == "no such host"
    assert explanation(OSError("broken pipe")) == "broken pipe"


def test_images_are_listed_from_one_answer_whatever_is_removed_meanwhile():
    """An engine that has none of them any more when it is asked for one: a list that did ask would fail."""
    there = [
        {"Id": "sha256:1", "RepoTags": ["debian:12", "mine:1"], "Labels": {"a": "b"}},
        {"Id": "sha256:2", "RepoTags": None, "Labels": None},
        {"Id": "sha256:3", "RepoTags": ["<none>:<none>"], "Labels": {}},
    ]
    asked = []
    client = types.SimpleNamespace(api=types.SimpleNamespace(images=lambda filters: asked.append(filters) or there))
    assert listed_images(client, {"dangling": True}) == [
        ListedImage("sha256:1", ["debian:12", "mine:1"], {"a": "b"}),
        ListedImage("sha256:2", [], {}),
        ListedImage("sha256:3", [], {}),
    ]
    assert asked == [{"dangling": True}]


@pytest.mark.slow
def test_rooms_that_may_not_use_them_import_no_heavy_libraries():
    code = f"""import sys, importlib
for room in {ROOMS}: importlib.import_module("orchestrator." + room)
print([name for name in {HEAVY} if name in sys.modules])"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert answer.stdout == "[]\n"
