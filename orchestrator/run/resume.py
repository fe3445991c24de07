"""Goes on with a recorded run: exactly the jobs that have no valid result.

Valid: on record, whole by its manifest, of this very job, not cancelled, and made with what there is now. Where the
workloads, an image, the data or the host have changed since, going on would mix two experiments in one table: that is
refused, unless the user asks for those jobs to be run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from orchestrator.errors import UserError
from orchestrator.executors.choose import DETACHABLE, choose_executor
from orchestrator.executors.executor import Detachable, Executor, Listener
from orchestrator.executors.prepared import Ready
from orchestrator.files import check_writable
from orchestrator.model import Noun, Plan
from orchestrator.plan.catalog import Catalog, load_catalog, refuse_unknown
from orchestrator.plan.config import Config, override, recorded_config
from orchestrator.plan.draft import decide
from orchestrator.plan.request import ResumeRequest, RunRequest
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import MANIFEST, read_entry, read_manifest, write_run_manifest
from orchestrator.run import bring, owner, stranger
from orchestrator.run.pending import add_changed, changes, present_data, sort_out
from orchestrator.run.session import Finished, carry_out
from orchestrator.text import one_line


class Reopened(Noun, frozen=True, kw_only=True):
    """A recorded run that is about to go on."""

    folder: RunFolder
    catalog: Catalog
    executor: Executor
    ready: Ready
    #: Files of the run that this session may change.
    renewed: set[str]


def resume(request: ResumeRequest, listener: Listener, away: bool = False) -> Finished:
    """Runs what has no valid result, and reports. `away`: only a run whose jobs go on without the orchestrator."""
    with reopened(request, listener, away) as run:
        ready, planned = run.ready, run.folder.plan()
        if not request.keep_cancelled:
            count = f"{len(ready.pending)} of {len(ready.plan.planned)} jobs"
            listener.say(f"resuming {ready.plan.run_id}: {count} to run")
        renewed = run.renewed
        if ready.plan != planned:
            run.folder.write_plan(owner.sealed(ready.plan, listener.say))
            renewed = renewed | {"plan.json"}
        return carry_out(request, run.catalog, run.executor, ready, run.folder, renewed, listener)


def collect(request: ResumeRequest, submit: bool, listener: Listener) -> tuple[RunFolder, dict[str, int]]:
    """Records what has ended of a run that goes on without us; gives its folder and how many jobs stand where.

    `submit`: hand in what the queue has room for by now. Raises UserError for a run that cannot be left alone.
    """
    with reopened(request, listener, away=True) as run:
        executor = run.executor
        assert isinstance(executor, Detachable)
        standing = (executor.hand_in if submit else executor.collect)(run.ready, run.folder, listener)
        if read_manifest(run.folder.path):  # of an earlier session: it must vouch for what this one collected
            write_run_manifest(run.folder.path, run.renewed)
        return run.folder, standing


@contextmanager
def reopened(request: ResumeRequest, listener: Listener, away: bool) -> Iterator[Reopened]:
    """The run, locked for this process, with its pending jobs made ready where it was begun."""
    folder = RunFolder.locate(request.out, request.run)
    with folder.locked():
        # Before anything is written to a folder that may be a stranger's.
        plan = checked_plan(folder, request)
        again = recorded_request(request, folder, plan)
        ours = load_catalog(again.root)
        plan = bring.reopened(plan, ours)
        check_writable(folder.path)
        if away and again.config.executor not in DETACHABLE:
            raise UserError(f"{folder.path} did not run on a cluster", "`orchestrate run --resume` goes on with it")
        catalog = bring.recorded(ours, [plan])
        refuse_unknown(plan.planned, catalog)
        executor = choose_executor(again, catalog, listener.say)
        ready = make_ready(request, again, folder, plan, executor, listener)
        renewed = {f"jobs/{job.id}/{MANIFEST}" for job in ready.pending}
        yield Reopened(folder=folder, catalog=catalog, executor=executor, ready=ready, renewed=renewed)


def checked_plan(folder: RunFolder, request: ResumeRequest) -> Plan:
    """The run's plan; of somebody else's, with what was typed for it in place of whatever acts.

    Raises UserError where it was altered, where the command line contradicts it, or does not name what it starts.
    """
    manifest = read_manifest(folder.path)
    entry = manifest.files.get("plan.json") if manifest else None
    if entry and entry != read_entry(folder.path / "plan.json"):
        raise UserError(f"{folder.path / 'plan.json'} was altered since it was written", "start a new run")
    plan, why = owner.recorded(folder)
    if why:
        typed = stranger.Typed(
            launcher=stranger.typed_launcher(request.typed),
            root=request.root,
            keras_spec=request.keras_spec,
            config=stranger.typed_config(request.typed),
        )
        stranger.refuse_unnamed(folder, plan, why, "orchestrate run --resume RUN", typed, whole=True)
        plan = stranger.taken_over(plan, typed)
    refuse_contradictions(request.typed, recorded_config(plan))
    return plan


def refuse_contradictions(typed: Mapping[str, object], planned: Config) -> None:
    """What was typed must be what was planned: a run is one experiment."""
    changes = {name: value for name, value in typed.items() if name != "config"}
    planned = override(planned)  # compared as both are settled
    given = typed.get("config", planned)
    assert isinstance(given, Config)
    asked = override(given, **changes)
    for name in Config.__struct_fields__:
        ours, theirs = getattr(asked, name), getattr(planned, name)
        if ours != theirs:
            message = f"{name} is {_said(ours)} on the command line, but {_said(theirs)} in the run to be resumed"
            raise UserError(message, "leave it out, or start a new run")


def _said(value: object) -> str:
    """A field of a configuration as people write it."""
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_said(its)}" for name, its in value.items()) or "nothing"
    if isinstance(value, list):
        return one_line(",".join(map(str, value))) or "nothing"
    return "not set" if value is None else one_line(repr(value))


def recorded_request(request: ResumeRequest, folder: RunFolder, plan: Plan) -> RunRequest:
    """The request that the run was made for, with what was decided then: device, launcher, root, Keras."""
    setup = plan.setup
    root = request.root or (Path(setup["root"]) if setup.get("root") else None)  # type: ignore[arg-type]
    config = override(recorded_config(plan), device=plan.planned[0].device, launcher=setup.get("launcher") or "auto")
    return RunRequest(
        config=config,
        out=folder.path.parent,
        root=root,
        data_dir=request.data_dir,
        build=request.build,
        may_fetch=request.may_fetch,
        may_build=request.may_build,
        keras_spec=(setup.get("keras_spec") if request.keras_spec is None else request.keras_spec) or None,
    )


def make_ready(
    request: ResumeRequest, again: RunRequest, folder: RunFolder, plan: Plan, executor: Executor, listener: Listener
) -> Ready:
    """Everything that the rest of the run needs. Raises UserError where it is not the same run any more."""
    decide(again.config, executor.host())
    pending, kept = sort_out(folder, plan, request, listener.say)
    files = present_data(plan)
    # What will not run again needs no data that could not be had then.
    jobs = [job for job in plan.planned if job in pending or job.dataset in {None, *files} or job.id in kept]
    ready = executor.prepare(msgspec.structs.replace(plan, jobs=jobs, skipped=[], data=files), fresh=False)
    able = ready.plan.jobs
    now = executor.identities(ready, [job for job in able if job.id in kept])
    pending = add_changed(pending, plan, changes(kept, now), request.rerun_changed, listener.say)
    pending = [job for job in pending if job in able]
    return msgspec.structs.replace(
        ready,
        plan=msgspec.structs.replace(plan, data=ready.plan.data, layers=ready.plan.layers),
        pending=pending,
        attempts={job.id: folder.attempts(job) + 1 for job in pending},
    )
