"""Checks the archives that data sets come in, and writes archives whose bytes are the same on every machine.

Written archives hold their data uncompressed, because compressors differ (zlib, zlib-ng, ...) in the
bytes they make of the same data, and because random pixels would hardly shrink anyway.
"""

from __future__ import annotations

import io
import posixpath
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from orchestrator.data.contents import BadArchive, Content, check_content, check_labels

if TYPE_CHECKING:
    import numpy as np


#: What the readers of the standard library and numpy raise for a damaged file, which may say that it fills all memory.
_DAMAGE = (OSError, EOFError, ValueError, zipfile.BadZipFile, tarfile.TarError, zlib.error, RuntimeError, MemoryError)
#: Bytes of one unpacked member, and of all: a few megabytes may unpack to more than any memory holds. The largest data
#: set has a tenth of either.
_MEMBER, _ALL = 2**29, 2**31
#: The beginnings of archives that are neither a tar nor a tar.gz.
_OTHERS = {b"BZh": "bzip2", b"\xfd7z": "xz", b"PK\x03": "zip", b"\x28\xb5\x2f": "zstd"}


def check(
    path: Path,
    arrays: Mapping[str, Sequence[int]],
    members: Collection[str],
    content: Content | None = None,
    classes: int = 10,
) -> None:
    """Reads all of `path` and raises BadArchive unless a job can train on it.

    `arrays` (name -> shape of one sample) describes an .npz; without it `path` is a tar, plain or with gzip, or a
    folder, with `members` of this `content`. Labels are below `classes`.
    """
    try:
        if arrays:
            _check_npz(path, arrays, classes)
            return
        found = set()
        for name, data in _folder_files(path, members) if path.is_dir() else _tar_files(path, members):
            found.add(name)
            if content:
                check_content(name, data, content, classes)
        if missing := [name for name in members if name not in found]:
            raise BadArchive(f"lacks {', '.join(missing)}")
    except BadArchive:
        raise
    except _DAMAGE as error:
        words = " ".join(str(error).split())
        raise BadArchive(f"damaged or incomplete ({words or type(error).__name__})") from error


def _check_npz(path: Path, arrays: Mapping[str, Sequence[int]], classes: int) -> None:
    """Every array with its shape and type, and as many labels (y_*) as samples (x_*)."""
    if not zipfile.is_zipfile(path):
        raise BadArchive("not an .npz file")
    import numpy as np  # only here: it takes a tenth of a second to import, and most commands do without

    lengths: dict[str, int] = {}
    with np.load(path, allow_pickle=False) as npz:
        if missing := sorted(set(arrays) - set(npz.files)):
            raise BadArchive(f"lacks the arrays {', '.join(missing)}")
        for name, shape in arrays.items():
            _bound(name, max(e.file_size for e in npz.zip.infolist() if e.filename in (name, f"{name}.npy")))
            array = npz[name]
            _check_array(name, array, tuple(shape))
            if not shape:
                check_labels(name, array, classes)
            lengths[name] = len(array)
    for part in {name.partition("_")[2] for name in arrays}:
        if lengths[f"x_{part}"] != lengths[f"y_{part}"]:
            raise BadArchive(f"x_{part} and y_{part} differ in length")


def _check_array(name: str, array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
    if array.ndim == 0 or array.shape[1:] != shape or not len(array):
        raise BadArchive(f"{name} has shape {array.shape}, expected (samples, {', '.join(map(str, shape))})")
    if array.dtype.kind not in "iu" or (shape and array.dtype != "uint8"):
        raise BadArchive(f"{name} has type {array.dtype}, expected {'uint8' if shape else 'integers'}")


def _tar_files(path: Path, members: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the members that are files with something in them."""
    with path.open("rb") as stream:
        magic = stream.read(3)
    if magic in _OTHERS:
        raise BadArchive(f"compressed with {_OTHERS[magic]}: only tar and tar.gz are read on every Python")
    with tarfile.open(path, "r:gz" if magic[:2] == b"\x1f\x8b" else "r:") as tar:
        for member in tar:
            if member.offset_data + member.size > _ALL:
                raise BadArchive("unpacks to more than any data set has")
            name = posixpath.normpath(_safe(member).name)
            if member.isfile() and member.size and name in members:
                file = tar.extractfile(member)
                assert file is not None, "a file has content"
                _bound(name, member.size)
                yield name, file.read()
        # To the very end, so that gzip compares its own checksum as well.
        while tar.fileobj is not None and tar.fileobj.read(1 << 20):
            pass


def _folder_files(path: Path, members: Collection[str]) -> Iterator[tuple[str, bytes]]:
    for name in members:
        if (path / name).is_file():
            _bound(name, (path / name).stat().st_size)
            data = (path / name).read_bytes()
            if data:
                yield name, data


def _bound(name: str, size: int) -> None:
    """Raises BadArchive for a member that is larger than any that a data set has."""
    if size > _MEMBER:
        raise BadArchive(f"{name} has {size / 2**30:.1f} GiB, which no data set has")


def _safe(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The member itself, if neither its name nor its link leads outside. Raises BadArchive."""
    for name in (member.name, member.linkname):
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BadArchive(f"the member {member.name!r} points outside of the archive")
    return member


class _StoredGzip(io.RawIOBase):
    """Gzip without compression, in blocks of one size however the data arrives; `mtime` is 0."""

    _BLOCK = 65535

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._pending = bytearray()
        self._crc = 0
        self._size = 0
        stream.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._pending += data
        while len(self._pending) > self._BLOCK:
            self._block(bytes(self._pending[: self._BLOCK]), last=False)
            del self._pending[: self._BLOCK]
        return len(data)

    def close(self) -> None:
        """Writes the last block and the trailer; the stream below stays open."""
        if not self.closed:
            self._block(bytes(self._pending), last=True)
            self._stream.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))
        super().close()

    def _block(self, data: bytes, last: bool) -> None:
        self._stream.write(struct.pack("<BHH", last, len(data), len(data) ^ 0xFFFF) + data)


def write_tar_gz(stream: IO[bytes], files: Iterable[tuple[str, bytes]]) -> None:
    """A .tar.gz of `files` (name, content): the same bytes for the same content, everywhere."""
    gzip = _StoredGzip(stream)
    with tarfile.open(fileobj=gzip, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(content))
    gzip.close()


def write_npz(stream: IO[bytes], arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """An .npz of uint8 `arrays`: the same bytes for the same content, everywhere."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, _npy(array))


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    """Version 1.0 of the format, written here because numpy's padding changed between its releases."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {array.shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.tobytes()
