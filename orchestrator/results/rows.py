"""Makes rows of raw records: one per planned job, one per epoch, one per sample. Nothing is read or written here.

Every derived figure is made here, in `gpu_figures` and in `host_figures`, and nowhere else, so that a better definition
can be applied to old runs.
"""

from __future__ import annotations

import itertools
import shlex
import statistics
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator.model import NO_RECORD, PENDING, RUNNING, GpuSample, Job, Plan, Result, Sample
from orchestrator.results import call_figures, gpu_figures, host_figures, own_figures
from orchestrator.results.columns import (
    COLUMNS,
    EPOCH_COLUMNS,
    EPOCH_FIELDS,
    FINGERPRINT_FIELDS,
    JOB_FIELDS,
    WHOLE,
)
from orchestrator.results.job_events import (
    CacheFiles,
    DataEvent,
    EpochEvent,
    JobEvents,
    job_epochs,
    job_events,
    number,
    read,
)
from orchestrator.results.samples import Readings
from orchestrator.text import one_line, public

#: Memory is read off a running machine, whose kernel takes a little more or less of it each time.
MEMORY_STEP_MB = 128


def merge_run(
    plan: Plan,
    results: Mapping[str, Result],
    samples: Mapping[str, Sequence[Sample] | Readings],
    gpu: Mapping[str, Sequence[GpuSample]] | None = None,
    running: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """One row per planned job, in plan order, with exactly the keys of COLUMNS; what is unknown is None.

    `running`: ids of the jobs that run now, where the run is not over: of what has no result yet the others wait.
    """
    skipped = {skip.job.id: skip for skip in plan.skipped}
    rows = []
    for job in plan.planned:
        result = results.get(job.id)
        if result is None and job.id in skipped:
            skip = skipped[job.id]
            result = Result(run_id=plan.run_id, job=job, status=skip.status, reason=skip.reason)
        if result is None:
            row = _row_without_result(plan, job, running)
        else:
            row = result_row(result, samples.get(job.id, ()), (gpu or {}).get(job.id, ()))
        found = result or Result(run_id=plan.run_id, job=job, status="cancelled")
        rows.append({**row, **own_figures.brought_part(plan, found)})
    assert len(rows) == len(plan.planned), "every planned job gives exactly one row"
    return list(map(public_row, rows))


def public_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row as anybody may see it: a job, an index or an older version may have left an account in any text."""
    return {name: public(value) if isinstance(value, str) else value for name, value in row.items()}


def single_jobs(plan: Plan) -> Iterator[Plan]:
    """One plan per job, so that the readings of no more than one job are in memory."""
    skipped = {skip.job.id: skip for skip in plan.skipped}
    for job in plan.planned:
        skip = skipped.get(job.id)
        jobs, skips = ([], [skip]) if skip else ([job], [])
        yield msgspec.structs.replace(plan, jobs=jobs, skipped=skips)


def _row_without_result(plan: Plan, job: Job, running: Collection[str] | None) -> dict[str, Any]:
    reason = f"{NO_RECORD}: the run ended before this job did"
    row = result_row(Result(run_id=plan.run_id, job=job, status="cancelled", reason=reason), ())
    if running is None:
        return row
    status = RUNNING if job.id in running else PENDING
    return {**row, "status": status, "reason": f"{NO_RECORD} yet: the run still goes on"}


def result_row(result: Result, samples: Sequence[Sample] | Readings, gpu: Sequence[GpuSample] = ()) -> dict[str, Any]:
    """The row of one job. `samples` are of its processes, `gpu` of its GPU from just before it to just after it."""
    row, events = dict.fromkeys(COLUMNS), job_events(result)
    row.update(_job_part(result.job))
    row.update(_outcome_part(result, events))
    row.update(_fingerprint_part(result, events))
    if result.job.variant == "own":
        row.update(own_figures.job_part(result, events))
    if events.epochs:
        row.update(time_part(result.launched_t, events))
        row.update(phases_part(result, events))
        row.update(quality_part(events.epochs[-1]))
    if events.calls:
        row.update(call_figures.job_part(result.job.mode, events))
        row.update(phases_part(result, events), setup_s=_setup_s(result.launched_t, events))
    timed = events.epochs or call_figures.spans(events.calls)
    row.update(host_figures.job_part(result, timed, Readings.of(samples)))
    row.update(host_figures.energy_part(result, events.epochs))
    row.update(gpu_figures.job_part(result, timed, gpu))
    return {name: _whole(value) if name in WHOLE else value for name, value in row.items()}


def _whole(value: Any) -> int | None:
    """A count that a table can hold: one value that is none, of one job, would cost the tables of the whole run."""
    found = number(value)
    return int(found) if found is not None and abs(found) < 2**63 and found == int(found) else None


def epoch_rows(
    results: Iterable[Result],
    gpu: Mapping[str, Sequence[GpuSample]] | None = None,
    samples: Mapping[str, Sequence[Sample] | Readings] | None = None,
) -> list[dict[str, Any]]:
    """One row per finished epoch. `elapsed` counts seconds from the call of fit(), as Keras loggers do."""
    rows, unknown = [], dict.fromkeys(EPOCH_COLUMNS)
    for result in results:
        shared = {k: v for k, v in _job_part(result.job).items() if k in EPOCH_COLUMNS}
        epochs = job_epochs(result)
        hosts = host_figures.epoch_parts(result, epochs, Readings.of((samples or {}).get(result.job.id, ())))
        readings = gpu_figures.believed((gpu or {}).get(result.job.id, ()))
        for place, (epoch, host) in enumerate(zip(epochs, hosts, strict=True), 1):
            figures = {name: getattr(epoch, name) for name in EPOCH_FIELDS} | host
            if not isinstance(epoch.epoch, int) or epoch.epoch < 1:  # a job may write anything
                figures["epoch"] = place
            figures["elapsed"] = epoch.elapsed_s
            figures.update(gpu_figures.epoch_part(epoch, readings, result))
            rows.append({**unknown, **shared, **figures, "run_id": public(result.run_id)})
    return rows


def sample_rows(job_id: str, samples: Sequence[Sample], launched_t: float | None = None) -> list[dict[str, Any]]:
    """Processor use between neighbouring samples (percent of one core) and resident memory (MiB).

    `t_s` counts from the launch, or from the first sample where the launch is not known.
    """
    rows = []
    for before, after in itertools.pairwise(samples):
        if None in (before.cpu_s, after.cpu_s) or after.t <= before.t:
            continue
        percent = 100 * (after.cpu_s - before.cpu_s) / (after.t - before.t)  # type: ignore[operator]
        t_s = after.t - (launched_t or samples[0].t)
        rows.append({"job_id": job_id, "t_s": t_s, "cpu_percent": percent, "rss_mb": after.rss_mb})
    return rows


def time_part(launched_t: float | None, events: JobEvents) -> dict[str, Any]:
    """Times of one job, seconds. The first epoch holds compilation and is never part of the steady figures.

    `setup_s`: launch to the first batch (start of the container, imports, data, building, compiling).
    `epoch_s`: median training time of the epochs after the first, validation apart.
    `epoch_s_article`: the whole of fit() over its epochs, as the 2017 article counted.
    """
    epochs = events.epochs
    steady = [e.train_s for e in epochs[1:] if e.train_s is not None]
    validation = [e.validation_s for e in epochs[1:] if e.validation_s is not None]
    samples, elapsed = epochs[-1].samples, events.end.elapsed_s
    epoch_s = statistics.median(steady) if steady else None
    return {
        "setup_s": _setup_s(launched_t, events),
        "first_epoch_s": epochs[0].train_s,
        "epoch_s": epoch_s,
        "epoch_s_n": len(steady),
        "epoch_s_min": min(steady, default=None),
        "epoch_s_max": max(steady, default=None),
        "validation_s": statistics.median(validation) if validation else None,
        "epoch_s_article": elapsed / len(epochs) if elapsed else None,
        "samples_per_s": samples / epoch_s if samples and epoch_s else None,
        "input_wait_share": _wait_share(epochs[1:]),
    }


def _wait_share(steady: Sequence[EpochEvent]) -> float | None:
    """What part of the training of these epochs was waiting for batches, 0 to 1; None where one is not known."""
    waited, trained = [epoch.input_wait_s for epoch in steady], [epoch.train_s for epoch in steady]
    known = [value for value in (*waited, *trained) if value is not None]
    total = sum(known[len(steady) :]) if len(known) == 2 * len(steady) else 0
    return min(1.0, max(0.0, sum(known[: len(steady)]) / total)) if total > 0 else None


def phases_part(result: Result, events: JobEvents) -> dict[str, Any]:
    """Where the time of one job went, seconds; with `first_epoch_s` these are most of `wall_s`.

    `start_s`: launch to the job's program (a container starts); `build_s`: building, compile() and what fit() does
    before its first batch; `steady_s` and `validated_s`: training after the first epoch, and validation, of all epochs
    together; `exit_s`: from the end of the training to the end of the process.
    """
    launched, begun, ended, gone = result.launched_t, events.start.t, events.end.t, result.exited_t
    later = [epoch.train_s for epoch in events.epochs[1:] if epoch.train_s is not None]
    validated = [epoch.validation_s for epoch in events.epochs if epoch.validation_s is not None]
    built = [events.phases[name] for name in ("build", "compile", "fit_setup") if name in events.phases]
    return {
        "start_s": begun - launched if begun is not None and launched is not None else None,
        "import_s": events.phases.get("import"),
        "data_s": events.phases.get("data"),
        "build_s": sum(built) if built else None,
        "steady_s": sum(later) if later else None,
        "validated_s": sum(validated) if validated else None,
        "exit_s": gone - ended if gone is not None and ended is not None else None,
    }


def quality_part(last: EpochEvent) -> dict[str, Any]:
    """How well the model had learned after its last epoch."""
    return {"accuracy": last.acc, "val_accuracy": last.val_acc, "loss": last.loss, "val_loss": last.val_loss}


def _setup_s(launched_t: float | None, events: JobEvents) -> float | None:
    if events.start.t is None or launched_t is None:
        return None
    phases = ("import", "data", "build", "compile", "fit_setup")
    return events.start.t - launched_t + sum(events.phases.get(name, 0.0) for name in phases)


def _job_part(job: Job) -> dict[str, Any]:
    asked = {"deterministic": job.deterministic or None}  # as in records that know nothing of it
    return {"job_id": job.id, **{name: getattr(job, name) for name in JOB_FIELDS}, "axes": job.axes_text, **asked}


def _fingerprint_part(result: Result, events: JobEvents) -> dict[str, Any]:
    fingerprint = result.fingerprint
    if fingerprint is None:
        return {}
    part = {name: getattr(fingerprint, name) for name in FINGERPRINT_FIELDS}
    if fingerprint.keras_spec:  # two builds of one version must never share a column
        part["keras_version"] = f"{events.ready.keras_version} from {public(fingerprint.keras_spec)}"
    part["memory_gib"] = round(fingerprint.memory_mb / MEMORY_STEP_MB) * MEMORY_STEP_MB / 1024
    part["os"], _, kernel = fingerprint.os.partition(", kernel ")
    return {**part, "kernel": kernel or None, "command": shlex.join(fingerprint.command)}


def _outcome_part(result: Result, events: JobEvents) -> dict[str, Any]:
    ready, started, ended = events.ready, result.launched_t, result.exited_t
    return {
        "run_id": result.run_id,
        "framework_version": ready.framework_version,
        "keras_version": ready.keras_version,
        "python": events.start.python,
        **_sizes(events.data),
        "parameters": ready.parameters,
        "image_data_format": ready.image_data_format,
        "status": result.status,
        "reason": result.reason,
        "exit_code": result.exit_code,
        "started": result.started,
        "ended": result.ended,
        "wall_s": ended - started if started is not None and ended is not None else None,
        "cache": cache_state(events.end.caches),
        "product_error": number(events.end.rounding.get("product")),
        "convolution_error": number(events.end.rounding.get("convolution")),
        "computing": own_figures.packed(computing(events, result.fingerprint.gpu_state if result.fingerprint else {})),
        "process_rss_peak_mb": events.end.rss_peak_mb,
        "axes_got": axes_got(result.job, events),
    }


def axes_got(job: Job, events: JobEvents) -> str | None:
    """What the job read back of each axis, in their order: `jit=off`; None where it told nothing."""
    said = {name: one_line(str(events.end.axes[name]), 60) for name in job.axes if name in events.end.axes}
    return " ".join(f"{name}={value.replace(' ', '_')}" for name, value in said.items()) or None


def computing(events: JobEvents, gpu_state: Mapping[str, str]) -> dict[str, Any]:
    """What decided how a job computed, by name: settings of its library, variables, and what was asked of both."""
    ready, lstm = events.ready, events.ready.settings.get("lstm")
    found = {**ready.precision, **ready.computing, **(ready.deterministic or {})}
    if isinstance(lstm, dict) and lstm.get("cudnn") is not None:
        found["cuDNN LSTM"] = lstm["cudnn"]
    if gpu_state.get("code"):
        found["GPU code"] = gpu_state["code"]
    if ready.deterministic == {}:
        found["deterministic"] = "asked for, but this library has no such setting"
    if events.end.rounding.get("trouble"):
        found["products not measured"] = events.end.rounding["trouble"]
    return found


def _sizes(data: DataEvent) -> dict[str, Any]:
    """The samples that there were: fewer than planned where the data set holds no more."""
    sizes = {"train": _length(data.train), "validation": _length(data.validation)}
    return {name: size for name, size in sizes.items() if size is not None}


def _length(shape: object) -> float | None:
    """The first axis of a shape; of several shapes any will do, as all inputs have the same samples."""
    while isinstance(shape, list) and shape:
        shape = shape[0]
    return number(shape)


def cache_state(caches: Mapping[str, object]) -> str | None:
    """State of the compile caches. cold: empty before the job; partly: it added files; warm: it added none."""
    if not caches:
        return None
    files = [read(CacheFiles, cache) for cache in caches.values() if isinstance(cache, dict)]
    before, after = (sum(int(getattr(f, name) or 0) for f in files) for name in ("before", "after"))
    if before == 0:
        return "cold"
    return "warm" if after <= before else "partly"
