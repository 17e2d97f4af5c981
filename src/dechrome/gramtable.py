"""Hashed n-grams, and their byte weights summed over the n-grams of each paragraph.

This is where most of the time of a prediction goes, so four sums share one 64-bit word: bytes are
stored as 0 to 255 in lanes of 16 bits, and no lane overflows within 256 n-grams. Whole numbers, so a
paragraph's sum does not depend on what else is in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["LIMIT", "GramTable", "LinearScores", "hash_grams", "hash_parts", "hash_runs"]

#: N-grams summed at once: 256 * 255 still fits into 16 bits.
_MOST = 256
#: Rows of up to so many words are summed one stretch after the other, wider ones side by side.
_NARROW = 8
#: Stretches summed side by side: few enough to stay in the cache, many enough for long vector operations.
_ABREAST = 64
_OFFSET = 128
#: Log-odds are clipped to this.
LIMIT = 8.0
_MULTIPLIER = np.uint32(0x9E3779B1)  # Knuth's multiplicative hashing, 2 ** 32 / golden ratio
_STEP = np.uint32(0x01000193)  # FNV prime (http://www.isthe.com/chongo/tech/comp/fnv/)
#: Its powers tell the symbols of a run apart by their place; those behind so many share one.
_MOST_PLACES = 64
_PLACES = np.cumprod(np.full(_MOST_PLACES, _STEP), dtype=np.uint32)
#: What undoes them: a sum times the one at ``k`` is that of symbols which stand ``k`` places further ahead.
_AHEAD = np.array([pow(int(_STEP), -k, 1 << 32) for k in range(_MOST_PLACES)], np.uint32)


def hash_grams(
    symbols: npt.NDArray[np.uint32], at: npt.NDArray[np.int64] | slice, sizes: Sequence[int], bits: int
) -> npt.NDArray[np.uint32]:
    """Hash the n-grams that begin at the given positions.

    Parameters
    ----------
    symbols : ndarray of uint32, shape (n_symbols,)
    at : ndarray of int64, shape (n_positions,), or slice
        Not so near the end that an n-gram would reach beyond it.
    sizes : sequence of int
        Rising, without gaps.
    bits : int

    Returns
    -------
    ndarray of uint32, shape (n_positions * len(sizes),)
        Below ``2 ** bits``; those of one position stand together.
    """
    rolling = np.zeros(1, np.uint32)
    shift = np.uint32(32 - bits)
    columns = []
    for size in range(sizes[-1]):
        following = slice(at.start + size, at.stop + size) if isinstance(at, slice) else at + size
        rolling = rolling * _STEP + symbols[following] + np.uint32(1)
        if size + 1 >= sizes[0]:
            columns.append((rolling * _MULTIPLIER) >> shift)
    return np.stack(columns, axis=1).reshape(-1)


def hash_runs(symbols: npt.NDArray[np.uint32], first: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """Hash runs of symbols, such as words.

    Parameters
    ----------
    symbols : ndarray of uint32, shape (n_symbols,)
        0 where a symbol does not count.
    first : ndarray of int64, shape (n_runs,)
        Where each run begins, rising, the first at 0; it reaches to the next.

    Returns
    -------
    ndarray of uint32, shape (n_runs,)
    """
    place = np.arange(len(symbols)) - np.repeat(first, np.diff(first, append=len(symbols)))
    letters = symbols * _PLACES[np.minimum(place, _MOST_PLACES - 1)]
    return _mix(np.add.reduceat(letters, first, dtype=np.uint32))


def hash_parts(
    symbols: npt.NDArray[np.uint32],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Hash all beginnings and all ends of runs of symbols, as :func:`hash_runs` would if they were runs.

    Parameters
    ----------
    symbols : ndarray of uint32, shape (n_runs, n_symbols)
        Each row a run of at most 64, 0 behind it.

    Returns
    -------
    beginnings : ndarray of uint32, shape (n_runs, n_symbols)
        Column ``k`` is of the symbols up to number ``k``, it included.
    ends : ndarray of uint32, shape (n_runs, n_symbols)
        Column ``k`` is of the symbols from number ``k`` on.
    """
    n = symbols.shape[1]
    letters = symbols * _PLACES[:n]
    sums = np.cumsum(letters, axis=1, dtype=np.uint32)
    return _mix(sums), _mix((sums[:, -1:] - sums + letters) * _AHEAD[:n])


