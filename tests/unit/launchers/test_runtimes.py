"""Runtimes that come with the package, runtimes of one's own, and what is said of one that is not written well."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from orchestrator.cli.app import cli
from orchestrator.errors import HostError, UserError
from orchestrator.host.probe import probe_host
from orchestrator.launchers import runtimes
from orchestrator.launchers.command_line import other_argv, run_argv
from orchestrator.launchers.runtimes import NAMES, POINTS, adapted, load, packaged
from orchestrator.measure.fingerprint import Origin, fingerprint
from orchestrator.model import DataFile, Device, Launch
from orchestrator.plan.config import decode, override
from tests.conftest import ROOT
from tests.make import make_job, make_spec

SPEC = make_spec()
GPU = make_spec(gpu_uuid="GPU-7", gpu_minor=3)


def test_podman_without_root_keeps_the_callers_number_and_says_what_v1_ignores():
    v2 = adapted(load("podman"), root=False, v2=True)
    plain = run_argv(adapted(load("podman"), root=True), SPEC)
    image = plain.index("sha256:1")
    assert run_argv(v2, SPEC) == [*plain[:image], "--userns", "keep-id", *plain[image:]]
    assert not v2.unconfined
    v1 = adapted(load("podman"), root=False, v2=False)
    assert [line.split(":")[0] for line in v1.unconfined] == ["processes", "memory", "cores"]
    line = " ".join(run_argv(v1, SPEC))
    assert not [word for word in ("--pids-limit", "--memory", "--cpuset-cpus") if word in line]
    assert adapted(load("docker"), root=False, v2=False) == load("docker")


def test_every_point_is_written_or_said_to_be_lacking():
    for runtime in packaged().values():
        assert {*runtime.hardening} | {*runtime.lacks} == {*POINTS}
        assert len(runtime.unconfined) == len(runtime.lacks)
    assert tuple(packaged()) == NAMES
    assert {name for name, runtime in packaged().items() if runtime.tried} == {"docker", "podman"}
    assert not load("docker").unconfined


def test_the_documentation_tells_of_every_runtime_and_what_it_lacks():
    text = (ROOT / "docs" / "RUNTIMES.md").read_text()
    for name, runtime in packaged().items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert ("| tried" in row) is runtime.tried
        assert ("| not tried" in row) is not runtime.tried
        assert all(point.replace("_", " ") in row for point in runtime.lacks)
    assert all(f"`{point}`" in text for point in POINTS)


def own(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


def test_a_runtime_of_ones_own_changes_only_what_it_says(tmp_path):
    path = own(tmp_path, "{like: docker, program: [sudo, docker], extra: [--ulimit, 'nofile=1024']}")
    runtime = load(path)
    words = run_argv(runtime, SPEC)
    assert runtime.name == "mine"
    assert words[:4] == ["sudo", "docker", "run", "--rm"]
    assert words[words.index("sha256:1") - 2 : words.index("sha256:1")] == ["--ulimit", "nofile=1024"]
    assert other_argv(runtime, runtime.end, name="x") == ["sudo", "docker", "rm", "--force", "--volumes", "x"]
    rest = words[2 : words.index("--ulimit", words.index("/o:/out:rw"))]
    assert rest == run_argv(load("docker"), SPEC)[1 : 1 + len(rest)]


def test_a_point_that_a_site_forbids_is_moved_to_what_lacks(tmp_path):
    path = own(tmp_path, "{like: apptainer, lacks: {network: this site allows no network namespaces}}")
    runtime = load(path)
    assert "--net" not in run_argv(runtime, SPEC, "/s")
    assert "network: this site allows no network namespaces" in runtime.unconfined
    back = load(own(tmp_path, "{like: apptainer, hardening: {memory: [--memory, '{memory_mb}M']}}"))
    assert "memory" not in back.lacks
    assert "--memory 512M" in " ".join(run_argv(back, SPEC, "/s"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{like: dokcer}", "like: 'dokcer' is none of"),
        ("{like: docker, progam: [x]}", "unknown field `progam`"),
        ("{like: docker, program: docker}", "$.program"),
        ("{like: docker, program: []}", "`program` and `gpu` must not be empty"),
        ("{like: docker, extra: ['{nmae}']}", "extra: '{nmae}' has an unknown placeholder {nmae}; known here: cores"),
        ("{like: docker, extra: ['{']}", "extra: '{': "),
        ("{like: docker, hardening: {pids: []}}", "pids"),
        ("{like: docker, run: ['{program}', run, '{image}', '{command}']}", "`run` does not use {hardening}"),
        ("{name: x, program: [x]}", "missing required field"),
        ("- 1", "Expected `object`"),
        ("a: [", "is not YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path, text, words):
    path = own(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load(path)
    assert path in caught.value.message
    assert words in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "{like: docker, extra: ['{binds}']}",
            "extra: '{binds}' has an unknown placeholder {binds}; known here: cores",
        ),
        ("{like: docker, extra: ['{program}']}", "extra: '{program}' has an unknown placeholder"),
        ("{like: docker, gpu: {cdi: ['{environment}']}}", "gpu.cdi: '{environment}' has an unknown placeholder"),
        ("{like: docker, hardening: {user: ['{extra}']}}", "hardening.user: '{extra}' has an unknown placeholder"),
        ("{like: docker, rootless: ['{command}']}", "rootless: '{command}' has an unknown placeholder"),
        ("{like: docker, extra: ['{memory_mb:d}']}", "extra: '{memory_mb:d}': write {memory_mb} without"),
        ("{like: docker, extra: ['{name!r}']}", "extra: '{name!r}': write {name} without"),
        ("{like: docker, extra: ['{name:{pids}}']}", "extra: '{name:{pids}}': write {name} without"),
        ("{like: docker, end: ['{program}', rm, '{image}']}", "end: '{image}' has an unknown placeholder"),
        ("{like: docker, end: [rm, '{binds}']}", "end: '{binds}' has an unknown placeholder"),
        (
            "{like: docker, inspect: [x, '{gpu}']}",
            "inspect: '{gpu}' has an unknown placeholder {gpu}; known here: name",
        ),
        ("{like: docker, find: [x, '{name}']}", "find: '{name}' has an unknown placeholder {name}; known here: none"),
        ("{like: docker, gpu_environment: {X: '{uuid}'}}", "gpu_environment.X: '{uuid}' has an unknown placeholder"),
        ("{like: docker, images: {store: engine, put: [x, '{archive}']}}", "images.put: '{archive}' has an unknown"),
        ("{like: docker, images: {store: engine, put: [x], show: [x, '{file}']}}", "images.show: '{file}' has an"),
        ("{like: apptainer, images: {store: files, put: [x, '{name}']}}", "images.put: '{name}' has an unknown"),
        ("{like: docker, program: 2020-99-99}", "is not YAML"),
    ],
)
def test_placeholders_stand_only_where_they_are_filled_in(tmp_path, text, words):
    """What passed here was a KeyError when the first job was planned, launched or removed."""
    path = own(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load(path)
    assert caught.value.message.startswith(path)
    assert words in caught.value.message


@pytest.mark.parametrize("name", NAMES)
def test_every_placeholder_that_is_allowed_is_filled_in(name):
    """In each place all that may stand there, so that nothing that passes can fail later."""
    fields, known = runtimes._raw()[name], runtimes.FIELDS
    every = ["".join(f"{{{field}}}" for field in sorted(known[""]))]
    put = "".join(f"{{{field}}}" for field in sorted(known[f"images.put: {fields['images']['store']}"]))
    runtime = runtimes.decode(
        {
            "name": "x",
            "extra": every,
            "rootless": every,
            "hardening": {"core_dumps": every},
            "gpu": {"devices": every},
            "gpu_environment": {"X": "{gpu}"},
            "gpu_file": ["{file}"],
            "gpu_group": ["{group}"],
            "end": ["{program}", "{name}"],
            "inspect": ["{program}", "{name}"],
            "find": ["{program}"],
            "images": {**fields["images"], "put": ["{program}", put], "show": ["{program}", "{image}"]},
        },
        "x.yaml",
        fields,
    )
    assert " ".join(run_argv(runtime, GPU, "/scratch")).count("job-1") >= 3
    for words in (runtime.end, runtime.inspect):
        assert other_argv(runtime, words, name="job-1")[-1] == "job-1"
    assert other_argv(runtime, runtime.find) == runtime.program
    assert other_argv(runtime, runtime.images.show, image="i:1")[-1] == "i:1"
    given = {} if runtime.images.store == "engine" else {"image": "i:1", "file": "/f", "archive": "/a"}
    assert other_argv(runtime, runtime.images.put, **given)[-1] == "".join(given[key] for key in sorted(given))


def test_a_point_that_nothing_is_said_of_is_refused():
    fields = {**runtimes._raw()["docker"], "name": "x"}
    fields["hardening"] = {key: value for key, value in fields["hardening"].items() if key != "network"}
    with pytest.raises(UserError, match="nothing is said of network"):
        runtimes.decode(fields, "x.yaml")


def test_names_of_launchers_come_from_one_place(tmp_path):
    for name in runtimes.LAUNCHERS:
        assert decode(f"launcher: {name}".encode(), "c.yaml").launcher == name
    with pytest.raises(UserError) as caught:
        decode(b"launcher: podmen", "c.yaml")
    assert caught.value.hint == "did you mean 'podman'?"
    with pytest.raises(UserError, match="no launcher and no file is called 'x'"):
        override(decode(b"{}", "c.yaml"), launcher="x")
    path = own(tmp_path, "{like: podman, program: [sudo, podman]}")
    assert override(decode(b"{}", "c.yaml"), launcher=path).launcher == path
    assert runtimes.recorded_name(path) == "mine"
    assert [runtimes.recorded_name(name) for name in runtimes.LAUNCHERS] == [*runtimes.LAUNCHERS]


def test_a_file_is_kept_by_its_absolute_path(tmp_path, monkeypatch):
    """A resumed run and a cluster's nodes start in other folders."""
    path = own(tmp_path, "{like: podman, program: [sudo, podman]}")
    monkeypatch.chdir(tmp_path)
    assert decode(b"launcher: ./mine.yaml", "c.yaml").launcher == path
    config = override(decode(b"{}", "c.yaml"), launcher="mine.yaml")
    assert config.launcher == path
    monkeypatch.chdir("/")
    assert override(config, repeats=2).launcher == path


