"""The executor of a Slurm cluster: each job is a Slurm job, measured on its node and recorded here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import __version__
from orchestrator.errors import UserError
from orchestrator.executors.executor import Listener
from orchestrator.executors.prepared import Ready, locked_layers, ready_data, refuse_unshowable, with_layers
from orchestrator.executors.signals import stop_on_signals
from orchestrator.executors.slurm import doctor
from orchestrator.executors.slurm.commands import Ticket
from orchestrator.executors.slurm.controller import Controller
from orchestrator.executors.slurm.flights import Flights
from orchestrator.executors.slurm.ledger import Origin, RunLedger
from orchestrator.executors.slurm.nodes import as_host, describe_nodes, find_nodes
from orchestrator.executors.slurm.placement import Placement
from orchestrator.files import check_writable
from orchestrator.host import folders
from orchestrator.host.checks import Check
from orchestrator.launchers import runtimes
from orchestrator.measure.fingerprint import scripts_sha256
from orchestrator.model import DataFile, Host, Job, Plan, Result, Say, Stack, Unavailable
from orchestrator.plan.catalog import Catalog, workloads_sha256
from orchestrator.plan.config import override, parse_duration
from orchestrator.plan.draft import drop_unready
from orchestrator.plan.request import RunRequest
from orchestrator.results.folder import RunFolder
from orchestrator.stacks.choose import way_of
from orchestrator.stacks.ground import Ground, cannot_run, of_stack
from orchestrator.stacks.images import archive as image_archive
from orchestrator.text import public


class SlurmExecutor:
    """`Executor` and `Detachable` over one partition. Raises HostError where there is no cluster, or no such node."""

    def __init__(self, request: RunRequest, catalog: Catalog, say: Say) -> None:
        config = request.config
        for time in (config.slurm.grace, config.slurm.patience):
            parse_duration(time)
        refuse_unheard(request)
        if config.slurm.gpu_type and config.device == "auto":
            config = override(config, device="gpu")
        self.request = msgspec.structs.replace(request, config=config)
        self._config = config
        self._catalog = catalog
        self._say = say
        self._controller = Controller()
        self._nodes, others = find_nodes(self._controller, config)
        self._placement = Placement(config, self._controller, self._nodes, others)
        #: By image name, the id of each image in the archive.
        self._archived: dict[str, str] = {}
        self._flights: Flights | None = None
        self._stopped = False

    @property
    def launcher(self) -> str:
        """Never left to each node: a run is one experiment."""
        if self._config.launcher != "auto":
            return self._config.launcher
        return "process" if self.request.keras_spec else "docker"

    @property
    def _recorded_spec(self) -> str | None:
        """What replaces Keras, without a secret: orders lie in the run's folder, and nodes have their own."""
        spec = self.request.keras_spec
        return public(spec) if spec else None

    @cached_property
    def _host(self) -> Host:
        return as_host(self._nodes, self._config)

    def host(self) -> Host:
        return self._host

    def prepare(self, plan: Plan, fresh: bool = True) -> Ready:
        """What the jobs need before they are submitted; the nodes do their own part."""
        out = self.request.out
        self._say(f"{self._host.name}: {describe_nodes(self._nodes)}; launcher: {self.launcher}")
        folders.refuse(folders.user_cache())
        if fresh:
            folders.refuse(folders.results_folder(out))
        check_writable(out)
        if fresh:
            self._placement.refuse_impossible(plan.jobs, out)
        refuse_unshowable(self.launcher, plan, self._config.data)
        plan = self._able(plan)
        files, no_data = ready_data(plan, self.request, self._say)
        plan = drop_unready(msgspec.structs.replace(plan, data=absolute(files)), no_data)
        plan = self._with_locked_packages(plan)
        self._read_archive()
        return Ready(plan=plan, launcher=self.launcher, pending=plan.jobs)

    def describe(self, plan: Plan) -> tuple[Plan, dict[str, list[str]]]:
        """The command that submits each job; the token in it is drawn when the job is submitted."""
        plan = self._able(plan)
        argv = {}
        for job in plan.jobs:
            ticket = Ticket(run_id=plan.run_id, job_id=job.id, attempt=1, token="TOKEN")
            folder = self.request.out.absolute() / plan.run_id / "jobs" / job.id / "slurm" / "1-TOKEN"
            argv[job.id] = self._placement.argv(ticket, job, folder)
        return plan, argv

    def identities(self, ready: Ready, jobs: Iterable[Job]) -> dict[str, Mapping[str, Any]]:
        """Nodes may differ, and tell of their images themselves."""
        scripts = workloads_sha256(Path(self._catalog.root))
        majors = {stack.name: stack.keras_major for stack in self._catalog.stacks}
        packages = {(layer.stack, layer.workload): layer.sha256 for layer in ready.plan.layers}
        launcher = runtimes.recorded_name(self.launcher)
        return {
            job.id: {
                "workloads_sha256": scripts_sha256(scripts, ready.plan.own.get(job.workload)),
                "data_sha256": ready.plan.data_of(job).sha256,
                "packages_sha256": packages.get((job.stack, job.workload)),
                "keras_spec": self._recorded_spec if majors.get(job.stack, 0) >= 3 else None,
                "launcher": launcher,
                "orchestrator": __version__,
            }
            for job in jobs
        }

    def run(self, ready: Ready, folder: RunFolder, listener: Listener) -> Iterator[Result]:
        self._flights = self._make_flights(ready, folder, listener)
        if self._stopped:
            self._flights.stop()
        yield from self._flights.run(ready.pending)

    def stop(self) -> None:
        self._stopped = True
        if self._flights is not None:
            self._flights.stop()

    def hand_in(self, ready: Ready, folder: RunFolder, listener: Listener) -> dict[str, int]:
        """Submits up to the queue limit and returns without waiting. Jobs that Slurm refuses get a result at once."""
        listener.expect(len(ready.pending))
        flights = self._make_flights(ready, folder, listener)
        with stop_on_signals(flights.stop) as stopped:
            rest = flights.hand_in(ready.pending)
        if stopped.is_set():
            raise KeyboardInterrupt
        return standing(rest, ready)

    def collect(self, ready: Ready, folder: RunFolder, listener: Listener) -> dict[str, int]:
        listener.expect(len(ready.pending))
        return standing(self._make_flights(ready, folder, listener).collect(ready.pending), ready)

    def examine(self) -> list[Check]:
        return doctor.examine(self.request, self._catalog, self._controller, self._nodes, self._host, self.launcher)

    def _make_flights(self, ready: Ready, folder: RunFolder, listener: Listener) -> Flights:
        origin = Origin(
            config=self._config,
            root=self._catalog.root,
            launcher=self.launcher,
            keras_spec=self._recorded_spec,
            cluster=self._host.name,
            may_build=self.request.may_build,
            archived=self._archived,
        )
        settings = self._config.slurm
        return Flights(
            self._controller,
            RunLedger(self._placement, origin, ready, folder, listener),
            bound=settings.queue,
            grace_s=parse_duration(settings.grace),
            patience_s=parse_duration(settings.patience),
            say=listener.say,
        )

    def _able(self, plan: Plan) -> Plan:
        """The plan without what no node can run."""
        plan = drop_unready(plan, self._without_image(plan))
        return drop_unready(plan, cannot_run(plan, self._catalog.stacks, self._ground(plan)))

    def _ground(self, plan: Plan) -> Callable[[Stack], Ground]:
        """What each stack has; the interpreters of environments are the nodes' own."""
        device, process = plan.planned[0].device, self.launcher == "process"

        def ground(stack: Stack) -> Ground:
            spec = self.request.keras_spec if stack.keras_major >= 3 else None
            return of_stack(stack, device, self._catalog.docker_dir, spec, "" if process else None)

        return ground

    def _with_locked_packages(self, plan: Plan) -> Plan:
        """The plan with the packages of files of one's own, locked here once; each node installs them for itself."""
        stacks = [stack for stack in self._catalog.stacks if any(job.stack == stack.name for job in plan.jobs)]
        found, missing = locked_layers(plan, stacks, self._ground(plan), way_of(self.request), self._say)
        return drop_unready(with_layers(plan, found), missing)

    def _without_image(self, plan: Plan) -> list[Unavailable]:
        """Stacks that have no image for the plan's kind of device."""
        kind = plan.planned[0].device
        return [
            Unavailable(
                stack=stack.name, status="unsupported", reason=f"{stack.name} has no image for a {kind.upper()}"
            )
            for stack in self._catalog.stacks
            if kind not in stack.images
        ]

    def _read_archive(self) -> None:
        """Checks the archive of images once, here, and not on every node. Raises UserError."""
        path = self._config.slurm.images.archive
        if path is None or self.launcher != "docker":
            return
        if not Path(path).is_file():
            raise UserError(f"$.slurm.images.archive: there is no file {path}", "`orchestrate images save` writes it")
        self._say(f"checking {path}")
        index = image_archive.contents(Path(path), lambda done, total: None)
        self._archived = {image.name: image.info.id for image in index.images}


def refuse_unheard(request: RunRequest) -> None:
    """Raises UserError for options of builds that would not hold on the nodes, where what is lacking is made."""
    build = request.build
    for option, value, variable in (
        ("--pip-index-url", build.pip_index_url, "PIP_INDEX_URL"),
        ("--ca-bundle", build.ca_bundle, "PIP_CERT"),
    ):
        if value:
            raise UserError(f"{option} does not reach the nodes of a cluster", f"set {variable}, which does")
    if request.config.slurm.images.by == "build" and not request.may_build:
        raise UserError("`slurm.images.by: build` and --no-build contradict each other", "leave one of them out")


def standing(rest: dict[str, int], ready: Ready) -> dict[str, int]:
    """How many jobs stand where, those on record included."""
    return {"on record": len(ready.plan.planned) - sum(rest.values()), **rest}


def absolute(files: Mapping[str, DataFile]) -> dict[str, DataFile]:
    """The data files by paths that hold on every node: these start in folders of their own."""
    return {name: msgspec.structs.replace(f, path=str(Path(f.path).absolute())) for name, f in files.items()}
