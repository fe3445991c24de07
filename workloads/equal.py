"""Equal initial weights for somebody's Keras 3 model on every backend, and a figure that shows them equal.

Every array of two or more axes that is learnt is drawn with numpy from the seed, as its own initializer
says; shorter ones (biases, scales) keep the values that do not depend on chance anyway.
"""
import numpy as np

import given
import weights

EXACT = ("Constant", "Identity", "Ones", "Zeros", "STFT")


def first_batch(x, size):
    """(the inputs of the first batch as they come, "") or (None, why there are none)."""
    if given.kind(x) == "arrays":
        return given.cut(x, 0, size), ""
    if given.kind(x) == "generator":
        return None, "a generator's first batch can be had only once"
    for batch in (x if hasattr(x, "__iter__") else (x[0],)):
        return batch[0] if isinstance(batch, (list, tuple)) else batch, ""
    return None, "there is no batch"


class Assigned(object):
    """While it is entered, it notes the Keras 3 variables that are assigned to: weights that were loaded, and not drawn."""

    def __init__(self, keras):
        self._kind = getattr(keras, "Variable", None)
        self.variables = []

    def __enter__(self):
        if self._kind is not None:
            noted = self.variables
            self._home = next(parent for parent in self._kind.__mro__ if "assign" in vars(parent))
            self._assign = assign = vars(self._home)["assign"]

            def noting(variable, *args, **named):
                noted.append(variable)
                return assign(variable, *args, **named)
            self._home.assign = noting
        return self

    def __exit__(self, *error):
        if self._kind is not None:
            self._home.assign = self._assign


def weigh(keras, model, batch, seed, loaded=()):
    """Draws the weights of `model` that are not among `loaded`; says what it did: "equal", or "framework" and why."""
    if keras is None or not hasattr(keras, "ops"):
        return "framework"
    if batch is not None and not model.built:
        try:
            model(batch, training=False)
        except Exception as error:
            return "framework: the model cannot be built before it trains (%s)" % str(error)[:100]
    if not model.built:
        return "framework: the model is built while it trains"
    random = np.random.RandomState(seed % 2 ** 32)
    known, kept = initializers(model), {id(variable) for variable in loaded}
    for variable in model.trainable_variables:
        if id(variable) in kept:
            continue
        shape = tuple(int(size) for size in variable.shape)
        if len(shape) > 1:
            now = keras.ops.convert_to_numpy(variable)
            if now.size > 1 and (now == now.flat[0]).all():
                continue  # a constant
            drawn = draw(known.get(id(variable)), shape, random)
            if drawn is not None:
                variable.assign(drawn.astype("float32"))
    return "equal"


def initializers(model):
    """{id of a variable: its initializer} as far as layers keep them side by side, as `kernel` and `kernel_initializer`."""
    found = {}
    for layer in model._flatten_layers():
        names = [name[:-len("_initializer")] for name in dir(layer) if name.endswith("_initializer")]
        for name in names:
            for attribute in (name, "_" + name):
                variable = getattr(layer, attribute, None)
                if variable is not None:
                    found[id(variable)] = getattr(layer, name + "_initializer")
    return found


def draw(initializer, shape, random):
    """An array as the initializer would draw it, else Glorot's; None for one that leaves nothing to chance."""
    kind, settings = type(initializer).__name__, {}
    if hasattr(initializer, "get_config"):
        settings = initializer.get_config()
    if kind in EXACT:
        return None
    if kind == "RandomUniform":
        return random.uniform(settings["minval"], settings["maxval"], shape)
    if kind == "RandomNormal":
        return random.normal(settings["mean"], settings["stddev"], shape)
    if kind == "TruncatedNormal":
        return settings["mean"] + settings["stddev"] * truncated(random, shape)
    if kind in ("Orthogonal", "OrthogonalInitializer"):
        flat = weights.orthogonal(random, (int(np.prod(shape[:-1])), shape[-1]))
        return settings.get("gain", 1.0) * flat.reshape(shape)
    scale, mode, distribution = _scaling(kind, settings)
    return _scaled(scale, mode, distribution, shape, random)


def _scaling(kind, settings):
    """(scale, mode, distribution) of one of the initializers that scale with the shape; Glorot's of any other."""
    named = {"HeNormal": (2.0, "fan_in", "truncated_normal"), "HeUniform": (2.0, "fan_in", "uniform"),
             "LecunNormal": (1.0, "fan_in", "truncated_normal"), "LecunUniform": (1.0, "fan_in", "uniform"),
             "GlorotNormal": (1.0, "fan_avg", "truncated_normal")}
    if kind == "VarianceScaling":
        return settings["scale"], settings["mode"], settings["distribution"]
    return named.get(kind, (1.0, "fan_avg", "uniform"))


def _scaled(scale, mode, distribution, shape, random):
    field = int(np.prod(shape[:-2]))
    fans = {"fan_in": field * shape[-2], "fan_out": field * shape[-1]}
    fans["fan_avg"] = (fans["fan_in"] + fans["fan_out"]) / 2.0
    variance = scale / max(1.0, fans[mode])
    if distribution == "uniform":
        limit = np.sqrt(3.0 * variance)
        return random.uniform(-limit, limit, shape)
    if distribution == "untruncated_normal":
        return random.normal(0.0, np.sqrt(variance), shape)
    return np.sqrt(variance) / 0.87962566103423978 * truncated(random, shape)


def truncated(random, shape):
    """Standard normal numbers, those beyond 2 drawn anew."""
    drawn = random.normal(size=shape)
    while (abs(drawn) > 2).any():
        beyond = abs(drawn) > 2
        drawn[beyond] = random.normal(size=int(beyond.sum()))
    return drawn


def first_output(model, batch):
    """[mean, standard deviation] of what the untrained model makes of a batch, or {"missing": why}."""
    try:
        found = model(batch, training=False) if not hasattr(model, "predict_on_batch") or hasattr(model, "_flatten_layers") \
            else model.predict_on_batch(batch)
        numbers = np.concatenate([given.as_numpy(part).astype("float64").ravel() for _, part in given.leaves(found, "")])
        return [float(numbers.mean()), float(numbers.std())]
    except Exception as error:  # whatever the script's model raises: it is a figure more, and no reason to fail
        return {"missing": "%s: %s" % (type(error).__name__, str(error)[:200])}
