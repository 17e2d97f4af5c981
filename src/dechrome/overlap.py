"""Paragraphs + first-pass probabilities -> how much of a paragraph stands elsewhere in the article.

A headline and a paragraph behind an inserted teaser share names and words with the article around
them; the teasers of other stories do not. Measured on hashed 4-grams, each weighted by how rare it is
(Spärck Jones 1972), so that it is the same for every script.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dechrome.batch import GRAM_BITS, Batch

__all__ = ["RARITY_UNIT", "compute_overlap", "longest_grams"]

#: A stored rarity of 1 is this many nats.
RARITY_UNIT = 0.1
_N_SIZES = 4
#: Paragraphs of at least this probability make up the article.
_ARTICLE = 0.5


def longest_grams(batch: Batch) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Buckets of the 4-grams of each paragraph, and their offsets."""
    buckets, ptr = batch.grams
    return np.ascontiguousarray(buckets[_N_SIZES - 1 :: _N_SIZES]), ptr // _N_SIZES


def compute_overlap(
    grams: npt.NDArray[np.uint32],
    ptr: npt.NDArray[np.int64],
    rarity: npt.NDArray[np.uint8],
    p: npt.NDArray[np.float32],
    doc_ptr: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Share of each paragraph's 4-grams that stand in another paragraph of the article.

    Parameters
    ----------
    grams, ptr : ndarray
        From :func:`longest_grams`.
    rarity : ndarray of uint8, shape (2 ** GRAM_BITS,)
        Weight of each bucket, in RARITY_UNIT nats.
    p : ndarray of float32, shape (n_paragraphs,)
        Probability of content, by the pass before.
    doc_ptr : ndarray of int64, shape (n_documents + 1,)

    Returns
    -------
    ndarray of float32, shape (n_paragraphs,)
        In [0, 1].
    """
    n = len(p)
    is_article = p >= np.float32(_ARTICLE)
    sizes = np.diff(ptr)
    owner = np.repeat(np.arange(n, dtype=np.int32), sizes)
    first = np.full(1 << GRAM_BITS, -1, np.int32)
    last = np.full(1 << GRAM_BITS, -1, np.int32)
    stands = np.zeros(len(grams), np.bool_)
    for start, stop in zip(doc_ptr[:-1].tolist(), doc_ptr[1:].tolist(), strict=True):
        if stop - start < 2:
            continue
        here = slice(ptr[start], ptr[stop])
        mine, whose = grams[here], owner[here]
        in_article = is_article[whose]
        article, holder = mine[in_article], whose[in_article]
        first[article[::-1]] = holder[::-1]
        last[article] = holder
        stands[here] = (first[mine] >= 0) & ((first[mine] != whose) | (last[mine] != whose))
        first[article] = -1
    weight = rarity[grams].astype(np.int64)
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(weight)])
    found = np.concatenate([np.zeros(1, np.int64), np.cumsum(weight * stands)])
    return ((found[ptr[1:]] - found[ptr[:-1]]) / np.maximum(total[ptr[1:]] - total[ptr[:-1]], 1)).astype(
        np.float32
    )
