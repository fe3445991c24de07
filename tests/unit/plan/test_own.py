"""Files of one's own as workloads: what is read of them, and that nothing of them runs."""

from __future__ import annotations

import os

import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.plan import own
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.jobs import PlanInput, make_jobs
from orchestrator.plan.own import changed, own_sha256, own_workloads, read_own

MODULE = """
BATCH = 16
EPOCHS = 3
SCALES = {"smoke": {"epochs": 2, "train": 64, "validation": 32}}
LEARNED = 0.9

def build():
    import keras
    return keras.Sequential()

def data(train=64):
    return [], []
"""


def write(tmp_path, text, name="my.py"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_file_that_trains_is_a_script_and_is_not_run(tmp_path):
    path = write(tmp_path, "open('ran', 'w')\nmodel.fit(x, y)\n")
    workload = read_own(path)
    assert workload.own.contract == "script"
    assert workload.own.path == str(path)
    assert (workload.name, workload.title) == ("my", "my.py")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["my.py"]


def test_a_file_with_build_and_data_is_a_module_with_its_constants(tmp_path):
    workload = read_own(write(tmp_path, MODULE))
    assert workload.own.contract == "module"
    assert workload.batch_size == 16
    assert workload.scales["smoke"].train == 64
    assert workload.learned == {"own": 0.9, "smoke": 0.9}


def test_what_counts_as_learning_may_differ_from_scale_to_scale(tmp_path):
    text = MODULE.replace("LEARNED = 0.9", 'LEARNED = {"smoke": 0.2}')
    assert read_own(write(tmp_path, text)).learned == {"smoke": 0.2}
    with pytest.raises(UserError, match=r"my\.py: .*learned"):
        read_own(write(tmp_path, MODULE.replace("LEARNED = 0.9", 'LEARNED = {"smoke": 2.0}')))


@pytest.mark.parametrize("more", ["model = build()\nmodel.fit(*data())\n", "if True:\n    build().fit(*data())\n"])
def test_a_file_with_build_and_data_that_trains_by_itself_is_a_script(tmp_path, more):
    assert read_own(write(tmp_path, MODULE + more)).own.contract == "script"


def test_what_a_module_does_as_a_program_does_not_matter(tmp_path):
    text = MODULE + "if __name__ == '__main__':\n    build().fit(*data())\n"
    assert read_own(write(tmp_path, text)).own.contract == "module"


@pytest.mark.parametrize("text", ["print 'old'\n", "x = (\n", "\0", "(" * 5000])
def test_a_file_that_this_python_cannot_parse_is_left_to_its_own(tmp_path, text):
    assert read_own(write(tmp_path, text)).own.contract == "script"


def test_text_in_another_encoding_is_a_script_too(tmp_path):
    path = tmp_path / "my.py"
    path.write_bytes("# -*- coding: latin-1 -*-\nname = 'Zoë'\n".encode("latin-1"))
    assert read_own(path).own.contract == "script"


@pytest.mark.parametrize(
    ("line", "word"),
    [("EPOCHS = 0", "EPOCHS|epochs"), ("BATCH = f()", "BATCH is no constant"), ("LEARNED = 7", "learned")],
)
def test_a_constant_that_is_none_is_refused(tmp_path, line, word):
    with pytest.raises(UserError, match=word):
        read_own(write(tmp_path, MODULE + line + "\n"))


def test_the_inline_metadata_names_packages_and_python(tmp_path):
    block = "# /// script\n# requires-python = '>=3.11'\n# dependencies = [\n#   'pandas==2.2.3',\n# ]\n# ///\n"
    found = read_own(write(tmp_path, "#!/usr/bin/env python\n" + block + "x = 1\n")).own
    assert found.packages == ["pandas==2.2.3"]
    assert found.python == ">=3.11"


@pytest.mark.parametrize("inside", ["# dependencies = [", "# dependencies = 'pandas'", "# dependencies = [3]"])
def test_metadata_that_cannot_be_read_is_refused(tmp_path, inside):
    with pytest.raises(UserError, match=r"my\.py"):
        read_own(write(tmp_path, f"# /// script\n{inside}\n# ///\n"))


def test_the_hash_follows_the_python_files_that_lie_with_it_and_nothing_else(tmp_path):
    path = write(tmp_path, "import helper\n")
    first = own_sha256(path)
    (tmp_path / "data.csv").write_text("1,2\n")
    assert own_sha256(path) == first
    (tmp_path / "helper.py").write_text("x = 1\n")
    second = own_sha256(path)
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "__init__.py").write_text("")
    assert len({first, second, own_sha256(path)}) == 3


