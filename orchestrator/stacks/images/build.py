"""Builds the image of a stack unless one of the same recipe is there."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from orchestrator import __version__
from orchestrator.errors import HostError, UserError
from orchestrator.files import cache_folder, own_folder
from orchestrator.host.docker_sdk import docker_sdk
from orchestrator.model import DeviceKind, Noun, Say, Stack, image_name
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks import indexes
from orchestrator.stacks.images import traces
from orchestrator.stacks.images.base import ensure_base
from orchestrator.stacks.images.context import build_arguments, host_files, sources_of_build, write_context
from orchestrator.stacks.images.engine import BASE_LABEL, RECIPE_LABEL, ImageInfo, inspect
from orchestrator.stacks.images.recipe import Recipe, choose, plain
from orchestrator.text import listed, public

#: Seconds without a line of output after which a build counts as hung; installing a wheel prints nothing.
SILENCE_S = 1800
#: Lines of a failed step that are shown, and characters of each.
TAIL, WIDTH = 8, 240
FAILED = "FAILED: "
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

#: What the last lines of a failed build mean, and what to do about it.
HINTS = (
    (
        "CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        "Name your proxy's CA certificates with --ca-bundle.",
    ),
    ("Missing in docker/cuda", "docker/CUDA.md says where each file comes from."),
    ("No space left on device", "The engine's disk is full: `docker system df`, then `docker system prune`."),
    ("DO NOT MATCH THE HASHES", "The package index served other files than were locked: do not use it."),
    (
        "Temporary failure|Could not resolve|Failed to fetch|Connection (refused|timed out)|NewConnectionError",
        "The build needs Debian's mirror and a package index: --debian-mirror, --pip-index-url, proxy variables.",
    ),
    (
        "cannot share the host's network namespace",
        "The engine remaps users and has no bridge network, or your proxy listens on this host only: build with "
        "another engine, then `orchestrate images save` and `load`.",
    ),
    (
        "does not have a Release file|no longer has a Release file",
        "The release has moved to Debian's archive: --debian-mirror http://archive.debian.org/debian",
    ),
    (
        "Unable to locate package",
        "The base image is of another Debian release than the stack's, or its mirror is incomplete.",
    ),
    (
        "No matching distribution",
        "The package index lacks a locked file: name one that has it with --pip-index-url, "
        "or a folder with the wheel in PIP_FIND_LINKS.",
    ),
)


class BuiltImage(Noun, frozen=True, kw_only=True):
    """An image that the engine has. `seconds` is the time of the build; `reused` means that none was needed."""

    name: str
    id: str
    seconds: float
    reused: bool


class Due(Noun, frozen=True, kw_only=True):
    """An image that is to be built: from which files, on which base image, with which arguments."""

    name: str
    base: str
    recipe: Recipe
    files: dict[str, Path]
    arguments: dict[str, str]
    log: Path
    no_cache: bool


def build(
    client: Any, stack: Stack, device: DeviceKind, catalog: Catalog, settings: BuildSettings, say: Say
) -> BuiltImage:
    """Build the image of a stack, unless one of the same recipe (Dockerfile and locks) is there.

    Raises HostError with the failing step's last lines and what to do, UserError for a wrong setting.
    """
    due = look(client, stack, device, catalog, settings, say)
    return due if isinstance(due, BuiltImage) else make(client, due, say)


def look(
    client: Any, stack: Stack, device: DeviceKind, catalog: Catalog, settings: BuildSettings, say: Say
) -> BuiltImage | Due:
    """The image of this recipe that is there, else what it is to be built from, with its base image made.

    Raises as `build` does.
    """
    if device not in stack.images:
        raise UserError(f"{stack.name} has no {device} image", f"It has: {', '.join(stack.images)}.")
    base_of = catalog.bases[stack.base]
    if base_of.pythons and stack.python not in base_of.pythons:
        has = "; ".join(f"{name} has {listed(base.pythons)}" for name, base in catalog.bases.items() if base.pythons)
        raise HostError(f"no base image has Python {stack.python} ({has})", "take one of these, or --launcher process")
    name = image_name(stack.name, device, __version__)
    present = inspect(client, name)
    if present and is_current(present, plain(catalog, stack, device), settings):
        return BuiltImage(name=name, id=present.id, seconds=0.0, reused=True)
    recipe = choose(client, stack, device, catalog, settings, say)
    if present and is_current(present, recipe, settings):
        return BuiltImage(name=name, id=present.id, seconds=0.0, reused=True)
    lock = recipe.files[f"requirements/{stack.name}-{device}.txt"].read_text(encoding="utf-8")
    sources = sources_of_build(settings, indexes.find(os.environ))
    own_files = host_files(sources, lock, say)
    base = settings.base_image or ensure_base(
        client, catalog.bases[stack.base], settings.base_mode, say, settings.debian_mirror
    )
    index, has_wheels = stack.images[device].index, any(path.startswith("wheels/") for path in own_files)
    own = [index] if index and not has_wheels else []  # with its wheels at hand it is not needed
    for line in (*sources.notes, f"the packages of {name} come from {sources.words(own)}"):
        say(line)
    return Due(
        name=name,
        base=base,
        recipe=recipe,
        files={**recipe.files, **own_files},
        arguments=build_arguments(settings, sources, os.environ, base, own, index),
        log=log_file(settings, name),
        no_cache=settings.no_cache,
    )


def make(client: Any, due: Due, say: Say) -> BuiltImage:
    """Build an image from what `look` found. Raises HostError, with the last lines of the step that failed."""
    started = time.monotonic()
    say(f"building {due.name}")
    with tempfile.TemporaryFile() as context:
        write_context(context, due.recipe.dockerfile, due.files)
        context.seek(0)
        request = {
            "tag": due.name,
            "buildargs": due.arguments,
            "labels": {RECIPE_LABEL: due.recipe.sha256, BASE_LABEL: due.base, **due.recipe.labels},
            "nocache": due.no_cache,
            "network_mode": build_network(client, due.arguments),
        }
        with traces.removed(client, due.arguments):
            stream_build(client, context, request, due.log, say)
    built = inspect(client, due.name)
    if built is None:
        raise HostError(f"the engine built {due.name} and then did not have it", "Is something else removing images?")
    seconds = time.monotonic() - started
    say(f"{due.name}: {built.size_mb} MB, built in {seconds:.0f} s")
    return BuiltImage(name=due.name, id=built.id, seconds=seconds, reused=False)


def is_current(present: ImageInfo, recipe: Recipe, settings: BuildSettings) -> bool:
    """Whether the image that is there is the one that would be built."""
    other_base = settings.base_image not in (None, present.base)
    other_cuda = settings.cuda_dir or settings.cuda_base or settings.cuda_routes
    return present.dockerfile_sha256 == recipe.sha256 and not (settings.no_cache or other_base or other_cuda)


def build_network(client: Any, arguments: Mapping[str, str]) -> str:
    """The network of a build: the host's if the engine has no bridge, or if what it needs listens on this host only."""
    needed = [value for name, value in arguments.items() if name.lower().endswith(("_proxy", "_index_url", "_links"))]
    here = any(re.search(r"//([^/\s]*@)?(localhost|127\.|\[::1\])", value) for value in needed)
    has_bridge = any(network.name == "bridge" for network in client.networks.list())
    return "default" if has_bridge and not here else "host"


