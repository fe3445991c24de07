"""Which way a GPU goes into a container, by what real engines report."""

from __future__ import annotations

import pytest

from orchestrator.errors import HostError
from orchestrator.launchers.gpu_routes import ROUTES, choose

TOOLKIT = {"Runtimes": {"runc": {}, "nvidia": {"path": "nvidia-container-runtime"}}}
CDI = {
    "Runtimes": {"runc": {}},
    "CDISpecDirs": ["/etc/cdi", "/var/run/cdi"],
    "DiscoveredDevices": [
        {"Source": "cdi", "ID": "nvidia.com/gpu=GPU-1"},
        {"Source": "cdi", "ID": "nvidia.com/gpu=all"},
    ],
}
PLUGIN = {"Runtimes": {"runc": {}}, "Plugins": {"Volume": ["local", "nvidia-docker"]}}
PLAIN = {"Runtimes": {"runc": {}}, "Plugins": {"Volume": ["local"]}, "CDISpecDirs": ["/etc/cdi"]}


@pytest.mark.parametrize(
    ("info", "api", "hook", "name"),
    [
        (TOOLKIT, "1.41", False, "devices"),
        (TOOLKIT, "1.39", False, "runtime"),  # before Docker 19.03
        (CDI, "1.50", False, "cdi"),
        ({**CDI, **TOOLKIT}, "1.50", False, "devices"),
        (PLUGIN, "1.24", False, "nvidia-docker"),
        (PLAIN, "1.41", True, "devices"),  # the toolkit's hook alone serves device requests
    ],
)
def test_the_route_follows_what_the_engine_reports(info, api, hook, name):
    route = choose(info, api, hook=hook)
    assert route.name == name
    assert route.why in str(route)


@pytest.mark.parametrize("info", [PLAIN, {}, {"DiscoveredDevices": None, "Runtimes": None, "Plugins": None}])
def test_an_engine_that_cannot_is_an_error_that_says_what_to_install(info):
    with pytest.raises(HostError, match="cannot pass GPUs") as error:
        choose(info, "1.41")
    assert "NVIDIA container toolkit" in error.value.hint


def test_other_vendors_devices_do_not_count():
    with pytest.raises(HostError):
        choose({"DiscoveredDevices": [{"ID": "amd.com/gpu=0"}]}, "1.50")


@pytest.mark.parametrize("name", [name for name in ROUTES if name != "auto"])
def test_a_wish_overrules_what_is_reported(name):
    assert (choose(PLAIN, "1.24", name).name, choose(PLAIN, "1.24", name).why) == (name, "asked for")
