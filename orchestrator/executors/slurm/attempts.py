"""The folder of one attempt, on the file system that the nodes share: how the two sides speak to each other.

<run>/jobs/<job id>/slurm/<attempt>-<token>/
    spec.json      what is to be done                                  written here, before it is submitted; its hash
                                                                       is handed in with the job
    started.json   the node has begun; made once, so a second start of the same attempt is refused
    outcome.json   how it ended                                        written there, last
    cancel         the attempt is given up: the node ends it
    slurm.log      what the batch script printed
    out/, events.jsonl, samples.jsonl, log.txt, gpu-1.*                as in a job's folder

Nothing of it counts before the outcome, with the right token, is here. What an attempt that was given up still writes
stays in its own folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from orchestrator import doors
from orchestrator.executors.slurm.commands import Ticket
from orchestrator.files import last_line, write_atomic
from orchestrator.launchers.runtimes import Weakenable
from orchestrator.model import DataFile, DeviceKind, Job, Layer, Noun, OwnFile, Positive, Result, Stack, to_json
from orchestrator.plan.slurm import NodeImages
from orchestrator.text import printable

SPEC = "spec.json"
STARTED = "started.json"
OUTCOME = "outcome.json"
CANCEL = "cancel"
LOG = "slurm.log"
#: What becomes the job's record.
KEPT = ("events.jsonl", "samples.jsonl", "log.txt", "gpu-1.parquet", "gpu-1.jsonl")


class Spec(Noun, frozen=True, kw_only=True):
    """All that a node is told. Paths are absolute and mean the same on every node."""

    ticket: Ticket
    job: Job
    device: DeviceKind
    launcher: str
    root: str
    workloads_sha256: str
    orchestrator: str
    commit: str | None = None
    cluster: str
    data: DataFile
    #: Of a job that runs a file of one's own: the file, and what it gets.
    own: OwnFile | None = None
    #: The packages that it has beside its stack, to the hash; the node installs them.
    layer: Layer | None = None
    more_data: dict[str, str] = {}
    #: The job's stack, where the catalog of the node cannot have it.
    stack: Stack | None = None
    network: bool = False
    keras_spec: str | None = None
    memory: str | None = None
    gpu_route: str = "auto"
    allow_busy: bool = False
    sample_hz: float = 5.0
    weakened: list[Weakenable] = []
    images: NodeImages = NodeImages()
    #: Whether the node may make what it lacks: an image with `images.by: build`, an environment.
    may_build: bool = True
    #: With `images.by: archive`, the image of this job's stack in it.
    archived: str | None = None
    #: Nodes that are known not to run it.
    exclude: list[str] = []
    #: A file whose presence ends every attempt of the session that submitted this one.
    stop: str


class Inspection(Noun, frozen=True, kw_only=True):
    """What a node is to look at for the preflight. `config`: a configuration as plain values."""

    config: dict[str, Any]
    root: str
    #: Beside those of the node's catalog.
    stacks: list[Stack] = []
    out: str
    data_dir: str | None = None


class Started(Noun, frozen=True, kw_only=True):
    """`number`: Slurm's own number for the job."""

    node: str
    #: It stands among the words of `scancel`.
    number: Annotated[str, Meta(pattern=r"^[0-9]*\Z")]
    pid: int


class Outcome(Noun, frozen=True, kw_only=True):
    """How an attempt ended. `ended_by`: "" for by itself, "us" for a marker, "slurm" for a signal."""

    token: str
    attempt: Positive
    result: Result
    ended_by: str = ""
    #: The node's GPU can never run this stack's backend; nothing was started.
    misfit: bool = False


class Attempt:
    """One attempt's folder, from either side."""

    def __init__(self, folder: Path, spec: Spec) -> None:
        self.folder = folder
        self.spec = spec

    @classmethod
    def create(cls, job_folder: Path, spec: Spec) -> Attempt:
        folder = job_folder / "slurm" / f"{spec.ticket.attempt}-{spec.ticket.token}"
        doors.make(folder)
        write_atomic(folder / SPEC, to_json(spec))
        return cls(folder, spec)

    @classmethod
    def open(cls, folder: Path) -> Attempt | None:
        """None for a folder that holds no whole order: it was never submitted."""
        spec = doors.read_record(folder / SPEC, Spec)
        return cls(folder, spec) if spec else None

    @classmethod
    def unfinished(cls, job_folder: Path) -> list[Attempt]:
        """Attempts that were submitted, and neither collected nor given up; the newest last."""
        kept_by = job_folder / "slurm"
        submitted = [kept_by / name for name in doors.names(kept_by) if "-" in name]
        found = [cls.open(path) for path in submitted if not doors.kind_of(path / CANCEL)]
        kept = [attempt for attempt in found if attempt and not Path(attempt.spec.stop).exists()]
        return sorted(kept, key=lambda attempt: attempt.spec.ticket.attempt)

    @property
    def order(self) -> str:
        """sha256 of what is to be done. It goes through Slurm, where nobody but the user writes."""
        return hashlib.sha256(to_json(self.spec)).hexdigest()

    @property
    def comment(self) -> str:
        return self.spec.ticket.comment

    def started(self) -> Started | None:
        return doors.read_record(self.folder / STARTED, Started)

    def begin(self, started: Started) -> bool:
        """Whether this is the first start: Slurm may have been made to start it twice."""
        return doors.create_once(self.folder / STARTED, to_json(started))

    def outcome(self) -> Outcome | None:
        """What the node reported, if it is about this attempt and no other. Looks anew at what the server has."""
        with contextlib.suppress(OSError):
            os.scandir(self.folder).close()  # a file system that caches looks again when a folder is opened
        found = doors.read_record(self.folder / OUTCOME, Outcome)
        ticket = self.spec.ticket
        if found is None or (found.token, found.attempt) != (ticket.token, ticket.attempt):
            return None
        return found if (found.result.job, found.result.run_id) == (self.spec.job, ticket.run_id) else None

    def report(self, outcome: Outcome) -> None:
        write_atomic(self.folder / OUTCOME, to_json(outcome))

    def give_up(self) -> None:
        with contextlib.suppress(OSError):  # a full disk: scancel is told as well
            doors.create_once(self.folder / CANCEL)

    def given_up(self) -> bool:
        return bool(doors.kind_of(self.folder / CANCEL)) or Path(self.spec.stop).exists()

    def last_words(self) -> str:
        """The last line that Slurm or the batch script left."""
        return printable(last_line(self.folder / LOG), 200)


def new_token() -> str:
    return secrets.token_hex(4)
