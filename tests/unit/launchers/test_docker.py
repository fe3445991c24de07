"""A job under the Docker engine, with an engine that is made up: every end is an `Exit`, and the container is gone."""

from __future__ import annotations

import contextlib
import os
import threading
import types

import docker.errors
import msgspec
import pytest
import requests

from orchestrator.errors import HostError
from orchestrator.launchers import docker as launching
from orchestrator.launchers.caches import cache_name
from orchestrator.launchers.container import Image
from orchestrator.launchers.docker import DockerLauncher, docker_run, engine_usage, probe_of
from orchestrator.launchers.job_user import JobUser
from orchestrator.model import Device, Usage
from tests.make import make_context, make_job, make_spec

IMAGES = {"keras2-theano": Image(name="image:1", digest="sha256:1", dockerfile_sha256="f" * 64)}
CPU = Device(kind="cpu", name="cpu:0", cores=[0])


class Container:
    """A container whose job says `says` and ends with `code`, at once or when it is killed."""

    def __init__(self, engine, code=0, says=(b"hello\n",), hangs=False, oom=False, error=""):
        self.engine, self.code, self.says, self.id = engine, code, says, "c1"
        self.attrs = {"State": {"Pid": 0, "OOMKilled": oom, "Error": error}}
        self.ended = threading.Event()
        self.hangs = hangs
        self.closed: list[str] = []

    def attach_socket(self, params):
        assert params == {"stdin": 1, "stream": 1}
        return types.SimpleNamespace(close=lambda: self.closed.append("lifeline"))

    def attach(self, **options):
        return iter(self.says)

    def start(self):
        self.engine.events.append("start")
        if not self.hangs:
            self.ended.set()

    def wait(self, timeout):
        self.ended.wait(60)
        if isinstance(self.code, Exception):
            raise self.code
        return {"StatusCode": self.code}

    def kill(self):
        self.engine.events.append("kill")
        self.code = 137
        self.ended.set()

    def reload(self):
        pass

    def remove(self, force, v):
        self.engine.events.append("remove")
        if self.engine.busy:
            self.engine.busy -= 1
            raise docker.errors.APIError("removal is already in progress")


class Engine:
    """A Docker client with one container to give; `refuses` is what creating it raises."""

    def __init__(self, refuses=None, **container):
        self.events, self.created, self.volumes_made = [], [], []
        self.refuses, self.busy = refuses, 0
        self.container = Container(self, **container)
        self.containers = types.SimpleNamespace(create=self._create)
        self.volumes = types.SimpleNamespace(create=lambda name, labels: self.volumes_made.append((name, labels)))

    def ping(self):
        return True

    def info(self):
        return {"CgroupDriver": "cgroupfs"}

    def _create(self, **arguments):
        self.created.append(arguments)
        if self.refuses:
            raise self.refuses
        return self.container


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(launching.time, "sleep", lambda seconds: None)


@pytest.fixture
def context(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"data")
    return make_context(tmp_path / "workloads", tmp_path / "mnist.npz")


def launch(engine, context, tmp_path, watch=lambda probe: None, **job):
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    launcher = DockerLauncher(engine, context, IMAGES, patience_s=0.0)
    return launcher.launch(make_job(**job), CPU, out, tmp_path / "log", watch)


def test_a_good_job_leaves_its_log_and_no_container(context, tmp_path):
    engine, probes = Engine(), []
    exit = launch(engine, context, tmp_path, probes.append)
    assert (exit.code, exit.error, exit.timed_out, exit.oom, exit.cancelled) == (0, None, False, False, False)
    assert (tmp_path / "log").read_bytes() == b"hello\n"
    assert engine.events == ["start", "remove"]
    assert engine.container.closed == ["lifeline"]
    assert len(probes) == 1
    volume = cache_name("keras2-theano", "theano", os.getuid(), "sha256:1", "")
    assert engine.volumes_made == [(volume, {"keras-orchestrate": "cache"})]
    assert engine.created[0]["stdin_open"], "the lifeline is its standard input"


def test_a_job_that_takes_too_long_is_killed(context, tmp_path):
    engine = Engine(hangs=True, oom=True)
    exit = launch(engine, context, tmp_path, timeout_s=1)
    assert (exit.code, exit.timed_out) == (137, True)
    assert not exit.oom, "killed by us"
    assert engine.events == ["start", "kill", "remove"]


@pytest.mark.parametrize(("code", "oom"), [(137, True), (0, False)])
def test_memory_is_the_reason_only_if_the_job_did_not_get_over_it(context, tmp_path, code, oom):
    assert launch(Engine(code=code, oom=True), context, tmp_path).oom is oom


def test_what_the_engine_says_of_a_container_it_could_not_start(context, tmp_path):
    assert launch(Engine(code=127, error="no such device"), context, tmp_path).error == "no such device"


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (
            docker.errors.ImageNotFound("x"),
            "image sha256:1 is missing; `orchestrate build --stack keras2-theano` makes it",
        ),
        (docker.errors.APIError("500", explanation="no space left\nmore"), "the engine refused: no space left"),
        (requests.exceptions.ConnectionError("gone away"), "lost the engine: gone away"),
        (ValueError("half an answer"), "lost the engine: half an answer"),
    ],
)
def test_a_refusal_is_an_exit_and_never_an_exception(context, tmp_path, refusal, error):
    assert launch(Engine(refuses=refusal), context, tmp_path).error == error


def test_a_folder_that_cannot_be_given_to_the_job_is_no_lost_engine(context, tmp_path, monkeypatch):
    @contextlib.contextmanager
    def owning(out, user):
        raise HostError(f"cannot give {out} to user 65534, as whom jobs run: Operation not permitted")
        yield

    monkeypatch.setattr(launching, "owning", owning)
    engine = Engine()
    assert launch(engine, context, tmp_path).error.startswith(f"cannot give {tmp_path}/out to user 65534")
    assert engine.created == []


