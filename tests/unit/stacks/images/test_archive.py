"""Images as one file: written whole, checked to the last byte, and loaded by who has them not."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import docker.errors
import msgspec
import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.model import to_json
from orchestrator.stacks.images import archive, archive_names
from orchestrator.stacks.images.engine import ImageInfo
from tests.fakes.docker_engine import FakeEngine
from tests.fakes.libraries import tar

ONE, TWO = "keras-orchestrate/one:1-cpu", "keras-orchestrate/two:1-cpu"
CONFIG = b'{"config": {}}'
ID = "sha256:" + hashlib.sha256(CONFIG).hexdigest()


def manifest(*names: str) -> bytes:
    """manifest.json of an archive with images of these names."""
    return json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": []} for name in names]).encode()


LAYERS: dict[str, bytes | str] = {
    "manifest.json": manifest(ONE),
    "config.json": CONFIG,
    "layer/1.tar": b"layer" * 1000,
    "layer/2.tar": "=> layer/1.tar",
    "latest": "-> layer/1.tar",
}


def info(recipe: str = "0" * 64, **more: Any) -> ImageInfo:
    return ImageInfo(id=ID, created="2026-01-02T03:04:05Z", size_mb=500, dockerfile_sha256=recipe, **more)


def silent(done: int, total: int | None) -> None:
    return None


class Engine(FakeEngine):
    """Exports `content` in pieces, and takes archives."""

    def __init__(self, *names: str, content: bytes | None = None) -> None:
        super().__init__()
        content = tar({**LAYERS, "manifest.json": manifest(*names)}) if content is None else content
        for name in names:
            self.add(name)
        self.content, self.asked, self.taken = content, {}, b""
        self.api = types.SimpleNamespace(base_url="http+docker://x", api_version="1.41", get=self._export)

    def add(self, name: str, labels: dict[str, str] | None = None) -> None:
        super().add(name, labels)
        self.known[name].id = ID

    def _export(self, url: str, **options: Any) -> Engine:
        self.asked = {"url": url, **options}
        return self

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: Any) -> None:
        """The connection is closed."""

    def raise_for_status(self) -> None:
        """It said 200."""

    def iter_content(self, size: int) -> Iterator[bytes]:
        return (self.content[start : start + 700] for start in range(0, len(self.content), 700))

    def load(self, pieces: Iterator[bytes]) -> None:
        self.taken = b"".join(pieces)
        for image in (ONE, TWO):
            self.add(image)


def saved(tmp_path: Path, *names: str) -> Path:
    archive.save(Engine(*names), names, tmp_path / "images.tar.gz", silent)
    return tmp_path / "images.tar.gz"


def test_what_is_saved_is_what_is_found(tmp_path: Path):
    seen: list[tuple[int, int | None]] = []
    engine = Engine(ONE, TWO)
    index = archive.save(engine, [ONE, TWO], tmp_path / "a.tar.gz", lambda done, total: seen.append((done, total)))
    assert engine.asked["url"] == "http+docker://x/v1.41/images/get"
    assert engine.asked["params"] == {"names": [ONE, TWO]}, "layers that both have are in it once"
    assert [image.name for image in index.images] == [ONE, TWO]
    assert index.members["layer/2.tar"] == index.members["latest"] == "-> layer/1.tar"
    assert archive.contents(tmp_path / "a.tar.gz", silent) == index
    assert seen[-1] == (len(engine.content), 10**9)
    assert (tmp_path / "a.tar.gz").stat().st_mode & 0o777 == 0o644


def test_the_engines_own_members_are_kept_as_they_are(tmp_path: Path):
    with tarfile.open(saved(tmp_path, ONE)) as reading:
        assert reading.getnames() == [*LAYERS, archive.INDEX]
        assert reading.extractfile("layer/1.tar").read() == LAYERS["layer/1.tar"]  # type: ignore[union-attr]


def test_nothing_is_overwritten_or_left_half(tmp_path: Path):
    path = saved(tmp_path, ONE)
    before = path.read_bytes()
    with pytest.raises(UserError, match="is there already"):
        archive.save(Engine(ONE), [ONE], path, silent)
    with pytest.raises(UserError, match=f"the engine has no image {TWO}"):
        archive.save(Engine(ONE), [TWO], path, silent, force=True)
    with pytest.raises(HostError, match="could not save"):
        archive.save(Engine(ONE, content=tar(LAYERS)[:2000]), [ONE], path, silent, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_cut_is_damaged(tmp_path: Path):
    path = saved(tmp_path, ONE)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="is damaged or incomplete") as caught:
        archive.contents(path, silent)
    assert "compare the sizes" in caught.value.hint


def test_a_member_that_was_changed_is_named(tmp_path: Path):
    path = saved(tmp_path, ONE)
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content.replace(b"layerlayer", b"LAYERlayer", 1)))
    with pytest.raises(UserError, match=r"is damaged: layer/1\.tar has another checksum"):
        archive.contents(path, silent)


@pytest.mark.parametrize("change", [{"layer/1.tar": None}, {"more": b"x"}])
def test_a_member_more_or_less_is_damage(tmp_path: Path, change: dict[str, Any]):
    path = saved(tmp_path, ONE)
    with tarfile.open(path) as reading:
        index = reading.extractfile(archive.INDEX).read()  # type: ignore[union-attr]
    members = {name: content for name, content in {**LAYERS, **change, archive.INDEX: index}.items() if content}
    path.write_bytes(gzip.compress(tar(members)))
    with pytest.raises(UserError, match="is damaged"):
        archive.contents(path, silent)


def test_an_archive_of_others_is_told_apart(tmp_path: Path):
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar(LAYERS)))
    with pytest.raises(UserError, match="was not made by `orchestrate images save`") as caught:
        archive.contents(tmp_path / "x.tar.gz", silent)
    assert "docker load" in caught.value.hint


def test_only_what_is_missing_is_loaded(tmp_path: Path):
    path = saved(tmp_path, ONE, TWO)
    index = archive.contents(path, silent)
    engine = Engine(ONE)
    assert archive.load(engine, path, index, silent) == [TWO]
    assert engine.taken == path.read_bytes()
    engine.taken = b""
    assert archive.load(engine, path, index, silent) == []
    assert engine.taken == b""


def test_another_image_of_that_name_is_replaced_only_by_force(tmp_path: Path):
    path = saved(tmp_path, ONE)
    index = archive.contents(path, silent)
    engine = Engine(ONE)
    engine.known[ONE].id, engine.known[ONE].attrs = "sha256:2", {"Created": "2020-01-01T00:00:00Z", "Size": 1}
    with pytest.raises(UserError, match=r"has another .* made 2020-01-01T00:00:00; that of the archive") as caught:
        archive.load(engine, path, index, silent)
    assert "--force" in caught.value.hint
    assert archive.load(engine, path, index, silent, force=True) == [ONE]


def test_an_engine_that_takes_it_and_then_has_it_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = saved(tmp_path, ONE)
    index = archive.contents(path, silent)
    monkeypatch.setattr(Engine, "load", lambda self, pieces: list(pieces))
    with pytest.raises(HostError, match=f"took {path} and then did not have {ONE}"):
        archive.load(Engine(), path, index, silent)


def test_an_engine_that_takes_it_and_then_has_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = saved(tmp_path, ONE)
    index = archive.contents(path, silent)
    monkeypatch.setattr(Engine, "load", lambda self, pieces: FakeEngine.add(self, ONE))
    with pytest.raises(HostError, match=f"then had another {ONE} than it names"):
        archive.load(Engine(), path, index, silent)


def forged(path: Path, members: dict[str, bytes | str], names: Sequence[str] = (ONE,), id_: str = ID) -> Path:
    """An archive with an index that fits its members, as anybody can write one."""
    hashes = {
        name: hashlib.sha256(text).hexdigest() if isinstance(text, bytes) else f"-> {text[2:].strip()}"
        for name, text in members.items()
    }
    images = [archive.Saved(name=name, info=msgspec.structs.replace(info(), id=id_)) for name in names]
    index = archive.Index(created="now", orchestrator="1", images=images, members=hashes)
    path.write_bytes(gzip.compress(tar({**members, archive.INDEX: to_json(index)})))
    return path


OTHER = "debian:stable"
INDEX_JSON = {"manifests": [{"digest": ID, "annotations": {"io.containerd.image.name": f"docker.io/{OTHER}"}}]}
REF_JSON = {"manifests": [{"digest": ID, "Annotations": {"org.opencontainers.image.ref.name": OTHER}}]}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"manifest.json": manifest(ONE, OTHER)}, f"it names {OTHER}, and its index does not"),
        ({"manifest.json": manifest(ONE, TWO)}, f"it names {TWO}, and its index does not"),
        ({"manifest.json": manifest()}, f"it names {ONE}, and holds no such image"),
        ({"manifest.json": manifest(ONE).replace(b"RepoTags", b"repotags", 1) + b"\n[]"}, "is none"),
        ({"manifest.json": manifest(ONE).replace(b"}", b', "repotags": ["%s"]}' % OTHER.encode())}, "in two ways"),
        ({"manifest.json": manifest(ONE).replace(b"}", b', "repoTag\xc5\xbf": ["x"]}')}, "in two ways"),
        ({"manifest.json": manifest(OTHER).replace(b"RepoTags", b"repotags")}, f"it names {OTHER}"),
        ({"index.json": json.dumps(INDEX_JSON).encode()}, f"index.json names {OTHER}"),
        ({"index.json": json.dumps(REF_JSON).encode()}, f"index.json names {OTHER}"),
        ({"repositories": b'{"debian": {"stable": "1"}}'}, f"repositories names {OTHER}"),
        ({"repositories": b'{"debian": '}, "is none"),
        ({"./repositories": b"{}"}, "a member is called './repositories'"),
        ({"x/../repositories": b"{}"}, "a member is called"),
        ({"/repositories": b"{}"}, "a member is called"),
        ({"repositories": "-> config.json"}, "repositories is no file"),
        ({"d": "-> .", "d/repositories": b"{}"}, "d/repositories lies behind a link"),
    ],
)
def test_an_archive_that_names_other_images_than_its_index_is_refused(
    tmp_path: Path, members: dict[str, bytes | str], words: str
):
    path = forged(tmp_path / "x.tar.gz", {**LAYERS, **members})
    with pytest.raises(UserError, match="would give the engine other images than it says") as caught:
        archive.contents(path, silent)
    assert words in caught.value.message
    assert "Do not load it" in caught.value.hint


def test_images_that_are_not_ours_or_not_those_of_the_index_are_refused(tmp_path: Path):
    foreign = forged(tmp_path / "a.tar.gz", {**LAYERS, "manifest.json": manifest(OTHER)}, [OTHER])
    with pytest.raises(UserError, match=f"{OTHER} is no name of ours"):
        archive.contents(foreign, silent)
    another = forged(tmp_path / "b.tar.gz", LAYERS, id_="sha256:2")
    with pytest.raises(UserError, match=f"{ONE} is another image than its index says"):
        archive.contents(another, silent)
    twice = tmp_path / "c.tar.gz"
    twice.write_bytes(gzip.compress(tar(LAYERS, twice=True)))
    with pytest.raises(UserError, match=r"manifest\.json is in it twice"):
        archive.contents(twice, silent)


def test_one_image_is_the_same_on_engines_that_number_it_differently():
    saved = info("1" * 64)
    assert archive.same(info("1" * 64), saved)
    other = ImageInfo(id="sha256:2", created=saved.created, size_mb=1, dockerfile_sha256="1" * 64)
    assert archive.same(other, saved)
    assert not archive.same(ImageInfo(id="sha256:2", created="later", size_mb=1), saved)
    nameless = ImageInfo(id="sha256:2", created=saved.created, size_mb=1)
    assert not archive.same(nameless, ImageInfo(id="sha256:3", created=saved.created, size_mb=1))


def test_a_full_disk_of_the_engine_is_told_apart():
    with pytest.raises(HostError, match="could not load x") as caught, archive.engine_errors("load x"):
        raise docker.errors.ImageLoadError("write /layer: no space left on device")
    assert "docker system df" in caught.value.hint


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), tarfile.ReadError("unexpected end of data")])
def test_a_disk_and_a_stream_that_break_off(error: Exception):
    with pytest.raises(HostError, match="could not save x: ") as caught, archive.engine_errors("save x"):
        raise error
    assert "is the engine still running" in caught.value.hint


def test_a_stream_in_pieces_is_the_whole_stream():
    assert b"".join(archive.pieces(io.BytesIO(b"ab" * archive.CHUNK))) == b"ab" * archive.CHUNK


@pytest.mark.parametrize("mode", [0o644, 0o666], ids=["ones own", "anybody's"])
def test_an_archive_that_others_could_change_is_copied_before_it_is_checked(tmp_path, monkeypatch, mode):
    """Else they could put another one in its place between the check and the loading."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = saved(tmp_path, ONE)
    path.chmod(mode)
    engine = Engine()
    with archive.unchanging(path) as still:
        index = archive.contents(still, silent)
        if mode == 0o666:
            path.write_bytes(b"theirs")
        assert archive.load(engine, still, index, silent) == [ONE]
    assert engine.taken.startswith(b"\x1f\x8b")
    assert list((tmp_path / "cache").rglob("*.gz")) == []


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_name_that_would_fill_the_memory_is_refused(tmp_path: Path, kind: bytes):
    """A header of five gigabytes of zeros is a file of a few megabytes."""
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, 64 << 20
    path = tmp_path / "images.tar.gz"
    with gzip.open(path, "wb", 1) as stream:
        stream.write(member.tobuf(tarfile.USTAR_FORMAT) + bytes(member.size))
    with pytest.raises(UserError, match="the header of a member has more than 4 MiB"):
        archive.contents(path, silent)


def test_an_archive_of_far_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archive_names, "MOST_MEMBERS", 2)
    with pytest.raises(UserError, match="more than 2 members"):
        archive.contents(saved(tmp_path, ONE), silent)
