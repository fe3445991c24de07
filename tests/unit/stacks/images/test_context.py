"""The input of a build: the same bytes for the same files, and what only this host has."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks.images.context import (
    CA_BUNDLE_VARIABLES,
    build_arguments,
    choose_ca_bundle,
    context_files,
    cuda_context,
    host_files,
    recipe_sha256,
    write_context,
)

CATALOG = load_catalog()
MXNET = CATALOG.stack("keras1-mxnet")
PEM = "-----BEGIN CERTIFICATE-----\n"


def test_the_recipe_follows_dockerfile_and_locks(tmp_path: Path):
    recipes = {recipe_sha256(CATALOG, stack, device, "FROM x") for stack in CATALOG.stacks for device in stack.images}
    assert len(recipes) == 12
    assert recipe_sha256(CATALOG, MXNET, "cpu", "FROM y") not in recipes


def test_locked_wheels_in_a_local_folder_travel_in_the_context(tmp_path: Path):
    content = b"a wheel"
    (tmp_path / "torch-2.0+cpu-cp311-cp311-linux_x86_64.whl").write_bytes(content)
    (tmp_path / "torch-2.0+cpu-cp312-cp312-linux_x86_64.whl").write_bytes(b"of another hash")
    (tmp_path / "numpy-1.0-py3-none-any.whl").write_bytes(content)
    lock = f"torch==2.0+cpu \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    environ = {"PIP_FIND_LINKS": f"https://elsewhere/wheels {tmp_path.as_uri()}"}
    said: list[str] = []
    files, places = host_files(BuildSettings(), environ, lock, said.append)
    assert list(files) == ["wheels/torch-2.0+cpu-cp311-cp311-linux_x86_64.whl"]
    assert places == ["https://elsewhere/wheels"]
    assert said == [f"torch-2.0+cpu-cp311-cp311-linux_x86_64.whl comes from {tmp_path}"]


def test_build_arguments_come_from_settings_then_from_the_environment():
    environ = {"PIP_INDEX_URL": "https://theirs/simple", "HTTPS_PROXY": "http://proxy:3128", "PIP_TRUSTED_HOST": ""}
    arguments = build_arguments(BuildSettings(), environ, "base:1", [], False)
    assert arguments == {
        "BASE_IMAGE": "base:1",
        "PIP_INDEX_URL": "https://theirs/simple",
        "https_proxy": "http://proxy:3128",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    own = BuildSettings(pip_index_url="https://ours/simple", debian_mirror="http://mirror/debian")
    arguments = build_arguments(own, environ, "base:1", ["https://wheels"], True)
    assert arguments["PIP_INDEX_URL"] == "https://ours/simple"
    assert arguments["DEBIAN_MIRROR"] == "http://mirror/debian"
    assert arguments["PIP_FIND_LINKS"] == "https://wheels"
    assert arguments["PIP_EXTRA_INDEX_URL"] == ""  # the wheels are in the context


def test_the_same_context_is_the_same_bytes(tmp_path: Path):
    (tmp_path / "lock.txt").write_text("a==1")
    archives = []
    for _ in range(2):
        (tmp_path / "lock.txt").touch()
        stream = io.BytesIO()
        write_context(stream, "FROM x", {"lock.txt": tmp_path / "lock.txt"})
        archives.append(stream.getvalue())
    assert archives[0] == archives[1]


def test_the_ca_bundle_travels_in_the_context_and_is_said(tmp_path: Path):
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    said: list[str] = []
    files, _ = host_files(BuildSettings(ca_bundle=str(tmp_path / "ca.pem")), {}, "", said.append)
    assert files == {"ca-bundle.crt": tmp_path / "ca.pem"}
    assert said == [f"CA certificates of the build: {tmp_path}/ca.pem (--ca-bundle)"]


def test_the_context_has_owners_and_times_of_its_own(tmp_path: Path):
    (tmp_path / "lock.txt").write_text("a==1")
    stream = io.BytesIO()
    write_context(stream, "FROM x", {"requirements/lock.txt": tmp_path / "lock.txt"})
    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        members = archive.getmembers()
        assert archive.extractfile("Dockerfile").read() == b"FROM x"  # type: ignore[union-attr]
    assert [member.name for member in members] == ["Dockerfile", "requirements/lock.txt"]
    assert {(member.uid, member.mtime, member.mode) for member in members} == {(0, 0, 0o644)}


def test_every_lock_of_a_stack_is_in_its_context():
    files = context_files(CATALOG, MXNET, "cpu")
    assert sorted(files) == ["requirements/keras1-mxnet-cpu.txt", "requirements/python2-tools.txt"]
    assert all(path.is_file() for path in files.values())


def test_cuda_files_come_with_what_makes_their_copy_work(tmp_path: Path):
    assert cuda_context(CATALOG, "8.0", {}) == {}
    files = cuda_context(CATALOG, "8.0", {"lib/x.so": tmp_path / "x.so"})
    assert files == {"CUDA.md": CATALOG.docker_dir / "CUDA.md", "cuda/8.0/lib/x.so": tmp_path / "x.so"}


def test_the_ca_bundle_is_the_given_one_else_the_environments(tmp_path: Path):
    given, named = tmp_path / "given.pem", tmp_path / "named.pem"
    given.write_text(PEM)
    named.write_text(PEM)
    environ = {"REQUESTS_CA_BUNDLE": str(named)}
    assert choose_ca_bundle(str(given), environ) == (given, "--ca-bundle")
    assert choose_ca_bundle(None, environ) == (named, "$REQUESTS_CA_BUNDLE")
    assert choose_ca_bundle(None, {}) is None


def test_a_wrong_ca_bundle_is_told_with_who_named_it(tmp_path: Path):
    with pytest.raises(UserError, match=r"\(\$PIP_CERT\) cannot be read: No such file"):
        choose_ca_bundle(None, {"PIP_CERT": str(tmp_path / "none.pem")})
    (tmp_path / "text.pem").write_text("hello")
    with pytest.raises(UserError, match=r"\(--ca-bundle\) holds no PEM certificate"):
        choose_ca_bundle(str(tmp_path / "text.pem"), {})


def test_variables_are_read_in_pips_order_and_empty_ones_are_none(tmp_path: Path):
    for name in CA_BUNDLE_VARIABLES:
        (tmp_path / name).write_text(PEM)
    environ = {name: str(tmp_path / name) for name in CA_BUNDLE_VARIABLES}
    assert choose_ca_bundle(None, environ) == (tmp_path / "PIP_CERT", "$PIP_CERT")
    assert choose_ca_bundle(None, {**environ, "PIP_CERT": ""}) == (
        tmp_path / "REQUESTS_CA_BUNDLE",
        "$REQUESTS_CA_BUNDLE",
    )


def test_a_bundle_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").write_text(PEM)
    assert choose_ca_bundle("~/ca.pem", {}) == (tmp_path / "ca.pem", "--ca-bundle")
