"""The tensor libraries under Keras: their threads, seeds, devices and versions.

One class per library with the same members. Each imports its library when it is made, which
Keras has done by then anyway.
"""
import importlib
import os

from given import mapped

#: What every library on CUDA heeds, by way of the driver or of NVIDIA's own libraries.
SHARED_VARIABLES = ("CUDA_CACHE_PATH", "CUDA_CACHE_DISABLE", "CUDA_CACHE_MAXSIZE", "CUDA_FORCE_PTX_JIT",
                    "CUDA_DISABLE_PTX_JIT", "NVIDIA_TF32_OVERRIDE")


#: What shows a job its GPU; the first that is there says whether it has one.
SHOWN = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def gpu_requested(environ=os.environ):
    """Whether this job was given a GPU, by the variables that CUDA, its container tools and ROCm read."""
    named = [environ[name] for name in SHOWN if name in environ]
    visible = named[0] if named else ""
    return visible.strip().lower() not in ("", "void", "none", "-1")


def check_gpu(library, devices):
    """Raises RuntimeError where a GPU was given to this job and `library` has none: no falling back in silence."""
    names = " ".join(devices).lower()
    if gpu_requested() and not any(word in names for word in ("gpu", "cuda", "rocm")):
        raise RuntimeError("a GPU was given to this job, but %s %s sees only: %s" % (
            library.name, library.version, ", ".join(devices)))


class Library(object):
    """`name` is what Keras calls the backend; `module` the library's top module."""

    #: Whether threads and seed can be set only once Keras is there.
    needs_keras = False
    #: Variables that decide how it computes.
    variables = ()

    def __init__(self, name, module):
        self.name = name
        self.module = module

    @property
    def version(self):
        return str(self.module.__version__)

    def set_threads(self, threads):
        """Applies the number of threads; returns what the library says it will use.

        An empty answer means that only environment variables decide, read at import.
        """
        return {}

    def threads(self):
        """What the library says now of its threads, by name; empty where it cannot be asked."""
        return {}

    def own_keras(self):
        """The Keras that is a part of this library; None where Keras is a package of its own."""

    def seed(self, seed):
        """Seeds the library's own generator."""

    def wait(self):
        """Returns once everything dispatched so far has been computed; most libraries compute at once."""

    def settle(self, optimizer):
        """Corrects what this library does with gradients, where it is not what the others do."""

    def exact(self):
        """Makes float32 products float32 on a GPU, as they were in 2017; returns the settings made, by name.

        Cards since 2020 round their factors to 10 bits (TF32), which libraries use by default to different extents.
        """
        return {}

    def inexact(self):
        """Lets float32 products on a GPU round their factors (TF32); nothing where the library cannot be told."""

    def rounds(self):
        """Whether float32 products may round their factors now."""
        return any(value is True or value == "tensorfloat32" for value in self.precision().values())

    def precision(self):
        """What decides now how exact float32 products are, by name; empty where nothing does."""
        return {}

    def deterministic(self):
        """Asks for the same results each time; returns the settings made, empty where this library has none."""
        return {}

    def computing(self):
        """What decides how it chooses kernels and keeps memory, by name: what it says, and the variables that are set."""
        found = {name: os.environ[name] for name in SHARED_VARIABLES + self.variables if name in os.environ}
        found.update(self._computing())
        return found

    def _computing(self):
        return {}

    def settle_input(self):
        """Corrects how this library hands over batches, where that makes epochs wait for nothing."""

    def compiled(self, model):
        """The plain way to call a Keras model as often and as fast as this library can: host arrays in, host arrays out.

        None where it has none beside those of Keras.
        """

    def devices(self):
        """Names of the devices it computes on; a GPU's contains "gpu", "cuda" or "rocm"."""
        return ["cpu"]

    def devices_of(self, model):
        """The same for one compiled model of Keras, where that is decided for each."""
        return self.devices()


