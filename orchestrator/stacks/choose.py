"""Chooses the provisioner that a configuration and this host call for."""

from __future__ import annotations

from orchestrator.errors import HostError
from orchestrator.launchers import runtimes
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.model import DeviceKind, Say
from orchestrator.plan.catalog import Catalog
from orchestrator.stacks import runtime
from orchestrator.stacks.docker import DockerProvisioner
from orchestrator.stacks.images import engine
from orchestrator.stacks.process import ProcessProvisioner
from orchestrator.stacks.provisioner import Provisioner
from orchestrator.stacks.settings import BuildSettings


def planning_launcher(wish: str, catalog: Catalog, device: DeviceKind, context: RunContext) -> Launcher:
    """A launcher that can only describe: nothing is asked of an engine, nothing is made ready."""

    def silent(line: str) -> None:
        pass

    settings = BuildSettings()
    site: DockerProvisioner | ProcessProvisioner | runtime.RuntimeProvisioner
    if wish == "process":
        site = ProcessProvisioner(catalog, silent)
    elif wish in ("auto", "docker"):
        site = DockerProvisioner(None, catalog, settings, False, silent)
    else:
        site = runtime.RuntimeProvisioner(wish, None, catalog, settings, False, silent)
    site.assume(catalog.stacks, device)
    return site.launcher(context)


def choose_provisioner(
    wish: str, catalog: Catalog, settings: BuildSettings, build: bool, say: Say, keras_spec: str | None
) -> Provisioner:
    """Docker where an engine answers, else processes; which and why is said. Raises HostError for a firm wish.

    `wish` is "auto", "docker", "process", or another container runtime, by its name or its file.
    """
    if wish == "process" or (wish == "auto" and keras_spec):
        say("launcher: process (asked for)" if wish == "process" else "launcher: process (for --keras-spec)")
        return ProcessProvisioner(catalog, say, keras_spec)
    if keras_spec:
        raise HostError("--keras-spec works with virtual environments only", "add `--launcher process`")
    if wish not in runtimes.BASIC:
        return runtime.provisioner(wish, catalog, settings, build, say)
    try:
        client = engine.connect()
    except HostError as error:
        if wish == "docker":
            raise
        say(f"launcher: process, since no engine answers ({error.message})")
        return ProcessProvisioner(catalog, say)
    say("launcher: docker")
    return DockerProvisioner(client, catalog, settings, build, say)
