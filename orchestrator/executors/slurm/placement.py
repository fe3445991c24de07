"""Which nodes a job may run on, and what Slurm is asked for it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestrator.errors import HostError
from orchestrator.executors.slurm import commands
from orchestrator.executors.slurm.commands import Node, Request, Ticket
from orchestrator.executors.slurm.controller import Controller, Refused, Silent
from orchestrator.model import Job
from orchestrator.plan.config import Config

#: Seconds that a node may need before a job's own time begins: to load or build its image.
READY_S = 600
SCRIPT = Path(__file__).with_name("job.sh")


class Placement:
    """The nodes of one run. It learns which of them cannot run which backend."""

    def __init__(self, config: Config, controller: Controller, nodes: Sequence[Node], others: Iterable[str]) -> None:
        """`others` are the nodes of the partition that jobs must not use."""
        self._settings = config.slurm
        self._controller = controller
        self._nodes = nodes
        self._others = set(others)
        #: (stack, backend) -> nodes that have told that their GPUs cannot run it.
        self.unfit: dict[tuple[str, str], set[str]] = {}

    @property
    def python(self) -> str:
        """The interpreter on the nodes."""
        return self._settings.python or sys.executable

    def request(self, job: Job) -> Request:
        # By exclusion: a list of nodes to take would mean all of them for one job.
        excluded = sorted(self._others | self.unfit.get((job.stack, job.backend), set()))
        return Request(settings=self._settings, gpus=1 if job.device == "gpu" else 0, exclude=excluded)

    def time_limit(self, job: Job) -> str:
        """Of the Slurm job, as Slurm writes it: minutes, unless the configuration says otherwise."""
        return self._settings.time or str(math.ceil((job.timeout_s + READY_S) / 60))

    def time_limit_in_words(self, job: Job) -> str:
        return self.time_limit(job) + ("" if self._settings.time else " min")

    def argv(self, ticket: Ticket, job: Job, folder: Path, order: str = "SHA256") -> list[str]:
        """The sbatch command of one attempt, whose folder holds its spec.json; `order` is the hash of it."""
        command = [self.python, "-m", "orchestrator.executors.slurm.node", str(folder / "spec.json"), order]
        limit = self.time_limit(job)
        return commands.sbatch(self.request(job), ticket, job.threads, limit, str(folder), str(SCRIPT), command)

    def learn_unfit(self, job: Job, node: str) -> bool:
        """That no node like this one runs the job's backend. Whether others are left that may."""
        kinds = {each.name: each.kind for each in self._nodes}
        alike = {name for name, kind in kinds.items() if kind == kinds.get(node)} | {node}
        self.unfit.setdefault((job.stack, job.backend), set()).update(alike)
        wanted = self._settings.gpu_type
        able = {each.name for each in self._nodes if any(wanted in (None, kind) for kind in each.gpus)}
        return bool(able - self.unfit[job.stack, job.backend])

    def has_place(self, ticket: Ticket, job: Job, folder: Path) -> bool:
        """Whether Slurm knows a node for it, of those that were asked for and not excluded, or does not answer."""
        try:
            self._controller.could_run(self.argv(ticket, job, folder))
        except Refused:
            return False
        except Silent:
            return True
        return True

    def refuse_impossible(self, jobs: Iterable[Job], out: Path) -> None:
        """Raises HostError where no node could ever run any of these jobs."""
        refusals = {}
        kinds = {(job.threads, self.time_limit(job)): job for job in jobs}
        for kind, job in kinds.items():
            ticket = Ticket(run_id="test", job_id=job.id, attempt=1, token="none")
            try:
                self._controller.could_run(self.argv(ticket, job, out.absolute()))
            except Refused as refusal:
                refusals[kind] = f"{' '.join(commands.asked(self.request(job)))}, {job.threads} CPUs: {refusal}"
            except Silent as error:
                raise HostError(f"Slurm does not answer: {error}", "does `sinfo` work here?") from error
        if kinds and len(refusals) == len(kinds):
            raise HostError(
                f"Slurm can never run this ({'; '.join(dict.fromkeys(refusals.values()))}). Nothing was started.",
                "`sinfo -o '%P %N %c %G %l'` shows what there is; see --partition, --gpu-type, --threads, slurm.time",
            )
