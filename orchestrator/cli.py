"""The command line: parses, calls the steps, prints. `orchestrate` alone is `orchestrate run`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.markup import escape

from orchestrator import (
    __version__,
    cleaning,
    cli_cluster,
    cli_doctor,
    cli_images,
    cli_replay,
    cli_results,
    cli_run,
    cli_validate,
    cli_verify,
    config,
    records,
    seals,
    sites,
)
from orchestrator.catalog import load_catalog
from orchestrator.cli_data import data
from orchestrator.cli_options import BUILD, DEVICE, FILTERS, JSON, OUT, ROOT
from orchestrator.cli_run import build_settings, console, say
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.model import DeviceKind
from orchestrator.plan import select
from orchestrator.render import rendered_files

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class RunByDefault(click.Group):
    """A group whose options alone mean its `run` command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "--version")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=RunByDefault, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="orchestrate")
def cli() -> None:
    """Compare Keras backends: one image per framework configuration, the same scripts, one report.

    \b
    Examples:
      orchestrate                              everything this host can run
      orchestrate --config azure-nc6           the 2017 article's comparison, on a GPU
      orchestrate plan --config smoke          what would run, and the exact commands
      orchestrate --workload mnist_mlp --backend theano --repeats 3

    \b
    Exit codes: 0 every job ok, 1 some job failed, 2 a mistake in what was asked, 3 this host cannot
    serve it, 130 stopped by Ctrl-C.
    """


@cli.command()
@FILTERS
@DEVICE
@ROOT
@BUILD
def build(**given: Any) -> None:
    """Build the images of the stacks, reusing what is up to date.

    \b
    Examples:
      orchestrate build
      orchestrate build --stack 'keras2-*' --base bootstrap
      orchestrate build --device gpu --stack keras1-mxnet --cuda-dir ~/cuda-8.0
      orchestrate build --device gpu --stack keras2-tensorflow-cntk --without-cuda
    """
    catalog = load_catalog(given["root"])
    names = select(list(given["stacks"]) or ["*"], (s.name for s in catalog.stacks), "stack")
    device: DeviceKind = "gpu" if given["device"] == "gpu" else "cpu"
    site = sites.choose("docker", catalog, build_settings(given), True, say, None)
    troubles = site.prepare([s for s in catalog.stacks if s.name in names], device)
    for name in names:
        click.echo(f"{name}: {troubles[name].reason if name in troubles else 'ready'}")
    lacking = {name: trouble for name, trouble in troubles.items() if name not in names}
    for trouble in lacking.values():
        click.echo(f"  but {trouble.reason}")
    as_asked = given["without_cuda"] and troubles == lacking
    raise SystemExit(3 if troubles and not as_asked else 0)


@cli.command()
@ROOT
@click.option("--check", is_flag=True, help="Only compare; exit 1 where a file differs.")
def render(root: Path | None, check: bool) -> None:
    """Write the Dockerfiles and compose.yaml from docker/stacks.yaml."""
    catalog = load_catalog(root)
    if Path(catalog.root).is_relative_to(Path(__file__).parent):
        raise UserError("an installed copy renders nothing", "run it in a checkout, or name a folder with --root")
    stale = 0
    for name, text in rendered_files(catalog, __version__).items():
        path = Path(catalog.root) / name
        if path.is_file() and path.read_text() == text:
            continue
        stale += 1
        click.echo(f"{name} {'differs from its template' if check else 'written'}")
        if not check:
            records.write_atomic(path, text.encode())
    raise SystemExit(1 if check and stale else 0)


@cli.command("list")
@click.argument("what", type=click.Choice(["stacks", "workloads", "presets", "all"]), default="all")
@ROOT
@JSON
def list_(what: str, root: Path | None, as_json: bool) -> None:
    """List stacks, workloads with their scales, and presets."""
    catalog = load_catalog(root)
    tables: dict[str, list[dict[str, Any]]] = {
        "stacks": [
            {
                "name": s.name,
                "title": s.title,
                "backends": [b.name for b in s.backends],
                "devices": list(s.images),
            }
            for s in catalog.stacks
        ],
        "workloads": [
            {"name": w.name, "title": w.title, "data": w.dataset, "scales": list(w.scales)} for w in catalog.workloads
        ],
        "presets": [{"name": name, "description": c.description} for name, c in config.presets().items()],
    }
    chosen = tables if what == "all" else {what: tables[what]}
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(chosen), indent=1) + b"\n")
        return
    for title, rows in chosen.items():
        click.echo(f"{title}:")
        for row in rows:
            first, *others = (", ".join(v) if isinstance(v, list) else str(v) for v in row.values())
            click.echo(f"  {first:24} {'; '.join(others)}")


@cli.command()
@click.argument("runs", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Where to write; needed for several runs.")
@OUT
@ROOT
@JSON
def report(runs: Sequence[Path], to: Path | None, out: Path, root: Path | None, as_json: bool) -> None:
    """Merge and report recorded runs anew, without running anything. Default: the latest run.

    A set made by `merge` is reported alone: merge once more to add runs to it.

    \b
    Examples:
      orchestrate report
      orchestrate report results/20261122-*  --to results/together
      orchestrate report results/all                   a merged set
    """
    if any((path / "set.json").is_file() for path in runs):
        cli_results.report_set(runs, to, load_catalog(root), as_json)
        return
    folders = [records.RunFolder.open(path) for path in (runs or [out / "latest"])]
    if to is None and len(folders) > 1:
        raise click.UsageError("several runs need --to FOLDER")
    cli_run.conclude(folders, to or folders[0].path, load_catalog(root), as_json)
    if to is None and seals.read_manifest(folders[0].path):
        seals.seal_run(folders[0].path, set())


@cli.command()
@click.option("--images", "drop_images", is_flag=True, help="Also the images that were built.")
@click.option("--caches", "drop_caches", is_flag=True, help="Also compiled code (volumes) and virtual environments.")
@click.option("--dry-run", is_flag=True, help="Only show.")
@OUT
def clean(drop_images: bool, drop_caches: bool, dry_run: bool, out: Path) -> None:
    """Show and remove what is ours: stray containers, temporary files of killed runs, on request images and caches.

    Results and data sets are never touched, nor anything that does not carry our label.
    """
    for line in cleaning.clean(drop_images, drop_caches, dry_run, out):
        click.echo(line)


for _command in (
    *(cli_run.run, cli_run.plan, cli_doctor.doctor, data, cli_images.images, cli_verify.verify),
    cli_cluster.attach,
    *(cli_results.merge, cli_results.query, cli_results.compare, cli_validate.validate, cli_replay.replay),
):
    cli.add_command(_command)


def main() -> None:
    """Entry point: errors made for people become one line and a hint, everything else a traceback."""
    try:
        code = cli.main(prog_name="orchestrate", standalone_mode=False)
        raise SystemExit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        console.print("stopped")
        raise SystemExit(130) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except OrchestrateError as error:
        console.print(f"[bold red]ERROR[/] {escape(error.message)}")
        if error.hint:
            console.print(f"  -> {escape(error.hint)}")
        raise SystemExit(error.exit_code) from None
