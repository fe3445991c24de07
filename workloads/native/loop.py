"""The epochs of a training without Keras: what its fit() does, and nothing else.

Each epoch goes once over all samples in a new order, measures loss and accuracy along the way, and then the same of the
validation samples. Times are told by the hooks of events.EpochClock, called where Keras calls them.
"""
import itertools

import numpy as np


def fit(trainer, data, epochs, batch_size, clock, seed, batches=None):
    """Trains with validation after every epoch. `batches`: an endless generator in place of the samples in new orders."""
    random = np.random.RandomState(seed)
    clock.fit_called()
    clock.on_train_begin()
    for epoch in range(epochs):
        clock.on_epoch_begin(epoch)
        trainer.begin()
        if batches is None:
            some = in_order(data.x, data.y, batch_size, random.permutation(len(data.y)))
        else:
            some = itertools.islice(batches, len(data.y) // batch_size)
        for number, (x, y) in enumerate(some):
            trainer.train(x, y)
            clock.on_batch_end(number)
        clock.on_test_begin()
        logs = trainer.figures()
        logs.update(("val_" + name, value) for name, value in validated(trainer, data, batch_size).items())
        clock.on_epoch_end(epoch, logs)


def in_order(x, y, batch_size, order):
    """The batches of the samples in an order; the last may be short."""
    for begin in range(0, len(order), batch_size):
        chosen = order[begin:begin + batch_size]
        yield x[chosen], y[chosen]


def validated(trainer, data, batch_size):
    """Loss and accuracy of the validation samples."""
    trainer.begin()
    for begin in range(0, len(data.y_val), batch_size):
        trainer.evaluate(data.x_val[begin:begin + batch_size], data.y_val[begin:begin + batch_size])
    return trainer.figures()
