"""Finding, checking, hashing and labelling data files. No network, no files of the caller."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from orchestrator.data import find
from orchestrator.data.declared import Dataset, Place, load_datasets
from orchestrator.data.fetched import Fetched
from orchestrator.data.find import cache_dir, default_dirs, listing, resolve, verify
from orchestrator.errors import HostError, UserError
from orchestrator.model import DataFile
from tests.unit.data.test_archives import STORIES, batch

DATASETS = load_datasets()
#: Nobody listens on port 9 of this machine, so these fail at once.
NOWHERE = [Place(url="http://127.0.0.1:9/file")]


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def keras(tmp_path: Path) -> Path:
    (tmp_path / "keras/datasets").mkdir(parents=True)
    return tmp_path / "keras/datasets"


def offline(name: str) -> dict[str, Dataset]:
    return {name: msgspec.structs.replace(DATASETS[name], places=NOWHERE)}


def write_mnist(path: Path, value: int = 0) -> Path:
    images = np.full((4, 28, 28), value, np.uint8)
    labels = np.arange(4, dtype=np.uint8)
    with path.open("wb") as stream:
        np.savez(stream, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path


def content_of(name: str) -> bytes:
    """What a job can read in place of any member of this data set."""
    return STORIES.encode() if name == "babi" else batch()


def write_members(folder: Path, name: str) -> None:
    for member in DATASETS[name].members:
        (folder / member).parent.mkdir(parents=True, exist_ok=True)
        (folder / member).write_bytes(content_of(name))


def write_tar(path: Path, name: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in DATASETS[name].members:
            entry = tarfile.TarInfo(member)
            entry.size = len(content_of(name))
            tar.addfile(entry, io.BytesIO(content_of(name)))
    return path


def resolve_one(name: str, folder: Path | None = None, **options: object) -> DataFile:
    options = {"allow_fetch": False, "allow_synthetic": False, **options}
    return resolve(DATASETS, [name], folder, **options)[name]  # type: ignore[arg-type]


def tree(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def test_default_folders_follow_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_dirs() == [tmp_path / "xdg/keras-orchestrate/data", tmp_path / "keras/datasets"]
    for name in ("XDG_CACHE_HOME", "KERAS_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert [str(path) for path in default_dirs()] == [
        "/home/somebody/.cache/keras-orchestrate/data",
        "/home/somebody/.keras/datasets",
    ]


def test_the_given_folder_comes_first_then_the_cache_then_keras(folder: Path, keras: Path) -> None:
    cache_dir().mkdir(parents=True)
    places = [folder, cache_dir(), keras]
    for value, place in enumerate(places):
        write_mnist(place / "mnist.npz", value)
    for place in places:
        found = resolve_one("mnist", folder, say=lambda text: None)
        assert found.path == str(place / "mnist.npz")
        assert (found.kind, found.name, len(found.sha256)) == ("given", "mnist.npz", 64)
        Path(found.path).unlink()


def test_passing_over_the_given_folder_is_said(folder: Path, keras: Path) -> None:
    write_mnist(keras / "mnist.npz")
    said: list[str] = []
    resolve_one("mnist", folder, say=said.append)
    assert said == [f"mnist: not in {folder}; using {keras / 'mnist.npz'}"]


@pytest.mark.parametrize(("name", "file"), [(d.name, f) for d in DATASETS.values() if d.members for f in d.accepted])
def test_every_name_that_keras_ever_used_is_found(keras: Path, name: str, file: str) -> None:
    found = resolve_one(name, None) if write_tar(keras / file, name) else None
    assert found is not None
    assert Path(found.path).name == file
    assert found.name == DATASETS[name].file


def test_keras_own_home_may_be_given(tmp_path: Path, keras: Path) -> None:
    write_mnist(keras / "mnist.npz")
    assert resolve_one("mnist", tmp_path / "keras").path == str(keras / "mnist.npz")


@pytest.mark.parametrize("root", [".", "cifar-10-batches-py-target"])
def test_extracted_members_are_packed_in_the_cache_not_in_the_folder(folder: Path, root: str) -> None:
    write_members(folder / root, "cifar10")
    before = tree(folder)
    first, again = resolve_one("cifar10", folder), resolve_one("cifar10", folder)
    assert first == again
    assert first.kind == "given"
    assert Path(first.path).parent == cache_dir()
    assert tree(folder) == before
    with tarfile.open(first.path) as tar:
        assert tar.getnames() == DATASETS["cifar10"].members
    (folder / root / DATASETS["cifar10"].members[0]).write_bytes(batch(3))
    assert resolve_one("cifar10", folder).sha256 != first.sha256


def test_extracted_members_that_no_job_could_read_are_corrupt_and_refused(folder: Path) -> None:
    write_members(folder, "cifar10")
    (row,) = [row for row in verify(DATASETS, ["cifar10"], folder) if row.path == str(folder)]
    assert row.state == "ok"
    (folder / DATASETS["cifar10"].members[0]).write_text("changed")
    (row,) = [row for row in verify(DATASETS, ["cifar10"], folder) if row.path == str(folder)]
    assert row.state == "corrupt" and "data_batch_1 is no batch of images" in row.note
    with pytest.raises(UserError, match="data_batch_1 is no batch of images"):
        resolve_one("cifar10", folder)


def test_the_given_folder_is_never_written(folder: Path) -> None:
    write_mnist(folder / "mnist.npz")
    write_tar(folder / "cifar-10-python.tar.gz", "cifar10")
    before = tree(folder)
    resolve({**DATASETS, **offline("babi")}, [], folder, say=lambda text: None)
    verify(DATASETS, [], folder)
    assert tree(folder) == before


def test_a_corrupt_file_stops_with_its_name_the_fault_and_a_remedy(folder: Path) -> None:
    whole = write_mnist(folder / "mnist.npz").read_bytes()
    (folder / "mnist.npz").write_bytes(whole[:-100])
    with pytest.raises(UserError, match=r"mnist\.npz: not an \.npz file") as caught:
        resolve_one("mnist", folder, allow_synthetic=True)
    assert str(folder) in caught.value.message
    assert "orchestrate data fetch mnist" in caught.value.hint


def test_mistakes_are_the_users(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no data set is called 'mnits'"):
        resolve(DATASETS, ["mnits"])
    with pytest.raises(UserError, match="is not a folder"):
        resolve_one("mnist", tmp_path / "nothing")
    with pytest.raises(UserError, match="neither fetching nor synthetic") as caught:
        resolve_one("mnist")
    assert "orchestrate data fetch mnist" in caught.value.hint


def test_a_file_is_read_once_until_it_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_mnist(folder / "mnist.npz", 1)
    first = resolve_one("mnist", folder)
    with monkeypatch.context() as patch:
        patch.setattr(find, "check", lambda *_: pytest.fail("read again"))
        assert resolve_one("mnist", folder) == first
        assert listing(DATASETS, ["mnist"], folder)[0].sha256 == first.sha256
    write_mnist(path, 2)
    assert resolve_one("mnist", folder).sha256 != first.sha256


def test_verify_always_reads_again(folder: Path) -> None:
    path = write_mnist(folder / "mnist.npz", 1)
    stamp = path.stat()
    assert [row.state for row in verify(DATASETS, ["mnist"], folder)] == ["ok"]
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert [row.state for row in listing(DATASETS, ["mnist"], folder)] == ["ok"], "the stamp hides it"
    (row,) = verify(DATASETS, ["mnist"], folder)
    assert (row.state, row.path) == ("corrupt", str(path))
    assert "damaged" in row.note


def test_a_cache_that_cannot_be_written_only_costs_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    write_mnist(folder / "mnist.npz")
    assert resolve_one("mnist", folder).kind == "given"


def test_kinds(folder: Path) -> None:
    write_mnist(folder / "mnist.npz")
    given = resolve_one("mnist", folder)
    row = msgspec.structs.replace

    def kind(dataset: Dataset) -> str:
        return resolve({"mnist": dataset}, ["mnist"], folder)["mnist"].kind

    official = [Place(url="https://example.org/mnist.npz", sha256=given.sha256)]
    assert given.kind == "given"
    assert kind(row(DATASETS["mnist"], places=official)) == "official"
    assert kind(row(DATASETS["mnist"], synthetic=given.sha256)) == "synthetic", "whatever its name is"


def test_a_hash_recorded_at_the_first_fetch_makes_official(folder: Path) -> None:
    write_tar(folder / "babi_tasks_1-20_v1-2.tar.gz", "babi")
    given = resolve_one("babi", folder)
    record = {DATASETS["babi"].places[0].url: Fetched(dataset="babi", sha256=given.sha256, size=1)}
    (cache_dir() / "fetched.json").write_bytes(msgspec.json.encode(record))
    assert (given.kind, resolve_one("babi", folder).kind) == ("given", "official")


def test_nothing_there_and_nothing_to_fetch_gives_synthetic_and_says_so() -> None:
    said: list[str] = []
    file = resolve(offline("babi"), ["babi"], say=said.append)["babi"]
    assert file.kind == "synthetic"
    assert file.sha256 == DATASETS["babi"].synthetic
    assert "synthetic-v" in file.path
    assert "refused" in " ".join(said)
    assert "SYNTHETIC" in said[-1]
    rows = listing(offline("babi"))
    assert [(row.kind, row.state) for row in rows] == [("synthetic", "ok")]


def test_synthetic_can_be_forbidden() -> None:
    with pytest.raises(HostError, match="cannot fetch babi"):
        resolve(offline("babi"), ["babi"], allow_synthetic=False, say=lambda text: None)


def test_listing_shows_every_file_and_what_is_missing(folder: Path, keras: Path) -> None:
    write_mnist(folder / "mnist.npz")
    write_mnist(keras / "mnist.npz", 1)
    write_members(folder, "babi")
    rows = listing(DATASETS, [], folder)
    assert [(row.dataset, row.state, row.path) for row in rows] == [
        ("mnist", "ok", str(folder / "mnist.npz")),
        ("mnist", "ok", str(keras / "mnist.npz")),
        ("cifar10", "missing", None),
        ("babi", "ok", str(folder)),
    ]
    assert rows[0].size == (folder / "mnist.npz").stat().st_size
