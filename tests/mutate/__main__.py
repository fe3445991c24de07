"""Do the tests notice a fault? Plants some in copies of this checkout, one at a time, and shows what none noticed.

python -m tests.mutate [MUTANTS] [SEED]     default: 40 faults, seed 0

A fault meets the quick tests of its room; if they all pass, the whole quick suite; then the slow tests of its room.
"""

from __future__ import annotations

import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT
from tests.mutate.mutants import Mutant, mutants

#: What is planted, and the tests that lie beside it. Rooms that start nothing and wait for nothing.
ROOMS = {
    "orchestrator/stats": "tests/unit/stats",
    "orchestrator/plan": "tests/unit/plan",
    "orchestrator/results": "tests/unit/results",
    "orchestrator/report": "tests/unit/report",
    "orchestrator/host/checks.py": "tests/unit/host",
    "orchestrator/text.py": "tests/unit/test_text.py",
}
QUICK = "not slow and not containers and not network and not cluster"
SLOW = "slow and not containers and not network and not cluster"
#: Seconds after which a fault counts as found: nothing comes to an end any more.
ENDLESS_S = 600
COPIES = 2


def copied(to: Path) -> Path:
    """The checkout without what git ignores; edits that are not committed are in it."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


class Fault(NamedTuple):
    path: str
    tests: str
    source: str
    mutant: Mutant

    def __str__(self) -> str:
        return f"{self.path}:{self.mutant.line}: {self.mutant.change(self.source)}"


def sample(root: Path, count: int, seed: int) -> list[Fault]:
    every = [
        Fault(path.relative_to(root).as_posix(), tests, source, mutant)
        for room, tests in ROOMS.items()
        for path in sorted((root / room).rglob("*.py") if (root / room).is_dir() else [root / room])
        for source in [path.read_text()]
        for mutant in mutants(source)
    ]
    print(f"{count} of {len(every)} faults, seed {seed}", flush=True)
    return random.Random(seed).sample(every, count)


def passes(copy: Path, marks: str, *words: str) -> bool:
    """Whether these tests of the copy, which is imported before the checkout, all pass (or there are none)."""
    argv = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-m", marks, *words]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    try:
        done = subprocess.run(argv, cwd=copy, env=environment, capture_output=True, timeout=ENDLESS_S)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode in (0, 5)


def unnoticed(copy: Path, fault: Fault) -> bool:
    """Whether all tests pass with the fault in the copy; afterwards the copy is whole again."""
    changed = copy / fault.path
    room = Path(fault.path).parent.relative_to("orchestrator")
    own = Path("tests/unit") / room / f"test_{changed.name}"  # most faults end there
    first = [str(own)] if (copy / own).is_file() else []
    changed.write_text(fault.mutant.planted(fault.source))
    try:
        return (
            passes(copy, QUICK, *first, fault.tests)
            and passes(copy, QUICK, "tests/unit")
            and passes(copy, SLOW, fault.tests)
        )
    finally:
        changed.write_text(fault.source)


def main(count: int = 40, seed: int = 0) -> int:
    """Prints each fault that was not noticed, then the share of those that were. Some change nothing that could be."""
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-mutants-") as folder:
        idle: queue.Queue[Path] = queue.Queue()
        for i in range(COPIES):
            idle.put(copied(Path(folder) / str(i)))
        chosen = sample(Path(folder) / "0", count, seed)
        if not passes(Path(folder) / "0", QUICK, "-n", "2", "tests/unit"):
            print("the quick tests fail without any fault", file=sys.stderr)
            return 2

        def survives(fault: Fault) -> bool:
            copy = idle.get()
            try:
                return unnoticed(copy, fault)
            finally:
                idle.put(copy)

        found = 0
        with ThreadPoolExecutor(COPIES) as pool:
            for fault, alive in zip(chosen, pool.map(survives, chosen), strict=True):
                found += not alive
                if alive:
                    print(fault, flush=True)
    print(f"{found} of {count} faults were noticed ({found / count:.0%})")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
