"""What a run has beside the catalog: files and environments of one's own, from the command line or on record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from orchestrator.errors import OrchestrateError, UserError
from orchestrator.files import is_python, is_yaml
from orchestrator.host.probe import probe_host
from orchestrator.model import DeviceKind, Plan, Say, Stack, Workload
from orchestrator.plan.catalog import Catalog, load_catalog, named
from orchestrator.plan.config import Config, everything
from orchestrator.plan.eras import era_file
from orchestrator.plan.jobs import select
from orchestrator.plan.own import as_now, own_workloads
from orchestrator.plan.own_stack import read_stack_file
from orchestrator.plan.request import RunRequest
from orchestrator.stacks import own_locks
from orchestrator.stacks.found.find import found_stacks
from orchestrator.stacks.locks import own_lock
from orchestrator.stacks.venvs import Way
from orchestrator.text import silent

#: What to do where there is nobody to give arguments to.
OWN_FIRST = "name it before them: orchestrate my.py -- --lr 0.1"
#: Hears why the file of a stack of one's own is left out.
OnFault = Callable[[OrchestrateError], None]


def brought(
    request: RunRequest, say: Say = silent, may_lock: bool = True, on_fault: OnFault | None = None
) -> tuple[RunRequest, Catalog]:
    """The catalog with what the request brings, and the request in which that stands by its name.

    A file is only read; an environment is started once, to look into it. `may_lock`: a stack that has no lock yet gets
    it. With `on_fault`, a bad file of a stack is told and left out. Raises UserError for a file or an environment that
    is none, where nothing else was asked for, and HostError for an environment that no job could run in.
    """
    catalog = load_catalog(request.root)
    config = request.config
    files = [workload for workload in config.workloads if is_python(workload)]
    own = own_workloads(files, [workload.name for workload in (*catalog.workloads, *catalog.models)])
    names = [workload for workload in config.workloads if not is_python(workload)]
    models = named_models(names, catalog)
    if config.arguments and not own:
        raise UserError("arguments after `--` are for a file of your own, and none is named", OWN_FIRST)
    if config.pythons or config.images:  # what else is asked for
        on_fault = on_fault or left_out(say)
    wanted, catalog = with_stacks(config.stacks, lambda: device_of(config), catalog, say, may_lock, on_fault)
    _refuse_cluster(config, catalog)
    found = _found(request, catalog, say)
    if found:
        wanted = [*([] if wanted == everything() else wanted), *(stack.name for stack in found)]
    changes = {"stacks": wanted, "workloads": [*names, *(workload.name for workload in own)]}
    config = msgspec.structs.replace(config, **changes)
    return msgspec.structs.replace(request, config=config), catalog.extended([*models, *own], found)


def named_models(patterns: Sequence[str], catalog: Catalog) -> list[Workload]:
    """The models of today that patterns name; `*` means the article's five alone.

    Raises UserError for a pattern that nothing has, with the name that may be meant.
    """
    select(patterns, (workload.name for workload in (*catalog.workloads, *catalog.models)), "workload")
    named = [pattern for pattern in patterns if pattern != "*"]
    return [model for model in catalog.models if any(fnmatchcase(model.name, pattern) for pattern in named)]


def _found(request: RunRequest, catalog: Catalog, say: Say) -> list[Stack]:
    """The environments that were there before. Raises UserError for options that cannot mean them, and see above."""
    config = request.config
    named = config.pythons or config.images
    if named and request.keras_spec:
        raise UserError("--keras-spec makes environments, and what is found is used as it is", "leave one of them out")
    build = request.build
    way = Way(index=build.pip_index_url, ca_bundle=build.ca_bundle, may_make=request.may_build)
    return found_stacks(config, catalog, way, say)


def with_stacks(
    wanted: Sequence[str],
    device: Callable[[], DeviceKind],
    catalog: Catalog,
    say: Say,
    may_lock: bool,
    on_fault: OnFault | None = None,
) -> tuple[list[str], Catalog]:
    """The wanted stacks with names for the files among them, and the catalog that has those.

    A bad file is one line, and ends what is asked for only where that was nothing else: then raises what was wrong.
    """
    names = [each for each in wanted if not is_yaml(each)]
    _refuse_never_locked(names, catalog)
    found: dict[str, Stack] = {}
    faults: list[OrchestrateError] = []
    for file in (each for each in wanted if is_yaml(each)):
        try:
            asked = read_stack_file(Path(file), catalog)
            if asked.name in found:
                raise UserError(f"{file}: another file names its stack {asked.name!r}, too", "give it another `name:`")
            found[asked.name] = own_locks.ready(asked, device(), catalog, may_lock, say)
        except OrchestrateError as error:
            faults.append(error)
    if faults and on_fault is None and not names and not found:
        raise faults[0]
    for fault in faults:
        (on_fault or left_out(say))(fault)
    return [*names, *found] or ["*"], catalog.extended([], found.values())


def _refuse_never_locked(names: Sequence[str], catalog: Catalog) -> None:
    """Raises UserError for a stack of docker/eras/ whose file is there, and whose lock is not."""
    for name in set(names) - {stack.name for stack in catalog.stacks}:
        if era_file(name, catalog):
            raise UserError(f"{name} has no lock yet", f"`orchestrate lock {name}` makes it")


def left_out(say: Say) -> OnFault:
    """Says in one line why a file is left out, where something else was asked for."""
    return lambda fault: say(f"left out: {fault.message}; {fault.hint}")


def device_of(config: Config) -> DeviceKind:
    """The kind of device that a run of this configuration computes on here, for which its stacks are locked."""
    if config.device == "auto":
        return "gpu" if probe_host(os.environ).gpus else "cpu"
    return config.device


def _refuse_cluster(config: Config, catalog: Catalog) -> None:
    """Raises UserError for a stack of one's own on a cluster, whose nodes know the catalog alone."""
    own = [stack.name for stack in catalog.stacks if stack.own]
    if own and config.executor != "local":
        raise UserError(f"{own[0]} is a stack of your own, which runs on this host only", "leave --executor out")


def reopened(plan: Plan, ours: Catalog) -> Plan:
    """A recorded plan whose files of one's own are as they are now: what changed since is told as other changes are.

    The project's models are those of `ours`, wherever the plan says that they lay. Raises UserError for a file or a
    model that is gone, HostError for the lock of a stack that is gone or another now.
    """
    for stack in plan.stacks:
        if stack.own:
            own_lock(stack, stack.own)
    return msgspec.structs.replace(plan, workloads=[_as_now(workload, ours) for workload in plan.workloads])


def _as_now(workload: Workload, ours: Catalog) -> Workload:
    shipped = workload.own is not None and workload.own.shipped
    return named(ours.models, workload.name, "model") if shipped else as_now(workload)


def recorded(catalog: Catalog, plans: Iterable[Plan]) -> Catalog:
    """The catalog with what the plans of recorded runs had beside it."""
    for plan in plans:
        catalog = catalog.extended(plan.workloads, plan.stacks)
    return catalog
