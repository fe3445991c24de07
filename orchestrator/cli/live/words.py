"""Jobs, what they report and how they ended, in words for whoever watches. Escaped for the console's markup."""

from __future__ import annotations

import statistics

from rich.markup import escape

from orchestrator.model import Job, RawEvent, Result
from orchestrator.results.job_events import (
    CallsEvent,
    EpochEvent,
    FitEpochEvent,
    ReadyEvent,
    job_epochs,
    job_events,
    number,
    read_event,
)
from orchestrator.text import duration, plural, printable

MARKS = {"ok": "[green]ok[/]", "cancelled": "[yellow]cancelled[/]"}
#: Letters of what a job or a node says.
MOST_SAID = 200
#: What the figure of a job is, by what it times.
UNITS = {"train": "s/epoch", "predict": "ms/call", "generate": "ms/token"}


def shown(text: str, most: int = MOST_SAID) -> str:
    """Text from outside, without markup of the console."""
    return escape(printable(text, most))


def describe_event(job: Job, event: RawEvent) -> str:
    """The part of an event worth a line, "" for the rest."""
    found = read_event(event)
    if isinstance(found, ReadyEvent):
        keras = f"Keras {found.keras_version}" if found.keras_version else "no Keras"
        return shown(f"model built, {keras}, {found.framework_version}")
    if isinstance(found, FitEpochEvent):
        took = "" if found.train_s is None else f"  {found.train_s:.2f} s"
        return shown(f"training {found.fit}, epoch {found.epoch}{took}")
    if isinstance(found, CallsEvent):
        return shown(f"{found.way}, batch {found.batch}: {milliseconds(found)}")
    if not isinstance(found, EpochEvent):
        return ""
    parts = [f"epoch {found.epoch}/{job.epochs}" if job.epochs else f"epoch {found.epoch}"]
    for value, form in ((found.train_s, "{:.2f} s"), (found.loss, "loss {:.3f}"), (found.val_acc, "val_acc {:.3f}")):
        if value is not None:
            parts.append(form.format(value))
    parts += [f"{name} {value}" for name, value in found.not_finite.items()]
    return shown("  ".join(parts))


def milliseconds(event: CallsEvent) -> str:
    """The median of the calls of one event."""
    times = [time for value in event.seconds if (time := number(value)) is not None]
    return f"{figure(1000 * statistics.median(times))} ms" if times else "no times"


def job_figure(result: Result) -> float | None:
    """The figure of a job that ended well: the median of its training seconds per epoch after the first, or the
    milliseconds of a call at batch 1 by its fastest way.
    """
    if result.status != "ok":
        return None
    if result.job.mode != "train":
        from orchestrator.results.call_figures import job_part  # numpy comes along

        return job_part(result.job.mode, job_events(result))["latency_ms"]  # type: ignore[no-any-return]
    epochs = [float(epoch.train_s) for epoch in job_epochs(result)[1:] if epoch.train_s is not None]
    return statistics.median(epochs) if epochs else None


def figure(value: float) -> str:
    """Three significant digits, as the report has them."""
    from orchestrator.report.words import figure  # numpy comes along

    return figure(value)


def summary(result: Result, name: str) -> str:
    """How a job ended, and its figure. `name`: what people call it."""
    mark = MARKS.get(result.status, f"[red]{result.status}[/]")
    reason = f"  {escape(printable(result.reason))}" if result.reason else ""
    took = ""
    if result.launched_t is not None and result.exited_t is not None:
        took = f" in {duration(result.exited_t - result.launched_t)}"
    known = job_figure(result)
    pace = "" if known is None else f", {figure(known)} {UNITS[result.job.mode]}"
    fits = f", {plural(len(result.fits), 'further training')}" if result.fits else ""
    return f"{name} {mark}{took}{pace}{fits}{reason}"
