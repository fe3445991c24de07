"""Where CUDA's part of the driver is looked for."""

from __future__ import annotations

import pytest

from orchestrator.host.nvidia.libcuda import NAME, folder, with_folder


@pytest.fixture
def host(tmp_path):
    """Folders that have it: `named`, by LD_LIBRARY_PATH; `place`, a known one. And two lists of the loader."""
    for name in ("named", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / NAME).touch()
    (tmp_path / "knows").write_bytes(b"\0/usr/lib/" + NAME.encode() + b"\0")
    (tmp_path / "empty").write_bytes(b"\0libc.so.6\0")
    return tmp_path


@pytest.mark.parametrize(
    ("variable", "cache", "found"),
    [
        ("/nowhere:{0}/named", "empty", "named"),
        ("{0}/named:{0}/place", "knows", "named"),  # what the caller's own programs would take
        ("/nowhere", "knows", ""),
        ("", "empty", "place"),
        ("", "not there", "place"),
        ("named:.", "knows", ""),  # relative: jobs run elsewhere
    ],
)
def test_the_callers_folder_comes_before_the_loader_and_known_places(host, variable, cache, found):
    environ = {"LD_LIBRARY_PATH": variable.format(host)} if variable else {}
    there = folder(environ, host / cache, ["/nowhere", str(host / "place")])
    assert there == (str(host / found) if found else "")
    assert folder({}, host / "empty", []) == ""


def test_a_job_keeps_what_it_has():
    assert with_folder({"A": "1"}, "") == {"A": "1"}
    assert with_folder({"A": "1"}, "/x") == {"A": "1", "LD_LIBRARY_PATH": "/x"}
    assert with_folder({"LD_LIBRARY_PATH": "/y"}, "/x") == {"LD_LIBRARY_PATH": "/y:/x"}
    assert with_folder({"LD_LIBRARY_PATH": "/x:/y"}, "/x") == {"LD_LIBRARY_PATH": "/x:/y"}
