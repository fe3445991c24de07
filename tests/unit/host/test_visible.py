"""Which GPUs the caller's environment leaves to a run."""

from __future__ import annotations

import pytest

from orchestrator.host.nvidia.maker import Nvidia
from tests.make import make_gpu

GPUS = [make_gpu(i, uuid=f"GPU-{i}{i}aa-bbbb") for i in range(4)]


def chosen(cuda=None, nvidia=None, in_container=False, gpus=GPUS):
    named = {"CUDA_VISIBLE_DEVICES": cuda, "NVIDIA_VISIBLE_DEVICES": nvidia}
    return Nvidia().left(gpus, {key: value for key, value in named.items() if value is not None}, in_container)


def indexes(choice):
    return [gpu.index for gpu in choice.gpus]


def test_without_a_variable_every_gpu_is_there_and_nothing_is_said():
    choice = chosen()
    assert indexes(choice) == [0, 1, 2, 3]
    assert (choice.words, choice.trouble) == ("", "")


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("1", [1]),
        ("3,0", [3, 0]),
        (" 2 , 1 ", [2, 1]),
        ("1,1", [1]),
        ("GPU-11aa-bbbb", [1]),
        ("GPU-22", [2]),
        ("GPU-33,0", [3, 0]),
    ],
)
def test_numbers_and_uuids_are_obeyed_in_their_order(value, left):
    choice = chosen(value)
    assert indexes(choice) == left
    assert choice.trouble == ""
    assert choice.words.startswith(f"CUDA_VISIBLE_DEVICES={value} leaves GPU {left[0]}")
    assert choice.words.endswith("of 4")


@pytest.mark.parametrize("value", ["", "-1", "none", " "])
def test_an_empty_list_hides_them_all(value):
    choice = chosen(value)
    assert choice.gpus == []
    assert "hides every GPU" in choice.words
    assert choice.trouble == ""


@pytest.mark.parametrize(
    ("value", "left", "trouble"),
    [
        ("7", [], "no GPU of this host is called '7' (it has 0, 1, 2, 3)"),
        ("0,7,1", [0], "no GPU of this host is called '7'"),  # CUDA ends its list there, too
        ("GPU-", [], "no GPU of this host is called 'GPU-'"),  # fits four
        ("nonsense", [], "'nonsense'"),
        ("²", [], "'²'"),
        ("MIG-1234", [], "no slice of a GPU (MIG) of this host is called 'MIG-1234'"),
    ],
)
def test_a_name_that_fits_no_gpu_is_said(value, left, trouble):
    choice = chosen(value)
    assert indexes(choice) == left
    assert trouble in choice.trouble


def test_on_a_host_nvidias_own_variable_is_obeyed_too():
    assert indexes(chosen(nvidia="2,3")) == [2, 3]
    assert indexes(chosen(cuda="3,1", nvidia="2,3")) == [3]
    assert indexes(chosen(nvidia="none")) == []


@pytest.mark.parametrize("value", ["all", "void", ""])
def test_what_asks_the_toolkit_hides_nothing(value):
    assert indexes(chosen(nvidia=value)) == [0, 1, 2, 3]


def test_in_a_container_the_toolkit_has_done_it_already():
    inside = chosen(nvidia="1", in_container=True, gpus=GPUS[:1])
    assert indexes(inside) == [0]
    assert indexes(chosen(nvidia="GPU-22", in_container=True)) == [2]


def test_a_host_without_a_gpu_is_left_alone():
    choice = chosen("0", gpus=[])
    assert (choice.gpus, choice.words, choice.trouble) == ([], "", "")


SLICES = [make_gpu(0, uuid=f"MIG-{i}{i}", parent="GPU-00aa", part=i) for i in (0, 2)] + [make_gpu(1, uuid="GPU-11")]


@pytest.mark.parametrize(
    ("value", "left"),
    [("MIG-00", ["MIG-00"]), ("0:2,MIG-0", ["MIG-22", "MIG-00"]), ("1", ["GPU-11"]), ("0:2,1", ["MIG-22", "GPU-11"])],
)
def test_slices_are_named_by_uuid_or_by_card_and_slice(value, left):
    choice = chosen(value, gpus=SLICES)
    assert ([gpu.uuid for gpu in choice.gpus], choice.trouble) == (left, "")


@pytest.mark.parametrize("value", ["0", "GPU-00aa", "GPU-0"])
def test_a_card_that_is_cut_is_never_meant(value):
    choice = chosen(value, gpus=SLICES)
    assert choice.gpus == []
    assert "GPU 0 is cut into slices (MIG): name one of MIG-00, MIG-22" in choice.trouble
