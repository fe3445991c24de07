"""The Keras of a stack as its users import it, whatever its package is called."""

import contextlib
import os
import sys


def numbers(version):
    """(2, 15, 0) of "2.15.0"; nothing for what is no number."""
    return tuple(int(part) for part in version.split("-")[0].split(".")[:3] if part.isdigit())


def find():
    """Keras as its users import it, and its version.

    From 2.4 to 2.15 it was developed apart and used as `tensorflow.keras`; tf_keras goes on with that line for whoever
    asks for it by TensorFlow's own variable.
    """
    if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
        import tf_keras

        return tf_keras, tf_keras.__version__
    try:
        import keras
    except ImportError:  # TensorFlow 2.4 has it inside
        keras = None
    version = getattr(keras, "__version__", "")
    if version and not (2, 4) <= numbers(version) < (3,):
        return keras, version
    try:
        import tensorflow
    except ImportError:
        import keras  # its error tells more, where it is the one that is missing

        raise
    return tensorflow.keras, version or tensorflow.keras.__version__


@contextlib.contextmanager
def imported_by(folder):
    """While it is entered, `import keras` in the files of a folder gives the Keras of the stack; None is no folder.

    By its own name it may be another one (beside tf_keras, that of today), or lack the half of its parts (2.6 to 2.12).
    """
    if folder is None:
        yield
        return
    builtins = sys.modules.get("builtins") or sys.modules["__builtin__"]
    plain = builtins.__import__

    def importing(name, globals=None, *more, **named):
        importer = os.path.dirname((globals or {}).get("__file__") or "")
        top, _, rest = name.partition(".")
        if importer != folder or top != "keras":
            return plain(name, globals, *more, **named)
        found = find()[0]
        if len(more) > 1 and more[1]:  # from keras.layers import Dense
            for part in filter(None, rest.split(".")):
                found = getattr(found, part)
        return found

    builtins.__import__ = importing
    try:
        yield
    finally:
        builtins.__import__ = plain
