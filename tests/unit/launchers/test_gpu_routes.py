"""Which way a GPU goes into a container, by what real engines report."""

from __future__ import annotations

import pytest

from orchestrator.errors import HostError
from orchestrator.launchers.gpu_routes import ROUTES, cdi_names, choose
from tests.make import make_gpu

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


GPUS = [make_gpu(i, uuid=f"GPU-{i}{i}") for i in (0, 1)]
SLICE = make_gpu(0, uuid="MIG-1", parent="GPU-00", part=2)


def listed(*names):
    return [f"nvidia.com/gpu={name}" for name in names]


@pytest.mark.parametrize(
    ("names", "gpus", "count", "called"),
    [
        (["GPU-00", "GPU-11", "0", "1", "all"], GPUS, 2, ["GPU-00", "GPU-11"]),
        (["0", "1", "all"], GPUS, 2, ["0", "1"]),  # toolkits below 1.15
        (["all"], GPUS[:1], 1, ["all"]),  # WSL
        (["all"], GPUS[:1], 2, []),  # one of two was chosen, and "all" would give both
        (["all"], GPUS, 2, []),
        (["0:2", "all"], [SLICE], 1, ["0:2"]),
        (["0", "all"], [SLICE], 2, []),  # the slice's card is not the slice
    ],
)
def test_a_gpu_is_called_what_cdi_lists(names, gpus, count, called):
    found = cdi_names(listed(*names), gpus, count)
    assert list(found.values()) == listed(*called)


def test_cdi_is_no_route_for_gpus_that_it_does_not_list():
    """Every container would fail with "unresolvable CDI devices"."""
    by_number = {"DiscoveredDevices": [{"ID": name} for name in listed("0", "1", "all")]}
    route = choose(by_number, "1.50", gpus=GPUS, count=2)
    assert (route.name, list(route.cdi.values())) == ("cdi", listed("0", "1"))
    only_all = {"DiscoveredDevices": [{"ID": "nvidia.com/gpu=all"}]}
    assert choose(only_all, "1.50", gpus=GPUS[:1], count=1).cdi == {"GPU-00": "nvidia.com/gpu=all"}
    assert choose({**only_all, **PLUGIN}, "1.50", gpus=GPUS, count=2).name == "nvidia-docker"
    with pytest.raises(HostError, match="cannot pass GPUs one by one: of CDI devices it has"):
        choose(only_all, "1.50", gpus=GPUS, count=2)
