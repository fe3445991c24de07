"""What a job reports about itself, as typed structs.

A job is a stranger's program. Its result keeps the events as they were written (`RawEvent`); whoever calculates with
them reads them through this module. A field that is absent or of the wrong type is None, unknown fields are ignored,
and nothing that a job may have written raises an error. Nothing is read from or written to the disk here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, TypeVar, get_origin

import msgspec
from msgspec import Meta, Struct

from orchestrator.model import RawEvent, Result

#: A finite number; true and false do not count as numbers.
Number = (
    Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    | Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
)


class Event(Struct, frozen=True, kw_only=True):
    """Base of all events. `t` is CLOCK_MONOTONIC in seconds, the clock of the samples of the same host."""

    t: Number | None = None


class StartEvent(Event, frozen=True, kw_only=True):
    """The job's program runs."""

    python: str | None = None


class DataEvent(Event, frozen=True, kw_only=True):
    """The data set was read. `train` and `validation` are the shape of the input, or of each of several inputs."""

    sha256: str | None = None
    #: As the plan has it; `own` where the job made up its samples, and did not open the data set.
    kind: str | None = None
    train: list[object] = []
    validation: list[object] = []


class ReadyEvent(Event, frozen=True, kw_only=True):
    """The model was built and compiled."""

    framework_version: str | None = None
    keras_version: str | None = None
    image_data_format: str | None = None
    parameters: Number | None = None
    settings: dict[str, object] = {}
    #: How exact products are asked to be, and what else decides how the library computes.
    precision: dict[str, object] = {}
    computing: dict[str, object] = {}
    #: The settings made for the same results each time: None where nobody asked, empty where the library has none.
    deterministic: dict[str, object] | None = None
    #: What a file of one's own gave to fit(), by name, and the packages that were installed.
    arrays: dict[str, object] = {}
    packages: list[object] = []
    #: Mean and standard deviation of what its untrained model makes of the first batch.
    first_output: list[object] = []


class PhaseEvent(Event, frozen=True, kw_only=True):
    """One step before the first epoch has ended: import, data, build, compile, fit_setup, first_batch."""

    name: str | None = None
    seconds: Number | None = None


class EpochBeginEvent(Event, frozen=True, kw_only=True):
    """An epoch has begun. Nothing is made of it; it stays on record as every raw figure does."""

    epoch: Number | None = None


class EpochEvent(Event, frozen=True, kw_only=True):
    """One epoch has ended. Times in seconds; `elapsed_s` counts from the call of fit()."""

    epoch: Number | None = None
    train_s: Number | None = None
    validation_s: Number | None = None
    elapsed_s: Number | None = None
    batches: Number | None = None
    samples: Number | None = None
    loss: Number | None = None
    acc: Number | None = None
    val_loss: Number | None = None
    val_acc: Number | None = None
    #: How long the training waited for its batches; None where nothing saw it.
    input_wait_s: Number | None = None
    #: Figures that JSON has no number for: name -> "nan", "inf" or "-inf". They are null above.
    not_finite: dict[str, object] = {}


class FitEpochEvent(Event, frozen=True, kw_only=True):
    """A further training goes on: the epoch that it has ended last. Said now and then, for whoever watches."""

    fit: Number | None = None
    epoch: Number | None = None
    train_s: Number | None = None


class FitEvent(Event, frozen=True, kw_only=True):
    """A further training has ended, in a file of one's own: of another model, or of one that was compiled again."""

    fit: Number | None = None
    epochs: Number | None = None
    first_epoch_s: Number | None = None
    #: Median of the epochs after the first.
    epoch_s: Number | None = None
    validation_s: Number | None = None
    parameters: Number | None = None
    samples: Number | None = None
    seconds: Number | None = None


class CallsEvent(Event, frozen=True, kw_only=True):
    """A part of the timed calls of one way of calling at one batch: `seconds` of each, without training.

    The first part of them has `first_s`, the time of the very first call, how many `warm_ups` there were with it, and
    `span_s`, from the begin of the first timed call to the end of the last.
    """

    way: str | None = None
    batch: Number | None = None
    seconds: list[object] = []
    first_s: Number | None = None
    warm_ups: Number | None = None
    span_s: Number | None = None


class OutputEvent(Event, frozen=True, kw_only=True):
    """What one way of calling gave of the samples that all backends are given, or the tokens that it made."""

    way: str | None = None
    shape: list[object] = []
    size: Number | None = None
    norm: Number | None = None
    values: list[object] = []
    tokens: list[object] = []


