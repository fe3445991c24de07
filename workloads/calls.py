"""Times calls of a built model that does not train, one way of calling after the other, as events `calls` and `output`.

Each call is given host arrays and ends when its result is on the host again: a library that only queues its work gains
nothing by that. The ways: predict(), predict_on_batch(), and `compiled`, the plain call that each library has beside
them. All get the same arrays. predict_on_batch() comes first, for it is there on every Keras: the first call of a job
is the same call everywhere.
"""
import numpy as np

import events
import given

#: Timed calls of one series; the fewest, in however long up to PATIENCE times the series' seconds; and the very fewest.
MOST, LEAST, PATIENCE, FEWEST = 1000, 20, 10, 5
#: Untimed calls before, the first included, and seconds after which there are no more.
WARM_UPS, WARM_SECONDS = 10, 1.0
#: Times of one event; different inputs that calls take turns with.
PART, TURNS = 500, 16
#: Samples whose outputs are compared over the backends, and the values of them that a job tells.
COMPARED, VALUES = 8, 32
FIRST = "predict_on_batch"


def pool(x):
    """The inputs that calls are given samples of, as numpy arrays. Raises ValueError where there are none."""
    if given.kind(x) != "arrays":  # an iterable of batches: its first
        x = next(iter(x), None)
        x = x[0] if isinstance(x, (list, tuple)) else x
    found = given.mapped(given.as_numpy, x) if x is not None else None
    if found is None or not given.samples(found):
        raise ValueError("there are no samples to call the model with")
    return found


def batch_of(x, size, turn):
    """`size` samples of the pool, others on each turn; a pool with fewer is begun again."""
    chosen = (np.arange(size) + turn * size) % given.samples(x)
    return given.mapped(lambda array: np.ascontiguousarray(array[chosen]), x)


def ways(model, compiled=None):
    """[(name, call)]: each call is given host arrays and gives such."""
    found = [(FIRST, model.predict_on_batch),
             ("predict", lambda x: model.predict(x, batch_size=given.samples(x), verbose=0))]
    return found + ([("compiled", compiled)] if compiled else [])


def predict(writer, found, x, batch, seconds):
    """All ways at batch 1 and at `batch`, each for about so many seconds, and its outputs of the same samples."""
    same = batch_of(x, COMPARED, 0)
    for size in sorted({1, batch}):
        turns = [batch_of(x, size, turn) for turn in range(TURNS)]
        for name, call in found:
            timed(writer, name, size, lambda n, call=call: call(turns[n % TURNS]), seconds)
    for name, call in found:
        writer.write("output", way=name, **fingerprint(call(same)))


def timed(writer, way, batch, call, seconds):
    """One series: the first call, others that warm up, and those that count, for `seconds`. `call(n)` makes the n-th."""
    begin = events.clock()
    call(0)
    first_s = events.clock() - begin
    number = 1
    while number < WARM_UPS and events.clock() - begin - first_s < min(WARM_SECONDS, seconds):
        call(number)
        number += 1
    warm_ups, times, begin = number, [], events.clock()
    while goes_on(len(times), events.clock() - begin, seconds):
        before = events.clock()
        call(number)
        times.append(events.clock() - before)
        number += 1
    span_s = events.clock() - begin
    for at in range(0, len(times), PART):
        parts = {"first_s": first_s, "warm_ups": warm_ups, "span_s": span_s} if at == 0 else {}
        writer.write("calls", way=way, batch=batch, seconds=times[at:at + PART], **parts)


def goes_on(made, took, seconds):
    """Whether a series that has made so many calls in `took` seconds makes another one."""
    if made < LEAST:
        return made < FEWEST or took < PATIENCE * seconds
    return made < MOST and took < seconds


def fingerprint(output):
    """{shape, size, norm, values}: enough of an output to see whether another is the same."""
    arrays = [given.as_numpy(part).astype("float64") for _, part in given.leaves(output, "")]
    numbers = np.concatenate([array.ravel() for array in arrays])
    chosen = np.linspace(0, len(numbers) - 1, min(VALUES, len(numbers))).astype(int)
    return {"shape": [list(array.shape) for array in arrays], "size": len(numbers),
            "norm": float(np.sqrt((numbers ** 2).sum())), "values": numbers[chosen].tolist()}
