"""What a model needs of Keras, held against a stack before anything runs."""

from __future__ import annotations

import ast

import msgspec
import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.models import shipped_models
from orchestrator.plan.needs import PARTS, lacking
from tests.conftest import ROOT

STACK = load_catalog().stack("keras3-jax")


@pytest.mark.parametrize(
    ("keras", "missing"),
    [
        (
            "1.2.2",
            "needs Conv2D (since Keras 2.0), MultiHeadAttention (since Keras 2.4), and keras3-jax has Keras 1.2.2",
        ),
        ("2.3.1", "needs MultiHeadAttention (since Keras 2.4), and keras3-jax has Keras 2.3.1"),
        ("2.4.3", ""),
        ("3.15.1", ""),
        ("nightly", ""),
    ],
)
def test_a_stack_lacks_what_its_keras_is_too_old_for(keras, missing):
    assert lacking(["Conv2D", "MultiHeadAttention"], msgspec.structs.replace(STACK, keras=keras)) == missing


#: Layers of the shipped models that Keras 1.2.2 has as well, under the same arguments (read from its package).
EVERYWHERE = {
    *("Activation", "BatchNormalization", "Bidirectional", "Dense", "Dropout", "Embedding", "Flatten"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "Input", "Layer", "LSTM", "MaxPooling2D", "Reshape"),
}


@pytest.mark.parametrize("model", shipped_models(ROOT / "workloads" / "models"), ids=lambda model: model.name)
def test_a_shipped_model_names_what_an_older_keras_lacks(model):
    """Else its job fails there, in words of Python, where it should be `unsupported`."""
    newest = max((PARTS[part] for part in model.own.needs), default=(1, 2))
    file = ROOT / "workloads" / "models" / f"{model.name}.py"
    used = {
        node.attr
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "layers"
    }
    unknown = used - EVERYWHERE - {*PARTS}
    assert not unknown, f"nobody has said which Keras has {unknown}"
    assert not {name for name in used & {*PARTS} if PARTS[name] > newest}
