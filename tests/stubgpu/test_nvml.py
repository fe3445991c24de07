"""The unmodified nvidia-ml-py over stub drivers of two generations, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.fakes import nvml_host

PRELUDE = """
import json, sys
import msgspec
from orchestrator.host import cards
from orchestrator.host.nvidia import nvml

def show(value):
    print(json.dumps(msgspec.to_builtins(value)))
"""
ASK = PRELUDE + "with nvml.session() as n:\n    show([[d, n.read(d.uuid), n.processes(d.uuid)] for d in n.devices()])\n"
UUID = "GPU-00000000-aaaa-bbbb-cccc-000000000000"


def ask(host):
    return json.loads(host.python(ASK))


def test_a_k80_host(k80):
    (first, reading, processes), (second, _, _) = ask(k80)
    assert (first["name"], first["driver"], first["cuda"], first["compute_capability"]) == (
        "Tesla K80", "470.256.02", "11.4", "3.7",
    )  # fmt: skip
    assert (first["index"], first["minor"], first["memory_mb"]) == (0, 0, 11441)
    assert first["uuid"] == UUID != second["uuid"]
    assert "energy_j" not in reading  # a card that old has no counter: absent, not 0
    assert (reading["power_w"], reading["temp_c"], reading["sm_mhz"]) == (60.0, 40.0, 562.0)
    assert reading["throttle"] == 1  # under its old name, the only one that this driver has
    assert processes == []


def test_an_h200_host(h200):
    ((device, reading, _),) = ask(h200)
    assert (device["name"], device["cuda"], device["compute_capability"]) == ("NVIDIA H200", "13.0", "9.0")
    assert reading["energy_j"] > 0


#: Key of the stub -> fields of a reading that then are absent.
METRICS = {
    "util": {"util", "mem_util"},
    "util_mem": {"util", "mem_util"},
    "mem_used": {"mem_mb"},
    "power_mw": {"power_w"},
    "power_now_mw": {"power_now_w"},
    "temp": {"temp_c"},
    "sm_mhz": {"sm_mhz"},
    "mem_mhz": {"mem_mhz"},
    "throttle": {"throttle"},
    "energy_mj": {"energy_j"},
}


#: Reads once per metric, with that metric taken away (or failing in one of two ways).
TAKE_AWAY = (
    PRELUDE
    + """
from pathlib import Path
path, found = Path(sys.argv[1]), {}
whole = path.read_text().splitlines()
with nvml.session() as n:
    uuid = n.devices()[0].uuid
    for key in sys.argv[2].split(","):
        for value in ("", "!3", "!999"):
            rest = [line for line in whole if not line.startswith(f"0 {key} ")]
            path.write_text("\\n".join(rest + [f"0 {key} {value}"] * bool(value)) + "\\n")
            found[key + value] = msgspec.to_builtins(n.read(uuid))
show(found)
"""
)


def test_every_metric_may_be_absent(h200):
    h200.set(0, power_average_mw=None)  # which stands in for the power
    everything = set(ask(h200)[0][1])
    assert everything >= set().union(*METRICS.values())
    found = json.loads(h200.python(TAKE_AWAY, str(h200.folder / "state"), ",".join(METRICS)))
    assert len(found) == 3 * len(METRICS)
    for key, fields in METRICS.items():
        for value in ("", "!3", "!999"):  # not there, not supported, an unknown error
            assert everything - set(found[key + value]) == fields, key + value


def test_facts_of_a_device_may_be_absent_too(h200):
    for key in ("capability", "minor", "mem_total", "name", "processes"):
        h200.set(0, **{key: None})
    h200.set("-", cuda=None)
    ((device, reading, processes),) = ask(h200)
    assert device["name"] == "GPU 0"
    assert (device["compute_capability"], device["minor"], device["memory_mb"], device["cuda"]) == (None,) * 4
    assert "mem_mb" not in reading
    assert processes is None  # not told is not "none"


@pytest.mark.parametrize(("driver", "names"), [(440, 0), (470, 1), (580, 2)])
def test_processes_are_listed_by_whatever_call_the_driver_has(libraries, tmp_path, driver, names):
    host = nvml_host.StubHost(libraries[driver], tmp_path / "host", nvml_host.k80(1))
    host.set(0, processes="11:1048576,12:3145728")
    symbols = subprocess.run(["nm", "-D", str(libraries[driver] / "libnvidia-ml.so.1")], capture_output=True, text=True)
    assert symbols.stdout.count("nvmlDeviceGetComputeRunningProcesses_v") == names
    assert ask(host)[0][2] == [[11, 1.0], [12, 3.0]]


def test_the_bindings_own_call_fails_on_driver_470(k80):
    code = """
