"""`orchestrate build`: the images of the stacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.cli.console import say, tell
from orchestrator.cli.options import BUILD, DEVICE, FILTERS, ROOT, build_settings, command
from orchestrator.model import DeviceKind
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.jobs import select_stacks
from orchestrator.plan.request import Request
from orchestrator.run.bring import with_stacks
from orchestrator.stacks.choose import choose_provisioner
from orchestrator.stacks.images.engine import Engine


@command()
@FILTERS
@DEVICE
@ROOT
@BUILD
def build(**given: Any) -> None:
    """Build the images of stacks that are out of date.

    \b
    Examples:
      orchestrate build
      orchestrate build --stack 'keras2-*' --base bootstrap
      orchestrate build --stack ./torch27.yaml        a stack of your own
      orchestrate build --device gpu --stack keras1-mxnet --cuda-dir ~/cuda-8.0
      orchestrate build --device gpu --stack keras2-tensorflow-cntk --without-cuda
    """
    device: DeviceKind = "gpu" if given["device"] == "gpu" else "cpu"
    wanted = list(given["stacks"]) or ["*"]
    wanted, catalog = with_stacks(wanted, lambda: device, load_catalog(given["root"]), say, may_lock=True)
    names = select_stacks(wanted, catalog.stacks)
    request = Request(out=Path("results"), build=build_settings(given))
    provisioner = choose_provisioner("docker", request, catalog, Engine(), say)
    missing = provisioner.prepare([s for s in catalog.stacks if s.name in names], device)
    stacks = {each.stack: each.reason for each in missing if each.backend is None}
    backends = [each for each in missing if each.backend is not None]
    for name in names:
        tell(f"{name}: {stacks.get(name, 'ready')}")
    for each in backends:
        tell(f"  but {each.reason}")
    as_asked = given["without_cuda"] and not stacks
    raise SystemExit(3 if missing and not as_asked else 0)
