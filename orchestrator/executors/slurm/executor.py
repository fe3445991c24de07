"""Runs the jobs of a plan on the nodes of a Slurm cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from orchestrator import __version__
from orchestrator.cli.progress import Progress
from orchestrator.errors import HostError, UserError
from orchestrator.executors.pending import Choice, add_changed, changes_of, missing_data, present_data, sort_out
from orchestrator.executors.prepared import Prepared, ready_data
from orchestrator.executors.signals import stop_on_signals
from orchestrator.executors.slurm.commands import Node, Ticket
from orchestrator.executors.slurm.controller import Controller
from orchestrator.executors.slurm.ledger import Away
from orchestrator.files import check_writable
from orchestrator.launchers import runtimes
from orchestrator.model import DataFile, Device, Host, Plan, Result, Say
from orchestrator.plan.catalog import Catalog, workloads_sha256
from orchestrator.plan.config import Config, override, parse_duration
from orchestrator.plan.draft import drop_unready, make_plan
from orchestrator.results.folder import RunFolder
from orchestrator.run.resume import config_of
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.provisioner import Trouble


def find(config: Config, catalog: Catalog, say: Say, keras_spec: str | None) -> Away:
    """The cluster that a configuration means. Raises HostError where there is none, or no such partition."""
    for bound in (config.slurm.grace, config.slurm.patience):
        parse_duration(bound)
    if config.slurm.gpu_type and config.device == "auto":
        config = override(config, device="gpu")
    cluster = Controller()
    nodes = cluster.nodes(config.slurm.partition)
    wanted = cluster.named(config.slurm.nodes) if config.slurm.nodes else {node.name for node in nodes}
    unknown = wanted - {node.name for node in nodes}
    if unknown:
        raise HostError(f"slurm.nodes: there is no {', '.join(sorted(unknown))}", "`sinfo -N` lists the nodes")
    away = Away(config, catalog, cluster, [node for node in nodes if node.name in wanted], say)
    away.others = {node.name for node in nodes} - wanted
    away.keras_spec = absolute_spec(keras_spec)
    return away


def absolute_spec(spec: str | None) -> str | None:
    """What replaces Keras; a folder or file of the shared file system as nodes can find it."""
    here = spec is not None and (spec == "." or "/" in spec) and Path(spec).exists()
    return str(Path(str(spec)).absolute()) if here else spec


def as_host(away: Away) -> Host:
    """The cluster as plans see a host: with the cores and GPUs that every node has of those that may be meant."""
    wanted = away.config.slurm.gpu_type
    gpus = {node.name: {k: n for k, n in node.gpus.items() if wanted in (None, k)} for node in away.nodes}
    with_gpu = [node for node in away.nodes if sum(gpus[node.name].values())]
    candidates = with_gpu if with_gpu and away.config.device != "cpu" else away.nodes
    node = min(candidates, key=lambda node: node.cpus / max(1, sum(gpus[node.name].values())))
    partition = node.partition
    return Host(
        name=f"Slurm partition {partition}",
        cpu="",
        cores=list(range(node.cpus)),
        memory_mb=0,
        os="",
        gpus=[Device(kind="gpu", name=kind or "gpu") for kind, n in gpus[node.name].items() for _ in range(n)],
        no_gpu=f"no node of partition {partition} has a gpu{f' of type {wanted}' if wanted else ''}",
    )


def describe_nodes(nodes: list[Node]) -> str:
    """The nodes of each kind, with how many of them can be used now."""
    kinds: dict[Any, list[Node]] = {}
    for node in nodes:
        kinds.setdefault(node.kind, []).append(node)
    parts = []
    for members in kinds.values():
        gpus = ", ".join(f"{n} GPU{'s' * (n > 1)}{f' {kind}' if kind else ''}" for kind, n in members[0].gpus.items())
        up = sum(node.up for node in members)
        few = "" if up == len(members) else f" ({up} of them up)"
        names = ", ".join(node.name for node in members[:4]) + (", ..." if len(members) > 4 else "")
        parts.append(f"{len(members)} × {members[0].cpus} CPUs{', ' if gpus else ''}{gpus}: {names}{few}")
    return "; ".join(parts)


def draft_of(away: Away) -> tuple[Plan, Host]:
    host = as_host(away)
    return make_plan(away.config, away.catalog, host), host


def prepare(away: Away, data_dir: Path | None, out: Path, fetch: bool) -> Prepared:
    """Everything that the jobs need before they are submitted; the nodes do their own part."""
    draft, host = draft_of(away)
    away.say(f"{host.name}: {describe_nodes(away.nodes)}; launcher: {away.launcher}")
    check_writable(out)
    away.refuse_impossible(draft.jobs, out)
    draft = drop_unready(draft, without_image(away, draft))
    files, no_data = ready_data(draft, data_dir, fetch, away.say)
    whole = drop_unready(msgspec.structs.replace(draft, data=absolute(files)), no_data)
    read_archive(away)
    return Prepared(plan=whole, launcher=None, slots=[], host=host, pending=whole.jobs, away=away)


def describe(away: Away, results: Path) -> tuple[Plan, dict[str, list[str]]]:
    """The plan, and what would submit each job; its own token is drawn when it is."""
    draft, _ = draft_of(away)
    draft = drop_unready(draft, without_image(away, draft))
    argv = {}
    for job in draft.jobs:
        ticket = Ticket(run_id=draft.run_id, job_id=job.id, attempt=1, token="TOKEN")
        folder = results.absolute() / draft.run_id / "jobs" / job.id / "slurm" / "1-TOKEN"
        argv[job.id] = away.argv(ticket, job, folder)
    return draft, argv


def hand_in(ready: Prepared, folder: RunFolder, console: Console) -> dict[str, int]:
    """Submits what Slurm's queue may hold and leaves: how many jobs stand where. They need nobody until they end."""
    with Progress(console, len(ready.pending)) as progress:
        executor = ready.away.executor(ready, folder, progress)
        with stop_on_signals(executor.stop) as stopped:
            rest = executor.hand_in(ready.pending)
    if stopped.is_set():
        raise KeyboardInterrupt
    return standing(rest, ready)


