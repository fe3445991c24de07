"""Chooses the provisioner that a launcher's name and this host call for."""

from __future__ import annotations

from orchestrator import extras
from orchestrator.errors import HostError
from orchestrator.launchers import runtimes
from orchestrator.model import Say
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import Request
from orchestrator.stacks.docker import DockerProvisioner
from orchestrator.stacks.images.engine import Engine
from orchestrator.stacks.process import ProcessProvisioner
from orchestrator.stacks.provisioner import Provisioner
from orchestrator.stacks.runtime import RuntimeProvisioner
from orchestrator.stacks.venvs import Way
from orchestrator.text import silent


def choose_provisioner(launcher: str, request: Request, catalog: Catalog, engine: Engine, say: Say) -> Provisioner:
    """Docker where an engine answers, else processes; which and why is said.

    `launcher` is "auto", "docker", "process", or another container runtime, by its name or its file.
    Raises HostError for one that was asked for by name and cannot be used here.
    """
    keras_spec = request.keras_spec
    if launcher == "process" or (launcher == "auto" and keras_spec):
        say("launcher: process (asked for)" if launcher == "process" else "launcher: process (for --keras-spec)")
        return ProcessProvisioner(catalog, say, keras_spec, way_of(request))
    if keras_spec:
        raise HostError("--keras-spec works with virtual environments only", "add `--launcher process`")
    if launcher not in runtimes.BASIC:
        return _runtime(launcher, request, catalog, engine, say)
    try:
        client = engine.client()
    except HostError as error:
        if launcher == "docker":
            raise
        say(f"launcher: process, since no engine answers ({error.message})")
        return ProcessProvisioner(catalog, say, way=way_of(request))
    say("launcher: docker")
    return DockerProvisioner(client, catalog, request.build, request.may_build, say)


def way_of(request: Request) -> Way:
    """What the options of builds say of environments, which are built, too."""
    build = request.build
    return Way(index=build.pip_index_url, ca_bundle=build.ca_bundle, may_make=request.may_build)


def _runtime(name: str, request: Request, catalog: Catalog, engine: Engine, say: Say) -> Provisioner:
    """Another container runtime, with the images of the Docker engine where one answers."""
    runtime = runtimes.load(name)
    runtimes.check_usable(runtime)
    try:
        client = engine.client()
        say(f"launcher: {runtime.name}, with the images of the Docker engine")
    except HostError as error:
        client = None
        say(f"launcher: {runtime.name}, with the images that it has (no engine answers: {error.message})")
    return RuntimeProvisioner(name, client, catalog, request.build, request.may_build, say)


def planning_provisioner(launcher: str, request: Request, catalog: Catalog) -> Provisioner:
    """A provisioner that can only describe: nothing is asked of an engine, nothing is made ready."""
    if launcher == "process" or (launcher == "auto" and not extras.is_there("docker")):
        return ProcessProvisioner(catalog, silent, request.keras_spec)
    if launcher in ("auto", "docker"):
        return DockerProvisioner(None, catalog, request.build, False, silent)
    return RuntimeProvisioner(launcher, None, catalog, request.build, False, silent)
