"""Chooses how the Docker engine gives one GPU to a container: four routes, of which each host has some. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from orchestrator.errors import HostError
from orchestrator.model import Noun

RouteName = Literal["devices", "cdi", "runtime", "nvidia-docker"]
ROUTES: tuple[str, ...] = ("auto", *RouteName.__args__)  # type: ignore[attr-defined]
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

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def choose(info: Mapping[str, Any], api: str, asked: str = "auto", hook: bool = False) -> Route:
    """The route for an engine that reports `info` (`docker info`) and speaks `api` ("1.41").

    `asked` is the user's --gpu-route. `hook`: whether the toolkit's hook was found on this host, which a local engine
    uses for device requests without reporting it. Raises HostError where nothing shows that GPUs can be passed.
    """
    if asked != "auto":
        return Route(name=asked, why="asked for")  # type: ignore[arg-type]
    runtime = "nvidia" in (info.get("Runtimes") or {})
    requests = tuple(int(part) for part in api.split(".")[:2]) >= DEVICE_REQUESTS
    if runtime and requests:
        return Route(name="devices", why=f"the engine has the nvidia runtime and API {api}")
    if cdi_devices(info):
        return Route(name="cdi", why="the engine lists nvidia.com/gpu devices")
    if runtime:
        return Route(name="runtime", why=f"the engine has the nvidia runtime; its API {api} knows no device requests")
    if "nvidia-docker" in ((info.get("Plugins") or {}).get("Volume") or []):
        return Route(name="nvidia-docker", why="the engine has the nvidia-docker volume plugin")
    if hook and requests:
        return Route(name="devices", why="the NVIDIA container toolkit is installed on this host")
    raise HostError("the Docker engine cannot pass GPUs: it has neither an nvidia runtime nor CDI devices", TOOLKIT)


def cdi_devices(info: Mapping[str, Any]) -> list[str]:
    """The ids of NVIDIA's devices among those that the engine discovered in its CDI folders."""
    found = info.get("DiscoveredDevices") or []
    return [d["ID"] for d in found if str(d.get("ID", "")).startswith("nvidia.com/gpu=")]