def test_the_user_that_an_engine_wants_and_what_it_does_not_give_are_on_record(context, tmp_path):
    user = JobUser(inside=(0, 0), outside=(1000, 1000), userns="host")
    context = msgspec.structs.replace(context, user=user, lacks={"cores": "it may use 0-1, not only 0"})
    launch = DockerLauncher(None, context, IMAGES).describe(make_job(), CPU, tmp_path)
    assert launch.command[:4] == ["docker", "run", "--userns", "host"]
    assert launch.command[launch.command.index("--user") + 1] == "0:0"
    assert launch.unconfined == ["cores: it may use 0-1, not only 0"]
    engine = Engine()
    (tmp_path / "out").mkdir()
    DockerLauncher(engine, context, IMAGES).launch(make_job(), CPU, tmp_path / "out", tmp_path / "log", lambda _: None)
    assert (engine.created[0]["user"], engine.created[0]["userns_mode"]) == ("0:0", "host")


def test_an_engine_that_is_lost_while_the_job_runs(context, tmp_path):
    exit = launch(Engine(code=ConnectionResetError("reset by peer")), context, tmp_path)
    assert exit.error == "lost the engine: reset by peer"
    assert exit.code is None


def test_a_container_that_the_engine_is_still_removing_is_removed_again(context, tmp_path):
    engine = Engine()
    engine.busy = 2
    assert launch(engine, context, tmp_path).code == 0
    assert engine.events == ["start", "remove", "remove", "remove"]


def test_stop_kills_what_runs_and_refuses_what_would(context, tmp_path):
    engine = Engine(hangs=True)
    launcher = DockerLauncher(engine, context, IMAGES, patience_s=0.0)
    (tmp_path / "out").mkdir()
    exit = launcher.launch(make_job(), CPU, tmp_path / "out", tmp_path / "log", lambda probe: launcher.stop())
    assert (exit.cancelled, exit.timed_out) == (True, False)
    assert engine.events == ["start", "kill", "remove"]
    again = launcher.launch(make_job(), CPU, tmp_path / "out", tmp_path / "log", lambda probe: None)
    assert again.cancelled
    assert len(engine.created) == 1


def test_a_launch_describes_itself_without_an_engine(context, tmp_path):
    launch = DockerLauncher(None, context, IMAGES).describe(make_job(), CPU, tmp_path)
    assert (launch.launcher, launch.image, launch.image_digest) == ("docker", "image:1", "sha256:1")
    assert launch.command[:3] == ["docker", "run", "--rm"]


def test_the_command_for_people_carries_no_label():
    """A sweep would take it for a job whose orchestrator is gone."""
    assert "--label" not in docker_run(make_spec())


STATS = {"cpu_stats": {"cpu_usage": {"total_usage": 3e9}}}


@pytest.mark.parametrize("memory", [{"total_rss": 2**20, "rss": 5}, {"anon": 2**20, "file": 5}])
def test_the_engines_figures_of_both_versions_of_control_groups(memory):
    usage = engine_usage(answering({**STATS, "memory_stats": {"stats": memory}}))
    assert (usage.cpu_s, usage.rss_mb) == (3.0, 1.0)


@pytest.mark.parametrize("stats", [{}, STATS, {"memory_stats": {"stats": {"anon": 1}}}])
def test_figures_that_are_missing_are_no_reading(stats):
    assert engine_usage(answering(stats)) is None


def test_an_engine_that_does_not_answer_is_no_reading():
    def stats(*_, **__):
        raise requests.exceptions.ReadTimeout

    api = types.SimpleNamespace(stats=stats)
    assert engine_usage(types.SimpleNamespace(id="c1", client=types.SimpleNamespace(api=api))) is None


def answering(stats):
    """A container whose engine has these statistics of it."""
    api = types.SimpleNamespace(stats=lambda id, stream, one_shot: stats)
    return types.SimpleNamespace(id="c1", client=types.SimpleNamespace(api=api))


def test_a_control_group_is_read_where_there_is_one_here(monkeypatch):
    container = Engine().container
    container.attrs["State"]["Pid"] = 77
    monkeypatch.setattr(launching.cgroups, "find", lambda pid, id: lambda: f"{pid} {id}")
    assert probe_of(container)() == "77 c1"
    monkeypatch.setattr(launching.cgroups, "find", lambda pid, id: None)
    container.client = answering({**STATS, "memory_stats": {"stats": {"anon": 2**20}}}).client
    assert probe_of(container)().cpu_s == 3.0


def test_an_engine_without_control_groups_is_not_asked_for_figures(monkeypatch):
    """A rootless one of version 1 gives those of the whole host: 24,606 seconds of a job that took one."""
    container = Engine().container
    container.attrs["State"]["Pid"] = 77
    container.client = answering({**STATS, "memory_stats": {"stats": {"anon": 2**20}}}).client
    monkeypatch.setattr(launching.cgroups, "find", lambda pid, id: None)
    monkeypatch.setattr(launching, "ProcessProbe", lambda pid: lambda: Usage(cpu_s=float(pid), rss_mb=1.0))
    monkeypatch.setattr(launching.cgroups, "mounted_in", lambda pid, id: False)
    assert probe_of(container, has_groups=False)() is None
    monkeypatch.setattr(launching.cgroups, "mounted_in", lambda pid, id: (pid, id) == (77, "c1"))
    assert probe_of(container, has_groups=False)().cpu_s == 77.0
