"""Settings of builds: the CA bundle and who named it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.stacks.settings import CA_BUNDLE_VARIABLES, choose_ca_bundle

PEM = "-----BEGIN CERTIFICATE-----\n"


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
