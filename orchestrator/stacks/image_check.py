"""Checks the image of a stack on a host without its device: what imports, what is missing, how large it is."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from orchestrator.host.docker_sdk import docker_sdk, listed_images
from orchestrator.host.fitness import version
from orchestrator.model import DeviceKind, Noun, Say, Stack, image_name
from orchestrator.stacks.cuda.fetch import exported
from orchestrator.stacks.found import images as found_images
from orchestrator.stacks.found.probe import Met
from orchestrator.stacks.images.engine import inspect
from orchestrator.stacks.images.inside import IN_CODE, OF_DRIVER, Inside, Wanted, read


class Checked(Noun, frozen=True, kw_only=True):
    """What one image is like. `faults`: why jobs would fail in it; `lines`: the same and the rest, for people."""

    name: str
    size_mb: int
    imports: dict[str, str]
    inside: Inside
    faults: list[str]

    @property
    def lines(self) -> Iterator[str]:
        code, inside = self.inside.code, self.inside
        yield f"imports: {', '.join(f'{name} {what}' for name, what in self.imports.items())}"
        whole = "; all that they need are there, or the driver's" if not inside.missing else ""
        yield f"libraries: {inside.libraries}{whole}"
        for wanted in inside.missing:
            if not IN_CODE.match(wanted.name.encode()):
                yield f"cannot be loaded: {_few(wanted)} ({wanted.name}), which matters only where it is used"
        tried = [wanted.name for wanted in inside.absent if not wanted.needed_by]
        yield f"named in code and not there: {', '.join(tried)}" if tried else ""
        ptx = "".join(f", PTX {number} for {capability} and newer" for capability, number in code.ptx.items())
        yield f"code of {code.binaries} fat binaries, NVIDIA's own libraries' too: {', '.join(code.native)}{ptx}"
        yield f"large: {', '.join(f'{name} {size} MB' for name, size in inside.large.items())}"
        yield from (f"FAULT {fault}" for fault in self.faults)


def check(client: Any, stack: Stack, device: DeviceKind, version_: str, say: Say) -> Checked:
    """Looks into the image of a stack, which is there. Raises HostError where no Python answers in it."""
    name = image_name(stack.name, device, version_)
    info = inspect(client, name)
    assert info is not None, "it was built"
    say(f"starting Python in {name}")
    _, seen = found_images.look(name, "docker")
    say(f"reading what is in {name} ({info.size_mb} MB)")
    with exported(client, name, say) as stream:
        inside = read(stream)
    known: dict[str, Met] = {library: each for library, each in seen.met.items()}
    met = {backend.name: known.get(backend.name) for backend in stack.backends if backend.name not in info.unusable}
    return Checked(
        name=name,
        size_mb=info.size_mb,
        imports={backend: _imported(each) for backend, each in met.items()},
        inside=inside,
        faults=[*_not_imported(met), *_missing(inside), *_other_code(stack, inside)],
    )


def stages(client: Any, stack: Stack, device: DeviceKind) -> set[str]:
    """The build stages that the engine keeps of a stack's images, by their ids; each is as large as the image."""
    labels = [f"org.keras-orchestrate.stack={stack.name}", f"org.keras-orchestrate.device={device}"]
    return {image.id for image in listed_images(client, {"dangling": True, "label": labels})}


def remove(client: Any, stack: Stack, device: DeviceKind, version_: str, before: set[str]) -> None:
    """Removes an image and the stages that it was built in, but for those that were there `before`."""
    client.images.remove(image_name(stack.name, device, version_))
    for stage in stages(client, stack, device) - before:
        with contextlib.suppress(docker_sdk().errors.APIError):  # somebody else's build may rest on it
            client.images.remove(stage)


def _driver(each: Met | None) -> str:
    """The library of the driver for want of which nothing could be imported; "" for none."""
    found = re.search(r"lib[\w-]+\.so[.\d]*", each.error) if each else None
    return found[0] if found and OF_DRIVER.match(found[0]) else ""


def _imported(each: Met | None) -> str:
    if _driver(each):
        return f"(not tried: it needs the driver's {_driver(each)})"
    return each.version if each and not each.error else "FAILED"


def _few(wanted: Wanted) -> str:
    return ", ".join(wanted.needed_by[:4])


def _not_imported(met: dict[str, Met | None]) -> Iterator[str]:
    for backend, each in met.items():
        if (each is None or each.error) and not _driver(each):
            yield f"{backend} cannot be imported: {each.error if each else 'it is not there'}"


def _missing(inside: Inside) -> Iterator[str]:
    """Of NVIDIA's libraries; extensions in a wheel may need others, and are loaded where somebody uses them."""
    for wanted in inside.missing:
        if IN_CODE.match(wanted.name.encode()):
            yield f"{wanted.name} is not there, and {_few(wanted)} cannot be loaded without it"


def _other_code(stack: Stack, inside: Inside) -> Iterator[str]:
    """Capabilities that the catalog promises machine code for, and that no library of the image has."""
    needs = stack.images["gpu"].gpu_needs if "gpu" in stack.images else None
    lowest = version(needs.compute_capability[0]) if needs else ()
    promised = [each for each in needs.native if version(each) >= lowest] if needs else []
    lacking = [each for each in promised if inside.code.binaries and each not in inside.capabilities]
    if lacking:
        yield f"there is no code for compute capability {', '.join(lacking)}, which docker/stacks.yaml promises"
