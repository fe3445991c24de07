"""The core alone, from a wheel, in an environment that holds Keras and one backend, without network and engine."""

from __future__ import annotations

import csv
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.extras import EXTRAS
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import venvs
from tests.conftest import REQUIRED, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]
NO_NETWORK = ["unshare", "--net", "--map-root-user"]
QUICK = ["--config", "smoke", "--workload", "mnist_mlp", "--no-fetch"]
#: A script of somebody's.
SCRIPT = """import keras
import numpy as np

model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(np.ones((64, 8), "float32"), np.ones((64, 1), "float32"), epochs=3, verbose=0)
"""


def refused(reason: str) -> None:
    """Skips, but in CI this test has to run."""
    assert not REQUIRED, reason
    pytest.skip(reason)


def core(name: str = "keras-orchestrate") -> Iterator[importlib.metadata.Distribution]:
    """The packages that the core brings, and all that these need, as they are in the environment of this test."""
    for needed in importlib.metadata.requires(name) or []:
        if "extra ==" in needed or ("python_version" in needed and sys.version_info >= (3, 11)):
            continue  # of an extra, or of an older Python
        package = re.split(r"[^\w.-]", needed)[0]
        yield importlib.metadata.distribution(package)
        yield from core(package)


def linked(environment: Path, keras: Path) -> None:
    """Puts the packages of the core into an environment, but for those that come with Keras."""
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "keras.pth").write_text(f"{keras}\n")
    for package in core():
        name = re.sub(r"[-_.]+", "_", package.metadata["Name"]).lower()
        if not any(keras.glob(f"{name}-*.dist-info")):
            for top in {file.parts[0] for file in package.files or [] if file.parts[0] != ".."}:
                if not (site / top).exists():
                    (site / top).symlink_to(package.locate_file(top))  # type: ignore[arg-type]


def wheel(folder: Path) -> Path:
    """The wheel of this checkout, made from a copy of what git knows."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    words = ["wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *words, str(folder / "source")], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """A fresh environment with Keras, JAX and the core, installed from the wheel without an index."""
    folder, catalog = tmp_path_factory.mktemp("core"), load_catalog()
    try:
        found = venvs.ensure(catalog.stack("keras3-jax"), "cpu", catalog.docker_dir, print)
    except venvs.HostError as error:
        refused(f"no environment with Keras: {error.message}")
    (keras,) = (Path(found.python).parent.parent).glob("lib/python*/site-packages")
    ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if keras.parent.name != ours:
        pytest.skip(f"Keras is there for {keras.parent.name}, the core's packages for {ours}")
    fresh = folder / "environment"
    subprocess.run([found.python, "-m", "venv", "--without-pip", str(fresh)], check=True)
    linked(fresh, keras)
    pip = [sys.executable, "-m", "pip", "--python", str(fresh / "bin" / "python"), "install", "--quiet", "--no-index"]
    settings = {"PIP_CONFIG_FILE": os.devnull, "PATH": os.environ["PATH"]}
    links = ["--find-links", str(wheel(folder).parent), "keras-orchestrate"]
    subprocess.run([*pip, *links], check=True, env=settings)
    return fresh


@pytest.fixture(scope="module")
def orchestrate(environment, tmp_path_factory):
    """Runs one command of the core in an empty folder, without network; gives exit code, output and error output."""
    if subprocess.run([*NO_NETWORK, "true"], capture_output=True).returncode != 0:
        refused("this host allows no network namespace (unshare --net)")
    here = tmp_path_factory.mktemp("empty")
    settings = {"PATH": os.environ["PATH"], "HOME": str(here)}

    def run(*words: str, cwd: Path = here) -> tuple[int, str, str]:
        argv = [*NO_NETWORK, str(environment / "bin" / "orchestrate"), *words]
        done = subprocess.run(argv, capture_output=True, text=True, cwd=cwd, env=settings)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    run.here = here
    return run


@pytest.fixture(scope="module")
def finished(orchestrate):
    """A run of a script of one's own: exit code, error output, and its folder."""
    (orchestrate.here / "my.py").write_text(SCRIPT)
    code, _, said = orchestrate("my.py", "--python", "same")
    runs = list(orchestrate.here.glob("results/2*"))
    assert len(runs) == 1, said
    (run,) = runs
    return code, said, run


