"""Paragraphs -> what they mean: a vector each, by a small convolution over their first words.

Distilled from multilingual-e5-small (Wang et al. 2024, https://arxiv.org/abs/2402.05672), which gives a text
and its translation vectors near each other; so what is learned of them in one language is likelier to hold in
others.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.lexicon import find_words
from dechrome.scoring import affine, rectify

__all__ = ["MEANINGS", "MOST_WORDS", "Encoder"]

_Array = npt.NDArray[np.float32]

#: Columns of the vectors: estimates of the first principal components of the teacher's, evened out.
MEANINGS: tuple[str, ...] = tuple(f"meaning_{i}" for i in range(48))
#: So many words of a paragraph are looked at, the first; punctuation marks are words too, as is a Chinese
#: character or a Thai letter.
MOST_WORDS = 24
#: Paragraphs encoded at once, so that memory does not grow with their number.
_CHUNK = 512


class Encoder:
    """Word vectors, a convolution over three words, a rectifier, its mean and maximum, a dense layer.

    Parameters
    ----------
    checks : ndarray of uint8, shape (2 ** VOCABULARY_BITS,)
        The vocabulary, from :func:`dechrome.lexicon.choose_words`.
    table : ndarray of int8, shape (2 ** VOCABULARY_BITS, n_columns)
        Vector of the word at each place, at UNKNOWN_WORD that of all others; what its numbers stand for is
        folded into the convolution.
    weights : tuple of two ndarray of float32
        Of the convolution, shape (3 * n_columns, width), and of the dense layer, (2 * width, n_meanings).
    biases : tuple of two ndarray of float32
        Shapes (width,) and (n_meanings,).
    """

    def __init__(
        self,
        checks: npt.NDArray[np.uint8],
        table: npt.NDArray[np.int8],
        weights: tuple[_Array, _Array],
        biases: tuple[_Array, _Array],
    ) -> None:
        self.checks, self.table, self.weights, self.biases = checks, table, weights, biases
        self._thirds = np.hstack(np.split(weights[0], 3))
        self._thirds_bias = np.concatenate([0 * biases[0], biases[0], 0 * biases[0]])

    def encode(self, batch: Batch) -> _Array:
        """Vectors of the paragraphs, shape (n_paragraphs, n_meanings); no value depends on the others."""
        hashes, ptr = batch.single_words
        sizes = np.minimum(np.diff(ptr), MOST_WORDS)
        vectors = np.empty((len(sizes), len(self.biases[1])), np.float32)
        order = np.argsort(-sizes, kind="stable")  # paragraphs of like length go together
        for start in range(0, len(order), _CHUNK):
            rows = order[start : start + _CHUNK]
            vectors[rows] = self._encode(hashes, ptr[rows], sizes[rows])
        return vectors

    def _encode(
        self, hashes: npt.NDArray[np.uint32], first: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
    ) -> _Array:
        """Vectors of paragraphs, the longest first, whose words begin at ``first``."""
        # All first words, then all second ones, and so on: what stands beside a word has the same row there.
        n_words = np.searchsorted(-sizes, -np.arange(sizes.max(initial=0)))
        at = [first[:n] + step for step, n in enumerate(n_words.tolist())]
        places = find_words(hashes[np.concatenate([first[:0], *at])], self.checks)
        # What each third of the convolution makes of each word: behind it, at it, before it.
        parts = affine(self.table[places].astype(np.float32), self._thirds, self._thirds_bias)
        steps = np.split(parts, np.cumsum(n_words)[:-1]) if len(n_words) else []
        width = len(self.biases[0])
        total = np.zeros((len(sizes), width), np.float32)
        highest = np.zeros_like(total)
        for step, here in enumerate(steps):
            made = here[:, width : 2 * width].copy()
            if step:
                made += steps[step - 1][: len(here), :width]
            if step + 1 < len(steps):
                behind = steps[step + 1][:, 2 * width :]
                made[: len(behind)] += behind
            rectify(made)
            total[: len(here)] += made
            np.maximum(highest[: len(here)], made, out=highest[: len(here)])
        means = total / np.maximum(sizes, 1).astype(np.float32)[:, None]
        return affine(np.hstack([means, highest]), self.weights[1], self.biases[1])
