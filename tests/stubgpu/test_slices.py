"""Cards that are cut into slices (MIG): each slice is a device, the card is none."""

from __future__ import annotations

import json

import pytest

from tests.fakes import nvml_host
from tests.stubgpu.test_doctor import doctor, found
from tests.stubgpu.test_nvml import PRELUDE

CARD = "GPU-00000000-aaaa-bbbb-cccc-000000000000"
SLICES = ["MIG-11111111-aaaa-bbbb-cccc-000000000000", "MIG-22222222-aaaa-bbbb-cccc-000000000000"]


@pytest.fixture
def cut(libraries, tmp_path):
    """Two H200, of which the first is cut into two slices, at places 0 and 2."""
    host = nvml_host.StubHost(libraries[580], tmp_path / "host", nvml_host.h200(2))
    host.set(0, mig=1)
    for place, (uuid, instance, used) in {"0:0": (SLICES[0], 7, 100), "0:2": (SLICES[1], 9, 300)}.items():
        host.set(place, uuid=uuid, name="NVIDIA H200 MIG 1g.18gb", mem_total=16384 * 2**20, mem_used=used * 2**20)
        host.set(place, instance=instance, processes="none", gpm_2=10 * instance)
    return host


def test_slices_are_devices_with_their_own_memory_and_their_card_is_none(cut):
    code = PRELUDE + "with nvml.session() as n:\n    show(n.devices())\n"
    first, second, whole = json.loads(cut.python(code))
    assert [d["uuid"] for d in (first, second)] == SLICES
    assert [(d["index"], d["part"], d["memory_mb"]) for d in (first, second)] == [(0, 0, 16384), (0, 2, 16384)]
    assert (first["name"], first["parent"], first["compute_capability"]) == ("NVIDIA H200 MIG 1g.18gb", CARD, "9.0")
    assert "no utilization" in first["state"]["slice"].replace("tells no", "no")
    assert (whole["name"], whole["part"], whole["parent"]) == ("NVIDIA H200", None, None)


def test_a_slice_has_its_memory_and_nothing_that_others_may_have_caused(cut):
    code = PRELUDE + (
        "with nvml.session() as n:\n"
        "    n.finer(sys.argv[1]); time.sleep(0.3)\n"
        "    show([n.read(sys.argv[1], True), n.finer(sys.argv[1]), n.buffered(sys.argv[1], 0)[0],\n"
        "          n.processes(sys.argv[1])])\n"
    )
    reading, finer, record, processes = json.loads(cut.python("import time\n" + code, SLICES[1]))
    assert (reading["mem_mb"], reading["temp_c"], reading["sm_mhz"]) == (300, 39, 1980)
    assert not {"util", "power_w", "power_now_w", "energy_j", "pcie_sent_mib_s"} & set(reading)
    assert (record, processes) == ([], [])
    assert finer["sm_active"] == pytest.approx(90), "of the slice's own instance"


def test_errors_of_another_slice_are_not_this_ones(cut):
    code = PRELUDE + (
        "with nvml.session() as n:\n"
        "    n.events(sys.argv[1])\n"
        "    open(sys.argv[2], 'a').write('0 events 8:31:7,8:13:9,8:79\\n')\n"
        "    show(n.events(sys.argv[1]))\n"
    )
    seen = json.loads(cut.python(code, SLICES[1], str(cut.folder / "state")))
    assert seen["xids"] == [13, 79]


def test_doctor_and_plan_offer_the_slice_and_never_the_card(cut, tmp_path):
    words = ["--config", "modern", "--launcher", "process", "--device", "gpu"]
    said = doctor(tmp_path, cut.environment, "doctor", *words).stdout
    assert "GPU 0:0 NVIDIA H200 MIG 1g.18gb: free" in said
    assert "memory of GPU 0:2 NVIDIA H200 MIG 1g.18gb: 15.7 GiB of 16.0 GiB free" in said
    assert "GPU 0 NVIDIA" not in said
    for name in (SLICES[1], "0:2", "MIG-2222"):
        checks = found(doctor(tmp_path, cut.environment, "doctor", *words, "--gpu", name, "--json"))
        assert [c["what"] for c in checks if c["seen"] == "free"] == ["GPU 0:2 NVIDIA H200 MIG 1g.18gb"], name
    wrong = doctor(tmp_path, cut.environment, "doctor", *words, "--gpu", "0")
    assert wrong.returncode == 3
    assert f"GPU 0 is cut into slices (MIG): name one of {SLICES[0]}, {SLICES[1]}" in wrong.stdout + wrong.stderr
    by_variable = {**cut.environment, "CUDA_VISIBLE_DEVICES": SLICES[0]}
    planned = doctor(tmp_path, by_variable, "plan", "--commands", *words, "--workload", "mnist_mlp").stdout
    assert f"CUDA_VISIBLE_DEVICES={SLICES[0]} leaves GPU 0:0 of 3" in planned or SLICES[0] in planned
    assert f"CUDA_VISIBLE_DEVICES={CARD}" not in planned


@pytest.mark.parametrize("route", ["devices", "cdi", "runtime"])
def test_a_container_gets_the_slice(cut, tmp_path, route):
    words = [
        "plan",
        "--commands",
        "--config",
        "modern",
        "--launcher",
        "docker",
        "--device",
        "gpu",
        "--workload",
        "mnist_mlp",
    ]
    answer = doctor(tmp_path, cut.environment, *words, "--gpu", SLICES[1], "--gpu-route", route)
    commands = [line for line in answer.stdout.splitlines() if line.startswith("docker run")]
    assert commands, answer.stderr
    assert all(SLICES[1] in line and CARD not in line for line in commands)


def test_a_card_that_is_cut_and_has_no_slice_runs_nothing(h200, tmp_path):
    h200.set(0, mig=1)
    answer = doctor(
        tmp_path, h200.environment, "doctor", "--config", "modern", "--launcher", "process", "--device", "gpu"
    )
    assert answer.returncode == 3
    assert "GPU 0 NVIDIA H200: MIG is on, and no slice has been made" in answer.stdout
    assert "nvidia-smi mig -cgi" in answer.stdout
