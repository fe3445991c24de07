"""One container as data: the same values make the engine call and the command line that `plan` prints."""

from __future__ import annotations

from typing import Any

from orchestrator.host.cards import Handed
from orchestrator.host.docker_sdk import docker_sdk
from orchestrator.launchers import runtimes
from orchestrator.launchers.gpu_routes import KIND, RouteName
from orchestrator.model import Noun


class ContainerSpec(Noun, frozen=True, kw_only=True):
    """A hardened container for one job. Paths are absolute; `binds` are (host, inside, mode)."""

    name: str
    image: str
    command: list[str]
    #: What is started in place of the image's own entry point, with `command` as its arguments.
    entrypoint: str | None = None
    environment: dict[str, str]
    binds: list[tuple[str, str, str]]
    labels: dict[str, str]
    user: str
    cores: list[int]
    memory_mb: int
    pids: int = 512
    shm_mb: int = 1024
    tmp_mb: int = 2048
    gpu_uuid: str | None = None
    gpu_route: RouteName = "devices"
    #: What CDI calls it; None for its UUID.
    gpu_cdi: str | None = None
    #: What gives it a card by device files, in place of any route; None for cards that routes are for.
    gpu_files: Handed | None = None
    #: For the nvidia-docker route only: the number in /dev/nvidia<minor>, and the driver's version.
    gpu_minor: int | None = None
    driver: str | None = None
    #: Variables that a runtime would add by itself, and must not.
    keep_out: list[str] = []
    #: Points of the confinement that the user has given up.
    weakened: list[runtimes.Weakenable] = []
    #: "host" where an engine that remaps user numbers must not.
    userns: str = ""

    @property
    def volumes(self) -> list[str]:
        """The named volumes, which outlive the container."""
        return [host for host, _, _ in self.binds if not host.startswith("/")]

    def engine_arguments(self) -> dict[str, Any]:
        """Keyword arguments of `containers.create` of the Docker SDK."""
        return {
            **self._gpu_request,
            # Without this the proxies of the caller's docker configuration, passwords included, reach the job.
            "use_config_proxy": False,
            "name": self.name,
            "image": self.image,
            "command": self.command,
            **({} if self.entrypoint is None else {"entrypoint": [self.entrypoint]}),
            "environment": self.full_environment,
            "labels": self.labels,
            "mounts": self._mounts,
            "user": self.user,
            **({"userns_mode": self.userns} if self.userns else {}),
            "cpuset_cpus": ",".join(map(str, self.cores)),
            "mem_limit": f"{self.memory_mb}m",
            "memswap_limit": f"{self.memory_mb}m",
            "shm_size": f"{self.shm_mb}m",
            "tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,size={self.tmp_mb}m,mode=1777"},
            **self._confinement,
            # No core dumps: where they go is the host's setting, and it may be a folder or a program of the host.
            "ulimits": [docker_sdk().types.Ulimit(name="core", soft=0, hard=0)],
            "init": True,
            "stdin_open": True,
            # The output is attached and written by us; a second copy inside the engine would be a leftover.
            "log_config": {"Type": "none"},
        }

    @property
    def _confinement(self) -> dict[str, Any]:
        points: dict[str, dict[str, Any]] = {
            "network": {"network_mode": "none"},
            "read_only": {"read_only": True},
            "capabilities": {"cap_drop": ["ALL"]},
            "no_new_privileges": {"security_opt": ["no-new-privileges"]},
            "processes": {"pids_limit": self.pids},
        }
        return {k: v for point, given in points.items() if point not in self.weakened for k, v in given.items()}

    @property
    def full_environment(self) -> dict[str, str]:
        shown = self.gpu_files.environment if self.gpu_files else gpu_environment(self.gpu_route, self.gpu_uuid)
        return {**self.environment, **shown}

    @property
    def all_binds(self) -> list[tuple[str, str, str]]:
        if self.gpu_uuid is None or self.gpu_files or self.gpu_route != "nvidia-docker":
            return self.binds
        return [*self.binds, (f"nvidia_driver_{self.driver}", "/usr/local/nvidia", "ro")]

    @property
    def _mounts(self) -> list[Any]:
        """Mounts, not volumes: for a path that has vanished, the engine would make an empty folder on the host."""
        types = docker_sdk().types
        plugin = types.DriverConfig("nvidia-docker") if self.gpu_route == "nvidia-docker" else None
        return [
            types.Mount(inside, host, type="bind", read_only=mode == "ro")
            if host.startswith("/")
            else types.Mount(
                inside, host, type="volume", read_only=mode == "ro", driver_config=plugin if mode == "ro" else None
            )
            for host, inside, mode in self.all_binds
        ]

    @property
    def _gpu_request(self) -> dict[str, Any]:
        if self.gpu_uuid is None:
            return {}
        if self.gpu_files:
            devices = [f"{file}:{file}:rwm" for file in self.gpu_files.files]
            return {"devices": devices, "group_add": self.gpu_files.groups}
        if self.gpu_route == "runtime":
            return {"runtime": "nvidia"}
        if self.gpu_route == "nvidia-docker":
            files = ("/dev/nvidiactl", "/dev/nvidia-uvm", f"/dev/nvidia{self.gpu_minor}")
            return {"devices": [f"{file}:{file}:rwm" for file in files]}
        if self.gpu_route == "cdi":
            asked: dict[str, Any] = {"driver": "cdi", "device_ids": [self.gpu_cdi or f"{KIND}={self.gpu_uuid}"]}
        else:
            asked = {"device_ids": [self.gpu_uuid], "capabilities": [["gpu", "compute", "utility"]]}
        return {"device_requests": [docker_sdk().types.DeviceRequest(**asked)]}


def gpu_environment(route: RouteName, uuid: str | None) -> dict[str, str]:
    """The variables that tell the tools and the workload of their GPU.

    In the container there is one, whatever it is called outside: CUDA's number 0. CUDA_VISIBLE_DEVICES says so, because
    CDI sets NVIDIA_VISIBLE_DEVICES to "void".
    """
    if uuid is None:
        return {}
    if route == "runtime":  # the runtime itself acts on these two
        asked = {"NVIDIA_VISIBLE_DEVICES": uuid, "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
        return {"CUDA_VISIBLE_DEVICES": "0", **asked}
    if route == "nvidia-docker":  # whose volume is not on the image's library path
        return {"CUDA_VISIBLE_DEVICES": "0", "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64:/usr/local/nvidia/lib"}
    return {"CUDA_VISIBLE_DEVICES": "0"}
