"""What the packages of a file of one's own are laid on: what a contender has already, and what contradicts it.

Nothing is asked of a package index here, and nothing is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import HostError
from orchestrator.files import sha256_file
from orchestrator.model import DeviceKind, Found, Noun, OwnFile, Plan, Stack, Unavailable
from orchestrator.plan import needs
from orchestrator.plan.eras import normal, pins
from orchestrator.plan.inline import runs_on
from orchestrator.stacks.locks import lock_file
from orchestrator.text import listed, one_line, public

if TYPE_CHECKING:  # `packaging` is loaded where a file asks for packages: few do, and every run would wait for it
    from packaging.requirements import Requirement


class Unfit(HostError):
    """A contender that can never run the file, as what the two need contradicts itself: unsupported, not broken."""


class Ground(Noun, frozen=True, kw_only=True):
    """The packages that a contender has, and the Python that runs it. Whoever knows these can be laid on."""

    stack: str
    #: "3.11"
    python: str
    #: The version of each package, by its name as the index spells it.
    pins: dict[str, str]
    #: What tells these packages from others.
    sha256: str
    #: Names by which the same package is also asked for: tensorflow, where the stack has tensorflow-cpu.
    other_names: dict[str, str] = {}
    #: What is there in a version that nobody knows: a Keras of one's own.
    replaced: list[str] = []
    #: The lock that the pins are from, which may name a package index of its own.
    lock: Path | None = None
    #: The Python of an environment on this host; None for an image, which is another system.
    interpreter: str | None = None

    @property
    def all_pins(self) -> dict[str, str]:
        """The pins under every name, without those that no installer can compare."""
        others = {other: self.pins[has] for other, has in self.other_names.items()}
        return {name: version for name, version in {**self.pins, **others}.items() if is_version(version)}

    def version(self, name: str) -> str | None:
        """The version that the contender has of a package, None for none."""
        name = normal(name)
        return self.pins.get(self.other_names.get(name, name))


def of_stack(
    stack: Stack, device: DeviceKind, docker_dir: Path, keras_spec: str | None = None, interpreter: str | None = None
) -> Ground:
    """The ground that a stack's lock is, or that an environment is as it was found. Raises HostError without a lock."""
    if stack.found:
        lock, digest, pins = None, _identity(stack.found), _pins(stack.found)
    else:
        lock, digest, pins = _read(lock_file(stack, device, docker_dir))
    names = [{normal(name) for name in backend.package.values()} for backend in stack.backends]
    replaced = ["keras"] if keras_spec else []
    return Ground(
        stack=stack.name,
        python=stack.python,
        pins={name: version for name, version in pins.items() if name not in replaced},
        sha256=digest,
        other_names={other: has for same in names for has in same & pins.keys() for other in same - pins.keys()},
        replaced=replaced,
        lock=lock,
        interpreter=interpreter,
    )


def _read(lock: Path) -> tuple[Path, str, dict[str, str]]:
    """A lock, its hash and what it names."""
    try:
        return lock, sha256_file(lock), pins(lock.read_text(encoding="utf-8"))
    except OSError as error:
        raise HostError(f"{lock} cannot be read: {error.strerror}", "`orchestrate lock` makes it") from error


def _pins(found: Found) -> dict[str, str]:
    """The packages of an environment as it was found, but for Python itself; those put beside it come first."""
    named = (each.partition("==") for each in found.packages)
    return {**{normal(name): version for name, _, version in named if name != "python"}, **pins(found.lock)}


def _identity(found: Found) -> str:
    """What tells an environment as it was found from others, with what was put beside it."""
    return hashlib.sha256(f"{found.sha256}\0{found.lock}".encode()).hexdigest() if found.lock else found.sha256


def lacking(ground: Ground, asked: Iterable[str], who: str) -> list[str]:
    """Those of the requirements that the ground does not meet. Raises Unfit where it contradicts one.

    `who`: the file that asks, for the message.
    """
    from packaging.requirements import Requirement

    return [text for text in asked if not _met(ground, Requirement(text), who)]


def _met(ground: Ground, wanted: Requirement, who: str) -> bool:
    if wanted.marker and not wanted.marker.evaluate(_marker_environment(ground.python)):
        return True
    if normal(wanted.name) in ground.replaced:
        return True
    has = ground.version(wanted.name)
    if has is None:
        return False
    name = ground.other_names.get(normal(wanted.name), normal(wanted.name))
    if wanted.url or not _fits(wanted, has):
        needs = one_line(public(str(wanted)), 100)
        raise Unfit(f"{who} needs {needs}, and {ground.stack} has {name}=={has}, which never changes")
    return not wanted.extras


def _fits(wanted: Requirement, version: str) -> bool:
    """Whether a version will do; one that has another form than versions have does where any will."""
    return wanted.specifier.contains(version, prereleases=True) if is_version(version) else not wanted.specifier


def is_version(text: str) -> bool:
    """Whether an installer can compare it with others; somebody's own build may be called anything."""
    from packaging.version import InvalidVersion, Version

    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _marker_environment(python: str) -> dict[str, str]:
    """What markers are judged by: Linux on this processor, and the contender's Python."""
    from packaging.markers import default_environment

    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    return {name: str(value) for name, value in environment.items()}


def cannot_run(plan: Plan, stacks: Iterable[Stack], ground: Callable[[Stack], Ground]) -> list[Unavailable]:
    """The (stack, file of one's own) pairs of a plan that contradict each other, as far as is known of both."""
    pairs = {(job.stack, job.workload) for job in plan.jobs}
    return [
        Unavailable(status="unsupported", reason=reason, stack=stack.name, workload=name)
        for stack in stacks
        for name, own in plan.own.items()
        if (stack.name, name) in pairs
        if (reason := _contradiction(stack, own, ground))
    ]


def _contradiction(stack: Stack, own: OwnFile, ground: Callable[[Stack], Ground]) -> str:
    who = Path(own.path).name
    if not runs_on(own.python, stack.python):
        return f"{who} needs Python {own.python}, and {stack.name} has {stack.python}"
    if lack := needs.lacking(own.needs, stack):
        return f"{who} {lack}"
    if not own.packages:
        return ""
    try:
        known = ground(stack)
        refuse_old(known, lacking(known, own.packages, who), who)
    except Unfit as unfit:
        return unfit.message
    except HostError:  # what the stack has is not known: whoever makes it ready says so
        return ""
    return ""


def refuse_old(ground: Ground, wanted: list[str], who: str) -> None:
    """Raises Unfit for packages on a Python that no installer of today serves."""
    if wanted and ground.python.startswith("2."):
        from packaging.requirements import Requirement

        names = listed([Requirement(text).name for text in wanted])
        raise Unfit(f"{who} needs {names}; packages can be added to Python 3 only, and {ground.stack} has Python 2")
