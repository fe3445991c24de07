"""Runs Slurm's commands: argv lists, bounded in time, each answer told apart from silence."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence

from orchestrator.errors import HostError
from orchestrator.executors.slurm import commands
from orchestrator.executors.slurm.commands import JobState, Node

#: sbatch waits and tries again by itself where the queue is full; that is for us to do, and to be stopped in.
SUBMIT_S = 5.0
ASK_S = 20.0
LOOK_S = 60.0


class Silent(Exception):
    """The controller does not answer now."""


class Full(Exception):
    """The queue takes no more jobs now, or nobody knows whether it took this one."""


class Limited(Full):
    """Full for now, or beyond what the user may ever ask for: Slurm says the same of both."""


class Refused(Exception):
    """Slurm will never run this, in its own words."""


class Controller:
    """The controller of this host's Slurm, as its commands show it."""

    def submit(self, argv: Sequence[str]) -> str:
        """The number of the new job. Raises Silent, Full, Refused."""
        answer = self._run(argv, SUBMIT_S, late=Full("sbatch did not come to an end"))
        number = commands.submitted(answer)
        if number is None:
            raise Full(f"sbatch answered {answer.strip()!r}")
        return number

    def could_run(self, argv: Sequence[str]) -> None:
        """Raises Refused for a submission that no node of this cluster could ever run, Silent."""
        with contextlib.suppress(Full):
            self._run(commands.test_only(argv), ASK_S)

    def named(self, hostlist: str) -> set[str]:
        """The nodes that `n[1-4],m1` names. Raises HostError where it names none."""
        try:
            return set(self._run(commands.hostnames(hostlist), ASK_S).split())
        except (Silent, Full, Refused) as error:
            raise HostError(f"slurm.nodes: {hostlist!r} names no nodes ({error})") from error

    def states(self, run_id: str) -> dict[str, list[JobState]]:
        """By comment, every job of the run that the controller knows. Raises Silent."""
        try:
            return commands.states(self._run(commands.squeue(run_id), ASK_S))
        except (Refused, Full, HostError) as error:  # whatever it is, it is no list of jobs
            raise Silent(str(error)) from error

    def cancel(self, run_id: str, numbers: Sequence[str] = ()) -> None:
        """Asks for the end of these jobs of a run, or of all. A controller that does not hear it is told later."""
        with contextlib.suppress(Silent, Full, Refused):
            self._run(commands.scancel(run_id, numbers), ASK_S)

    def nodes(self, partition: str | None) -> list[Node]:
        """Raises HostError where no Slurm answers, or the partition does not exist."""
        try:
            found = commands.nodes(self._run(commands.sinfo(partition), ASK_S), partition)
        except (Silent, Full, Refused) as error:
            raise HostError(f"Slurm does not answer: {error}", "does `sinfo` work here?") from error
        if not found:
            where = (
                f"the partition {partition!r} of this cluster has"
                if partition
                else "this cluster's default partition has"
            )
            raise HostError(f"{where} no nodes", "`sinfo` lists the partitions; name one with --partition")
        return found

    def on_node(self, argv: Sequence[str]) -> str:
        """What a command printed on a node. Raises Refused, Full, Silent."""
        return self._run(argv, LOOK_S)

    def _run(self, argv: Sequence[str], seconds: float, late: Exception | None = None) -> str:
        try:
            done = subprocess.run(
                list(argv),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=seconds,
                start_new_session=True,  # Ctrl-C is for us: no command may end half-way of it
            )
        except FileNotFoundError:
            raise HostError(
                f"there is no {argv[0]} on this host", "run it on a login node of the cluster, or use --executor local"
            ) from None
        except subprocess.TimeoutExpired as error:
            raise late or Silent(f"{argv[0]} did not come to an end in {seconds:.0f} s") from error
        if done.returncode == 0:
            return done.stdout
        if done.returncode < 0:  # it was ended before it could answer
            raise late or Silent(f"{argv[0]} was ended by signal {-done.returncode}")
        said = commands.plain(done.stderr)
        if commands.is_silent(done.stderr):
            raise Silent(said)
        if commands.is_limited(done.stderr):
            raise Limited(said)
        raise Full(said) if commands.is_full(done.stderr) else Refused(said)
