"""A workload that is somebody's own file: read, never run, by whoever plans. docs/OWN.md says what may be in it."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from orchestrator.errors import OrchestrateError, UserError
from orchestrator.files import holds_home, read_bytes
from orchestrator.model import OWN_SCALE, Noun, OwnFile, Positive, Scale, Workload
from orchestrator.ownership import refuse_planted
from orchestrator.plan import inline

#: The scale of a job that runs what the file says; and its time limit, seconds.
OWN, OWN_TIMEOUT_S = OWN_SCALE, 3 * 3600
#: Python files that may lie with a script and count as part of it, and their bytes: beyond, a folder is no project.
MOST_FILES, MOST_BYTES = 500, 32 * 2**20
#: Arguments of data() that options and scales give it (workloads/modules.py), and what every job has.
OPTIONS = ("train", "validation", "seed", "batch_size", "scale", "threads")
#: What Python imports beside these.
COMPILED = ("*.so", "*.pyc")


#: A validation accuracy.
Share = Annotated[float, Meta(gt=0, le=1)]
D = TypeVar("D", bound="Declared")


class Declared(Noun, frozen=True, kw_only=True):
    """The constants of a module: how much is run, and what counts as having learned."""

    batch: Positive | None = None
    epochs: Positive | None = None
    scales: dict[str, Scale] = {}
    #: For all scales, or by scale: a scale without an entry is not judged.
    learned: Share | dict[str, Share] | None = None
    #: Tokens of the prompt, and tokens to make of it.
    generate: dict[Literal["prompt", "tokens"], Positive] | None = None

    @property
    def learned_by_scale(self) -> dict[str, float]:
        if isinstance(self.learned, dict):
            return self.learned
        return {} if self.learned is None else dict.fromkeys([OWN, *self.scales], self.learned)


def own_workloads(paths: Iterable[str], taken: Iterable[str]) -> list[Workload]:
    """One workload for each file, under a name that none of `taken` has. Raises UserError for what is no such file."""
    names, found = set(taken), []
    for path in map(Path, dict.fromkeys(paths)):
        workload = read_own(path)
        name = next(each for each in _names(path) if each not in names)
        names.add(name)
        found.append(msgspec.structs.replace(workload, name=name))
    return found


def read_own(path: Path) -> Workload:
    """The workload that a file of one's own is. Raises UserError where it cannot be one."""
    workload = read_module(path)
    assert workload.own is not None
    return msgspec.structs.replace(workload, own=msgspec.structs.replace(workload.own, alone=_alone(path)))


def read_module(path: Path) -> Workload:
    """The same for a file in a folder of the project, which holds nothing of the caller's."""
    if not path.is_file():
        raise UserError(f"there is no file {path}", "name a Keras script, such as ./my.py")
    own_hash = own_sha256(path)
    content = read_bytes(path)
    tree = _parsed(content)
    contract = "module" if tree is not None and _is_module(tree) else "script"
    declared = declared_in(path, tree, Declared) if tree is not None and contract == "module" else Declared()
    asked = inline.read(path.name, content)
    own = OwnFile(
        path=str(path.absolute()),
        sha256=own_hash,
        contract=contract,  # type: ignore[arg-type]
        parameters=_parameters(tree) if tree is not None and contract == "module" else {},
        packages=asked.public_packages,
        python=asked.python,
    )
    return Workload(
        name=next(_names(path)),
        title=path.name,
        batch_size=declared.batch,
        scales=declared.scales,
        learned=declared.learned_by_scale,
        generates=declared.generate is not None,
        own=own,
    )


def as_now(workload: Workload) -> Workload:
    """The workload with its file as it is now. Raises UserError where the file is gone."""
    if workload.own is None:
        return workload
    path = Path(workload.own.path)
    if not path.is_file():
        raise UserError(f"the file of {workload.name} is gone: {path}", "put it back, or start a new run")
    asked = inline.read(path.name, read_bytes(path))
    own = msgspec.structs.replace(
        workload.own,
        sha256=own_sha256(path),
        packages=asked.public_packages,
        python=asked.python,
        alone=_alone(path),
    )
    return msgspec.structs.replace(workload, own=own)