class EndEvent(Event, frozen=True, kw_only=True):
    """The training has ended. `elapsed_s` is the time of fit(), `caches` the files of each compile cache."""

    elapsed_s: Number | None = None
    rss_peak_mb: Number | None = None
    caches: dict[str, object] = {}
    #: Errors of a float32 `product` and `convolution` relative to float64, or `trouble` in words.
    rounding: dict[str, object] = {}
    #: What became of each setting that the run varies, by name.
    axes: dict[str, object] = {}


class CacheFiles(Struct, frozen=True, kw_only=True):
    """How many files a compile cache held before the job and after it."""

    before: Number | None = None
    after: Number | None = None


class ErrorEvent(Event, frozen=True, kw_only=True):
    """The exception that ended the job."""

    type: str = "error"
    message: str = ""


class JobEvents(Struct, frozen=True, kw_only=True):
    """All that one job reported. `phases`: name -> seconds. An event that never came has no field set."""

    start: StartEvent
    data: DataEvent
    ready: ReadyEvent
    phases: dict[str, float]
    epochs: list[EpochEvent]
    calls: list[CallsEvent]
    outputs: list[OutputEvent]
    end: EndEvent
    error: ErrorEvent


#: The field `event` of a line -> what the line is. Lines of other kinds say nothing to this project.
KINDS: dict[str, type[Event]] = {
    "start": StartEvent,
    "data": DataEvent,
    "ready": ReadyEvent,
    "phase": PhaseEvent,
    "epoch_begin": EpochBeginEvent,
    "epoch_end": EpochEvent,
    "fit_epoch": FitEpochEvent,
    "fit": FitEvent,
    "calls": CallsEvent,
    "output": OutputEvent,
    "end": EndEvent,
    "error": ErrorEvent,
}

#: What says how well a model has learned, in words; and the values that say that it did not.
FIGURES = {
    "loss": "the loss",
    "acc": "the accuracy",
    "val_loss": "the validation loss",
    "val_acc": "the validation accuracy",
}
ODD = ("nan", "inf", "-inf")

S = TypeVar("S", bound=Struct)


def job_events(result: Result) -> JobEvents:
    """The typed view of what a recorded job reported."""
    return JobEvents(
        start=read(StartEvent, result.start),
        data=read(DataEvent, result.data),
        ready=read(ReadyEvent, result.ready),
        phases=result.phases,
        epochs=job_epochs(result),
        calls=[read(CallsEvent, event) for event in result.calls],
        outputs=[read(OutputEvent, event) for event in result.outputs],
        end=read(EndEvent, result.end),
        error=read(ErrorEvent, result.error),
    )


def job_epochs(result: Result) -> list[EpochEvent]:
    """The epochs that a recorded job ended, in order."""
    return [read(EpochEvent, event) for event in result.epochs]


def diverged(epochs: Sequence[EpochEvent]) -> str:
    """Which figures were no finite numbers, and from which epoch on; "" where all were finite."""
    found = []
    for name, words in FIGURES.items():
        bad = [n for n, epoch in enumerate(epochs, 1) if epoch.not_finite.get(name) in ODD]
        if bad:
            when = f"from epoch {bad[0]} on" if bad[-1] == len(epochs) else f"in epoch {bad[0]}"
            found.append(f"{words} was not finite {when} ({epochs[bad[0] - 1].not_finite[name]})")
    return "; ".join(found)


def read_event(event: RawEvent) -> Event | None:
    """One event of a running job; None for a kind that this project does not know."""
    kind = event.get("event")
    known = KINDS.get(kind) if isinstance(kind, str) else None
    return None if known is None else read(known, event)


def read(kind: type[S], raw: Mapping[str, object]) -> S:
    """The fields of `raw` that `kind` knows. A field of the wrong type has its default; any value counts as text."""
    try:
        return msgspec.convert(raw, kind)
    except (msgspec.ValidationError, UnicodeError):  # a field of the wrong type, or half a character: each by itself
        known = {name: _field(raw[name], hint) for name, hint in _hints(kind) if name in raw}
        return kind(**{name: value for name, value in known.items() if value is not None})


def number(value: object) -> float | None:
    """A finite number, or None for anything else that a job may have written."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else None
    return value if abs(value) < float("inf") else None


@cache
def _hints(kind: type[Struct]) -> list[tuple[str, object]]:
    return [(field.name, field.type) for field in msgspec.structs.fields(kind)]


def _field(value: object, hint: object) -> object:
    """`value` as the type of its field; None where it cannot be that."""
    if hint == str | None:
        return None if value is None else _text(value)
    if hint is str:
        return _text(value)
    if hint == Number | None:
        return number(value)
    return value if isinstance(value, get_origin(hint) or object) else None


def _text(value: object) -> str:
    """Text that can be written down: half a character becomes a question mark."""
    return str(value).encode("utf-8", "replace").decode()
