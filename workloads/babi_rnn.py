"""Recurrent networks that read a story and a question, on bAbI task 2.

Restates examples/babi_rnn.py of Keras 2.0.8: the question is read by an LSTM, its code is added
to every word of the story, and another LSTM reads the sum; Adam.
"""
import data

DEFAULTS = {
    "dataset": "babi",
    "batch_size": 32,
    "epochs": 40,
    "train": 950,
    "validation": 50,
    "parameters": 45836,
}
SIZE = 50
DROPOUT = 0.3


def load(path, train, validation, image_data_format):
    """Stories and questions as word numbers."""
    return data.babi(path, train, validation)


def build(keras, shapes, classes):
    """The model and its optimizer; an answer is one word, so `classes` is the vocabulary."""
    (story_length,), question_shape = shapes
    story = keras.input((story_length,), dtype="int32")
    told = keras.dropout(DROPOUT)(keras.embedding(classes, SIZE)(story))

    question = keras.input(question_shape, dtype="int32")
    asked = keras.dropout(DROPOUT)(keras.embedding(classes, SIZE)(question))
    asked = keras.lstm(SIZE)(asked)
    asked = keras.repeat_vector(story_length)(asked)

    merged = keras.lstm(SIZE)(keras.add([told, asked]))
    answer = keras.dense(classes, "softmax")(keras.dropout(DROPOUT)(merged))
    return keras.model([story, question], answer), keras.adam()
