"""The texts of text_transformer and its sizes, for those who build it with Keras and without."""
import numpy as np

VOCABULARY, LENGTH, WIDTH, HEADS, INNER = 20000, 200, 32, 2, 32
#: Words that one kind of text alone uses, and how often one of them stands at a place.
TELLING, SHARE = 400, 0.05


def data(train, validation, seed, length=LENGTH):
    """(x, y, x_val, y_val): words by their numbers, and which of two kinds a text is of."""
    random = np.random.RandomState(seed)
    size = train + validation
    y = random.randint(0, 2, size).astype("int32")
    x = random.randint(1 + 2 * TELLING, VOCABULARY, (size, length))
    told = random.randint(1, 1 + TELLING, (size, length)) + TELLING * y[:, None]
    x = np.where(random.uniform(size=x.shape) < SHARE, told, x).astype("int32")
    return x[:train], y[:train], x[train:], y[train:]
