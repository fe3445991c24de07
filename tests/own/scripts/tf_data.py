"""Pictures from a pipeline of tf.data: batched, augmented, fetched ahead."""
# backends: tensorflow
import keras
import numpy as np
import tensorflow as tf
from keras import layers

random = np.random.default_rng(10)
images = random.integers(0, 255, (320, 16, 16, 3)).astype("uint8")
labels = random.integers(0, 3, 320)


def prepare(image, label):
    image = tf.cast(image, tf.float32) / 255.0
    return tf.image.random_flip_left_right(image), label


train = tf.data.Dataset.from_tensor_slices((images[:256], labels[:256]))
train = train.shuffle(256, seed=1).map(prepare).batch(32, drop_remainder=True).prefetch(2)
validation = tf.data.Dataset.from_tensor_slices((images[256:], labels[256:])).map(prepare).batch(32)

model = keras.Sequential([
    layers.Conv2D(8, 3, activation="relu"),
    layers.GlobalAveragePooling2D(),
    layers.Dense(3),
])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(train, epochs=2, validation_data=validation)
