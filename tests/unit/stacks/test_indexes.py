"""Where packages come from: what the caller's environment says reaches uv, pip and image builds, or is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.environment import CA_BUNDLES, CHOICES
from orchestrator.errors import UserError
from orchestrator.stacks import indexes
from orchestrator.stacks.indexes import Named, ca_bundle, find, for_pip, for_uv, pip_files, uv_flags

PEM = "-----BEGIN CERTIFICATE-----\n"
OWN = ["https://own"]


def uv(environ: dict[str, str], files=(), own=()) -> dict[str, str]:
    return for_uv(find(environ, files), own, environ)


def pip(environ: dict[str, str], files=(), own=()) -> dict[str, str]:
    return for_pip(find(environ, files), own, environ)


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_the_main_index_is_the_one_that_is_named_whoever_installs(name):
    environ = {name: "http://127.0.0.1:9/simple"}
    assert uv(environ)["UV_DEFAULT_INDEX"] == pip(environ)["PIP_INDEX_URL"] == "http://127.0.0.1:9/simple"
    assert "UV_INDEX_URL" not in uv(environ)
    assert find(environ, ()).words(()) == f"http://127.0.0.1:9/simple ({name})"


def test_what_nobody_names_is_pypi_and_said():
    assert find({}, ()).words(OWN) == "https://pypi.org/simple (the default) and https://own (its lock)"
    assert "UV_DEFAULT_INDEX" not in uv({}) and uv({}, own=OWN)["UV_INDEX"] == "https://own"
    assert uv({}, own=OWN)["UV_INDEX_STRATEGY"] == "unsafe-best-match"


@pytest.mark.parametrize("name", ["PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"])
def test_further_indexes_of_a_variable_come_in_place_of_the_locks_own(name):
    environ = {name: "https://a https://b"}
    assert uv(environ, own=OWN)["UV_INDEX"] == "https://a https://b"
    assert pip(environ, own=OWN)["PIP_EXTRA_INDEX_URL"] == "https://a https://b"
    assert f"https://b ({name})" in find(environ, ()).words(OWN) and "own" not in find(environ, ()).words(OWN)


def test_uvs_names_of_indexes_are_uvs_alone():
    environ = {"UV_DEFAULT_INDEX": "main=https://m/simple", "UV_INDEX": "mine=https://u:p@a"}
    assert uv(environ)["UV_DEFAULT_INDEX"] == "main=https://m/simple"
    assert pip(environ)["PIP_INDEX_URL"] == "https://m/simple"
    assert find(environ, ()).words(()) == "https://m/simple (UV_DEFAULT_INDEX) and https://a (UV_INDEX)"


def test_two_main_indexes_are_refused_and_one_that_is_named_twice_is_not():
    with pytest.raises(
        UserError, match=r"two package indexes: https://a \(PIP_INDEX_URL\) and https://b \(UV_INDEX_URL"
    ):
        find({"PIP_INDEX_URL": "https://me:secret@a", "UV_INDEX_URL": "https://b"}, ())
    assert uv({"PIP_INDEX_URL": "https://a/", "UV_INDEX_URL": "https://a"})["UV_DEFAULT_INDEX"] == "https://a"


def test_a_variable_counts_more_than_a_file_and_a_later_file_more_than_an_earlier(tmp_path: Path):
    first, second = tmp_path / "first.conf", tmp_path / "second.conf"
    first.write_text(
        "[global]\nindex-url = https://1\nextra_index_url =\n  https://e\n  https://f\n[install]\ncert=/c.pem\n"
    )
    second.write_text("[global]\nindex-url = https://2\ncert = /other.pem\n[freeze]\nno-index = true\n")
    found = find({}, [first, tmp_path / "none.conf", second])
    assert (found.index, found.cert) == (Named("https://2", str(second)), Named("/c.pem", str(first)))
    assert [each.value for each in found.extra] == ["https://e", "https://f"] and found.no_index is None
    assert find({"PIP_INDEX_URL": "https://3"}, [first, second]).index == Named("https://3", "PIP_INDEX_URL")
    assert find({"PIP_INDEX_URL": ""}, [first, second]).index == Named("https://2", str(second))
    assert find({"UV_INDEX_URL": "https://4"}, [first, second]).index == Named("https://4", "UV_INDEX_URL")
    assert found.further(OWN)[-1] == Named("https://own", "its lock"), "files do not take the place of the lock's"
    first.write_text("index-url = https://1\n")
    with pytest.raises(UserError, match=r"first\.conf is no pip\.conf"):
        find({}, [first])


def test_files_are_looked_for_where_pip_does(tmp_path: Path):
    """Against pip itself, which lists the files that it would read."""
    environ = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "x"),
        "PIP_CONFIG_FILE": str(tmp_path / "p.conf"),
    }
    for path in (tmp_path / ".pip/pip.conf", tmp_path / "x/pip/pip.conf", tmp_path / "p.conf"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[global]\n")
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "config", "debug"], capture_output=True, text=True, env={**os.environ, **environ}
    )
    theirs = [line.split(",")[0].strip() for line in answer.stdout.splitlines() if ", exists:" in line]
    assert len(theirs) >= 4
    assert set(theirs) <= set(map(str, pip_files({**os.environ, **environ})))
    assert pip_files({"PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path)}) == []
    assert [each for each in pip_files({"HOME": "/h"}) if each.is_relative_to("/h")] == [
        Path("/h/.pip/pip.conf"),
        Path("/h/.config/pip/pip.conf"),
    ]


def test_without_an_index_only_folders_are_left(tmp_path: Path):
    for environ in (
        {"PIP_NO_INDEX": "1"},
        {"UV_NO_INDEX": "true"},
        {"PIP_NO_INDEX": "yes", "PIP_INDEX_URL": "https://a"},
    ):
        found = find({**environ, "PIP_FIND_LINKS": str(tmp_path)}, ())
        assert uv_flags(found) == ["--find-links", str(tmp_path), "--no-index"]
        assert for_pip(found, (), {})["PIP_NO_INDEX"] == "1"
        assert found.words(OWN) == str(tmp_path)
    assert find({"PIP_NO_INDEX": "0"}, ()).no_index is None
    assert find({"PIP_NO_INDEX": "1"}, ()).words(OWN) == "nowhere"


def test_folders_and_pages_with_links(tmp_path: Path):
    (tmp_path / "a,b").mkdir()
    links = f"{(tmp_path / 'a,b').as_uri()} {tmp_path}/gone https://u:p@page"
    found = find({"PIP_FIND_LINKS": links, "UV_FIND_LINKS": f"https://c,{tmp_path}"}, ())
    assert uv_flags(found) == ["--find-links", f"{tmp_path}/a,b", "--find-links", str(tmp_path)]
    assert for_uv(found, (), {})["UV_FIND_LINKS"] == "https://u:p@page,https://c"
    assert for_pip(found, (), {})["PIP_FIND_LINKS"].split()[-2:] == ["https://u:p@page", "https://c"]
    assert found.notes == [f"{tmp_path}/gone (PIP_FIND_LINKS) is not there"]
    assert "u:p" not in found.words(())


def test_hosts_proxies_and_certificates_reach_uv(tmp_path: Path):
    (tmp_path / "ca.pem").write_text(PEM)
    environ = {
        **{"PIP_TRUSTED_HOST": "a b", "PIP_PROXY": "http://p:3128", "PIP_CERT": str(tmp_path / "ca.pem")},
        **{"PIP_CLIENT_CERT": "/key.pem", "http_proxy": "http://other", "SSL_CERT_FILE": "/other.pem"},
    }
    found = uv(environ)
    assert (found["UV_INSECURE_HOST"], found["SSL_CLIENT_CERT"]) == ("a b", "/key.pem")
    assert found["SSL_CERT_FILE"] == str(tmp_path / "ca.pem")
    assert {found[name] for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")} == {"http://p:3128"}
    assert pip({"UV_INSECURE_HOST": "c"})["PIP_TRUSTED_HOST"] == "c"


def test_certificates_are_read_in_pips_order_and_empty_variables_are_none(tmp_path: Path):
    for name in CA_BUNDLES:
        (tmp_path / name).write_text(PEM)
    environ = {name: str(tmp_path / name) for name in CA_BUNDLES}
    for name in CA_BUNDLES:
        assert find(environ, ()).cert == Named(str(tmp_path / name), name)
        environ[name] = ""
    assert find(environ, ()).cert is None


def test_a_wrong_ca_bundle_is_told_with_who_named_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UserError, match=r"none\.pem \(PIP_CERT\) cannot be read: No such file"):
        uv({"PIP_CERT": str(tmp_path / "none.pem")})
    (tmp_path / "text.pem").write_text("hello")
    with pytest.raises(UserError, match=r"\(--ca-bundle\) holds no PEM certificate"):
        ca_bundle(Named(str(tmp_path / "text.pem"), "--ca-bundle"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").write_text(PEM)
    assert ca_bundle(Named("~/ca.pem", "--ca-bundle")) == tmp_path / "ca.pem"


def test_what_a_lock_decides_is_said_and_kept_out(tmp_path: Path):
    environ = {
        "PIP_CONSTRAINT": "c.txt",
        "UV_TORCH_BACKEND": "cu128",
        "PIP_USER": "1",
        "PIP_TIMEOUT": "9",
        "UV_OFFLINE": "1",
    }
    found = find(environ, ())
    assert found.notes == [
        "PIP_CONSTRAINT, PIP_USER and UV_TORCH_BACKEND not obeyed: what is installed is what the lock says"
    ]
    for tool in (for_uv, for_pip):
        assert not {*tool(found, (), environ)} & {*CHOICES}
        assert {"PIP_TIMEOUT", "UV_OFFLINE"} <= {*tool(found, (), environ)}


def test_uvs_own_files_are_not_read_and_it_is_said(tmp_path: Path):
    (tmp_path / ".config/uv").mkdir(parents=True)
    (tmp_path / ".config/uv/uv.toml").touch()
    environ = {"HOME": str(tmp_path)}
    assert (
        find(environ, ()).notes[0].startswith(f"{tmp_path}/.config/uv/uv.toml is not read: name the package index with")
    )
    assert find({**environ, "UV_NO_CONFIG": "1"}, ()).notes == []


def test_passwords_are_not_shown():
    assert Named("name=https://me:secret@host/simple", "UV_INDEX").words == "https://host/simple (UV_INDEX)"
    assert indexes.is_local("x=file:///srv") and indexes.is_local("/srv") and not indexes.is_local("https://a")
