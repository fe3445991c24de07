"""Builds the images of several stacks, two at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from orchestrator.errors import OrchestrateError
from orchestrator.model import DeviceKind, Say, Stack
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images import traces
from orchestrator.stacks.images.build import BuiltImage, Due, look, make

#: Builds at a time: a package index, a processor and a disk are each waited for in turn, so two share them well.
AT_ONCE = 2

Item = TypeVar("Item")
Result = TypeVar("Result")
Made = BuiltImage | OrchestrateError


def build_all(
    client: Any,
    stacks: Sequence[Stack],
    device: DeviceKind,
    catalog: Catalog,
    settings: BuildSettings,
    say: Say,
) -> dict[str, Made]:
    """By the name of its stack, each image that is there now, or the error that kept it from being built.

    Base images are made first, here; what an interrupt leaves running in another thread is a request to the engine,
    which the end of this process ends.
    """
    once = _once(say)
    seen = {stack.name: _tried(look, client, stack, device, catalog, settings, once) for stack in stacks}
    due = {name: each for name, each in seen.items() if isinstance(each, Due)}
    # The traces of a secret address are removed after each build: not while another one rests on these layers.
    secret = any(traces.secrets_in(each.arguments) for each in due.values())
    built = side_by_side(
        list(due.values()),
        lambda each: each.base,
        lambda each: _tried(make, client, each, say),
        1 if secret else AT_ONCE,
    )
    made = dict(zip(due, built, strict=True))
    return {name: made[name] if isinstance(each, Due) else each for name, each in seen.items()}


def _once(say: Say) -> Say:
    """Says no line twice: what holds for all images is told of the first."""
    told = set[str]()

    def tell(line: str) -> None:
        if line not in told:
            told.add(line)
            say(line)

    return tell


def _tried(step: Callable[..., Result], *arguments: Any) -> Result | OrchestrateError:
    try:
        return step(*arguments)
    except OrchestrateError as error:
        return error


def side_by_side(
    items: Sequence[Item], shared: Callable[[Item], str], do: Callable[[Item], Result], at_once: int
) -> list[Result]:
    """What `do` gives for each item, in their order; at most `at_once` are being done at a time.

    Of the items with one `shared` the first is done alone: it makes what the others then find ready. Raises the first
    error of `do`; what waits is then left, as it is when this thread is interrupted.
    """
    lanes = _Lanes(items, shared, do)
    threads = [threading.Thread(target=lanes.work, daemon=True) for _ in range(min(at_once, len(items)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException as interrupt:
        lanes.error = interrupt
        raise
    if lanes.error is not None:
        raise lanes.error
    return [lanes.results[place] for place in range(len(items))]


class _Lanes(Generic[Item, Result]):
    """The items that wait, by their places, and the results of those that are done."""

    def __init__(self, items: Sequence[Item], shared: Callable[[Item], str], do: Callable[[Item], Result]) -> None:
        self.results: dict[int, Result] = {}
        #: Why no further item is begun.
        self.error: BaseException | None = None
        self._items, self._do = items, do
        self._shared = [shared(item) for item in items]
        self._waiting = list(range(len(items)))
        self._begun: set[str] = set()
        self._ready: set[str] = set()
        self._changed = threading.Condition()

    def work(self) -> None:
        """Does one item after the other, until none waits."""
        while (place := self._next()) is not None:
            try:
                self.results[place] = self._do(self._items[place])
            except BaseException as error:  # raised where the results are asked for
                self.error = self.error or error
            with self._changed:
                self._ready.add(self._shared[place])
                self._changed.notify_all()

    def _next(self) -> int | None:
        """The place of an item that may be begun, once there is one; None if none waits any more."""
        with self._changed:
            while self._waiting and self.error is None:
                for place in self._waiting:
                    shared = self._shared[place]
                    if shared in self._ready or shared not in self._begun:
                        self._begun.add(shared)
                        self._waiting.remove(place)
                        return place
                self._changed.wait()
        return None
