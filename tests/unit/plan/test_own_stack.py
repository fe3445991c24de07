"""A stack of one's own: what its file may say, and what stack the file and its lock are."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import msgspec
import pytest

from orchestrator import __version__
from orchestrator.errors import UserError
from orchestrator.model import OwnStack
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.own_stack import made, read_stack_file
from orchestrator.stacks.images.dockerfile import render_dockerfile

CATALOG = load_catalog()
OWN = OwnStack(path="/a.yaml", sha256="0" * 64, like="keras3-torch", lock="/a-cpu.txt", lock_sha256="1" * 64)
TORCH = "like: keras3-torch\npackages: [keras==3.10.0, torch==2.7.0]\n"


def read(tmp_path: Path, text: str, name: str = "torch27.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return read_stack_file(path, CATALOG)


def stack(tmp_path: Path, text: str, pins: dict[str, str], device="cpu", index=None):
    return made(read(tmp_path, text), device, pins, OWN, index, CATALOG)


def test_a_file_names_a_stack_by_itself(tmp_path):
    asked = read(tmp_path, TORCH, "Torch 2.7.yml")
    assert (asked.name, asked.python, asked.like.name) == ("torch-2-7", "3.11", "keras3-torch")
    assert asked.packages("cpu") == asked.packages("gpu") == ["keras==3.10.0", "torch==2.7.0"]
    assert asked.index("cpu") == CATALOG.stack("keras3-torch").images["cpu"].index
    assert read(tmp_path, TORCH + "name: mine\nindex: none\n").index("cpu") is None


def test_everything_that_a_file_may_say(tmp_path):
    text = (
        'like: keras3-jax\npython: "3.9"\nname: mine\ntitle: Mine\nas_of: 2025-06-30\nany_date: [jaxlib]\n'
        "env: {JAX_DISABLE_JIT: '1'}\npackages: {cpu: [keras, jax], gpu: ['jax[cuda12]==0.6.2', keras]}\n"
    )
    asked = read(tmp_path, text)
    assert asked.file.as_of == datetime.date(2025, 6, 30)
    assert asked.packages("gpu") == ["jax[cuda12]==0.6.2", "keras"]
    found = made(asked, "cpu", {"keras": "3.10.0", "jax": "0.6.2"}, OWN, None, CATALOG)
    assert (found.name, found.title, found.base, found.released) == ("mine", "Mine", "bullseye", "")
    assert found.images["cpu"].env == {"JAX_DISABLE_JIT": "1"}


def test_titles_and_versions_are_those_of_the_lock(tmp_path):
    found = stack(tmp_path, TORCH, {"keras": "3.10.0", "torch": "2.7.0+cpu"}, index="https://wheels.example")
    assert found.title == "Keras 3.10.0 with PyTorch 2.7.0"
    assert [(b.name, b.title, b.package) for b in found.backends] == [("torch", "PyTorch 2.7.0", {"cpu": "torch"})]
    assert (found.keras, found.keras_major, found.own) == ("3.10.0", 3, OWN)
    assert list(found.images) == ["cpu"]
    assert found.images["cpu"].index == "https://wheels.example"
    assert not found.deviations, "it never was the article's"


def test_on_a_gpu_no_file_of_other_packages_is_taken_out_and_needs_are_those_of_the_file(tmp_path):
    """Today's wheels have files for nothing, which a build removes: where one is not there, it would fail."""
    text = "like: keras3-tensorflow\npackages: [keras, tensorflow]\n"
    pins = {"keras": "2.15.0", "tensorflow": "2.15.1"}
    today = CATALOG.stack("keras3-tensorflow").images["gpu"]
    plain = stack(tmp_path, text, pins, "gpu").images["gpu"]
    assert today.unused and plain.unused == []
    assert today.gpu_needs and plain.gpu_needs is None, "of another version"
    text += 'gpu_needs: {cuda: "12.2", min_driver: "525.60.13", compute_capability: ["5.0"]}\n'
    needs = stack(tmp_path, text, pins, "gpu").images["gpu"].gpu_needs
    assert needs and (needs.cuda, needs.min_driver) == ("12.2", "525.60.13")


@pytest.mark.parametrize("package", ["tensorflow", "tensorflow-cpu"])
def test_a_backend_is_found_under_each_of_its_packages(tmp_path, package):
    text = "like: keras3-tensorflow\npackages: [keras, tensorflow]\n"
    (backend,) = stack(tmp_path, text, {"keras": "2.15.0", package: "2.15.1"}).backends
    assert (backend.title, backend.package) == ("TensorFlow 2.15.1", {"cpu": package})


def test_backends_that_the_lock_has_not_are_left_out(tmp_path):
    text = "like: keras2-tensorflow-cntk\npackages: [keras==2.2.4, tensorflow==1.3.0]\n"
    found = stack(tmp_path, text, {"keras": "2.2.4", "tensorflow": "1.3.0"})
    assert [backend.name for backend in found.backends] == ["tensorflow"]
    assert (found.python, found.article, found.base) == ("2.7", False, "bullseye")
    assert "libmpi.so.12" in found.images["cpu"].links


