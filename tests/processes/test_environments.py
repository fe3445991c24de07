"""Environments that cannot be made: a clear line, a row for each job, and nothing half-built is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes.roots import make_data, make_root
from tests.processes.test_steps import uv_cache


def run(tmp_path: Path, cache: Path, old: str = "", new: str = "", **environment: str):
    """Exit code, the one row and standard error of a stub job on keras3-jax, with a word of stacks.yaml replaced."""
    root = make_root(tmp_path / "root", ["good"])
    stacks = root / "docker" / "stacks.yaml"
    stacks.write_text(stacks.read_text().replace(old, new) if old else stacks.read_text())
    words = ["--launcher", "process", "--stack", "keras3-jax", "--no-fetch", "--json"]
    folders = ["--root", root, "--out", tmp_path / "results", "--data-dir", make_data(tmp_path / "data")]
    argv = [sys.executable, "-m", "tests.fakes.no_report", "run", "--config", "smoke", *words, *map(str, folders)]
    settings = {"XDG_CACHE_HOME": str(cache), "UV_PYTHON_DOWNLOADS": "never", **environment}
    answer = subprocess.run(
        argv, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), **settings}
    )
    (row,) = json.loads(answer.stdout)["results"]
    kept = [path.name for path in cache.glob("keras-orchestrate/venvs/*") if path.is_dir()]
    assert kept == []
    return answer.returncode, row, answer.stderr


def test_without_its_python_a_stack_is_unsupported(tmp_path):
    code, row, stderr = run(tmp_path, tmp_path / "cache", 'python: "3.11"', 'python: "3.98"')
    assert (code, row["status"]) == (3, "unsupported")
    assert "no Python 3.98 on this host" in row["reason"] and "install Python 3.98" in row["reason"]
    assert "Traceback" not in stderr


@pytest.mark.parametrize("names", [["UV_DEFAULT_INDEX", "UV_INDEX_URL"], ["PIP_INDEX_URL"]])
def test_the_package_index_that_the_environment_names_is_asked_and_no_other(tmp_path, names):
    nowhere = {**dict.fromkeys(names, "http://127.0.0.1:9/simple"), "PIP_CONFIG_FILE": os.devnull}
    fresh = {"UV_CACHE_DIR": str(tmp_path / "uv"), "PIP_FIND_LINKS": "", "UV_FIND_LINKS": "", "UV_HTTP_RETRIES": "0"}
    code, row, stderr = run(tmp_path, tmp_path / "cache", **nowhere, **fresh)
    assert (code, row["status"]) == (1, "failed")
    assert row["reason"].startswith("environment: uv failed")
    assert "Failed to fetch: http://127.0.0.1:9/simple/" in row["reason"]
    assert f"its packages come from http://127.0.0.1:9/simple ({names[0]})" in stderr
    assert "is the package index in reach?" in stderr
    assert "Traceback" not in stderr


@pytest.mark.network
def test_a_full_disk_is_named_and_nothing_half_made_is_kept(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(cache)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    try:
        code, row, stderr = run(tmp_path, cache, UV_CACHE_DIR=uv_cache())
    finally:
        subprocess.run(["umount", str(cache)], check=True)
    assert (code, row["status"]) == (1, "failed")
    assert "disk full while making an environment" in row["reason"]
    assert "Traceback" not in stderr
