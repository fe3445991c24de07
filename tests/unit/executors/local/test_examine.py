"""What is found out about this host, from an engine, a driver and runtimes of a few lines; nothing is changed."""

from __future__ import annotations

import os
import sys
import types
from contextlib import contextmanager

import msgspec
import pytest

from orchestrator import __version__
from orchestrator.errors import HostError, UserError
from orchestrator.executors.local import examine
from orchestrator.host.cards import GpuLost, NoDriver
from orchestrator.host.leases import Leases
from orchestrator.host.nvidia.maker import Nvidia
from orchestrator.host.rapl import Rapl
from orchestrator.launchers import runtimes
from orchestrator.model import GpuProcess, GpuSample, image_name
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from orchestrator.stacks.expected import expected
from tests.fakes.docker_engine import FakeEngine
from tests.fakes.roots import make_data
from tests.make import make_gpu, make_host
from tests.unit.host.test_rapl import domain

CATALOG = load_catalog()
THEANO = CATALOG.stack("keras2-theano")
K80 = make_gpu()
ON_GPU = make_host(gpus=[K80], no_gpu="")


class Client(FakeEngine):
    """A fake engine that also says what it is."""

    runtimes_there: dict[str, object] = {}
    root = "/nowhere"

    def version(self):
        return {"Version": "20.10", "ApiVersion": "1.41"}

    def info(self):
        return {"Runtimes": self.runtimes_there, "DockerRootDir": self.root}


def engine_of(client):
    def answer():
        if client is None:
            raise HostError("no Docker engine here", "start one")
        return client

    return types.SimpleNamespace(client=answer)


def gather(tmp_path, client=None, host=None, stacks=(THEANO,), **config):
    return examine.gather(Config(**config), host or make_host(), stacks, tmp_path, engine_of(client))


@pytest.fixture(autouse=True)
def nothing_of_this_host(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_ORCHESTRATE_LOCK_DIR", str(tmp_path / "locks"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "locks").mkdir()
    driver(monkeypatch, None)
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))


def driver(monkeypatch, nvml):
    @contextmanager
    def session():
        if nvml is None:
            raise NoDriver("no driver")
        yield nvml

    monkeypatch.setattr(Nvidia, "session", lambda self: session())


@pytest.mark.parametrize(
    ("config", "host", "device"),
    [({}, None, "cpu"), ({}, ON_GPU, "gpu"), ({"device": "cpu"}, ON_GPU, "cpu"), ({"device": "gpu"}, None, "gpu")],
)
def test_the_device_is_that_of_a_run(tmp_path, config, host, device):
    assert gather(tmp_path, host=host, **config).device == device


@pytest.mark.parametrize(
    ("wanted", "client", "launcher", "needed"),
    [
        ("auto", None, "process", False),
        ("auto", Client(), "docker", False),
        ("docker", None, "docker", True),
        ("process", Client(), "process", False),
    ],
)
def test_the_launcher_is_that_of_a_run(tmp_path, wanted, client, launcher, needed):
    facts = gather(tmp_path, client, launcher=wanted)
    assert (facts.launcher, facts.engine_needed) == (launcher, needed)


def test_an_engine_that_does_not_answer_is_quoted(tmp_path):
    facts = gather(tmp_path)
    assert (facts.engine, facts.engine_trouble, facts.engine_mend) == ("", "no Docker engine here", "start one")


def test_an_engine_is_asked_for_images_and_for_room_for_those_that_it_lacks(tmp_path):
    client, jax = Client(), CATALOG.stack("keras3-jax")
    client.root = str(tmp_path)
    client.add(image_name("keras2-theano", "cpu", __version__))
    facts = gather(tmp_path, client, stacks=[THEANO, jax])
    assert facts.engine == "20.10, API 1.41"
    assert facts.images == {"keras2-theano": True, "keras3-jax": False}
    assert [(disk.what, disk.needed_mb) for disk in facts.disks] == [
        ("results", examine.RESULTS_MB),
        ("1 images", expected([jax], [THEANO], "cpu").mb),
    ]
    client.add(image_name("keras3-jax", "cpu", __version__))
    assert [disk.what for disk in gather(tmp_path, client, stacks=[THEANO, jax]).disks] == ["results"]


def test_a_folder_that_is_not_there_yet_lies_on_the_disk_of_its_nearest_parent(tmp_path):
    (disk,) = examine.gather(Config(), make_host(), [], tmp_path / "a" / "b", engine_of(None)).disks
    assert disk.path == str(tmp_path)
    assert disk.free_mb > 0


@pytest.mark.parametrize(("there", "route", "trouble"), [({"nvidia": {}}, "devices", ""), ({}, "", "cannot pass GPUs")])
def test_how_the_engine_passes_a_gpu(tmp_path, there, route, trouble):
    client = Client()
    client.runtimes_there = there
    facts = gather(tmp_path, client, host=ON_GPU)
    assert facts.route.startswith(route)
    assert trouble in facts.route_trouble
    assert gather(tmp_path, client).route == "", "on a CPU it is not asked"


