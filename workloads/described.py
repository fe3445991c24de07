"""What somebody's model was trained with, read back from it: plain values, bounded, and only what can be seen."""
import os
import platform
import sys

import backends
import events
import given
import imports
import job

#: Values of an optimizer's settings, and of a list in them; letters of a text; installed packages that are named.
VALUES = 100
LIST = 20
LETTERS = 200
PACKAGES = 500


def bounded(value, room=None):
    """The same as plain JSON of at most VALUES values."""
    room = [VALUES] if room is None else room
    room[0] -= 1
    if room[0] < 0:
        return None
    if isinstance(value, dict):
        return {str(key)[:LETTERS]: bounded(value[key], room) for key in sorted(value, key=str)[:VALUES]}
    if isinstance(value, (list, tuple)):
        return [bounded(item, room) for item in value[:LIST]]
    value = events.plain(value)
    return value[:LETTERS] if isinstance(value, (str, type(u""))) else value


def name_of(thing):
    """A loss by its name; several of them by theirs."""
    if isinstance(thing, dict):
        return {str(key): name_of(item) for key, item in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [name_of(item) for item in thing]
    if thing is None or isinstance(thing, (str, type(u""))):
        return thing
    return getattr(thing, "name", None) or getattr(thing, "__name__", None) or type(thing).__name__


def parameters(model):
    """How many numbers a model learns or holds: of Keras, PyTorch, TensorFlow or Flax; None where none can be counted yet."""
    try:
        if hasattr(model, "count_params"):
            return model.count_params() if getattr(model, "built", True) else None
        if hasattr(model, "parameters") and "torch" in sys.modules:
            return sum(part.numel() for part in model.parameters())
        return _counted(model)
    except Exception:  # Keras raises various ones for a model that is not built
        return None


def _counted(model):
    if "flax.nnx" in sys.modules and isinstance(model, sys.modules["flax.nnx"].Module):
        tree = sys.modules["jax"].tree_util
        parts = tree.tree_leaves(sys.modules["flax.nnx"].state(model, sys.modules["flax.nnx"].Param))
    else:
        parts = [part for _, part in given.leaves(getattr(model, "variables", model), "")]
    total = 0
    for part in parts:
        count = 1
        for size in part.shape:
            count *= int(size)
        total += count
    return total if parts else None


def optimizer(model):
    """The settings of a Keras optimizer."""
    used = getattr(model, "optimizer", None)
    if used is None:
        return None
    try:
        settings = dict(used.get_config())
    except Exception:  # a class of the script's need not have them
        settings = {}
    return bounded(dict(settings, class_name=type(used).__name__))


def library(keras):
    """The library that computes: Keras', else the one that is imported, the contender's first."""
    if keras is not None:
        backend = getattr(keras.backend, "backend", None)
        return backends.library(backend() if callable(backend) else "tensorflow")
    loaded = [name for name in imports.LIBRARIES if name in sys.modules]
    wanted = os.environ.get("KERAS_BACKEND")
    return backends.library(wanted if wanted in loaded else loaded[0]) if loaded else None


def versions(keras, used):
    """{name: version} of what counts."""
    found = {"python": platform.python_version()}
    for module in [sys.modules.get("numpy"), keras, used.module if used else None]:
        if module is not None and getattr(module, "__version__", None):
            found[used.name if used and module is used.module else module.__name__] = str(module.__version__)
    return found


def packages():
    """Those installed; an event may not grow without end."""
    found = job.packages()
    return found[:PACKAGES] + (["and %d more" % (len(found) - PACKAGES)] if len(found) > PACKAGES else [])


def effective(model):
    """What Keras decides in fit() itself: to be asked no sooner, for asking decides it."""
    return {"jit_compile": getattr(model, "jit_compile", None), "run_eagerly": getattr(model, "run_eagerly", None)}


def calls_directly(keras):
    """Whether a model of this Keras computes when it is called: before 2.4 it makes a part of a graph."""
    version = [int(part) for part in str(getattr(keras, "__version__", "")).split(".")[:2] if part.isdigit()]
    return version >= [2, 4]


def model_settings(keras, model, batch):
    """What decides how a model computes, as far as it can be read back."""
    policy = getattr(model, "dtype_policy", None)
    return {"batch_size": batch, "dtype_policy": getattr(policy, "name", None), "floatx": keras.backend.floatx()}


def keras_settings(keras, model, call):
    """How a fit() trains, as far as it can be read back."""
    batch = call.batch_size if call.kind == "arrays" else given.batch_size(call.x)
    return dict(model_settings(keras, model, batch), **{
        "optimizer": optimizer(model),
        "loss": bounded(name_of(getattr(model, "loss", None))),
        "shuffle": call.named.get("shuffle", True) if call.kind == "arrays" else None,
        "epochs_asked": call.epochs_asked,
        "data": call.kind,
    })


def image_data_format(keras):
    """Which axis holds an image's channels; None where Keras is not there or cannot be asked."""
    found = getattr(getattr(keras, "backend", None), "image_data_format", None)
    return found() if found else None
