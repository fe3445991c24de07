"""Whole runs of stub jobs as real processes: started, killed, resumed, looked at."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from orchestrator import __version__
from orchestrator.model import image_name
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images.engine import ImageInfo, inspect
from tests.conftest import ROOT
from tests.fakes.roots import make_data, make_root

STACK = "keras1-mxnet"


def stub_image(engine) -> ImageInfo:
    """The image that stub jobs run in: any of STACK's, whatever it was made from, and built where there is none."""
    found = inspect(engine, image_name(STACK, "cpu", __version__))
    if found is None:
        catalog = load_catalog()
        image_build.build(engine, catalog.stack(STACK), "cpu", catalog, BuildSettings(), print)
        found = inspect(engine, image_name(STACK, "cpu", __version__))
    return found


class Bench:
    """A folder with stub workloads, data and results, and the command that runs them."""

    def __init__(self, folder: Path, workloads: list[str], timeout_s: int = 60, module: str | None = None) -> None:
        self.folder = folder
        self.root = make_root(folder / "root", workloads, timeout_s)
        self.data = make_data(folder / "data")
        self.out = folder / "results"
        self.module = module or "tests.fakes.stub_orchestrate"

    def run(self, *more: object) -> list[str]:
        """The words of a fresh run."""
        words = ["run", "--config", "smoke", "--root", self.root, "--data-dir", self.data, "--no-fetch", "--no-build"]
        launcher = [] if "--launcher" in more else ["--launcher", "process"]
        return [*map(str, [*words, "--stack", STACK, "--threads", 1, *launcher, *more])]

    def placed(self, words: tuple[object, ...]) -> list[object]:
        """The words with the results folder named."""
        return list(words) if "--out" in words else [words[0], "--out", self.out, *words[1:]]

    def start(self, *words: object, **options) -> subprocess.Popen[str]:
        home = {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache"), "COLUMNS": "200"}
        return subprocess.Popen(
            [sys.executable, "-m", self.module, *map(str, self.placed(words))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, **home, "PYTHONPATH": str(ROOT)},
            **options,
        )

    def finish(self, *words: object, timeout: float = 120) -> tuple[int, str, str]:
        """(exit code, stdout, stderr) of a command that is let run to its end."""
        process = self.start(*words)
        stdout, stderr = process.communicate(timeout=timeout)
        return process.returncode, stdout, stderr

    @property
    def runs(self) -> list[Path]:
        return sorted(path.parent for path in self.out.glob("*/plan.json") if not path.parent.is_symlink())

    def processes(self) -> list[int]:
        """Everything that runs one of our stubs, or keeps one."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    line = (entry / "cmdline").read_bytes()
                    if str(self.root).encode() in line and b"run.py" in line:
                        found.append(int(entry.name))
        return found


def rows_of(text: str) -> list[dict]:
    return json.loads(text)["results"]


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def wait_for(condition, seconds: float = 60):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


def torn_files(run: Path) -> list[str]:
    """JSON files that cannot be read, and temporary ones that were left."""
    bad = [str(path) for path in run.rglob(".*")]
    for path in run.rglob("*.json"):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            bad.append(str(path))
    return bad
