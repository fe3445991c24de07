"""How exact float32 products are on the device at hand: the error of one product and one convolution.

Cards since 2020 may round factors to 10 bits (TF32), which libraries use by default to different extents. What a
setting says need not be what a kernel does, so it is measured, after everything that is timed.

numpy is imported where it is used: a script of one's own is watched while it imports it.
"""
import backends

#: A product of SIZE x SIZE matrices; BATCH images of SIDE x SIDE pixels with CHANNELS channels, and FILTERS filters 3 x 3.
SIZE = 512
BATCH, SIDE, CHANNELS, FILTERS = 8, 32, 32, 64


def measured(library):
    """{"product", "convolution"}: errors relative to float64 on the host, about 1e-7 for float32 and 3e-4 for TF32.

    {"trouble"}: why there are none. It raises nothing: the job has done its work by then.
    """
    import numpy as np

    random = np.random.RandomState(0)
    a, b = (random.normal(size=(SIZE, SIZE)).astype("float32") for _ in range(2))
    images = random.normal(size=(BATCH, SIDE, SIDE, CHANNELS)).astype("float32")
    kernel = random.normal(size=(3, 3, CHANNELS, FILTERS)).astype("float32")
    try:
        product, convolution = LIBRARIES[library.name](library.module, a, b, images, kernel)
        return {"product": error(product, a.astype("float64").dot(b)),
                "convolution": error(convolution, convolved(images.astype("float64"), kernel))}
    except Exception as trouble:  # a full card, a script's own patches: whatever a library raises
        return {"trouble": "%s: %s" % (type(trouble).__name__, str(trouble)[:200])}


def error(found, expected):
    """Norm of the difference over the norm of what is expected. Raises ValueError for another shape."""
    import numpy as np

    found = np.asarray(found, dtype="float64")
    if found.shape != expected.shape:
        raise ValueError("shape %s instead of %s" % (found.shape, expected.shape))
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def convolved(images, kernel):
    """The valid correlation of images (batch, row, column, channel) with a kernel (3, 3, channel, filter), in float64."""
    rows, columns = images.shape[1] - 2, images.shape[2] - 2
    return sum(images[:, i:i + rows, j:j + columns].dot(kernel[i, j].astype("float64"))
               for i in range(3) for j in range(3))


def _to_front(images, kernel):
    """The same with the channels in front: (batch, channel, row, column), (filter, channel, row, column)."""
    return images.transpose(0, 3, 1, 2).copy(), kernel.transpose(3, 2, 0, 1).copy()


def _to_back(images):
    return images.transpose(0, 2, 3, 1)


def _torch(torch, a, b, images, kernel):
    device = "cuda" if torch.cuda.is_available() and backends.gpu_requested() else "cpu"
    a, b, images, kernel = (torch.from_numpy(array).to(device) for array in (a, b) + _to_front(images, kernel))
    with torch.no_grad():
        return torch.matmul(a, b).cpu().numpy(), _to_back(torch.nn.functional.conv2d(images, kernel).cpu().numpy())


def _jax(jax, a, b, images, kernel):
    layout = ("NHWC", "HWIO", "NHWC")
    convolve = jax.jit(lambda x, k: jax.lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=layout))
    return jax.jit(jax.numpy.matmul)(a, b), convolve(images, kernel)


def _tensorflow(tf, a, b, images, kernel):
    if not tf.__version__.startswith("1."):
        return tf.matmul(a, b).numpy(), tf.nn.conv2d(images, kernel, [1, 1, 1, 1], "VALID").numpy()
    from keras import backend

    # Fed, not constant: constants are folded on the CPU.
    fed = [tf.placeholder("float32", array.shape) for array in (a, b, images, kernel)]
    wanted = tf.matmul(*fed[:2]), tf.nn.conv2d(fed[2], fed[3], [1, 1, 1, 1], "VALID")
    return backend.get_session().run(wanted, dict(zip(fed, (a, b, images, kernel))))


def _theano(theano, a, b, images, kernel):
    images, kernel = _to_front(images, kernel)
    a, b, images, kernel = (theano.shared(array) for array in (a, b, images, kernel))
    wanted = [theano.tensor.dot(a, b), theano.tensor.nnet.conv2d(images, kernel, filter_flip=False)]
    product, convolution = theano.function([], wanted)()
    return product, _to_back(convolution)


def _cntk(cntk, a, b, images, kernel):
    images, kernel = _to_front(images, kernel)
    image = cntk.input_variable(images.shape[1:])
    row = cntk.input_variable(SIZE)
    product = cntk.times(row, cntk.constant(b)).eval({row: a})
    convolution = cntk.convolution(cntk.constant(kernel), image, auto_padding=[False]).eval({image: images})
    return product, _to_back(convolution)


def _mxnet(mxnet, a, b, images, kernel):
    context = mxnet.gpu(0) if backends.gpu_requested() else mxnet.cpu()
    a, b, images, kernel = (mxnet.nd.array(array, context) for array in (a, b) + _to_front(images, kernel))
    convolution = mxnet.nd.Convolution(images, kernel, kernel=(3, 3), num_filter=FILTERS, no_bias=True)
    return mxnet.nd.dot(a, b).asnumpy(), _to_back(convolution.asnumpy())


LIBRARIES = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow, "theano": _theano, "cntk": _cntk, "mxnet": _mxnet}
