"""Hash manifests: whether what was recorded is complete, and still what was written.

The manifest.json of a job has the size and the hash of each of its files. It is written just before result.json, so
a result on the disk always has one. The manifest of a run is written last and covers plan.json, the manifests of the
jobs, the tables and the report. Manifests show that nothing was lost or changed by accident; whoever changes a file on
purpose can change its hash as well.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from orchestrator import doors
from orchestrator.errors import UserError
from orchestrator.files import sha256_stream, sync, write_atomic
from orchestrator.model import Noun, Sha256, to_json
from orchestrator.results import records

MANIFEST = "manifest.json"
RESULT = "result.json"
#: What a session says of itself while it goes on. Of one that was killed it stays, until the next one.
LIVE = "live.json"
#: The raw files of one job; any of them may be absent.
RAW = ("job.json", "events.jsonl", "samples.jsonl", "log.txt", "gpu-1.parquet", "gpu-1.jsonl")

#: Of one file: as it was written, changed since, gone, or never covered by a manifest.
State = Literal["ok", "altered", "missing", "unsealed"]


class Entry(Noun, frozen=True, kw_only=True):
    """Hash and size of one file."""

    sha256: Sha256
    bytes: Annotated[int, Meta(ge=0)]


class Manifest(Noun, frozen=True, kw_only=True):
    """manifest.json. `files`: path relative to its folder -> hash and size."""

    version: Literal[1] = 1
    files: dict[str, Entry]


def entry_of(data: bytes) -> Entry:
    return Entry(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def read_entry(path: Path) -> Entry | None:
    """Hash and size of a plain file as it is now; None where there is none. Raises doors.Refused."""
    try:
        with os.fdopen(doors.open_file(path), "rb") as file:
            digest, size = sha256_stream(file)
    except OSError:
        return None
    return Entry(sha256=digest, bytes=size)


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in `folder`; None where there is none, or a damaged one. Raises NewerRecord, doors.Refused."""
    try:
        return records.read(folder / MANIFEST, Manifest)
    except (records.NewerRecord, doors.Refused):
        raise
    except UserError:
        return None


def write_job_manifest(folder: Path, result: bytes) -> None:
    """Flush the job's raw files to the disk and write its manifest, which also covers `result`, written next."""
    files = {}
    for name in RAW:
        entry = read_entry(folder / name)
        if entry is not None:
            sync(folder / name)
            files[name] = entry
    write_atomic(folder / MANIFEST, to_json(Manifest(files={**files, RESULT: entry_of(result)})))


def job_is_whole(folder: Path) -> bool:
    """Whether every file that the job's manifest names is there, as it was written."""
    manifest = read_manifest(folder)
    if manifest is None or RESULT not in manifest.files:
        return False
    return all(state == "ok" for _, state in _compare(folder, manifest))


def write_run_manifest(run: Path, renewed: set[str]) -> None:
    """Write the run's manifest. A record that an older manifest covers keeps its old hash unless it is in `renewed`.

    `renewed` holds paths such as "plan.json" and "jobs/<id>/manifest.json". Otherwise a manifest that is written
    after a new report would accept a record that was altered in between.
    """
    old = read_manifest(run)
    files = {}
    for path in _covered_paths(run):
        entry = read_entry(run / path)
        is_record = path == "plan.json" or path.startswith("jobs/")
        if old and is_record and path not in renewed:
            entry = old.files.get(path, entry)
        if entry is not None:
            files[path] = entry
    for path, entry in old.files.items() if old else ():
        if path.startswith("jobs/"):
            files.setdefault(path, entry)  # so that a job whose folder is gone is reported as missing
    write_atomic(run / MANIFEST, to_json(Manifest(files=files)))


def check_job(folder: Path) -> Iterator[tuple[str, State]]:
    """(file, state) of every file that the manifest of one job covers."""
    manifest = read_manifest(folder)
    if manifest is None:
        present = read_entry(folder / RESULT) is not None
        yield (RESULT, "unsealed") if present else (RESULT, "missing")
        return
    yield from _compare(folder, manifest)


def check_run(run: Path) -> Iterator[tuple[str, State]]:
    """(file, state) of every file that the run's own manifest covers. A run without one has not ended."""
    manifest = read_manifest(run)
    if manifest is None:
        yield MANIFEST, "altered" if doors.kind_of(run / MANIFEST) else "missing"
        return
    yield from _compare(run, manifest)


def _compare(folder: Path, manifest: Manifest) -> Iterator[tuple[str, State]]:
    for name, entry in manifest.files.items():
        if not _inside(name):
            yield name, "altered"
            continue
        now = read_entry(folder / name)
        yield name, "missing" if now is None else "ok" if now == entry else "altered"


def _inside(name: str) -> bool:
    """Whether a path of a manifest stays in its folder."""
    parts = name.split("/")
    return bool(name) and "\0" not in name and not any(part in ("", ".", "..") for part in parts)


def _covered_paths(run: Path) -> list[str]:
    """Everything in a run's folder but the jobs' own files (their manifests stand for them) and what does not stay."""
    jobs = [f"jobs/{name}/{MANIFEST}" for name in doors.names(run / "jobs") if not name.startswith(".")]
    jobs = [path for path in jobs if doors.kind_of(run / path)]
    others, waiting = [], [Path()]
    while waiting:
        folder = waiting.pop(0)
        for path in (folder / name for name in doors.names(run / folder)):
            if doors.kind_of(run / path) == "file":
                others += [] if path.name.startswith(".") else [path.as_posix()]
            elif path != Path("jobs"):
                waiting.append(path)
    return [*(path for path in others if path not in (MANIFEST, LIVE)), *jobs]
