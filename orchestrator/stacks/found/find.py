"""The environments that a configuration names (`pythons`, `images`), looked into and made stacks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrator import ownership
from orchestrator.environment import FOUND
from orchestrator.errors import HostError, UserError
from orchestrator.files import home_folder
from orchestrator.model import Found, Say, Stack
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.config import Config
from orchestrator.stacks.found import addition, images, probe
from orchestrator.stacks.found.probe import Seen
from orchestrator.stacks.found.stack import differences, stack_of
from orchestrator.stacks.venvs import Way
from orchestrator.text import listed, one_line


def found_stacks(config: Config, catalog: Catalog, way: Way, say: Say) -> list[Stack]:
    """A stack for each environment that the configuration names; each is started once, to look into it.

    Raises UserError or HostError, in one line, for one that no job could run in.
    """
    stacks: list[Stack] = []
    for place in (*config.pythons, *config.images):
        say(f"looking into {place}")
        found, seen = images.look(place, config.launcher) if place in config.images else _python(place)
        if config.additions:
            found, seen = _with(config, found, seen, way, say)
        refused = probe.unfit(seen, place)
        if refused:
            raise refused
        taken = [stack.name for stack in (*catalog.stacks, *stacks)]
        stacks.append(stack_of(found, seen, catalog, taken))
        for line in told(stacks[-1], seen):
            say(line)
    return stacks


def _with(config: Config, found: Found, seen: Seen, way: Way, say: Say) -> tuple[Found, Seen]:
    """The environment with packages beside it, and what it tells with them. Raises HostError."""
    found = msgspec.structs.replace(found, lock=addition.lock(config.additions, found, seen, way, say))
    folder = addition.ready(found, way, say)
    if found.kind == "image":
        env = {"PYTHONPATH": seen.path} if seen.path else {}
        _, seen = images.look(found.place, config.launcher, folder, env)
        return msgspec.structs.replace(found, packages=sorted(seen.packages), env=env), seen
    seen = probe.look(found.place, addition.first(folder, found.env))
    return msgspec.structs.replace(found, packages=sorted(seen.packages), sha256=seen.sha256), seen


def told(stack: Stack, seen: Seen) -> list[str]:
    """What there is in an environment, and what is there and does not work, for people."""
    backends = listed(backend.title for backend in stack.backends)
    lines = [f"{stack.name}: {stack.title}; Keras {stack.keras} with {backends}"]
    broken = {name: one_line(met.error, 200) for name, met in sorted(seen.met.items()) if met.error}
    return lines + [f"{stack.name}: {name} is there and cannot be used: {why}" for name, why in broken.items()]


def _python(place: str) -> tuple[Found, Seen]:
    """An interpreter and what it tells. Raises UserError, HostError."""
    python = checked(place)
    env = handed_on(os.environ)
    seen = probe.look(python, env)
    if Path(python).parent.name == "shims" and seen.executable.startswith("/"):
        python = seen.executable  # pyenv's take another Python in another folder
    found = Found(kind="python", place=python, sha256=seen.sha256, packages=sorted(seen.packages), env=env)
    return found, seen


def checked(place: str) -> str:
    """The path of an interpreter that may be started. A virtual environment's own is a link, and stays one.

    Raises UserError for none, HostError for one that any user of this host could have put there.
    """
    path = Path(place)
    if path.is_dir():
        inside = path / "bin" / "python"
        hint = f"name its interpreter: {inside}" if inside.exists() else "name an interpreter"
        raise UserError(f"{place} is a folder", hint)
    if not path.exists():
        raise UserError(f"there is no interpreter {place}", "name a Python by its path, or `same` for this one")
    if not os.access(path, os.X_OK):
        raise UserError(f"{place} cannot be executed", "name an interpreter")
    planted = ownership.planted(path)
    if planted:
        raise HostError(f"the interpreter is not believed: {planted}", "use one where only you or root can write")
    return str(path)


def handed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter that was found needs of the caller's environment to find its packages (`module load`)."""
    kept = {name: environ[name] for name in FOUND if environ.get(name)}
    return {"PYTHONUSERBASE": str(home_folder() / ".local"), **kept}


def again(found: Found, name: str, way: Way, say: Say) -> tuple[Found, dict[str, str]]:
    """The interpreter as it is now, and the variables of its jobs: its packages are read anew.

    Raises UserError, HostError.
    """
    env = addition.first(addition.ready(found, way, say), found.env)
    now = sorted(probe.look(checked(found.place), env, "packages").packages)
    changes = differences(found.packages, now)
    if changes:
        more = f" and {len(changes) - 5} more" if len(changes) > 5 else ""
        say(f"{name} is not as it was found: {'; '.join(changes[:5])}{more}")
    return msgspec.structs.replace(found, sha256=probe.packages_sha256(now), packages=now), env
