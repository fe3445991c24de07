"""Which Keras has which part: what a model needs is held against a stack before anything of it runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.model import Stack

#: The parts that not every Keras since 1.2 has, and the first version that our stacks could have of each: from 2.4 on
#: Keras is tensorflow.keras, which had its layers earlier than the package keras.
PARTS = {
    "add": (2, 0),
    "concatenate": (2, 0),
    "multiply": (2, 0),
    "Conv2D": (2, 0),
    "Conv2DTranspose": (2, 0),
    "SeparableConv2D": (2, 0),
    "DepthwiseConv2D": (2, 2),
    "LayerNormalization": (2, 4),
    "MultiHeadAttention": (2, 4),
    "keras.ops": (3, 0),
}


def lacking(needs: Iterable[str], stack: Stack) -> str:
    """`needs MultiHeadAttention (since Keras 2.4), and keras1-mxnet has Keras 1.2.2`; "" where the stack has all.

    A stack whose version is no number is taken to have it.
    """
    version = tuple(int(part) for part in stack.keras.split(".")[:2] if part.isdecimal())
    missing = [part for part in needs if len(version) == 2 and version < PARTS[part]]
    if not missing:
        return ""
    told = ", ".join(f"{part} (since Keras {'.'.join(map(str, PARTS[part]))})" for part in missing)
    return f"needs {told}, and {stack.name} has Keras {stack.keras}"
