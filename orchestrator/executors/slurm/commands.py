"""Slurm's command lines and what they answer, as data. Pure: seen with Slurm 22.05."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

from msgspec import Meta

from orchestrator.model import Noun
from orchestrator.plan.slurm import Slurm

#: States after which a job does not run any more. https://slurm.schedmd.com/squeue.html#SECTION_JOB-STATE-CODES
ENDED = frozenset(
    {
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "SPECIAL_EXIT", "TIMEOUT"),
    }
)
#: A job that waits for one of these waits for ever: nobody but the user can change it.
HOPELESS = frozenset(
    {
        *("BadConstraints", "PartitionConfig", "PartitionTimeLimit"),
        *("InvalidAccount", "InvalidQOS", "AccountNotAllowed", "QOSNotAllowed"),
    }
)
#: What sbatch says when it takes nothing for now. EAGAIN is said after it has retried by itself.
FULL = (
    *("SubmitJob", "temporarily unable", "temporarily unavailable", "job count limit"),
    "Required partition not available",
)
#: What sbatch says of a full queue, and of a job that is too large for its user as well.
LIMITED = "submit limit"
#: What every command says when the controller does not answer.
SILENT = (
    *("Unable to contact slurm controller", "Connection refused", "Socket timed out", "Zero Bytes were transmitted"),
    *("Unable to establish", "Connection timed out", "Unexpected message received", "in standby mode"),
    *("Invalid authentication credential", "Authentication credential invalid", "Protocol authentication error"),
    *("Munge encode failed", "Munge decode failed", "authentication agent"),
)
PREFIX = "kbo"
#: Python imports what lies in the folder that it starts in: never in one that may have come from anybody.
ELSEWHERE = "--chdir=/"
#: As short as sbatch understands it.
EXCLUDE = "--exclud"
#: Asked of squeue; the comment comes last, for it may hold anything.
STATE_FORMAT = "%i|%T|%r|%N|%k"
NODE_FORMAT = "%N|%T|%c|%G|%f|%P"


class Request(Noun, frozen=True, kw_only=True):
    """What every job of a run asks of Slurm; None is left to the site."""

    settings: Slurm = Slurm()
    gpus: int = 0
    #: The one node that is meant. `nodes` of the settings are asked for by excluding the others.
    node: str | None = None
    #: Nodes that it must not use.
    exclude: list[str] = []


class Ticket(Noun, frozen=True, kw_only=True):
    """Our own name for one attempt at one job: what makes a Slurm job ours, whatever its number."""

    run_id: str
    job_id: str
    attempt: int
    token: Annotated[str, Meta(pattern=r"^[0-9a-zA-Z]{1,40}\Z")]

    @property
    def comment(self) -> str:
        return f"{PREFIX}/{self.run_id}/{self.job_id}/{self.attempt}/{self.token}"


class JobState(Noun, frozen=True, kw_only=True):
    """One line of squeue."""

    number: str
    state: str
    reason: str
    node: str
    comment: str

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def cleaning(self) -> bool:
        """Whether it is over but for the site's epilog."""
        return self.state == "COMPLETING"

    @property
    def hopeless(self) -> bool:
        """Whether it waits for what cannot come."""
        return self.state == "PENDING" and (self.reason in HOPELESS or self.reason.endswith("PerJobLimit"))


class Node(Noun, frozen=True, kw_only=True):
    """One line of sinfo: a node of a partition. `gpus`: how many by type, "" where the site names none."""

    name: str
    state: str
    cpus: int
    gpus: dict[str, int]
    features: str
    partition: str

    @property
    def up(self) -> bool:
        """A state with a star is one in which the node does not answer."""
        base = self.state.rstrip("*~#!%$@^-+")
        return not self.state.endswith("*") and base in ("idle", "mixed", "allocated", "completing", "planned")

    @property
    def kind(self) -> tuple[int, tuple[tuple[str, int], ...], str]:
        return (self.cpus, tuple(sorted(self.gpus.items())), self.features)


def job_name(run_id: str) -> str:
    """All jobs of one run have one name in the queue."""
    return f"{PREFIX}-{run_id}"


def asked(request: Request) -> list[str]:
    """The options of sbatch and srun that say where a job may run. The user's own come last and win."""
    argv, settings = [], request.settings
    if request.gpus:
        kind = f":{settings.gpu_type}" if settings.gpu_type else ""
        argv.append(f"--gres=gpu{kind}:{request.gpus}")
    named = {"partition": settings.partition, "account": settings.account, "constraint": settings.constraint}
    for flag, value in {**named, "nodelist": request.node}.items():
        if value is not None:
            argv.append(f"--{flag}={value}")
    own = [option for option in settings.options if not option.startswith(EXCLUDE)]
    theirs = [option.partition("=")[2] for option in settings.options if option.startswith(EXCLUDE)]
    if request.exclude or theirs:  # of two such options, sbatch would forget the first
        argv.append(f"--exclude={','.join([*request.exclude, *theirs])}")
    return [*argv, *own]


