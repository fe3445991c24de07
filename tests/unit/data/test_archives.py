"""Archives: what is refused, and that ours are the same bytes for the same content."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from orchestrator.data import archives
from orchestrator.data.archives import check, write_npz, write_tar_gz
from orchestrator.data.contents import BadArchive

ARRAYS = {"x_train": [28, 28], "y_train": [], "x_test": [28, 28], "y_test": []}


def arrays(train: int = 6, test: int = 3) -> dict[str, np.ndarray]:
    return {
        "x_train": np.full((train, 28, 28), 7, np.uint8),
        "y_train": np.arange(train, dtype=np.uint8),
        "x_test": np.zeros((test, 28, 28), np.uint8),
        "y_test": np.arange(test, dtype=np.uint8),
    }


def npz(path: Path, **content: np.ndarray) -> Path:
    np.savez(path, **content)
    return path


def tar_gz(path: Path, files: dict[str, bytes]) -> Path:
    with path.open("wb") as stream:
        write_tar_gz(stream, files.items())
    return path


STORIES = "1 Mary went home.\n2 Where is Mary? \thome\t1\n1 John sat.\n2 Where is John? \tthere\t1\n"


def batch(count: int = 2, **changes: object) -> bytes:
    """A pickled batch of CIFAR-10."""
    fields = {"data": np.zeros((count, 3072), np.uint8), "labels": list(range(count)), **changes}
    return pickle.dumps({key.encode(): value for key, value in fields.items()}, protocol=2)


def check_one(path: Path, data: bytes, content: str) -> None:
    check(tar_gz(path / "c.tar.gz", {"a/one": data}), {}, ["a/one"], content)  # type: ignore[arg-type]


def test_a_good_npz_passes(tmp_path: Path) -> None:
    check(npz(tmp_path / "m.npz", **arrays()), ARRAYS, [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x_test": np.zeros((3, 27, 28), np.uint8)}, r"x_test has shape \(3, 27, 28\)"),
        ({"x_test": np.zeros((3, 28, 28), np.float32)}, "x_test has type float32, expected uint8"),
        ({"y_test": np.zeros(3, np.float64)}, "y_test has type float64, expected integers"),
        ({"y_test": np.zeros(2, np.uint8)}, "x_test and y_test differ in length"),
        ({"y_test": np.zeros(0, np.uint8)}, "y_test has shape"),
        ({"y_test": np.array(3, np.uint8)}, "y_test has shape"),
        ({"y_test": np.array([0, 10, 1])}, "y_test has the label 10, expected 0 to 9"),
        ({"y_train": np.array([0, 1, 2, 3, 4, -1])}, "y_train has the label -1, expected 0 to 9"),
    ],
)
def test_an_npz_with_other_arrays_is_refused(tmp_path: Path, change: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(BadArchive, match=words):
        check(npz(tmp_path / "m.npz", **{**arrays(), **change}), ARRAYS, [])


def test_an_npz_that_lacks_arrays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="lacks the arrays y_test, y_train"):
        check(npz(tmp_path / "m.npz", x_train=np.zeros(1), x_test=np.zeros(1)), ARRAYS, [])


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    hostile = np.array([Touch(tmp_path / "touched")], object)
    with pytest.raises(BadArchive, match="damaged"):
        check(npz(tmp_path / "m.npz", **{**arrays(), "y_test": hostile}), ARRAYS, [])
    assert not (tmp_path / "touched").exists()


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_pickles_in_a_tar_are_never_loaded(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="has no place in a data file"):
        check_one(tmp_path, pickle.dumps(Touch(tmp_path / "touched")), "batches")
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (batch()[:-100], "a/one is no batch of images"),
        (b"<html>404</html>", "a/one is no batch of images"),
        (pickle.dumps({"data": 1}), "is no batch of images"),
        (batch(data=np.zeros((2, 3071), np.uint8)), r"images of shape \(2, 3071\) and type uint8"),
        (batch(data=np.zeros((2, 3072), np.float64)), "type float64"),
        (batch(labels=[0]), "has no list of 2 labels"),
        (batch(labels=[0, 0.5]), "has no list of 2 labels"),
        (batch(labels=[0, 10]), "has the label 10, expected 0 to 9"),
        (batch(0), "has images of shape"),
    ],
)
def test_batches_that_no_job_could_read_are_refused(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(BadArchive, match=words) as caught:
        check_one(tmp_path, data, "batches")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfe", "a/one is no text in UTF-8"),
        (STORIES.encode() + b"\n\n3 x\n", "a line 5 that is no sentence"),
        (b"<html>404 not found</html>", "a line 1 that is no sentence"),
        (STORIES.partition("\n1 John")[0].encode(), "less than two questions"),
    ],
)
def test_stories_that_no_job_could_read_are_refused(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(BadArchive, match=words):
        check_one(tmp_path, data, "stories")


def test_what_passes_as_an_archive_passes_as_a_folder_and_as_a_plain_tar(tmp_path: Path) -> None:
    for name, data, content in (("a/one", batch(), "batches"), ("b/two", STORIES.encode(), "stories")):
        packed = tar_gz(tmp_path / "packed.tar.gz", {f"./{name}": data, "other": b"x"})
        check(packed, {}, [name], content)
        (tmp_path / "plain.tar").write_bytes(gzip.decompress(packed.read_bytes()))
        check(tmp_path / "plain.tar", {}, [name], content)
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(data)
        check(tmp_path, {}, [name], content)
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(BadArchive, match=f"lacks {name}"):
            check(tmp_path, {}, [name], content)


@pytest.mark.parametrize("kind", ["bz2", "xz"])
def test_compressions_that_old_pythons_lack_are_named(tmp_path: Path, kind: str) -> None:
    with tarfile.open(tmp_path / "c.tar", f"w:{kind}") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    with pytest.raises(BadArchive, match=f"compressed with {'bzip2' if kind == 'bz2' else kind}: only tar and tar.gz"):
        check(tmp_path / "c.tar", {}, ["a"])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_plain_tar_is_refused_on_one_line(tmp_path: Path, share: float) -> None:
    packed = tar_gz(tmp_path / "c.tar.gz", {"a": np.random.RandomState(0).bytes(50_000)})
    whole = gzip.decompress(packed.read_bytes())[: 512 + 50_000]
    (tmp_path / "c.tar").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadArchive, match="damaged or incomplete") as caught:
        check(tmp_path / "c.tar", {}, ["a"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"<html>404</html>", b"\x93NUMPY"])
def test_what_is_no_archive_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(text)
    with pytest.raises(BadArchive, match=r"not an \.npz file"):
        check(path, ARRAYS, [])
    with pytest.raises(BadArchive, match="damaged or incomplete"):
        check(path, {}, ["a"])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    noise = np.random.RandomState(0).bytes(50_000)
    for path, wanted in (
        (npz(tmp_path / "m.npz", **arrays()), ARRAYS),
        (tar_gz(tmp_path / "c.tar.gz", {"a": noise}), {}),
    ):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(BadArchive):
            check(path, wanted, ["a"])


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    for path, wanted in (
        (npz(tmp_path / "m.npz", **arrays()), ARRAYS),
        (tar_gz(tmp_path / "c.tar.gz", {"a": bytes(50_000)}), {}),
    ):
        content = bytearray(path.read_bytes())
        content[2_000] ^= 1
        path.write_bytes(content)
        with pytest.raises(BadArchive, match="damaged or incomplete"):
            check(path, wanted, ["a"])


def test_the_end_of_a_gzip_is_checked_too(tmp_path: Path) -> None:
    path = tar_gz(tmp_path / "c.tar.gz", {"a": b"x"})
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadArchive, match="CRC"):
        check(path, {}, ["a"])


def test_a_tar_must_have_its_members_as_files(tmp_path: Path) -> None:
    path = tar_gz(tmp_path / "c.tar.gz", {"a": b"x", "empty": b""})
    check(path, {}, ["a"])
    with pytest.raises(BadArchive, match="lacks b, empty"):
        check(path, {}, ["a", "b", "empty"])


@pytest.mark.parametrize("compression", ["w", "w:gz"])
def test_a_tar_is_read_with_and_without_gzip(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "c"
    with tarfile.open(path, compression) as tar:
        member = tarfile.TarInfo("a")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    check(path, {}, ["a"])


@pytest.mark.parametrize(("name", "link"), [("../a", ""), ("/a", ""), ("a/../../b", ""), ("b", "/etc/passwd")])
def test_members_that_point_outside_are_refused(tmp_path: Path, name: str, link: str) -> None:
    path = tmp_path / "c.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
        tar.addfile(member)
    with pytest.raises(BadArchive, match="points outside"):
        check(path, {}, [])


def test_written_npz_reads_back_and_is_stable(tmp_path: Path) -> None:
    content = arrays()
    streams = [io.BytesIO(), io.BytesIO()]
    for stream in streams:
        write_npz(stream, content)
    assert streams[0].getvalue() == streams[1].getvalue()
    streams[0].seek(0)
    with np.load(streams[0]) as back:
        assert set(back.files) == set(content)
        assert all(np.array_equal(back[name], content[name]) for name in content)
    assert {entry.date_time for entry in zipfile.ZipFile(streams[0]).infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("size", [0, 1, 10_239, 65_535, 65_536, 300_000])
def test_written_tar_gz_reads_back_and_is_stable(tmp_path: Path, size: int) -> None:
    content = np.random.RandomState(size).bytes(size)
    first = tar_gz(tmp_path / "1", {"folder/a": content, "b": b"b"}).read_bytes()
    assert first == tar_gz(tmp_path / "2", {"folder/a": content, "b": b"b"}).read_bytes()
    assert first[4:8] == bytes(4), "gzip's time stamp"
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(first))) as tar:
        assert [(m.name, m.mtime, m.uid, m.uname) for m in tar] == [("folder/a", 0, 0, ""), ("b", 0, 0, "")]
        stream = tar.extractfile("folder/a")
        assert stream is not None
        assert stream.read() == content


def bomb(path: Path, count: int, written: int) -> Path:
    """An .npz of a few kilobytes whose x_train says that it has `count` images, of which `written` are there."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays().items():
            file = io.BytesIO()
            shape = (count, 28, 28) if name == "x_train" else array.shape
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            rest = bytes(784 * written) if name == "x_train" else array.tobytes()
            archive.writestr(f"{name}.npy", file.getvalue() + rest)
    return path


