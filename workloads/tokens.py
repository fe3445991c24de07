"""Generates text greedily with a model of next-token logits, by a plain loop whose input always has the same length.

No cache of keys and values, no batching: what a token costs that is made by calling the model as it is. The model takes
whole numbers (1, length) and gives logits (1, length, words), of which those at the last token's position count.
"""
import numpy as np

import calls
import given

#: Tokens of the prompt, and tokens that are made of it, where the file does not say.
PROMPT, TOKENS = 16, 48


def generate(writer, found, x, asked, seconds):
    """Every way but predict(), which is made for many batches: the time of each token, and the tokens.

    `asked`: {"prompt", "tokens"} as the file declares them; with the inputs' length they must fit.
    """
    sample = x if hasattr(x, "shape") else given.leaves(x, "")[0][1]
    window = np.array(sample[:1])
    prompt, tokens = int(asked.get("prompt", PROMPT)), int(asked.get("tokens", TOKENS))
    if window.ndim != 2 or window.dtype.kind not in "iuf" or not 0 < prompt < prompt + tokens <= window.shape[1] + 1:
        raise ValueError("%d tokens of a prompt of %d need inputs of one row of at least %d numbers each, not %s" % (
            tokens, prompt, prompt + tokens - 1, list(window.shape[1:])))
    for name, call in found:
        if name != "predict":
            loop = Loop(call, window, prompt, tokens)
            calls.timed(writer, name, 1, loop.step, seconds)
            writer.write("output", way=name, tokens=loop.whole())


class Loop(object):
    """One generation after the other from the same prompt; each step makes one token."""

    def __init__(self, call, window, prompt, tokens):
        self._call, self._prompt, self._tokens = call, prompt, tokens
        self._start = window.copy()
        self._start[:, prompt:] = 0

    def step(self, number):
        """The next token; the first of a generation where `number` is a multiple of how many one has."""
        at = number % self._tokens
        if at == 0:
            self._window, self.made = self._start.copy(), []
        last = self._prompt + at - 1
        logits = np.asarray(self._call(self._window))
        if logits.shape[:2] != self._window.shape or logits.ndim != 3:
            raise ValueError("a model that generates gives logits (1, %d, words), not %s" % (
                self._window.shape[1], list(logits.shape)))
        token = int(logits[0, last].argmax())
        self.made.append(token)
        if last + 1 < self._window.shape[1]:
            self._window[0, last + 1] = token
        return token

    def whole(self):
        """The tokens of one whole generation."""
        return [self.step(number) for number in range(self._tokens)]
