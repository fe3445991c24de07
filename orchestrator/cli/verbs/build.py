"""`orchestrate build`: the images of the stacks."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.options import BUILD, DEVICE, FILTERS, ROOT, build_settings
from orchestrator.cli.output import say
from orchestrator.model import DeviceKind
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.jobs import select
from orchestrator.stacks import choose


@click.command()
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
    site = choose.choose_provisioner("docker", catalog, build_settings(given), True, say, None)
    troubles = site.prepare([s for s in catalog.stacks if s.name in names], device)
    for name in names:
        click.echo(f"{name}: {troubles[name].reason if name in troubles else 'ready'}")
    lacking = {name: trouble for name, trouble in troubles.items() if name not in names}
    for trouble in lacking.values():
        click.echo(f"  but {trouble.reason}")
    as_asked = given["without_cuda"] and troubles == lacking
    raise SystemExit(3 if troubles and not as_asked else 0)
