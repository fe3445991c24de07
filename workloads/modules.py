"""The module contract: a file that defines build() and data(), trained by fit() as a script would train it, or called."""
import inspect
import os
import random
import sys

import calls
import data
import equal
import failures
import fits
import given
import opened
import stack_keras
import tokens
from job import Refused

CHOICES = ("train", "validation", "seed", "batch_size", "scale")


def train(args, writer, job):
    """Loads the file, makes data and model, gives the model its initial weights, and trains it."""
    module, sizes, (x, y, validation) = loaded(args, writer, job)
    model, assigned = built(args, writer, module, job)
    if not compiled(model):
        raise Refused("build() of %s gives a model that is not compiled: call model.compile(...) in it, with "
                           "the loss and the optimizer that you want to measure" % os.path.basename(args.file))
    prepare(args, job, model, assigned, x, sizes)
    named = {"validation_data": validation} if validation is not None else {}
    if given.kind(x) == "arrays":
        named.update(y=y, batch_size=sizes["batch_size"] or 32)
    fit(model, x, sizes["epochs"], named)


def call(args, writer, job):
    """The same as far as to the initial weights; then the model is called without training."""
    module, sizes, (x, _, _) = loaded(args, writer, job)
    model, assigned = built(args, writer, module, job)
    samples = calls.pool(x)
    batch = sizes["batch_size"] or 32
    keras = loaded_keras()
    job.initial_weights = equal.weigh(keras, model, calls.batch_of(samples, batch, 0), args.seed, assigned)
    ways = calls.ways(model, job.before_calls(keras, model, samples, batch))
    if args.mode == "generate":
        tokens.generate(writer, ways, samples, getattr(module, "GENERATE", {}), args.call_seconds)
    else:
        calls.predict(writer, ways, samples, batch, args.call_seconds)
    job.after_calls(model)


def loaded(args, writer, job):
    """(the module, its sizes, what its data() gives)."""
    name = os.path.splitext(os.path.basename(args.file))[0]
    module = failures.new_module(name, args.file, args.arguments)
    with stack_keras.imported_by(os.path.dirname(args.file) if job.shipped else None):
        exec(failures.source_of(args.file), module.__dict__)
    sizes = chosen(module, args)
    path = dict(args.data).get(args.dataset)
    with writer.phase("data"), opened.Watched(path or os.devnull) as watched:
        x, y, validation = split(called(module.data, given_sizes(module, sizes, job)), args.file)
    if path and watched.opened:
        job.used = {"file": os.path.basename(path), "sha256": data.sha256(path), "kind": args.data_kind}
    return module, sizes, (x, y, validation)


def loaded_keras():
    """The Keras that the file has imported."""
    return sys.modules.get("keras") or sys.modules.get("tf_keras")


def given_sizes(module, sizes, job):
    """What data() may take: sizes, and what is varied of it."""
    return dict(parameters(module, job.axes.own), **dict((name, sizes[name]) for name in CHOICES))


def built(args, writer, module, job):
    """(the model, the variables that build() has loaded)."""
    random.seed(args.seed)
    with writer.phase("build"), equal.Assigned(loaded_keras()) as assigned:
        model = called(module.build, parameters(module, job.axes.own))
    return model, assigned.variables


def chosen(module, args):
    """{size: what this job uses}: the command line before the scale, the scale before the file's constants."""
    scales = getattr(module, "SCALES", {})
    scale = scales.get(args.scale, {})  # a run whose scale the file does not know has what its constants say
    return {"epochs": args.epochs or scale.get("epochs") or getattr(module, "EPOCHS", 3),
            "batch_size": args.batch_size or scale.get("batch_size") or getattr(module, "BATCH", None),
            "train": scale.get("train"), "validation": scale.get("validation"),
            "seed": args.seed, "scale": args.scale if args.scale in scales else None}


def defaults(function):
    """{parameter: its default, or None} of a function."""
    if hasattr(inspect, "signature"):
        known = inspect.signature(function).parameters  # novm: not on Python 2
        return dict((name, None if one.default is one.empty else one.default) for name, one in known.items())
    names, _, _, values = inspect.getargspec(function)
    return dict(zip(names[::-1], list(values or ())[::-1] + [None] * len(names)))


def parameters(module, asked):
    """{parameter: its value} of what was asked of build() and data(), in the types of their defaults."""
    known = dict((name, value) for function in (module.data, module.build) for name, value in defaults(function).items()
                 if value is not None)
    return dict((name, typed(text, known[name])) for name, text in asked.items())


def typed(text, default):
    """A value as it stands on the command line in the type of a default."""
    return text == "true" if isinstance(default, bool) else type(default)(text)


def called(function, sizes):
    """A function with those of the sizes that it has parameters for; one that is not known keeps its default."""
    known = defaults(function)
    return function(**{name: value for name, value in sizes.items() if name in known and value is not None})


def split(found, path):
    """(x, y, validation) of what data() returns; y is None for an iterable of batches, validation where there is none."""
    if given.kind(found) not in ("arrays", None):
        return found, None, None
    if isinstance(found, (list, tuple)) and len(found) == 4:
        return found[0], found[1], (found[2], found[3])
    if isinstance(found, (list, tuple)) and len(found) == 2:
        if given.kind(found[0]) == "arrays":
            return found[0], found[1], None
        return found[0], None, found[1]
    raise Refused("data() of %s must return (x, y), (x, y, x_val, y_val), an iterable of batches, or two of them" % (
        os.path.basename(path)))


def compiled(model):
    """Whether compile() was called, on any Keras."""
    said = getattr(model, "compiled", None)
    return bool(said) if isinstance(said, bool) else getattr(model, "optimizer", None) is not None


def prepare(args, job, model, loaded, x, sizes):
    """Equal weights where Keras can have them, and what the untrained model makes of the first batch."""
    batch, why = equal.first_batch(x, sizes["batch_size"] or 32)
    keras = loaded_keras()
    job.initial_weights = equal.weigh(keras, model, batch, args.seed, loaded)
    job.first_output = equal.first_output(model, batch) if batch is not None else {"missing": why}


def fit(model, x, epochs, named):
    """fit() of any Keras, which is patched by now."""
    known = dict(fits.parameters_of(type(model).fit))
    epochs_name = "nb_epoch" if "nb_epoch" in known else "epochs"
    if given.kind(x) == "arrays" or not hasattr(model, "fit_generator"):
        return model.fit(x, **dict(named, **{epochs_name: epochs}))
    steps = given.batches(x)
    return model.fit_generator(x, steps_per_epoch=steps, **dict(named, **{epochs_name: epochs}))
