"""`orchestrator.run`: a run as one call, in whatever thread and program it is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator import ownership
from orchestrator.api.lines import Lines
from orchestrator.api.results import Results, Where, load
from orchestrator.errors import UserError
from orchestrator.executors.choose import choose_executor
from orchestrator.executors.signals import Aside
from orchestrator.model import Say
from orchestrator.plan.config import Config, load_config, on_top, parse_duration
from orchestrator.plan.request import RunRequest
from orchestrator.run import session
from orchestrator.run.bring import brought
from orchestrator.run.session import Finished
from orchestrator.text import silent

Names = Where | Iterable[Where]
Value = bool | int | float | str


def run(
    config: Where | Config = "all",
    *,
    workloads: Names = (),
    stacks: Names = (),
    backends: Names = (),
    scale: str | None = None,
    repeats: int | None = None,
    epochs: int | None = None,
    device: str | None = None,
    launcher: str | None = None,
    mode: str | None = None,
    vary: Mapping[str, Value | Iterable[Value]] | None = None,
    until: float | None = None,
    budget: str = "30m",
    data_dir: Where | None = None,
    out: Where = "results",
    root: Where | None = None,
    keras_spec: str | None = None,
    price: float | None = None,
    fetch: bool = True,
    build: bool = True,
    progress: Say | None = None,
    **settings: Any,
) -> Results:
    """Measure every job of a configuration, write its tables and its report, and give what came of it.

    The same as `orchestrate run` with the options of these names; what is not given is as there. `config`: a preset, a
    YAML file, or a configuration. A name of `workloads` that ends in .py is a script of one's own, one of `stacks` that
    ends in .yaml the file of a stack. `until`: a share, 0.02 for 2 %, for at most `budget`. `price`: what an hour of
    the machine costs. `progress` is told how the run goes on, a line at a time (`progress=print`). `settings`: any
    other field of a configuration (`threads`, `timeout`, `pythons`, `seed` ...; docs/API.md).

    A job that fails is a row, and no error. Raises UserError for a mistake in what was asked, HostError where this host
    cannot do it or its disk is full, and KeyboardInterrupt for Ctrl-C (a notebook's stop button): then running jobs
    have ended, the rest are rows `cancelled`, and all of it is on record. A second one does not wait for that.
    """
    say = Lines(progress).say if progress else silent
    given = {"scale": scale, "repeats": repeats, "epochs": epochs, "device": device, "launcher": launcher, "mode": mode}
    named = {"workloads": _names(workloads), "stacks": _names(stacks), "backends": _names(backends)}
    varied = {name: _values(values) for name, values in (vary or {}).items()}
    base = config if isinstance(config, Config) else load_config(os.fspath(config))
    request = RunRequest(
        config=on_top(base, **{**settings, **given, **named, "vary": varied}),
        out=Path(out),
        root=None if root is None else Path(root),
        data_dir=_folder(data_dir),
        keras_spec=keras_spec,
        until=_share(until),
        budget_s=parse_duration(budget),
        price=_positive("price", price),
        may_fetch=fetch,
        may_build=build,
    )
    with ownership.sparing_others():
        return _measured(request, progress or silent, say)


def _measured(request: RunRequest, tell: Say, say: Say) -> Results:
    request, catalog = brought(request, say, request.may_build)
    executor = choose_executor(request, catalog, say)
    ready = session.prepare(catalog, executor)
    finished, stopped = _aside(lambda: session.start(catalog, executor, ready, Lines(tell)))
    if finished.broken is not None:
        raise finished.broken
    if stopped:
        raise KeyboardInterrupt(f"stopped; orchestrator.load({str(finished.out)!r}) has what was measured")
    return load(finished.out, root=request.root)


def _aside(work: Callable[[], Finished]) -> tuple[Finished, bool]:
    """What `work` gives, done in a thread of its own, and whether Ctrl-C ended it: the first one does so in good order.
    The signals of this process stay its own.
    """
    thread = Aside(work)
    thread.start()
    try:
        thread.ended.wait()
    except KeyboardInterrupt:
        thread.stop()
        thread.ended.wait()
    if thread.error is not None:
        raise thread.error
    return thread.result, thread.stopped.is_set()


def _names(given: Names) -> list[str]:
    each = [given] if isinstance(given, str | os.PathLike) else given
    return [os.fspath(name) for name in each]


def _values(given: Value | Iterable[Value]) -> list[Value]:
    return [given] if isinstance(given, bool | int | float | str) else list(given)


def _folder(given: Where | None) -> Path | None:
    if given is not None and not Path(given).is_dir():
        raise UserError(f"data_dir: {os.fspath(given)} is no folder", "name one that is there")
    return None if given is None else Path(given)


def _share(until: float | None) -> float | None:
    if until is not None and not 0 < until < 1:
        raise UserError(f"until: {until!r} is no share between 0 and 1", "write 0.02 for 2 %")
    return until


def _positive(name: str, number: float | None) -> float | None:
    if number is not None and not 0 < number < 1e9:
        raise UserError(f"{name}: {number!r} is not above 0", "leave it out, or write what an hour costs")
    return number
