"""`orchestrate data`: what is fetched, found and corrupt, and with which code it ends."""

from __future__ import annotations

import json

import pytest

from orchestrator.data import download
from orchestrator.errors import HostError
from tests.fakes.roots import make_data


@pytest.fixture
def fetched(monkeypatch):
    """Data sets that were asked for; babi cannot be had."""
    asked = []

    def fetch(name, places, target, tell, say):
        asked.append(name)
        tell(5, 10)
        if name == "babi":
            raise HostError("babi cannot be fetched", "look at the network")
        return target

    monkeypatch.setattr(download, "fetch", fetch)
    return asked


def test_what_was_fetched_is_named_with_its_place(orchestrate, fetched, tmp_path):
    answer = orchestrate("data", "fetch", "mnist")
    assert answer.returncode == 0
    assert answer.stdout == f"mnist: {tmp_path / 'cache' / 'keras-orchestrate' / 'data' / 'mnist.npz'}\n"


def test_one_that_cannot_be_had_does_not_keep_the_others(orchestrate, fetched):
    answer = orchestrate("data", "fetch")
    assert sorted(fetched) == ["babi", "cifar10", "mnist"]
    assert answer.returncode == 3
    assert "ERROR babi cannot be fetched\n  -> look at the network" in answer.stderr
    assert sorted(line.partition(":")[0] for line in answer.stdout.splitlines()) == ["cifar10", "mnist"]


def test_a_name_that_there_is_not_fetches_nothing(orchestrate, fetched):
    answer = orchestrate("data", "fetch", "mnist", "mnits")
    assert answer.returncode == 2
    assert "'mnits'; there are mnist, cifar10, babi" in answer.stderr
    assert fetched == []


def test_files_are_listed_with_their_hashes_and_what_is_missing(orchestrate, tmp_path):
    data = make_data(tmp_path / "data")
    lines = orchestrate("data", "list", "--data-dir", data, COLUMNS="300").stdout.splitlines()
    assert lines[0].split("  ")[1:] and "sha256" in lines[0]
    assert lines[2].split()[:3] == ["mnist", "ok", "given"]
    assert lines[2].endswith(str(data / "mnist.npz"))
    (cifar,) = [" ".join(line.split()) for line in lines if "cifar10" in line]
    assert cifar == "cifar10 missing no cifar-10-python.tar.gz in any searched folder"


def test_a_corrupt_file_is_an_error_for_those_who_verify(orchestrate, tmp_path):
    data = make_data(tmp_path / "data")
    assert orchestrate("data", "verify", "mnist", "--data-dir", data).returncode == 0
    (data / "mnist.npz").write_bytes(b"PK\x03\x04 cut off")
    answer = orchestrate("data", "verify", "mnist", "--data-dir", data, "--json")
    assert answer.returncode == 1
    assert [row["state"] for row in json.loads(answer.stdout)["data"]] == ["corrupt"]
    assert orchestrate("data", "list", "mnist", "--data-dir", data).returncode == 0, "a list only tells"


def test_what_is_missing_is_not_corrupt(orchestrate):
    answer = orchestrate("data", "verify")
    assert answer.returncode == 0
    assert [line.split()[:2] for line in answer.stdout.splitlines()[2:]] == [
        [name, "missing"] for name in ("mnist", "cifar10", "babi")
    ]
