"""What the probe finds in an environment, under the Python at hand, on stubs of the libraries."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from orchestrator.stacks.found import probe
from orchestrator.stacks.found.script import MARK
from tests.fakes.pythons import KERAS, KERAS_BACKEND, stub_libraries

STUBS = {"keras": KERAS, "keras.backend": KERAS_BACKEND}


def test_each_library_that_imports_is_a_backend_and_what_does_not_says_why(tmp_path):
    libraries = {
        "jax": "print('noise on the way')\n__version__ = '0.10.2'\n",
        "torch": "raise ImportError('libcudart.so.12: cannot open')\n",
        "tensorflow": "import os\nos.kill(os.getpid(), 9)\n",
    }
    seen = probe.look(sys.executable, stub_libraries(tmp_path, {**STUBS, **libraries}))
    assert seen.keras == ["keras"]
    jax = seen.met["jax"]
    assert (jax.version, jax.keras, jax.module, jax.error) == ("0.10.2", "3.15.1", "keras", "")
    assert seen.met["torch"].error == "ImportError: libcudart.so.12: cannot open"
    assert seen.met["tensorflow"].error == "its import ends the process (status 9)"
    assert seen.python == ".".join(map(str, sys.version_info[:3]))
    assert {"keras==1.0", "jax==1.0", f"python=={seen.python}"} <= set(seen.packages)


def test_a_keras_that_takes_another_library_is_no_backend(tmp_path):
    stubborn = {"keras": KERAS, "keras.backend": "def backend():\n    return 'tensorflow'\n"}
    seen = probe.look(sys.executable, stub_libraries(tmp_path, {**stubborn, "jax": "__version__ = '1'\n"}))
    assert seen.met["jax"].error == "ValueError: Keras 3.15.1 takes tensorflow instead"


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ({"tf_keras": KERAS.replace("3.15.1", "2.18.0"), "tf_keras.backend": KERAS_BACKEND}, ("2.18.0", "tf_keras")),
        ({}, ("2.4.0", "tensorflow.keras")),
    ],
)
def test_keras_is_also_tf_keras_and_a_part_of_tensorflow(tmp_path, modules, found):
    inside = "class keras:\n    __version__ = '2.4.0'\n    class backend:\n        backend = lambda: 'tensorflow'\n"
    env = stub_libraries(tmp_path, {**modules, "tensorflow": f"__version__ = '2.3.0'\n{inside}"})
    met = probe.look(sys.executable, env).met["tensorflow"]
    assert (met.keras, met.module, met.version, met.error) == (*found, "2.3.0", "")


def test_the_list_of_packages_alone_imports_nothing(tmp_path):
    env = stub_libraries(tmp_path, {**STUBS, "jax": "raise SystemExit(3)\n"})
    seen = probe.look(sys.executable, env, "packages")
    assert "jax==1.0" in seen.packages and seen.met == {}


def test_pythons_own_metadata_is_not_its_version(tmp_path):
    env = stub_libraries(tmp_path, STUBS)
    (tmp_path / "Python-2.7.egg-info").write_text("")  # as Debian's lies on the search path
    env["PYTHONPATH"] = f"{env['PYTHONPATH']}:{tmp_path}"
    seen = probe.look(sys.executable, env, "packages")
    assert [each for each in seen.packages if each.startswith("python==")] == [f"python=={seen.python}"]


def test_a_python_of_2010_can_be_asked(tmp_path):
    python = shutil.which("python2.7")
    if python is None:
        pytest.skip("no Python 2.7 here")
    argv = probe.argv(python, "all")
    answer = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path)
    if answer.returncode == 127:  # pyenv's name for one that is not chosen
        pytest.skip("no Python 2.7 here")
    seen = probe.read([line for line in answer.stdout.splitlines() if line.startswith(MARK)], python)
    assert seen.python.startswith("2.7.")
