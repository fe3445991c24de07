"""Calls that never return are given up; all others answer, raise, and are made in one thread."""

from __future__ import annotations

import threading

import pytest

from orchestrator.host.bounded import Bounded, NoAnswer


@pytest.fixture
def released():
    """An event that ends every call that hangs."""
    event = threading.Event()
    yield event
    event.set()


def test_answers_and_errors_come_through():
    call = Bounded(10)
    assert call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        call(divmod, 7, 0)
    assert call(len, "ab") == 2, "an error is an answer"
    call.end()


def test_all_calls_are_made_in_one_thread_that_keeps_no_process_alive():
    call = Bounded(10)
    first, second = call(threading.current_thread), call(threading.current_thread)
    assert first is second is not threading.current_thread()
    assert first.daemon
    call.end()
    first.join(10)
    assert not first.is_alive()


def test_a_call_that_hangs_is_given_up_and_every_other_one_fails_at_once(released):
    call = Bounded(0.1)

    def hangs():
        released.wait()

    with pytest.raises(NoAnswer, match=r"hangs gave no answer in 0\.1 s"):
        call(hangs)
    with pytest.raises(NoAnswer, match="hangs"):
        call(pytest.fail, "it was made")


def test_many_threads_get_their_own_answers():
    call = Bounded(10)
    found = {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: call(pow, n, 2)})) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: n * n for n in range(20)}
