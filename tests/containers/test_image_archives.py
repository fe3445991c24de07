"""Images as one file: saved, listed, checked, loaded; with images of a few bytes on a real engine."""

from __future__ import annotations

import errno
import gzip
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.model import to_json
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images.engine import inspect
from tests.fakes.libraries import tar

pytestmark = pytest.mark.containers

REPOSITORY = "keras-orchestrate/archive-test"
ONE, TWO = f"{REPOSITORY}:one", f"{REPOSITORY}:two"
Make = Callable[[str, bytes], str]


def silent(done: int, total: int | None) -> None:
    return None


@pytest.fixture
def make(engine: Any) -> Iterator[Make]:
    """A function that gives the engine an image with one file; all are removed at the end."""
    ids: list[str] = []

    def made(name: str, content: bytes) -> str:
        engine.api.import_image_from_data(tar({"file": content}), repository=REPOSITORY, tag=name.rpartition(":")[2])
        ids.append(str(inspect(engine, name).id))
        return ids[-1]

    yield made
    for id_ in dict.fromkeys(ids):
        if inspect(engine, id_):  # a replaced one has lost its name
            engine.images.remove(id_, force=True)


@pytest.fixture
def archive(engine: Any, make: Make, tmp_path: Path) -> Path:
    """Two images in one file."""
    make(ONE, b"one")
    make(TWO, bytes(200_000))
    path = tmp_path / "images.tar.gz"
    image_archive.save(engine, [ONE, TWO], path, silent)
    return path


def test_images_come_back_as_they_were(engine: Any, make: Make, tmp_path: Path):
    ids = [make(ONE, b"one"), make(TWO, b"two")]
    path = tmp_path / "images.tar.gz"
    seen: list[int] = []
    image_archive.save(engine, [ONE, TWO], path, lambda done, total: seen.append(done))
    assert seen == sorted(seen) and seen[-1] > 0
    for name in (ONE, TWO):
        engine.images.remove(name)
    index = image_archive.contents(path, silent)
    assert [(image.name, image.info.id) for image in index.images] == list(zip((ONE, TWO), ids, strict=True))
    assert image_archive.load(engine, path, index, silent) == [ONE, TWO]
    assert [inspect(engine, name).id for name in (ONE, TWO)] == ids
    assert image_archive.load(engine, path, index, silent) == []


def test_docker_load_reads_it_too(engine: Any, archive: Path):
    engine.images.remove(ONE)
    with archive.open("rb") as stream:
        engine.images.load(stream)
    assert inspect(engine, ONE)


def test_neither_a_file_nor_an_image_is_overwritten_unasked(engine: Any, make: Make, archive: Path):
    with pytest.raises(UserError, match="is there already") as caught:
        image_archive.save(engine, [ONE], archive, silent)
    assert "--force" in caught.value.hint
    index = image_archive.contents(archive, silent)
    newer = make(ONE, b"newer")
    with pytest.raises(UserError, match=f"the engine has another {ONE}, made 20"):
        image_archive.load(engine, archive, index, silent)
    assert inspect(engine, ONE).id == newer
    assert image_archive.load(engine, archive, index, silent, force=True) == [ONE]
    assert inspect(engine, ONE).id == index.images[0].info.id
    image_archive.save(engine, [ONE], archive, silent, force=True)
    assert len(image_archive.contents(archive, silent).images) == 1


def test_a_damaged_file_is_refused(archive: Path):
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged or incomplete"):
        image_archive.contents(archive, silent)
    archive.write_bytes(content[:400] + bytes([content[400] ^ 1]) + content[401:])
    with pytest.raises(UserError, match="damaged"):
        image_archive.contents(archive, silent)
    changed = gzip.decompress(content).replace(bytes(1000), b"x" * 1000, 1)
    archive.write_bytes(gzip.compress(changed))  # whole, but not what was saved
    with pytest.raises(UserError, match="damaged"):
        image_archive.contents(archive, silent)


def test_an_archive_of_others_is_told_apart(engine: Any, make: Make, tmp_path: Path):
    make(ONE, b"one")
    path = tmp_path / "theirs.tar.gz"
    with gzip.open(path, "wb") as stream:
        stream.writelines(engine.images.get(ONE).save())
    with pytest.raises(UserError, match="was not made by `orchestrate images save`"):
        image_archive.contents(path, silent)
    path.write_bytes(b"hello")
    with pytest.raises(UserError, match="damaged or incomplete"):
        image_archive.contents(path, silent)


def test_an_image_that_the_index_does_not_name_is_not_replaced(engine: Any, make: Make, tmp_path: Path):
    make(ONE, b"one")
    make(TWO, b"theirs")
    path = tmp_path / "images.tar.gz"
    image_archive.save(engine, [ONE, TWO], path, silent)
    names_one(path)
    mine = make(TWO, b"mine")
    engine.images.remove(ONE)
    command = [sys.executable, "-m", "orchestrator", "images", "load", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert f"it names {TWO}, and its index does not" in ended.stderr
    assert inspect(engine, ONE) is None
    assert inspect(engine, TWO).id == mine


def names_one(path: Path) -> None:
    """Takes the second image out of the index of an archive; what engines read stays as it is."""
    stream = io.BytesIO()
    with tarfile.open(path) as reading, tarfile.open(fileobj=stream, mode="w") as writing:
        for member in reading:
            content = reading.extractfile(member).read() if member.isfile() else b""  # type: ignore[union-attr]
            if member.name == image_archive.INDEX:
                index = msgspec.json.decode(content, type=image_archive.Index)
                content = to_json(msgspec.structs.replace(index, images=index.images[:1]))
                member.size = len(content)
            writing.addfile(member, io.BytesIO(content))
    path.write_bytes(gzip.compress(stream.getvalue()))


def test_a_full_disk_leaves_nothing_behind(engine: Any, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(ONE, b"one")

    def full(source: Any, target: Any, images: Any) -> None:
        target.write(b"some")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(image_archive, "copy_archive", full)
    with pytest.raises(HostError, match="No space left on device") as caught:
        image_archive.save(engine, [ONE], tmp_path / "images.tar.gz", silent)
    assert "Is there space" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_is_not_there_is_the_users_mistake(engine: Any, tmp_path: Path):
    with pytest.raises(UserError, match="the engine has no image nothing:0"):
        image_archive.save(engine, ["nothing:0"], tmp_path / "images.tar.gz", silent)


def test_the_command_lists_what_is_in_a_file(archive: Path):
    command = [sys.executable, "-m", "orchestrator", "images", "list", str(archive)]
    _, _, *lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[ONE, "checked"], [TWO, "checked"]]
