"""The command line that `plan` prints and the engine call are the same container."""

from __future__ import annotations

import sys

import msgspec
import pytest

from orchestrator.host.cards import Handed
from orchestrator.launchers import runtimes
from orchestrator.launchers.command_line import run_argv
from orchestrator.launchers.docker import docker_run
from orchestrator.launchers.spec import ContainerSpec
from tests.conftest import ROOT

sys.path.append(str(ROOT / "workloads"))
from backends import gpu_requested

SPEC = ContainerSpec(
    name="n",
    image="i",
    command=["python", "x"],
    environment={"A": "1"},
    binds=[("/host", "/inside", "ro")],
    labels={"l": "job"},
    user="1000:1000",
    cores=[0, 2],
    memory_mb=512,
)


def test_a_job_is_confined():
    arguments = SPEC.engine_arguments()
    assert arguments["network_mode"] == "none"
    assert arguments["read_only"] is True
    assert arguments["cap_drop"] == ["ALL"]
    assert arguments["security_opt"] == ["no-new-privileges"]
    assert arguments["pids_limit"] == 512
    assert arguments["mem_limit"] == arguments["memswap_limit"] == "512m"
    (mount,) = arguments["mounts"]
    assert (mount["Type"], mount["Source"], mount["Target"], mount["ReadOnly"]) == ("bind", "/host", "/inside", True)
    assert arguments["use_config_proxy"] is False
    assert "device_requests" not in arguments
    assert not arguments.get("privileged")


def test_the_printed_command_says_the_same():
    line = " ".join(docker_run(SPEC))
    for words in (
        "docker run --rm --init",
        "--network none",
        "--read-only",
        "--user 1000:1000",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--pids-limit 512",
        "--memory 512m",
        "--cpuset-cpus 0,2",
        "--env A=1",
        "--volume /host:/inside:ro",
    ):
        assert words in line
    assert line.endswith(" i python x")


def with_gpu(route):
    changes = {"gpu_uuid": "GPU-1", "gpu_route": route, "gpu_minor": 3, "driver": "384.81"}
    return ContainerSpec(**{name: getattr(SPEC, name) for name in SPEC.__struct_fields__} | changes)


def test_a_gpu_is_asked_for_by_its_uuid():
    spec = with_gpu("devices")
    (request,) = spec.engine_arguments()["device_requests"]
    assert request["DeviceIDs"] == ["GPU-1"]
    assert request["Capabilities"] == [["gpu", "compute", "utility"]]
    assert "--gpus device=GPU-1" in " ".join(docker_run(spec))


@pytest.mark.parametrize(
    ("called", "asked"), [(None, "nvidia.com/gpu=GPU-1"), ("nvidia.com/gpu=0", "nvidia.com/gpu=0")]
)
def test_a_gpu_by_cdi_has_the_name_that_cdi_lists(called, asked):
    spec = msgspec.structs.replace(with_gpu("cdi"), gpu_cdi=called)
    assert spec.engine_arguments()["device_requests"][0]["DeviceIDs"] == [asked]
    assert f"--device {asked} " in " ".join(docker_run(spec))


def test_a_gpu_by_cdi():
    spec = with_gpu("cdi")
    (request,) = spec.engine_arguments()["device_requests"]
    assert (request["Driver"], request["DeviceIDs"]) == ("cdi", ["nvidia.com/gpu=GPU-1"])
    assert "--device nvidia.com/gpu=GPU-1" in " ".join(docker_run(spec))


