"""Scripts in the style of keras.io (tests/own/scripts), as their authors would bring them: own.py runs each for real.

A script runs on the backends that its line `# backends:` names, else on all three.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]

SCRIPTS = ROOT / "tests" / "own" / "scripts"
BACKENDS = ("tensorflow", "jax", "torch")


class Seen(NamedTuple):
    """What a script's first training comes to, on every backend. `samples`: None where nobody can know."""

    epochs: int
    batches: int
    samples: int | None
    parameters: int
    figures: str = "loss"
    data: str = "arrays"
    contract: str = "script"


SCRIPTS_SEEN = {
    "autoencoder": Seen(3, 5, 160, 1321, "loss val_loss"),
    "bidirectional_lstm": Seen(2, 9, 288, 6417, "loss acc val_loss val_acc"),
    "feature_space": Seen(3, 8, None, 113, "loss acc", "tf.data.Dataset"),
    "fit_in_a_loop": Seen(5, 3, 96, 9),
    "gan": Seen(2, 8, 256, 1133, ""),
    "generator": Seen(2, 10, None, 5, "loss val_loss", "generator"),
    "mobilenet": Seen(2, 2, 32, 416613, "loss acc"),
    "module_arrays": Seen(2, 8, 256, 12962, "loss acc val_loss val_acc", contract="module"),
    "module_iterable": Seen(3, 8, None, 7, "loss val_loss", "keras.utils.PyDataset", contract="module"),
    "native_jax": Seen(3, 14, None, 544, "loss val_loss", "loop"),
    "native_tensorflow": Seen(3, 14, 448, 544, "loss val_loss", "loop"),
    "native_torch": Seen(3, 14, 448, 610, "loss val_loss val_acc", "loop"),
    "several_fits": Seen(2, 4, 128, 178, "loss acc"),
    "structured_data": Seen(3, 16, 512, 279, "loss acc"),
    "text_transformer": Seen(2, 16, 512, 11842, "loss acc val_loss val_acc"),
    "tf_data": Seen(2, 8, 256, 251, "loss acc val_loss val_acc", "tf.data.Dataset"),
    "timeseries_transformer": Seen(2, 10, 307, 550, "loss acc val_loss val_acc"),
    "torch_loader": Seen(3, 7, 200, 738, "loss acc val_loss val_acc", "torch.utils.data.DataLoader"),
    "vision_transformer": Seen(2, 8, 256, 12844, "loss acc val_loss val_acc"),
}


def backends_of(script: str) -> list[str]:
    line = re.search(r"^# backends: (.*)$", (SCRIPTS / f"{script}.py").read_text(), re.MULTILINE)
    return line.group(1).split() if line else list(BACKENDS)


EVERY = [(script, backend) for script in SCRIPTS_SEEN for backend in backends_of(script)]


class Ran:
    def __init__(self, out: Path, answer: subprocess.CompletedProcess[str]) -> None:
        self.out, self.code, self.stdout, self.stderr = out, answer.returncode, answer.stdout, answer.stderr
        lines = (out / "events.jsonl").read_text().splitlines()
        self.events: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    def last(self, kind: str) -> dict[str, Any]:
        return self.all(kind)[-1]


