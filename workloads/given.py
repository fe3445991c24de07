"""What a script gives to fit(): arrays or an iterable of batches, in any library's types.

Nothing is imported for this, and no iterable is begun: what cannot be seen without is not known.
"""
import hashlib

#: Bytes of an array that are hashed, and at a time; arrays that are described.
HASHED = 256 * 2 ** 20
CHUNK = 2 ** 20
ARRAYS = 24


def kind(x):
    """"arrays", None for nothing, or what kind of iterable it is."""
    names = {(parent.__module__ or "").partition(".")[0] + "." + parent.__name__ for parent in type(x).__mro__}
    if x is None:
        return None
    if names & {"tensorflow.DatasetV2", "tensorflow.DatasetV1", "tensorflow.DistributedDataset"}:
        return "tf.data.Dataset"
    if "torch.DataLoader" in names:
        return "torch.utils.data.DataLoader"
    if names & {"keras.PyDataset", "keras.Sequence", "tf_keras.Sequence", "tensorflow.Sequence"}:
        return "keras.utils.PyDataset"
    if "grain.IterDataset" in names:
        return "grain.IterDataset"
    if hasattr(x, "__next__") or hasattr(x, "next"):
        return "generator"
    if isinstance(x, (list, tuple, dict)) or hasattr(x, "shape"):
        return "arrays"
    return type(x).__name__


def leaves(x, name):
    """[(name, array), ...] of a nested structure. A list of plain numbers is one array."""
    if isinstance(x, dict):
        return [leaf for key in sorted(x, key=str) for leaf in leaves(x[key], "%s.%s" % (name, key))]
    if isinstance(x, (list, tuple)) and not _numbers(x):
        return [leaf for at, item in enumerate(x) for leaf in leaves(item, "%s[%d]" % (name, at))]
    return [] if x is None else [(name, x)]


def _numbers(x):
    """Whether a list holds values rather than arrays."""
    return bool(x) and not any(isinstance(item, dict) or len(getattr(item, "shape", ())) for item in x)


def samples(x):
    """How many samples arrays hold; None where that is not known."""
    found = leaves(x, "x")
    try:
        return len(found[0][1]) if found else None
    except TypeError:
        return int(found[0][1].shape[0])


def cut(x, begin, end):
    """The samples from `begin` to before `end` of a nested structure of arrays."""
    if isinstance(x, dict):
        return type(x)((key, cut(item, begin, end)) for key, item in x.items())
    if isinstance(x, (list, tuple)) and not _numbers(x):
        parts = [cut(item, begin, end) for item in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if x is None:
        return None
    return x.iloc[begin:end] if hasattr(x, "iloc") else x[begin:end]


def mapped(function, x):
    """The same nest of lists, tuples and dicts with `function` applied to each array."""
    if isinstance(x, dict):
        return {key: mapped(function, item) for key, item in x.items()}
    if isinstance(x, (list, tuple)) and not _numbers(x):
        parts = [mapped(function, item) for item in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return function(x)


def batches(x):
    """How many batches one epoch of an iterable has; None where it does not say, or has no end."""
    if kind(x) == "tf.data.Dataset" and hasattr(x, "cardinality"):
        count = int(x.cardinality())
    else:
        try:
            count = len(x)
        except (TypeError, AttributeError, NotImplementedError):
            return None
    return count if count > 0 else None


def batch_size(x):
    """The size that all batches of an iterable have; None where it does not say, or where the last may differ."""
    if kind(x) == "torch.utils.data.DataLoader":
        return x.batch_size
    sizes = {spec.shape[0] for spec in _specs(x) if len(spec.shape or ())}
    return sizes.pop() if len(sizes) == 1 else None


def epoch_samples(x, seen):
    """How many samples `seen` batches of an iterable held, where that is known."""
    size = batch_size(x)
    if not size or not seen:
        return None
    if kind(x) == "torch.utils.data.DataLoader":
        try:
            return min(seen * size, len(x.dataset))
        except TypeError:  # a stream
            return None
    return seen * size


def _specs(x):
    """The specifications of a tf.data.Dataset's elements."""
    found = []
    for _, spec in leaves(getattr(x, "element_spec", None), ""):
        shape = getattr(spec, "shape", None)
        if getattr(shape, "rank", None) is not None:
            found.append(_Spec(list(shape), spec.dtype.name))
    return found


class _Spec(object):
    def __init__(self, shape, dtype):
        self.shape = shape
        self.dtype = dtype


def described(named):
    """{name: what it is} of what fit() is given: arrays with their hash, iterables with what they say of themselves."""
    found = {}
    for name, x in named:
        if kind(x) == "arrays":
            for leaf, array in leaves(x, name)[:max(0, ARRAYS - len(found))]:
                found[leaf] = describe(array)
        elif x is not None:
            found[name] = {"kind": kind(x), "batches": batches(x),
                           "elements": [{"shape": spec.shape, "dtype": spec.dtype} for spec in _specs(x)[:ARRAYS]]}
    return found


def describe(array):
    """{shape, dtype, sha256} of an array; `hashed_bytes` is there if it is larger than what is hashed."""
    try:
        array = as_numpy(array)
    except Exception as error:  # a ragged or sparse tensor, or what else a library knows
        return {"kind": type(array).__name__, "missing": str(error)[:100]}
    digest, room = hashlib.sha256(), HASHED
    rows = max(1, CHUNK // max(1, array.nbytes // max(1, len(array)))) if array.ndim else 1
    for begin in range(0, len(array) if array.ndim else 0, rows):
        chunk = _content(array[begin:begin + rows])
        digest.update(chunk[:room])
        room -= len(chunk)
        if room < 0:
            break
    said = {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest.hexdigest()}
    return dict(said, hashed_bytes=HASHED) if room < 0 else said


def _content(array):
    """The bytes of an array in the order of its axes; texts are taken as they are."""
    import numpy

    if array.dtype.kind in "OUS":
        return b"\0".join(item if isinstance(item, bytes) else (u"%s" % (item,)).encode("utf-8", "replace")
                          for item in array.ravel().tolist())
    return numpy.ascontiguousarray(array).tobytes()


def as_numpy(array):
    """The same as a numpy array: of a tensor of any library, a pandas object, or a list."""
    import numpy

    if hasattr(array, "detach"):
        array = array.detach().cpu()
    if hasattr(array, "toarray"):  # sparse
        array = array.toarray()
    return numpy.asarray(array)


def shape(x, samples=None):
    """As a `data` event has it: [samples, ...] of one array or of each of several.

    `samples`: of arrays, how many are used, where that is not all.
    """
    if x is None:
        return []
    found = [[int(size) for size in getattr(array, "shape", (len(array),))] for _, array in leaves(x, "")[:ARRAYS]]
    if samples is not None:
        found = [[samples] + sizes[1:] for sizes in found]
    return found[0] if len(found) == 1 else found
