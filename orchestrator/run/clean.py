"""Removes what is ours: on the engine what carries our labels, on disk what only we make. The rest is left alone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator import doors
from orchestrator.errors import HostError, UserError
from orchestrator.files import cache_folder, remove_tree
from orchestrator.host.docker_sdk import listed_images
from orchestrator.launchers import caches, runtimes, sweep
from orchestrator.plan.catalog import load_catalog
from orchestrator.results import leftovers
from orchestrator.results.folder import OUT, Closed, RunFolder, has_plan
from orchestrator.stacks.images import engine

PREFIX = "keras-orchestrate/"
#: One of these is in every image that we make.
IMAGE_LABELS = ("org.keras-orchestrate.stack", "org.keras-orchestrate.base")


def clean(drop_images: bool, drop_caches: bool, dry_run: bool, results: Path) -> Iterator[str]:
    """One line for each thing found, as it is removed (or would be)."""
    found = False
    for what, remove in _everything(drop_images, drop_caches, results):
        found = True
        if dry_run:
            yield f"would remove {what}"
            continue
        try:
            remove()
            yield f"removed {what}"
        except Exception as error:  # one thing in use must not keep the others
            yield f"could not remove {what}: {str(error).splitlines()[0]}"
    if not found:
        yield "nothing to clean"


def _everything(drop_images: bool, drop_caches: bool, results: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    try:
        client = engine.connect()
    except HostError:
        client = None
    if client is not None:
        yield from _on_engine(client, drop_images, drop_caches)
    for name, argv in sweep.runtime_orphans(runtimes.load("podman")):
        yield f"container {name} (podman)", partial(subprocess.run, argv, capture_output=True, timeout=60)
    if drop_caches:
        for name in ("venvs", "layers", "compiled", "images"):
            folder = cache_folder() / name
            if folder.is_dir():
                yield f"folder {folder}", partial(shutil.rmtree, folder)
    for path in stale_files(results):
        job = path.name == OUT
        yield f"temporary {path}", partial(leftovers.remove, path.parent) if job else partial(remove_tree, path)


def stale_files(results: Path) -> Iterator[Path]:
    """What killed orchestrators left in their runs: half-written files, folders of jobs. Runs that go on are spared."""
    refused: list[UserError] = []
    for path in sorted(results.glob("*")):
        if path.is_symlink() or not has_plan(path):
            continue
        try:
            folder = RunFolder.open(path)
        except Closed:  # another user's
            continue
        except UserError as error:  # the others are cleaned all the same
            refused.append(error)
            continue
        with contextlib.suppress(UserError), folder.locked():
            yield from _leftovers(folder.path)
    if refused:
        raise refused[0]


def _leftovers(folder: Path, depth: int = 0) -> Iterator[Path]:
    """The half-written files below a run, and the folders that jobs wrote to."""
    for path in (folder / name for name in doors.names(folder)):
        if re.fullmatch(r"\..*\.tmp", path.name) or (depth == 2 and path.name == OUT):
            yield path
        elif path.name != OUT and doors.kind_of(path) == "folder":
            yield from _leftovers(path, depth + 1)


def _on_engine(client: Any, drop_images: bool, drop_caches: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    for container in sweep.orphans(client):
        yield f"container {container.name}", partial(container.remove, force=True, v=True)
    if drop_images:
        ours = [image for image in listed_images(client) if any(image.labels.get(label) for label in IMAGE_LABELS)]
        tagged = [tag for image in ours for tag in image.tags]
        for tag in (tag for tag in tagged if tag.startswith(PREFIX)):
            yield f"image {tag}", partial(client.images.remove, tag)
        # What replaced images and build stages leave is cache without a name, but with our label.
        nameless = {"dangling": True, "label": "org.keras-orchestrate.stack"}
        for image in listed_images(client, nameless):
            yield f"image {image.id[:17]} (build cache)", partial(client.images.remove, image.id)
    if drop_caches:
        for volume in client.volumes.list():
            labels = volume.attrs.get("Labels") or {}
            if caches.is_others(volume.name, os.getuid()):
                continue
            if labels.get(sweep.LABEL) == "cache" or caches.ours(volume.name, load_catalog().stacks):
                yield f"volume {volume.name}", volume.remove