@pytest.mark.parametrize(
    ("count", "written", "words"),
    [(10_000, 10_000, "which no data set has"), (2**50, 6, "damaged or incomplete")],
    ids=["true", "a lie"],
)
def test_an_npz_that_unpacks_to_more_than_a_data_set_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, written: int, words: str
) -> None:
    monkeypatch.setattr(archives, "_MEMBER", 2**20)
    with pytest.raises(BadArchive, match=words):
        check(bomb(tmp_path / "m.npz", count, written), ARRAYS, [])


@pytest.mark.parametrize("name", ["a/one", "another"])
def test_a_tar_that_unpacks_to_more_than_a_data_set_has_is_refused_before_it_is_read(tmp_path: Path, name: str) -> None:
    """Both of its headers are read, and none of the content that they promise."""
    member = tarfile.TarInfo(name)
    member.size = 2**31 if name == "another" else 2**29 + 1
    path = tmp_path / "c.tar"
    path.write_bytes(member.tobuf())
    with path.open("r+b") as file:
        file.truncate(2**32)
    with pytest.raises(BadArchive, match=r"which no data set has|more than any data set has"):
        check(path, {}, ["a/one"], "stories")


def test_a_folder_with_a_file_larger_than_any_of_a_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    os.truncate(tmp_path / "one", 2**29 + 1)
    with pytest.raises(BadArchive, match="which no data set has"):
        check(tmp_path, {}, ["one"], "stories")
