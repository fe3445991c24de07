"""The first signal stops a run in good order, the second ends the process at once."""

from __future__ import annotations

import signal
import threading

import pytest

from orchestrator.executors import signals
from orchestrator.executors.signals import stop_on_signals

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers():
    """The handlers of a process in a terminal, even where tests run under nohup; after each test the old ones."""
    before = {number: signal.getsignal(number) for number in WATCHED}
    usual = {number: signal.SIG_DFL for number in WATCHED} | {signal.SIGINT: signal.default_int_handler}
    for number, handler in usual.items():
        signal.signal(number, handler)
    yield usual
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", WATCHED)
def test_the_first_signal_stops_and_does_not_interrupt(number):
    stopping = threading.Event()
    with stop_on_signals(stopping.set) as stopped:
        signal.raise_signal(number)
        assert stopped.is_set()
        assert stopping.wait(10)


def test_stopping_may_wait_for_a_lock_that_the_interrupted_code_holds():
    lock, done = threading.Lock(), threading.Event()

    def stop():
        with lock:
            done.set()

    with stop_on_signals(stop):
        with lock:
            signal.raise_signal(signal.SIGINT)
        assert done.wait(10)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_also_while_the_report_is_written(monkeypatch, second):
    ended, told = [], []
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    monkeypatch.setattr(signals.os, "write", lambda stream, words: told.append((stream, words)))
    with stop_on_signals(lambda: None):
        signal.raise_signal(signal.SIGINT)
        assert ended == []
    signal.raise_signal(second)
    assert (ended, told) == ([130], [(2, b"stopped\n")])


@pytest.mark.parametrize("first", WATCHED)
def test_a_terminal_that_is_closed_tells_twice_and_costs_no_rows(monkeypatch, first):
    """The kernel sends SIGHUP, and so does the shell."""
    ended = []
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    with stop_on_signals(lambda: None) as stopped:
        signal.raise_signal(first)
        signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGHUP)
    assert stopped.is_set() and ended == []


def test_a_service_manager_sends_two_at_once(monkeypatch):
    ended = []
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    with stop_on_signals(lambda: None) as stopped:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
        assert stopped.is_set() and ended == []
        signal.raise_signal(signal.SIGTERM)
    assert ended == [130]


def test_the_end_comes_also_where_nobody_can_be_told(monkeypatch):
    ended = []

    def gone(stream, words):
        raise BrokenPipeError

    monkeypatch.setattr(signals.os, "_exit", ended.append)
    monkeypatch.setattr(signals.os, "write", gone)
    with stop_on_signals(lambda: None):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert ended == [130]


def test_a_terminal_that_is_closed_does_not_end_a_report(handlers):
    with signals.not_hung_up():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == handlers[signal.SIGHUP]


def test_without_a_signal_all_is_as_before(handlers):
    with stop_on_signals(lambda: None) as stopped:
        assert signal.getsignal(signal.SIGINT) != handlers[signal.SIGINT]
    assert not stopped.is_set()
    assert {number: signal.getsignal(number) for number in WATCHED} == handlers


def test_a_signal_that_this_process_was_told_to_ignore_is_ignored():
    """As nohup asks for SIGHUP."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stop_on_signals(lambda: None) as stopped:
        signal.raise_signal(signal.SIGHUP)
        assert not stopped.is_set()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_run_in_another_thread_leaves_signals_alone_and_hears_of_no_stop(handlers):
    def work():
        with signals.not_hung_up(), stop_on_signals(pytest.fail) as stopped:
            return stopped.is_set(), {number: signal.getsignal(number) for number in WATCHED}

    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    assert found == [(False, handlers)]


def test_whoever_waits_for_a_run_in_a_thread_of_its_own_stops_it_before_and_while_it_goes_on():
    begun, stopping, told = threading.Event(), threading.Event(), []

    def work():
        for _ in range(2):  # as with further repeats: the second begins when it is to end already
            with stop_on_signals(stopping.set) as stopped:
                begun.set()
                told.append((stopping.wait(10), stopped.is_set()))
            stopping.clear()
        raise KeyError("ours")

    thread = signals.Aside(work)
    thread.start()
    assert begun.wait(10)
    thread.stop()
    assert thread.ended.wait(20)
    assert told == [(True, True)] * 2
    assert isinstance(thread.error, KeyError) and thread.result is None
