"""The data sets, read straight from the files in Keras' own layouts; nothing is extracted.

Every reader takes the first `train` and `validation` samples, or all there are if fewer, and
returns a `Data`: inputs as float32 in 0..1 (images) or int32 (words), labels one-hot float32.
"""
import codecs
import hashlib
import pickle
import posixpath
import re
import sys
import tarfile
from collections import namedtuple

import numpy as np

#: x, x_val: an array, or a list of arrays for a model of several inputs; y, y_val: one-hot.
Data = namedtuple("Data", "x y x_val y_val")

BABI_TASK = "tasks_1-20_v1-2/en/qa2_two-supporting-facts_%s.txt"


def sha256(path):
    """Hex digest of the file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def one_hot(labels, classes):
    """float32 (n, classes): Keras' own helper gives float64, which CNTK casts at every batch."""
    return np.eye(classes, dtype="float32")[np.asarray(labels).reshape(-1)]


def scaled(images):
    """Pixels 0..255 as float32 0..1."""
    return images.astype("float32") / 255


def mnist(path, train, validation, shape):
    """Digits from Keras' mnist.npz, each reshaped to `shape`."""
    with np.load(path) as archive:
        x, y = archive["x_train"][:train], archive["y_train"][:train]
        x_val, y_val = archive["x_test"][:validation], archive["y_test"][:validation]
    return Data(scaled(x).reshape((-1,) + shape), one_hot(y, 10),
                scaled(x_val).reshape((-1,) + shape), one_hot(y_val, 10))


def image_shape(rows, columns, channels, image_data_format):
    """The shape of one image in the given order of axes."""
    if image_data_format == "channels_first":
        return (channels, rows, columns)
    return (rows, columns, channels)


def cifar10(path, train, validation, image_data_format):
    """Images from the python version of CIFAR-10 (a tar or tar.gz of pickled batches)."""
    batches = dict(_cifar_batches(path))
    parts = [batches.get("data_batch_%d" % number) for number in range(1, 6)]
    if None in parts or "test_batch" not in batches:
        raise ValueError("not the python version of CIFAR-10: batches %s" % sorted(batches))
    images = np.concatenate([part[b"data"] for part in parts])[:train]
    labels = np.concatenate([part[b"labels"] for part in parts])[:train]
    test = batches["test_batch"]
    return Data(_cifar_images(images, image_data_format), one_hot(labels, 10),
                _cifar_images(test[b"data"][:validation], image_data_format),
                one_hot(test[b"labels"][:validation], 10))


def _cifar_images(rows, image_data_format):
    images = rows.reshape(-1, 3, 32, 32)
    if image_data_format == "channels_last":
        images = images.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(scaled(images))


def _cifar_batches(path):
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            folder, _, name = posixpath.normpath(member.name).rpartition("/")
            if folder == "cifar-10-batches-py" and re.match(r"(data_batch_[1-5]|test_batch)$", name):
                yield name, _load_pickle(archive.extractfile(member))


class _ArrayUnpickler(pickle.Unpickler):
    """Loads arrays and plain containers only: a pickle may otherwise run any code."""

    def find_class(self, module, name):
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return np.empty(0).__reduce__()[0]
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        if name == "bytes" and module in ("__builtin__", "builtins"):
            return bytes
        if (module, name) == ("_codecs", "encode"):
            return codecs.encode
        raise pickle.UnpicklingError("%s.%s has no place in a data file" % (module, name))


def _load_pickle(stream):
    if sys.version_info[0] == 2:
        return _ArrayUnpickler(stream).load()
    return _ArrayUnpickler(stream, encoding="bytes").load()


