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
from orchestrator.stacks import indexes
from orchestrator.stacks.images.context import (
    build_arguments,
    context_files,
    cuda_context,
    host_files,
    recipe_sha256,
    sources_of_build,
    write_context,
)
from orchestrator.stacks.indexes import Sources

CATALOG = load_catalog()
MXNET = CATALOG.stack("keras1-mxnet")
PEM = "-----BEGIN CERTIFICATE-----\n"


def test_the_recipe_follows_dockerfile_and_locks(tmp_path: Path):
    recipes = {recipe_sha256(CATALOG, stack, device, "FROM x") for stack in CATALOG.stacks for device in stack.images}
    assert len(recipes) == sum(len(stack.images) for stack in CATALOG.stacks), "each image has its own"
    assert recipe_sha256(CATALOG, MXNET, "cpu", "FROM y") not in recipes


def sources(environ: dict[str, str], settings: BuildSettings | None = None) -> Sources:
    return sources_of_build(settings or BuildSettings(), indexes.find(environ, []))


def test_locked_wheels_in_a_local_folder_travel_in_the_context(tmp_path: Path):
    content = b"a wheel"
    (tmp_path / "torch-2.0+cpu-cp311-cp311-linux_x86_64.whl").write_bytes(content)
    (tmp_path / "torch-2.0+cpu-cp312-cp312-linux_x86_64.whl").write_bytes(b"of another hash")
    (tmp_path / "numpy-1.0-py3-none-any.whl").write_bytes(content)
    lock = f"torch==2.0+cpu \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    found = sources({"PIP_FIND_LINKS": f"https://elsewhere/wheels {tmp_path.as_uri()}"})
    said: list[str] = []
    files = host_files(found, lock, said.append)
    assert list(files) == ["wheels/torch-2.0+cpu-cp311-cp311-linux_x86_64.whl"]
    assert said == [f"torch-2.0+cpu-cp311-cp311-linux_x86_64.whl comes from {tmp_path}"]
    assert build_arguments(BuildSettings(), found, {}, "base:1")["PIP_FIND_LINKS"] == "https://elsewhere/wheels"


def test_build_arguments_come_from_settings_then_from_the_environment():
    environ = {"PIP_INDEX_URL": "https://theirs/simple", "HTTPS_PROXY": "http://proxy:3128", "PIP_TRUSTED_HOST": ""}
    assert build_arguments(BuildSettings(), sources(environ), environ, "base:1") == {
        "BASE_IMAGE": "base:1",
        "PIP_INDEX_URL": "https://theirs/simple",
        "https_proxy": "http://proxy:3128",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    own = BuildSettings(
        pip_index_url="https://ours/simple", debian_mirror="http://mirror/debian", pip_find_links="https://wheels"
    )
    arguments = build_arguments(own, sources(environ, own), environ, "base:1", [], "https://index")
    assert arguments["PIP_INDEX_URL"] == "https://ours/simple"
    assert arguments["DEBIAN_MIRROR"] == "http://mirror/debian"
    assert arguments["PIP_FIND_LINKS"] == "https://wheels"
    assert arguments["PIP_EXTRA_INDEX_URL"] == ""  # the wheels are in the context


@pytest.mark.parametrize(
    ("environ", "own", "extra"),
    [
        ({}, ["https://own"], None),  # as the Dockerfile says
        ({"PIP_EXTRA_INDEX_URL": "https://a https://b"}, ["https://own"], "https://a https://b"),
        ({"UV_INDEX": "mine=https://a"}, ["https://own"], "https://a"),
        ({"PIP_EXTRA_INDEX_URL": "file:///srv/a https://b"}, [], "https://b"),
    ],
)
def test_further_indexes_of_a_build(environ, own, extra):
    arguments = build_arguments(BuildSettings(), sources(environ), environ, "base:1", own, "https://own")
    assert arguments.get("PIP_EXTRA_INDEX_URL") == extra


def test_further_indexes_of_a_file_join_the_stacks_own(tmp_path: Path):
    (tmp_path / "pip.conf").write_text("[global]\nextra-index-url = https://a file:///srv/b\n")
    found = sources_of_build(BuildSettings(), indexes.find({}, [tmp_path / "pip.conf"]))
    arguments = build_arguments(BuildSettings(), found, {}, "base:1", ["https://own"], "https://own")
    assert arguments["PIP_EXTRA_INDEX_URL"] == "https://a https://own"
    assert found.notes == [f"file:///srv/b ({tmp_path}/pip.conf) is a folder of this host: no build reaches it"]


@pytest.mark.parametrize(
    "environ",
    [
        {"PIP_INDEX_URL": "file:///srv/simple"},
        {"UV_DEFAULT_INDEX": "/srv/simple"},
        {"PIP_NO_INDEX": "1"},
        {"PIP_CLIENT_CERT": "/key.pem"},
        {"SSL_CLIENT_CERT": "/key.pem"},
    ],
)
def test_what_no_build_can_reach_is_refused_in_words(environ):
    with pytest.raises(UserError, match=f"an image cannot be built with .*{next(iter(environ))}"):
        sources(environ)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"http_proxy": "http://small", "HTTP_PROXY": "http://large"}, {"HTTP_PROXY": "http://small"}),
        ({"ALL_PROXY": "http://a", "https_proxy": "http://s"}, {"HTTP_PROXY": "http://a", "HTTPS_PROXY": "http://s"}),
        ({"PIP_PROXY": "http://p", "HTTP_PROXY": "h"}, {"HTTP_PROXY": "http://p", "HTTPS_PROXY": "http://p"}),
        ({"NO_PROXY": "x", "FTP_PROXY": "f"}, {"NO_PROXY": "x", "FTP_PROXY": "f"}),
    ],
)
def test_proxies_reach_a_build_in_both_spellings(environ, expected):
    arguments = build_arguments(BuildSettings(), sources(environ), environ, "base:1")
    both = {**expected, **{name.lower(): value for name, value in expected.items()}}
    assert arguments == {"BASE_IMAGE": "base:1", **both}


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
    files = host_files(sources({}, BuildSettings(ca_bundle=str(tmp_path / "ca.pem"))), "", said.append)
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


def test_a_mirror_with_an_account_would_stay_in_the_image_and_is_refused():
    with pytest.raises(UserError, match="an account for the mirror http://host/debian: it would stay") as caught:
        sources({}, BuildSettings(debian_mirror="http://me:S3CRET@host/debian"))
    assert "S3CRET" not in caught.value.message + caught.value.hint
    sources({}, BuildSettings(debian_mirror="http://host/debian"))