def test_a_run_has_its_tables_and_its_report_and_says_what_is_left_out(finished):
    code, said, run = finished
    assert code == 0, said
    assert {path.name for path in run.iterdir() if path.is_file()} == {
        *("plan.json", "manifest.json", "results.json", "results.csv", "epochs.csv", "report.html", "report.md"),
        "run.json",
    }
    (job,) = json.loads((run / "results.json").read_text())["results"]
    assert (job["status"], job["backend"], job["workload"]) == ("ok", "jax", "my")
    with (run / "results.csv").open(newline="") as file:
        (same,) = csv.DictReader(file)
    assert float(same["epoch_s"]) == pytest.approx(job["epoch_s"]) and job["epoch_s"] > 0
    with (run / "epochs.csv").open(newline="") as file:
        assert [int(epoch["epoch"]) for epoch in csv.DictReader(file)] == [1, 2, 3]
    lines = [
        "results.parquet is left out: duckdb is not installed (pip install 'keras-orchestrate[tables]').",
    ]
    html, markdown = (run / "report.html").read_text(), (run / "report.md").read_text().replace("\\", "")
    for line in lines:
        assert line in said.replace("\n", " ") or line in said
        assert line in markdown and line in html.replace("&#39;", "'")


def test_what_follows_a_run_works_too(orchestrate, finished):
    run = str(finished[2])
    again, _, said = orchestrate("report", run)
    assert again == 0, said
    assert "complete" in orchestrate("verify", run)[1]
    assert orchestrate("run", "--resume", run)[0] == 0
    assert "my" in orchestrate("compare", run, run)[1]
    code, out, said = orchestrate("replay", run)
    assert code in (0, 1) and len(list(orchestrate.here.glob("results/2*"))) == 2, out + said


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["merge", "RUN", "--to", "set"], "tables"),
        (["query", "select 1", "RUN"], "tables"),
        (["run", *QUICK, "--launcher", "docker"], "docker"),
        (["images", "list"], "docker"),
        (["build", "--stack", "keras3-jax"], "docker"),
    ],
)
def test_what_needs_an_extra_says_which(orchestrate, finished, words, extra):
    before = set(orchestrate.here.iterdir())
    code, out, said = orchestrate(*(str(finished[2]) if word == "RUN" else word for word in words))
    assert (code, out) == (3, "") and f"pip install 'keras-orchestrate[{extra}]'" in said
    assert len(said.splitlines()) == 2
    assert set(orchestrate.here.iterdir()) == before


def test_without_uv_no_environment_is_made_and_the_rows_say_so(orchestrate, tmp_path):
    words = [*QUICK, "--stack", "keras3-jax", "--keras-spec", "keras==3.10.0", "--json", "--out", str(tmp_path)]
    code, out, _ = orchestrate("run", *words)
    (job,) = json.loads(out)["results"]
    assert (code, job["status"]) == (3, "unsupported")
    assert "need uv, which is not installed; pip install 'keras-orchestrate[build]'" in job["reason"]


def test_doctor_has_a_line_for_each_extra(orchestrate, finished):
    code, out, _ = orchestrate("doctor", "my.py", "--python", "same", "--json")
    checks = {check["what"]: check for check in json.loads(out)["checks"]}
    assert code == 0, out
    lost = {name: checks[f"extra {name}"]["level"] for name in EXTRAS}
    assert lost == {"charts": "warn", "tables": "warn", "docker": "warn", "build": "warn", "gpu": "ok"}


def test_the_helper_of_scripts_is_a_module_of_its_own(environment, tmp_path):
    python = environment / "bin" / "python"
    code = "import orchestrated; print([int(e) for e in orchestrated.epochs(2)], orchestrated.__file__)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.startswith("[0, 1]") and "site-packages/orchestrated.py" in done.stdout
