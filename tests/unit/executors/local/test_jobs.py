"""One job on a device of this host: what its record says of where and with what it ran."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from orchestrator.executors.local.jobs import JobRunner, Origin
from orchestrator.model import Device, Exit, GpuNeeds, Launch, Ptx
from orchestrator.plan.own import read_own
from tests.make import make_context, make_gpu, make_host, make_job, with_packages

JOB = make_job()
CPU = Device(kind="cpu", name="cpu:0", cores=[2, 3])


class Launcher:
    """Starts nothing: the job ends well, or was stopped."""

    stopped = False

    def describe(self, job, device, out):
        return Launch(launcher="fake", command=["run", str(out)], image="i", image_digest="sha256:7")

    def launch(self, job, device, out, log, watch):
        data = {"event": "data", "t": 0.5, "sha256": hashlib.sha256(b"data").hexdigest()}
        epochs = [{"event": "epoch_end", "epoch": n, "t": float(n)} for n in (1, 2)]
        events = [data, *epochs, {"event": "end", "t": 3.0}]
        (out / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        return Exit(cancelled=True) if self.stopped else Exit(code=0)

    def stop(self):
        self.stopped = True


class Claims:
    """`judge` finds every GPU lost."""

    def judge(self, result, device):
        return msgspec.structs.replace(result, status="failed", reason="lost") if device.uuid else result

    @contextmanager
    def claim(self, device):
        yield device


@pytest.fixture
def context(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"data")
    return make_context(tmp_path, tmp_path / "mnist.npz")


def own_job(tmp_path):
    """A job of a script of one's own, and the files of its run."""
    script = tmp_path / "my.py"
    script.write_text("x = 1\n")
    job = make_job(workload="my", variant="own", scale="own", epochs=None, train=None, validation=None, dataset=None)
    return script, job, {"my": read_own(script).own}


def runner(context, **origin):
    fields = {"host": make_host(name="n1"), "scripts": "a" * 64, "commit": "c0ffee", **origin}
    return JobRunner(Launcher(), context, Origin(**fields))


def measured(made, tmp_path, device=CPU, job=JOB):
    heard = []
    result = made.measure(job, device, tmp_path, Claims(), lambda job, event: heard.append(event["event"]))
    return result, heard


def test_a_result_says_with_what_it_was_made(context, tmp_path):
    result, heard = measured(runner(context, cluster="blue"), tmp_path)
    assert (result.status, result.run_id, result.attempt) == ("ok", "run", 1)
    found = result.fingerprint
    assert (found.host, found.cluster, found.commit, found.workloads_sha256) == ("n1", "blue", "c0ffee", "a" * 64)
    assert (found.image_digest, found.pinned_cores) == ("sha256:7", [2, 3])
    assert found.data_sha256 == context.data["mnist"].sha256
    assert heard == ["data", "epoch_end", "epoch_end", "end"]


def test_a_job_that_was_begun_before_says_which_attempt_it_is(context, tmp_path):
    again = msgspec.structs.replace(context, attempts={JOB.id: 4})
    assert measured(runner(again), tmp_path)[0].attempt == 4


def test_what_became_of_its_gpu_is_the_last_word(context, tmp_path):
    result, _ = measured(runner(context, gpu_route="cdi (why)"), tmp_path, make_gpu())
    assert (result.status, result.reason) == ("failed", "lost")
    assert (result.fingerprint.gpu_route, result.fingerprint.gpu_uuid) == ("cdi (why)", "GPU-0")


def test_that_code_is_translated_for_its_gpu_is_on_record(context, tmp_path):
    needs = GpuNeeds(
        cuda="12.9",
        min_driver="1",
        compute_capability=["3.0"],
        native=["3.0"],
        ptx=Ptx(compute_capability="5.0", min_driver="2"),
    )
    stack = context.stacks[JOB.stack]
    gpu_image = msgspec.structs.replace(stack.images["gpu"], gpu_needs=needs)
    other = msgspec.structs.replace(stack, images={**stack.images, "gpu": gpu_image})
    made = runner(msgspec.structs.replace(context, stacks={stack.name: other}))
    newer = measured(made, tmp_path, make_gpu(compute_capability="6.0"))[0].fingerprint
    assert "the driver translates PTX" in newer.gpu_state["code"]
    assert "code" not in measured(made, tmp_path / "native", make_gpu())[0].fingerprint.gpu_state


def test_a_stop_reaches_the_launcher(context, tmp_path):
    made = runner(context)
    made.stop()
    assert measured(made, tmp_path)[0].status == "cancelled"


def test_what_a_job_would_be_made_with_is_known_before_it_runs(context, tmp_path):
    made = runner(context)
    before = made.identity(JOB, CPU)
    assert list(tmp_path.iterdir()) == [tmp_path / "mnist.npz"], "nothing was started"
    after = msgspec.structs.asdict(measured(made, tmp_path)[0].fingerprint)
    assert {name for name in after if before[name] != after[name]} == {"command"}, "it names the folder"
    assert before["command"] == ["run", str(Path("/nowhere"))]


def test_a_script_of_ones_own_is_part_of_what_tells_results_apart(context, tmp_path):
    script, job, own = own_job(tmp_path)
    first, _ = measured(runner(msgspec.structs.replace(context, own=own)), tmp_path, job=job)
    assert first.status == "ok", "how many epochs there are is the script's affair"
    assert first.fingerprint.data_kind == "own"
    script.write_text("x = 2\n")
    changed = runner(msgspec.structs.replace(context, own={"my": read_own(script).own})).identity(job, CPU)
    hashes = {first.fingerprint.workloads_sha256, changed["workloads_sha256"], "a" * 64}
    assert len(hashes) == 3


def test_a_script_that_changes_while_its_run_goes_on_is_not_measured(context, tmp_path):
    script, job, own = own_job(tmp_path)
    script.write_text("x = 2\n")
    result, heard = measured(runner(msgspec.structs.replace(context, own=own, attempts={job.id: 2})), tmp_path, job=job)
    assert (result.status, result.attempt) == ("failed", 2)
    assert "was changed since the run began" in result.reason
    assert heard == []


def test_packages_of_ones_own_are_part_of_what_tells_results_apart(context, tmp_path):
    job = make_job(workload="my", variant="own", dataset=None)
    origin = Origin(host=make_host(), scripts="s", commit=None)

    def identity(context):
        return JobRunner(Launcher(), context, origin).identity(job, CPU)

    with_some, without = identity(with_packages(context, job)), identity(with_packages(context, job, ""))
    assert with_some["packages_sha256"] == with_packages(context, job).laid[0].layer.sha256
    assert without["packages_sha256"] is None
    assert with_some["workloads_sha256"] == without["workloads_sha256"], "the script is the same on every stack"