@pytest.fixture
def runtime(monkeypatch, tmp_path):
    """A function that makes podman a shell script."""

    def make(script):
        program = tmp_path / "podman"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        base = msgspec.structs.replace(runtimes.load("podman"), program=[str(program)])
        monkeypatch.setattr(runtimes, "load", lambda name: base)
        monkeypatch.setattr(runtimes, "check_usable", lambda runtime: None)

    return make


def test_a_container_runtime_tells_its_version_and_what_it_cannot_confine(tmp_path, runtime):
    runtime('test "$1" = --version && echo "podman version 4.3.1" && echo more && exit; exit 1')
    facts = gather(tmp_path, launcher="podman")
    assert (facts.launcher, facts.runtime, facts.runtime_trouble) == ("podman", "podman version 4.3.1", "")
    assert facts.images == {"keras2-theano": False}
    assert facts.engine_trouble == "no Docker engine here"
    client = Client()
    client.add(image_name("keras2-theano", "cpu", __version__))
    assert gather(tmp_path, client, launcher="podman").images == {"keras2-theano": True}, "it can be handed over"


def test_a_container_runtime_that_does_not_work_is_quoted(tmp_path, runtime):
    runtime("echo 'no permission' >&2; exit 125")
    facts = gather(tmp_path, launcher="podman")
    assert facts.runtime_trouble.endswith("podman --version does not work: no permission")
    assert facts.images == {}


def test_a_runtime_has_its_own_routes():
    podman = runtimes.load("podman")
    assert examine.runtime_route(podman, "auto", make_host()).name == next(iter(podman.gpu))
    with pytest.raises(HostError, match="podman knows no GPU route 'nvidia-docker'") as caught:
        examine.runtime_route(podman, "nvidia-docker", make_host())
    assert caught.value.hint == f"it has {', '.join(podman.gpu)}; leave --gpu-route out"


