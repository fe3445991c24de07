"""Is a review friendly? A bidirectional LSTM over its words."""
import keras
import numpy as np
from keras import layers

random = np.random.default_rng(2)
reviews = [[int(word) for word in random.integers(2, 200, random.integers(5, 30))] for _ in range(384)]
friendly = np.array([sum(word < 100 for word in review) * 2 > len(review) for review in reviews], dtype="float32")
x = keras.utils.pad_sequences(reviews, maxlen=24)

model = keras.Sequential([
    keras.Input((24,), dtype="int32"),
    layers.Embedding(200, 16, mask_zero=False),
    layers.Bidirectional(layers.LSTM(8, return_sequences=True)),
    layers.Bidirectional(layers.LSTM(8)),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, friendly, batch_size=32, epochs=2, validation_split=0.25, class_weight={0: 1.0, 1: 1.2})
