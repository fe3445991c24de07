"""Renders the Dockerfiles and compose.yaml from the catalog. Pure: texts in, texts out."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrator.model import DeviceKind, ImageVariant, Stack, image_name
from orchestrator.plan.catalog import Catalog

LIBRARIES = "/usr/lib/x86_64-linux-gnu"
CUDA_LIBRARIES = "/opt/cuda/lib"
#: What the NVIDIA container runtime reads: all devices that it was told to give; compute and NVML.
NVIDIA_ENV = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}


def rendered_files(catalog: Catalog, version: str) -> dict[str, str]:
    """Every generated file: its path below the root, and its text."""
    files = {
        f"docker/{stack.name}/{device}.Dockerfile": render_dockerfile(catalog, stack, device, version)
        for stack in written(catalog)
        for device in stack.images
    }
    return {**files, "compose.yaml": render_compose(catalog, version)}


def written(catalog: Catalog) -> list[Stack]:
    """The stacks whose Dockerfiles lie in a checkout; those of files are made from them when they are built."""
    return [stack for stack in catalog.stacks if stack.like is None and stack.own is None]


def render_dockerfile(
    catalog: Catalog, stack: Stack, device: DeviceKind, version: str, without_cuda: bool = False
) -> str:
    """The Dockerfile of one image; its build context is docker/."""
    variant = bare(stack.images[device]) if without_cuda else stack.images[device]
    return render(
        catalog.dockerfile_template,
        stack=stack,
        device=device,
        variant=variant,
        base=catalog.bases[stack.base],
        version=version,
        image=image_name(stack.name, device, version),
        env={**(NVIDIA_ENV if device == "gpu" else {}), **variant.env},
        **packages(stack, variant),
        finish=finish_commands(variant, stack, device),
    )


def render_compose(catalog: Catalog, version: str) -> str:
    """compose.yaml: every image as a service, hardened as `orchestrate run` hardens its jobs."""

    def name(stack: Stack, device: DeviceKind) -> str:
        return image_name(stack.name, device, version)

    return render(catalog.compose_template, stacks=written(catalog), bases=catalog.bases, image_name=name)


def render(template: str, **names: Any) -> str:
    """Fill in one template; a name that it lacks is an error, never an empty text."""
    from jinja2 import Environment, StrictUndefined  # only here: most commands render nothing

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(template).render(**names)


def packages(stack: Stack, variant: ImageVariant) -> dict[str, Any]:
    """Debian packages of the build stage and of the final stage."""
    interpreter = f"python{stack.python}"
    python2 = stack.python.startswith("2.")
    tools = ["python3-pip", "python3-virtualenv"] if python2 else [f"{interpreter}-venv"]
    return {
        "python2": python2,
        "build_packages": sorted({"ca-certificates", interpreter, *tools, *variant.build_packages}),
        "apt_packages": sorted({interpreter, *variant.apt_packages}),
    }


def bare(variant: ImageVariant) -> ImageVariant:
    """The variant without files from outside PyPI and Debian, for backends whose wheels contain CUDA."""
    links = {name: target for name, target in variant.links.items() if not target.startswith(CUDA_LIBRARIES)}
    return msgspec.structs.replace(variant, cuda=[], sources=[], links=links)


def finish_commands(variant: ImageVariant, stack: Stack, device: DeviceKind) -> list[str]:
    """The shell commands that finish the final image, after packages and environment are in it."""
    commands = [f"ln -s {target} {LIBRARIES}/{name}" for name, target in variant.links.items()]
    if variant.cuda:
        commands.append(f"echo {CUDA_LIBRARIES} > /etc/ld.so.conf.d/cuda.conf")
    if variant.links or variant.cuda:
        commands.append("ldconfig")
    # Jobs run as whoever called; a new named volume takes over the mode of the folder it covers.
    commands += [f"install -d -m 1777 {cache.path}" for cache in stack.caches_for(device)]
    return ["set -eu", *commands] if commands else []