@pytest.mark.parametrize(("names", "called"), [("GPU-0 0 all", "GPU-0"), ("0 all", "0"), ("all", "all")])
def test_podman_gets_what_cdi_calls_a_gpu(tmp_path, monkeypatch, names, called):
    program = tmp_path / "nvidia-ctk"
    program.write_text(
        "#!/bin/sh\necho 'INFO Found 3 CDI devices'\n"
        + "".join(f"echo nvidia.com/gpu={name}\n" for name in names.split())
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    host = msgspec.structs.replace(make_host(), gpus=[make_gpu(0)], gpu_count=1)
    assert examine.runtime_route(runtimes.load("podman"), "auto", host).cdi == {"GPU-0": f"nvidia.com/gpu={called}"}
    several = msgspec.structs.replace(host, gpus=[make_gpu(0), make_gpu(1)], gpu_count=2)
    with pytest.raises(HostError, match="podman cannot pass GPUs one by one: CDI lists"):
        examine.runtime_route(runtimes.load("podman"), "auto", several)


def test_cards_of_another_maker_need_no_route_of_nvidias():
    amd = make_gpu(0, uuid="AMD-0", name="MI300X", minor=128)
    host = msgspec.structs.replace(make_host(), gpus=[amd], gpu_count=1)
    engine = types.SimpleNamespace(version=lambda: {"ApiVersion": "1.41"}, info=dict)
    assert examine.engine_route(engine, "auto", host).why == "by the device files of its cards"
    with pytest.raises(HostError, match="apptainer is not told how to pass a card of AMD's \\(GPU amd0\\)"):
        examine.runtime_route(runtimes.load("apptainer"), "auto", host)
    both = msgspec.structs.replace(host, gpus=[make_gpu(0), amd], gpu_count=2)
    with pytest.raises(HostError, match="cannot pass GPUs"):
        examine.engine_route(engine, "auto", both)


class Nvml:
    """A driver with one GPU, of which `free` MiB can be taken; `lost`: it does not answer."""

    def __init__(self, lost=False, free=None, **reading):
        self.lost, self.free, self.reading = lost, free, reading

    def free_mb(self, uuid):
        return self.free

    def read(self, uuid):
        if self.lost:
            raise GpuLost("GPU is lost")
        return GpuSample(t=1.0, uuid=uuid, **self.reading)

    def max_sm_mhz(self, uuid):
        return 875


def test_the_state_of_a_gpu(monkeypatch):
    """Jobs of ours are no strangers: they hold its lease."""
    ours, other = GpuProcess(pid=7, job="j", command="run.py"), GpuProcess(pid=8, command="python x.py")
    monkeypatch.setattr(examine, "present", lambda nvml, uuid: [ours, other])
    driver(monkeypatch, Nvml(mem_mb=441.0, free=10900, sm_mhz=300.0, throttle=0x40))
    state = examine.gpu_states([K80])["GPU-0"]
    assert (state.busy, state.leased, state.lost) == ("process 8 (python x.py)", "", "")
    assert (state.free_mb, state.sm_mhz, state.max_sm_mhz) == (10900, 300.0, 875)
    assert state.slowed_by
    with Leases(examine.lock_folder(), "run r").hold("GPU-0", lambda: False, print):
        assert "run r" in examine.gpu_states([K80])["GPU-0"].leased


def test_what_a_gpu_does_not_tell_is_not_made_up(monkeypatch):
    monkeypatch.setattr(examine, "present", lambda nvml, uuid: [])
    driver(monkeypatch, Nvml())
    state = examine.gpu_states([K80])["GPU-0"]
    assert (state.free_mb, state.sm_mhz, state.slowed_by) == (None, None, [])
    assert examine.gpu_states([make_gpu(uuid=None)]) == {}


def test_a_gpu_that_is_lost_says_so(monkeypatch):
    driver(monkeypatch, Nvml(lost=True))
    assert examine.gpu_states([K80])["GPU-0"].lost == "GPU is lost"


def test_without_a_driver_there_are_no_states():
    assert examine.gpu_states([K80]) == {}


def test_only_stacks_with_a_wanted_backend_and_data_of_wanted_workloads_are_looked_at():
    config = Config(stacks=["keras2-*"], backends=["cntk"], workloads=["mnist_*", "babi_rnn"])
    stacks, datasets = examine.chosen(config, CATALOG)
    assert [(stack.name, [b.name for b in stack.backends]) for stack in stacks] == [
        ("keras2-tensorflow-cntk", ["cntk"])
    ]
    assert sorted(datasets) == ["babi", "mnist"]
    with pytest.raises(UserError, match="no backend is called 'cnkt'") as caught:
        examine.chosen(Config(backends=["cnkt"]), CATALOG)
    assert "cntk" in caught.value.hint


def test_the_data_is_that_which_a_run_would_use(tmp_path):
    config = Config(stacks=["keras2-theano"], workloads=["mnist_mlp", "babi_rnn"], launcher="process")
    data = make_data(tmp_path / "data")
    checks = examine.examine_host(config, CATALOG, make_host(), tmp_path, data, engine_of(None))
    seen = {check.what: (check.level, check.seen) for check in checks if "data" in check.what}
    assert [level for what, (level, _) in seen.items() if "mnist" in what] == ["ok"]
    assert [level for what, (level, _) in seen.items() if "babi" in what] == ["warn"]
    assert any(str(data / "mnist.npz") in words for _, words in seen.values())


@pytest.mark.parametrize(
    ("environ", "level", "seen"),
    [
        ({}, "ok", "from https://pypi.org/simple (the default)"),
        ({"UV_INDEX_URL": "https://u:p@a"}, "ok", "from https://a (UV_INDEX_URL)"),
        ({"PIP_INDEX_URL": "https://a", "UV_INDEX_URL": "https://b"}, "warn", "two package indexes: https://a"),
        ({"PIP_CERT": "/nowhere/ca.pem"}, "warn", "the CA bundle /nowhere/ca.pem (PIP_CERT) cannot be read"),
        ({"PIP_CONSTRAINT": "c.txt"}, "warn", "PIP_CONSTRAINT not obeyed"),
    ],
)
def test_where_packages_would_come_from(environ, level, seen):
    check = examine.packages({"PIP_CONFIG_FILE": os.devnull, **environ})
    assert (check.what, check.level) == ("packages", level) and seen in check.seen
    assert bool(check.mend) == (level == "warn")


def test_each_extra_is_a_line_that_says_what_is_lost_without_it(monkeypatch):
    assert {check.level for check in examine.parts()} == {"ok"}
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    found = {check.what: check for check in examine.parts()}
    assert list(found) == ["extra charts", "extra tables", "extra docker", "extra build", "extra gpu"]
    charts = found["extra charts"]
    assert (charts.level, charts.mend) == ("warn", "pip install 'keras-orchestrate[charts]'")
    assert charts.seen == "without vl-convert-python: charts are drawn, and have no PNG files beside them"
    assert found["extra tables"].level == "ok" and "duckdb" in found["extra tables"].seen


def test_doctor_tells_whether_the_energy_of_processors_can_be_read(tmp_path):
    domain(tmp_path, "intel-rapl:0", "package-0", 1)
    assert (examine.energy(Rapl(tmp_path)).level, examine.energy(Rapl(tmp_path / "none")).level) == ("ok", "ok")
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("")
    told = examine.energy(Rapl(tmp_path))
    assert told.level == "warn" and "told no number" in told.seen
