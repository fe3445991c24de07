"""Which maker has a GPU, by its UUID; and that every one has all of the interface."""

from __future__ import annotations

import inspect

import pytest

from orchestrator.host import cards, makers
from tests.make import make_gpu


def members(protocol):
    return {name for name, member in vars(protocol).items() if inspect.isfunction(member) and name[0] != "_"}


@pytest.mark.parametrize("maker", makers.MAKERS, ids=lambda maker: maker.name)
def test_every_maker_answers_everything_that_is_asked(maker):
    for name in members(cards.Maker):
        asked, answered = (inspect.signature(getattr(of, name)) for of in (cards.Maker, type(maker)))
        assert list(asked.parameters) == list(answered.parameters)
    assert maker.remedy


@pytest.mark.parametrize(("uuid", "name"), [("GPU-1", "NVIDIA"), ("MIG-1", "NVIDIA"), ("AMD-1", "AMD")])
def test_a_uuid_tells_who_made_a_card(uuid, name):
    assert makers.of(uuid).name == make_gpu(uuid=uuid).maker == name


def test_makers_without_cards_are_not_asked():
    assert list(makers.shared_out([])) == []
    [(maker, mine)] = makers.shared_out([make_gpu(0), make_gpu(1)])
    assert (maker.name, len(mine)) == ("NVIDIA", 2)


def test_each_makers_variables_leave_its_own_cards():
    gpus = [make_gpu(0), make_gpu(1), make_gpu(0, uuid="AMD-0"), make_gpu(1, uuid="AMD-1")]
    environ = {"CUDA_VISIBLE_DEVICES": "1", "ROCR_VISIBLE_DEVICES": "0"}
    choice, wrong = makers.left(gpus, environ, in_container=False)
    assert ([gpu.place for gpu in choice.gpus], wrong) == (["1", "amd0"], "")
    choice, wrong = makers.left(gpus, {**environ, "HIP_VISIBLE_DEVICES": "5"}, in_container=False)
    assert ([gpu.place for gpu in choice.gpus], wrong) == (["1"], "AMD")
