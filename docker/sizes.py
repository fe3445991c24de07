"""Write what images take, `measured:`, into stacks.yaml and eras/*.yaml: read from the engine, never typed.

Usage: python docker/sizes.py [STACK ...]           (of all stacks, or of these, whose images the engine has)
       python docker/sizes.py --build STACK ...     (also how long a build of these takes, with every layer made anew;
                                                     the engine's own image of that name stays what it was; on a
                                                     quiet host only)

`mb`: MiB on the engine. `shared_mb`: those of all layers below the packages, which other images of the same base,
Python and Debian packages have, too. `seconds` stays as it was where nothing is built, and is absent where nobody ever
timed a build. An image of another recipe than today's is left out. `orchestrate plan` and `build` tell all this
beforehand (orchestrator/stacks/expected.py).
"""

import math
import os
import re
import sys

from orchestrator import __version__
from orchestrator.model import Measured, image_name
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images import build
from orchestrator.stacks.images.engine import Engine, inspect
from orchestrator.stacks.images.recipe import plain

MIB = 2**20
#: Nothing but the packages, and the files of CUDA, is copied into an image; what is below them others have, too.
COPIED = "COPY"
STACK_LABEL = "org.keras-orchestrate.stack"


def main(words):
    """The command line; returns the exit code."""
    timed = words[:1] == ["--build"]
    names = words[1:] if timed else words
    if (timed and not names) or any(name.startswith("-") for name in names):
        print(__doc__, file=sys.stderr)
        return 2
    if timed and (busy := others_at_work(os.getloadavg()[0], os.cpu_count() or 1)):
        print(busy, file=sys.stderr)
        return 3
    catalog, client = load_catalog(), Engine().client()
    chosen = [catalog.stack(name) for name in names] or catalog.stacks
    for stack, device in [(each, device) for each in chosen for device in each.images]:
        name = image_name(stack.name, device, __version__)
        found = inspect(client, name)
        seconds = None
        if timed and (found or device == "cpu"):  # one for a GPU takes 10 GB, and maybe CUDA's files
            seconds = build_seconds(client, stack, device, catalog)
            found = inspect(client, name)
        if found is None or found.dockerfile_sha256 != plain(catalog, stack, device).sha256:
            print(f"{name}: {'not here' if found is None else 'of another recipe than ours'}", file=sys.stderr)
            continue
        old = stack.images[device].measured
        measured = of_image(client.api.history(found.id), seconds or (old.seconds if old else None))
        text = in_yaml(measured)
        path = catalog.eras_dir / f"{stack.name}.yaml" if stack.like else catalog.docker_dir / "stacks.yaml"
        write = with_era if stack.like else with_stack
        path.write_text(write(path.read_text(encoding="utf-8"), stack.name, device, text), encoding="utf-8")
        print(f"{name}: {text}")
    return 0


def others_at_work(load, cores):
    """Why no build is timed now; "" where this host is quiet enough."""
    if load <= cores / 2:
        return ""
    return f"not timed: a load of {load:.1f} on {cores} cores, and a build that waits for others tells nothing"


def build_seconds(client, stack, device, catalog):
    """Seconds of one build with all its layers. The image that had the name gets it back; the new one goes."""
    name = image_name(stack.name, device, __version__)
    before, stages = inspect(client, name), nameless(client, stack)
    made = build.build(client, stack, device, catalog, BuildSettings(no_cache=True), print)
    if before:
        repository, _, tag = name.rpartition(":")
        client.images.get(before.id).tag(repository, tag=tag)
        client.api.remove_image(made.id)
    for image in nameless(client, stack) - stages:
        client.api.remove_image(image)
    return math.ceil(made.seconds)


def nameless(client, stack):
    """The stages that builds of a stack left behind."""
    found = client.api.images(quiet=True, filters={"dangling": True, "label": f"{STACK_LABEL}={stack.name}"})
    return set(found)


def of_image(history, seconds):
    """What an engine's `image history`, the newest layer first, says of an image whose build took so long."""
    sizes = [layer["Size"] for layer in history]
    first = max(i for i, layer in enumerate(history) if COPIED in layer["CreatedBy"])
    mb, shared_mb = (math.ceil(sum(part) / MIB) for part in (sizes, sizes[first + 1 :]))
    return Measured(mb=mb, shared_mb=shared_mb, seconds=seconds)


def in_yaml(measured):
    """`{mb: 863, shared_mb: 665, seconds: 95}`."""
    fields = {name: getattr(measured, name) for name in ("mb", "shared_mb", "seconds")}
    return "{" + ", ".join(f"{name}: {value}" for name, value in fields.items() if value is not None) + "}"


def with_era(text, _stack, device, measured):
    """The file of a stack of other years with a device's entry of `measured`, which stands at its end."""
    kept, _, entries = text.partition("measured:\n")
    others = [line for line in entries.splitlines() if line and not line.startswith(f"  {device}:")]
    return "\n".join([kept.rstrip("\n"), "measured:", *sorted([*others, f"  {device}: {measured}"])]) + "\n"


def with_stack(text, stack, device, measured):
    """stacks.yaml with `measured` at the end of a stack's image for a device."""
    lines = text.splitlines()
    start = lines.index(f"  - name: {stack}")
    images = lines.index("    images:", start)
    first = next(i for i in range(images, len(lines)) if re.match(rf"      {device}:( |$)", lines[i])) + 1
    deeper = range(first, len(lines))
    end = next((i for i in deeper if lines[i].strip() and not lines[i].startswith(" " * 8)), len(lines))
    block = [line for line in lines[first:end] if not line.startswith(" " * 8 + "measured:")]
    return "\n".join([*lines[:first], *block, f"        measured: {measured}", *lines[end:]]) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
