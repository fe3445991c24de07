"""Hosts with AMD's cards, alone and beside NVIDIA's: what `doctor` says, what a run does and records."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.fakes import amd_host, nvml_host, pythons, roots
from tests.stubgpu.test_doctor import doctor, found

SERIAL = "a1b2c3d4e5f60718"
WORDS = ["run", "--device", "gpu", "--launcher", "process", "--scale", "smoke", "--no-fetch", "--json"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A catalogue in which the stack of today has code for AMD's cards, and that of 2017 for NVIDIA's."""
    folder = tmp_path_factory.mktemp("amd")
    roots.make_gpu_root(folder / "root", ["long_a"])
    stacks = folder / "root" / "docker" / "stacks.yaml"
    stacks.write_text(stacks.read_text().replace("package: {gpu: jax}", "gpu_maker: AMD, package: {gpu: jax}"))
    roots.make_data(folder / "data")
    return folder


@pytest.fixture
def amd(tmp_path):
    return amd_host.AmdHost(tmp_path / "host", [amd_host.mi300x()])


def run(place, environment, out, *words):
    argv = [sys.executable, "-m", "orchestrator", *WORDS, "--root", str(place / "root"), "--out", str(out)]
    home = {"HOME": str(place), "XDG_CACHE_HOME": str(place / "cache")}
    argv += ["--data-dir", str(place / "data"), *words]
    answer = subprocess.run(argv, env={**environment, **home}, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in answer.stderr, answer.stderr
    (folder,) = out.glob("2*")
    return answer, {row["stack"]: row for row in json.loads(answer.stdout)["results"]}, folder


@pytest.mark.slow
def test_a_job_on_such_a_card_has_its_figures_and_what_is_not_for_it_is_unsupported(place, amd, tmp_path):
    amd.set(
        0,
        gpu_activity={"gfx_activity": {"steps": [0.3, [40, 60]]}, "umc_activity": 12},
        gpu_vram_usage={"vram_total": 196592, "vram_used": 4096},
    )
    answer, rows, folder = run(place, amd.environment, tmp_path / "results", "--epochs", "3")
    assert answer.returncode == 0, answer.stderr
    row, other = rows["stub-today"], rows["stub-old"]
    assert (row["status"], row["gpu_name"], row["driver"]) == ("ok", "AMD Instinct MI300X OAM", "6.12.12")
    assert 40 <= row["gpu_util_mean"] <= 60 and row["gpu_util_source"] == "polls"
    assert (row["gpu_mem_peak_mb"], row["gpu_temp_max_c"], row["sm_clock_mean"]) == (4096.0, 41.0, 132.0)
    assert row["gpu_power_mean_w"] == pytest.approx(137.33, abs=0.5)  # of its counter
    assert row["energy_source"] == "counter"
    assert (row["throttle_reasons"], row["gpu_xids"]) == (None, None)  # not read, and so not "none"
    assert other["status"] == "unsupported"
    assert other["reason"] == "Theano is built for NVIDIA's GPUs (CUDA, not ROCm), and AMD Instinct MI300X OAM is AMD's"
    result = json.loads((folder / "jobs" / row["job_id"] / "result.json").read_text())
    assert result["fingerprint"]["gpu_route"] == "ROCR_VISIBLE_DEVICES"
    assert result["fingerprint"]["gpu_state"]["architecture"] == "gfx942"
    assert f"ROCR_VISIBLE_DEVICES=GPU-{SERIAL}" in result["fingerprint"]["command"]
    assert not any("CUDA_VISIBLE" in word for word in result["fingerprint"]["command"])
    report = (folder / "report.md").read_text()
    assert "AMD Instinct MI300X" in report
    assert not [line for line in report.splitlines() if "NVIDIA" in line and "is AMD's" not in line]


@pytest.mark.slow
def test_a_host_with_cards_of_both_makers_gives_each_job_one_that_it_can_use(place, libraries, tmp_path):
    k80 = nvml_host.StubHost(libraries[470], tmp_path / "k80", nvml_host.k80(1))
    both = amd_host.AmdHost(tmp_path / "host", [amd_host.mi300x()], k80.environment)
    answer, rows, _ = run(place, both.environment, tmp_path / "results", "--epochs", "1")
    assert answer.returncode == 0, answer.stderr
    assert {stack: (row["status"], row["gpu_name"]) for stack, row in rows.items()} == {
        "stub-old": ("ok", "Tesla K80"),
        "stub-today": ("ok", "AMD Instinct MI300X OAM"),
    }
    one = doctor(tmp_path, {**both.environment, "ROCR_VISIBLE_DEVICES": ""}, "doctor", "--device", "gpu", "--json")
    whats = [check["what"] for check in found(one) if "driver" in check["what"] or check["what"].startswith("GPU ")]
    assert "GPU 0 Tesla K80" in whats and not any("amd" in what.lower() for what in whats)


def test_doctor_lists_an_amd_card_and_says_what_no_stack_supports(amd, tmp_path):
    answer = doctor(
        tmp_path, amd.environment, "doctor", "--config", "modern", "--launcher", "process", "--device", "gpu", "--json"
    )
    checks = {check["what"]: check for check in found(answer)}
    assert checks["AMD driver"]["seen"] == "6.12.12"
    card = "GPU amd0 AMD Instinct MI300X OAM"
    assert checks[card]["seen"] == "free"
    assert checks[f"memory of {card}"]["seen"].startswith("191.7 GiB of 192.0 GiB")
    assert checks[f"clocks of {card}"]["seen"] == "132 of 2100 MHz"
    assert "architecture gfx942" in checks[f"set-up of {card}"]["seen"]
    unfit = [check for what, check in checks.items() if what.endswith(" on AMD Instinct MI300X OAM")]
    assert len(unfit) == 3 and all("(CUDA, not ROCm)" in check["seen"] for check in unfit)
    assert all("--python" in check["mend"] for check in unfit)
    assert not any("nvidia" in f"{check['mend']}".lower() for check in unfit)


def test_an_environment_with_a_rocm_build_may_run_and_one_without_may_not(amd, tmp_path):
    for name, version, planned in (("rocm", "2.10.0+rocm7.1", True), ("cuda", "2.10.0", False)):
        met = {"torch": {"version": version, "keras": "3.15.1", "module": "keras"}}
        answer = {**pythons.ANSWER, "packages": [f"torch=={version}", *pythons.ANSWER["packages"]], "met": met}
        python = pythons.fake_python(tmp_path / name / "bin" / "python", pythons.saying(answer))
        words = ["plan", "--commands", "--device", "gpu", "--workload", "mnist_mlp", "--python", python]
        said = doctor(tmp_path, amd.environment, *words)
        assert (f"ROCR_VISIBLE_DEVICES=GPU-{SERIAL}" in said.stdout) is planned, said.stdout + said.stderr
        assert ("is built for NVIDIA's GPUs (CUDA, not ROCm)" in said.stdout + said.stderr) is not planned


@pytest.mark.parametrize("value", [{"error": 31}, {"error": 2}])
def test_a_card_that_is_listed_and_tells_nothing_is_said(amd, tmp_path, value):
    amd.set(0, all=value)
    answer = doctor(tmp_path, amd.environment, "doctor", "--launcher", "process", "--device", "gpu", "--json")
    (driver,) = [check for check in found(answer) if check["what"] == "AMD driver"]
    assert driver["level"] == "bad"
    assert "GPU amd0: AMD SMI tells nothing of it" in driver["seen"]
    assert "amd-smi list" in driver["mend"]


def test_without_amds_library_nothing_of_it_is_loaded(amd, tmp_path):
    (tmp_path / "host" / "lib" / "libamd_smi.so").unlink()
    code = (
        "import sys\nfrom orchestrator.host.probe import probe_host\n"
        "host = probe_host()\nprint([g.name for g in host.gpus], 'amdsmi' in sys.modules, host.gpu_maker)\n"
    )
    assert amd.python(code).split() == ["[]", "False", "NVIDIA"]


def test_one_process_opens_the_driver_once_and_parts_of_a_card_have_names_of_their_own(amd):
    amd.state["cards"] = [amd_host.mi300x(), amd_host.mi300x(), amd_host.radeon(2)]
    amd.state["cards"][1]["gpu_enumeration_info"]["hip_id"] = 1
    amd.write()
    code = (
        "from orchestrator.host.amd import smi\n"
        "for _ in range(3):\n    with smi.session() as cards: found = cards.devices()\n"
        "print([(d.uuid, d.place, d.runtime_name) for d in found])\n"
    )
    same = "AMD-00ff74a1-0000-1000-8000-b2c3d4e5f607"
    radeon = ("AMD-02ff74a1-0000-1000-8002-b2c3d4e5f607", "amd2", "2")
    assert eval(amd.python(code)) == [(same, "amd0", "0"), (f"{same}-1", "amd1", "1"), radeon]
    assert len((amd.folder / "state.inits").read_text().splitlines()) == 1


def test_a_driver_that_hangs_is_given_up(amd):
    amd.state["hangs"] = "power_info"
    amd.write()
    code = (
        "from orchestrator.host.amd import binding, smi\nfrom orchestrator.host.cards import NoDriver\n"
        "binding.BOUND_S = 0.5\nwith smi.session() as cards:\n    card = cards.devices()[0]\n"
        "for _ in range(2):\n    try:\n        with smi.session() as cards: cards.read(card.uuid)\n"
        "    except NoDriver as error: print(error.message)\n"
    )
    assert amd.python(code).splitlines() == ["AMD SMI: amdsmi_get_power_info gave no answer in 0.5 s"] * 2


def test_a_binding_that_does_not_fit_is_said_with_what_mends_it(amd, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "amdsmi.py").write_text("print('no library')\n{}['libamd_smi.so']\n")
    path = f"{tmp_path / 'other'}{os.pathsep}{ROOT}"
    code = (
        "from orchestrator.host.probe import probe_host\n"
        "h = probe_host()\nprint(h.gpu_maker, h.gpu_trouble, h.gpu_mend)"
    )
    environment = {**amd.environment, "PYTHONPATH": path}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert said.stdout.startswith("AMD the package amdsmi cannot be loaded: no library KeyError: 'libamd_smi.so'")
    assert "share/amd_smi" in said.stdout
