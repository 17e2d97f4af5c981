"""Paragraphs -> what they mean: a vector each, by a small convolution over their first words.

Distilled from multilingual-e5-small (Wang et al. 2024, https://arxiv.org/abs/2402.05672), which gives a text
and its translation vectors near each other; so what is learned of them in one language is likelier to hold in
others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dechrome.batch import MOST_LETTERS, Batch
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, find_words
from dechrome.scoring import affine, rectify, round_weights

__all__ = ["LEAST_BEGINNING", "LEAST_END", "MEANINGS", "MOST_WORDS", "Encoder", "find_pieces"]

_Array = npt.NDArray[np.float32]

#: Columns of the vectors: estimates of the first principal components of the teacher's, evened out.
MEANINGS: tuple[str, ...] = tuple(f"meaning_{i}" for i in range(48))
#: So many words of a paragraph are looked at, the first; punctuation marks are words too, as is a Chinese
#: character or a Thai letter.
MOST_WORDS = 24
#: Of an unknown word, so many letters at least make a beginning that is looked for, and an end.
LEAST_BEGINNING, LEAST_END = 3, 2
#: Columns of the hidden layer computed at once: OpenBLAS shares greater products among threads, whose sums
#: have other bits.
_COLUMNS = 128
#: Paragraphs encoded at once, so that memory does not grow with their number.
_CHUNK = 512


def find_pieces(
    batch: Batch, at: npt.NDArray[np.int64], checks: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint32]:
    """Find a beginning and an end of words, by which inflected forms and compounds are told.

    The longest that the vocabulary has, as in WordPiece (Schuster and Nakajima 2012,
    https://doi.org/10.1109/ICASSP.2012.6289079), but no more than two; between them letters may be left over.
    Words of LEAST_BEGINNING letters have none. As dozens are looked up of a long word, and each may be taken
    for another (:func:`dechrome.lexicon.find_words`), about one in twenty has a piece that is none.

    Parameters
    ----------
    batch : Batch
    at : ndarray of int64, shape (n_words,)
        Which of :attr:`Batch.single_words`.
    checks : ndarray of uint8, shape (2 ** VOCABULARY_BITS,)
        The vocabulary, from :func:`dechrome.lexicon.choose_words`.

    Returns
    -------
    ndarray of uint32, shape (n_words, 2)
        Places of the longest beginning but the word itself and of the longest end behind it; if there is only
        one of them, it stands first. UNKNOWN_WORD for what there is not.
    """
    beginnings, ends, sizes = batch.hash_pieces(at)
    column, size = np.arange(MOST_LETTERS), sizes[:, None]
    found = find_words(beginnings, checks)
    is_beginning = (found != UNKNOWN_WORD) & (column >= LEAST_BEGINNING - 1) & (column < size - 1)
    n_letters = np.where(is_beginning, column + 1, 0).max(axis=1)
    rows = np.arange(len(at))
    beginning = np.where(n_letters > 0, found[rows, n_letters - 1], UNKNOWN_WORD)
    found = find_words(ends, checks)
    is_end = (found != UNKNOWN_WORD) & (column >= np.maximum(n_letters, 1)[:, None])
    is_end &= (column <= size - LEAST_END) & (size > LEAST_BEGINNING)
    end = np.where(is_end.any(axis=1), found[rows, is_end.argmax(axis=1)], UNKNOWN_WORD)
    is_lone = beginning == UNKNOWN_WORD
    return np.column_stack([np.where(is_lone, end, beginning), np.where(is_lone, UNKNOWN_WORD, end)])


class Encoder:
    """Word vectors, a convolution over three words, a rectifier, its mean and maximum, two dense layers.

    The vector of a word that the vocabulary does not have is the sum of those of its pieces
    (:func:`find_pieces`).

    Parameters
    ----------
    checks : ndarray of uint8, shape (2 ** VOCABULARY_BITS,)
        The vocabulary, from :func:`dechrome.lexicon.choose_words`.
    table : ndarray of int8, shape (2 ** VOCABULARY_BITS, n_columns)
        Vector of the word at each place, at UNKNOWN_WORD that of words without pieces; what its numbers stand
        for is folded into the convolution.
    weights : sequence of three ndarray of float32
        Of the convolution, shape (3 * n_columns, width), and of the dense layers, (2 * width, n_hidden) and
        (n_hidden, n_meanings), with a rectifier between them. Rounded to float16, as which they are written.
    biases : sequence of three ndarray of float32
        Shapes (width,), (n_hidden,) and (n_meanings,).
    """

    def __init__(
        self,
        checks: npt.NDArray[np.uint8],
        table: npt.NDArray[np.int8],
        weights: Sequence[_Array],
        biases: Sequence[_Array],
    ) -> None:
        self.checks, self.table, self.weights, self.biases = checks, table, round_weights(weights), biases
        self._thirds = np.hstack(np.split(self.weights[0], 3))
        self._thirds_bias = np.concatenate([0 * biases[0], biases[0], 0 * biases[0]])
        parts = [slice(i, i + _COLUMNS) for i in range(0, len(biases[1]), _COLUMNS)]
        self._hidden = [(np.ascontiguousarray(self.weights[1][:, part]), biases[1][part]) for part in parts]

    def encode(self, batch: Batch) -> _Array:
        """Vectors of the paragraphs, shape (n_paragraphs, n_meanings); no value depends on the others."""
        _, ptr = batch.single_words
        sizes = np.minimum(np.diff(ptr), MOST_WORDS)
        vectors = np.empty((len(sizes), len(self.biases[2])), np.float32)
        order = np.argsort(-sizes, kind="stable")  # paragraphs of like length go together
        for start in range(0, len(order), _CHUNK):
            rows = order[start : start + _CHUNK]
            vectors[rows] = self._encode(batch, ptr[rows], sizes[rows])
        return vectors

    def _encode(self, batch: Batch, first: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> _Array:
        """Vectors of paragraphs, the longest first, whose words begin at ``first``."""
        # All first words, then all second ones, and so on: what stands beside a word has the same row there.
        n_words = np.searchsorted(-sizes, -np.arange(sizes.max(initial=0)))
        at = [first[:n] + step for step, n in enumerate(n_words.tolist())]
        places = self._find_places(batch, np.concatenate([first[:0], *at]))
        # What each third of the convolution makes of each word, once for equal ones: behind, at, before it.
        pairs, which = np.unique(places[:, 0] << VOCABULARY_BITS | places[:, 1], return_inverse=True)
        vectors = self.table[pairs >> VOCABULARY_BITS].astype(np.float32)
        second = pairs & (1 << VOCABULARY_BITS) - 1
        is_two = second != UNKNOWN_WORD
        vectors[is_two] += self.table[second[is_two]]
        parts = affine(vectors, self._thirds, self._thirds_bias)[which]
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
        pooled = np.hstack([means, highest])
        hidden = np.hstack([affine(pooled, *layer) for layer in self._hidden])
        return affine(rectify(hidden), self.weights[2], self.biases[2])

    def _find_places(self, batch: Batch, at: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Places of which the vectors add up to those of some of the batch's words, as of their pieces."""
        places = np.zeros((len(at), 2), np.int64)
        places[:, 0] = find_words(batch.single_words[0][at], self.checks)
        unknown = np.flatnonzero(places[:, 0] == UNKNOWN_WORD)
        places[unknown] = find_pieces(batch, at[unknown], self.checks)
        return places
