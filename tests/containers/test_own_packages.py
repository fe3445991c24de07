"""A script of one's own in a real container has its packages, which were made outside: there is no network inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes.wheels import wheel

pytestmark = [pytest.mark.containers, pytest.mark.slow]

SCRIPT = """# /// script
# dependencies = ["%s"]
# ///
import os, sys
from orchestrated import epochs
import added
import numpy
assert numpy.__file__.startswith(sys.prefix), numpy.__file__
try:
    open(os.path.join(os.path.dirname(added.__file__), "planted.py"), "w")
except OSError:
    pass
else:
    raise SystemExit("a job can write to its packages")
for epoch in epochs(2):
    epoch.trained(loss=1.0, batches=1, samples=float(added.VERSION))
"""


@pytest.fixture
def run(image_of, tmp_path):
    """Runs a script that asks for a package, in the image of keras3-jax: its row, and what the run said."""
    image_of("keras3-jax")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "mine").mkdir()

    def start(asked: str) -> tuple[dict, str]:
        (tmp_path / "mine" / "my.py").write_text(SCRIPT % asked)
        settings = {
            **{"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PIP_CONFIG_FILE": os.devnull},
            **{"PIP_FIND_LINKS": str(tmp_path / "wheels"), "UV_CACHE_DIR": str(tmp_path / "uv")},
            **{"UV_DEFAULT_INDEX": (tmp_path / "empty").as_uri(), "UV_OFFLINE": "1"},
        }
        (tmp_path / "empty").mkdir(exist_ok=True)
        words = ["run", tmp_path / "mine" / "my.py", "--launcher", "docker", "--stack", "keras3-jax", "--json"]
        argv = [sys.executable, "-m", "tests.fakes.no_report", *words, "--out", tmp_path / "results"]
        answer = subprocess.run(
            list(map(str, argv)), env={**os.environ, **settings}, capture_output=True, text=True, timeout=300
        )
        assert answer.stdout.startswith("{"), answer.stderr
        return json.loads(answer.stdout)["results"][0], answer.stderr

    start.wheels = tmp_path / "wheels"
    start.cache = tmp_path / "cache" / "keras-orchestrate" / "layers"
    return start


def test_a_container_has_the_packages_of_its_script_and_cannot_change_them(run):
    wheel(run.wheels, "added", "1.0", mode=0o600)
    row, err = run("added")
    assert (row["status"], row["reason"]) == ("ok", ""), err
    assert row["packages_sha256"] and row["image_digest"].startswith("sha256:")
    (layer,) = [path for path in run.cache.iterdir() if path.is_dir()]
    assert not (layer / "planted.py").exists()
    _, again = run("added")
    assert "making the packages" in err and "making the packages" not in again


def test_what_its_image_has_already_needs_nothing(run):
    row, err = run("numpy>=2")
    assert "No module named 'added'" in row["reason"] or "needs the package added" in row["reason"], err
    assert row["packages_sha256"] is None and not run.cache.exists()
    assert Path(run.wheels).is_dir()
