"""Takes noise out of pictures: convolutions down and up again, the best model kept, training ended early."""
import keras
import numpy as np
from keras import layers

random = np.random.default_rng(5)
clean = np.zeros((192, 16, 16, 1), "float32")
for image in clean:
    row, column = random.integers(2, 12, 2)
    image[row:row + 4, column:column + 4] = 1.0
noisy = np.clip(clean + 0.4 * random.standard_normal(clean.shape).astype("float32"), 0, 1)

inputs = layers.Input(shape=(16, 16, 1))
x = layers.Conv2D(8, 3, activation="relu", padding="same")(inputs)
x = layers.MaxPooling2D(2, padding="same")(x)
x = layers.Conv2D(8, 3, activation="relu", padding="same")(x)
x = layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same")(x)
autoencoder = keras.Model(inputs, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x))
autoencoder.compile("adam", "binary_crossentropy")
autoencoder.summary()
autoencoder.fit(
    noisy[:160], clean[:160], epochs=3, batch_size=32, shuffle=True, validation_data=(noisy[160:], clean[160:]),
    callbacks=[keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True),
               keras.callbacks.EarlyStopping(patience=5)],
)
print("error of the best:", keras.models.load_model("best.keras").evaluate(noisy[160:], clean[160:], verbose=0))