def changed(own: OwnFile) -> str:
    """How the file differs from what the run began with, in words; "" where it does not."""
    try:
        now = own_sha256(Path(own.path))
    except OrchestrateError as error:
        return error.message
    return "" if now == own.sha256 else f"{own.path}, or a Python file with it, was changed since the run began"


def own_sha256(path: Path) -> str:
    """Hash over a file and the Python files that lie with it, by their places.

    Raises UserError for far too many, HostError for one that any user of this host could have put there.
    """
    digest, size = hashlib.sha256(), 0
    for module in (file for kind in COMPILED for file in path.parent.glob(kind)):
        refuse_planted(module)
    for number, file in enumerate(_with(path), 1):
        refuse_planted(file)
        content = read_bytes(file)
        size += len(content)
        if number > MOST_FILES or size > MOST_BYTES:
            raise UserError(
                f"more than {MOST_FILES} Python files or {MOST_BYTES >> 20} MiB of them lie with {path.name}",
                "put the script into a folder of its own: what lies with it is shown to the job",
            )
        digest.update(f"{file.relative_to(path.parent)}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def _alone(path: Path) -> list[str]:
    """The Python files that lie with a file, where its folder has all of the caller's home in it; else nothing."""
    folder = path.absolute().parent
    return [str(file.relative_to(path.parent)) for file in _with(path)] if holds_home(folder) else []


def _with(path: Path) -> Iterator[Path]:
    """The file, the Python files beside it, and those of the packages beside it."""
    yield path
    for file in sorted(path.parent.glob("*.py")):
        if file != path and file.is_file():
            yield file
    for package in sorted(path.parent.glob("*/__init__.py")):
        yield from sorted(file for file in package.parent.rglob("*.py") if file.is_file())


def _names(path: Path) -> Iterator[str]:
    """Names for a file, the plainest first."""
    stem = re.sub(r"[^a-z0-9_-]+", "_", path.stem.lower()).strip("_-")[:40] or "script"
    yield stem
    yield f"{stem}-own"
    yield from (f"{stem}-{number}" for number in range(2, 1000))


def _parsed(source: bytes) -> ast.Module | None:
    """The file's syntax; None for one of another Python, which only its own interpreter can judge."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_module(tree: ast.Module) -> bool:
    """Whether a file offers `build` and `data` to be called, and does not train when it is run."""
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {"build", "data"} <= functions and not any(map(_trains, tree.body))


def _trains(statement: ast.stmt) -> bool:
    """Whether a statement of the top level calls some `.fit(...)` when the file is imported."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or _is_main(statement):
        return False
    calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Attribute) and function.attr == "fit" for function in calls)


def _parameters(tree: ast.Module) -> dict[str, bool | int | float | str]:
    """The arguments of build() and data() whose default is a plain constant, but for those that have an option."""
    found: dict[str, bool | int | float | str] = {}
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name in ("build", "data"):
            its = function.args
            named = [*its.posonlyargs, *its.args]
            pairs = [
                *zip(named[::-1], its.defaults[::-1], strict=False),
                *zip(its.kwonlyargs, its.kw_defaults, strict=True),
            ]
            for argument, default in pairs:
                if argument.arg not in OPTIONS and isinstance(default, ast.Constant | ast.UnaryOp):
                    with contextlib.suppress(ValueError):
                        value = ast.literal_eval(default)
                        found |= {argument.arg: value} if isinstance(value, bool | int | float | str) else {}
    return found


def _is_main(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":`"""
    return isinstance(statement, ast.If) and "__name__" in {
        node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name)
    }


def declared_in(path: Path, tree: ast.Module, kind: type[D]) -> D:
    """The constants that a module sets at its top. Raises UserError for one that is none."""
    known = {name.upper(): name for name in kind.__struct_fields__}
    values: dict[str, Any] = {}
    for node in tree.body:
        targets = [t.id for t in node.targets if isinstance(t, ast.Name)] if isinstance(node, ast.Assign) else []
        for name in known.keys() & set(targets):
            assert isinstance(node, ast.Assign)
            try:
                values[known[name]] = ast.literal_eval(node.value)
            except ValueError as error:
                raise UserError(f"{path.name}: {name} is no constant", "write plain numbers, texts, dicts") from error
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{path.name}: {error}", "docs/OWN.md has the constants of a module") from error
