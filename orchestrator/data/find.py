"""Finds the data sets on this host, checks, hashes and labels them; downloads or makes those that are missing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from orchestrator.data.archives import check, write_tar_gz
from orchestrator.data.contents import BadArchive
from orchestrator.data.declared import DATA_MODE, Dataset, known, synthetic_path
from orchestrator.data.fetched import known_hashes
from orchestrator.errors import HostError, UserError
from orchestrator.files import (
    cache_folder,
    cached_record,
    disk_errors,
    expanded,
    home_folder,
    replacing,
    sha256_file,
    write_atomic,
)
from orchestrator.model import DataFile, Noun, Say, to_json

if TYPE_CHECKING:  # loaded where something is fetched
    from orchestrator.data.download import Progress

Kind = Literal["official", "given", "synthetic"]


class DataRow(Noun, frozen=True, kw_only=True):
    """One file (or one absent data set) for people. `size` in bytes; `note` says what is wrong."""

    dataset: str
    state: Literal["ok", "corrupt", "missing"]
    path: str | None = None
    size: int | None = None
    sha256: str | None = None
    kind: Kind | None = None
    note: str = ""


class _Seen(Noun, frozen=True, kw_only=True):
    """What is remembered of a checked file: its hash, and the size and time that show whether it changed since."""

    size: int
    mtime_ns: int
    sha256: str


def cache_dir() -> Path:
    """Where fetched and synthetic data lie."""
    return cache_folder() / "data"


def default_dirs() -> list[Path]:
    """Folders searched without being named: our cache, then Keras' own ($KERAS_HOME or ~/.keras)."""
    named = os.environ.get("KERAS_HOME")
    with suppress(HostError):  # without a home there is no ~/.keras
        keras = expanded(named) if named else home_folder() / ".keras"
        return [cache_dir(), keras / "datasets"]
    return [cache_dir()]


def keras_datasets() -> str | None:
    """The folder of what Keras has downloaded before ($KERAS_HOME or ~/.keras), if it is there."""
    folder = default_dirs()[-1]
    return str(folder.absolute()) if folder.name == "datasets" and folder.is_dir() else None


def resolve(
    datasets: Mapping[str, Dataset],
    names: Iterable[str],
    data_dir: Path | None = None,
    allow_fetch: bool = True,
    allow_synthetic: bool = True,
    say: Say = print,
    progress: Progress | None = None,
) -> dict[str, DataFile]:
    """One usable file per data set in `names`.

    Searched in `data_dir`, the cache and Keras' folder; else fetched; else synthetic, and said so.
    `data_dir` is never written. Raises UserError for an unknown name, a `data_dir` that is none, a
    corrupt file, or data that may be neither fetched nor made; HostError where fetching failed and
    synthetic data are not allowed.
    """
    chosen = _chosen(datasets, names)
    dirs = _search_dirs(data_dir)
    files: dict[str, DataFile] = {}
    for dataset in chosen:
        path = next(_candidates(dataset, dirs), None)
        if path is None:
            path = _provide(dataset, allow_fetch, allow_synthetic, say, progress)
        elif path.is_dir():
            path = _packed(dataset, path)
        elif data_dir is not None and not path.is_relative_to(data_dir):
            say(f"{dataset.name}: not in {data_dir}; using {path}")
        files[dataset.name] = _data_file(dataset, path)
    return files


def listing(datasets: Mapping[str, Dataset], names: Iterable[str] = (), data_dir: Path | None = None) -> list[DataRow]:
    """Every file found for `names` (default: all), the one that a run would use first."""
    return _rows(datasets, names, data_dir, rehash=False)


def verify(datasets: Mapping[str, Dataset], names: Iterable[str] = (), data_dir: Path | None = None) -> list[DataRow]:
    """As `listing`, but every file is read and hashed anew, even if it was checked before."""
    return _rows(datasets, names, data_dir, rehash=True)


def _chosen(datasets: Mapping[str, Dataset], names: Iterable[str]) -> list[Dataset]:
    return [known(datasets, name) for name in list(dict.fromkeys(names)) or datasets]


def _search_dirs(data_dir: Path | None) -> list[Path]:
    if data_dir is None:
        return default_dirs()
    if not data_dir.is_dir():
        raise UserError(f"--data-dir {data_dir} is not a folder", "Name the folder with the data files.")
    return [data_dir, data_dir / "datasets", *default_dirs()]


def _candidates(dataset: Dataset, dirs: Iterable[Path]) -> Iterator[Path]:
    """Archives under any of their names, and folders with the extracted members."""
    for folder in dirs:
        yield from (folder / name for name in dataset.accepted if _is_file(folder / name))
        for root in dataset.roots:
            if all(_is_file(folder / root / member) for member in dataset.members):
                yield folder / root


def _is_file(path: Path) -> bool:
    """False also where a folder on the way may not be entered."""
    try:
        return path.is_file()
    except OSError:
        return False


