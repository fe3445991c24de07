"""Environments that are there already: run as they are, told when they change, and never started for a stranger."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import venvs
from tests.cells import PARAMETERS, reasons
from tests.cells import run as run_cells
from tests.fakes.pythons import KERAS, KERAS_BACKEND, fake_python, stub_libraries
from tests.fakes.runs import Bench, rows_of

pytestmark = pytest.mark.slow

STUBS = {"keras": KERAS, "keras.backend": KERAS_BACKEND, "jax": "__version__ = '0.10.2'\n"}
RUN = ("run", "--config", "smoke", "--no-fetch", "--json", "--threads", 1)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, ["good"], module="orchestrator")


def environment(folder: Path, **more: str) -> str:
    """An interpreter with Keras and JAX, as far as a job of stubs needs them; it marks that it was started."""
    libraries = stub_libraries(folder / "site", {**STUBS, **more})
    script = f'touch {folder}/started\nPYTHONPATH={libraries["PYTHONPATH"]} exec {sys.executable} "$@"'
    return fake_python(folder / "bin" / "python", script)


def start(bench: Bench, *words: object) -> tuple[int, list[dict], str]:
    code, stdout, stderr = bench.finish(*RUN, "--root", bench.root, "--data-dir", bench.data, *words)
    return code, rows_of(stdout) if code in (0, 1) else [], stderr


def test_only_what_is_named_runs_and_is_recorded_with_what_is_in_it(bench, tmp_path):
    one, two = environment(tmp_path / "one"), environment(tmp_path / "two", torch="__version__ = '2.13.0'\n")
    code, rows, stderr = start(bench, "--python", one, "--python", two)
    assert code == 0, stderr
    assert sorted((row["stack"], row["backend"]) for row in rows) == [("one", "jax"), ("two", "jax"), ("two", "torch")]
    plan = json.loads((bench.runs[0] / "plan.json").read_bytes())
    found = {stack["name"]: stack["found"] for stack in plan["stacks"]}
    assert {"jax==1.0", "torch==1.0"} <= set(found["two"]["packages"]) and found["two"]["place"] == two
    digests = {row["stack"]: row["image_digest"] for row in rows}
    assert digests == {name: f"found:sha256:{each['sha256']}" for name, each in found.items()}
    assert "cannot be rebuilt" in (bench.runs[0] / "report.md").read_text()
    assert not (bench.folder / "cache" / "keras-orchestrate" / "venvs").exists()  # nothing was made


def test_a_run_goes_on_where_nothing_changed_and_tells_what_did(bench, tmp_path):
    one = environment(tmp_path / "one")
    assert start(bench, "--python", one)[0] == 0
    code, _, stderr = bench.finish("run", "--resume", "latest", "--python", one)
    assert code == 0, stderr
    (tmp_path / "one" / "site" / "jax-1.0.dist-info").rename(tmp_path / "one" / "site" / "jax-2.0.dist-info")
    code, _, stderr = bench.finish("run", "--resume", "latest")
    assert code == 2
    assert "one is not as it was found: jax 1.0 is 2.0 now" in stderr
    assert "of one changed after 1 of its results" in stderr
    _, _, stderr = bench.finish("replay", bench.runs[0], "--data-dir", bench.data, "--root", bench.root)
    assert "not the same: image_digest" in stderr, stderr


def test_an_environment_that_is_gone_is_a_row_and_a_line(bench, tmp_path):
    one = environment(tmp_path / "one")
    assert start(bench, "--python", one)[0] == 0
    shutil.rmtree(tmp_path / "one")
    code, _, stderr = bench.finish("replay", bench.runs[0], "--data-dir", bench.data, "--root", bench.root)
    assert code == 1 and f"one: there is no interpreter {one}" in stderr and "Traceback" not in stderr


@pytest.mark.parametrize("verb", [("run", "--resume"), ("replay",), ("replay", "--dry-run")])
def test_a_strangers_plan_never_starts_one(bench, tmp_path, verb):
    one = environment(tmp_path / "one")
    assert start(bench, "--python", one)[0] == 0
    mail = tmp_path / "mail"
    shutil.copytree(bench.runs[0], mail)
    (mail / "manifest.json").unlink()
    next(mail.glob("jobs/*/result.json")).unlink()
    plan = json.loads((mail / "plan.json").read_bytes())
    (mail / "plan.json").write_text(json.dumps({**plan, "seed": 1}))
    (tmp_path / "one" / "started").unlink()
    code, stdout, stderr = bench.finish(*verb, mail, "--launcher", "process", "--root", bench.root)
    assert code == (0 if "--dry-run" in verb else 2), stderr
    assert f"environment: {one}" in stdout + stderr
    assert not (tmp_path / "one" / "started").exists()


@pytest.fixture
def interpreters():
    """The virtual environments of today's stacks, as far as they were made on this host."""
    catalog, names = load_catalog(), ("keras3-jax", "keras3-torch")
    places = [venvs.place(catalog.stack(name), "cpu", catalog.docker_dir, None)[0] for name in names]
    there = [place / "bin" / "python" for place in places if (place / "bin" / "python").exists()]
    if not there:
        pytest.skip("no virtual environment of today's stacks is here")
    return there


def test_a_real_environment_runs_the_built_in_workloads(interpreters, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    named = [word for python in interpreters for word in ("--python", python)]
    code, rows, stderr = run_cells(tmp_path, *named, "--workload", "mnist_mlp")
    assert reasons(rows) == {} and code == 0, stderr[-3000:]
    assert len(rows) == len(interpreters)
    for row in rows:
        assert row["parameters"] == PARAMETERS["mnist_mlp"] and row["launcher"] == "process"
        assert row["image_digest"].startswith("found:sha256:")