def log_file(settings: BuildSettings, name: str) -> Path:
    """The file for the whole output of this build; its folder is made. Raises HostError."""
    folder = Path(settings.log_dir) if settings.log_dir else cache_folder() / "builds"
    own_folder(folder)
    return folder / (re.sub(r"[/:]", "_", name) + ".log")


def stream_build(client: Any, context: IO[bytes], request: Mapping[str, Any], log: Path, say: Say) -> None:
    """Run the build; every line goes to `log`, every step to `say`. Raises HostError if a step fails."""
    try:
        answers = client.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile="Dockerfile",
            decode=True,
            rm=True,
            forcerm=True,
            timeout=SILENCE_S,
            **request,
        )
        with log.open("w", encoding="utf-8") as file:
            follow(answers, file, log, request["tag"], say)
    except (docker_sdk().errors.DockerException, OSError) as error:
        raise HostError(
            f"the build of {request['tag']} was cut short: {public(str(error))}", f"Whole output: {log}"
        ) from error


def follow(answers: Iterable[Mapping[str, Any]], file: IO[str], log: Path, name: str, say: Say) -> None:
    """Read the engine's answers to the end. Raises HostError, with the last lines, if a step fails."""
    step: list[str] = []
    for line in output_lines(answers):
        file.write(line + "\n")
        if line.startswith("Step "):
            step = []
        step.append(line)
        shown = re.match(r"Step (\d+/\d+) : ((?:FROM|COPY|RUN) .*)", line)
        if shown:
            say(f"{name} {shown[1]}: {shown[2][:80]}")
        if line.startswith(FAILED):
            raise build_failure(name, step, log)


def output_lines(answers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Whole lines without colours; the engine cuts them anywhere. An error is a line that begins with FAILED."""
    rest = ""
    for answer in answers:
        if "error" in answer:
            yield from filter(None, [public(rest)])
            yield FAILED + public(str(answer["error"]))
            return
        *lines, rest = COLOURS.sub("", rest + str(answer.get("stream", ""))).split("\n")
        yield from (public(line.rstrip()) for line in lines)
    yield from filter(None, [public(rest)])


def build_failure(name: str, step: list[str], log: Path) -> HostError:
    """The error for people: the step that failed, its last lines, what to do."""
    title, *lines, error = step if len(step) > 1 else ["", *step]
    lines = [line[:WIDTH] for line in lines if line.strip() and not line.startswith((" --->", "Removing intermediate"))]
    # The engine repeats the step's whole command before its exit code.
    error = re.sub(r"^The command '.*' returned", "the command returned", error.removeprefix(FAILED), flags=re.DOTALL)
    where = f" at {title[:80]}" if title else ""
    text = "\n  ".join([f"the build of {name} failed{where}", *lines[-TAIL:], error[:WIDTH]])
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, "\n".join(step))), "")
    return HostError(text, f"{hint} Whole output: {log}".strip())
