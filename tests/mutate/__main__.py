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
QUICK = "not slow and not containers and not network and not cluster and not gpu"
SLOW = "slow and not containers and not network and not cluster and not gpu"
#: Seconds after which a fault counts as found: nothing comes to an end any more.
ENDLESS_S = 600
COPIES = 2


def sample(count: int, seed: int) -> list[tuple[str, str, Mutant]]:
    """(module, its tests, fault), by chance."""
    every = [
        (path.relative_to(ROOT).as_posix(), tests, mutant)
        for room, tests in ROOMS.items()
        for path in sorted((ROOT / room).rglob("*.py") if (ROOT / room).is_dir() else [ROOT / room])
        for mutant in mutants(path.read_text())
    ]
    print(f"{count} of {len(every)} faults, seed {seed}", flush=True)
    return random.Random(seed).sample(every, count)


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


def passes(copy: Path, marks: str, *words: str) -> bool:
    """Whether these tests of the copy, which is imported before the checkout, all pass (or there are none)."""
    argv = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-m", marks, *words]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    try:
        done = subprocess.run(argv, cwd=copy, env=environment, capture_output=True, timeout=ENDLESS_S)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode in (0, 5)


def unnoticed(copy: Path, path: str, tests: str, mutant: Mutant) -> bool:
    """Whether all tests pass with the fault in the copy; afterwards the copy is whole again."""
    whole = (copy / path).read_text()
    (copy / path).write_text(mutant.planted(whole))
    try:
        return passes(copy, QUICK, tests) and passes(copy, QUICK, "tests/unit") and passes(copy, SLOW, tests)
    finally:
        (copy / path).write_text(whole)


def main(count: int = 40, seed: int = 0) -> int:
    """Prints each fault that was not noticed, then the share of those that were. Some change nothing that could be."""
    chosen = sample(count, seed)
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-mutants-") as folder:
        copies: queue.Queue[Path] = queue.Queue()
        for i in range(COPIES):
            copies.put(copied(Path(folder) / str(i)))
        if not passes(Path(folder) / "0", QUICK, "-n", "2", "tests/unit"):
            print("the quick tests fail without any fault", file=sys.stderr)
            return 2

        def survives(one: tuple[str, str, Mutant]) -> bool:
            copy = copies.get()
            try:
                return unnoticed(copy, *one)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(COPIES) as pool:
            found = 0
            for (path, _, mutant), alive in zip(chosen, pool.map(survives, chosen), strict=True):
                found += not alive
                if alive:
                    print(f"{path}:{mutant.line}: {mutant.change((ROOT / path).read_text())}", flush=True)
    print(f"{found} of {count} faults were noticed ({found / count:.0%})")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
