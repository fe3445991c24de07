"""What NVIDIA's side of the interface says without a driver."""

from __future__ import annotations

from orchestrator.host.nvidia.maker import Nvidia
from tests.make import make_gpu


def test_a_job_is_shown_one_card_by_its_uuid(tmp_path):
    (tmp_path / "libcuda.so.1").touch()
    shown = Nvidia().environment(make_gpu(1), {"PATH": "/bin"}, {"LD_LIBRARY_PATH": str(tmp_path)})
    visible = {"CUDA_VISIBLE_DEVICES": "GPU-1", "NVIDIA_VISIBLE_DEVICES": "GPU-1"}
    assert shown == {"PATH": "/bin", **visible, "LD_LIBRARY_PATH": str(tmp_path)}


def test_of_errors_those_are_told_that_programs_die_of():
    assert Nvidia().deadly([63, 45]) == ""
    assert Nvidia().deadly([63, 31, 31]) == "Xid 31 (memory page fault: an illegal address in a kernel)"


def test_a_slice_has_fewer_figures():
    assert Nvidia().fewer("GPU-1") == ""
    assert "slice (MIG)" in Nvidia().fewer("MIG-1")
