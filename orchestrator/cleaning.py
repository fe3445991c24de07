"""Removes what is ours from the engine and the caches. What does not carry our label or name is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from orchestrator import images, venvs
from orchestrator.errors import HostError
from orchestrator.launchers import leftovers

PREFIX = "keras-orchestrate/"


def clean(drop_images: bool, drop_caches: bool, dry_run: bool) -> Iterator[str]:
    """One line for each thing found, as it is removed (or would be)."""
    found = False
    for what, remove in _everything(drop_images, drop_caches):
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


def _everything(drop_images: bool, drop_caches: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    try:
        client = images.connect()
    except HostError:
        client = None
    if client is not None:
        yield from _on_engine(client, drop_images, drop_caches)
    if drop_caches:
        for name in ("venvs", "compiled"):
            folder = venvs.cache_root() / name
            if folder.is_dir():
                yield f"folder {folder}", partial(shutil.rmtree, folder)


def _on_engine(client: Any, drop_images: bool, drop_caches: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    for container in leftovers.orphans(client):
        yield f"container {container.name}", partial(container.remove, force=True, v=True)
    if drop_images:
        tagged = [tag for image in client.images.list() for tag in image.tags]
        for tag in (tag for tag in tagged if tag.startswith(PREFIX)):
            yield f"image {tag}", partial(client.images.remove, tag)
        # What replaced images and build stages leave is cache without a name, but with our label.
        nameless = {"dangling": True, "label": "org.keras-orchestrate.stack"}
        for image in client.images.list(filters=nameless):
            yield f"image {image.short_id} (build cache)", partial(client.images.remove, image.id)
    if drop_caches:
        for volume in client.volumes.list():
            if volume.name.startswith(f"{leftovers.LABEL}-"):
                yield f"volume {volume.name}", volume.remove
