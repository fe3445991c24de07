"""Environments: named after their lock, made once by one process at a time, and never left half-made."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from uv import find_uv_bin

from orchestrator.environment import CA_BUNDLES, CHOICES, PIP_SOURCES, UV_SOURCES
from orchestrator.errors import HostError, UserError
from orchestrator.files import cache_locked
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import indexes, stamps, tools, venvs

CATALOG = load_catalog()
TODAY = CATALOG.stack("keras3-jax")
OLD = CATALOG.stack("keras2-theano")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in (*PIP_SOURCES, *UV_SOURCES, *CHOICES, *CA_BUNDLES):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "keras-orchestrate" / "venvs"


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A docker/ folder with a lock for each of the two stacks."""
    folder = tmp_path / "docker" / "requirements"
    folder.mkdir(parents=True)
    for stack in (TODAY, OLD):
        (folder / f"{stack.name}-cpu.txt").write_text("a==1\n")
        (folder / f"{stack.name}-cpu.in").write_text("a\n")
    return tmp_path / "docker"


found_environments: list[dict[str, str]] = []


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would have run; making an environment makes its interpreter."""
    found: list[list[str]] = []
    found_environments.clear()

    def run(argv: list[str], environment: dict[str, str]) -> None:
        found.append(argv)
        found_environments.append(environment)
        if "venv" in argv:
            (Path(argv[-1]) / "bin").mkdir(parents=True)
            (Path(argv[-1]) / "bin" / "python").touch()

    monkeypatch.setattr(tools, "run", run)
    return found


def ensure(docker: Path, said: list[str] | None = None, **options: Any) -> venvs.Venv:
    return venvs.ensure(TODAY, "cpu", docker, (said if said is not None else []).append, **options)


def test_an_environment_is_made_from_its_lock_once(docker: Path, cache: Path, calls: list[list[str]]):
    said: list[str] = []
    venv = ensure(docker, said)
    assert venv.seconds > 0
    assert said == [
        "making the environment of keras3-jax from its lock",
        "its packages come from https://pypi.org/simple (the default)",
    ]
    make, install = calls
    assert make[1:3] == ["venv", "--quiet"] and make[-1].endswith(".partial")
    assert "--require-hashes" in install and install[-1].endswith("keras3-jax-cpu.txt")
    again = ensure(docker, said)
    assert (again.python, again.seconds) == (venv.python, 0.0)
    assert len(calls) == 2 and len(said) == 2
    assert Path(venv.python).parent.parent.parent == cache


def test_another_lock_is_another_environment(docker: Path, calls: list[list[str]]):
    first = ensure(docker)
    (docker / "requirements" / "keras3-jax-cpu.txt").write_text("a==2\n")
    second = ensure(docker)
    assert first.lock_sha256 != second.lock_sha256
    assert first.python != second.python


def test_a_keras_of_ones_own_replaces_the_locked_one(docker: Path, calls: list[list[str]]):
    said: list[str] = []
    venv = ensure(docker, said, keras_spec="keras==3.0")
    assert said[0] == "making the environment of keras3-jax with keras==3.0"
    assert calls[-1][-3:] == ["--reinstall-package", "keras", "keras==3.0"]
    assert venv.python != ensure(docker).python
    with pytest.raises(HostError, match="needs a stack of today"):
        venvs.ensure(OLD, "cpu", docker, print, "keras==3.0")


def test_a_folder_is_another_keras_when_its_code_changes(docker: Path, tmp_path: Path):
    folder = tmp_path / "keras"
    folder.mkdir()
    (folder / "a.py").touch()
    before = venvs.place(TODAY, "cpu", docker, str(folder))
    assert venvs.place(TODAY, "cpu", docker, str(folder)) == before
    os.utime(folder / "a.py", (1, 1))
    assert venvs.place(TODAY, "cpu", docker, str(folder)) != before


def test_what_cannot_be_made_leaves_nothing(docker: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    def run(argv: list[str], environment: dict[str, str]) -> None:
        if "install" in argv:
            raise HostError("uv failed")
        Path(argv[-1]).mkdir(parents=True)

    monkeypatch.setattr(tools, "run", run)
    with pytest.raises(HostError, match="uv failed"):
        ensure(docker)
    assert [path.name for path in cache.iterdir() if path.is_dir()] == []


def test_a_python_that_cannot_be_had_is_no_failure_of_the_stack(docker: Path, monkeypatch: pytest.MonkeyPatch):
    def run(argv: list[str], environment: dict[str, str]) -> None:
        raise HostError("no download")

    monkeypatch.setattr(tools, "run", run)
    with pytest.raises(venvs.NoInterpreter, match=f"no Python {TODAY.python} on this host") as caught:
        ensure(docker)
    assert caught.value.hint == f"install Python {TODAY.python} (no download)"


def test_who_waits_for_another_run_is_told(docker: Path, calls: list[list[str]]):
    here, _ = venvs.place(TODAY, "cpu", docker, None)
    said: list[str] = []
    waiting = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    with cache_locked(here):
        other = threading.Thread(target=venvs.ensure, args=(TODAY, "cpu", docker, say))
        other.start()
        assert waiting.wait(30)
        assert calls == []
    other.join(30)
    assert said[0] == f"waiting for another run that makes {here.name}"
    assert len(calls) == 2


def test_an_unwritable_cache_is_the_hosts_fault(docker: Path, tmp_path: Path):
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(HostError, match="cannot write") as caught:
        ensure(docker)
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_python_2_installs_into_a_folder_of_its_own(docker: Path, calls: list[list[str]], monkeypatch, tmp_path: Path):
    (tmp_path / "python2.7").touch()
    monkeypatch.setattr(venvs, "find_python", lambda version: str(tmp_path / f"python{version}"))
    old = msgspec.structs.replace(OLD, python="2.7")
    venv = venvs.ensure(old, "cpu", docker, lambda line: None)
    assert venv.python == str(tmp_path / "python2.7")
    assert venv.env["PYTHONPATH"].endswith("/site")
    assert calls[0][:4] == [venv.python, "-m", "pip", "install"]
    assert venvs.ensure(old, "cpu", docker, lambda line: None).seconds == 0
    (tmp_path / "python2.7").unlink()
    assert not venvs.Legacy(old).usable(venvs.place(old, "cpu", docker, None)[0]), "its interpreter is gone"


def test_a_missing_python_2_says_what_runs_it_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(venvs.NoInterpreter, match=r"needs python2\.7, which this host does not have") as caught:
        venvs.find_python("2.7")
    assert "Docker engine" in caught.value.hint
    (tmp_path / "python2.7").write_text("#!/bin/sh\nexit 1\n")  # without pip
    (tmp_path / "python2.7").chmod(0o755)
    with pytest.raises(venvs.NoInterpreter):
        venvs.find_python("2.7")


def test_no_python_imports_what_lies_in_the_callers_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Which may be anybody's, as when one looks into a run that came by mail."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python2.7").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "bin" / "python2.7").chmod(0o755)
    (tmp_path / "pip.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"bin:{os.environ['PATH']}")
    assert venvs.find_python("2.7") == sys.executable
    assert not (tmp_path / "mark").exists()


def test_whether_there_is_a_python_is_told_without_making_anything(monkeypatch, docker: Path, tmp_path: Path):
    old = msgspec.structs.replace(OLD, python="2.7")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "needs python2.7, which this host does not have" in venvs.no_interpreter(old, "cpu", docker)
    assert venvs.no_interpreter(msgspec.structs.replace(OLD, python="3.11"), "cpu", docker) == ""  # uv may have it
    monkeypatch.setattr(venvs, "find_python", lambda version: "/usr/bin/python2.7")
    assert venvs.no_interpreter(old, "cpu", docker) == ""
    assert not (tmp_path / "cache" / "keras-orchestrate" / "venvs").exists()


def test_the_locks_own_index_is_left_out_where_local_wheels_do(docker: Path, tmp_path: Path, monkeypatch):
    lock = docker / "requirements" / "keras3-jax-cpu.txt"
    lock.with_suffix(".in").write_text("# index: https://wheels.example\na\n")
    sources = indexes.Sources(folders=[tmp_path])
    assert venvs.own_indexes(lock, sources) == ["https://wheels.example"]
    monkeypatch.setattr(venvs, "locked_wheels", lambda folders, text: [tmp_path / "a-1.whl"])
    assert venvs.own_indexes(lock, sources) == []


def test_what_the_environment_says_of_indexes_reaches_every_tool(docker: Path, tmp_path: Path, calls, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    said: list[str] = []
    ensure(docker, said, keras_spec="keras==3.0")
    assert said[1] == f"its packages come from {tmp_path} and http://127.0.0.1:9/simple (PIP_INDEX_URL)"
    assert len(calls) == 3  # the interpreter, the lock, the Keras of one's own
    assert {each["UV_DEFAULT_INDEX"] for each in found_environments} == {"http://127.0.0.1:9/simple"}
    assert all(
        ["--find-links", str(tmp_path)] == call[-7:][call[-7:].index("--find-links") :][:2] for call in calls[1:]
    )
    monkeypatch.setattr(venvs, "find_python", lambda version: "/python")
    venvs.ensure(msgspec.structs.replace(OLD, python="2.7"), "cpu", docker, said.append)
    assert found_environments[-1]["PIP_INDEX_URL"] == "http://127.0.0.1:9/simple"


def test_an_environment_that_contradicts_itself_is_the_users_mistake(docker: Path, calls, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://a/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://b/simple")
    with pytest.raises(UserError, match="two package indexes"):
        ensure(docker)
    assert calls == []


def test_a_folder_with_brackets_in_its_name_is_no_package_with_extras(docker: Path, calls, tmp_path: Path):
    (tmp_path / "keras[1]").mkdir()
    ensure(docker, keras_spec=str(tmp_path / "keras[1]"))
    assert calls[-1][-1] == f"file://{tmp_path}/keras%5B1%5D"


def test_the_command_line_names_the_index_and_its_certificates(docker: Path, monkeypatch: pytest.MonkeyPatch):
    environments: list[Mapping[str, str]] = []

    def run(argv: list[str], environment: Mapping[str, str]) -> None:
        environments.append(environment)
        if argv[1] == "venv":
            Path(argv[-1], "bin").mkdir(parents=True)
            Path(argv[-1], "bin", "python").touch()

    monkeypatch.setattr(tools, "run", run)
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable/simple")
    bundle = docker / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----")
    said: list[str] = []
    ensure(docker, said, way=venvs.Way(index="https://me:S3CRET@company/simple", ca_bundle=str(bundle)))
    assert "its packages come from https://company/simple (--pip-index-url)" in said
    for environment in environments:
        assert environment["UV_DEFAULT_INDEX"] == "https://me:S3CRET@company/simple"
        assert environment["SSL_CERT_FILE"] == str(bundle)
        assert "https://variable/simple" not in environment.get("UV_INDEX", "")


def test_nothing_is_made_where_nothing_may_be_made(docker: Path, calls: list[list[str]]):
    way = venvs.Way(may_make=False)
    with pytest.raises(HostError, match="there is no environment of keras3-jax, and none may be made") as caught:
        ensure(docker, way=way)
    assert caught.value.hint == "leave --no-build out"
    assert calls == []
    made = ensure(docker)
    assert ensure(docker, way=way).python == made.python


def test_a_secret_in_a_requirement_is_not_said_and_the_environment_is_found_without_it(docker: Path, monkeypatch):
    def refused(argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, 1, "", "cannot clone https://bot:S3CRET@host/k.git?token=S3CRET")

    assert venvs.place(TODAY, "cpu", docker, "keras @ git+https://bot:S3CRET@host/k.git") == venvs.place(
        TODAY, "cpu", docker, "keras @ git+https://host/k.git"
    )
    monkeypatch.setattr(subprocess, "run", refused)
    said: list[str] = []
    with pytest.raises(HostError) as caught:
        ensure(docker, said, keras_spec="keras @ git+https://bot:S3CRET@host/k.git")
    assert "S3CRET" not in f"{said} {caught.value.message} {caught.value.hint}"
    assert "keras @ git+https://host/k.git" in said[0]


def test_an_environment_does_not_keep_the_token_of_an_address(tmp_path: Path):
    """A real uv drops the account by itself, and keeps the query."""
    served = tmp_path / "served"
    served.mkdir()
    info = "keras-0.1.dist-info"
    files = {"keras/__init__.py": "", f"{info}/METADATA": "Metadata-Version: 2.1\nName: keras\nVersion: 0.1\n"}
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(served / "keras-0.1-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": "".join(f"{name},,\n" for name in files)}.items():
            wheel.writestr(name, text)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(served))
    site = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    address = f"http://me:S3CRET@127.0.0.1:{site.server_address[1]}/keras-0.1-py3-none-any.whl?token=S3CRET"
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    try:
        uv = [find_uv_bin(), "pip", "install", "-q", "--no-deps", "--cache-dir", str(tmp_path / "uv")]
        subprocess.run([*uv, "--target", str(packages), f"keras @ {address}"], check=True)
    finally:
        site.shutdown()
    written = packages / info / "direct_url.json"
    assert "S3CRET" in written.read_text()
    venvs.forget_secrets(tmp_path)
    assert "S3CRET" not in written.read_text() and "keras-0.1" in written.read_text()
    row = next(row for row in (packages / info / "RECORD").read_text().splitlines() if "direct_url" in row)
    digest = base64.urlsafe_b64encode(hashlib.sha256(written.read_bytes()).digest()).rstrip(b"=").decode()
    assert row == f"{info}/direct_url.json,sha256={digest},{written.stat().st_size}"


def test_an_environment_that_was_changed_is_made_anew_with_a_word(docker: Path, calls: list[list[str]]):
    said: list[str] = []
    python = Path(ensure(docker, said).python)
    python.write_text("#!/bin/sh")
    said.clear()
    assert ensure(docker, said).seconds > 0
    assert said[0] == "the environment of keras3-jax is not believed: its files were changed since"
    python.write_text("#!/bin/sh")
    with pytest.raises(HostError, match="none may be made"):
        ensure(docker, said, way=venvs.Way(may_make=False))


def test_an_environment_of_an_older_version_is_checked_once_and_kept(docker: Path, calls: list[list[str]]):
    place = Path(ensure(docker).python).parent.parent
    info = place / "lib" / "python3.11" / "site-packages" / "a-1.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("")
    (place / stamps.NAME).unlink()
    said: list[str] = []
    assert ensure(docker, said).seconds == 0
    assert said == ["checking the environment of keras3-jax, which an older version made"]
    assert ensure(docker, said).seconds == 0
    assert len(said) == 1 and len(calls) == 2, "it was made once, and checked once"


def test_an_environment_without_a_stamp_that_does_not_fit_its_lock_is_made_anew(docker: Path, calls: list[list[str]]):
    place = Path(ensure(docker).python).parent.parent
    (place / stamps.NAME).unlink()
    said: list[str] = []
    assert ensure(docker, said).seconds > 0
    assert said[1] == "the environment of keras3-jax is not believed: it has another a than its lock"


@pytest.fixture
def old_site(docker: Path, monkeypatch):
    """An environment of Python 2 is made with two packages that share names."""

    def run(argv: list[str], environment: Mapping[str, str]) -> None:
        site = Path(argv[argv.index("--target") + 1])
        for place, names in (("protobuf-3.17.3.dist-info", "google\n"), ("z-1.egg-info", "zope\nzope.interface\n")):
            (site / place).mkdir(parents=True)
            (site / place / "namespace_packages.txt").write_text(names)
        for package in ("google/protobuf", "zope/interface/common"):
            (site / package).mkdir(parents=True)
            (site / package / "__init__.py").write_text("")

    monkeypatch.setattr(tools, "run", run)
    monkeypatch.setattr(venvs, "find_python", lambda version: "/usr/bin/env")
    monkeypatch.setattr(venvs, "refuse_planted", lambda python: None)
    old = msgspec.structs.replace(OLD, python="2.7")
    return lambda: venvs.ensure(old, "cpu", docker, lambda line: None)


def test_packages_that_share_a_name_can_be_imported_from_an_environment_of_python_2(old_site):
    """Of google.protobuf, pip --target leaves a .pth file that no folder of PYTHONPATH obeys."""
    site = Path(old_site().env["PYTHONPATH"])
    assert {str(p.relative_to(site)) for p in site.rglob("__init__.py")} == {
        "google/__init__.py", "google/protobuf/__init__.py", "zope/__init__.py", "zope/interface/__init__.py",
        "zope/interface/common/__init__.py",
    }  # fmt: skip
    answer = subprocess.run(
        ["env", f"PYTHONPATH={site}", "python3", "-c", "import google.protobuf, zope.interface.common"]
    )
    assert answer.returncode == 0


def test_an_environment_of_an_older_version_that_lacks_them_is_made_anew(old_site):
    first = old_site()
    assert old_site().seconds == 0
    (Path(first.env["PYTHONPATH"]) / "google" / "__init__.py").unlink()
    assert old_site().seconds > 0
    assert (Path(first.env["PYTHONPATH"]) / "google" / "__init__.py").exists()


def test_the_index_of_a_lock_of_ones_own_is_the_one_that_it_names(tmp_path: Path):
    lock = tmp_path / "mine-cpu.txt"
    lock.write_text("# index: https://asked.example\n# from: https://needed.example\na==1\n")
    assert venvs.own_indexes(lock, indexes.Sources()) == ["https://needed.example"]
    lock.write_text("# index: https://asked.example\na==1\n")
    assert venvs.own_indexes(lock, indexes.Sources()) == []
