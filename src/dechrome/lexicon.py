"""Paragraphs -> lexical scores: what the words say about the kind.

One linear model over hashed character 1- to 4-grams, a weight for each (bucket, score) pair stored
in a byte. It reads any script, costs one table look-up a gram, and beat a fastText classifier on
the same paragraphs both in accuracy and in speed (``data/README.md`` has the comparison).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.gramtable import GramTable
from dechrome.labels import KINDS

__all__ = ["LEXICAL_SCORES", "HashedLexicon", "Lexicon"]

#: Columns of the lexical scores: one against the rest for each kind, then content against chrome.
LEXICAL_SCORES: tuple[str, ...] = (*KINDS, "content")
#: Scores are log-odds, clipped to this.
_LIMIT = 8.0


class Lexicon(Protocol):
    """Contract of a lexical scorer, whatever learned it."""

    name: str

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Lexical scores, shape (n_paragraphs, n_lexical_scores), columns as LEXICAL_SCORES."""


class HashedLexicon:
    """Linear scores over hashed n-grams.

    Parameters
    ----------
    weights : ndarray of int8, shape (2 ** GRAM_BITS, n_lexical_scores)
        Weight of each bucket for each score, in units of ``scale``.
    scale : ndarray of float32, shape (n_lexical_scores,)
    intercept : ndarray of float32, shape (n_lexical_scores,)
    """

    name = "hashed"

    def __init__(
        self,
        weights: npt.NDArray[np.int8],
        scale: npt.NDArray[np.float32],
        intercept: npt.NDArray[np.float32],
    ) -> None:
        self.weights, self.scale, self.intercept = weights, scale, intercept
        self._table = GramTable(weights)

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Score every paragraph.

        Returns
        -------
        ndarray of float32, shape (n_paragraphs, n_lexical_scores)
            Log-odds in [-8, 8]. A gram counts 1 / sqrt(n_grams), so long paragraphs do not outshout.
        """
        buckets, ptr = batch.grams
        per_gram = self.scale / np.sqrt(np.diff(ptr), dtype=np.float32)[:, None]
        scores = self._table.sum(buckets, ptr) * per_gram + self.intercept
        return np.clip(scores, -_LIMIT, _LIMIT).astype(np.float32)