def test_what_a_gpu_needs_is_known_only_of_cuda_from_outside(tmp_path):
    jax = stack(tmp_path, "like: keras3-jax\npackages: [keras]\n", {"keras": "3.10.0", "jax": "0.6.2"}, "gpu")
    assert jax.images["gpu"].gpu_needs is None
    text = "like: keras2-theano\npackages: [keras==2.2.4, Theano==1.0.5]\n"
    theano = stack(tmp_path, text, {"keras": "2.2.4", "theano": "1.0.5"}, "gpu")
    assert theano.images["gpu"].gpu_needs == CATALOG.stack("keras2-theano").images["gpu"].gpu_needs
    assert theano.backends[0].title == "Theano 1.0.5"


def test_the_image_is_made_from_the_same_template_under_its_own_name(tmp_path):
    found = stack(tmp_path, TORCH + "env: {A: b}\n", {"keras": "3.10.0", "torch": "2.7.0"})
    text = render_dockerfile(CATALOG, found, "cpu", __version__)
    assert f"keras-orchestrate/torch27:{__version__}-cpu" in text
    assert "COPY requirements/torch27-cpu.txt" in text
    assert "    A=b" in text
    assert 'org.opencontainers.image.title="Keras 3.10.0 with PyTorch 2.7.0 (cpu)"' in text


@pytest.mark.parametrize(
    ("pins", "what"), [({"torch": "2.7.0"}, "no Keras"), ({"keras": "3.10.0", "jax": "1"}, "no torch")]
)
def test_a_lock_without_keras_or_backend_is_refused(tmp_path, pins, what):
    with pytest.raises(UserError, match=f"torch27.yaml: its lock has {what}"):
        stack(tmp_path, TORCH, pins)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("like: keras3-troch\npackages: [keras]\n", "no stack 'keras3-troch'.*did you mean 'keras3-torch'"),
        ("packages: [keras]\n", "missing required field `like`"),
        ("like: keras3-torch\n", "missing required field `packages`"),
        ("like: keras3-torch\npackages: keras\n", r"\$.packages.*write \[keras==3.10.0"),
        (TORCH + "python: 3.11\n", r"\$.python.*with quotes"),
        (TORCH + "python: '3'\n", r"\$.python"),
        (TORCH + "as_of: 2025-13-01\n", "is not YAML|Invalid"),
        (TORCH + "as_of: 2025-13\n", "write a day: as_of: 2023-08-01"),
        ("like: tf215\npackages: [keras]\n", "'tf215' is like another itself.*'keras3-tensorflow'"),
        (TORCH + "pakages: [a]\n", "unknown field `pakages`.*fields: like, packages"),
        (TORCH + "name: keras3-jax\n", "comes with the program.*another `name:`"),
        (TORCH + "name: 'a/b'\n", r"\$.name"),
        (TORCH + "packages: [keras]\n", "there twice|is there 2 times|twice"),
        ("[", "is not YAML"),
        ("", "Expected `object`"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(tmp_path, text, what):
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert "\n" not in caught.value.message
    assert caught.match("torch27.yaml|there is no stack")
    assert re.search(what, f"{caught.value.message} -> {caught.value.hint}"), (caught.value.message, caught.value.hint)


@pytest.mark.parametrize(
    "package",
    [
        "-e .",
        "-r other.txt",
        "--index-url=https://x",
        "keras @ https://x/keras.whl",
        "./keras.whl",
        "a b",
        "a\nb",
        "a\\",
    ],
)
def test_only_requirements_of_an_index_are_packages(tmp_path, package):
    text = msgspec.yaml.encode({"like": "keras3-torch", "packages": [package]}).decode()
    with pytest.raises(UserError, match=r"Expected `str` matching regex .* `\$.packages"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "line",
    [r"title: 'a\"b'", 'title: "a\\nRUN x"', "title: a$b", "env: {'A B': c}", "env: {A: b c}", "env: {A: 'b\"'}",
     "env: {A: '$(x)'}", 'env: {A: "b\\nRUN x"}'],
)  # fmt: skip
def test_nothing_of_a_file_can_be_more_than_a_word_in_a_dockerfile(tmp_path, line):
    with pytest.raises(UserError, match="Expected `str` matching regex"):
        read(tmp_path, TORCH + line + "\n")


def test_a_device_that_the_file_says_nothing_for_is_told(tmp_path):
    asked = read(tmp_path, "like: keras3-jax\npackages: {gpu: [keras, 'jax[cuda12]']}\n")
    with pytest.raises(UserError, match="names no packages"):
        asked.packages("cpu")


def test_a_file_that_is_not_there_says_how_to_begin(tmp_path):
    with pytest.raises(UserError) as caught:
        read_stack_file(tmp_path / "no.yaml", CATALOG)
    assert "orchestrate new stack" in caught.value.hint


@pytest.mark.parametrize(
    "name", ["PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PIP_INDEX_URL", "HOME", "BASH_ENV"]
)
def test_no_variable_says_which_programs_or_modules_are_found(tmp_path, name):
    with pytest.raises(UserError, match=r"torch27\.yaml") as caught:
        read(tmp_path, f"{TORCH}env: {{{name}: /tmp/x}}\n")
    assert "no variable that says which programs" in str(caught.value.hint)


def test_an_index_has_no_secret(tmp_path):
    with pytest.raises(UserError, match=r"`index` has an account or a token") as caught:
        read(tmp_path, f"{TORCH}index: https://me:SECRET@wheels.example/simple\n")
    assert "SECRET" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("address", ["https://x.example/\\\\", "https://$HOME", "https://x`id`", "https://a'b"])
def test_an_index_is_one_word_of_a_dockerfile(tmp_path, address):
    with pytest.raises(UserError, match="index"):
        read(tmp_path, f'{TORCH}index: "{address}"\n')