import pynvml
pynvml.nvmlInit()
try:
    pynvml.nvmlDeviceGetComputeRunningProcesses(pynvml.nvmlDeviceGetHandleByIndex(0))
except Exception as error:
    print(type(error).__name__, isinstance(error, pynvml.NVMLError))
"""
    assert k80.python(code).split() == ["NVMLLibraryMismatchError", "False"]  # why ours tries several


def test_a_lost_gpu_is_told_apart_and_its_neighbour_answers(k80):
    code = PRELUDE + (
        "with nvml.session() as n:\n"
        "    first, second = n.devices()\n"
        "    open(sys.argv[1], 'a').write('0 all !15\\n')\n"
        "    for call in (n.read, n.processes, lambda u: n.buffered(u, 0)):\n"
        "        try:\n            call(first.uuid); print('answered')\n"
        "        except cards.GpuLost as error:\n            print(error)\n"
        "    show(n.read(second.uuid))\n"
    )
    *lost, reading = k80.python(code, str(k80.folder / "state")).splitlines()
    assert lost == ["GPU is lost"] * 3
    assert json.loads(reading)["sm_mhz"] == 562.0


def test_without_a_driver_the_reason_is_said():
    code = (
        "from orchestrator.host import cards\nfrom orchestrator.host.nvidia import nvml\n"
        "try:\n    nvml.session().__enter__()\n"
        "except cards.NoDriver as e: print(e)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    if "NVML says" not in answer.stdout:
        pytest.skip("this host has an NVIDIA driver")
    assert "NVML Shared Library Not Found" in answer.stdout


def test_the_drivers_buffer_is_read_once(h200):
    h200.set(0, util="steps:0.5:20,80")
    code = PRELUDE + (
        "with nvml.session() as n:\n"
        "    uuid = n.devices()[0].uuid\n"
        "    first, newest = n.buffered(uuid, 0)\n"
        "    again, newest2 = n.buffered(uuid, newest)\n"
        "    show([first, again, newest, newest2])\n"
    )
    first, again, newest, newest2 = json.loads(h200.python(code))
    assert len(first) == 100
    assert len(again) <= 1 and newest <= newest2  # one may have come between the two calls
    assert {sample["util"] for sample in first} == {20.0, 80.0}
    assert {sample["kind"] for sample in first} == {"buffer"}


def test_what_the_driver_reserves_is_not_memory_in_use(h200, k80):
    assert ask(h200)[0][1]["mem_mb"] == 0
    h200.set(0, mem_used=985 * 2**20)
    assert ask(h200)[0][1]["mem_mb"] == 985
    k80.set(0, mem_reserved=100 * 2**20)  # its driver does not tell the two apart
    assert ask(k80)[0][1]["mem_mb"] == 105


def test_a_binding_without_functions_that_are_going_away(h200):
    gone = (
        "import pynvml\n"
        "for name in ('Temperature', 'MinorNumber', 'CurrentClocksEventReasons'):\n"
        "    delattr(pynvml, 'nvmlDeviceGet' + name)\n"
    )
    ((device, reading, _),) = json.loads(h200.python(gone + ASK))
    assert "minor" not in device or device["minor"] is None
    assert reading["throttle"] == 1
    assert (reading["power_w"], reading["temp_c"]) == (80.2, 39)


def test_the_old_package_of_the_same_name_is_named(h200, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "pynvml.py").write_text("class NVMLError(Exception):\n    pass\n")
    code = (
        f"import sys\nsys.path.insert(0, {str(tmp_path / 'old')!r})\n"
        "from orchestrator.host import cards\nfrom orchestrator.host.nvidia import nvml\n"
        "try:\n    with nvml.session(): pass\n"
        "except cards.NoDriver as error:\n    print(error.absent, error.message, error.hint)\n"
    )
    said = h200.python(code)
    assert said.startswith("False the package at")
    assert "pip uninstall pynvml" in said
