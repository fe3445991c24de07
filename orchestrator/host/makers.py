"""The makers of GPUs that this program knows; one of them has each GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from orchestrator.host.amd.maker import Amd
from orchestrator.host.cards import Cards, Maker
from orchestrator.host.nvidia.maker import Nvidia
from orchestrator.host.visible import Choice
from orchestrator.model import Device, maker_of

#: In the order in which a host's GPUs are listed.
MAKERS: tuple[Maker, ...] = (Nvidia(), Amd())


def of(uuid: str) -> Maker:
    """Who made a GPU."""
    return next(maker for maker in MAKERS if maker.name == maker_of(uuid))


def session(uuid: str) -> AbstractContextManager[Cards]:
    """The driver of a GPU, open for a block. Raises NoDriver."""
    return of(uuid).session()


def shared_out(gpus: Sequence[Device]) -> Iterator[tuple[Maker, list[Device]]]:
    """The GPUs by their makers, of those who have any."""
    for maker in MAKERS:
        mine = [gpu for gpu in gpus if gpu.maker == maker.name]
        if mine:
            yield maker, mine


def left(gpus: Sequence[Device], environ: Mapping[str, str], in_container: bool) -> tuple[Choice, str]:
    """The GPUs that the caller's variables leave, maker by maker; and whose variables are wrong, "" for nobody's."""
    choices = [(maker.name, maker.left(gpus, environ, in_container)) for maker in MAKERS]
    wrong = next((name for name, choice in choices if choice.trouble), "")
    together = Choice(
        gpus=[gpu for _, choice in choices for gpu in choice.gpus],
        words="; ".join(choice.words for _, choice in choices if choice.words),
        trouble="; ".join(choice.trouble for _, choice in choices if choice.trouble),
    )
    return together, wrong