def test_what_stands_in_the_way_of_a_runtime(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(HostError, match="pyxis works inside a Slurm job only"):
        runtimes.check_usable(load("pyxis"))
    with pytest.raises(HostError, match="the program podman is not on the search path") as caught:
        runtimes.check_usable(load("podman"))
    assert "apt-get install podman" in caught.value.hint


def test_a_runtime_without_users_of_its_own_is_refused_to_root(monkeypatch, tmp_path):
    program = tmp_path / "apptainer"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(runtimes.os, "getuid", lambda: 0)
    with pytest.raises(HostError, match="jobs must not be root"):
        runtimes.check_usable(load("apptainer"))
    monkeypatch.setattr(runtimes.os, "getuid", lambda: 1000)
    runtimes.check_usable(load("apptainer"))


def test_a_host_without_podman_is_told_by_doctor_and_by_a_run(tmp_path, monkeypatch):
    """Before anything starts, with what to do."""
    monkeypatch.setenv("PATH", "/nowhere")
    words = ["--config", "smoke", "--launcher", "podman", "--out", str(tmp_path)]
    answer = CliRunner().invoke(cli, ["doctor", *words])
    assert answer.exit_code == 3
    told = " ".join(answer.output.split())  # as wide as the terminal
    assert "podman: the program podman is not on the search path -> install it: apt-get" in told
    answer = CliRunner().invoke(cli, ["run", *words])
    assert isinstance(answer.exception, HostError)
    assert not list(tmp_path.iterdir())


def test_what_could_not_be_given_is_kept_with_the_result():
    launch = Launch(launcher="x", command=["x"], unconfined=["memory: no"])
    data = DataFile(dataset="mnist", path="/d", sha256="0" * 64, kind="given", name="d")
    device = Device(kind="cpu", name="cpu:0")
    origin = Origin(host=probe_host(), scripts="0" * 64, commit=None)
    found = fingerprint(make_job(), device, launch, data, origin)
    assert found.unconfined == ["memory: no"]
