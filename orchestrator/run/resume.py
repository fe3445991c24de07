"""Continuing a recorded run with exactly the jobs that have no valid result.

Valid: on record, whole by its manifest, of this very job, not cancelled, and made with what there is now. Where the
workloads, an image, the data or the host have changed since, going on would mix two experiments in one table: that is
refused, unless the user asks for those jobs to be run anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.errors import UserError
from orchestrator.executors.local import preflight
from orchestrator.executors.pending import Choice, add_changed, changes, missing_data, present_data, sort_out
from orchestrator.executors.prepared import Prepared, context_of, equal_share_mb
from orchestrator.host import probe
from orchestrator.host.probe import probe_host
from orchestrator.launchers.launcher import Launcher
from orchestrator.measure.fingerprint import fingerprint
from orchestrator.model import DataFile, Device, Fingerprint, Host, Job, Plan, Say
from orchestrator.plan.catalog import Catalog, workloads_sha256
from orchestrator.plan.config import Config, override
from orchestrator.plan.draft import chosen_stacks, decide, drop_unready, no_gpu_for
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import read_entry, read_manifest
from orchestrator.stacks.provisioner import Provisioner


def checked_plan(folder: RunFolder, typed: dict[str, Any]) -> Plan:
    """The run's plan. Raises UserError where it was altered, or where the command line contradicts it."""
    sealed = read_manifest(folder.path)
    entry = sealed.files.get("plan.json") if sealed else None
    if entry and entry != read_entry(folder.path / "plan.json"):
        raise UserError(f"{folder.path / 'plan.json'} was altered since it was written", "start a new run")
    plan = folder.plan()
    refuse_contradictions(typed, config_of(plan))
    return plan


def config_of(plan: Plan) -> Config:
    try:
        return msgspec.convert(plan.config, Config)
    except msgspec.ValidationError as error:
        raise UserError(f"plan.json: $.config: {error}", "it is damaged, or of another version") from error


def refuse_contradictions(typed: dict[str, Any], planned: Config) -> None:
    """What was typed must be what was planned: a run is one experiment."""
    changes = {name: value for name, value in typed.items() if name != "config"}
    planned = override(planned)  # compared as both are settled
    wish = override(typed.get("config", planned), **changes)
    for name in Config.__struct_fields__:
        ours, theirs = getattr(wish, name), getattr(planned, name)
        if ours != theirs:
            message = f"{name} is {ours!r} on the command line, but {theirs!r} in the run to be resumed"
            raise UserError(message, "leave it out, or start a new run")


def prepare(
    folder: RunFolder,
    plan: Plan,
    catalog: Catalog,
    site: Provisioner,
    choice: Choice,
    data_dir: Path | None,
    fetch: bool,
    say: Say,
) -> Prepared:
    """Everything that the rest of the run needs. Raises UserError where it is not the same run any more."""
    host, first = probe_host(), plan.planned[0]
    config = override(config_of(plan), device=first.device)
    decide(config, host)
    slots = probe.slots(host, first.device, first.threads, config.parallel)
    cleared = preflight.before_run(config, catalog, plan, host, site.name, folder.path.parent, say)
    pending, kept = sort_out(folder, plan, choice, say)
    files = {**present_data(plan), **missing_data(plan, pending, data_dir, fetch, say)}
    everything = msgspec.structs.replace(plan, jobs=plan.planned)
    troubles = site.prepare(chosen_stacks(everything, catalog), first.device)
    troubles |= no_gpu_for(cleared.unfit)
    able = [job for job in drop_unready(everything, troubles).jobs if job.dataset in files]

    context = context_of(config, catalog, plan.run_id, files, equal_share_mb(host, slots), cleared.route_name)
    identify = _identifier(slots[0], site.launcher(context), host, files, catalog)
    now = {job.id: identify(job) for job in able if job.id in kept}
    pending = add_changed(pending, plan, changes(kept, now), choice.rerun_changed, say)
    pending = [job for job in pending if job in able]
    attempts = {job.id: folder.attempts(job) + 1 for job in pending}
    say(f"resuming {plan.run_id}: {len(pending)} of {len(plan.planned)} jobs to run")
    return Prepared(
        plan=msgspec.structs.replace(plan, data=files),
        launcher=site.launcher(msgspec.structs.replace(context, attempts=attempts)),
        slots=slots,
        host=host,
        pending=pending,
        attempts=attempts,
        gpu_route=cleared.route_words if first.device == "gpu" else None,
        allow_busy=config.allow_busy,
    )


def _identifier(
    device: Device, launcher: Launcher, host: Host, files: dict[str, DataFile], catalog: Catalog
) -> Callable[[Job], Fingerprint]:
    """What a job would be made with now."""
    scripts = workloads_sha256(Path(catalog.root))

    def identify(job: Job) -> Fingerprint:
        launch = launcher.describe(job, device, Path("out"))
        return fingerprint(job, device, launch, host=host, files=files, scripts=scripts, commit=None)

    return identify
