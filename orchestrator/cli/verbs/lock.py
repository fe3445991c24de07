"""`orchestrate lock`: which packages a stack is made of, each of one version and with hashes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from orchestrator.cli.console import say, say_error
from orchestrator.cli.options import ROOT, command
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.files import PACKAGE, is_yaml
from orchestrator.model import DeviceKind
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.plan.eras import era_file
from orchestrator.plan.own_stack import read_stack_file
from orchestrator.stacks import own_locks
from orchestrator.stacks.resolve import lock_again
from orchestrator.text import suggest

KINDS: tuple[DeviceKind, ...] = ("cpu", "gpu")


@command()
@click.argument("what", nargs=-1, metavar="[FILE|STACK]...")
@click.option("--device", type=click.Choice(KINDS), help="Only locks for this device.  [default: those that are there]")
@ROOT
@click.pass_context
def lock(ctx: click.Context, what: Sequence[str], device: DeviceKind | None, root: Path | None) -> None:
    """Lock the packages of a stack anew, with hashes.

    Every package that it needs, of one version. FILE.yaml is a stack of your own (docs/STACKS.md); its lock is
    written beside it. STACK is one of docker/stacks.yaml or of docker/eras/, in a checkout; all of docker/stacks.yaml
    where nothing is named.

    \b
    Examples:
      orchestrate lock torch27.yaml
      orchestrate lock torch27.yaml --device gpu
      orchestrate lock keras3-jax                a shipped stack, in a checkout
    """
    catalog, codes = load_catalog(root), [0]
    years = {each: file for each in what if (file := era_file(each, catalog))}
    shipped = [each for each in what if not is_yaml(each) and each not in years]
    _refuse_installed(catalog, bool(years))
    for source in _sources(catalog, shipped, device) if shipped or not what else ():
        codes.append(_tried(source, lambda source: say(f"wrote {lock_again(source, os.environ)}")))
    for file in (years.get(each, Path(each)) for each in what if is_yaml(each) or each in years):
        codes.append(_tried(file, lambda file: _own(file, device, catalog)))
    ctx.exit(max(codes))


def _tried(path: Path, make: Callable[[Path], None]) -> int:
    """Makes the locks of one file. What was wrong is said, and does not hinder those of the others."""
    try:
        make(path)
    except OrchestrateError as error:
        say_error(error)
        return error.exit_code
    return 0


def _own(file: Path, device: DeviceKind | None, catalog: Catalog) -> None:
    """The locks of a stack of one's own: those that are there, for the CPU where there is none."""
    asked = read_stack_file(file, catalog)
    there = [kind for kind in KINDS if own_locks.there(asked, kind)]
    for kind in [device] if device else there or [KINDS[0]]:
        own_locks.lock(asked, kind, os.environ, say)
        stack = own_locks.ready(asked, kind, catalog, False, say)
        say(f"{stack.name}: {stack.title}")
        if stack.python not in catalog.bases[stack.base].pythons:
            say(f"no base image has Python {stack.python}: {stack.name} runs with --launcher process alone")


def _sources(catalog: Catalog, names: Sequence[str], device: DeviceKind | None) -> Iterator[Path]:
    """The .in files of the shipped locks that are meant. Raises UserError for a name that none has."""
    folder = catalog.docker_dir / "requirements"
    _refuse_installed(catalog, True)
    sources = sorted(folder.glob("*.in"))
    known = list(dict.fromkeys(each for source in sources for each in _names(source)))
    for name in set(names) - set(known):
        raise UserError(f"no stack is called {name!r}", suggest(name, known, "a stack of your own: name its FILE.yaml"))
    chosen = [source for source in sources if not names or set(names) & set(_names(source))]
    yield from (source for source in chosen if device is None or source.stem.endswith(f"-{device}"))


def _refuse_installed(catalog: Catalog, shipped: bool) -> None:
    """Raises UserError where shipped stacks are to be locked and are not a checkout's."""
    if shipped and catalog.docker_dir.is_relative_to(PACKAGE):
        raise UserError("an installed copy locks no shipped stack", "name the file of your own, or do it in a checkout")


def _names(source: Path) -> tuple[str, str]:
    """What a lock may be called: by its stack, keras2-theano, or keras2-theano-cpu."""
    return source.stem.rpartition("-")[0], source.stem
