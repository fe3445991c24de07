"""What `docker/` and `workloads/` declare: stacks, bases and workloads, checked against each other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec

from orchestrator.errors import UserError
from orchestrator.files import PACKAGE, read_text, read_yaml, refuse_faults
from orchestrator.model import MODELS, NATIVES, Base, Job, Noun, Stack, Workload
from orchestrator.plan.eras import era_stacks
from orchestrator.plan.models import shipped_models
from orchestrator.plan.own_stack import MONTH

T = TypeVar("T")


class StacksFile(Noun, frozen=True, kw_only=True):
    """docker/stacks.yaml."""

    bases: dict[str, Base]
    stacks: list[Stack]


class WorkloadsFile(Noun, frozen=True, kw_only=True):
    """workloads/workloads.yaml."""

    workloads: list[Workload]


class Catalog(Noun, frozen=True, kw_only=True):
    """Everything a plan can name, and the texts that images are rendered and built from."""

    #: The folder that holds docker/ and workloads/.
    root: str
    bases: dict[str, Base]
    stacks: list[Stack]
    #: The article's five; and the models of today, which run where they are named.
    workloads: list[Workload]
    models: list[Workload] = []
    dockerfile_template: str
    compose_template: str

    @property
    def docker_dir(self) -> Path:
        return Path(self.root) / "docker"

    @property
    def eras_dir(self) -> Path:
        """The stacks of other years: a file and its lock for each, as anybody may have them."""
        return self.docker_dir / "eras"

    @property
    def workloads_dir(self) -> Path:
        return Path(self.root) / "workloads"

    def extended(self, workloads: Iterable[Workload], stacks: Iterable[Stack]) -> Catalog:
        """The catalog with what a run has beside it. Of one name ours counts: a plan may be anybody's."""
        return msgspec.structs.replace(
            self, workloads=_joined(self.workloads, workloads), stacks=_joined(self.stacks, stacks)
        )

    def stack(self, name: str) -> Stack:
        """The stack of this name. Raises UserError, with the names there are, for any other."""
        return named(self.stacks, name, "stack")

    def workload(self, name: str) -> Workload:
        """The workload of this name. Raises UserError, with the names there are, for any other."""
        return named(self.workloads, name, "workload")


def _joined(ours: Iterable[T], more: Iterable[T]) -> list[T]:
    found = list(ours)
    names = {item.name for item in found}  # type: ignore[attr-defined]
    return [*found, *(item for item in more if item.name not in names)]  # type: ignore[attr-defined]


def load_catalog(root: Path | None = None) -> Catalog:
    """Read and check the catalog under `root` (default: the checkout's, else the installed copy).

    Raises UserError with the file and the path of the bad value.
    """
    root = root or find_root()
    docker_dir = root / "docker"
    stacks_file = docker_dir / "stacks.yaml"
    workloads_file = root / "workloads" / "workloads.yaml"
    declared = read_yaml(stacks_file, StacksFile, month_hint)
    workloads = read_yaml(workloads_file, WorkloadsFile).workloads
    refuse_faults(stacks_file, stack_faults(declared, docker_dir))
    refuse_faults(workloads_file, workload_faults(workloads))
    models = shipped_models(root / "workloads" / MODELS)
    refuse_faults(workloads_file.parent, duplicates("models", [each.name for each in (*workloads, *models)]))
    catalog = Catalog(
        root=str(root.absolute()),
        bases=declared.bases,
        stacks=declared.stacks,
        workloads=workloads,
        models=models,
        dockerfile_template=read_text(docker_dir / "Dockerfile.j2"),
        compose_template=read_text(docker_dir / "compose.yaml.j2"),
    )
    return _with_eras(catalog)


def _with_eras(catalog: Catalog) -> Catalog:
    """The catalog with the stacks of other years. Raises UserError for a file that names what is not there."""
    found = list(era_stacks(catalog))
    for stack in found:
        names = [each.name for each in (*catalog.workloads, *catalog.models)]
        unknown = (
            f"$.declared: there is no workload {e.workload!r}" for e in stack.declared if e.workload not in names
        )
        refuse_faults(catalog.eras_dir / f"{stack.name}.yaml", chain(reference_faults(stack, "$"), unknown))
    return catalog.extended([], found)


