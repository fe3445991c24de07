"""The protocols of executors and their listeners: who can be left alone with a run is told by what it offers."""

from __future__ import annotations

import inspect

import pytest

from orchestrator.executors.choose import EXECUTORS
from orchestrator.executors.executor import Detachable, Executor, Listener
from tests.fakes.recorder import Recorder


def offers(protocol):
    return {name: value for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_"}


class HandsIn:
    def hand_in(self, ready, folder, listener): ...


class Collects(HandsIn):
    def collect(self, ready, folder, listener): ...


def test_only_who_hands_in_and_collects_can_be_detached():
    assert isinstance(Collects(), Detachable)
    assert not isinstance(HandsIn(), Detachable)


@pytest.mark.parametrize("kind", EXECUTORS.values(), ids=EXECUTORS)
def test_every_executor_is_called_in_the_same_way(kind):
    for name, wanted in offers(Executor).items():
        assert list(inspect.signature(getattr(kind, name)).parameters) == list(inspect.signature(wanted).parameters)


def test_the_listener_of_the_tests_hears_all_that_there_is_to_hear():
    assert set(offers(Listener)) <= set(offers(Recorder))
