"""Stacks as virtual environments in the user's cache folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator import extras
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.files import cache_folder, flush_to_disk
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.launchers.process import Interpreter, ProcessLauncher
from orchestrator.launchers.runtimes import Point
from orchestrator.model import Device, DeviceKind, Found, Say, Stack, Unavailable
from orchestrator.plan.catalog import Catalog
from orchestrator.stacks import venvs
from orchestrator.stacks.found.find import again
from orchestrator.stacks.ground import Ground, of_stack
from orchestrator.stacks.provisioner import failed, format_error
from orchestrator.stacks.venvs import EITHER_WAY, Way
from orchestrator.text import public


class ProcessProvisioner:
    """Virtual environments under the caller's cache folder."""

    name = "process"

    def __init__(self, catalog: Catalog, say: Say, keras_spec: str | None = None, way: Way = EITHER_WAY) -> None:
        self._catalog = catalog
        self._say = say
        self._keras_spec = keras_spec
        self._way = way
        self._interpreters: dict[str, Interpreter] = {}

    def prepare(self, stacks: Sequence[Stack], device: DeviceKind) -> list[Unavailable]:
        missing: list[Unavailable] = []
        made = False
        for stack in stacks:
            if stack.found:
                missing += self._look_again(stack, stack.found)
                continue
            spec = self._keras_spec if stack.keras_major >= 3 else None
            try:
                venv = venvs.ensure(stack, device, self._catalog.docker_dir, self._say, spec, self._way)
            except (venvs.NoInterpreter, extras.Lacking) as error:
                self._say(format_error(stack, error))
                missing.append(_unsupported(stack, f"{error.message}; {error.hint}"))
            except UserError:  # a contradiction in what was asked for costs no row, but the run
                raise
            except OrchestrateError as error:
                self._say(format_error(stack, error))
                missing.append(failed(stack, "environment", error))
            else:
                made |= venv.seconds > 0
                shown = public(spec) if spec else None
                self._interpreters[stack.name] = Interpreter(
                    python=venv.python, lock_sha256=venv.lock_sha256, env=venv.env, keras_spec=shown
                )
        if made:
            flush_to_disk()
        return missing

    def _look_again(self, stack: Stack, found: Found) -> list[Unavailable]:
        """Takes an interpreter that was found, as it is now."""
        try:
            self._interpreters[stack.name] = _found(*again(found, stack.name, self._way, self._say))
        except OrchestrateError as error:
            self._say(format_error(stack, error))
            return [failed(stack, "environment", error)]
        return []

    def assume(self, stacks: Sequence[Stack], device: DeviceKind) -> None:
        """Takes the environments for granted, in their places: for plans."""
        for stack in stacks:
            if stack.found:
                self._interpreters[stack.name] = _found(stack.found, stack.found.env)
                continue
            place, digest = venvs.place(stack, device, self._catalog.docker_dir, self._keras_spec)
            self._interpreters[stack.name] = Interpreter(python=str(place / "bin" / "python"), lock_sha256=digest)

    def trial(self, context: RunContext, device: Device, out: Path) -> dict[Point, str] | None:
        """A process is the caller, and sees what he sees."""
        return {}

    def launcher(self, context: RunContext) -> Launcher:
        return ProcessLauncher(context, self._interpreters, cache_folder() / "compiled")

    def ground(self, stack: Stack, device: DeviceKind) -> Ground:
        spec = self._keras_spec if stack.keras_major >= 3 else None
        return of_stack(stack, device, self._catalog.docker_dir, spec, self._python_of(stack))

    def _python_of(self, stack: Stack) -> str:
        """The interpreter of its environment; "" while that is not known."""
        known = self._interpreters.get(stack.name)
        return known.python if known else ""


def _found(found: Found, env: dict[str, str]) -> Interpreter:
    return Interpreter(python=found.place, lock_sha256=found.sha256, by="found", env=env)


def without_python(stacks: Sequence[Stack], device: DeviceKind, docker_dir: Path) -> list[Unavailable]:
    """The stacks that this host has no Python for, as far as that can be told without making anything."""
    reasons = ((stack, venvs.no_interpreter(stack, device, docker_dir)) for stack in stacks if not stack.found)
    return [_unsupported(stack, reason) for stack, reason in reasons if reason]


def _unsupported(stack: Stack, reason: str) -> Unavailable:
    return Unavailable(stack=stack.name, status="unsupported", reason=reason)
