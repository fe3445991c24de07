"""The command line that `plan` prints and the engine call are the same container."""

from __future__ import annotations

from orchestrator.launchers.docker import NOBODY, job_user
from orchestrator.launchers.spec import ContainerSpec

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
    line = " ".join(SPEC.command_line())
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


def test_a_gpu_is_asked_for_by_its_uuid():
    spec = ContainerSpec(**{name: getattr(SPEC, name) for name in SPEC.__struct_fields__} | {"gpu_uuid": "GPU-1"})
    (request,) = spec.engine_arguments()["device_requests"]
    assert request["DeviceIDs"] == ["GPU-1"]
    assert "--gpus device=GPU-1" in " ".join(spec.command_line())


def test_jobs_are_never_root():
    assert job_user(0, 0) == NOBODY
    assert job_user(1000, 1001) == (1000, 1001)
