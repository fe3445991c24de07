"""What images that must be made would take: room and time, as they were measured (model.Measured). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.model import DeviceKind, ImageVariant, Noun, Stack
from orchestrator.text import duration, plural, room, whole_minutes

#: Room to ask for where no image of the kind was measured, MiB. Generous round figures.
IMAGE_MB: dict[DeviceKind, int] = {"cpu": 3 * 1024, "gpu": 10 * 1024}


class Expected(Noun, frozen=True, kw_only=True):
    """Of `images` to be made, `sized` were measured, and the builds of `timed`.

    `mb`: MiB of all of them, with what a build leaves in the engine's cache; `seconds`: one build after the other.
    """

    images: int = 0
    mb: int = 0
    sized: int = 0
    seconds: int = 0
    timed: int = 0


def expected(missing: Sequence[Stack], there: Iterable[Stack], device: DeviceKind) -> Expected:
    """What the images of `missing` take on an engine that has those of `there`, whose layers some of them share."""
    images = [stack.images[device] for stack in missing]
    measured = [image.measured for image in images if image.measured]
    at_hand = {_layers(stack, device) for stack in there if device in stack.images}
    shared = {_layers(s, device): m.shared_mb for s in missing if (m := s.images[device].measured)}
    seconds = [each.seconds for each in measured if each.seconds]
    return Expected(
        images=len(images),
        mb=sum(map(_own_mb, images))
        + sum(mb for layers, mb in shared.items() if layers not in at_hand)
        + IMAGE_MB[device] * (len(images) - len(measured)),
        sized=len(measured),
        seconds=sum(seconds),
        timed=len(seconds),
    )


def _layers(stack: Stack, device: DeviceKind) -> tuple[str, ...]:
    """What the layers of an image depend on that it shares with others."""
    return (stack.base, stack.python, *sorted(stack.images[device].apt_packages))


def _own_mb(image: ImageVariant) -> int:
    """What only this image has: its packages, twice, as the stage that they are installed in stays in the cache."""
    return 2 * (image.measured.mb - image.measured.shared_mb) if image.measured else 0


def in_words(found: Expected) -> str:
    """`3 images to make: about 4.1 GiB with ...; about 5 min 00 s one after another, sooner ...`."""
    return f"{plural(found.images, 'image')} to make: {room_in_words(found)}; {time_in_words(found)}"


def room_in_words(found: Expected) -> str:
    """How much room the images take, as far as somebody measured them."""
    unsized = found.images - found.sized
    guessed = f", {plural(unsized, 'image')} of unknown size among them" if unsized else ""
    return f"about {room(found.mb)} with what their builds leave in the cache{guessed}"


def time_in_words(found: Expected) -> str:
    """How long the builds take, as far as somebody timed them."""
    if not found.timed:
        return "unknown, as nobody timed such builds"
    about = f"about {duration(whole_minutes(found.seconds))}"
    if found.images > 1:
        about += " one after another, sooner as two are built at once"
    untimed = found.images - found.timed
    return f"{about}, and {plural(untimed, 'image')} of unknown length" if untimed else about
