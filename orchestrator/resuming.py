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

from orchestrator import devices, doctor, identity, seals, wiring
from orchestrator.catalog import Catalog, workloads_sha256
from orchestrator.config import Config, override
from orchestrator.datafiles import sha256_file
from orchestrator.errors import UserError
from orchestrator.model import NOT_RUN, DataFile, Device, Fingerprint, Job, Noun, Plan, Result
from orchestrator.records import RunFolder
from orchestrator.seams import Launcher
from orchestrator.sites import Site

Say = Callable[[str], None]

#: Fields of a fingerprint that must not change in mid-run, and what they are called.
IDENTITY = {
    "workloads_sha256": "the files in workloads/",
    "data_sha256": "the data set {job.dataset}",
    "image_digest": "the image of {job.stack}",
    "keras_spec": "the replaced Keras of {job.stack}",
    "launcher": "the launcher",
    "host": "the host",
    "cpu": "the processor",
    "driver": "the GPU driver",
    "orchestrator": "the orchestrator's version",
}


class Choice(Noun, frozen=True, kw_only=True):
    """`retry_failed`: failures are no results; `rerun_changed`: nor is what was made with other things.

    `keep_cancelled`: what was cancelled stays so; what has no result at all is still to be run.
    """

    retry_failed: bool = False
    keep_cancelled: bool = False
    rerun_changed: bool = False


def checked_plan(folder: RunFolder, typed: dict[str, Any]) -> Plan:
    """The run's plan. Raises UserError where it was altered, or where the command line contradicts it."""
    sealed = seals.read_manifest(folder.path)
    entry = sealed.files.get("plan.json") if sealed else None
    if entry and entry != seals.read_entry(folder.path / "plan.json"):
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
    site: Site,
    choice: Choice,
    data_dir: Path | None,
    fetch: bool,
    say: Say,
) -> wiring.Prepared:
    """Everything that the rest of the run needs. Raises UserError where it is not the same run any more."""
    host, first = devices.probe_host(), plan.planned[0]
    config = override(config_of(plan), device=first.device)
    wiring.decide(config, host)
    slots = devices.slots(host, first.device, first.threads, config.parallel)
    cleared = doctor.before_run(config, catalog, plan, host, site.name, folder.path.parent, say)
    pending, kept = sort_out(folder, plan, choice, say)
    files = {**present_data(plan), **missing_data(plan, pending, data_dir, fetch, say)}
    everything = msgspec.structs.replace(plan, jobs=plan.planned)
    troubles = site.prepare(wiring.chosen_stacks(everything, catalog), first.device)
    troubles |= wiring.no_gpu_for(cleared.unfit)
    able = [job for job in wiring.drop_unready(everything, troubles).jobs if job.dataset in files]

    order = wiring.order_of(config, plan.run_id, files, host, slots, cleared.route_name)
    identify = _identifier(slots[0], site.launcher(order), host, files, catalog)
    now = {job.id: identify(job) for job in able if job.id in kept}
    pending = add_changed(pending, plan, changes(kept, now), choice.rerun_changed, say)
    pending = [job for job in pending if job in able]
    attempts = {job.id: folder.attempts(job) + 1 for job in pending}
    say(f"resuming {plan.run_id}: {len(pending)} of {len(plan.planned)} jobs to run")
    return wiring.Prepared(
        plan=msgspec.structs.replace(plan, data=files),
        launcher=site.launcher(msgspec.structs.replace(order, attempts=attempts)),
        slots=slots,
        host=host,
        pending=pending,
        attempts=attempts,
        gpu_route=cleared.route_words if first.device == "gpu" else None,
        allow_busy=config.allow_busy,
    )


def sort_out(folder: RunFolder, plan: Plan, choice: Choice, say: Say) -> tuple[list[Job], dict[str, Result]]:
    """The jobs to run, in plan order, and the results (by job id) that stand."""
    skipped = {skip.job.id: skip.status for skip in plan.skipped}
    pending: list[Job] = []
    kept: dict[str, Result] = {}
    for job in plan.planned:
        result = _whole_result(folder, job, say)
        status = result.status if result else skipped.get(job.id, "cancelled")
        over = choice.keep_cancelled and result is not None
        again = not over if status == "cancelled" else choice.retry_failed and status not in {"ok", *NOT_RUN}
        if again:
            pending.append(job)
        elif result:
            kept[job.id] = result
    return pending, kept


def _whole_result(folder: RunFolder, job: Job, say: Say) -> Result | None:
    try:
        result = folder.result(job)
    except UserError as error:
        say(f"{job.id}: {error.message}; it runs anew")
        return None
    if result is not None and not seals.job_is_whole(folder.job_folder(job)):
        say(f"{job.id}: its record is torn or was altered; it runs anew")
        return None
    return result


def present_data(plan: Plan) -> dict[str, DataFile]:
    """The planned data files as they are now. Raises UserError for one that is gone."""
    files = {}
    for name, file in plan.data.items():
        if not Path(file.path).is_file():
            raise UserError(f"the data set {name} of this run is gone: {file.path}", "put it back, or start a new run")
        files[name] = msgspec.structs.replace(file, sha256=sha256_file(Path(file.path)))
    return files


def missing_data(plan: Plan, pending: list[Job], data_dir: Path | None, fetch: bool, say: Say) -> dict[str, DataFile]:
    """Data sets that could not be had when the run began and are needed now."""
    wanted = [job for job in pending if job.dataset not in plan.data]
    return wiring.ready_data(msgspec.structs.replace(plan, jobs=wanted), data_dir, fetch, say)[0]


def _identifier(
    device: Device, launcher: Launcher, host: devices.Host, files: dict[str, DataFile], catalog: Catalog
) -> Callable[[Job], Fingerprint]:
    """What a job would be made with now."""
    scripts = workloads_sha256(Path(catalog.root))

    def identify(job: Job) -> Fingerprint:
        launch = launcher.describe(job, device, Path("out"))
        return identity.fingerprint(job, device, launch, host=host, files=files, scripts=scripts, commit=None)

    return identify


def changes(kept: dict[str, Result], now: dict[str, Fingerprint]) -> dict[str, list[str]]:
    """What has changed since results were made, in words, and the ids of the jobs concerned."""
    return changes_of(kept, {job_id: msgspec.structs.asdict(current) for job_id, current in now.items()})


def changes_of(kept: dict[str, Result], now: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """The same, by as many fields of the fingerprint as are known now."""
    found: dict[str, list[str]] = {}
    for job_id, result in kept.items():
        then, current = result.fingerprint, now.get(job_id)
        if then is None or current is None:  # never launched, or nothing to compare with
            continue
        for field, words in IDENTITY.items():
            if field in current and getattr(then, field) != current[field]:
                found.setdefault(words.format(job=result.job), []).append(job_id)
    return found


def add_changed(pending: list[Job], plan: Plan, changed: dict[str, list[str]], rerun: bool, say: Say) -> list[Job]:
    """The jobs to run, with those of `changed` if that is wanted. Raises UserError if it is not."""
    told = [f"{what} changed after {len(jobs)} of its results" for what, jobs in changed.items()]
    if told and not rerun:
        raise UserError(
            "not the same run any more: " + "; ".join(told), "restore it, start a new run, or add --rerun-changed"
        )
    for line in told:
        say(f"{line}: these run anew")
    again = {job_id for jobs in changed.values() for job_id in jobs} | {job.id for job in pending}
    return [job for job in plan.planned if job.id in again]