def sbatch(
    request: Request, ticket: Ticket, threads: int, time: str, folder: str, script: str, command: Sequence[str]
) -> list[str]:
    """Submits one attempt. `folder`: its own, on the shared file system."""
    return [
        *("sbatch", "--parsable", "--no-requeue", "--nodes=1", "--ntasks=1"),
        f"--job-name={job_name(ticket.run_id)}",
        f"--comment={ticket.comment}",
        f"--cpus-per-task={threads}",
        f"--time={time}",
        ELSEWHERE,
        f"--output={only(f'{folder}/slurm.log')}",
        *("--open-mode=append", "--input=/dev/null", "--export=ALL"),
        *asked(request),
        script,
        *command,
    ]


def only(path: str) -> str:
    """The pattern that stands for this file and no other: sbatch takes %j and its like for words of its own.

    Where there is a backslash in it, sbatch leaves all of it alone.
    """
    return path if "\\" in path else path.replace("%", "%%")


def srun(request: Request, command: Sequence[str]) -> list[str]:
    """Runs a command on a node at once, or not at all; what it prints is the answer."""
    words = ("--quiet", "--nodes=1", "--ntasks=1", "--cpus-per-task=1", "--time=2", "--immediate=20", "--input=none")
    return ["srun", *words, ELSEWHERE, f"--job-name={PREFIX}-doctor", *asked(request), *command]


def test_only(argv: Sequence[str]) -> list[str]:
    """The same submission, only asked whether it could ever run."""
    return [argv[0], "--test-only", *argv[1:]]


def squeue(run_id: str) -> list[str]:
    """Every job of a run that the controller knows, those that ended a while ago among them."""
    return ["squeue", "--noheader", "--me", "--states=all", f"--name={job_name(run_id)}", f"--format={STATE_FORMAT}"]


def scancel(run_id: str, numbers: Sequence[str] = ()) -> list[str]:
    """Ends jobs of a run, or all of them. The name makes sure that no number is somebody else's by now."""
    return ["scancel", "--me", "--quiet", f"--name={job_name(run_id)}", *numbers]


def hostnames(hostlist: str) -> list[str]:
    return ["scontrol", "show", "hostnames", hostlist]


def sinfo(partition: str | None) -> list[str]:
    return [
        "sinfo",
        "--noheader",
        "--Node",
        f"--format={NODE_FORMAT}",
        *([f"--partition={partition}"] * bool(partition)),
    ]


def submitted(answer: str) -> str | None:
    """The number in the answer of `sbatch --parsable`, which may name a cluster behind it."""
    found = re.fullmatch(r"(\d+)(;\S*)?", answer.strip())
    return found.group(1) if found else None


def states(answer: str) -> dict[str, list[JobState]]:
    """The lines of squeue by comment; what is not ours is left out."""
    found: dict[str, list[JobState]] = {}
    for line in answer.splitlines():
        parts = line.strip().split("|", 4)
        if len(parts) == 5 and parts[4].startswith(f"{PREFIX}/"):
            number, state, reason, node, comment = parts
            known = JobState(number=number, state=state, reason=reason, node=node, comment=comment.strip())
            found.setdefault(known.comment, []).append(known)
    return found


def nodes(answer: str, partition: str | None = None) -> list[Node]:
    """The lines of sinfo, each node once: of the partition that was asked for, else of the default one."""
    rows = [line.strip().split("|") for line in answer.splitlines() if line.count("|") == 5]
    default = {row[5] for row in rows if row[5].endswith("*")}
    found = {}
    for name, state, cpus, gres, features, of in rows:
        if partition is None and default and of not in default:
            continue
        found[name] = Node(
            name=name,
            state=state,
            cpus=int(cpus) if cpus.isdecimal() else 1,
            gpus=gpus(gres),
            features=features,
            partition=of.rstrip("*"),
        )
    return list(found.values())


def gpus(gres: str) -> dict[str, int]:
    """`gpu:k80:2(S:0-1),shard:4` -> {"k80": 2}; a site that names no types has the type ""."""
    found: dict[str, int] = {}
    for part in re.sub(r"\([^)]*\)", "", gres).split(","):
        words = part.split(":")
        if words[0] != "gpu" or not words[-1].isdecimal():
            continue
        kind = words[1] if len(words) == 3 else ""
        found[kind] = found.get(kind, 0) + int(words[-1])
    return found


def is_full(words: str) -> bool:
    return any(known in words for known in FULL)


def is_limited(words: str) -> bool:
    """Whether it cannot be told if the queue is full or the job too large. Sites may name the limit that was met."""
    return LIMITED in words and not is_full(words) and "PerJobLimit" not in words


def is_silent(words: str) -> bool:
    return any(known in words for known in SILENT)


def plain(words: Iterable[str] | str) -> str:
    """What a command said on stderr, without its name and "error:", on one line."""
    lines = words.splitlines() if isinstance(words, str) else list(words)
    stripped = [re.sub(r"^\w+: (error: |fatal: )?", "", line).strip() for line in lines]
    text = "; ".join(dict.fromkeys(line for line in stripped if line))
    return text.removeprefix("Batch job submission failed: ") or "no reason given"
