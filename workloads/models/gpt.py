"""A small GPT: a decoder of Transformer blocks that learns to say which token comes next.

Two blocks of four heads, width 128, with normalization before each part, as GPT-2 has it; AdamW. build() gives logits
of every next token: tokens (batch, LENGTH) int32 -> (batch, LENGTH, VOCABULARY). The texts are made up: each token has
three that may follow it, one of them seven times in ten, so what is best known is right for about 0.7 of the tokens.
"""

import keras
import numpy as np
from keras import layers, ops

TITLE = "GPT"
KIND = "Transformer"
UNIT = "texts"
PLACE = 2
PARAMETERS = 478976
NEEDS = ["MultiHeadAttention", "keras.ops"]
BATCH = 32
EPOCHS = 2
SCALES = {
    "smoke": {"epochs": 2, "train": 64, "validation": 32, "timeout_s": 900},
    "quick": {"epochs": 3, "train": 512, "validation": 128, "timeout_s": 900},
    "article": {"epochs": 5, "train": 20000, "validation": 2000, "timeout_s": 28800},
    "gpu": {"epochs": 5, "train": 20480, "validation": 2048, "timeout_s": 600},
}
#: What `--mode generate` makes of the first text: so many tokens of a prompt, and so many more.
GENERATE = {"prompt": 16, "tokens": 48}
LEARNED = {"quick": 0.5, "article": 0.6, "gpu": 0.6}
#: Tokens are 0 to VOCABULARY - 1, and a text has LENGTH of them.
VOCABULARY, LENGTH = 256, 128
WIDTH, HEADS, BLOCKS = 128, 4, 2
ODDS = (0.7, 0.2, 0.1)


def data(train=512, validation=128, seed=0):
    random = np.random.RandomState(seed)
    follow = np.random.RandomState(2017).randint(0, VOCABULARY, (VOCABULARY, len(ODDS)))
    chosen = random.choice(len(ODDS), (train + validation, LENGTH), p=ODDS)
    texts = np.empty((train + validation, LENGTH + 1), "int32")
    texts[:, 0] = random.randint(0, VOCABULARY, len(texts))
    for place in range(LENGTH):
        texts[:, place + 1] = follow[texts[:, place], chosen[:, place]]
    x, y = texts[:, :-1], texts[:, 1:]
    return x[:train], y[:train], x[train:], y[train:]


class Positions(layers.Layer):
    """Embeddings of tokens and of their places, added."""

    def __init__(self, tokens, length, width, **named):
        super(Positions, self).__init__(**named)
        self.tokens = layers.Embedding(tokens, width)
        self.places = layers.Embedding(length, width)

    def build(self, shape):
        self.tokens.build(shape)
        self.places.build(shape)
        self.built = True

    def call(self, x):
        return self.tokens(x) + self.places(ops.arange(x.shape[-1]))


def block(x, dropout=0.1):
    seen = layers.LayerNormalization()(x)
    seen = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(seen, seen, use_causal_mask=True)
    x = layers.add([x, layers.Dropout(dropout)(seen)])
    inner = layers.Dense(4 * WIDTH, activation="gelu")(layers.LayerNormalization()(x))
    return layers.add([x, layers.Dropout(dropout)(layers.Dense(WIDTH)(inner))])


def build():
    tokens = keras.Input((LENGTH,), dtype="int32")
    x = Positions(VOCABULARY, LENGTH, WIDTH)(tokens)
    for _ in range(BLOCKS):
        x = block(x)
    logits = layers.Dense(VOCABULARY)(layers.LayerNormalization()(x))
    model = keras.Model(tokens, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3), loss, metrics=["accuracy"])
    return model