@pytest.fixture
def own(python_of: Callable[[str], str], tmp_path: Path) -> Callable[..., Ran]:
    """A function that runs one of the scripts on one backend, on one thread, in an environment of its own."""

    def run(script: str, backend: str, *words: str, **environ: str) -> Ran:
        out = tmp_path / f"{script}-{backend}-{len(words)}"
        contract = SCRIPTS_SEEN[script].contract if script in SCRIPTS_SEEN else "script"
        argv = [python_of(f"keras3-{backend}"), "-B", str(ROOT / "workloads" / "own.py"), str(SCRIPTS / f"{script}.py")]
        argv += ["--contract", contract, "--out", str(out), "--job", "j", "--threads", "1", *words]
        environment = {"PATH": "/usr/bin:/bin", "KERAS_BACKEND": backend, "LANG": "C.UTF-8", **environ}
        answer = subprocess.run(argv, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
        return Ran(out, answer)

    return run


@pytest.mark.parametrize(("script", "backend"), EVERY)
def test_a_script_is_measured_unchanged(own: Callable[..., Ran], script: str, backend: str) -> None:
    seen = SCRIPTS_SEEN[script]
    before = (SCRIPTS / f"{script}.py").read_bytes()
    ran = own(script, backend)
    assert ran.code == 0, ran.stderr[-3000:]
    assert (SCRIPTS / f"{script}.py").read_bytes() == before
    ready, epochs = ran.last("ready"), ran.all("epoch_end")
    assert (ready["backend"], ready["settings"]["data"]) == (backend, seen.data)
    assert ready["parameters"] == seen.parameters
    assert [event["epoch"] for event in epochs] == list(range(1, seen.epochs + 1))
    assert {(event["batches"], event["samples"]) for event in epochs} == {(seen.batches, seen.samples)}
    for event in epochs:
        assert {name for name in ("loss", "acc", "val_loss", "val_acc") if event[name] is not None} == set(
            seen.figures.split()
        )
        assert event["train_s"] > 0 and event["validation_s"] >= 0
        assert (event["validation_s"] > 0) == ("val_loss" in seen.figures)
    if seen.data == "arrays":
        assert all(len(array["sha256"]) == 64 for array in ready["arrays"].values()) and "x" in str(ready["arrays"])
    phases = {event["name"] for event in ran.all("phase")}
    assert {"import", "fit_setup"} <= phases
    assert ran.last("end")["rss_peak_mb"] > 10


SHORTENED = ("generator", "module_iterable", "structured_data", "text_transformer", "tf_data", "torch_loader")


@pytest.mark.parametrize(("script", "backend"), [pair for pair in EVERY if pair[0] in SHORTENED])
def test_every_kind_of_data_can_be_shortened(own: Callable[..., Ran], script: str, backend: str) -> None:
    ran = own(script, backend, "--epochs", "4", "--steps", "3")
    assert ran.code == 0, ran.stderr[-3000:]
    assert [event["batches"] for event in ran.all("epoch_end")] == [3, 3, 3, 3]
    assert "ran out of data" not in ran.stderr


def test_modules_begin_equal_on_every_backend(own: Callable[..., Ran]) -> None:
    for script in ("module_arrays", "module_iterable"):
        runs = [own(script, backend, "--seed", "3").last("ready") for backend in BACKENDS]
        assert [ready["settings"]["initial_weights"] for ready in runs] == ["equal"] * 3
        means, deviations = zip(*(ready["first_output"] for ready in runs), strict=True)
        assert means == pytest.approx([means[0]] * 3, rel=1e-4, abs=1e-6)
        assert deviations == pytest.approx([deviations[0]] * 3, rel=1e-4)
        arrays = [{name: found.get("sha256") for name, found in ready["arrays"].items()} for ready in runs]
        assert arrays[0] == arrays[1] == arrays[2]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_bound_of_epochs_holds_for_fits_in_a_loop(own: Callable[..., Ran], backend: str) -> None:
    ran = own("fit_in_a_loop", backend, "--epochs", "3")
    assert ran.code == 0, ran.stderr[-3000:]
    assert [event["epoch"] for event in ran.all("epoch_end")] == [1, 2, 3]
    assert len(ran.stdout.splitlines()) == 5


def test_further_fits_are_events_of_their_own(own: Callable[..., Ran]) -> None:
    ran = own("several_fits", "torch")
    assert [(e["fit"], e["epochs"], e["parameters"], e["samples"]) for e in ran.all("fit")] == [
        (2, 3, 178, 96),
        (3, 1, 9, 128),
    ]


def test_what_a_script_writes_is_not_beside_it_and_what_is_beside_it_is_read(own: Callable[..., Ran]) -> None:
    ran = own("reads_beside", "torch")
    assert ran.code == 0, ran.stderr[-3000:]
    assert (ran.out / "work" / "written.txt").read_text() == "done"
    assert not (SCRIPTS / "written.txt").exists()
    assert (own("autoencoder", "torch").out / "work" / "best.keras").exists()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_contenders_backend_wins(own: Callable[..., Ran], backend: str) -> None:
    ready = own("sets_backend", backend).last("ready")
    assert ready["backend"] == backend
    assert ready["settings"]["script_asked"] == {"KERAS_BACKEND": "theano"}


def test_a_data_set_that_is_not_there_needs_the_network(own: Callable[..., Ran]) -> None:
    ran = own("fetches", "torch")
    assert ran.code == 1
    assert (
        ran.last("error")["message"] == "fetches.py wants the network (storage.googleapis.com): `--network` allows it"
    )


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("exit_zero", 0, ""),
        ("never_trains", 1, "never_trains.py ended without training: it called no fit() and marked no epoch"),
        ("pandas_missing", 1, "pandas_missing.py needs the package a_package_that_nobody_has"),
    ],
)
def test_how_a_script_ends_is_said(own: Callable[..., Ran], script: str, code: int, words: str) -> None:
    ran = own(script, "torch")
    assert ran.code == code, ran.stderr[-3000:]
    assert words in (ran.last("error")["message"] if code else "")
