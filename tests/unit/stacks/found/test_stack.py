"""The stack that an environment becomes: its name, its settings, what is said of it."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.model import Found, Name
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.found.probe import Met, Seen
from orchestrator.stacks.found.stack import differences, stack_of

CATALOG = load_catalog()
PACKAGES = ["jax==0.10.2", "keras==3.14.0", "python==3.12.1", "torch==2.13.0"]


def met(version: str, keras: str = "3.14.0", module: str = "keras") -> Met:
    return Met(version=version, keras=keras, module=module)


def stack(place: str, kind: str = "python", taken=(), **libraries: Met):
    libraries = libraries or {"jax": met("0.10.2")}
    seen = Seen(executable=place, packages=PACKAGES, keras=["keras"], met=libraries)
    found = Found(kind=kind, place=place, sha256=seen.sha256, packages=PACKAGES)
    return stack_of(found, seen, CATALOG, taken)


@pytest.mark.parametrize(
    ("kind", "place", "name"),
    [
        ("python", "/home/me/miniconda3/envs/bench/bin/python", "bench"),
        ("python", "/opt/conda/bin/python3.11", "conda"),
        ("python", "/home/me/proj/.venv/bin/python", "proj-venv"),
        ("python", "/home/me/proj/venv/bin/python", "proj-venv"),
        ("python", "/usr/bin/python3.11", "python3-11"),
        ("python", "/usr/local/bin/python3", "python3"),
        ("python", "/home/me/my wrapper.sh", "my-wrapper-sh"),
        ("python", "/home/me/Ünïcode/bin/python", "n-code"),
        ("python", "/x/___/bin/python", "found"),
        ("python", "/x/" + "long" * 40 + "/bin/python", "long" * 10),
        ("image", "nvcr.io/nvidia/tensorflow:25.02-tf2-py3", "tensorflow-25-02-tf2-py3"),
        ("image", "host:5000/me/jax@sha256:" + "0" * 64, "jax"),
        ("image", "tensorflow/tensorflow", "tensorflow"),
    ],
)
def test_its_name_is_that_of_the_environment_and_fits_a_folder(kind, place, name):
    assert stack(place, kind).name == name
    assert msgspec.convert(name, Name) == name


def test_an_image_that_was_found_has_no_volume_for_caches_and_no_variable_that_names_one():
    made = stack("nvcr.io/nvidia/jax", "image")
    assert made.caches == []
    assert "CUDA_CACHE_PATH" not in made.images["gpu"].env


def test_no_two_stacks_have_one_name():
    assert stack("/opt/keras3-jax/bin/python", taken=["keras3-jax", "keras3-jax-2"]).name == "keras3-jax-3"


def test_every_backend_that_works_is_a_contender_with_the_settings_of_its_like():
    broken = Met(error="ImportError: x")
    made = stack("/x/e/bin/python", jax=met("0.10.2"), tensorflow=met("2.21.0"), torch=broken)
    assert [(b.name, b.title, b.env) for b in made.backends] == [
        ("jax", "JAX 0.10.2", {"KERAS_BACKEND": "jax"}),
        ("tensorflow", "TensorFlow 2.21.0", {"KERAS_BACKEND": "tensorflow"}),
    ]
    assert made.images["gpu"].env == {
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "CUDA_CACHE_MAXSIZE": "4294967296",
        "CUDA_CACHE_PATH": "/cache/cuda",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    assert [cache.path for cache in made.caches_for("gpu")] == ["/cache/cuda"]
    assert (made.released, made.python, made.keras) == ("", "3.12", "3.14.0")
    assert made.title == "Python 3.12 at /x/e/bin/python, as found"


def test_its_differences_from_the_article_name_what_is_there_and_not_what_the_catalog_has():
    made = stack("/x/e/bin/python", jax=met("0.9.9"), tensorflow=met("2.19.0", "2.19.0", "tf_keras"))
    said = {(each.what, each.backend): each.here for each in made.deviations}
    assert said["Keras", "jax"] == "3.14.0" and said["Keras", "tensorflow"] == "2.19.0 (tf_keras)"
    assert said["Python", None] == "3.12.1" and said["operating system", None] == "as found; cannot be rebuilt"
    assert said["backend", "jax"] == "jax 0.9.9" and said["TensorFlow", "tensorflow"] == "2.19.0"
    ours = {"3.15.1", "2.21.0", "JAX 0.10.2", "Debian 12 in a container"}
    assert not ours & {each.here for each in made.deviations}


def test_a_library_that_the_catalog_has_not_is_called_by_its_own_name():
    made = stack("/x/e/bin/python", plaidml=met("0.7.0", "2.3.1"))
    assert [(b.name, b.title, b.env) for b in made.backends] == [
        ("plaidml", "plaidml 0.7.0", {"KERAS_BACKEND": "plaidml"})
    ]


def test_a_backend_of_an_old_stack_has_the_name_of_its_stack():
    made = stack("/x/e/bin/python", theano=met("1.0.5", "2.3.1"))
    assert [(b.name, b.title) for b in made.backends] == [("theano", "Theano 1.0.5")]


def test_what_changed_in_an_environment_is_told_by_package():
    now = ["jax==0.10.3", "keras==3.14.0", "numpy==2.0", "python==3.12.1"]
    assert differences(PACKAGES, now) == ["jax 0.10.2 is 0.10.3 now", "numpy 2.0 was not there", "torch is gone"]
    assert differences(PACKAGES, PACKAGES) == []


@pytest.mark.parametrize(
    ("version", "packages", "maker"),
    [
        ("2.10.0", [], "NVIDIA"),
        ("2.10.0+rocm7.1", [], "AMD"),
        ("2.10.0", ["torch-rocm==2.10.0"], "AMD"),
        ("2.10.0", ["jax-rocm7-plugin==0.8.0"], "NVIDIA"),
    ],
)
def test_whose_gpus_a_library_was_built_for(version, packages, maker):
    seen = Seen(executable="/x", packages=["python==3.11.7", *packages], keras=["keras"], met={"torch": met(version)})
    made = stack_of(Found(kind="python", place="/x/bin/python", sha256="0" * 64), seen, load_catalog(), [])
    assert made.backend("torch").gpu_maker == maker
