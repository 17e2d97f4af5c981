"""Paragraphs -> how well each language explains them.

A consent notice in another language than the article looks like prose and, one by one, reads like
prose. What gives it away is that the document's language explains it badly. The score is naive
Bayes over hashed trigrams (Cavnar and Trenkle 1994 used the same evidence), trained on the same
news lines in every language, so that no language wins by having more text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dechrome.batch import GRAM_BITS, Batch
from dechrome.gramtable import GramTable

__all__ = ["LANGUAGE_BITS", "LANGUAGE_UNIT", "LanguageModel", "language_grams"]

#: Buckets of the trigrams: 2 ** LANGUAGE_BITS. 14 bits tell 120 languages apart in 94 % of
#: sentences, 15 bits in 95 % at twice the size.
LANGUAGE_BITS = 14
#: A weight of 1 in the table is this many nats of log-likelihood.
LANGUAGE_UNIT = 0.05
#: Trigrams read at the start of a paragraph; 64 tell no more of it against its document, at twice the cost.
_MOST_GRAMS = 32
_TRIGRAM_COLUMN = 2
_N_SIZES = 4


def language_grams(batch: Batch) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Trigram buckets of each paragraph's beginning, below ``2 ** LANGUAGE_BITS``, and their offsets."""
    buckets, ptr = batch.grams
    trigrams = buckets[_TRIGRAM_COLUMN::_N_SIZES] >> np.uint32(GRAM_BITS - LANGUAGE_BITS)
    ptr = ptr // _N_SIZES
    n_grams = np.diff(ptr)
    position = np.arange(len(trigrams)) - np.repeat(ptr[:-1], n_grams)
    kept = np.minimum(n_grams, _MOST_GRAMS)
    return trigrams[position < _MOST_GRAMS], np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])


class LanguageModel:
    """Log-likelihood of a paragraph under each language.

    Parameters
    ----------
    weights : ndarray of int8, shape (2 ** LANGUAGE_BITS, n_languages)
        Log-probability of each trigram, less its mean over the languages, in LANGUAGE_UNIT nats.
    languages : sequence of str
        ISO 639 codes of the columns.
    """

    def __init__(self, weights: npt.NDArray[np.int8], languages: Sequence[str]) -> None:
        self.weights, self.languages = weights, tuple(languages)
        self._table = GramTable(weights)

    def score(self, batch: Batch) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]]:
        """Log-likelihood of each paragraph's beginning.

        Returns
        -------
        likelihood : ndarray of int16, shape (n_paragraphs, n_languages)
            Summed over the trigrams, in LANGUAGE_UNIT nats, less the mean over the languages.
        n_trigrams : ndarray of int64, shape (n_paragraphs,)
        """
        grams, ptr = language_grams(batch)
        return self._table.sum(grams, ptr).astype(np.int16), np.diff(ptr)
