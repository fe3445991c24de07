"""A run as one call: with the process of the caller left as it was, whatever thread it is made in."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

import orchestrator
from orchestrator.api.measure import Aside, _aside
from orchestrator.errors import HostError, UserError
from orchestrator.stacks import venvs
from tests.conftest import ROOT
from tests.fakes.runs import STACK, Bench, wait_for
from tests.fakes.stub_orchestrate import this_python

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The keywords of a run of two stubs, of which one fails."""
    monkeypatch.setattr(venvs, "ensure", this_python)
    bench = Bench(tmp_path, ["fine", "exit1"])
    return {
        **{"config": "smoke", "root": bench.root, "data_dir": bench.data, "out": bench.out, "stacks": STACK},
        **{"fetch": False, "build": False, "launcher": "process", "threads": 1},
    }


def test_a_run_gives_its_rows_and_leaves_the_process_as_it_was(asked):
    before, mask, told = [signal.getsignal(number) for number in SIGNALS], os.umask(0o002), []
    try:
        found = orchestrator.run(**asked, workloads=["fine", "exit1"], repeats=2, progress=told.append)
        assert os.umask(0o002) == 0o002
    finally:
        os.umask(mask)
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert sorted((row["workload"], row["status"]) for row in found.rows) == [
        *[("exit1", "failed")] * 2,
        *[("fine", "ok")] * 2,
    ]
    assert found.report() == found.paths[0] / "report.html" and found.report().is_file()
    assert [line[:5] for line in told if line.startswith("[")] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert found.verdicts()[0].contender and orchestrator.load(out=asked["out"]).paths == found.paths


def test_it_runs_on_the_thread_of_an_event_loop_and_on_any_other(asked):
    async def cell():
        return orchestrator.run(**asked, workloads="fine")

    found = [asyncio.run(cell())]
    thread = threading.Thread(target=lambda: found.append(orchestrator.run(**asked, workloads="fine")))
    thread.start()
    thread.join()
    assert [len(each.rows) for each in found] == [1, 1] and found[0].paths != found[1].paths


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"config": "smok"}, "did you mean 'smoke'"),
        ({"workloads": "fin"}, "fine"),
        ({"sed": 3}, "unknown field"),
        ({"repeats": 0}, "repeats"),
        ({"mode": "rain"}, "mode"),
        ({"vary": {"jit": "perhaps"}}, "'perhaps' is no jit"),
        ({"until": 2}, "not a share"),
        ({"price": -1}, "not above 0"),
        ({"data_dir": "/nowhere"}, "/nowhere is no folder"),
        ({"budget": "soon", "until": 0.02}, "not a duration"),
        ({"budget": "1h"}, "bounds the repeats of `until`"),
        ({"budget": -3, "until": 0.02}, "budget: -3 is not text"),
        ({"until": "2%"}, "until: '2%' is not a share"),
        ({"price": "0.9"}, "price: '0.9' is not a price"),
        ({"price": 0.9, "mode": "predict"}, "money is not worked out for `predict`"),
        ({"vary": "batch_size=32"}, 'write {"batch_size": [32, 256]}'),
        ({"vary": {"batch_size": None}}, "vary batch_size: None"),
        ({"workloads": []}, "workloads: nothing is named"),
        ({"variants": ()}, "variants: nothing is named"),
        ({"workloads": 5}, "workloads: 5 is not a name"),
        ({"stacks": b"x"}, "stacks: b'x' is not a name"),
        ({"config": {"workloads": ["fine"]}}, "is not a path"),
        ({"config": None}, "config: None is not a path"),
        ({"out": "a\0b"}, "is not a path"),
        ({"root": 3}, "root: 3 is not a path"),
        ({"progress": "print"}, "progress: 'print' is not a function"),
        ({"keras_spec": 5}, "keras_spec: 5 is not text"),
        ({"fetch": "no"}, "fetch: 'no' is not True or False"),
        ({"build": 0}, "build: 0 is not True or False"),
        ({"repeats": "5"}, "repeats: expected a whole number, got text"),
        ({"exclude": "x"}, "exclude: expected a list, got text"),
    ],
)
def test_a_mistake_is_an_error_of_ours_and_nothing_is_written(asked, wrong, said):
    with pytest.raises(UserError) as caught:
        orchestrator.run(**{**asked, "workloads": "fine", **wrong})
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert not list(asked["out"].glob("*"))


def test_what_ends_a_run_is_raised_to_the_caller(asked, monkeypatch):
    asked["out"].write_text("a file in the place of the folder")
    with pytest.raises(HostError, match="results"):
        orchestrator.run(**asked, workloads="fine")


def test_values_to_vary_are_one_or_several(asked):
    found = orchestrator.run(**asked, workloads="fine", vary={"batch_size": [16, 32], "optimizer": "adam"})
    assert sorted(row["axes"] for row in found.rows) == [f"batch_size={n} optimizer=adam" for n in (16, 32)]


def test_what_breaks_in_the_thread_breaks_in_the_callers():
    def work():
        assert isinstance(threading.current_thread(), Aside)
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        _aside(work)


def test_ctrl_c_ends_jobs_records_all_and_the_program_goes_on(tmp_path):
    bench = Bench(tmp_path, ["held", "fine"])
    program = textwrap.dedent(
        f"""
        import orchestrator
        from orchestrator.stacks import venvs
        from tests.fakes.stub_orchestrate import this_python
        venvs.ensure = this_python
        try:
            orchestrator.run("smoke", root={str(bench.root)!r}, data_dir={str(bench.data)!r}, out={str(bench.out)!r},
                stacks={STACK!r}, launcher="process", threads=1, repeats=2, fetch=False, build=False)
        except KeyboardInterrupt as stopped:
            print(stopped)
        found = orchestrator.load(out={str(bench.out)!r})
        print(sorted({{row["status"] for row in found.rows if row["workload"] == "held"}}), len(found.rows))
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    wait_for(bench.processes)
    wait_for(lambda: any(bench.out.glob("*/jobs/held*/events.jsonl")) or any(bench.out.glob("*/jobs/held*/out/*")))
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[0].splitlines()
    assert process.returncode == 0
    assert said == [f"stopped; orchestrator.load('{bench.runs[0]}') has what was measured", "['cancelled'] 4"]
    assert bench.processes() == []