def _mix(sums: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Mix bits, or n-grams of runs, which sum in the same way, would be as one longer run."""
    mixed = sums * _MULTIPLIER
    return mixed ^ (mixed >> np.uint32(15))


class GramTable:
    """Weights of every bucket.

    Parameters
    ----------
    weights : ndarray of int8, shape (n_buckets, n_columns)
    """

    def __init__(self, weights: npt.NDArray[np.int8]) -> None:
        self.n_columns = weights.shape[1]
        # One row of zeros behind the buckets fills up stretches shorter than their neighbours.
        lanes = np.zeros((len(weights) + 1, -(-self.n_columns // 4) * 4), np.uint16)
        lanes[:-1, : self.n_columns] = weights.astype(np.int16) + _OFFSET
        self._words = lanes.view(np.uint64)

    def sum(self, buckets: npt.NDArray[np.uint32], ptr: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Sum the weights of each paragraph's n-grams.

        Parameters
        ----------
        buckets : ndarray of uint32, shape (n_grams,)
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            The n-grams of paragraph ``i`` are ``buckets[ptr[i] : ptr[i + 1]]``.

        Returns
        -------
        ndarray of int32, shape (n_paragraphs, n_columns)
        """
        n_grams = np.diff(ptr)
        if len(n_grams) == 0:
            return np.zeros((0, self.n_columns), np.int32)
        n_stretches = np.maximum(-(-n_grams // _MOST), 1)
        first = np.cumsum(n_stretches) - n_stretches
        owner = np.repeat(np.arange(len(n_grams)), n_stretches)
        skipped = (np.arange(len(owner)) - first[owner]) * _MOST
        sums = self._sum_stretches(buckets, ptr[:-1][owner] + skipped, n_grams[owner] - skipped)
        if len(owner) > len(n_grams):
            sums = np.add.reduceat(sums, first, axis=0)
        return sums - (_OFFSET * n_grams[:, None]).astype(np.int32)

    def _sum_stretches(
        self, buckets: npt.NDArray[np.uint32], start: npt.NDArray[np.int64], size: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int32]:
        """Sum lanes over the first 256 of ``size`` n-grams from each ``start`` on."""
        if self._words.shape[1] <= _NARROW:
            sums = np.add.reduceat(self._words.take(buckets, axis=0), start, axis=0)
            return sums.view(np.uint16)[:, : self.n_columns].astype(np.int32)
        size = np.minimum(size, _MOST)
        sums = np.empty((len(start), self._words.shape[1]), np.uint64)
        filled = np.append(buckets, len(self._words) - 1).astype(np.intp)
        order = np.argsort(size, kind="stable")  # neighbours of like length need little filling up
        for at in range(0, len(order), _ABREAST):
            rows = order[at : at + _ABREAST]
            step = np.arange(size[rows[-1]])[:, None]
            place = np.where(step < size[rows], start[rows] + step, len(buckets))
            sums[rows] = self._words.take(filled.take(place), axis=0).sum(axis=0)
        return sums.view(np.uint16)[:, : self.n_columns].astype(np.int32)


class LinearScores:
    """Log-odds that are weighted sums over the n-grams of a paragraph, a logistic regression each.

    Parameters
    ----------
    weights : ndarray of int8, shape (n_buckets, n_scores)
        In units of ``scale``.
    scale : ndarray of float32, shape (n_scores,)
    intercept : ndarray of float32, shape (n_scores,)
    """

    def __init__(
        self,
        weights: npt.NDArray[np.int8],
        scale: npt.NDArray[np.float32],
        intercept: npt.NDArray[np.float32],
    ) -> None:
        self.weights, self.scale, self.intercept = weights, scale, intercept
        self._table = GramTable(weights)

    def sum(self, buckets: npt.NDArray[np.uint32], ptr: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Log-odds of every paragraph, without bounds.

        Parameters
        ----------
        buckets, ptr
            As in :meth:`GramTable.sum`; no paragraph is without n-grams.

        Returns
        -------
        ndarray of float32, shape (n_paragraphs, n_scores)
            An n-gram counts 1 / sqrt(n_grams), so long paragraphs do not outshout.
        """
        per_gram = self.scale / np.sqrt(np.diff(ptr), dtype=np.float32)[:, None]
        return (self._table.sum(buckets, ptr) * per_gram + self.intercept).astype(np.float32)

    def score(self, buckets: npt.NDArray[np.uint32], ptr: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Log-odds of every paragraph as :meth:`sum` has them, but in [-8, 8]."""
        return np.clip(self.sum(buckets, ptr), -LIMIT, LIMIT)
