"""What real drivers were seen to do, one by one; docs/GPU.md lists the cases with the tests of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.host.processes import HOSTS_OWN
from tests.conftest import ROOT
from tests.fakes import nvml_host, probed
from tests.stubgpu.test_doctor import doctor, found
from tests.stubgpu.test_nvml import ASK, PRELUDE, UUID

#: Programs of other numberings (containers) cannot refuse a GPU for a process by its number.
OWN_NUMBERS = str(Path("/proc/self/ns/pid").readlink()) == HOSTS_OWN
MODERN = ["--config", "modern", "--launcher", "process", "--device", "gpu"]


def test_numbers_of_another_host_refuse_no_gpu_and_are_told_as_a_hint(h200, tmp_path):
    h200.set(0, processes="3999999:1073741824,3999998:1073741824")
    said = doctor(tmp_path, h200.environment, "doctor", *MODERN)
    assert "GPU 0 NVIDIA H200: in use by 2 processes with 2048 MiB, by numbers that are not of this host" in said.stdout
    assert said.returncode == 0, said.stdout
    code = PRELUDE + (
        "from orchestrator.host.processes import present\n"
        "with nvml.session() as n:\n    show(present(n, sys.argv[1]))\n"
    )
    assert json.loads(h200.python(code, UUID)) is None


def test_a_card_that_the_system_gives_to_somebody_else_is_neither_offered_nor_lost(libraries, tmp_path):
    """Control groups of a cluster or a container hide it. CUDA counts the others, and so do we."""
    host = nvml_host.StubHost(libraries[580], tmp_path / "host", nvml_host.h200(2))
    host.set(0, all="!4")
    code = PRELUDE + "with nvml.session() as n:\n    show([n.devices(), n.silent])\n"
    (mine,), silent = json.loads(host.python(code))
    assert (mine["uuid"], mine["index"], mine["minor"], silent) == (host.state[1, "uuid"], 0, 1, {})
    environment = {**host.environment, "CUDA_VISIBLE_DEVICES": "0"}
    answer = doctor(tmp_path, environment, "doctor", "--config", "any-cuda", "--launcher", "process")
    assert "GPU 0 NVIDIA H200: free" in answer.stdout and "GPU 1" not in answer.stdout
    host.set(1, all="!4")
    nothing = json.loads(host.python(code))
    assert nothing[0] == [] and nothing[1]["0"].startswith("Insufficient Permissions: the system gives it to another")


def test_two_halves_of_one_board_are_told_apart_from_two_cards(k80, h200, tmp_path):
    for gpu in (0, 1):
        k80.set(gpu, board=7)
    code = PRELUDE + "with nvml.session() as n:\n    show([d.board for d in n.devices()])\n"
    assert json.loads(k80.python(code)) == [UUID, UUID]
    k80.set(1, board=8)
    assert json.loads(k80.python(code)) == [None, None]
    k80.set(1, board=7)
    said = doctor(tmp_path, k80.environment, "doctor", "--config", "any-cuda", "--launcher", "process").stdout
    assert said.count("they take turns, as they share its power and heat") == 2


def test_a_temperature_is_read_by_whichever_call_is_there(h200):
    gone = "import pynvml\ndelattr(pynvml, 'nvmlDeviceGetTemperature')\n"
    ((_, reading, _),) = json.loads(h200.python(gone + ASK))
    assert reading["temp_c"] == 39


@pytest.mark.parametrize(
    "gone", ["nvmlGpm", "nvmlEventSet", "c_nvmlGpm", "nvmlDeviceGetMig", "nvmlDeviceGetFieldValues"]
)
def test_a_binding_without_a_family_of_calls_reads_the_rest(h200, gone):
    code = (
        "import pynvml\n"
        f"for name in [name for name in vars(pynvml) if name.startswith({gone!r})]:\n    delattr(pynvml, name)\n"
    )
    aside = "with nvml.session() as n:\n    n.finer(sys.argv[1]); n.events(sys.argv[1]); show(n.read(sys.argv[1]))\n"
    assert json.loads(h200.python(code + PRELUDE + aside, UUID))["power_w"] == 80.2


def test_one_command_opens_the_driver_once_and_doctor_says_why_it_is_slow(h200, tmp_path):
    h200.set("-", cold=0.01)
    h200.set(0, persistence=0)
    inits = h200.folder / "state.inits"
    said = doctor(tmp_path, h200.environment, "doctor", *MODERN)
    assert "persistence mode is off: the driver starts the card anew for each program" in said.stdout
    assert "nvidia-persistenced" in said.stdout
    assert len(inits.read_text().split()) == 1
    code = (
        "from orchestrator.host.nvidia.nvml import session\n"
        "for _ in range(3):\n    with session() as nvml:\n        nvml.read(nvml.devices()[0].uuid)\n"
    )
    inits.unlink()
    h200.python(code)
    assert len(inits.read_text().split()) == 1


def test_a_program_that_may_be_alone_only_is_said(h200, tmp_path):
    h200.set(0, compute_mode=3)
    said = doctor(tmp_path, h200.environment, "doctor", *MODERN)
    assert "compute mode `exclusive process`: one program at a time" in said.stdout
    assert said.returncode == 0


@pytest.mark.parametrize(("version", "told"), [("535.54.03", [[11, 1.0], [12, 3.0]]), ("535.104.05", None)])
def test_a_driver_whose_newest_process_list_is_scrambled_is_asked_for_the_older_one(libraries, tmp_path, version, told):
    host = nvml_host.StubHost(libraries[535], tmp_path / "host", nvml_host.k80(1))
    host.set("-", driver=version)
    host.set(0, processes="11:1048576,12:3145728")
    ((_, _, processes),) = json.loads(host.python(ASK))
    # A later driver is trusted; this one lies, which shows that version 3 was asked.
    assert processes == told if told else processes != [[11, 1.0], [12, 3.0]]


#: Reads twice, half a second apart, with whatever a card tells beyond gauges.
TWICE = PRELUDE + (
    "import time\n"
    "with nvml.session() as n:\n"
    "    n.finer(sys.argv[1]); time.sleep(0.5)\n"
    "    show([n.read(sys.argv[1], True), n.finer(sys.argv[1]), n.events(sys.argv[1])])\n"
)


def test_finer_figures_are_means_between_two_looks(h200):
    h200.set(0, gpm=1, gpm_2="steps:0.05:40,60", gpm_3=14, gpm_5=91.9, gpm_10=16, gpm_20=3.3, gpm_21=None)
    h200.set(0, event_types=None)
    reading, finer, events = json.loads(h200.python(TWICE, UUID))
    assert finer["sm_active"] == pytest.approx(50, abs=6)
    assert (finer["sm_occupancy"], finer["tensor_active"], finer["dram_active"]) == pytest.approx((14, 91.9, 16))
    assert (
        finer["pcie_sent_mib_s"] == pytest.approx(3.3) and "pcie_received_mib_s" not in finer
    )  # the card told one of the two
    assert (reading["power_now_w"], finer["kind"], events) == (80.05, "buffer", None)
    assert "pcie_sent_mib_s" not in reading, "not looked at twice"


def test_without_finer_figures_the_bus_is_looked_at(k80):
    k80.set(0, pcie_sent=2048, pcie_received=512)
    reading, finer, _ = json.loads(k80.python(TWICE, UUID))
    assert finer is None
    assert (reading["pcie_sent_mib_s"], reading["pcie_received_mib_s"]) == (2.0, 0.5)


def test_events_are_told_once_and_by_kind(h200):
    h200.set(0, events="8:13")  # one from before, which is nobody's
    code = PRELUDE + (
        "with nvml.session() as n:\n"
        "    first = n.events(sys.argv[1])\n"
        "    open(sys.argv[2], 'a').write('0 events 8:13,8:31,1:0,1:0,2:0,16:5\\n')\n"
        "    show([first, n.events(sys.argv[1]), n.events(sys.argv[1])])\n"
    )
    first, second, third = json.loads(h200.python(code, UUID, str(h200.folder / "state")))
    assert first == third == {"xids": [], "ecc_corrected": 0, "ecc_uncorrected": 0}
    assert second == {"xids": [31], "ecc_corrected": 2, "ecc_uncorrected": 1}


def test_the_probe_of_a_host_makes_the_same_host_again(h200, tmp_path):
    """tests/gpu/probe.py on a stub host gives a stub host that answers alike: the next real probe is one file."""
    h200.set(0, gpm_3=14)
    argv = [sys.executable, "-m", "tests.gpu.probe"]
    answer = subprocess.run(argv, env=h200.environment, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert answer.returncode == 0, answer.stderr
    again = nvml_host.StubHost(h200.library, tmp_path / "again", probed.state(json.loads(answer.stdout)))
    for place, value in h200.state.items():
        if not place[1].startswith("gpm_") or place == (0, "gpm_3"):  # no program was there to load the others
            assert answer_of(again.state[place]) == pytest.approx(answer_of(value)), place


def answer_of(value):
    """A value without the time that its call takes, which is the host's."""
    text = str(value).partition(" ")[2] if str(value).startswith("~") else str(value)
    try:
        return float(text)
    except ValueError:
        return text


@pytest.mark.skipif(not OWN_NUMBERS, reason="in a container numbers of processes refuse no GPU")
def test_a_process_of_this_host_still_refuses_its_gpu(h200, tmp_path):
    h200.set(0, processes=f"{os.getpid()}:1048576,3999999:1048576")
    checks = found(doctor(tmp_path, h200.environment, "doctor", *MODERN, "--json"))
    (line,) = [check for check in checks if check["what"] == "GPU 0 NVIDIA H200"]
    assert f"in use by process {os.getpid()} (" in line["seen"]
