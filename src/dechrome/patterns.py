"""Paragraphs -> pattern scores: what the order of letters, digits and signs says about the kind.

With each run of letters as one symbol, ``Photo: Ana Ruiz/EFE`` is ``Aa: Aa Aa/A`` and ``12.05.2026, 9:40`` is
``00.00.0000, 0:00``: credits, dates, bylines and menus look alike in every language that writes letters,
so n-grams of such symbols say in a language never seen what words say in a known one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.characters import CLASSES
from dechrome.gramtable import LinearScores, hash_grams

__all__ = ["PATTERN_BITS", "PatternModel", "pattern_grams"]

#: Buckets of the hashed n-grams: 2 ** PATTERN_BITS. Bits, sizes and how much is read were chosen by AUC on
#: the development sites: shorter n-grams add nothing, longer ones and more buckets little.
PATTERN_BITS = 14
_SIZES = (3, 4, 5)
#: Symbols read at the start and at the end of a paragraph.
_HEAD, _TAIL = 96, 48
#: A run of equal classes is one symbol, told apart by how long it is: 1, 2 to 3, 4 to 8, more.
_LENGTHS = (1, 3, 8)
_FRAME = 0
_DIGIT = CLASSES.index("digit")
_MERGED = np.arange(len(CLASSES), dtype=np.uint8)
_MERGED[CLASSES.index("mark")] = CLASSES.index("uncased")
_END = np.uint8(len(CLASSES))


def pattern_grams(batch: Batch) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Buckets of the hashed 3- to 5-grams of symbols, the frames included.

    Returns
    -------
    buckets : ndarray of uint32, shape (n_grams,)
        Below ``2 ** PATTERN_BITS``.
    ptr : ndarray of int64, shape (n_paragraphs + 1,)
        The grams of paragraph ``i`` are ``buckets[ptr[i] : ptr[i + 1]]``; never empty.
    """
    symbols, size = _read_symbols(batch)
    # A frame before each paragraph, its end and three more frames behind keep n-grams apart.
    n_framed = size + _SIZES[-1] - 1
    first = np.cumsum(n_framed) - n_framed
    place = np.arange(len(symbols)) + np.repeat(first - (np.cumsum(size) - size), size)
    framed = np.full(int(n_framed.sum()) + _SIZES[-1], _FRAME, np.uint32)
    framed[place + 1] = symbols
    buckets = hash_grams(framed, place, _SIZES, PATTERN_BITS)
    return buckets, np.concatenate([np.zeros(1, np.int64), np.cumsum(size)]) * len(_SIZES)


def _read_symbols(batch: Batch) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Symbols of the beginnings and ends of all paragraphs, and how many each has; the last is its end."""
    ptr = batch.codes[1]
    merged = _MERGED[batch.classes]
    merged[ptr[1:] - 1] = _END
    starts = np.ones(len(merged), np.bool_)
    starts[1:] = (merged[1:] != merged[:-1]) | (merged[1:] == _DIGIT)
    starts[ptr[:-1]] = True  # an empty paragraph's end is a symbol of its own too
    at = np.flatnonzero(starts)
    run = np.diff(at, append=len(merged))
    symbols = merged[at].astype(np.uint32) * (len(_LENGTHS) + 1) + np.searchsorted(_LENGTHS, run) + 1
    symbols[merged[at] == _END] = _FRAME
    bounds = np.searchsorted(at, ptr)
    size = np.diff(bounds)
    owner = np.repeat(np.arange(len(size)), size)
    position = np.arange(len(symbols)) - bounds[owner]
    is_read = (position < _HEAD) | (size[owner] - position <= _TAIL)
    return symbols[is_read], np.bincount(owner[is_read], minlength=len(size))


class PatternModel:
    """Linear scores over hashed n-grams of symbols.

    Parameters
    ----------
    scores : LinearScores
        Of ``2 ** PATTERN_BITS`` buckets, columns as SCORES.
    """

    def __init__(self, scores: LinearScores) -> None:
        self.scores = scores

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Log-odds of every paragraph, shape (n_paragraphs, n_pattern_scores)."""
        return self.scores.score(*pattern_grams(batch))
