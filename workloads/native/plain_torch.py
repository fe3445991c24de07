"""The models in plain PyTorch: eager, as Keras' own steps on PyTorch are; channels come first."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional

import texts

image_data_format = "channels_first"
#: torch.compile is not used.
jit = False


class Mlp(nn.Module):
    """Two dense layers of 512 with dropout."""

    def __init__(self):
        super(Mlp, self).__init__()
        self.first, self.second, self.last = nn.Linear(784, 512), nn.Linear(512, 512), nn.Linear(512, 10)

    def forward(self, x):
        x = functional.dropout(functional.relu(self.first(x)), 0.2, self.training)
        x = functional.dropout(functional.relu(self.second(x)), 0.2, self.training)
        return self.last(x)


class Cnn(nn.Module):
    """Four convolutions, two poolings, one dense layer, with dropout."""

    #: What is flattened, as Keras has it: its kernel's rows are in another order here.
    image = (6, 6, 64)

    def __init__(self):
        super(Cnn, self).__init__()
        self.first, self.second = nn.Conv2d(3, 32, 3, padding="same"), nn.Conv2d(32, 32, 3)
        self.third, self.fourth = nn.Conv2d(32, 64, 3, padding="same"), nn.Conv2d(64, 64, 3)
        self.flat, self.last = nn.Linear(6 * 6 * 64, 512), nn.Linear(512, 10)

    def forward(self, x):
        for one, other in ((self.first, self.second), (self.third, self.fourth)):
            x = functional.relu(other(functional.relu(one(x))))
            x = functional.dropout(functional.max_pool2d(x, 2), 0.25, self.training)
        x = functional.dropout(functional.relu(self.flat(x.flatten(1))), 0.5, self.training)
        return self.last(x)


class TextTransformer(nn.Module):
    """One block of two heads over embeddings of words and places."""

    def __init__(self):
        super(TextTransformer, self).__init__()
        width, wide = texts.WIDTH, texts.HEADS * texts.WIDTH
        self.words, self.places = nn.Embedding(texts.VOCABULARY, width), nn.Embedding(texts.LENGTH, width)
        self.query, self.key, self.value = (nn.Linear(width, wide) for _ in range(3))
        self.out, self.norm = nn.Linear(wide, width), nn.LayerNorm(width, eps=1e-6)
        self.inner, self.outer = nn.Linear(width, texts.INNER), nn.Linear(texts.INNER, width)
        self.norm_of_inner = nn.LayerNorm(width, eps=1e-6)
        self.hidden, self.last = nn.Linear(width, 20), nn.Linear(20, 2)

    def forward(self, x):
        def drop(x):
            return functional.dropout(x, 0.1, self.training)

        x = self.words(x) + self.places.weight
        heads = (part(x).unflatten(2, (texts.HEADS, -1)).transpose(1, 2) for part in (self.query, self.key, self.value))
        told = functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        x = self.norm(x + drop(self.out(told)))
        x = self.norm_of_inner(x + drop(self.outer(functional.relu(self.inner(x)))))
        return self.last(drop(functional.relu(self.hidden(drop(x.mean(1))))))


MODELS = {"mnist_mlp": Mlp, "cifar10_cnn": Cnn, "text_transformer": TextTransformer}


class RMSprop(object):
    """As in Keras: epsilon stands under the root, which torch.optim adds to the root."""

    def __init__(self, parameters, settings):
        self._parameters, self._settings, self._steps = list(parameters), settings, 0
        self._velocities = [torch.zeros_like(part) for part in self._parameters]

    def step(self):
        its, gradients = self._settings, [part.grad for part in self._parameters]
        rate = its["learning_rate"] / (1 + its["decay"] * self._steps)
        torch._foreach_mul_(self._velocities, its["rho"])
        torch._foreach_addcmul_(self._velocities, gradients, gradients, 1 - its["rho"])
        roots = torch._foreach_add(self._velocities, its["epsilon"])
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(self._parameters, gradients, roots, -rate)
        self._steps += 1


class Adam(object):
    """As in Keras: epsilon is added before the root is corrected for its begin at zero, and in torch.optim after it."""

    def __init__(self, parameters, settings):
        self._parameters, self._settings, self._steps = list(parameters), settings, 0
        self._means, self._squares = ([torch.zeros_like(part) for part in self._parameters] for _ in range(2))

    def step(self):
        its, gradients = self._settings, [part.grad for part in self._parameters]
        one, two = its["beta_1"], its["beta_2"]
        self._steps += 1
        rate = its["learning_rate"] * (1 - two ** self._steps) ** 0.5 / (1 - one ** self._steps)
        torch._foreach_lerp_(self._means, gradients, 1 - one)
        torch._foreach_mul_(self._squares, two)
        torch._foreach_addcmul_(self._squares, gradients, gradients, 1 - two)
        roots = torch._foreach_sqrt(self._squares)
        torch._foreach_add_(roots, its["epsilon"])
        torch._foreach_addcdiv_(self._parameters, self._means, roots, -rate)


OPTIMIZERS = {"RMSprop": RMSprop, "Adam": Adam}


def to_torch(array, module, image):
    """A kernel of Keras as PyTorch keeps it, with what comes in last. `image`: what was flattened before, if anything."""
    if isinstance(module, nn.Conv2d):
        return array.transpose(3, 2, 0, 1)
    if image and array.shape[0] == np.prod(image):
        array = array.reshape(image + (-1,)).transpose(2, 0, 1, 3)
    return array.reshape(module.in_features, module.out_features).T


def to_keras(array, module, image):
    """The other way round."""
    if isinstance(module, nn.Conv2d):
        return array.transpose(2, 3, 1, 0)
    if image and array.shape[1] == np.prod(image):
        return array.T.reshape((image[2],) + image[:2] + (-1,)).transpose(1, 2, 0, 3)
    return array.T


def turned(model, arrays, turn):
    """The arrays of all parameters in their order, kernels turned to the layout of the other side."""
    owners = [(module, name) for module in model.modules() for name, _ in module.named_parameters(recurse=False)]
    image = getattr(model, "image", None)
    return [turn(array, module, image) if name == "weight" and isinstance(module, (nn.Conv2d, nn.Linear)) else array
            for array, (module, name) in zip(arrays, owners)]


class Trainer(object):
    """One model with its optimizer. `dropout=False` is for whoever compares steps."""

    def __init__(self, name, dropout=True):
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = MODELS[name]().to(self._device).train(dropout)
        self._dropout = dropout

    def count_params(self):
        return sum(part.numel() for part in self.model.parameters())

    def set_weights(self, arrays):
        """`arrays`: in the order and the layout of Keras."""
        with torch.no_grad():
            self._shapes = [array.shape for array in arrays]
            for part, array in zip(self.model.parameters(), turned(self.model, arrays, to_torch)):
                part.copy_(torch.tensor(array).reshape(part.shape))

    def weights(self):
        """The arrays in the order and the layout of Keras."""
        arrays = [part.detach().cpu().numpy() for part in self.model.parameters()]
        return [array.reshape(shape) for array, shape in zip(turned(self.model, arrays, to_keras), self._shapes)]

    def compile(self, settings):
        self._optimizer = OPTIMIZERS[settings["class_name"]](self.model.parameters(), settings)

    def begin(self):
        """Loss and accuracy are measured anew."""
        self._loss, self._right, self._samples = 0.0, 0, 0

    def train(self, x, y):
        """One step on one batch of numpy arrays; `y` is one-hot, or has numbers of classes."""
        self.model.train(self._dropout)
        loss = self._measured(x, y)
        self.model.zero_grad()
        loss.backward()
        with torch.no_grad():
            self._optimizer.step()

    def evaluate(self, x, y):
        self.model.eval()
        with torch.no_grad():
            self._measured(x, y)

    def _measured(self, x, y):
        x, y = torch.from_numpy(x).to(self._device), torch.from_numpy(y).to(self._device)
        logits = self.model(x)
        loss = functional.cross_entropy(logits, y if y.ndim == 2 else y.long())
        labels = y.argmax(1) if y.ndim == 2 else y
        self._loss += loss.detach() * len(x)
        self._right += (logits.detach().argmax(1) == labels).sum()
        self._samples += len(x)
        return loss

    def figures(self):
        return {"loss": float(self._loss) / self._samples, "acc": float(self._right) / self._samples}

    def wait(self):
        if self._device.type == "cuda":
            torch.cuda.synchronize()
