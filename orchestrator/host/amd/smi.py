"""Reads AMD's cards through AMD SMI. What a card or driver does not tell is None: "N/A" in the words of the binding."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from orchestrator.host.amd import setup
from orchestrator.host.amd.binding import Binding, opened
from orchestrator.host.amd.words import energy_j, memory_mb, number
from orchestrator.host.cards import GpuLost, Listed
from orchestrator.host.plausible import sifted
from orchestrator.model import Device, GpuEvents, GpuSample

#: Degrees of which a reading is of thousandths: AMD SMI before ROCm 6.
HOTTEST = 300
#: Sensors of heat, the best first: accelerators have no sensor at the edge.
SENSORS = ("HOTSPOT", "JUNCTION", "EDGE")


@contextmanager
def session() -> Iterator[Smi]:
    """The driver for the time of the block. Raises NoDriver."""
    with opened() as binding:
        yield Smi(binding)


class Smi:
    """What one thread asks of AMD's driver: `Cards`."""

    def __init__(self, binding: Binding) -> None:
        self._b = binding
        self.impossible: Counter[str] = Counter()
        self.silent: dict[str, str] = {}
        self._handles: dict[str, Any] = {}

    def devices(self) -> list[Device]:
        """Every card that answers, by the number that ROCm's programs have for it."""
        found: dict[str, Device] = {}
        handles: dict[str, Any] = {}
        for place, handle in enumerate(self._b.ask("get_processor_handles") or []):
            card = setup.device(self._b, place, handle)
            if card is None:
                self.silent[f"amd{place}"] = "AMD SMI tells nothing of it"
                continue
            uuid = str(card.uuid) if card.uuid not in found else f"{card.uuid}-{place}"  # parts of a card may share it
            found[uuid], handles[uuid] = replace(card, uuid=uuid), handle
        self._handles.update(handles)
        shared = Counter(card.runtime_name for card in found.values())
        cards = [c if shared[c.runtime_name] == 1 else replace(c, runtime_name=str(c.index)) for c in found.values()]
        return sorted(cards, key=lambda card: card.index or 0)

    def read(self, uuid: str, slow: bool = False) -> GpuSample:
        """A reading of all gauges and counters. Raises GpuLost for a card of which nothing answers."""
        handle = self._handle(uuid)
        ask = self._b.ask
        activity, vram = ask("get_gpu_activity", handle), ask("get_gpu_vram_usage", handle)
        fields: dict[str, Any] = {
            "util": number(activity, "gfx_activity"),
            "mem_util": number(activity, "umc_activity"),
            "mem_mb": number(vram, "vram_used"),
            **self._power(handle),
            "energy_j": energy_j(ask("get_energy_count", handle)),
            "temp_c": self._heat(handle),
            "sm_mhz": self._clock(handle, "GFX", "clk", "cur_clk"),
            "mem_mhz": self._clock(handle, "MEM", "clk", "cur_clk"),
        }
        if all(value is None for value in fields.values()):
            raise GpuLost("AMD SMI reads nothing of it any more")
        sample = GpuSample(t=time.monotonic(), uuid=uuid, **fields)
        found, odd = sifted(sample, {"mem_mb": (0, number(vram, "vram_total") or 0.0)})
        self.impossible.update(odd)
        return found

    def _power(self, handle: Any) -> dict[str, float | None]:
        """Watts: Instinct cards since MI300 tell those of now, others a mean."""
        told = self._b.ask("get_power_info", handle)
        now, mean = number(told, "current_socket_power"), number(told, "average_socket_power")
        either = number(told, "socket_power")
        return {"power_w": next((v for v in (mean, either, now) if v is not None), None), "power_now_w": now}

    def _heat(self, handle: Any) -> float | None:
        current = self._b.constant("AmdSmiTemperatureMetric", "CURRENT")
        for name in SENSORS:
            sensor = self._b.constant("AmdSmiTemperatureType", name)
            told = self._b.ask("get_temp_metric", handle, sensor, current) if sensor is not None else None
            if isinstance(told, int | float) and told > 0:
                return told / 1000 if told > HOTTEST else float(told)
        return None

    def _clock(self, handle: Any, kind: str, *keys: str) -> float | None:
        sort = self._b.constant("AmdSmiClkType", kind)
        return number(self._b.ask("get_clock_info", handle, sort), *keys) if sort is not None else None

    def finer(self, uuid: str) -> GpuSample | None:
        """Nothing: how parts of a card were used is not read."""
        return None

    def events(self, uuid: str) -> GpuEvents | None:
        """Nothing: errors that a card reports are not read."""
        return None

    def buffered(self, uuid: str, since_us: int) -> tuple[list[GpuSample], int]:
        """Nothing: AMD's driver keeps no record of its own."""
        return [], since_us

    def processes(self, uuid: str) -> list[Listed] | None:
        """(pid, MiB of the card's memory) of each process on a card."""
        told = self._b.ask("get_gpu_process_list", self._handle(uuid))
        if not isinstance(told, list):
            return None
        rows = [row for row in told if isinstance(row, dict) and isinstance(row.get("pid"), int)]
        return [(row["pid"], memory_mb(row)) for row in rows]

    def free_mb(self, uuid: str) -> int | None:
        """MiB of the card's memory that nobody has."""
        told = self._b.ask("get_gpu_vram_usage", self._handle(uuid))
        used, total = number(told, "vram_used"), number(told, "vram_total")
        return None if used is None or total is None else int(total - used)

    def max_sm_mhz(self, uuid: str) -> int | None:
        """The highest clock of the processors."""
        highest = self._clock(self._handle(uuid), "GFX", "max_clk")
        return None if highest is None else int(highest)

    def _handle(self, uuid: str) -> Any:
        if uuid not in self._handles:
            self.devices()
        try:
            return self._handles[uuid]
        except KeyError:
            raise GpuLost(f"no GPU answers to {uuid}") from None
