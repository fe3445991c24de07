"""The command line: parses, calls the steps, prints. `orchestrate` alone is `orchestrate run`."""

from __future__ import annotations

import datetime
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.markup import escape

from orchestrator import (
    __version__,
    cleaning,
    cli_replay,
    cli_results,
    cli_validate,
    config,
    devices,
    records,
    sites,
    wiring,
)
from orchestrator.catalog import Catalog, load_catalog
from orchestrator.cli_data import data
from orchestrator.cli_options import BUILD, DATA_DIR, DEVICE, FILTERS, JSON, OUT, ROOT, WISHES, wished
from orchestrator.cli_results import percent
from orchestrator.errors import OrchestrateError, UserError
from orchestrator.images import BuildSettings
from orchestrator.model import DeviceKind
from orchestrator.plan import select
from orchestrator.progress import Progress
from orchestrator.render import rendered_files

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
console = Console(stderr=True, highlight=False, soft_wrap=True)


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


def say(line: str) -> None:
    console.print(line, markup=False)


@cli.command()
@WISHES
@DATA_DIR
@OUT
@ROOT
@BUILD
@JSON
@click.option(
    "--keras-spec", metavar="SPEC", help="Another Keras for the stacks of today: 'keras @ git+...', a folder."
)
@click.option("--no-fetch", is_flag=True, help="Never download data; synthetic data where there is none.")
@click.option("--no-build", is_flag=True, help="Never build; the jobs of a missing image fail.")
@click.option("--dry-run", is_flag=True, help="The same as `plan`.")
@click.option("--until", type=percent, metavar="2%", help="Repeat each cell until its time is known that well.")
@click.option("--budget", default="30m", show_default=True, metavar="30m", help="With --until: no new round after it.")
@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> None:
    """Build what is missing, run every job, merge, report.

    \b
    Examples:
      orchestrate run --config smoke
      orchestrate run --scale quick --data-dir ~/.keras/datasets
      orchestrate run --workload 'mnist_*' --repeats 5 --out /data/results
      orchestrate run --workload mnist_mlp --repeats 3 --until 2% --budget 30m
    """
    if given["dry_run"]:
        ctx.invoke(plan, **{name: given[name] for name in _parameters(plan)})
        return
    wish, catalog = wished(given), load_catalog(given["root"])
    budget_s = config.parse_duration(given["budget"])
    wiring.decide(wish, devices.probe_host())  # a host that cannot serve the wish, before anything else
    settings = build_settings(given)
    site = sites.choose(wish.launcher, catalog, settings, not given["no_build"], say, given["keras_spec"])
    ready = wiring.prepare(wish, catalog, site, given["data_dir"], not given["no_fetch"], say)
    folder = records.RunFolder.create(given["out"], ready.plan)
    with Progress(console, len(ready.plan.jobs)) as progress:
        closing: list[str] = []
        if given["until"] is None:
            interrupted = wiring.execute(ready, catalog, folder, progress)
        else:
            from orchestrator.repeating import execute_until  # numpy comes along

            interrupted, closing = execute_until(ready, catalog, folder, progress, given["until"], budget_s)
    for line in closing:
        say(line)
    rows = conclude([folder], folder.path, catalog, given["as_json"])
    ctx.exit(wiring.exit_code([row["status"] for row in rows], interrupted))


@cli.command()
@WISHES
@DATA_DIR
@OUT
@ROOT
@JSON
def plan(**given: Any) -> None:
    """Print every job and its exact command. Nothing is built, fetched, written or started.

    \b
    Examples:
      orchestrate plan --config azure-nc6 --device cpu
      orchestrate plan --workload mnist_mlp --json
    """
    catalog = load_catalog(given["root"])
    draft, commands = wiring.describe(wished(given), catalog, given["data_dir"], given["out"])
    if given["as_json"]:
        jobs = [{"id": j.id, **msgspec.to_builtins(j), "command": commands.get(j.id, [])} for j in draft.planned]
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode({"jobs": jobs}), indent=1) + b"\n")
        return
    for job in draft.jobs:
        click.echo(f"# {job.id}\n{shlex.join(commands[job.id])}")
    for skip in draft.skipped:
        click.echo(f"# {skip.job.id}: {skip.status}, {skip.reason}")
    say(f"{len(draft.planned)} jobs, {len(draft.skipped)} of them not to be run")


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
      orchestrate build --device gpu --stack keras1-mxnet
    """
    catalog = load_catalog(given["root"])
    names = select(list(given["stacks"]) or ["*"], (s.name for s in catalog.stacks), "stack")
    device: DeviceKind = "gpu" if given["device"] == "gpu" else "cpu"
    site = sites.choose("docker", catalog, build_settings(given), True, say, None)
    troubles = site.prepare([s for s in catalog.stacks if s.name in names], device)
    for name in names:
        click.echo(f"{name}: {troubles[name].reason if name in troubles else 'ready'}")
    raise SystemExit(3 if troubles else 0)


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

    \b
    Examples:
      orchestrate report
      orchestrate report results/20261122-*  --to results/together
    """
    folders = [records.RunFolder.open(path) for path in (runs or [out / "latest"])]
    if to is None and len(folders) > 1:
        raise click.UsageError("several runs need --to FOLDER")
    conclude(folders, to or folders[0].path, load_catalog(root), as_json)


@cli.command()
@click.option("--images", "drop_images", is_flag=True, help="Also the images that were built.")
@click.option("--caches", "drop_caches", is_flag=True, help="Also compiled code (volumes) and virtual environments.")
@click.option("--dry-run", is_flag=True, help="Only show.")
def clean(drop_images: bool, drop_caches: bool, dry_run: bool) -> None:
    """Show and remove what is ours on the engine: stray containers, on request images and caches.

    Results and data sets are never touched.
    """
    for line in cleaning.clean(drop_images, drop_caches, dry_run):
        click.echo(line)


cli.add_command(data)
for _command in (cli_results.merge, cli_results.query, cli_results.compare, cli_validate.validate, cli_replay.replay):
    cli.add_command(_command)


def build_settings(given: dict[str, Any]) -> BuildSettings:
    names = ("base_mode", "base_image", "ca_bundle", "pip_index_url", "debian_mirror", "no_cache")
    return BuildSettings(**{name: given[name] for name in names})


def conclude(folders: list[records.RunFolder], out: Path, catalog: Catalog, as_json: bool) -> list[dict[str, Any]]:
    """Merges, writes tables and report, prints the summary (or the one JSON document)."""
    from orchestrator import outputs  # it brings the charts along, a second to import
    from orchestrator.report import build_report
    from orchestrator.tablefiles import document

    say("merging and reporting")
    merged = outputs.merge_runs(folders)
    outputs.write_tables(merged, out)
    command = shlex.join(["orchestrate", *sys.argv[1:]])
    created = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    outputs.write_report(build_report(outputs.report_input(merged, catalog, command, created)), out)
    if as_json:
        sys.stdout.buffer.write(document(merged.rows))
    else:
        click.echo(outputs.text_summary(merged.rows))
        for line in outputs.closing_lines(merged.rows, out):
            click.echo(line)
    return merged.rows


def _parameters(command: click.Command) -> list[str]:
    return [parameter.name for parameter in command.params if parameter.name]


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
