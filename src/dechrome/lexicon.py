"""Paragraphs -> lexical scores: what the words say about the kind.

One linear model over hashed character 1- to 4-grams, a weight for each (bucket, score) pair stored
in a byte. It reads any script, costs one table look-up a gram, and tells content from chrome better than a
fastText classifier on the same paragraphs, at ten times the speed; that one tells the kinds better
(``data/results/lexicons.md``).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.gramtable import LinearScores

__all__ = ["HashedLexicon", "Lexicon"]


class Lexicon(Protocol):
    """Contract of a lexical scorer, whatever learned it."""

    name: str

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Lexical scores, shape (n_paragraphs, n_lexical_scores), columns as SCORES."""


class HashedLexicon:
    """Linear scores over hashed n-grams.

    Parameters
    ----------
    scores : LinearScores
        Of ``2 ** GRAM_BITS`` buckets, columns as SCORES.
    """

    name = "hashed"

    def __init__(self, scores: LinearScores) -> None:
        self.scores = scores

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Log-odds of every paragraph, shape (n_paragraphs, n_lexical_scores)."""
        return self.scores.score(*batch.grams)
