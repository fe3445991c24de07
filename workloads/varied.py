"""The axes of a job (--axis NAME=VALUE): how they are applied to any Keras, and what came of each.

What a Keras has is seen from its parts and signatures; nothing here knows versions. Batch size and threads are options
of their own, and are only told of here.
"""
import backends
import feeding
import given
import job

#: What compile() is given for each value of the axis `jit`; any other value is a mode of torch.compile.
JITS = {"off": False, "on": True, "auto": "auto"}
MISSING = "%s was asked for, and this Keras has no %s"


class Axes(object):
    """What is varied: `asked` has the value of each axis, `own` of each argument of a module's functions, as text."""

    def __init__(self, asked, own=()):
        self.asked, self.own = dict(asked), dict(own)
        self.modes = []
        self.waits, self._fed = feeding.Waits(), None

    @property
    def spares_compiled(self):
        """Whether the library's own compiled call is left out: `jit` reaches Keras' ways of calling alone."""
        return "jit" in self.asked

    def settle(self, keras, library):
        """Precision and the mode of torch.compile, before a model is built."""
        precision, jit = self.asked.get("precision"), self.asked.get("jit")
        if precision in ("float32", "tf32") and backends.gpu_requested():
            library.exact() if precision == "float32" else library.inexact()
        if precision:
            set_policy(keras, precision)
        if jit and jit not in JITS:
            self._watch(library, jit)

    def _watch(self, library, mode):
        """Gives torch.compile its mode, and notes that it was used."""
        compile_ = library.module.compile

        def compiled(*args, **settings):
            self.modes.append(mode)
            return compile_(*args, **dict(settings, mode=mode))
        library.module.compile = compiled

    def compiling(self, known):
        """Arguments of compile(), which has those in `known`, in place of what is there."""
        jit, found = self.asked.get("jit"), {}
        if jit:
            if "jit_compile" not in known:
                raise job.Refused(MISSING % ("jit=" + jit, "jit_compile"))
            found["jit_compile"] = JITS.get(jit, True)
        if "optimizer" in self.asked:
            found["optimizer"] = self.asked["optimizer"]
        return found

    def feed(self, keras, x, y, batch_size):
        """Arguments of fit() in place of `x`, `y` and `batch_size`; nothing where no pipeline was asked for."""
        pipeline = self.asked.get("pipeline")
        if pipeline is None:
            return {}
        if y is None or given.kind(x) != "arrays":
            raise job.Refused("pipeline=%s is for arrays, and fit() is given a %s here" % (pipeline, given.kind(x)))
        batches = feeding.fed(keras, pipeline, x, y, batch_size)
        self._fed = feeding.name_of(x if batches is None else batches)
        if batches is None:
            return {"x": self.waits.watch(keras, x), "y": y, "batch_size": batch_size, "shuffle": False}
        return {"x": self.waits.watch(keras, batches), "shuffle": False}

    def got(self, model, library, batch_size, threads):
        """{axis: what it was in the end} as far as that can be read back, once the model was trained or called."""
        found = dict(self.own)
        optimizer = getattr(model, "optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # under the one that scales a loss in float16
        said = {"batch_size": batch_size, "threads": threads_of(threads), "precision": policies(model, library),
                "jit": self._jit(model), "optimizer": type(optimizer).__name__.lower(), "pipeline": self._fed}
        found.update((name, "%s" % value) for name, value in said.items()
                     if name in self.asked and value is not None)
        return found

    def _jit(self, model):
        """`on`, `off`, or the mode that torch.compile was called with."""
        used = getattr(model, "jit_compile", None)
        if getattr(model, "run_eagerly", False):
            return "off"
        if used is None or used == "auto":
            return None
        return self.modes[0] if used and self.modes else "on" if used else "off"


def set_policy(keras, precision):
    """Sets the types that layers compute and keep their weights in."""
    policy = "float32" if precision == "tf32" else precision
    setter = getattr(getattr(keras, "mixed_precision", None), "set_global_policy", None)
    if setter is not None:
        setter(policy)
    elif policy != "float32":
        raise job.Refused(MISSING % ("precision=" + precision, "mixed precision"))


def policies(model, library):
    """`mixed_float16`: the policies of the layers that have weights, or `tf32` where float32 products are rounded."""
    found = set()
    layers = getattr(model, "layers", None)  # of a model of another library this may be anything
    for layer in layers if layers and isinstance(layers, (list, tuple)) else [model]:
        policy = getattr(layer, "dtype_policy", None) or getattr(layer, "_dtype_policy", None)
        if policy is not None and getattr(layer, "weights", None):
            found.add(str(getattr(policy, "name", policy)))
    text = "+".join(sorted(found)) or "float32"
    if text == "float32" and backends.gpu_requested() and library is not None and library.rounds():
        return "tf32"
    return text


def threads_of(said):
    """How many threads a library says that it uses for one operation; None where it says nothing."""
    if "intra_op" in said:
        return said["intra_op"]
    counts = [value for value in said.values() if isinstance(value, int) and not isinstance(value, bool)]
    return counts[0] if counts else None
