"""The axis `pipeline`: the same samples in the same batches, given to fit() as arrays or by the pipeline of a library.

Each is the plain form that the library's own introduction shows. None shuffles, so that all train on the same batches
in the order of the samples, and the last batch may be smaller.
"""
import events
import given
import job

#: What fit() is given, as `given.kind` calls it, for each value of the axis.
KINDS = {"arrays": "arrays", "tf.data": "tf.data.Dataset", "dataloader": "torch.utils.data.DataLoader",
         "pydataset": "keras.utils.PyDataset", "grain": "grain.IterDataset"}


def fed(keras, pipeline, x, y, batch_size):
    """An iterable of batches (x, y) of arrays; None for "arrays", which fit() takes as they are."""
    if pipeline == "arrays":
        return None
    samples = _tuples(given.mapped(given.as_numpy, x)), given.mapped(given.as_numpy, y)
    make = {"tf.data": _dataset, "dataloader": _loader, "pydataset": _batches, "grain": _grain}[pipeline]
    try:
        return make(keras, samples, batch_size)
    except ImportError as error:
        raise job.Refused("pipeline=%s was asked for, and this environment lacks its library (%s)" % (pipeline, error))


def name_of(x):
    """The value of the axis that what fit() was given stands for; None for what is none of them."""
    kind = given.kind(x)
    return dict((what, name) for name, what in KINDS.items()).get(kind)


def _tuples(x):
    """Lists as tuples: tf.data makes one array of a list."""
    if isinstance(x, dict):
        return dict((key, _tuples(item)) for key, item in x.items())
    return tuple(_tuples(item) for item in x) if isinstance(x, (list, tuple)) else x


def tensorflow(keras):
    """TensorFlow; where another library computes, it is to leave the GPUs alone."""
    import tensorflow as tf

    backend = getattr(keras.backend, "backend", None)
    if backend is not None and backend() != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
    return tf


def _dataset(keras, samples, batch_size):
    tf = tensorflow(keras)
    dataset = tf.data.Dataset.from_tensor_slices(samples).batch(batch_size)
    return dataset.prefetch(getattr(tf.data, "AUTOTUNE", tf.data.experimental.AUTOTUNE))


class One(object):
    """Samples one by one, as libraries that batch by themselves ask for them."""

    def __init__(self, samples):
        self._samples = samples

    def __len__(self):
        return given.samples(self._samples)

    def __getitem__(self, at):
        return given.mapped(lambda array: array[at], self._samples)


def _loader(keras, samples, batch_size):
    import torch

    tensors = given.mapped(torch.from_numpy, samples)  # of the CPU, whatever device is the default

    class Samples(One, torch.utils.data.Dataset):
        pass

    def collated(found):
        return _tuples(torch.utils.data.default_collate(found))  # whose lists are no inputs for TensorFlow

    return torch.utils.data.DataLoader(Samples(tensors), batch_size=batch_size, collate_fn=collated)


def _grain(keras, samples, batch_size):
    import grain

    return grain.MapDataset.source(One(samples)).batch(batch_size).to_iter_dataset()


def _batches(keras, samples, batch_size):
    total = given.samples(samples)

    class Batches(getattr(keras.utils, "PyDataset", None) or keras.utils.Sequence):
        def __len__(self):
            return -(-total // batch_size)

        def __getitem__(self, at):
            return given.cut(samples, at * batch_size, (at + 1) * batch_size)

    return Batches()


class Waits(object):
    """How long a training has waited for its batches, where that can be seen.

    It is the time that Keras spends in getting the next batch of what fit() was given: work that a pipeline has done
    beforehand, in threads of its own, is no waiting.
    """

    def __init__(self):
        self._seconds, self._variable, self._known = 0.0, None, False

    def seconds(self):
        """So far; None where nothing sees it."""
        if not self._known:
            return None
        return self._seconds + (float(self._variable.numpy()) if self._variable is not None else 0.0)

    def watch(self, keras, x):
        """Sees the batches that fit() takes of `x` from now on; what to give it in place of `x`."""
        iterator = _iterator_class(keras)
        if iterator is not None:
            self._patch(iterator, x)
        elif given.kind(x) == "tf.data.Dataset":  # Keras before 3: a dataset of ours is all that can be seen
            return self.of_dataset(x)
        return x

    def _patch(self, iterator, x):
        begin = iterator.__init__

        def begun(epochs, *args, **named):
            begin(epochs, *args, **named)
            if (named["x"] if "x" in named else args[0] if args else None) is x:
                epochs.data_adapter = Watched(epochs.data_adapter, self)
        iterator.__init__ = begun

    def of_dataset(self, dataset):
        """The same dataset, whose last step tells how long it took to get each element.

        It runs inside of TensorFlow, where no clock but that of the wall is; so does the training.
        """
        import tensorflow as tf

        with tf.device("CPU:0"):
            self._variable = variable = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._known = True

        def told(begun, *batch):
            variable.assign_add(tf.maximum(tf.timestamp() - begun, 0.0))
            return batch if len(batch) > 1 else batch[0]
        asked = tf.data.Dataset.range(2 ** 62).map(lambda _: tf.timestamp())
        options = tf.data.Options()
        for name in ("map_parallelization", "inject_prefetch"):  # which would ask before anybody waits
            if hasattr(options.experimental_optimization, name):
                setattr(options.experimental_optimization, name, False)
        return tf.data.Dataset.zip((asked, dataset)).map(told).with_options(options)

    def of(self, batches):
        """The same iterable or iterator of batches, timed."""
        self._known = True
        return _Timed(batches, self)

    def add(self, begun):
        self._seconds += events.clock() - begun


class _Timed(object):
    def __init__(self, batches, waits):
        self._batches, self._waits = batches, waits

    def __iter__(self):
        begun = events.clock()
        batches = iter(self._batches)
        self._waits.add(begun)
        return _Timed(batches, self._waits)

    def __next__(self):
        begun = events.clock()
        try:
            return next(self._batches)
        finally:
            self._waits.add(begun)


class Watched(object):
    """A data adapter of Keras 3, which it asks for batches in the form of its backend."""

    def __init__(self, adapter, waits):
        self._adapter, self._waits = adapter, waits

    def __getattr__(self, name):
        return getattr(self._adapter, name)

    def get_tf_dataset(self):
        return self._waits.of_dataset(self._adapter.get_tf_dataset())

    def get_jax_iterator(self):
        return self._waits.of(self._adapter.get_jax_iterator())

    def get_torch_dataloader(self):
        return self._waits.of(self._adapter.get_torch_dataloader())


def _iterator_class(keras):
    """What Keras 3 takes batches with; None for another Keras."""
    try:
        from keras.src.trainers.epoch_iterator import EpochIterator
    except ImportError:
        return None
    return EpochIterator if hasattr(keras, "ops") else None
