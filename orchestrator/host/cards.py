"""What the program asks of a maker of GPUs: the interface that the makers' packages have in common.

A maker's package (nvidia/, amd/) has a `Maker`; makers.py lists them. What a card or its driver does not tell is None,
or empty: nobody who reads asks whose card it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from orchestrator.errors import HostError
from orchestrator.host.checks import Check
from orchestrator.host.visible import Choice
from orchestrator.model import Device, GpuEvents, GpuSample, Noun

#: A process as a driver lists it: its number, and MiB.
Listed = tuple[int, float | None]
#: Seconds that any call may take. The first of a host without persistence mode takes up to 3.2 s for each GPU.
BOUND_S = 30.0


class NoDriver(HostError):
    """No driver of this maker answers. `absent`: none is installed, which is what a host without a GPU looks like."""

    def __init__(self, message: str, hint: str = "", absent: bool = False) -> None:
        super().__init__(message, hint)
        self.absent = absent


class DriverHangs(NoDriver):
    """The driver took a call and gave no answer. It is not asked again by this process."""


class GpuLost(Exception):
    """The card does not answer any more: fell off the bus, or needs a reset."""


class Handed(Noun, frozen=True, kw_only=True):
    """What gives a container one card by its device files: those, the groups that may open them, and variables."""

    files: list[str]
    groups: list[int]
    environment: dict[str, str]


class Cards(Protocol):
    """What one thread asks of a driver while it has it open. A GPU, or a part of one, is named by its UUID.

    Every call with a UUID raises GpuLost, and `bounded.NoAnswer` for a driver that hangs.
    """

    #: How many readings no card can show, by the field of a sample.
    impossible: Counter[str]
    #: GPUs that are listed and do not answer: their error, by number.
    silent: dict[str, str]

    def devices(self) -> list[Device]:
        """Every GPU that answers, in the driver's order."""

    def read(self, uuid: str, slow: bool = False) -> GpuSample:
        """All gauges and counters, in the units of `GpuSample`. `slow`: also what takes long to read."""

    def finer(self, uuid: str) -> GpuSample | None:
        """How the parts of a card were used since the last call."""

    def events(self, uuid: str) -> GpuEvents | None:
        """The errors that a GPU reported since the last call."""

    def buffered(self, uuid: str, since_us: int) -> tuple[list[GpuSample], int]:
        """What the driver itself recorded after `since_us` of its clock, and its newest stamp."""

    def processes(self, uuid: str) -> list[Listed] | None:
        """The processes that compute on a GPU."""

    def free_mb(self, uuid: str) -> int | None:
        """MiB that a job can still take."""

    def max_sm_mhz(self, uuid: str) -> int | None:
        """The highest clock of the processors."""


class Maker(Protocol):
    """The cards of one maker: how they are reached, and how a job is confined to one."""

    #: As people write it; `Device.maker` of its cards.
    name: str
    #: What mends a driver of which no card answers.
    remedy: str

    def session(self) -> AbstractContextManager[Cards]:
        """The driver, open for a block. Raises NoDriver. Without a card and driver of this maker it costs nothing."""

    def environment(self, device: Device, given: Mapping[str, str], caller: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process that is to see this card alone, from what it is given otherwise.

        `caller`: the variables of whoever started the program.
        """

    def handed(self, device: Device) -> Handed | None:
        """What a container is given of a card; None where a container's runtime knows how (launchers/gpu_routes.py)."""

    def left(self, gpus: Sequence[Device], environ: Mapping[str, str], in_container: bool) -> Choice:
        """This maker's among a host's GPUs, of those that the caller's variables leave."""

    def fewer(self, uuid: str) -> str:
        """Why a GPU has fewer figures than a whole card, in words; "" where it has not."""

    def deadly(self, errors: Iterable[int]) -> str:
        """Those of the errors that a card reported of which programs on it die, in words; "" for none."""

    def trial(self, gpu: Device, leased: str, caller: Mapping[str, str]) -> Check:
        """Whether a program can use a card, tried by one that does. `leased`: who has it now, "" for nobody."""
