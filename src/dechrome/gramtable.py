"""Byte weights of hashed n-grams, summed over the n-grams of each paragraph.

This is where most of the time of a prediction goes, so four sums share one 64-bit word: bytes are
stored as 0 to 255 in lanes of 16 bits, and no lane overflows within 256 n-grams. Whole numbers, so a
paragraph's sum does not depend on what else is in the batch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["GramTable"]

#: N-grams summed at once: 256 * 255 still fits into 16 bits.
_MOST = 256
#: Rows of up to so many words are summed one stretch after the other, wider ones side by side.
_NARROW = 8
#: Stretches summed side by side: few enough to stay in the cache, many enough for long vector operations.
_ABREAST = 64
_OFFSET = 128


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