def find_root() -> Path:
    """The folder that holds docker/ and workloads/: beside the package in a checkout, else inside it."""
    for root in (PACKAGE.parent, PACKAGE / "assets"):
        if (root / "docker" / "stacks.yaml").is_file():
            return root
    raise UserError(
        "the stack and workload definitions are not there",
        f"Reinstall keras-orchestrate: {PACKAGE / 'assets'} should hold docker/ and workloads/.",
    )


def workloads_sha256(root: Path) -> str:
    """Hash over name and content of every workloads/*.py and workloads/native/*.py: which code a job ran."""
    digest = hashlib.sha256()
    for path in sorted(chain((root / "workloads").glob("*.py"), (root / "workloads" / NATIVES).glob("*.py"))):
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def refuse_unknown(jobs: Iterable[Job], catalog: Catalog) -> None:
    """Raises UserError for a recorded job that the catalog does not have (any more): its names are only text."""
    for job in jobs:
        catalog.workload(job.workload)
        stack = catalog.stack(job.stack)
        named((*stack.backends, *stack.plain), job.backend, f"backend of {stack.name}")


def named(items: Iterable[T], name: str, noun: str) -> T:
    """The item called `name`; UserError lists the names there are."""
    by_name = {item.name: item for item in items}  # type: ignore[attr-defined]
    if name not in by_name:
        raise UserError(f"there is no {noun} {name!r}", f"There are: {', '.join(by_name)}.")
    return by_name[name]


def month_hint(message: str) -> str:
    """What a month must look like, for a message about one that does not."""
    return MONTH if ".released`" in message else ""


def workload_faults(workloads: Sequence[Workload]) -> Iterator[str]:
    """Names that are there twice; what a workload of the catalog must say, and a file of one's own need not."""
    yield from duplicates("workloads", [workload.name for workload in workloads])
    for index, workload in enumerate(workloads):
        for name in ("dataset", "batch_size", "parameters", "scales"):
            if not getattr(workload, name):
                yield f"$.workloads[{index}] ({workload.name}): `{name}` is missing"


def stack_faults(declared: StacksFile, docker_dir: Path) -> Iterator[str]:
    """What the types cannot say: names that point nowhere, or twice."""
    yield from duplicates("stacks", [stack.name for stack in declared.stacks])
    for index, stack in enumerate(declared.stacks):
        where = f"$.stacks[{index}] ({stack.name})"
        if stack.base not in declared.bases:
            yield f"{where}.base: there is no base {stack.base!r}; there are: {', '.join(declared.bases)}"
        if stack.era is not None or not stack.released:
            why = "it stands for `era` now" if stack.era else "it is missing"
            yield f"{where}.released: {why}; {MONTH}"
        if not stack.images:
            yield f"{where}.images: a stack needs a cpu or a gpu image"
        yield from duplicates(f"{where}.backends", [backend.name for backend in stack.backends])
        yield from duplicates(f"{where}.caches", [cache.name for cache in stack.caches])
        yield from reference_faults(stack, where)
        for device in stack.images:
            lock = docker_dir / "requirements" / f"{stack.name}-{device}.txt"
            if not lock.is_file():
                yield f"{where}.images.{device}: {lock} is missing (`orchestrate lock {stack.name}` makes it)"


def reference_faults(stack: Stack, where: str) -> Iterator[str]:
    """Backends without a package for a device; deviations of what the stack does not have."""
    backends = {backend.name for backend in stack.backends}
    if not backends:
        yield f"{where}.backends: a stack needs a backend"
    for name in stack.natives:
        if name not in backends:
            yield f"{where}.natives: there is no backend {name!r}"
    for index, backend in enumerate(stack.backends):
        for device in stack.images:
            if device not in backend.package:
                yield f"{where}.backends[{index}].package: no package for {device}"
    for index, deviation in enumerate(stack.deviations):
        if deviation.backend not in {None, *backends}:
            yield f"{where}.deviations[{index}].backend: there is no backend {deviation.backend!r}"
        if deviation.device not in {None, *stack.images}:
            yield f"{where}.deviations[{index}].device: there is no {deviation.device} image"


def duplicates(where: str, names: list[str]) -> Iterator[str]:
    """A fault for every name that is there twice."""
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{where if where.startswith('$') else '$.' + where}: {name!r} is there {count} times"
