"""Images of other runtimes, with programs that are made up: one with a store of its own, one with files."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator.errors import HostError
from orchestrator.launchers import runtimes
from orchestrator.launchers.runtimes import Runtime
from orchestrator.stacks import runtime_images
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images.engine import ImageInfo

INFO = ImageInfo(id="sha256:1", created="2026-11-25T00:00:00Z", size_mb=1, dockerfile_sha256="f" * 64)
SAVED = [image_archive.Saved(name="image:1", info=INFO)]


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def runtime(like: str, **images: Any) -> Runtime:
    """A runtime whose commands for images are shell scripts."""
    base = msgspec.structs.replace(runtimes.load(like), name="stub")
    return msgspec.structs.replace(base, images=msgspec.structs.replace(base.images, **images))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "images.tar.gz").write_bytes(gzip.compress(b"layers"))
    return tmp_path / "images.tar.gz"


FILES = runtime("apptainer", put=shell("cp {archive} {file}"))


def test_an_image_file_is_made_from_an_archive_once(tmp_path: Path, archive: Path):
    folder = tmp_path / "images"
    assert runtime_images.find(FILES, "image:1", folder) is None
    runtime_images.put_from_archive(FILES, archive, SAVED, folder)
    held = runtime_images.find(FILES, "image:1", folder)
    assert held is not None and held.info == INFO
    assert Path(str(held.file)).read_bytes() == b"layers"
    assert sorted(path.name for path in folder.iterdir()) == ["image_1.sif", "image_1.sif.json"]


def test_an_image_that_cannot_be_made_leaves_nothing(tmp_path: Path, archive: Path):
    broken = runtime("apptainer", put=shell("echo x > {file}; : {archive}; exit 3"))
    with pytest.raises(HostError, match=r"stub could not make an image of image:1 \(exit code 3\): it said nothing"):
        runtime_images.put_from_archive(broken, archive, SAVED, tmp_path / "images")
    assert list((tmp_path / "images").iterdir()) == []


def test_an_image_without_its_file_or_with_a_damaged_note_is_none(tmp_path: Path, archive: Path):
    folder = tmp_path / "images"
    runtime_images.put_from_archive(FILES, archive, SAVED, folder)
    (folder / "image_1.sif.json").write_text("{")
    assert runtime_images.find(FILES, "image:1", folder) is None
    runtime_images.put_from_archive(FILES, archive, SAVED, folder)
    (folder / "image_1.sif").unlink()
    assert runtime_images.find(FILES, "image:1", folder) is None


def test_a_file_that_was_changed_is_no_image_of_ours(tmp_path: Path, archive: Path):
    folder = tmp_path / "images"
    runtime_images.put_from_archive(FILES, archive, SAVED, folder)
    (folder / "image_1.sif").write_bytes(b"LAYERS")
    os.utime(folder / "image_1.sif", (1, 1))
    assert runtime_images.find(FILES, "image:1", folder) is None
    runtime_images.put_from_archive(FILES, archive, SAVED, folder)
    (folder / "image_1.sif").chmod(0o666)
    with pytest.raises(HostError, match=r"an image that cannot be believed: .* can be written to by other users"):
        runtime_images.find(FILES, "image:1", folder)


def test_a_runtime_that_asks_the_engine_itself_takes_no_archives(tmp_path: Path, archive: Path):
    own = runtime("pyxis", put=shell("echo {image} > {file}"))
    with pytest.raises(HostError, match="stub takes no archives"):
        runtime_images.put_from_archive(own, archive, SAVED, tmp_path / "images")
    runtime_images.put_from_engine(own, None, "image:1", INFO, tmp_path / "images")
    held = runtime_images.find(own, "image:1", tmp_path / "images")
    assert held is not None and Path(str(held.file)).read_text() == "image:1\n"


def test_an_image_of_the_engine_is_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image_archive, "exported", lambda client, names: iter([b"lay", b"ers"]))
    store = runtime("podman", put=shell(f"cat > {tmp_path}/store"))
    runtime_images.put_from_engine(store, None, "image:1", INFO, tmp_path)
    assert (tmp_path / "store").read_bytes() == b"layers"
    runtime_images.put_from_engine(FILES, None, "image:1", INFO, tmp_path / "images")
    held = runtime_images.find(FILES, "image:1", tmp_path / "images")
    assert held is not None and Path(str(held.file)).read_bytes() == b"layers"


def test_a_store_takes_an_archive_unpacked(tmp_path: Path, archive: Path):
    store = runtime("podman", put=shell(f"cat > {tmp_path}/store"))
    runtime_images.put_from_archive(store, archive, SAVED, tmp_path)
    assert (tmp_path / "store").read_bytes() == b"layers"


def test_a_store_that_stops_reading_is_quoted(tmp_path: Path, archive: Path):
    archive.write_bytes(gzip.compress(b"layers" * 10**6))
    full = runtime("podman", put=shell("echo disk full; exit 125"))
    with pytest.raises(HostError, match=r"stub could not take .*images.tar.gz \(exit code 125\): disk full"):
        runtime_images.put_from_archive(full, archive, SAVED, tmp_path)


def test_an_image_in_a_store_is_found_by_its_name(tmp_path: Path):
    shown = [{"Id": "1", "Created": "now", "Size": 5e6, "Config": {"Labels": {}}}]
    (tmp_path / "shown").write_text(json.dumps(shown))
    store = runtime("podman", show=shell(f"test {{image}} = image:1 && cat {tmp_path}/shown"))
    held = runtime_images.find(store, "image:1", tmp_path)
    assert held is not None
    assert (held.info.id, held.info.size_mb, held.file) == ("sha256:1", 5, None), "as the Docker engine writes ids"


@pytest.mark.parametrize("words", ["Error: No such image: x", "Error: x: image not known"])
def test_an_image_that_is_not_there_is_none(tmp_path: Path, words: str):
    assert runtime_images.find(runtime("podman", show=shell(f"echo {words} >&2; exit 1")), "x", tmp_path) is None


def test_a_runtime_that_does_not_answer_is_the_hosts_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(HostError, match=r"stub could not look for x \(exit code 2\): no permission"):
        runtime_images.find(runtime("podman", show=shell("echo no permission >&2; exit 2")), "x", tmp_path)
    with pytest.raises(HostError, match="stub: cannot start /nowhere/podman: No such file") as caught:
        runtime_images.find(runtime("podman", show=["/nowhere/podman"]), "x", tmp_path)
    assert "apt-get install podman" in caught.value.hint
    monkeypatch.setattr(runtime_images, "SHOW_S", 0.1)
    with pytest.raises(HostError, match="sleep did not end within 0 s"):
        runtime_images.find(runtime("podman", show=["sleep", "600"]), "x", tmp_path)


def test_image_files_lie_in_the_cache_by_runtime(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert runtime_images.image_folder(FILES) == Path("/cache/keras-orchestrate/images/stub")


NO_ANSWERS = (
    *("", "no json", "[]", "{}", "[1]", "[null]", "[" * 100_000, '[{"Id": 1, "Created": "", "Size": 1}]'),
    *('[{"Id": "1", "Created": "", "Size": Infinity}]', '[{"Id": "1", "Created": "", "Size": 1, "Config": [1]}]'),
    '[{"Id": "1", "Created": 5, "Size": 1}]',
)


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_an_answer_that_describes_no_image_is_one_line_and_the_hosts_fault(tmp_path: Path, answer: str):
    (tmp_path / "shown").write_text(answer)
    with pytest.raises(HostError, match="stub: what it says of x is no description of an image: ") as caught:
        runtime_images.find(runtime("podman", show=shell(f"cat {tmp_path}/shown")), "x", tmp_path)
    assert "\n" not in caught.value.message and caught.value.exit_code == 3
