"""Times every fit() of a Keras, of any version: what the versions differ in is read from their signatures.

The script's own fit() runs, with one more callback and within the bounds that the job was given.
"""
import functools
import inspect
import sys
import weakref

import bounding
import given
import job

METHODS = ("fit", "fit_generator")
#: Arguments of fit() that not every pipeline can stand in for.
PLAIN = ("sample_weight", "validation_split", "steps_per_epoch")


def parameters_of(method):
    """[(name, default), ...] of a method without `self`; of a decorated one the inner's."""
    while hasattr(method, "_original_function"):  # Keras 2.0's decorator
        method = method._original_function
    if hasattr(inspect, "signature"):
        found = list(inspect.signature(method).parameters.values())[1:]  # novm: not on Python 2
        return [(one.name, None if one.default is one.empty else one.default) for one in found
                if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    names, _, _, defaults = inspect.getargspec(method)
    return list(zip(names, [None] * (len(names) - len(defaults or ())) + list(defaults or ())))[1:]


class Fits(object):
    """Patches a Keras. `job` decides what a fit() may do and hears of it (own.py)."""

    def __init__(self, job, bounds):
        self._job, self._bounds = job, bounds
        self._running = False
        self._compiled = {}
        self._trainings = {}

    def patch(self, keras):
        """Wraps fit() and compile() of all models of this Keras."""
        for kind in [keras.models.Model, keras.models.Sequential] + _of_old_graphs():
            for name in METHODS:
                _wrap(kind, name, functools.partial(self._timed, keras))
            _wrap(kind, "compile", self._counted)

    def _counted(self, compile_):
        known = [name for name, _ in parameters_of(compile_)]

        @functools.wraps(compile_)
        def compiled(model, *args, **named):
            self._compiled[id(model)] = self._compiled.get(id(model), 0) + 1
            changes = self._job.axes.compiling(known)
            if changes:
                named, args = dict(named, **dict(zip(known, args))), ()
                named.update(changes)
            return compile_(model, *args, **named)
        return compiled

    def _timed(self, keras, fit):
        known = parameters_of(fit)

        @functools.wraps(fit)
        def timed(model, *args, **named):
            if self._running or self._job.in_loop:
                return fit(model, *args, **named)
            self._running = True
            try:
                named.update(zip([name for name, _ in known], args))
                return self._train(keras, fit, dict(known), model, named)
            finally:
                self._running = False
        return timed

    def _train(self, keras, fit, known, model, named):
        training, earlier = self._training_of(model)
        call = Call(known, named, self._bounds)
        left = call.bound_epochs(training.epochs)
        if left <= 0 and self._bounds.epochs:
            return _past(keras, model, training, call)
        with call.bounded():
            clock = clock_class(keras)(training, call, functools.partial(self._job.ready, model, training))
            call.add_callback(clock, model)
            if not earlier:
                self._job.before_fit(keras, model, training, call)
            call.feed(keras, self._job.axes)
            training.waited = self._job.axes.waits.seconds
            training.fit_called()
            try:
                return fit(model, **call.named)
            finally:
                training.fit_ended()

    def _training_of(self, model):
        """(the training that this fit() belongs to, whether it has begun before)."""
        known, compiled, training = self._trainings.get(id(model), (lambda: None, 0, None))
        if known() is model and compiled == self._compiled.get(id(model), 0) and training.epochs:
            return training, True
        training = self._job.recorder.training()
        self._trainings[id(model)] = (weakref.ref(model), self._compiled.get(id(model), 0), training)
        return training, False


def _wrap(kind, name, wrapper):
    """Wraps a method in the class that defines it: Keras compares classes to see whether a script overrides one."""
    home = next((parent for parent in kind.__mro__ if name in vars(parent)), None)
    if home is not None and not hasattr(vars(home)[name], "_is_timed"):
        wrapped = wrapper(vars(home)[name])
        wrapped._is_timed = True
        setattr(home, name, wrapped)


def _of_old_graphs():
    """The models that Keras 2 on TensorFlow 2 uses in the style of TensorFlow 1."""
    found = [sys.modules.get(name) for name in ("keras.engine.training_v1", "keras.src.engine.training_v1",
                                                "tensorflow.python.keras.engine.training_v1")]
    return [module.Model for module in found if hasattr(module, "Model")]


def _past(keras, model, training, call):
    """What fit() gives once the bound of epochs is reached: the last epochs that were, as many as were asked for."""
    history = keras.callbacks.History()
    logs = training.history[-max(1, call.epochs_asked):]
    first = training.epochs - len(logs)
    history.epoch = list(range(first, training.epochs))
    history.history = {name: [one.get(name) for one in logs] for name in (logs[-1] if logs else {})}
    history.params = {}
    if hasattr(history, "set_model"):
        history.set_model(model)
    return history


def clock_class(keras):
    """The callback that tells a training of its epochs, for this Keras."""
    says_test = hasattr(keras.callbacks.Callback, "on_test_begin")

    class Clock(keras.callbacks.Callback):
        async_safe = True  # else Keras 3 would wait for the device after every batch
        _supports_tf_logs = True  # else Keras 2 on TensorFlow would

        def __init__(self, training, call, ready):
            super(Clock, self).__init__()
            self._training, self._call, self._ready = training, call, ready

        def on_train_begin(self, logs=None):
            self._training.train_begin(self._ready)

        def on_epoch_begin(self, epoch, logs=None):
            self._training.epoch_begin()

        def on_batch_end(self, batch, logs=None):
            self._training.batch_end(batch)

        def on_test_begin(self, logs=None):
            self._training.trained()

        def on_epoch_end(self, epoch, logs=None):
            training = self._training
            if self._call.validates and not says_test:
                training.trained_at_last_batch()
            seen = max([batch for _, batch in training.batch_ends] or [-1]) + 1
            training.epoch_end(logs, seen, self._call.samples(seen))
            if training.epochs == 1:
                self._ready()

    return Clock


def _shape(x):
    """As a `data` event has it; of an iterable the samples of an epoch, where they are known."""
    return given.shape(x) if given.kind(x) in ("arrays", None) else [given.epoch_samples(x, given.batches(x))]


class Call(object):
    """One fit() as it is called: `named` are its arguments, by name."""

    def __init__(self, known, named, bounds):
        self._known, self._bounds = known, bounds
        self.named = named
        self.x_name = "x" if "x" in known else "generator"
        self.kind = given.kind(self.x)
        self._epochs_name = "nb_epoch" if "nb_epoch" in known else "epochs"
        epochs = [named[name] for name in ("epochs", "nb_epoch") if named.get(name) is not None]
        initial = named.get("initial_epoch") or 0
        self.epochs_asked = (epochs[0] if epochs else known[self._epochs_name] or 1) - initial
        self.batch_size = self._fed = None

    @property
    def x(self):
        return self.named.get(self.x_name)

    @property
    def validates(self):
        return bool(self.named.get("validation_split")) or self.named.get("validation_data") is not None

    def bound_epochs(self, done):
        """Puts the job's number of epochs in the place of the script's; how many are left after `done`."""
        if "verbose" in self._known:
            self.named["verbose"] = 0
        if not self._bounds.epochs:
            return self.epochs_asked
        left = self._bounds.epochs - done
        for name in ("epochs", "nb_epoch"):
            self.named.pop(name, None)
        self.named[self._epochs_name] = (self.named.get("initial_epoch") or 0) + left
        return left

    def add_callback(self, clock, model):
        """The clock goes first: what the script's callbacks do at the end of an epoch is no validation."""
        callbacks = self.named.get("callbacks")
        if hasattr(callbacks, "callbacks"):  # a CallbackList, which is made up already
            callbacks.callbacks.insert(0, clock)
            clock.set_model(model)
        elif callbacks is None or isinstance(callbacks, (list, tuple)):
            self.named["callbacks"] = [clock] + list(callbacks or [])
        else:
            self.named["callbacks"] = [clock, callbacks]

    def _split(self):
        """How many samples of arrays are trained with, where Keras holds the last ones back for validation; else None."""
        split = self.named.get("validation_split")
        if not split or self.named.get("validation_data") is not None or self.kind != "arrays":
            return None
        return int((given.samples(self.x) or 0) * (1 - split))

    def shapes(self):
        """(of the training data, of the validation data) as a `data` event has them."""
        validation, split = self.named.get("validation_data"), self._split()
        if split:
            return given.shape(self.x, split), given.shape(self.x, given.samples(self.x) - split)
        return _shape(self.x), _shape(validation[0] if isinstance(validation, (list, tuple)) else validation)

    def samples(self, seen):
        """How many samples an epoch of `seen` batches held, where that is known."""
        if self._fed:
            return self._fed
        if self.kind != "arrays":
            return given.epoch_samples(self.x, seen)
        total = self._split() or given.samples(self.x)
        if not total or self.named.get("steps_per_epoch") is None:
            return total
        return min(total, seen * self.batch_size) if self.batch_size else None

    def largest_batch(self):
        """The size of the largest batch of arrays, which is no larger than they are; else what an iterable says."""
        if self.kind != "arrays":
            return given.batch_size(self.x)
        held = self._split() or given.samples(self.x)
        return min(self.batch_size, held) if self.batch_size and held else self.batch_size

    def bounded(self):
        """A context in which the data are within the job's bounds; an object of the script's is given back as it was."""
        return bounding.bounded(self, self._known, self._bounds)

    def feed(self, keras, axes):
        """Puts the pipeline that was asked for in the place of the arrays."""
        fed = axes.feed(keras, self.x, self.named.get("y"), self.batch_size)
        odd = [name for name in PLAIN if fed and self.named.get(name) is not None]
        if odd:
            raise job.Refused("the axis pipeline is for a fit() without %s" % odd[0])
        self._fed = given.samples(self.x) if fed else None
        for name in (self.x_name, "y", "batch_size", "shuffle") if fed else ():
            self.named.pop(name, None)
        self.named.update(fed)

    def given(self):
        """[(name, value), ...] of all data of this call."""
        found = [("x", self.x), ("y", self.named.get("y")), ("sample_weight", self.named.get("sample_weight"))]
        validation = self.named.get("validation_data")
        if isinstance(validation, (list, tuple)):
            found += list(zip(("validation.x", "validation.y", "validation.sample_weight"), validation))
        else:
            found.append(("validation", validation))
        return [(name, value) for name, value in found if value is not None]