def _count_last(tensorflow, optimizer, updates):
    """Counts a step once all else is updated: Adam reads the count, and now and then took the one of the step to come."""
    with tensorflow.control_dependencies(updates[1:]):
        return [optimizer.iterations.assign_add(1)] + updates[1:]


class TensorFlow1(Library):
    needs_keras = True

    def own_keras(self):
        return getattr(self.module, "keras", None)

    def set_threads(self, threads):
        from keras import backend

        config = self.module.ConfigProto(intra_op_parallelism_threads=threads,
                                         inter_op_parallelism_threads=threads,
                                         allow_soft_placement=True)
        backend.set_session(self.module.Session(config=config))
        return {"intra_op": threads, "inter_op": threads}

    def settle(self, optimizer):
        """Makes every update of weights wait until all gradients have been computed.

        Keras 2.0 lets an update start before the gradients of the layers below have read the old
        weights. How often that happens depends on the number of threads; with a single one it is
        the rule and nothing is learnt.
        """
        gradients, updates = optimizer.get_gradients, optimizer.get_updates
        optimizer.get_gradients = lambda loss, params: self.module.tuple(gradients(loss, params))
        optimizer.get_updates = lambda loss, params: _count_last(self.module, optimizer, updates(loss=loss, params=params))

    def seed(self, seed):
        self.module.set_random_seed(seed)

    def devices(self):
        from keras import backend

        return [device.name for device in backend.get_session().list_devices()]


