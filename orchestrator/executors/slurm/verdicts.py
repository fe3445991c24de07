"""What a row says of a job that Slurm ended, lost or forgot. Pure."""

from __future__ import annotations

from orchestrator.executors.slurm.commands import JobState
from orchestrator.model import Status

#: States that say more than the job itself can of why it was ended.
TELLING = frozenset({"CANCELLED", "TIMEOUT", "DEADLINE", "PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "OUT_OF_MEMORY"})
AGAIN = "`orchestrate run --resume` runs it again"


def stopped(started: bool) -> tuple[Status, str]:
    return "cancelled", f"stopped by the user {'while it ran' if started else 'before it started'}"


def by_slurm(known: JobState | None, number: str, time_limit: str, last_words: str) -> tuple[Status, str]:
    """Status and reason by the last that Slurm said of a job, of which no node reported an end of its own."""
    if known is None:
        return "failed", f"the controller has forgotten it (it was Slurm job {number or 'without a number'}); {AGAIN}"
    job = f"Slurm job {known.number}" + (f" on {known.node}" if known.node else "")
    said = f"; its last words: {last_words}" if last_words else ""
    match known.state:
        case "CANCELLED":
            return "cancelled", f"{job} was cancelled in Slurm, not by this run; {AGAIN}"
        case "TIMEOUT" | "DEADLINE":
            return "timeout", f"{job} was ended at its time limit ({time_limit})"
        case "PREEMPTED":
            return "cancelled", f"{job} was preempted by another one; {AGAIN}"
        case "NODE_FAIL" | "BOOT_FAIL":
            return "failed", f"Slurm lost the node under {job} ({known.state})"
        case "OUT_OF_MEMORY":
            return "oom", f"{job} was killed: out of the memory that Slurm gave it"
    return "failed", f"{job} ended ({known.state}) without a result{said}"


def hopeless(known: JobState) -> tuple[Status, str]:
    return "unsupported", f"Slurm can never start it ({known.reason}): see partition, account, time and GPU type"


def refused(words: str) -> tuple[Status, str]:
    """Verdict on a job that Slurm refused although some node could run it: limits of a site change."""
    return "failed", f"Slurm refuses it: {words}; `orchestrate run --resume --retry-failed` asks again"


def silent(seconds: float) -> tuple[Status, str]:
    return "failed", f"Slurm's controller has not answered for {seconds:.0f} s: given up; {AGAIN}"
