"""`orchestrate new`: files to begin with, which are good as they are, and in place of nothing."""

from __future__ import annotations

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.own import read_own
from orchestrator.plan.own_stack import read_stack_file


@pytest.mark.parametrize("name", ["torch27", "torch27.yaml"])
def test_the_stack_is_one(orchestrate, tmp_path, name):
    answer = orchestrate("new", "stack", name)
    assert answer.returncode == 0
    assert "orchestrate --stack ./torch27.yaml" in answer.stdout
    asked = read_stack_file(tmp_path / "torch27.yaml", load_catalog())
    assert (asked.name, asked.like.name) == ("torch27", "keras3-torch")
    assert asked.packages("cpu") == ["keras==3.10.0", "torch==2.7.0"]
    text = (tmp_path / "torch27.yaml").read_text()
    assert "{" not in text.replace("{TORCH_LOGS: recompiles}", "")


def test_what_the_comments_of_the_stack_offer_is_taken_too(orchestrate, tmp_path):
    orchestrate("new", "stack", "torch27")
    path = tmp_path / "torch27.yaml"
    lines = path.read_text().split("may be left out:\n")
    path.write_text(lines[0] + "\n" + "".join(line.removeprefix("# ") + "\n" for line in lines[1].splitlines()))
    asked = read_stack_file(path, load_catalog())
    assert asked.file.env == {"TORCH_LOGS": "recompiles"}
    assert (asked.file.title, asked.file.any_date) == ("Keras 3.10 with PyTorch 2.7", ["jaxlib"])


@pytest.mark.parametrize("name", ["my", "my.py"])
def test_the_workload_is_a_module_with_scales(orchestrate, tmp_path, name):
    answer = orchestrate("new", "workload", name)
    assert "orchestrate ./my.py --scale smoke" in answer.stdout
    workload = read_own(tmp_path / "my.py")
    assert workload.own.contract == "module"
    assert sorted(workload.scales) == ["quick", "smoke"]
    assert workload.batch_size == 64


def test_the_workload_gives_the_samples_that_it_is_asked_for(orchestrate, tmp_path):
    orchestrate("new", "workload", "my")
    source = (tmp_path / "my.py").read_text().replace("import keras\n", "")
    names: dict = {}
    exec(source, names)
    x, y, x_val, y_val = names["data"](train=12, validation=5)
    assert (x.shape, y.shape, x_val.shape, y_val.shape) == ((12, 20), (12,), (5, 20), (5,))
    assert set(y) <= {0, 1}


@pytest.mark.parametrize(("kind", "file"), [("stack", "a.yaml"), ("workload", "a.py")])
def test_nothing_is_overwritten(orchestrate, tmp_path, kind, file):
    (tmp_path / file).write_text("mine")
    answer = orchestrate("new", kind, "a")
    assert answer.returncode == 2
    assert f"{file} is there already" in answer.stderr
    assert (tmp_path / file).read_text() == "mine"


def test_a_link_into_nowhere_is_left_alone(orchestrate, tmp_path):
    (tmp_path / "a.py").symlink_to(tmp_path / "elsewhere")
    assert orchestrate("new", "workload", "a").returncode == 2
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(("name", "code"), [("no/such/a", 3), ("a b", 2), ("-x.py", 2)])
def test_a_place_or_name_of_no_use_is_one_line(orchestrate, name, code):
    answer = orchestrate("new", "workload", "--", name)
    assert answer.returncode == code
    assert "Traceback" not in answer.stderr


def test_a_file_in_another_folder_is_named_with_it(orchestrate, tmp_path):
    (tmp_path / "mine").mkdir()
    assert "orchestrate mine/a.py" in orchestrate("new", "workload", "mine/a").stdout