def shifted_and_flipped(images, chosen, down, right, flipped, image_data_format):
    """The chosen images, each shifted by whole pixels, then flipped left to right if asked.

    `chosen`, `down`, `right` (pixels the content moves from, may be negative) and `flipped`
    (bool) have one entry per image of the result; edges repeat the nearest pixel. One gather
    for the whole batch, in either order of axes.
    """
    height, width = images.shape[1:3] if image_data_format == "channels_last" else images.shape[2:]
    rows = np.clip(np.arange(height) + down[:, None], 0, height - 1)
    columns = np.clip(np.arange(width) + right[:, None], 0, width - 1)
    columns = np.where(flipped[:, None], columns[:, ::-1], columns)
    if image_data_format == "channels_last":
        return images[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
    channels = np.arange(images.shape[1])[None, :, None, None]
    return images[chosen[:, None, None, None], channels, rows[:, None, :, None], columns[:, None, None, :]]


def augmented_batches(x, y, batch_size, seed, shift, image_data_format):
    """Endless batches (x, y) of shifted and flipped images; the same on every stack.

    The mathematics of ImageDataGenerator(width_shift_range=shift, height_shift_range=shift,
    horizontal_flip=True): it draws a fractional shift but then interpolates with order 0, so
    what remains is the nearest whole pixel. Each epoch is a new permutation; the short batch at
    its end is dropped, because the old Keras versions disagree on what to do with it.
    """
    random = np.random.RandomState(seed)
    size = 32 * shift
    while True:
        order = random.permutation(len(x))
        for begin in range(0, len(x) - batch_size + 1, batch_size):
            chosen = order[begin:begin + batch_size]
            down, right = np.floor(random.uniform(-size, size, (2, batch_size)) + 0.5).astype(int)
            flipped = random.uniform(size=batch_size) < 0.5
            yield shifted_and_flipped(x, chosen, down, right, flipped, image_data_format), y[chosen]


def babi(path, train, validation):
    """Stories, questions and answers of bAbI task 2 (English, 1,000 training questions).

    x is [stories (n, longest story), questions (n, longest question)], word numbers padded in
    front with 0; vocabulary and lengths come from the whole training and test files, whatever
    the limits. Validation follows training in the training file (Keras' validation_split).
    """
    tasks = _babi_tasks(path)
    both = tasks["train"] + tasks["test"]
    words = sorted(set(word for story, question, answer in both for word in story + question + [answer]))
    numbers = {word: number for number, word in enumerate(words, 1)}
    lengths = [max(len(sample[part]) for sample in both) for part in (0, 1)]

    def arrays(samples):
        x = [_padded([sample[part] for sample in samples], numbers, lengths[part]) for part in (0, 1)]
        return x, one_hot([numbers[answer] for _, _, answer in samples], len(words) + 1)

    # Where the file is too short for both, keep the 95:5 of the example.
    train = min(train, int(len(tasks["train"]) * 0.95))
    x, y = arrays(tasks["train"][:train])
    x_val, y_val = arrays(tasks["train"][train:train + validation])
    return Data(x, y, x_val, y_val)


def _babi_tasks(path):
    wanted = {BABI_TASK % part: part for part in ("train", "test")}
    tasks = {}
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            name = posixpath.normpath(member.name)
            if name in wanted:
                text = archive.extractfile(member).read().decode("utf-8")
                tasks[wanted[name]] = parse_stories(text)
    if len(tasks) != 2:
        raise ValueError("the bAbI archive lacks %s" % sorted(set(wanted.values()) - set(tasks)))
    return tasks


def parse_stories(text):
    """[(story words, question words, answer)]: a story is every sentence told so far."""
    samples, story = [], []
    for line in text.strip().splitlines():
        number, line = line.strip().split(u" ", 1)
        if number == u"1":
            story = []
        if u"\t" in line:
            question, answer = line.split(u"\t")[:2]
            samples.append((list(story), tokens(question), answer))
        else:
            story.extend(tokens(line))
    return samples


def tokens(sentence):
    """Words and punctuation, in order."""
    return re.findall(r"\w+|[^\w\s]+", sentence, re.UNICODE)


def _padded(sentences, numbers, length):
    rows = np.zeros((len(sentences), length), dtype="int32")
    for row, sentence in zip(rows, sentences):
        if sentence:
            row[-len(sentence):] = [numbers[word] for word in sentence]
    return rows
