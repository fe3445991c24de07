"""Hosts with AMD's GPUs that are not there: a stand-in for the binding of AMD SMI, in processes of their own.

The binding is replaced, and not the library below it: a binding looks up two hundred functions when it is loaded, and
its structs change with each ROCm. As a program it keeps such a host for a shell:

    eval "$(python -m tests.fakes.amd_host /tmp/host)"
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: Two fields for one: what binding and library fill in where a card has nothing.
ABSENT = "N/A"


def mi300x(serial: int = 0xA1B2C3D4E5F60718, place: int = 0) -> dict[str, Any]:
    """An accelerator as AMD's reference describes one: power of now, no sensor at the edge."""
    return {
        "gpu_asic_info": {
            "market_name": "AMD Instinct MI300X OAM", "vendor_name": "Advanced Micro Devices Inc. [AMD/ATI]",
            "asic_serial": f"0x{serial:016X}", "num_compute_units": 304, "target_graphics_version": "gfx942",
        },
        "gpu_device_bdf": f"0000:{5 + 8 * place:02x}:00.0",
        "gpu_device_uuid": f"{place:02x}ff74a1-0000-1000-80{place:02x}-b2c3d4e5f607",
        "gpu_enumeration_info": {"drm_render": 128 + place, "drm_card": place, "hsa_id": place + 1, "hip_id": place},
        "gpu_driver_info": {"driver_name": "amdgpu", "driver_version": "6.12.12", "driver_date": ABSENT},
        "gpu_vram_usage": {"vram_total": 196592, "vram_used": 283},
        "gpu_activity": {"gfx_activity": 0, "umc_activity": 0, "mm_activity": ABSENT},
        "power_info": {
            "socket_power": 138, "current_socket_power": 138, "average_socket_power": ABSENT, "power_limit": 750,
        },
        "energy_count": {"energy_accumulator": {"ramp": 9_000_000}, "counter_resolution": 15.259, "timestamp": 1},
        "temp_metric hotspot": 41,
        "clock_info gfx": {"clk": 132, "min_clk": 132, "max_clk": 2100, "clk_locked": ABSENT, "clk_deep_sleep": 1},
        "clock_info mem": {"clk": 900, "min_clk": 900, "max_clk": 1300, "clk_locked": ABSENT, "clk_deep_sleep": 0},
        "gpu_process_list": [],
        "power_cap_info": {"power_cap": 750_000_000, "default_power_cap": 750_000_000, "dpm_cap": 0},
        "pcie_info": {"pcie_static": {"pcie_interface_version": 5}, "pcie_metric": {"pcie_width": 16}},
        "gpu_compute_partition": "SPX", "gpu_memory_partition": "NPS1",
    }  # fmt: skip


def radeon(place: int = 0) -> dict[str, Any]:
    """A card for games: no number burnt in, a mean of the power, no counter of energy, less memory."""
    card = mi300x(0, place)
    del card["energy_count"], card["gpu_compute_partition"], card["gpu_memory_partition"]
    return card | {
        "gpu_asic_info": {
            "market_name": "Radeon RX 7900 XTX", "asic_serial": ABSENT, "target_graphics_version": "gfx1100",
        },
        "gpu_vram_usage": {"vram_total": 24560, "vram_used": 1200},
        "power_info": {"socket_power": 19, "current_socket_power": ABSENT, "average_socket_power": 19},
        "temp_metric edge": 38, "temp_metric hotspot": 44,
    }  # fmt: skip


class AmdHost:
    """A host's state, as a file that the stand-in reads. `beside`: variables of another host's, for cards of both."""

    def __init__(self, folder: Path, cards: list[dict[str, Any]], beside: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.state: dict[str, Any] = {"cards": copy.deepcopy(cards)}
        self._beside = beside or {}
        (folder / "lib").mkdir(parents=True, exist_ok=True)
        (folder / "locks").mkdir(exist_ok=True)
        (folder / "lib" / "libamd_smi.so").touch()
        self.write()

    def set(self, card: int, **answers: Any) -> None:
        """Changes what functions give for a card; a name with "__" has a space there. None: not supported."""
        for name, value in answers.items():
            self.state["cards"][card][name.replace("__", " ")] = {"error": 2} if value is None else value
        self.write()

    def write(self) -> None:
        fresh = self.folder / "state.new"
        fresh.write_text(json.dumps(self.state))
        fresh.replace(self.folder / "state")

    @property
    def variables(self) -> dict[str, str]:
        return {
            "ROCM_PATH": str(self.folder),
            "AMDSMI_STUB_STATE": str(self.folder / "state"),
            "KERAS_ORCHESTRATE_LOCK_DIR": str(self.folder / "locks"),
            "PYTHONPATH": f"{HERE / 'amd_binding'}{os.pathsep}{HERE.parent.parent}",
        }

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self._beside, **self.variables}

    def python(self, code: str, *words: str) -> str:
        """What a Python program prints on this host."""
        argv = [sys.executable, "-c", code, *words]
        answer = subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=90)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


if __name__ == "__main__":
    for _name, _value in AmdHost(Path(sys.argv[1]), [mi300x()]).variables.items():
        print(f"export {_name}={_value}")