def test_a_file_that_changes_or_goes_away_is_noticed(tmp_path):
    path = write(tmp_path, "x = 1\n")
    workload = read_own(path)
    assert own.changed(workload.own) == ""
    write(tmp_path, "y = 2\n", "helper.py")
    assert "changed since the run began" in own.changed(workload.own)
    assert own.as_now(workload).own.sha256 == own_sha256(path)
    path.unlink()
    assert "my.py" in own.changed(workload.own)
    with pytest.raises(UserError, match="is gone"):
        own.as_now(workload)


def test_a_folder_of_far_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "MOST_FILES", 2)
    path = write(tmp_path, "")
    for name in "abc":
        write(tmp_path, "", f"{name}.py")
    with pytest.raises(UserError, match="more than 2"):
        own_sha256(path)


def test_names_tell_files_apart_from_each_other_and_from_the_catalog(tmp_path):
    (tmp_path / "a").mkdir()
    paths = [
        write(tmp_path, "", "My Net.py"),
        write(tmp_path / "a", "", "my_net.py"),
        write(tmp_path, "", "mnist_mlp.py"),
    ]
    names = [workload.name for workload in own_workloads(map(str, paths), ["mnist_mlp"])]
    assert names == ["my_net", "my_net-own", "mnist_mlp-own"]


@pytest.mark.parametrize("make", [lambda path: None, os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(tmp_path, make):
    path = tmp_path / "my.py"
    make(path)
    with pytest.raises(UserError, match="there is no file"):
        read_own(path)


def plan_input(**changes):
    fields = {
        "stacks": ["*"],
        "backends": ["*"],
        "workloads": ["my"],
        "variants": ["faithful", "modern"],
        "exclude": [],
    }
    more = {"device": "cpu", "scale": "quick", "repeats": 1, "epochs": None, "timeout_s": None, "seed": 1, "threads": 1}
    return PlanInput(**{**fields, **more, **changes})


def test_jobs_of_a_script_leave_to_it_what_was_not_asked_for(tmp_path):
    catalog = load_catalog()
    workloads = own_workloads([str(write(tmp_path, ""))], [])
    jobs = make_jobs(plan_input(steps=5), catalog.stacks, [*catalog.workloads, *workloads])
    assert {job.backend for job in jobs} == {"tensorflow", "jax", "torch"}, (
        "2017's stacks run it when asked for by name"
    )
    for job in jobs:
        assert (job.variant, job.scale, job.epochs, job.train, job.dataset, job.steps) == (
            "own",
            "own",
            None,
            None,
            None,
            5,
        )
        assert job.id == f"my.{job.stack}.{job.backend}.cpu.1"
    old = make_jobs(plan_input(stacks=["keras2-theano"], epochs=4), catalog.stacks, workloads)
    assert [(job.stack, job.epochs) for job in old] == [("keras2-theano", 4)]


def test_a_module_has_its_scales_and_without_them_its_own(tmp_path):
    workloads = own_workloads([str(write(tmp_path, MODULE))], [])
    stacks = load_catalog().stacks
    smoke = make_jobs(plan_input(scale="smoke"), stacks, workloads)[0]
    assert (smoke.scale, smoke.epochs, smoke.train, smoke.batch_size) == ("smoke", 2, 64, 16)
    quick = make_jobs(plan_input(), stacks, workloads)[0]
    assert (quick.scale, quick.epochs, quick.train, quick.batch_size) == ("own", None, None, 16)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make another user's file")
@pytest.mark.parametrize("name", ["my.py", "numpy.py", "json.so", "keras/__init__.py"])
def test_a_module_that_anybody_could_have_put_beside_a_script_is_not_believed(tmp_path, name):
    script, module = tmp_path / "my.py", tmp_path / name
    module.parent.mkdir(exist_ok=True)
    for file in (script, module):
        file.write_text("model.fit()\n")
    tmp_path.chmod(0o1777)
    own = read_own(script).own
    os.chown(module, 12345, 12345)
    with pytest.raises(HostError, match="can be anybody's"):
        read_own(script)
    assert own and "can be anybody's" in changed(own)
