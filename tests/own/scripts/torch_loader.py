"""A model of Keras on a DataLoader of PyTorch."""
# backends: torch
import keras
import numpy as np
import torch
from keras import layers
from torch.utils.data import DataLoader, TensorDataset

random = np.random.default_rng(11)
x = torch.tensor(random.normal(size=(250, 20)), dtype=torch.float32)
y = (x.sum(dim=1) > 0).long()
train = DataLoader(TensorDataset(x[:200], y[:200]), batch_size=32, shuffle=True)
validation = DataLoader(TensorDataset(x[200:], y[200:]), batch_size=32)

model = keras.Sequential([keras.Input((20,)), layers.Dense(32, activation="relu"), layers.Dense(2)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(train, epochs=3, validation_data=validation)
