"""Several images are built two at a time, and what they share is built once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import HostError
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images import builds
from orchestrator.stacks.images.build import BuiltImage, Due
from orchestrator.stacks.images.recipe import Recipe

CATALOG = load_catalog()
NAMES = ("keras2-theano", "keras1-mxnet", "keras3-jax", "keras3-torch")
STACKS = [stack for stack in CATALOG.stacks if stack.name in NAMES]


def due(name: str, base: str = "bullseye", arguments: dict[str, str] | None = None) -> Due:
    recipe = Recipe(dockerfile="FROM x", sha256="1", files={})
    return Due(
        name=name, base=base, recipe=recipe, files={}, arguments=arguments or {}, log=Path("log"), no_cache=False
    )  # fmt: skip


class Builder:
    """In place of `look` and `make`: each build waits until it is `let`; `open` are those that were begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **arguments: str) -> None:
        self.open: list[str] = []
        self.most = 0
        self._arguments = arguments
        self._changed = threading.Condition()
        self._let: dict[str, Exception | None] = {}
        monkeypatch.setattr(builds, "look", self._look)
        monkeypatch.setattr(builds, "make", self._make)

    def _look(self, client: Any, stack: Any, *_: Any) -> Due:
        return due(stack.name, "bookworm" if stack.keras_major >= 3 else "bullseye", self._arguments)

    def _make(self, client: Any, what: Due, say: Any) -> BuiltImage:
        with self._changed:
            self.open.append(what.name)
            self.most = max(self.most, len(self.open))
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: what.name in self._let, 10)
            self.open.remove(what.name)
            self._changed.notify_all()
        error = self._let[what.name]
        if error:
            raise error
        return BuiltImage(name=what.name, id="1", seconds=1, reused=False)

    def until(self, *names: str) -> None:
        """Waits until exactly these are being built."""
        with self._changed:
            assert self._changed.wait_for(lambda: sorted(self.open) == sorted(names), 10), self.open

    def let(self, name: str, error: Exception | None = None) -> None:
        with self._changed:
            self._let[name] = error
            self._changed.notify_all()


class Call:
    """`build_all` of the four stacks in a thread of its own; `made` or `error` is how it ended."""

    def __init__(self, stacks: list[Any] = STACKS) -> None:
        self.made: dict[str, builds.Made] = {}
        self.error: BaseException | None = None
        self._stacks = stacks
        self._thread = threading.Thread(target=self._call, daemon=True)
        self._thread.start()

    def _call(self) -> None:
        try:
            self.made = builds.build_all(None, self._stacks, "cpu", CATALOG, BuildSettings(), print)
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_two_are_built_at_a_time_and_the_first_on_a_base_is_built_alone(monkeypatch: pytest.MonkeyPatch):
    """As it makes the layers that the others find in the engine's cache."""
    builder, call = Builder(monkeypatch), Call()
    builder.until("keras2-theano", "keras3-jax")
    builder.let("keras3-jax")
    builder.until("keras2-theano", "keras3-torch")
    builder.let("keras3-torch")
    builder.until("keras2-theano")
    builder.let("keras2-theano")
    builder.until("keras1-mxnet")
    builder.let("keras1-mxnet")
    call.end()
    assert builder.most == 2
    assert list(call.made) == [stack.name for stack in STACKS]
    assert all(isinstance(made, BuiltImage) for made in call.made.values())


def test_what_cannot_be_built_is_told_of_its_stack_and_the_others_are_built(monkeypatch: pytest.MonkeyPatch):
    builder, call = Builder(monkeypatch), Call()
    refusal = HostError("no such package")
    builder.let("keras2-theano", refusal)
    for name in ("keras1-mxnet", "keras3-jax", "keras3-torch"):
        builder.let(name)
    call.end()
    assert call.made["keras2-theano"] is refusal
    assert [name for name, made in call.made.items() if isinstance(made, BuiltImage)] == [
        stack.name for stack in STACKS if stack.name != "keras2-theano"
    ]


def test_what_we_did_wrong_is_raised_and_nothing_more_is_begun(monkeypatch: pytest.MonkeyPatch):
    builder, call = Builder(monkeypatch), Call()
    builder.until("keras2-theano", "keras3-jax")
    builder.let("keras2-theano", ZeroDivisionError())
    builder.until("keras3-jax")
    builder.let("keras3-jax")
    call.end()
    assert isinstance(call.error, ZeroDivisionError)
    assert builder.open == []


def test_an_address_with_a_password_is_given_to_one_build_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """The traces that a build leaves of it are removed after it, by what layers there were before."""
    builder = Builder(monkeypatch, PIP_INDEX_URL="https://me:S3CRET@index/simple")
    call = Call()
    for name in ("keras2-theano", "keras1-mxnet", "keras3-jax", "keras3-torch"):
        builder.let(name)
    call.end()
    assert builder.most == 1


def test_an_image_that_is_there_is_not_built(monkeypatch: pytest.MonkeyPatch):
    there = BuiltImage(name="there", id="1", seconds=0, reused=True)
    monkeypatch.setattr(builds, "look", lambda *_: there)
    monkeypatch.setattr(builds, "make", lambda *_: pytest.fail("it was built"))
    made = builds.build_all(None, STACKS, "cpu", CATALOG, BuildSettings(), print)
    assert made == dict.fromkeys([stack.name for stack in STACKS], there)
    assert builds.build_all(None, [], "cpu", CATALOG, BuildSettings(), print) == {}


def test_after_an_interrupt_no_other_build_is_begun(monkeypatch: pytest.MonkeyPatch):
    begun, there = list[int](), set(threading.enumerate())
    both, end = threading.Barrier(3), threading.Event()

    def do(item: int) -> None:
        begun.append(item)
        both.wait(10)
        end.wait(10)

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        both.wait(10)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            builds.side_by_side([0, 1, 2, 3], str, do, at_once=2)
    end.set()
    for thread in set(threading.enumerate()) - there:
        thread.join(10)
    assert sorted(begun) == [0, 1]


def test_what_holds_for_all_images_is_said_once(monkeypatch: pytest.MonkeyPatch):
    def look(client: Any, stack: Any, *rest: Any) -> BuiltImage:
        rest[-1]("CA certificates of the build: ca.pem")
        rest[-1](f"packages of {stack.name}")
        return BuiltImage(name=stack.name, id="1", seconds=0, reused=True)

    said = list[str]()
    monkeypatch.setattr(builds, "look", look)
    builds.build_all(None, STACKS[:2], "cpu", CATALOG, BuildSettings(), said.append)
    assert said == ["CA certificates of the build: ca.pem", *(f"packages of {stack.name}" for stack in STACKS[:2])]
