"""A credential helper that does not work costs its own registries' credentials, and nothing else."""

from __future__ import annotations

import os
import signal
import stat
import types
import warnings

import pytest

from orchestrator.host import credentials
from orchestrator.host.credentials import forgive_helpers
from orchestrator.host.docker_sdk import docker_sdk

OWN = {"x.example": {"auth": "YTpi"}}


def client(**settings):
    auth = docker_sdk().auth
    made = types.SimpleNamespace(api=types.SimpleNamespace(credstore_env=None))
    made.api._auth_configs = auth.AuthConfig({"auths": auth.AuthConfig.parse_auth(OWN), **settings})
    forgive_helpers(made)
    return made.api._auth_configs


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """A function that makes docker-credential-mine a shell script."""

    def make(script):
        path = tmp_path / "docker-credential-mine"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return make


@pytest.mark.parametrize("settings", [{"credsStore": "nosuch"}, {"credHelpers": {"gcr.io": "nosuch"}}])
def test_a_helper_that_is_not_installed(settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = client(**settings)
        assert set(found.get_all_credentials()) == {"x.example"}
        assert found.resolve_authconfig("gcr.io") is None


@pytest.mark.parametrize("script", ["exit 1", "echo no json", 'echo "{}"; kill -9 $$'])
def test_a_helper_that_fails(helper, script):
    helper(script)
    found = client(credsStore="mine", credHelpers={"gcr.io": "mine"})
    assert found.get_all_credentials()["x.example"]["username"] == "a"
    assert found.resolve_authconfig("gcr.io") is None


def test_a_helper_that_hangs_is_left_alone_after_a_while_and_not_asked_again(helper, tmp_path, monkeypatch):
    """Its child keeps the pipe open, as daemons of desktops do."""
    monkeypatch.setattr(credentials, "HELPER_S", 0.2)
    helper(f"echo $1 >> {tmp_path}/asked; sleep 60 & echo $! > {tmp_path}/child; wait")
    found = client(credsStore="mine", credHelpers={"gcr.io": "mine"})
    try:
        assert set(found.get_all_credentials()) == {"x.example"}
        assert found.resolve_authconfig("gcr.io") is None
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    assert (tmp_path / "asked").read_text().split() == ["list"]


def test_a_helper_that_works_is_asked(helper):
    helper('case $1 in list) echo \'{"y.example": "me"}\';; get) echo \'{"Username": "me", "Secret": "s"}\';; esac')
    found = client(credsStore="mine").get_all_credentials()
    assert (found["y.example"]["Username"], found["x.example"]["username"]) == ("me", "a")


def test_they_are_never_read_again():
    """The SDK does that where it has none, and gets its own class, which does not forgive."""
    assert client().is_empty is False
