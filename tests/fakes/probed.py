"""Makes the stub driver answer as a real one did, from what tests/gpu/probe.py wrote down on its host.

`probes/NAME.json` is such a file; another one from the same kind of host takes its place. What is there now for the
H200 was put into this form from the record of 2026-11-26 (tests/replay/h200.tar.xz), which an older probe made; its
power at rest and its throughput are nvidia-smi's of that minute. What that probe did not ask is absent.
"""

from __future__ import annotations

import itertools
import json
import statistics
from pathlib import Path
from typing import Any

PROBES = Path(__file__).with_name("probes")
#: Key of the stub -> where the answer is: the fact's name, and a place in it.
ANSWERS: dict[str, tuple[Any, ...]] = {
    "name": ("Name",), "uuid": ("UUID",), "minor": ("MinorNumber",), "mig": ("MigMode", 0),
    "compute_mode": ("ComputeMode",), "persistence": ("PersistenceMode",), "ecc": ("EccMode", 0),
    "limit_mw": ("EnforcedPowerLimit",), "max_sm_mhz": ("MaxClockInfo",), "app_sm_mhz": ("ApplicationsClock",),
    "pcie_generation": ("CurrPcieLinkGeneration",), "pcie_width": ("CurrPcieLinkWidth",),
    "virtual": ("VirtualizationMode",), "temp": ("Temperature",), "sm_mhz": ("ClockInfo",),
    "mem_mhz": ("ClockInfo memory",), "power_mw": ("PowerUsage",), "util": ("UtilizationRates", "gpu"),
    "util_mem": ("UtilizationRates", "memory"), "event_types": ("SupportedEventTypes",),
    "pcie_sent": ("PcieThroughput",), "pcie_received": ("PcieThroughput received",), "instance": ("GpuInstanceId",),
    "gpm": ("gpm supported", "isSupportedDevice"), "mem_reserved": ("MemoryInfo v2", "reserved"),
}  # fmt: skip
#: Names of the probe -> numbers of GPM's metrics.
GPM = {"sm": 2, "occupancy": 3, "tensor": 5, "dram": 10, "pcie sent": 20, "pcie received": 21}
#: The calls whose time is copied, where it is more than this many milliseconds.
SLOW = {"energy_mj": "TotalEnergyConsumption", "buffer": "Samples"}
SLOW_MS = 1.0
#: Stamps that are nearer than this to the wall clock are the wall clock's, seconds.
NEAR_S = 5.0


def load(name: str) -> dict[str, Any]:
    """A probe by its name."""
    probe: dict[str, Any] = json.loads((PROBES / f"{name}.json").read_text())
    return probe


def state(probe: dict[str, Any]) -> dict[tuple[Any, str], Any]:
    """The state of a stub host (nvml_host.StubHost) that answers as the probe says."""
    found: dict[tuple[Any, str], Any] = {
        ("-", "driver"): probe["driver"], ("-", "cuda"): probe["cuda"], ("-", "count"): len(probe["cards"]),
    }  # fmt: skip
    under_load = told(probe, "under load", "gpm")
    for index, card in enumerate(probe["cards"]):
        gpm = under_load if isinstance(under_load, dict) else told(card, "gpm at rest")
        keys = {
            **facts(card),
            **record(card),
            **({"board": min([index, *board])} if (board := card["same board"]) else {}),
        }
        keys |= {f"gpm_{GPM[name]}": value for name, value in (gpm or {}).items() if number(value) is not None}
        found |= {(index, key): value for key, value in keys.items()}
        for place, part in card.get("slices", {}).items():
            found |= {(f"{index}:{place}", key): value for key, value in facts(part).items()}
    return found


def facts(card: dict[str, Any]) -> dict[str, Any]:
    """The keys of one card or slice that are single answers."""
    found = {key: told(card, *place) for key, place in ANSWERS.items()}
    capability = told(card, "CudaComputeCapability")
    found["capability"] = ".".join(map(str, capability)) if capability else None
    memory = told(card, "MemoryInfo v2") or told(card, "MemoryInfo") or {}
    found |= {"mem_total": memory.get("total"), "mem_used": memory.get("used")}
    throttle = [told(card, f"CurrentClocks{name}Reasons") for name in ("Event", "Throttle")]
    found["throttle"] = next((mask for mask in throttle if mask is not None), None)
    found |= zip(("power_average_mw", "power_now_mw"), fields(card), strict=False)
    listed = told(card, "ComputeRunningProcesses_v3")
    if listed is not None:
        found["processes"] = (
            ",".join(f"{p['pid']}:{p['usedGpuMemory']}" for p in listed if isinstance(p, dict)) or "none"
        )
    if told(card, "TotalEnergyConsumption") is not None:
        found["energy_mj"] = slowly(card, "energy_mj", f"ramp:{found['power_mw'] or 0}")
    return {key: value for key, value in found.items() if value is not None}


def fields(card: dict[str, Any]) -> list[int | None]:
    return [value["value"] if value["nvmlReturn"] == 0 else None for value in told(card, "FieldValues") or []]


def record(card: dict[str, Any]) -> dict[str, Any]:
    """The driver's own record of utilization: how far its entries are apart, and what their stamps count from."""
    entries = told(card, "records", "1")
    if not entries:
        return {}
    stamps = [stamp for stamp, _ in entries]
    ahead = stamps[-1] / 1e6 - card["clocks"]["REALTIME"]
    found = {"buffer": slowly(card, "buffer", "yes")}
    found["buffer_us"] = round(statistics.median(b - a for a, b in itertools.pairwise(stamps)))
    return found | ({} if abs(ahead) < NEAR_S else {"stamp_us": round(1e6 * ahead)})


def slowly(card: dict[str, Any], key: str, value: str) -> str:
    """The value, after the time that the real call took."""
    took = told(card, "latency ms", SLOW[key])
    return f"~{took[0] / 1000:g} {value}" if took and took[0] > SLOW_MS else value


def told(answers: Any, *place: Any) -> Any:
    """An answer at a place; None where there is none, or an error."""
    for step in place:
        try:
            answers = answers[step]
        except (KeyError, IndexError, TypeError):
            return None
    return None if isinstance(answers, str) and answers.startswith("!") else answers


def number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None
