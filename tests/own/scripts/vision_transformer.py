"""Small pictures cut into patches; the model is put together in a function, the optimizer has a schedule."""
import keras
import numpy as np
from keras import layers, ops

SIDE, PATCH, WIDTH = 16, 4, 24


class Patches(layers.Layer):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def call(self, images):
        cut = ops.image.extract_patches(images, size=self.size)
        return ops.reshape(cut, (-1, (SIDE // self.size) ** 2, self.size * self.size * 3))


class PlaceOfPatch(layers.Layer):
    def build(self, shape):
        self.places = self.add_weight(shape=shape[1:], initializer="random_normal", name="places")

    def call(self, x):
        return x + self.places


def make_model():
    images = keras.Input((SIDE, SIDE, 3))
    x = PlaceOfPatch()(layers.Dense(WIDTH)(Patches(PATCH)(images)))
    for _ in range(2):
        calm = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, WIDTH // 2, dropout=0.1)(calm, calm)])
        calm = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.Dense(WIDTH)(layers.Dense(2 * WIDTH, activation="gelu")(calm))])
    return keras.Model(images, layers.Dense(4)(layers.Flatten()(x)))


random = np.random.default_rng(3)
labels = random.integers(0, 4, 320)
images = random.random((320, SIDE, SIDE, 3), dtype="float32")
images[np.arange(320), :, :, 0] += labels[:, None, None] * 0.3

model = make_model()
model.compile(
    optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(1e-3, 100), weight_decay=1e-4),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
             keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")],
)
model.fit(x=images[:256], y=labels[:256], batch_size=32, epochs=2, validation_data=(images[256:], labels[256:]))
