"""What a user would start on a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes import roots
from tests.fakes.slurm_cluster import SlurmCluster


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A catalogue of stub workloads, data, and a cache that all runs share."""
    folder = tmp_path_factory.mktemp("cluster")
    roots.make_gpu_root(folder / "root", ["good", "slow", "hang", "long_a", "exclusive_a", "exclusive_b"])
    roots.make_data(folder / "data")
    return folder


class User:
    """Somebody on the login node. `slurm` are fields of the configuration."""

    def __init__(self, cluster: SlurmCluster, place: Path, out: Path, **slurm: object) -> None:
        self.cluster = cluster
        self.out = out
        self.module = "tests.fakes.no_report"
        self._place = place
        out.mkdir(parents=True, exist_ok=True)
        self.config = out / "config.yaml"
        wish = {"python": str(cluster.python), **slurm}
        self.config.write_text(
            json.dumps({"version": 1, "executor": "slurm", "launcher": "process", "scale": "smoke", "slurm": wish})
        )
        self.environment = {**cluster.environment, "XDG_CACHE_HOME": str(place / "cache")}

    def run(self, *words: str, **how: bool) -> subprocess.Popen[str]:
        argv = ["run", "--config", str(self.config), "--root", str(self._place / "root")]
        return self.orchestrate(*argv, "--data-dir", str(self._place / "data"), "--no-fetch", *words, **how)

    def orchestrate(self, command: str, *words: str, **how: bool) -> subprocess.Popen[str]:
        """`how`: further words for Popen."""
        argv = [sys.executable, "-m", self.module, command, *words]
        if command in ("run", "attach", "doctor"):
            argv += ["--out", str(self.out / "results")]
        return subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment, cwd=ROOT, **how
        )

    def finish(self, process: subprocess.Popen[str], seconds: float = 120) -> tuple[int, list[dict], str]:
        """Exit code, rows (with --json) and what was said, within so many seconds."""
        stdout, stderr = process.communicate(timeout=seconds)
        assert "Traceback" not in stderr, stderr
        rows = json.loads(stdout)["results"] if stdout.startswith("{") else []
        return process.returncode, rows, stderr

    @property
    def folder(self) -> Path:
        (run,) = self.out.glob("results/2*")
        return run

    def started(self) -> dict[str, dict]:
        """By job id, what the nodes said of the attempts that run now."""
        found = {}
        for path in self.out.glob("results/2*/jobs/*/slurm/*/started.json"):
            try:
                text = path.read_text()
            except OSError:
                continue
            if text and not (path.parent / "outcome.json").exists():
                found[path.parent.parent.parent.name] = json.loads(text)
        return found

    def until_running(self, count: int) -> dict[str, dict]:
        """Waits until so many jobs train."""
        until(lambda: len(self.started()) >= count and self.training() >= count, f"{count} jobs to run")
        return self.started()

    def training(self) -> int:
        return len([p for p in self.out.glob("results/2*/jobs/*/slurm/*/out/events.jsonl") if p.stat().st_size])

    def processes(self, part: str = "") -> list[str]:
        """What runs below the results folder on either node."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if f"{self.out}/results/2" in words and part in words and f"{self.module} run" not in words:
                found.append(words)
        return found


def until(ready, what: str, seconds: float = 30) -> float:
    """Waits; how long it took."""
    begun = time.monotonic()
    while not ready():
        assert time.monotonic() - begun < seconds, f"waited in vain for {what}"
        time.sleep(0.05)
    return time.monotonic() - begun


@pytest.fixture
def user(cluster, place, tmp_path):
    return User(cluster, place, tmp_path)