def _provide(dataset: Dataset, allow_fetch: bool, allow_synthetic: bool, say: Say, progress: Progress | None) -> Path:
    """Downloads the data set, else makes its synthetic stand-in. Raises UserError or HostError if neither may be."""
    failure: HostError | None = None
    if allow_fetch:
        from orchestrator.data.download import Patience, fetch  # the standard library's HTTP comes along

        try:
            say(f"{dataset.name}: fetching {dataset.file}")
            hasty = Patience(timeout_s=10.0, attempts=2)  # a host without a network must not hold up a run
            return fetch(dataset.name, dataset.places, cache_dir() / dataset.file, progress, hasty, say)
        except HostError as error:
            failure = error
    if not allow_synthetic:
        raise failure or UserError(
            f"{dataset.name}: no {dataset.file} here, and neither fetching nor synthetic data is allowed",
            f"Run `orchestrate data fetch {dataset.name}`, or give its folder with --data-dir.",
        )
    why = failure.message if failure else f"{dataset.name}: not found"
    say(why)
    say(f"{dataset.name}: using SYNTHETIC data; accuracies will say nothing about the real data set")
    from orchestrator.data import synthetic  # numpy comes along, and most commands do without

    return synthetic.make(dataset.name, dataset.file, cache_dir())


def _data_file(dataset: Dataset, path: Path) -> DataFile:
    try:
        seen = _inspect(dataset, path, rehash=False)
    except BadArchive as error:
        raise UserError(f"{path}: {error}", _remedy(dataset, path)) from error
    return DataFile(
        dataset=dataset.name,
        path=str(path.resolve()),
        sha256=seen.sha256,
        kind=_kind(dataset, path, seen.sha256),
        name=dataset.file,
    )


def _remedy(dataset: Dataset, path: Path) -> str:
    if path == synthetic_path(dataset.file, cache_dir()):
        return f"Remove it and it is made again: rm {path}"
    return f"Remove or replace it; `orchestrate data fetch {dataset.name}` gets the official file."


def _kind(dataset: Dataset, path: Path, sha256: str) -> Kind:
    """official: a published hash, or what an official place gave; synthetic: made here; given: anything else."""
    made = synthetic_path(dataset.file, cache_dir())
    if sha256 == dataset.synthetic or path == made:
        return "synthetic"
    return "official" if sha256 in known_hashes(dataset.places, cache_dir()) else "given"


def _inspect(dataset: Dataset, path: Path, rehash: bool) -> _Seen:
    """Checks and hashes a file, unless it was before and has not changed. Raises BadArchive."""
    note = cache_dir() / "checked" / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    try:
        status = path.stat()
        if not rehash and (seen := _remembered(note, status)):
            return seen
        _check(dataset, path)
        seen = _Seen(size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=sha256_file(path))
    except OSError as error:
        raise BadArchive(f"cannot be read ({error.strerror or error})") from error
    with suppress(HostError):  # the note only saves time: a read-only home is no reason to stop
        write_atomic(note, to_json(seen), "cache")
    return seen


def _check(dataset: Dataset, path: Path) -> None:
    """Raises BadArchive for an archive, or a folder, that no job could train on."""
    check(path, dataset.arrays, dataset.members, dataset.content, dataset.classes)


def _remembered(note: Path, status: os.stat_result) -> _Seen | None:
    seen = cached_record(note, _Seen)
    same = seen is not None and (seen.size, seen.mtime_ns) == (status.st_size, status.st_mtime_ns)
    return seen if same else None


def _packed(dataset: Dataset, root: Path) -> Path:
    """An archive of the extracted members in `root`, made in the cache once per state of the folder.

    Raises UserError for members that no job could train on.
    """
    files = [(member, root / member) for member in dataset.members]
    state = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for _, path in files]
    key = hashlib.sha256(repr(state).encode()).hexdigest()[:12]
    target = cache_dir() / f"packed-{key}-{dataset.file}"
    if not target.is_file():
        try:
            _check(dataset, root)
        except BadArchive as error:
            raise UserError(f"{root}: {error}", _remedy(dataset, root)) from error
        with disk_errors(target, "cache"), replacing(target, DATA_MODE) as stream:
            write_tar_gz(stream, ((member, path.read_bytes()) for member, path in files))
    return target


def _rows(datasets: Mapping[str, Dataset], names: Iterable[str], data_dir: Path | None, rehash: bool) -> list[DataRow]:
    dirs = _search_dirs(data_dir)
    rows: list[DataRow] = []
    for dataset in _chosen(datasets, names):
        made = synthetic_path(dataset.file, cache_dir())
        paths = [*_candidates(dataset, dirs), *([made] if _is_file(made) else [])]
        rows += [_row(dataset, path, rehash) for path in paths] or [
            DataRow(dataset=dataset.name, state="missing", note=f"no {dataset.file} in any searched folder")
        ]
    return rows


def _row(dataset: Dataset, path: Path, rehash: bool) -> DataRow:
    if path.is_dir():
        try:
            _check(dataset, path)
        except BadArchive as error:
            return DataRow(dataset=dataset.name, path=str(path), state="corrupt", note=str(error))
        return DataRow(
            dataset=dataset.name, path=str(path), kind="given", state="ok", note="extracted; packed when used"
        )
    try:
        seen = _inspect(dataset, path, rehash)
    except BadArchive as error:
        return DataRow(dataset=dataset.name, path=str(path), state="corrupt", note=str(error))
    kind = _kind(dataset, path, seen.sha256)
    return DataRow(dataset=dataset.name, path=str(path), size=seen.size, sha256=seen.sha256, kind=kind, state="ok")
