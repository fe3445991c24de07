"""Tries out one container as jobs will get it, with a folder of its own below the results; nothing is left of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrator.data.declared import load_datasets
from orchestrator.data.find import DataRow
from orchestrator.doors import own
from orchestrator.errors import HostError
from orchestrator.executors.prepared import equal_share_mb
from orchestrator.files import remove_tree
from orchestrator.host import probe
from orchestrator.host.checks import Trial
from orchestrator.launchers import sweep
from orchestrator.launchers.launcher import RunContext
from orchestrator.launchers.runtimes import not_given
from orchestrator.model import DataFile, Device, DeviceKind, Host, Stack
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.config import Config, parse_memory
from orchestrator.plan.request import Request
from orchestrator.results import leftovers
from orchestrator.stacks.choose import choose_provisioner
from orchestrator.stacks.images.engine import Engine
from orchestrator.stacks.provisioner import Provisioner
from orchestrator.text import silent


def try_out(
    provisioner: Provisioner, context: RunContext, device: Device, out: Path
) -> tuple[RunContext, Trial] | None:
    """The context with what jobs do not get, and that in words; None while no image is there, or nowhere to write.

    Raises HostError for what no job could run with. The GPU is not tried: it may be another job's.
    """
    try:
        place = next(path for path in (out.absolute(), *out.absolute().parents) if path.is_dir())
        folder = Path(tempfile.mkdtemp(prefix=".trial-", dir=own(place)))
    except OSError:  # other checks say so
        return None
    try:
        out = leftovers.close(folder)
        lacks = provisioner.trial(context, msgspec.structs.replace(device, uuid=None), out)
    finally:
        with contextlib.suppress(OSError):
            remove_tree(folder)
    if lacks is None:
        return None
    return msgspec.structs.replace(context, lacks=lacks), Trial(launcher=provisioner.name, lacks=not_given(lacks))


def try_for_doctor(
    config: Config,
    catalog: Catalog,
    stacks: Sequence[Stack],
    kind: DeviceKind,
    host: Host,
    rows: Sequence[DataRow],
    out: Path,
    engine: Engine,
) -> Trial | None:
    """The same for a configuration, with the images and data that are there; what cannot work is part of the answer."""
    try:
        provisioner = choose_provisioner(config.launcher, Request(out=out, may_build=False), catalog, engine, silent)
        device = probe.slots(host, kind, config.threads or 1, 1)[0]
    except (HostError, IndexError):  # no engine, no GPU: told by other checks
        return None
    if provisioner.name == "process":
        return None
    context = RunContext(
        run_id=f"doctor-{os.getpid()}",
        owner=sweep.owner(),
        workloads_dir=str(catalog.workloads_dir),
        stacks={stack.name: stack for stack in stacks},
        data=_files(rows),
        memory_mb=parse_memory(config.memory) if config.memory else equal_share_mb(host, [device]),
        weakened=config.weaken,
    )
    try:
        tried = try_out(provisioner, context, device, out)
    except HostError as error:
        return Trial(launcher=provisioner.name, trouble=error.message, mend=error.hint)
    return tried and tried[1]


def _files(rows: Sequence[DataRow]) -> dict[str, DataFile]:
    """The files that a run would bind as they are; a folder is packed before."""
    datasets = load_datasets()
    return {
        row.dataset: DataFile(
            dataset=row.dataset,
            path=str(Path(row.path).absolute()),
            sha256=row.sha256 or "0" * 64,
            kind=row.kind or "given",
            name=datasets[row.dataset].file,
        )
        for row in rows
        if row.state == "ok" and row.path and Path(row.path).is_file()
    }
