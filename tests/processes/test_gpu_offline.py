"""`make test-gpu` rehearsed without network and without a GPU, on an interpreter with one backend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile

import pytest

from orchestrator.model import Stack
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import venvs
from orchestrator.text import silent
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    """A Python that has the packages of the core and those of today's JAX stack, as a GPU host's has its own."""
    catalog = load_catalog()
    stack: Stack = catalog.stack("keras3-jax")
    venv = venvs.ensure(stack, "cpu", catalog.docker_dir, silent)
    folder = tmp_path_factory.mktemp("host") / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    ask = [venv.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    places = [subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()]
    places.append(sysconfig.get_path("purelib"))
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "both.pth").write_text("".join(f"import site; site.addsitedir({place!r})\n" for place in places))
    return python


def test_one_command_runs_without_network_and_leaves_a_record_that_can_be_reported(interpreter, tmp_path):
    unshare = ["unshare", "--net"] if shutil.which("unshare") else pytest.skip("no unshare")
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this host lets nobody take the network away from a process")
    out = tmp_path / "out"
    environment = {**os.environ, "DEVICE": "cpu", "SMALL": "1", "LIMIT": "1500", "PYTHON": str(interpreter)}
    environment |= {"OUT": str(out), "WHEELS": str(tmp_path / "none")}
    answer = subprocess.run(
        [*unshare, "bash", "tests/gpu/offline.sh"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
    assert "all went well" in answer.stdout
    assert "mnist_mlp on jax: losses of equal steps differ by" in answer.stdout
    assert "modern on jax is float32" in answer.stdout  # a CPU rounds nothing
    assert "which is not float32" not in answer.stdout
    asked = answer.stdout[answer.stdout.index("-- calls") :]
    assert asked.count(": ok ") == 1 + 2 + 2, asked  # calls, two precisions, two widths
    assert "ok precision=mixed_bfloat16 {'epoch_s': " in asked and "{'latency_ms': " in asked
    assert len(list(out.iterdir())) <= 8
    assert sum(path.stat().st_size for path in out.iterdir()) < 16 * 2**20
    home = tmp_path / "home"
    with tarfile.open(out / "run.tar.xz") as record:
        record.extractall(home, filter="data")
    (run,) = home.glob("2*")
    report = subprocess.run(
        [sys.executable, "-m", "orchestrator", "report", str(run)], cwd=ROOT, capture_output=True, text=True
    )
    assert report.returncode == 0, report.stderr
    assert "5 of 5 jobs ok" in report.stdout
