"""Bounds one fit(): fewer batches of the same data, another batch size. Whatever was changed is put back."""
import contextlib
import itertools

import given
import job


class Bounds(object):
    """What a job was given; None leaves the script's own."""

    def __init__(self, epochs=None, steps=None, batch_size=None):
        self.epochs, self.steps, self.batch_size = epochs, steps, batch_size


@contextlib.contextmanager
def bounded(call, known, bounds):
    """Bounds the arguments of `call` (fits.Call); `known`: {argument: default} of its fit()."""
    undo = []
    try:
        if call.kind == "arrays":
            _batch_size(call, known, bounds)
            if bounds.steps:
                _cut(call, bounds.steps)
        elif bounds.batch_size:
            raise job.Refused("`--batch-size` is for arrays: fit() is given a %s here, which makes its batches itself" % (
                call.kind,))
        elif bounds.steps:
            _shorten(call, known, bounds.steps, undo)
        if bounds.steps:
            _shorten_validation(call, known, bounds.steps, undo)
        yield
    finally:
        for put_back in undo:
            put_back()


def _batch_size(call, known, bounds):
    if bounds.batch_size:
        call.named["batch_size"] = bounds.batch_size
    steps = call.named.get("steps_per_epoch")
    call.batch_size = call.named.get("batch_size") or known.get("batch_size") or (None if steps else 32)


def _cut(call, steps):
    """Only the first samples: so every epoch has the same batches, on every Keras."""
    named, size = call.named, steps * (call.batch_size or 1)
    if named.get("steps_per_epoch"):
        named["steps_per_epoch"] = min(steps, named["steps_per_epoch"])
        return
    split, total = named.get("validation_split"), given.samples(call.x)
    parts = [name for name in (call.x_name, "y", "sample_weight") if named.get(name) is not None]
    if split and named.get("validation_data") is None:
        at = int(total * (1 - split))
        held = [given.cut(named.get(name), at, total) for name in (call.x_name, "y", "sample_weight")]
        named["validation_data"] = tuple(held if held[2] is not None else held[:2])
        named["validation_split"] = 0.0
    else:
        at = total
    for name in parts:
        named[name] = given.cut(named[name], 0, min(at, size))


def _shorten(call, known, steps, undo):
    """An iterable's first batches."""
    named = call.named
    if "samples_per_epoch" in known:  # Keras 1 counts samples: the first batch tells how many there are in one
        first = next(call.x)
        size = given.samples(first[0])
        named[call.x_name] = itertools.chain([first], call.x)
        named["samples_per_epoch"] = min(named["samples_per_epoch"], steps * size)
    elif named.get("steps_per_epoch") or call.kind == "generator" or not _shortened(named, call.x_name, steps, undo):
        named["steps_per_epoch"] = min(steps, named.get("steps_per_epoch") or steps)


def _shorten_validation(call, known, steps, undo):
    named = call.named
    data = named.get("validation_data")
    if data is None:
        return
    if given.kind(data) == "arrays":
        size = steps * (named.get("validation_batch_size") or call.batch_size or 32)
        named["validation_data"] = type(data)(given.cut(part, 0, size) for part in data)
    elif "nb_val_samples" in known:
        if named.get("nb_val_samples"):
            named["nb_val_samples"] = min(named["nb_val_samples"], steps * 32)
    elif named.get("validation_steps") or not _shortened(named, "validation_data", steps, undo):
        named["validation_steps"] = min(steps, named.get("validation_steps") or steps)


def _shortened(named, name, steps, undo):
    """Makes an iterable that knows its length end after `steps` batches; whether that could be done."""
    x = named[name]
    if given.kind(x) == "tf.data.Dataset":
        named[name] = x.take(steps)
        return True
    length = given.batches(x)
    if length is None:
        return False
    if length > steps:
        original = x.__class__
        x.__class__ = _short_class(original, steps)
        undo.append(lambda: setattr(x, "__class__", original))
    return True


def _short_class(original, steps):
    """The same class, of objects that end after `steps` batches."""
    parts = {"__len__": lambda batches: steps}
    if hasattr(original, "__iter__"):
        parts["__iter__"] = lambda batches: itertools.islice(original.__iter__(batches), steps)
    return type(original.__name__, (original,), parts)
