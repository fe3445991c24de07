"""Initial weights, drawn once and the same for every backend and every Keras.

They follow the initialisers of Keras 2.0.8 (glorot_uniform, orthogonal, uniform +-0.05, unit
forget bias) and its shapes: a convolution's kernel is (rows, columns, in, out), an LSTM keeps its
gates side by side in the order input, forget, candidate, output. Layouts that differ from this
are the business of compat.py.
"""
import numpy as np


def glorot_uniform(random, shape):
    """Uniform within sqrt(6 / (fan in + fan out)); leading axes are a receptive field."""
    field = int(np.prod(shape[:-2]))
    limit = np.sqrt(6.0 / (field * (shape[-2] + shape[-1])))
    return random.uniform(-limit, limit, shape)


def orthogonal(random, shape):
    """A random matrix with orthonormal rows (or columns, if there are fewer of them).

    It is the polar factor of a normal sample: as uniformly distributed as what Keras takes from
    the decomposition, but free of signs that depend on the LAPACK at hand.
    """
    left, _, right = np.linalg.svd(random.normal(size=shape), full_matrices=False)
    return left.dot(right)


def lstm_bias(units):
    """Zeros, and ones for the forget gate."""
    return np.concatenate([np.zeros(units), np.ones(units), np.zeros(2 * units)])


def draw(kind, shape, random):
    """The float32 arrays of one layer, in the order of Keras 2. Raises ValueError for a kind not known.

    `shape` is that of the first array; `random` a numpy RandomState.
    """
    if kind in ("Dense", "Conv2D"):
        arrays = [glorot_uniform(random, shape), np.zeros(shape[-1])]
    elif kind == "Embedding":
        arrays = [random.uniform(-0.05, 0.05, shape)]
    elif kind == "LSTM":
        units = shape[1] // 4
        arrays = [glorot_uniform(random, shape), orthogonal(random, (units, shape[1])), lstm_bias(units)]
    else:
        raise ValueError("no initial weights are defined for a layer of kind %s" % kind)
    return [array.astype("float32") for array in arrays]
