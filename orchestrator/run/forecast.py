"""What a run would take, before anything of it is made ready: time, disk, network, data. Looks, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.data.declared import load_datasets
from orchestrator.data.find import DataRow, listing
from orchestrator.executors.local.examine import gather
from orchestrator.host.checks import Facts
from orchestrator.model import DeviceKind, Host, Noun, Plan
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.draft import chosen_stacks
from orchestrator.plan.request import RunRequest
from orchestrator.results.folder import RunFolder
from orchestrator.run.outlook import earlier
from orchestrator.stacks.expected import Expected, expected
from orchestrator.stacks.images.engine import Engine


class Forecast(Noun, frozen=True, kw_only=True):
    """What is known beforehand.

    `seconds`: of the jobs that an earlier run on this host has timed, `timed` of them; those that run `side_by_side`
    share it. `making`: what the images to be made take; `free_mb`: the room that is there for them.
    """

    launcher: str
    device: str
    seconds: float = 0.0
    timed: int = 0
    side_by_side: int = 1
    #: Stacks whose image must be made; None where that is seen on the way.
    to_make: list[str] | None = None
    making: Expected = Expected()
    free_mb: int | None = None
    #: Why a network is needed, in words.
    network: list[str] = []
    data: list[DataRow] = []

    @property
    def wall_s(self) -> float:
        return self.seconds / self.side_by_side


def forecast(request: RunRequest, catalog: Catalog, host: Host, plan: Plan) -> Forecast:
    """Of the plan's jobs that can run."""
    known = earlier(RunFolder(request.out / plan.run_id), plan.jobs, host.name)
    gpu = bool(plan.planned) and plan.planned[0].device == "gpu"
    data = _data(request, plan)
    if request.config.executor != "local":
        launcher, side, facts = "the nodes decide", 1, None
    else:
        facts = gather(request.config, host, chosen_stacks(plan, catalog), request.out, Engine())
        launcher, side = facts.launcher, (max(1, len(host.gpus)) if gpu else request.config.parallel)
    there = facts.images if facts is not None and facts.launcher != "process" else None
    to_make = None if there is None else [name for name, here in there.items() if not here]
    images = [disk for disk in (facts.disks if facts else []) if disk.what.endswith("images")]
    return Forecast(
        launcher=launcher,
        device=_device(host, gpu, plan),
        seconds=sum(known.values()),
        timed=len(known),
        side_by_side=side,
        to_make=to_make,
        making=_making(there or {}, catalog, "gpu" if gpu else "cpu"),
        free_mb=images[0].free_mb if images else None,
        network=_network(request, facts, to_make, data),
        data=data,
    )


def _making(there: Mapping[str, bool], catalog: Catalog, device: DeviceKind) -> Expected:
    """What the images that are not there take; those of environments that were found are somebody's."""
    ours = [stack for stack in catalog.stacks if stack.name in there and stack.found is None]
    missing = [stack for stack in ours if not there[stack.name]]
    return expected(missing, [stack for stack in ours if there[stack.name]], device)


def _device(host: Host, gpu: bool, plan: Plan) -> str:
    if gpu:
        names = [device.name for device in host.gpus]
        return ", ".join(f"{names.count(name)} × {name}" for name in dict.fromkeys(names))
    threads = {job.threads for job in plan.planned}
    each = f", {threads.pop()} for each job" if len(threads) == 1 else ""
    return f"the CPU of {host.name}, {len(host.cores)} cores{each}"


def _data(request: RunRequest, plan: Plan) -> list[DataRow]:
    """The file that each data set would be read from; the first of each is the one that a run uses."""
    names = sorted({job.dataset for job in plan.jobs if job.dataset})
    found = listing(load_datasets(), names, request.data_dir) if names else []
    return list({row.dataset: row for row in reversed(found)}.values())[::-1]


def _network(
    request: RunRequest, facts: Facts | None, to_make: Sequence[str] | None, data: Sequence[DataRow]
) -> list[str]:
    found = []
    if to_make:
        found.append(f"to make {len(to_make)} images" if len(to_make) > 1 else "to make an image")
    if facts is not None and facts.launcher == "process" and request.may_build:
        found.append("to make environments that are not there yet")
    missing = [row.dataset for row in data if row.state == "missing" or row.kind == "synthetic"]
    if missing and request.may_fetch:
        found.append(f"to fetch {', '.join(missing)}, else synthetic data are used")
    if request.config.network:
        found.append("for the script (--network)")
    return found
