"""Which stacks a GPU can run, from facts alone."""

from __future__ import annotations

import pytest
from msgspec import structs

from orchestrator.host.fitness import (
    fits,
    has_machine_code,
    instead,
    placement,
    translated,
    unsupported,
    unsupported_reason,
    version,
)
from orchestrator.model import Device
from orchestrator.plan.catalog import load_catalog

STACKS = [stack for stack in load_catalog().stacks if not stack.like]
OLD = [stack for stack in STACKS if stack.article]
TORCH = next(stack for stack in STACKS if stack.name == "keras3-torch")


def gpu(name, capability, driver, index=0):
    return Device(
        kind="gpu", name=name, uuid=f"GPU-{index}", index=index, driver=driver, compute_capability=capability,
        memory_mb=11441, cuda="11.4",
    )  # fmt: skip


K80 = gpu("Tesla K80", "3.7", "470.256.02")
P100 = gpu("Tesla P100", "6.0", "580.65.06")
V100 = gpu("Tesla V100", "7.0", "580.65.06")
H200 = gpu("NVIDIA H200", "9.0", "580.65.06", 1)


def names(device):
    gone = unsupported(STACKS, [device])
    return {b.name if s.article else s.name for s in STACKS for b in s.backends if (s.name, b.name) not in gone}


@pytest.mark.parametrize(
    ("device", "able"),
    [
        (K80, {"tensorflow", "cntk", "theano", "mxnet"}),
        (P100, {"tensorflow", "cntk", "theano", "mxnet"}),
        (V100, {"cntk"}),  # the one wheel of CUDA 9.0, with code for Volta
        (H200, {"keras3-tensorflow", "keras3-jax", "keras3-torch"}),
        (gpu("Tesla T4", "7.5", "535.104.05"), {"keras3-tensorflow", "keras3-jax"}),  # CUDA 13 wants a newer driver
        (gpu("Tesla K80", "3.7", "352.99"), set()),
        (gpu("Tesla M60", "5.2", "378.13"), {"tensorflow", "theano", "mxnet"}),  # CUDA 9.0 wants a newer driver
        (gpu("GRID K520", "2.1", "390.48"), set()),
    ],
)
def test_what_each_gpu_can_run(device, able):
    assert names(device) == able


def test_every_gpu_image_says_what_it_needs():
    assert all(stack.needs(backend.name) for stack in STACKS for backend in stack.backends)


def test_versions_are_compared_as_numbers():
    assert version("470.256.02") < version("1000.1")
    assert version("9.0") < version("10.0")
    needs = OLD[0].needs("tensorflow")
    assert unsupported_reason(needs, gpu("x", "10.0", "580.65.06"))  # not below 6.2, as text would be


def test_what_is_not_known_is_not_held_against_a_gpu():
    assert unsupported_reason(OLD[0].needs("tensorflow"), Device(kind="gpu", name="x")) == ""
    assert unsupported_reason(None, K80) == ""


@pytest.mark.parametrize(
    ("gpus", "words"),
    [
        ([H200], "--config modern --device gpu"),
        ([K80], "--config azure-nc6 --device gpu"),
        ([gpu("old", "2.0", "340.1")], "--device cpu --scale quick"),
        ([], "--device cpu --scale quick"),
    ],
)
def test_what_to_run_instead(gpus, words):
    assert words in instead(STACKS, gpus)


def test_a_card_that_runs_no_program_fits_nothing():
    closed = gpu("NVIDIA A100", "8.0", "580.65.06")
    assert "MIG" in unsupported_reason(OLD[0].needs("tensorflow"), structs.replace(closed, unusable="MIG is on"))


def needs_of(name):
    stack = next(stack for stack in STACKS if stack.name == name)
    return stack.needs(stack.backends[0].name)


@pytest.mark.parametrize(
    ("stack", "capability", "driver", "said"),
    [
        ("keras3-tensorflow", "8.6", "535.183.01", ""),  # 8.0 serves it
        ("keras3-tensorflow", "9.0", "580.65.06", "translates PTX"),
        ("keras3-jax", "9.0", "535.183.01", ""),
        ("keras3-jax", "13.0", "580.65.06", "translates PTX"),
        ("keras3-torch", "8.9", "580.65.06", ""),
    ],
)
def test_a_card_without_machine_code_is_told_that_its_driver_translates(stack, capability, driver, said):
    card = gpu("a card", capability, driver)
    assert unsupported_reason(needs_of(stack), card) == ""
    assert said in translated(needs_of(stack), card) and bool(said) == bool(translated(needs_of(stack), card))


@pytest.mark.parametrize(
    ("stack", "capability", "driver", "why"),
    [
        ("keras3-tensorflow", "9.0", "535.183.01", "takes driver 555.42.02 or newer, this host has 535.183.01"),
        ("keras3-torch", "13.0", "590.10", "nothing to translate for compute capability 13.0"),
    ],
)
def test_what_cannot_be_translated_is_unsupported(stack, capability, driver, why):
    card = gpu("a card", capability, driver)
    assert why in unsupported_reason(needs_of(stack), card)
    assert translated(needs_of(stack), card) == ""


def test_machine_code_serves_later_minor_versions_of_its_major_one_only():
    needs = needs_of("keras3-torch")
    assert [has_machine_code(needs, each) for each in ("7.0", "7.5", "8.9", "12.1", "11.0")] == [
        *(False, True, True, True, False)
    ]


def test_code_for_one_makers_cards_is_none_for_anothers():
    amd = gpu("MI300X", None, "6.12")
    amd = structs.replace(amd, uuid="AMD-1", state={"architecture": "gfx942"})
    rocm = structs.replace(TORCH, backends=[structs.replace(b, gpu_maker="AMD") for b in TORCH.backends])
    h200 = gpu("NVIDIA H200", "9.0", "580.95")
    assert (fits(TORCH, "torch", h200), fits(TORCH, "torch", amd)) == (True, False)
    assert unsupported([TORCH], [amd]) == {
        (
            TORCH.name,
            "torch",
        ): f"{TORCH.backend('torch').title} is built for NVIDIA's GPUs (CUDA, not ROCm), and MI300X is AMD's"
    }
    assert (fits(rocm, "torch", h200), unsupported([rocm], [amd, h200])) == (False, {})
    assert "`--python FILE`" in instead([TORCH], [amd])
    assert placement([TORCH], [amd]) == [f"MI300X (architecture gfx942): nothing; not {TORCH.name} (torch)"]
