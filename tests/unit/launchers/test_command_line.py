"""Every argument of every runtime's commands."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.launchers.command_line import environment, gpu_argv, other_argv, run_argv
from orchestrator.launchers.runtimes import adapted, load
from tests.make import make_spec

SPEC = make_spec()
GPU = make_spec(gpu_uuid="GPU-7", gpu_minor=3)

DOCKER = (
    "docker run --rm --init --interactive --log-driver none --name job-1 --label keras-orchestrate=job "
    "--network none --read-only --user 1000:1001 --cap-drop ALL --security-opt no-new-privileges --ulimit core=0 "
    "--pids-limit 512 --memory 512m --memory-swap 512m --shm-size 1024m --cpuset-cpus 0,2 "
    "--tmpfs /tmp:rw,exec,nosuid,nodev,size=2048m,mode=1777 {gpu}--env A=1,2 --env HOME=/tmp {cuda}--env HTTP_PROXY "
    "--volume /w:/workloads:ro --volume /o:/out:rw sha256:1 python /workloads/run.py mnist_mlp"
)
PODMAN = (
    "podman run --rm --init --interactive --http-proxy=false --log-driver none --name job-1 "
    "--label keras-orchestrate=job --network none --read-only --user 1000:1001 --cap-drop ALL "
    "--security-opt no-new-privileges --ulimit core=0:0 --pids-limit 512 --memory 512m --memory-swap 512m "
    "--shm-size 1024m --cpuset-cpus 0,2 --tmpfs /tmp:rw,exec,nosuid,nodev,size=2048m,mode=1777 {gpu}--env A=1,2 "
    "--env HOME=/tmp {cuda}--volume /w:/workloads:ro --volume /o:/out:rw sha256:1 python /workloads/run.py mnist_mlp"
)
APPTAINER = (
    "env APPTAINERENV_A=1,2 {cuda}prlimit --core=0:0 apptainer exec --containall --no-home --workdir /scratch "
    "--pwd /tmp --net --network none --no-privs {gpu}--bind /w:/workloads:ro --bind /o:/out:rw "
    "sha256:1 python /workloads/run.py mnist_mlp"
)
PYXIS = (
    "env A=1,2 HOME=/tmp {cuda}prlimit --core=0:0 srun --ntasks=1 --unbuffered --job-name=job-1 "
    "--no-container-mount-home --container-workdir=/tmp --export=A,HOME{names} --container-env=A,HOME{names} "
    "--container-readonly --no-container-remap-root --mem=512M --propagate=CORE "
    "--container-mounts=/w:/workloads:ro,/o:/out:rw --container-image=sha256:1 python /workloads/run.py mnist_mlp"
)
ASKED = "NVIDIA_VISIBLE_DEVICES=GPU-7 CUDA_VISIBLE_DEVICES=0 "


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker", DOCKER.format(gpu="", cuda="")),
        ("podman", PODMAN.format(gpu="", cuda="")),
        ("apptainer", APPTAINER.format(gpu="", cuda="")),
        ("pyxis", PYXIS.format(cuda="", names="")),
    ],
)
def test_every_argument_without_a_gpu(name, expected):
    assert run_argv(adapted(load(name), root=True), SPEC, "/scratch") == expected.split()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker", DOCKER.format(gpu="--gpus device=GPU-7 ", cuda="--env CUDA_VISIBLE_DEVICES=0 ")),
        ("podman", PODMAN.format(gpu="--device nvidia.com/gpu=GPU-7 ", cuda="--env CUDA_VISIBLE_DEVICES=0 ")),
        ("apptainer", APPTAINER.format(gpu="--nv ", cuda="APPTAINERENV_CUDA_VISIBLE_DEVICES=GPU-7 ")),
        ("pyxis", PYXIS.format(cuda=ASKED, names=",NVIDIA_VISIBLE_DEVICES,CUDA_VISIBLE_DEVICES")),
    ],
)
def test_every_argument_with_a_gpu(name, expected):
    assert run_argv(adapted(load(name), root=True), GPU, "/scratch") == expected.split()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker", "docker rm --force --volumes job-1"),
        ("podman", "podman rm --force --ignore --time 0 --volumes job-1"),
        ("apptainer", ""),
        ("pyxis", ""),
    ],
)
def test_how_a_container_is_ended(name, expected):
    """Where there is no command, it is a child process."""
    assert other_argv(load(name), load(name).end, name="job-1") == expected.split()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker", "docker load"),
        ("podman", "podman load"),
        ("apptainer", "apptainer build --force /c/i.sif docker-archive:/a.tar:i:1"),
        ("pyxis", "enroot import --output /c/i.sif dockerd://i:1"),
    ],
)
def test_how_an_image_gets_there(name, expected):
    words = other_argv(load(name), load(name).images.put, image="i:1", file="/c/i.sif", archive="/a.tar")
    assert words == expected.split()


def test_a_list_without_entries_has_no_arguments_and_no_prefix():
    bare = make_spec(binds=[])
    assert not [argument for argument in run_argv(load("pyxis"), bare) if argument.startswith("--container-mounts")]
    assert "--volume" not in run_argv(load("docker"), bare)


def test_extra_arguments_stand_where_the_template_says():
    docker = load("docker")
    argv = run_argv(msgspec.structs.replace(docker, extra=["--ulimit", "nofile={pids}"]), SPEC)
    image = argv.index("sha256:1")
    assert argv[image - 2 : image] == ["--ulimit", "nofile=512"]


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("devices", ["--gpus", "device={gpu}"]),
        ("cdi", ["--device", "nvidia.com/gpu={gpu}"]),
        ("runtime", ["--runtime", "nvidia"]),
    ],
)
def test_the_gpu_is_asked_for_by_the_chosen_route(route, expected):
    assert gpu_argv(load("docker"), make_spec(gpu_uuid="GPU-7", gpu_route=route)) == expected
    assert gpu_argv(load("docker"), make_spec(gpu_route=route)) == []


def test_a_route_that_a_runtime_lacks_is_its_first_one():
    assert gpu_argv(load("podman"), make_spec(gpu_uuid="GPU-7", gpu_route="runtime")) == load("podman").gpu["cdi"]


def test_the_job_is_told_of_its_gpu_as_the_runtime_says():
    assert environment(load("apptainer"), GPU) == {**SPEC.environment, "CUDA_VISIBLE_DEVICES": "GPU-7"}
    assert environment(load("docker"), GPU) == GPU.full_environment
    assert environment(load("apptainer"), SPEC) == SPEC.environment


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("docker", "--entrypoint python3 sha256:1 -B run.py"),
        ("podman", "--entrypoint python3 sha256:1 -B run.py"),
        ("apptainer", "--bind /o:/out:rw sha256:1 python3 -B run.py"),
        ("pyxis", "--container-image=sha256:1 python3 -B run.py"),
    ],
)
def test_the_interpreter_of_an_image_takes_the_place_of_its_entry_point(name, words):
    spec = msgspec.structs.replace(SPEC, entrypoint="python3", command=["-B", "run.py"])
    assert run_argv(adapted(load(name), root=True), spec, "/scratch")[-len(words.split()) :] == words.split()