class TensorFlow2(Library):
    variables = ("TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR", "TF_CUDNN_USE_AUTOTUNE", "TF_DETERMINISTIC_OPS",
                 "TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "XLA_FLAGS")

    def own_keras(self):
        major, minor = self.version.split(".")[:2]
        return self.module.keras if (int(major), int(minor)) < (2, 6) else None

    def set_threads(self, threads):
        threading = self.module.config.threading
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
        return self.threads()

    def threads(self):
        threading = self.module.config.threading
        return {"intra_op": threading.get_intra_op_parallelism_threads(),
                "inter_op": threading.get_inter_op_parallelism_threads()}

    def seed(self, seed):
        self.module.random.set_seed(seed)

    def wait(self):
        sync = getattr(getattr(self.module.test, "experimental", None), "sync_devices", None)  # since 2.12
        if sync:
            sync()

    def settle(self, optimizer):
        """Sums the gradients of a word that occurs several times before anything is done with them.

        Keras 3 on TensorFlow leaves them apart, so Adam adds up their squares; every other backend,
        and 2017, squares their sum.
        """
        if not hasattr(optimizer, "apply"):  # Keras 2 on TensorFlow 2, which squares their sum
            if not hasattr(optimizer, "apply_gradients"):  # Keras 2.3, whose steps are a graph
                symbolic = importlib.import_module("keras.backend").symbolic
                updates = optimizer.get_updates
                optimizer.get_updates = symbolic(lambda loss, params: _count_last(
                    self.module, optimizer, updates(loss=loss, params=params)))
            return
        apply = optimizer.apply
        dense = self.module.convert_to_tensor
        optimizer.apply = lambda grads, variables=None: apply([dense(grad) for grad in grads], variables)

    def exact(self):
        return {"tensor_float_32_execution": False} if self._tensor_float_32(False) else {}

    def inexact(self):
        self._tensor_float_32(True)

    def _tensor_float_32(self, may):
        """Whether there is a choice: before 2.4 there is none."""
        ask = getattr(self.module.config.experimental, "enable_tensor_float_32_execution", None)
        if ask:
            ask(may)
        return bool(ask)

    def deterministic(self):
        ask = getattr(self.module.config.experimental, "enable_op_determinism", None)  # since 2.8
        if ask is None:
            return {}
        ask()
        return {"op_determinism": True}

    def _computing(self):
        config = importlib.import_module("tensorflow.python.framework.config")  # which has no public name
        asked = getattr(config, "is_op_determinism_enabled", None)
        return {"op_determinism": bool(asked())} if asked else {}

    def precision(self):
        enabled = getattr(self.module.config.experimental, "tensor_float_32_execution_enabled", None)  # since 2.4
        return {"tensor_float_32_execution": enabled()} if enabled else {}

    def compiled(self, model):
        """tf.function, without XLA."""
        call = self.module.function(lambda x: model(x, training=False), autograph=False)
        nest = self.module.nest
        tensors = self.module.convert_to_tensor
        return lambda x: nest.map_structure(lambda y: y.numpy(), call(nest.map_structure(tensors, x)))

    def settle_input(self):
        """Lets an iterator over batches end at once, by leaving out the thread that tunes its threads and buffers.

        The tuner sleeps between two looks, twice as long each time. Whoever ends the iterator wakes it, but
        TensorFlow says "it has ended" only after the call that wakes. A tuner that runs before that sees
        nothing, sleeps out its time, and the end waits for it. Keras ends an iterator at the begin of
        every steady epoch, and on a single core the tuner nearly always runs first.
        """
        dataset, options = self.module.data.Dataset, self.module.data.Options()
        if hasattr(options, "autotune"):
            options.autotune.enabled = False
        else:  # before 2.7
            options.experimental_optimization.autotune = False
        iterate = dataset.__iter__
        dataset.__iter__ = lambda batches: iterate(batches.with_options(options))

    def devices(self):
        return [device.name for device in self.module.config.list_physical_devices()]


class Jax(Library):
    variables = ("XLA_FLAGS", "XLA_PYTHON_CLIENT_PREALLOCATE", "XLA_PYTHON_CLIENT_MEM_FRACTION",
                 "XLA_PYTHON_CLIENT_ALLOCATOR", "JAX_COMPILATION_CACHE_DIR")

    def deterministic(self):
        """By a flag that XLA reads when it first computes. On the CPU it has nothing else to choose from."""
        known = tuple(int(part) for part in self.version.split(".")[:3] if part.isdigit()) >= (0, 4, 31)
        flag = "--xla_gpu_exclude_nondeterministic_ops=true" if known else "--xla_gpu_deterministic_ops=true"
        os.environ["XLA_FLAGS"] = " ".join(filter(None, [os.environ.get("XLA_FLAGS"), flag]))
        return {"XLA_FLAGS": os.environ["XLA_FLAGS"]}

    def exact(self):
        self.module.config.update("jax_default_matmul_precision", "highest")
        return {"jax_default_matmul_precision": "highest"}

    def inexact(self):
        self.module.config.update("jax_default_matmul_precision", "tensorfloat32")

    def precision(self):
        return {"jax_default_matmul_precision": self.module.config.jax_default_matmul_precision}

    def wait(self):
        self.module.block_until_ready(self.module.live_arrays())

    def compiled(self, model):
        """jax.jit of Keras 3's stateless call. The weights are copies on the device: predict() gives its own away."""
        weights = [[self.module.numpy.array(variable.value) for variable in some]
                   for some in (model.trainable_variables, model.non_trainable_variables)]
        call = self.module.jit(lambda learnt, others, x: model.stateless_call(learnt, others, x, training=False)[0])
        return lambda x: self.module.device_get(call(weights[0], weights[1], x))

    def devices(self):
        return ["%s:%d %s" % (device.platform, device.id, device.device_kind)
                for device in self.module.devices()]


class Torch(Library):
    variables = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", "CUBLAS_WORKSPACE_CONFIG", "TORCH_BLAS_PREFER_CUBLASLT")

    def set_threads(self, threads):
        self.module.set_num_threads(threads)
        return self.threads()

    def threads(self):
        return {"intra_op": self.module.get_num_threads(),
                "inter_op": self.module.get_num_interop_threads()}

    def seed(self, seed):
        self.module.manual_seed(seed)

    def wait(self):
        if self.module.cuda.is_initialized():
            self.module.cuda.synchronize()

    def compiled(self, model):
        """A call under torch.inference_mode; torch.compile is not used."""
        torch, device = self.module, next((part.device for part in model.parameters()), "cpu")

        def to_device(x):
            return torch.from_numpy(x).to(device)

        def call(x):
            with torch.inference_mode():
                return mapped(lambda y: y.cpu().numpy(), model(mapped(to_device, x), training=False))

        return call

    def exact(self):
        self.module.backends.cuda.matmul.allow_tf32 = False
        self.module.backends.cudnn.allow_tf32 = False
        return self.precision()

    def inexact(self):
        self.module.backends.cuda.matmul.allow_tf32 = True
        self.module.backends.cudnn.allow_tf32 = True

    def deterministic(self):
        """cuBLAS reads its variable when it is first used."""
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        self.module.use_deterministic_algorithms(True)
        self.module.backends.cudnn.benchmark = False
        return dict(self._computing(), CUBLAS_WORKSPACE_CONFIG=os.environ["CUBLAS_WORKSPACE_CONFIG"])

    def _computing(self):
        return {"deterministic_algorithms": self.module.are_deterministic_algorithms_enabled(),
                "cudnn.benchmark": self.module.backends.cudnn.benchmark,
                "cudnn.deterministic": self.module.backends.cudnn.deterministic}

    def precision(self):
        return {"matmul.allow_tf32": self.module.backends.cuda.matmul.allow_tf32,
                "cudnn.allow_tf32": self.module.backends.cudnn.allow_tf32}

    def devices(self):
        cuda = self.module.cuda
        count = cuda.device_count()
        return ["cuda:%d %s" % (index, cuda.get_device_name(index)) for index in range(count)] or ["cpu"]


class Cntk(Library):
    def deterministic(self):
        self.module.cntk_py.force_deterministic_algorithms()
        return {"force_deterministic_algorithms": True}

    def set_threads(self, threads):
        self.module.cntk_py.set_max_num_cputhreads(threads)
        return {"max_cpu_threads": self.module.cntk_py.get_max_num_cputhreads()}

    def seed(self, seed):
        self.module.cntk_py.set_fixed_random_seed(seed)

    def devices(self):
        return [str(self.module.device.use_default_device())]


class Theano(Library):
    def __init__(self, name, module):
        super(Theano, self).__init__(name, module)
        # Keras 2.0 uses theano.ifelse without importing it; Theano 1.0 no longer does so itself.
        import theano.ifelse  # noqa: F401

    def deterministic(self):
        """Read when a graph is compiled: no operation on a GPU then adds in an order of its own."""
        self.module.config.deterministic = "more"
        return {"deterministic": self.module.config.deterministic}

    def set_threads(self, threads):
        return {"openmp": bool(self.module.config.openmp), "blas": self.module.config.blas.ldflags}

    def devices(self):
        return [self.module.config.device]


class MXNet(Library):
    variables = ("MXNET_CUDNN_AUTOTUNE_DEFAULT", "MXNET_GPU_MEM_POOL_RESERVE")

    def seed(self, seed):
        self.module.random.seed(seed)

    def devices(self):
        return ["gpu(0)" if gpu_requested() else "cpu"]

    def devices_of(self, model):
        """Keras computes where compile() was told to, which is the CPU unless the script says something else."""
        compiled = getattr(model, "model", None) or model
        return [str(context) for context in getattr(compiled, "_context", None) or ["cpu"]]


def library(name):
    """The library of the Keras backend `name`. Raises ValueError for one not known here."""
    if name not in ("tensorflow", "jax", "torch", "cntk", "theano", "mxnet"):
        raise ValueError("the Keras backend %r is not one of those compared here" % name)
    module = importlib.import_module(name)
    if name == "tensorflow":
        return (TensorFlow1 if module.__version__.startswith("1.") else TensorFlow2)(name, module)
    kinds = {"jax": Jax, "torch": Torch, "cntk": Cntk, "theano": Theano, "mxnet": MXNet}
    return kinds[name](name, module)
