"""`orchestrate build`: the images of the stacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.cli.console import say, tell
from orchestrator.cli.options import BUILD, DEVICE, IMAGE_FILTERS, ROOT, build_settings, command
from orchestrator.model import DeviceKind
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.plan.config import load_config, override
from orchestrator.plan.jobs import select, select_stacks
from orchestrator.plan.request import Request
from orchestrator.run.bring import with_stacks
from orchestrator.stacks.choose import choose_provisioner
from orchestrator.stacks.images.engine import Engine


@command()
@IMAGE_FILTERS
@DEVICE
@ROOT
@BUILD
def build(**given: Any) -> None:
    """Build the images of stacks that are out of date.

    Says first what is to be made, how much room it takes and for how long.

    \b
    Examples:
      orchestrate build
      orchestrate build --config eras                 what such a run needs
      orchestrate build --stack 'keras2-*' --base bootstrap
      orchestrate build --stack ./torch27.yaml        a stack of your own
      orchestrate build --device gpu --stack keras1-mxnet --cuda-dir ~/cuda-8.0
      orchestrate build --device gpu --stack keras2-tensorflow-cntk --without-cuda
    """
    changes = {name: list(given[name]) for name in ("stacks", "backends")}
    config = override(load_config(given["config"]), device=given["device"], **changes)
    device: DeviceKind = "gpu" if config.device == "gpu" else "cpu"
    wanted, catalog = with_stacks(config.stacks, lambda: device, load_catalog(given["root"]), say, may_lock=True)
    names = _needed(wanted, config.backends, catalog)
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


def _needed(stacks: Sequence[str], backends: Sequence[str], catalog: Catalog) -> list[str]:
    """The wanted stacks that have a wanted backend. Raises UserError for a name that does not exist."""
    wanted = select(backends, (each.name for stack in catalog.stacks for each in stack.backends), "backend")
    names = select_stacks(stacks, catalog.stacks)
    return [name for name in names if any(each.name in wanted for each in catalog.stack(name).backends)]
