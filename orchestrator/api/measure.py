"""`orchestrator.run`: a run as one call, in whatever thread and program it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator import ownership
from orchestrator.api import given
from orchestrator.api.given import Names, Value, Where
from orchestrator.api.lines import Lines
from orchestrator.api.results import Results, load
from orchestrator.executors.choose import choose_executor
from orchestrator.executors.signals import Aside
from orchestrator.model import Say
from orchestrator.plan.config import Config, load_config, on_top
from orchestrator.plan.request import RunRequest, budget_of, refuse_price
from orchestrator.run import session
from orchestrator.run.bring import brought
from orchestrator.run.session import Finished
from orchestrator.text import silent


def run(
    config: Where | Config = "all",
    *,
    workloads: Names | None = None,
    stacks: Names | None = None,
    backends: Names | None = None,
    scale: str | None = None,
    repeats: int | None = None,
    epochs: int | None = None,
    device: str | None = None,
    launcher: str | None = None,
    mode: str | None = None,
    vary: Mapping[str, Value | Iterable[Value]] | None = None,
    until: float | None = None,
    budget: str | None = None,
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
    ends in .yaml the file of a stack. `until`: a share, 0.02 for 2 %, for at most `budget` (30m). `price`: what an
    hour of the machine costs. `progress` is told how the run goes on, a line at a time (`progress=print`). `settings`:
    any other field of a configuration (`threads`, `timeout`, `pythons`, `seed` ...; docs/API.md).

    A job that fails is a row, and no error. Raises UserError for a mistake in what was asked, HostError where this host
    cannot do it or its disk is full, and KeyboardInterrupt for Ctrl-C (a notebook's stop button): then running jobs
    have ended, the rest are rows `cancelled`, and all of it is on record. A second one does not wait for that.
    """
    tell = silent if progress is None else given.function("progress", progress)
    say = silent if progress is None else Lines(tell).say
    changes = {"scale": scale, "repeats": repeats, "epochs": epochs, "device": device, "launcher": launcher}
    changes |= {**settings, "mode": mode}
    named = {"workloads": workloads, "stacks": stacks, "backends": backends}
    bound = None if until is None else given.share("until", until)
    request = RunRequest(
        config=_configured(config, changes, named, vary),
        out=given.path("out", out),
        root=None if root is None else given.path("root", root),
        data_dir=None if data_dir is None else given.folder("data_dir", data_dir),
        keras_spec=None if keras_spec is None else given.text("keras_spec", keras_spec, "keras==3.15.1"),
        until=bound,
        budget_s=budget_of(bound, None if budget is None else given.text("budget", budget, "30m")),
        price=None if price is None else given.price(price),
        may_fetch=given.flag("fetch", fetch),
        may_build=given.flag("build", build),
    )
    refuse_price(request.price, request.config.mode)
    with ownership.sparing_others():
        return _measured(request, tell, say)


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


def _configured(
    config: Where | Config, changes: Mapping[str, Any], named: Mapping[str, Names | None], vary: object
) -> Config:
    """The configuration with what was given on top. Raises UserError for what it cannot be."""
    base = config if isinstance(config, Config) else load_config(str(given.path("config", config)))
    asked = {name: given.plain(value) for name, value in changes.items()}
    asked |= {name: given.names(name, its) for name, its in named.items() if its is not None}
    asked |= {} if vary is None else {"vary": given.varied(vary)}
    given.refuse_empty(base, asked)
    return on_top(base, **asked)
