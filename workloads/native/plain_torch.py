"""The models in plain PyTorch: eager, as Keras' own steps on PyTorch are; channels come first."""
import torch
from torch import nn
from torch.nn import functional

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


MODELS = {"mnist_mlp": Mlp}


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


OPTIMIZERS = {"RMSprop": RMSprop}


def to_torch(array):
    """A kernel of Keras as PyTorch keeps it: what comes in stands last."""
    return array.T if array.ndim == 2 else array


def from_torch(array):
    return array.T if array.ndim == 2 else array


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
            for part, array in zip(self.model.parameters(), arrays):
                part.copy_(torch.tensor(to_torch(array)))

    def weights(self):
        """The arrays in the order and the layout of Keras."""
        return [from_torch(part.detach().cpu().numpy()) for part in self.model.parameters()]

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