def look(ready: Prepared, folder: RunFolder, console: Console) -> dict[str, int]:
    """Collects what has ended and leaves the rest as it is: how many jobs stand where."""
    with Progress(console, len(ready.pending)) as progress:
        return standing(ready.away.executor(ready, folder, progress).look(ready.pending), ready)


def standing(rest: dict[str, int], ready: Prepared) -> dict[str, int]:
    return {"on record": len(ready.plan.planned) - sum(rest.values()), **rest}


def resume(folder: RunFolder, plan: Plan, away: Away, choice: Choice, data_dir: Path | None, fetch: bool) -> Prepared:
    """What is left of a run. Raises UserError where it is not the same run any more."""
    host = as_host(away)
    pending, kept = sort_out(folder, plan, choice, away.say)
    files = {**present_data(plan), **absolute(missing_data(plan, pending, data_dir, fetch, away.say))}
    changed = changes_of(kept, _identities(away, kept, files))
    pending = add_changed(pending, plan, changed, choice.rerun_changed, away.say)
    pending = [job for job in pending if job.dataset in files]
    read_archive(away)
    return Prepared(
        plan=msgspec.structs.replace(plan, data=files),
        launcher=None,
        slots=[],
        host=host,
        pending=pending,
        attempts={job.id: folder.attempts(job) + 1 for job in pending},
        away=away,
    )


def _identities(away: Away, kept: dict[str, Result], files: dict[str, DataFile]) -> dict[str, dict[str, Any]]:
    """What must not change in mid-run, as it is now, by job id. Nodes may differ, and tell of their images."""
    scripts = workloads_sha256(Path(away.catalog.root))
    eras = {stack.name: stack.era for stack in away.catalog.stacks}
    launcher = runtimes.recorded_name(away.launcher)
    return {
        job_id: {
            "workloads_sha256": scripts,
            "data_sha256": files[result.job.dataset].sha256,
            "keras_spec": away.keras_spec if eras.get(result.job.stack) == "today" else None,
            "launcher": launcher,
            "orchestrator": __version__,
        }
        for job_id, result in kept.items()
        if result.job.dataset in files
    }


def decided_config(plan: Plan) -> Config:
    """The configuration of a recorded run, with the kind of device that was decided on then."""
    return override(config_of(plan), device=plan.planned[0].device)


def without_image(away: Away, draft: Plan) -> dict[str, Trouble]:
    """Stacks that have no image for this kind of device, as troubles."""
    kind = draft.planned[0].device
    return {
        stack.name: Trouble(status="unsupported", reason=f"{stack.name} has no image for a {kind.upper()}")
        for stack in away.catalog.stacks
        if kind not in stack.images
    }


def absolute(files: dict[str, DataFile]) -> dict[str, DataFile]:
    """Nodes start in folders of their own."""
    return {name: msgspec.structs.replace(f, path=str(Path(f.path).absolute())) for name, f in files.items()}


def read_archive(away: Away) -> None:
    """Checks the archive once, here, and not on every node. Raises UserError."""
    path = away.config.slurm.images.archive
    if path is None or away.launcher != "docker":
        return
    if not Path(path).is_file():
        raise UserError(f"$.slurm.images.archive: there is no file {path}", "`orchestrate images save` writes it")
    away.say(f"checking {path}")
    index = image_archive.contents(Path(path), lambda done, total: None)
    away.archived = {image.name: image.info.id for image in index.images}
