"""`orchestrate images`: what is on the engine, and images as one file for hosts without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from orchestrator import __version__
from orchestrator.cli.bars import byte_bar
from orchestrator.cli.console import say, tell, tell_document
from orchestrator.cli.options import BUILD, JSON, ROOT, build_settings
from orchestrator.cli.options.command import Group
from orchestrator.cli.output import print_json
from orchestrator.cli.tables import Column, table
from orchestrator.errors import UserError
from orchestrator.launchers.runtimes import BASIC, Runtime, check_launcher, check_usable
from orchestrator.launchers.runtimes import load as load_runtime
from orchestrator.model import DeviceKind, Stack, image_name
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.plan.jobs import select_stacks
from orchestrator.plan.request import Request
from orchestrator.run.bring import with_stacks
from orchestrator.stacks import image_check, runtime_images
from orchestrator.stacks.choose import choose_provisioner
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images import recipe
from orchestrator.stacks.images import sbom as bills
from orchestrator.stacks.images.engine import Engine, ImageInfo, connect, inspect

FILE = click.Path(dir_okay=False, path_type=Path)
STACK = click.option(
    "--stack",
    "stacks",
    multiple=True,
    metavar="GLOB|FILE",
    help="Only stacks whose name matches; FILE.yaml is a stack of your own.",
)
COLUMNS = (*(Column("image"), Column("state"), Column("MB", "figure"), Column("made (UTC)"), Column("note", "words")),)
DEVICE = click.option(
    "--device", type=click.Choice(["cpu", "gpu"]), help="Only images for this kind of device.  [default: both]"
)


@click.group(cls=Group)
def images() -> None:
    """List images, and carry them to hosts without a network."""


@images.command("list")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ROOT
@JSON
def list_(file: Path | None, root: Path | None, as_json: bool) -> None:
    """List the images on the engine, or in FILE after checking it.

    \b
    Examples:
      orchestrate images list
      orchestrate images list images.tar.gz
    """
    if file:
        with byte_bar(f"checking {file}", transient=True) as progress:
            found = {image.name: image.info for image in image_archive.contents(file, progress).images}
        rows = [_row(name, info, "checked") for name, info in found.items()]
    else:
        rows = _on_engine(load_catalog(root))
    if as_json:
        print_json({"images": rows})
        return
    sizes = ["" if row["size_mb"] is None else f"{row['size_mb']:,}" for row in rows]
    fields = [
        [row["name"], row["state"], size, row["created"][:16].replace("T", " "), row["note"]]
        for row, size in zip(rows, sizes, strict=True)
    ]
    tell_document("\n".join(table(COLUMNS, fields)))


@images.command()
@click.argument("file", type=FILE)
@STACK
@DEVICE
@ROOT
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def save(file: Path, stacks: Sequence[str], device: DeviceKind | None, root: Path | None, force: bool) -> None:
    """Write the images that are on the engine into FILE, a .tar.gz.

    \b
    Examples:
      orchestrate images save images.tar.gz
      orchestrate images save gpu.tar.gz --device gpu --stack 'keras2-*'
    """
    client = connect()
    wanted, catalog = with_stacks(
        list(stacks) or ["*"], lambda: device or "cpu", load_catalog(root), say, may_lock=False
    )
    chosen = select_stacks(wanted, catalog.stacks)
    names = [name for stack, kind, name in _names(catalog) if stack.name in chosen and device in (None, kind)]
    there = [name for name in names if inspect(client, name)]
    if not there:
        raise UserError("none of these images is on the engine", "`orchestrate build` makes them.")
    with byte_bar(f"saving {len(there)} images", transient=True) as progress:
        image_archive.save(client, there, file, progress, force)
    for name in there:
        tell(name)
    tell(f"{file}: {file.stat().st_size / 1e6:.0f} MB")


@images.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace images of the same name.")
@click.option("--launcher", metavar="NAME|FILE", help="Container runtime to load into, instead of the Docker engine.")
def load(file: Path, force: bool, launcher: str | None) -> None:
    """Check FILE and load its images.

    The Docker engine gets them, or another container runtime.

    \b
    Examples:
      orchestrate images load images.tar.gz
      orchestrate images load images.tar.gz --launcher podman
    """
    runtime = _runtime(launcher)
    client = None if runtime else connect()
    with image_archive.unchanging(file) as still:
        with byte_bar(f"checking {file}", transient=True) as progress:
            index = image_archive.contents(still, progress)
        if runtime:
            runtime_images.put_from_archive(runtime, still, index.images, runtime_images.image_folder(runtime))
            loaded = [image.name for image in index.images]
        else:
            with byte_bar(f"loading {file}", transient=True) as progress:
                loaded = image_archive.load(client, still, index, progress, force)
    if index.orchestrator != __version__:
        say(f"these images are of version {index.orchestrator}; this is {__version__}")
    for image in index.images:
        tell(f"{image.name}: {'loaded' if image.name in loaded else 'is there already'}")


@images.command()
@STACK
@DEVICE
@ROOT
@BUILD
@JSON
@click.option("--remove", is_flag=True, help="Remove images again that were not there before.")
def check(**given: Any) -> None:
    """Check images without the device that they are for.

    Each is built, its backends are imported, and every library that they want is looked for.

    Exits 1 where a backend cannot be imported, or a library is missing.

    \b
    Examples:
      orchestrate images check --device gpu
      orchestrate images check --device gpu --stack keras3-jax --remove
    """
    client, catalog = connect(), load_catalog(given["root"])
    chosen = select_stacks(list(given["stacks"]) or ["*"], catalog.stacks)
    request = Request(out=Path("results"), build=build_settings(given))
    provisioner = choose_provisioner("docker", request, catalog, Engine(), say)
    found, bad = [], False
    for stack, device, name in _names(catalog):
        if stack.name not in chosen or given["device"] not in (None, device):
            continue
        there, stages = inspect(client, name) is not None, image_check.stages(client, stack, device)
        missing = [each.reason for each in provisioner.prepare([stack], device) if each.backend is None]
        if missing:
            tell(f"{name}: {missing[0]}") if not given["as_json"] else found.append({"name": name, "faults": missing})
            bad = True
            continue
        checked = image_check.check(client, stack, device, __version__, say)
        bad = bad or bool(checked.faults)
        found.append(msgspec.to_builtins(checked))
        if not given["as_json"]:
            tell(f"{name}: {checked.size_mb} MB")
            for line in filter(None, checked.lines):
                tell(f"  {line}")
        if given["remove"] and not there:
            image_check.remove(client, stack, device, __version__, stages)
    if given["as_json"]:
        print_json({"images": found})
    raise SystemExit(1 if bad else 0)


def _runtime(launcher: str | None) -> Runtime | None:
    """The runtime that images are for; None for the Docker engine."""
    if launcher in (None, "docker"):
        return None
    check_launcher(launcher)
    if launcher in BASIC:
        raise UserError(f"{launcher} takes no images", "name docker, podman, apptainer, or the file of a runtime")
    runtime = load_runtime(launcher)
    check_usable(runtime)
    return runtime


@images.command()
@click.argument("stack")
@click.option("--device", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True, help="Kind of image.")
@ROOT
def sbom(stack: str, device: DeviceKind, root: Path | None) -> None:
    """Print the bill of materials of STACK's image.

    It is CycloneDX 1.5, made from inside the image.

    \b
    Example:
      orchestrate images sbom keras2-theano > keras2-theano.cdx.json
    """
    client, catalog = connect(), load_catalog(root)
    chosen = catalog.stack(stack)
    name = image_name(chosen.name, device, __version__)
    info = image_archive.present(client, name)
    bill = bills.document(name, info, catalog.bases[chosen.base].suite, bills.listing(client, name))
    print_json(bill)


def _names(catalog: Catalog) -> Iterator[tuple[Stack, DeviceKind, str]]:
    for stack in catalog.stacks:
        for device in stack.images:
            yield stack, device, image_name(stack.name, device, __version__)


def _on_engine(catalog: Catalog) -> list[dict[str, Any]]:
    client = connect()
    rows = []
    for stack, device, name in _names(catalog):
        info = inspect(client, name)
        if info is None and stack.like:  # of other years only what is there
            continue
        known = {recipe.plain(catalog, stack, device, without).sha256 for without in (False, True)}
        state = "missing" if info is None else "current" if info.dockerfile_sha256 in known else "outdated"
        rows.append(_row(name, info, state))
    return rows


def _row(name: str, info: ImageInfo | None, state: str) -> dict[str, Any]:
    unusable = ", ".join(info.unusable) if info else ""
    return {
        "name": name,
        "state": state,
        "id": info.id if info else None,
        "size_mb": info.size_mb if info else None,
        "created": info.created if info else "",
        "note": f"not for {unusable}: built without CUDA files" if unusable else "",
    }
