"""A listener that is slow, halted or broken holds nothing up."""

from __future__ import annotations

import threading

from orchestrator.run import hearing
from orchestrator.run.hearing import Hearing
from tests.fakes.recorder import Recorder
from tests.make import make_job, make_result


def test_everything_arrives_in_order():
    listener, job = Recorder(), make_job()
    with Hearing(listener) as heard:
        heard.expect(1)
        heard.started(job, "n1")
        heard.event(job, {"event": "end", "t": 1.0})
        heard.finished(make_result(job))
        heard.say("done")
    assert heard.fault is None
    assert [len(listener.of(what)) for what in ("expect", "started", "event", "finished", "say")] == [1] * 5


def test_a_terminal_that_is_halted_holds_up_neither_the_run_nor_its_end(monkeypatch):
    monkeypatch.setattr(hearing, "PATIENCE_S", 0.1)
    going, halted = threading.Event(), Recorder()
    halted.say = lambda line: going.wait(60)  # type: ignore[method-assign]
    with Hearing(halted) as heard:
        for _ in range(1000):
            heard.say("is anybody there?")
    assert not going.is_set()  # we are here, although it hears nothing yet
    going.set()


def test_a_fault_of_the_display_is_kept_and_silences_it():
    class Broken(Recorder):
        def started(self, job, where=""):
            raise KeyError("ours")

    listener = Broken()
    with Hearing(listener) as heard:
        heard.started(make_job())
        heard.say("not heard any more")
    assert isinstance(heard.fault, KeyError)
    assert listener.of("say") == []
