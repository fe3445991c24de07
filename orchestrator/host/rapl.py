"""The energy that the processors of this host count themselves (RAPL), from the kernel's powercap folders.

A counter is of a whole package, whoever uses it. It begins anew at its `max_energy_range_uj`, which takes minutes to
hours, so it is read more often than that. `psys` counts the packages again and more, and is left out.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
NO_PACKAGE = "no processor here counts its energy: /sys/class/powercap lists no package, as in most virtual machines"
#: Kernels since 5.10 let root alone read the counters.
CLOSED = "only root may read {file}: `sudo chmod a+r {root}/*rapl:*/energy_uj` opens it until the next boot"


class Rapl:
    """Adds up what the packages count. Not thread-safe."""

    def __init__(self, root: Path = POWERCAP) -> None:
        self._root = root
        self._packages = packages(root)
        self._last: dict[str, int] = {}
        self._joules = 0.0
        #: Why nothing is known, in words; "" while all counters answer.
        self.trouble = "" if self._packages else NO_PACKAGE

    def read(self) -> float | None:
        """Joules of all packages since the first reading; None once one of them did not answer."""
        if self.trouble:
            return None
        for name, folder in self._packages.items():
            grown = self._grown(name, folder)
            if grown is None:
                return None
            self._joules += grown / 1e6
        return self._joules

    def _grown(self, name: str, folder: Path) -> int | None:
        """Microjoules since the last reading of a package, over the end of its counter."""
        now = self._count(folder / "energy_uj")
        if now is None:
            return None
        before = self._last.get(name, now)
        self._last[name] = now
        if now >= before:
            return now - before
        most = self._count(folder / "max_energy_range_uj")
        if most is not None and most < before:
            self.trouble = f"the counter of {name} went back"
            return None
        return None if most is None else now + most - before

    def _count(self, file: Path) -> int | None:
        try:
            return int(file.read_text(encoding="ascii"))
        except PermissionError:
            self.trouble = CLOSED.format(file=file, root=self._root)
        except (OSError, ValueError) as error:
            self.trouble = f"{file} told no number ({type(error).__name__})"
        return None


def packages(root: Path) -> dict[str, Path]:
    """The packages by name, each once: some kernels have a second way to the same counter (mmio)."""
    found: dict[str, Path] = {}
    with contextlib.suppress(OSError):
        folders = sorted(root.iterdir(), key=lambda folder: ("mmio" in folder.name, folder.name))
        for folder in folders:
            with contextlib.suppress(OSError, ValueError):
                name = (folder / "name").read_text(encoding="ascii").strip()
                if "rapl" in folder.name and name.startswith("package"):
                    found.setdefault(name, folder)
    return found
