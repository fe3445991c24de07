"""How a job is shown one of AMD's cards, and which the caller's variables leave."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import structs

from orchestrator.host.amd import binding
from orchestrator.host.amd.maker import Amd
from tests.make import make_gpu


def card(index):
    return make_gpu(
        index, name="MI300X", uuid=f"AMD-{index}", runtime_name=f"GPU-{index:016x}", compute_capability=None
    )


CARDS = [card(0), card(1), card(2)]


def test_a_job_is_shown_one_card_which_is_hips_first():
    shown = Amd().environment(CARDS[2], {"PATH": "/bin"}, {})
    assert shown == {"PATH": "/bin", "ROCR_VISIBLE_DEVICES": "GPU-0000000000000002", "HIP_VISIBLE_DEVICES": "0"}


@pytest.mark.parametrize(
    ("environ", "left"),
    [
        ({}, [0, 1, 2]),
        ({"ROCR_VISIBLE_DEVICES": "2,0"}, [2, 0]),
        ({"ROCR_VISIBLE_DEVICES": "GPU-0000000000000001"}, [1]),
        ({"HIP_VISIBLE_DEVICES": "1"}, [1]),
        ({"ROCR_VISIBLE_DEVICES": "2,0", "HIP_VISIBLE_DEVICES": "1"}, [0]),
        ({"CUDA_VISIBLE_DEVICES": "2"}, [2]),
        ({"CUDA_VISIBLE_DEVICES": "2", "HIP_VISIBLE_DEVICES": "0"}, [0]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, [0, 1, 2]),
    ],
)
def test_the_callers_variables_are_obeyed_as_rocm_reads_them(environ, left):
    choice = Amd().left(CARDS, environ, in_container=False)
    assert [gpu.index for gpu in choice.gpus] == left
    assert choice.trouble == ""


def test_a_name_that_fits_no_card_is_said():
    choice = Amd().left(CARDS, {"HIP_VISIBLE_DEVICES": "7"}, in_container=False)
    assert choice.gpus == []
    assert choice.trouble == "HIP_VISIBLE_DEVICES=7: no GPU of this host is called '7' (it has amd0, amd1, amd2)"


def test_beside_another_makers_cards_cudas_variable_is_theirs():
    choice = Amd().left([make_gpu(0), *CARDS], {"CUDA_VISIBLE_DEVICES": "0"}, in_container=False)
    assert len(choice.gpus) == 3 and choice.words == ""


def test_a_container_is_given_the_drivers_door_and_the_cards_file_with_their_groups(tmp_path, monkeypatch):
    door = tmp_path / "kfd"
    door.touch()
    monkeypatch.setattr(binding, "DOOR", door)
    monkeypatch.setattr(Path, "stat", lambda path, **words: SimpleNamespace(st_gid=109, st_mode=0o660))
    handed = Amd().handed(structs.replace(CARDS[0], minor=129))
    assert (handed.files, handed.groups) == ([str(door), "/dev/dri/renderD129"], [109])
    assert handed.environment == {"ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "0"}
