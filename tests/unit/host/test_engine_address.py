"""Which engine is meant: as docker itself decides it, or a refusal; never another engine in silence."""

from __future__ import annotations

import hashlib
import json

import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.host.engine_address import HERE, Address, Tls, engine_address, explain_silence


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".docker").mkdir()
    return tmp_path


def context(settings, name, endpoints):
    """As `docker context create` leaves it; a config.json need not be there."""
    folder = settings / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    document = {"Name": name, "Metadata": {"Description": "mine"}, "Endpoints": endpoints}
    (folder / "meta.json").write_text(json.dumps(document))
    return settings / "contexts" / "tls" / folder.name / "docker"


def test_without_a_word_it_is_this_machines_own(home):
    assert engine_address({}, home) == Address(host=HERE)
    (home / ".docker" / "config.json").write_text('{"auths": {}, "currentContext": "default"}')
    assert engine_address({}, home) == Address(host=HERE)


def test_a_config_that_is_no_json_names_no_context(home):
    (home / ".docker" / "config.json").write_text("{")
    assert engine_address({}, home) == Address(host=HERE)


def test_docker_host_goes_before_contexts(home):
    context(home / ".docker", "mine", {"docker": {"Host": "unix:///mine.sock"}})
    address = engine_address({"DOCKER_HOST": "tcp://here:1", "DOCKER_CONTEXT": "mine"}, home)
    assert (address.host, address.place) == ("tcp://here:1", "DOCKER_HOST=tcp://here:1")


@pytest.mark.parametrize("by", ["variable", "config.json", "DOCKER_CONFIG"])
def test_a_context_is_found_by_its_name(home, by):
    settings = home / "elsewhere" if by == "DOCKER_CONFIG" else home / ".docker"
    context(settings, "mine", {"docker": {"Host": "unix:///mine.sock", "SkipTLSVerify": False}})
    environment = {"DOCKER_CONFIG": str(settings)} if by == "DOCKER_CONFIG" else {}
    if by == "variable":
        environment["DOCKER_CONTEXT"] = "mine"
    else:
        (settings / "config.json").write_text('{"currentContext": "mine"}')
    address = engine_address(environment, home)
    assert (address.host, address.tls) == ("unix:///mine.sock", None)
    assert address.place.startswith("/mine.sock (the context 'mine' of ")


@pytest.mark.parametrize(("place", "named"), [("variable", "DOCKER_CONTEXT"), ("config", "config.json")])
def test_a_context_that_is_not_there_is_refused(home, place, named):
    (home / ".docker" / "config.json").write_text('{"currentContext": "gone"}' if place == "config" else "{}")
    with pytest.raises(UserError, match=r"there is no docker context 'gone'") as caught:
        engine_address({"DOCKER_CONTEXT": "gone"} if place == "variable" else {}, home)
    assert named in caught.value.message
    assert "docker context ls" in caught.value.hint


@pytest.mark.parametrize("endpoints", [{}, {"kubernetes": {"Host": "x"}}, {"docker": {"Host": 5}}, []])
def test_a_context_without_an_engine_is_refused(home, endpoints):
    context(home / ".docker", "odd", endpoints)
    with pytest.raises(UserError, match="cannot read the docker context 'odd' of DOCKER_CONTEXT"):
        engine_address({"DOCKER_CONTEXT": "odd"}, home)


@pytest.mark.parametrize("how", ["DOCKER_HOST", "context"])
def test_an_engine_behind_ssh_is_another_machines(home, how):
    context(home / ".docker", "far", {"docker": {"Host": "ssh://me@there"}})
    environment = {"DOCKER_HOST": "ssh://me@there"} if how == "DOCKER_HOST" else {"DOCKER_CONTEXT": "far"}
    with pytest.raises(HostError, match="reached by ssh") as caught:
        engine_address(environment, home)
    assert "ssh me@there" in caught.value.hint
    assert how in caught.value.hint


def test_certificates_of_a_context(home):
    folder = context(home / ".docker", "tls", {"docker": {"Host": "tcp://there:2376", "SkipTLSVerify": True}})
    folder.mkdir(parents=True)
    assert engine_address({"DOCKER_CONTEXT": "tls"}, home).tls == Tls(folder=str(folder), verify=False)


@pytest.mark.parametrize("environment", [{}, {"DOCKER_HOST": "tcp://there:2376"}])
def test_tls_without_certificates_names_the_variables(home, environment):
    with pytest.raises(HostError, match=r"needs ca\.pem") as caught:
        engine_address({**environment, "DOCKER_TLS_VERIFY": "1"}, home)
    assert str(home / ".docker") in caught.value.message
    assert "DOCKER_CERT_PATH" in caught.value.hint
    assert "DOCKER_TLS_VERIFY" in caught.value.hint


def test_tls_with_certificates(home):
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (home / name).touch()
    address = engine_address({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(home)}, home)
    assert address.host == "tcp://localhost:2376", "as for docker itself"
    assert address.tls.authority == str(home / "ca.pem")
    assert address.tls.certificate == (str(home / "cert.pem"), str(home / "key.pem"))
    (home / "key.pem").unlink()
    assert address.tls.certificate is None
    socket = engine_address({"DOCKER_HOST": "unix:///x", "DOCKER_TLS_VERIFY": "1"}, home)
    assert socket.tls is None, "a socket of this machine has no TLS"


@pytest.mark.parametrize(
    ("text", "named_by", "message", "hint"),
    [
        ("PermissionError(13, 'Permission denied')", "", "no permission to use", "usermod"),
        ("FileNotFoundError(2, 'No such file or directory')", "", "no Docker engine here", "Install"),
        ("ConnectionRefusedError(111, 'Connection refused')", "", "is not running", "systemctl"),
        ("Bad gateway", "", "does not answer: Bad gateway", "docker version"),
        ("Max retries\nmore", "DOCKER_HOST", "DOCKER_HOST=unix:///x.sock: Max retries", "unset DOCKER_HOST"),
        ("refused", "the context 'a' of DOCKER_CONTEXT", "at /x.sock (the context 'a' of", "DOCKER_CONTEXT=default"),
        ("SSLError(certificate)", "DOCKER_HOST", "no secure connection", "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"),
    ],
)
def test_an_engine_that_does_not_answer_is_explained(text, named_by, message, hint):
    told, way_out = explain_silence(text, Address(host="unix:///x.sock", named_by=named_by))
    assert message in told and "\n" not in told
    assert hint in way_out
