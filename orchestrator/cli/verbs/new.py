"""`orchestrate new`: a file to begin with, for a stack or a workload of one's own."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import click

from orchestrator.cli.console import tell
from orchestrator.cli.options import command
from orchestrator.errors import HostError, UserError

#: What there is: the skeleton in plan/skeletons/, the ending of the file, and what to do with it.
KINDS = {
    "stack": ("stack.yaml", ".yaml", "orchestrate --stack {path} --workload mnist_mlp --scale smoke"),
    "workload": ("workload.txt", ".py", "orchestrate {path} --scale smoke"),
}


@command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name", type=click.Path(path_type=Path))
def new(kind: str, name: Path) -> None:
    """Write the file of a stack or a workload, to begin with.

    It is one of your own, with comments. NAME is the file, with or without its ending. A file that is
    there is left alone.

    \b
    Examples:
      orchestrate new stack torch27            writes torch27.yaml
      orchestrate new workload my              writes my.py, which runs as it is
    """
    skeleton, ending, command = KINDS[kind]
    path = name if name.suffix == ending else name.with_name(f"{name.name}{ending}")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", path.name):
        raise UserError(f"{path.name!r} is no name for a {kind}", "take letters, digits, hyphens and underscores")
    text = resources.files("orchestrator.plan").joinpath("skeletons").joinpath(skeleton).read_text(encoding="utf-8")
    plain = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower())
    write_new(path, text.format(file=path.name, stem=path.stem, name=plain))
    tell(f"{path} written; try it: {command.format(path=_typed(path))}")


def write_new(path: Path, text: str) -> None:
    """Writes a file that is not there yet. Raises UserError where there is something, HostError where it cannot."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise UserError(f"{path} is there already", "take another name, or remove it") from error
    except OSError as error:
        raise HostError(f"cannot write {path}: {error.strerror}", "name a folder that you can write to") from error


def _typed(path: Path) -> str:
    """The path as it is typed for a file: with its folder."""
    return str(path) if len(path.parts) > 1 else f"./{path}"
