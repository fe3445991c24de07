"""Chooses how the Docker engine gives one GPU to a container: four routes, of which each host has some. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from orchestrator.errors import HostError
from orchestrator.model import Device, Noun

RouteName = Literal["devices", "cdi", "runtime", "nvidia-docker"]
ROUTES: tuple[str, ...] = ("auto", *RouteName.__args__)  # type: ignore[attr-defined]
#: What CDI calls NVIDIA's GPUs.
KIND = "nvidia.com/gpu"
#: The first engine API that knows device requests (`--gpus`): Docker 19.03.
DEVICE_REQUESTS = (1, 40)
TOOLKIT = (
    "install the NVIDIA container toolkit and restart the engine "
    "(https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html)"
)


class Route(Noun, frozen=True, kw_only=True):
    """A chosen route, and why it was chosen."""

    name: RouteName
    why: str
    #: By the UUID of a GPU: what CDI calls it, where that is known.
    cdi: dict[str, str] = {}

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def choose(
    info: Mapping[str, Any],
    api: str,
    asked: str = "auto",
    hook: bool = False,
    gpus: Sequence[Device] = (),
    count: int = 0,
) -> Route:
    """The route for an engine that reports `info` (`docker info`) and speaks `api` ("1.41").

    `asked` is the user's --gpu-route. `hook`: whether the toolkit's hook was found on this host, which a local engine
    uses for device requests without reporting it. `gpus` are to be passed, of `count` that the host has. Raises
    HostError where nothing shows that GPUs can be passed.
    """
    listed = cdi_devices(info)
    names = cdi_names(listed, gpus, count)
    if asked != "auto":
        return Route(name=asked, why="asked for", cdi=names)  # type: ignore[arg-type]
    runtime = "nvidia" in (info.get("Runtimes") or {})
    requests = tuple(int(part) for part in api.split(".")[:2]) >= DEVICE_REQUESTS
    if runtime and requests:
        return Route(name="devices", why=f"the engine has the nvidia runtime and API {api}")
    if listed and (len(names) == len(gpus)):
        return Route(name="cdi", why="the engine lists nvidia.com/gpu devices", cdi=names)
    if runtime:
        return Route(name="runtime", why=f"the engine has the nvidia runtime; its API {api} knows no device requests")
    if "nvidia-docker" in ((info.get("Plugins") or {}).get("Volume") or []):
        return Route(name="nvidia-docker", why="the engine has the nvidia-docker volume plugin")
    if hook and requests:
        return Route(name="devices", why="the NVIDIA container toolkit is installed on this host")
    if listed:
        raise HostError(
            f"the Docker engine cannot pass GPUs one by one: of CDI devices it has {', '.join(listed)} alone",
            "name them by number or UUID: `nvidia-ctk cdi generate --device-name-strategy=uuid` (root), or --gpu-route",
        )
    raise HostError("the Docker engine cannot pass GPUs: it has neither an nvidia runtime nor CDI devices", TOOLKIT)


def cdi_names(listed: Sequence[str], gpus: Sequence[Device], count: int) -> dict[str, str]:
    """What CDI calls these GPUs, by UUID: toolkits below 1.15 name them by number only, WSL has `all` alone.

    `all` is one GPU's name where the host has no other. A GPU that is not listed is left out.
    """
    found = {}
    for gpu in gpus:
        names = [gpu.uuid or "", gpu.place, *(["all"] if len(gpus) == count == 1 else [])]
        fitting = [f"{KIND}={name}" for name in names if f"{KIND}={name}" in listed]
        if fitting and gpu.uuid:
            found[gpu.uuid] = fitting[0]
    return found


def cdi_devices(info: Mapping[str, Any]) -> list[str]:
    """The ids of NVIDIA's devices among those that the engine discovered in its CDI folders."""
    found = info.get("DiscoveredDevices") or []
    return [d["ID"] for d in found if str(d.get("ID", "")).startswith(f"{KIND}=")]