def test_a_gpu_by_the_nvidia_runtime():
    spec = with_gpu("runtime")
    arguments, line = spec.engine_arguments(), " ".join(docker_run(spec))
    assert arguments["runtime"] == "nvidia"
    assert arguments["environment"]["NVIDIA_VISIBLE_DEVICES"] == "GPU-1"
    assert arguments["environment"]["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert "device_requests" not in arguments
    assert "--runtime nvidia" in line
    assert "--env NVIDIA_VISIBLE_DEVICES=GPU-1" in line


def test_a_gpu_by_the_old_nvidia_docker():
    spec = with_gpu("nvidia-docker")
    arguments, line = spec.engine_arguments(), " ".join(docker_run(spec))
    assert "/dev/nvidia3:/dev/nvidia3:rwm" in arguments["devices"]
    (driver,) = [mount for mount in arguments["mounts"] if mount["Source"] == "nvidia_driver_384.81"]
    assert (driver["Target"], driver["Type"], driver["ReadOnly"]) == ("/usr/local/nvidia", "volume", True)
    assert driver["VolumeOptions"]["DriverConfig"]["Name"] == "nvidia-docker"
    assert "--device /dev/nvidia3" in line
    assert "--volume nvidia_driver_384.81:/usr/local/nvidia:ro" in line


@pytest.mark.parametrize("route", ["devices", "cdi", "runtime", "nvidia-docker"])
def test_the_workload_sees_on_every_route_that_it_has_a_gpu(route):
    environment = with_gpu(route).engine_arguments()["environment"]
    # What CDI's own edits add to that, after ours.
    assert gpu_requested({**environment, **({"NVIDIA_VISIBLE_DEVICES": "void"} if route == "cdi" else {})})
    assert all(f"--env {k}={v}" in " ".join(docker_run(with_gpu(route))) for k, v in environment.items())


def test_a_card_by_its_device_files_needs_no_route_and_is_the_only_one_inside():
    shown = {"ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "0"}
    handed = Handed(files=["/dev/kfd", "/dev/dri/renderD128"], groups=[44, 109], environment=shown)
    spec = msgspec.structs.replace(with_gpu("nvidia-docker"), gpu_files=handed)
    arguments = spec.engine_arguments()
    assert arguments["devices"] == ["/dev/kfd:/dev/kfd:rwm", "/dev/dri/renderD128:/dev/dri/renderD128:rwm"]
    assert (arguments["group_add"], "device_requests" in arguments) == ([44, 109], False)
    assert {name for name in arguments["environment"] if "VISIBLE" in name} == set(shown)
    assert gpu_requested(arguments["environment"])
    assert spec.all_binds == spec.binds
    words = "--device /dev/kfd --device /dev/dri/renderD128 --group-add 44 --group-add 109 "
    assert words in " ".join(docker_run(spec)) and "nvidia" not in " ".join(docker_run(spec))


def test_a_job_on_the_cpu_is_told_nothing_of_gpus():
    assert not gpu_requested(SPEC.engine_arguments()["environment"])
    assert "nvidia" not in " ".join(docker_run(SPEC)).lower()


@pytest.mark.parametrize(
    ("point", "argument", "words"),
    [
        ("network", "network_mode", "--network"),
        ("read_only", "read_only", "--read-only"),
        ("capabilities", "cap_drop", "--cap-drop"),
        ("no_new_privileges", "security_opt", "--security-opt"),
        ("processes", "pids_limit", "--pids-limit"),
    ],
)
def test_a_point_that_is_given_up_is_the_only_difference(point, argument, words):
    weak = msgspec.structs.replace(SPEC, weakened=[point])
    assert set(SPEC.engine_arguments()) - set(weak.engine_arguments()) == {argument}
    assert words in docker_run(SPEC)
    assert words not in docker_run(weak)
    for runtime in (runtimes.load(name) for name in runtimes.NAMES):
        lost = {word for word in runtime.hardening.get(point, []) if word.startswith("--")}
        assert not lost & set(run_argv(runtime, weak, "s"))


def test_what_can_be_given_up_is_known_and_said():
    assert set(runtimes.WEAKENABLE) <= set(runtimes.POINTS)
    assert runtimes.given_up(["read_only"]) == ["read only: given up by the user (--weaken read_only)"]
