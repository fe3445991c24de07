"""Two kinds of waves told apart by attention over time; learning slows down where it stands still."""
import keras
import numpy as np
from keras import layers

STEPS = 48


def waves(count, seed):
    random = np.random.RandomState(seed)
    kinds = random.randint(0, 2, count)
    time = np.arange(STEPS) / STEPS
    x = np.sin(2 * np.pi * (3 + 3 * kinds[:, None]) * time + random.uniform(0, 6, (count, 1)))
    return (x + 0.3 * random.normal(size=x.shape))[..., None], kinds


def encoder(x, width, heads):
    y = layers.MultiHeadAttention(key_dim=width, num_heads=heads, dropout=0.1)(x, x)
    y = layers.LayerNormalization(epsilon=1e-6)(layers.Dropout(0.1)(y))
    joined = x + y
    y = layers.Conv1D(filters=4, kernel_size=1, activation="relu")(joined)
    y = layers.Conv1D(filters=x.shape[-1], kernel_size=1)(y)
    return layers.LayerNormalization(epsilon=1e-6)(y) + joined


x_train, y_train = waves(384, 6)
inputs = keras.Input(shape=x_train.shape[1:])
x = inputs
for _ in range(2):
    x = encoder(x, 16, 2)
x = layers.GlobalAveragePooling1D(data_format="channels_last")(x)
x = layers.Dense(16, activation="relu")(x)
model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(1e-3),
              metrics=["sparse_categorical_accuracy"])
model.fit(x_train, y_train, validation_split=0.2, epochs=2, batch_size=32,
          callbacks=[keras.callbacks.ReduceLROnPlateau(patience=1)])
model.evaluate(*waves(64, 7))
