"""The `slurm:` part of a configuration: what a run asks of a cluster."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from orchestrator.model import Noun, Positive

#: A word for a command line of Slurm's, not an option that somebody smuggles in.
Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][^\s\x00-\x1f]*\Z", max_length=200)]
#: Slurm's own ways to write a time: minutes, h:m:s, days-hours.
SlurmTime = Annotated[str, Meta(pattern=r"^[0-9]+(-[0-9]+)?(:[0-9]+){0,2}\Z")]
SbatchOption = Annotated[str, Meta(pattern=r"^--[a-z][a-z-]*(=[^\x00-\x1f]*)?\Z")]
#: Options that are ours: what makes a job known, found, reported and begun at most once; and those that submit nothing.
RESERVED = (
    *("array", "chdir", "comment", "error", "export", "export-file", "input", "job-name", "no-requeue", "nodes"),
    *("ntasks", "open-mode", "output", "parsable", "requeue", "test-only", "wait", "wrap"),
    *("clusters", "help", "quiet", "usage", "version"),
)
AbsolutePath = Annotated[str, Meta(pattern=r"^/[^\x00]*\Z")]


class NodeImages(Noun, frozen=True, kw_only=True):
    """How images reach the nodes of a cluster.

    `present`: they are there; `archive`: a file of `orchestrate images save` on the shared file system; `build`: each
    node builds what it lacks; `registry`: pulled as <registry>/keras-orchestrate/<stack>:<tag>.
    """

    by: Literal["present", "archive", "build", "registry"] = "present"
    archive: AbsolutePath | None = None
    registry: Word | None = None

    def __post_init__(self) -> None:
        for way in ("archive", "registry"):
            if (self.by == way) != (getattr(self, way) is not None):
                raise ValueError(f"`by: {way}` and `{way}: ...` belong together")


class Slurm(Noun, frozen=True, kw_only=True):
    """What a run on a Slurm cluster asks for. What is None is left to the site's defaults."""

    partition: Word | None = None
    account: Word | None = None
    #: Bound of one Slurm job; None: the job's own bound and some minutes for its image.
    time: SlurmTime | None = None
    gpu_type: Word | None = None
    constraint: Word | None = None
    nodes: Word | None = None
    #: Further options of sbatch, each as one word: "--qos=low".
    options: list[SbatchOption] = []
    #: The most jobs that this run has in Slurm's queue at a time.
    queue: Positive = 64
    #: The orchestrator's Python on the nodes; None: this one, at the same path.
    python: AbsolutePath | None = None
    images: NodeImages = NodeImages()
    #: How long an ended job's record may take to be seen here: raise it where a shared file system is slow to tell.
    grace: str = "5s"
    #: How long a controller may stay silent before the run gives its jobs up.
    patience: str = "10m"

    def __post_init__(self) -> None:
        for option in self.options:
            name, _, value = option.removeprefix("--").partition("=")
            taken = [reserved for reserved in RESERVED if reserved.startswith(name)]  # sbatch takes abbreviations
            if taken:
                raise ValueError(f"`options` may not hold {option}: --{taken[0]} is set by the run itself")
            if name != "exclude" and len({o for o in self.options if o.partition("=")[0] == f"--{name}"}) > 1:
                raise ValueError(f"`options` holds --{name} twice, and Slurm would take the last: keep one of them")
            if name == "exclude" and "/" in value:  # a file of names, for sbatch
                raise ValueError(f"`options` may not hold {option}: name the nodes themselves")
