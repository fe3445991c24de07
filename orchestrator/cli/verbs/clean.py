"""`orchestrate clean`: removes what killed runs left and, on request, images and caches."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.console import tell
from orchestrator.cli.options import OUT, command
from orchestrator.run import clean as cleaning


@command()
@click.option("--images", "drop_images", is_flag=True, help="Also remove the images that were built.")
@click.option(
    "--caches", "drop_caches", is_flag=True, help="Also remove compiled code (volumes) and virtual environments."
)
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@OUT
def clean(drop_images: bool, drop_caches: bool, dry_run: bool, out: Path) -> None:
    """Remove what killed runs left.

    Containers and temporary files; on request also images and caches.

    Results and data sets are never touched, nor containers, images and volumes without this project's label.
    """
    for line in cleaning.clean(drop_images, drop_caches, dry_run, out):
        tell(line)
