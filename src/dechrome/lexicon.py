"""Paragraphs -> lexical scores: what the words say about the kind.

One linear model over hashed character 1- to 4-grams, which read any script, and over the words and
sequences of words of a vocabulary, a weight for each (bucket, score) pair stored in a byte. It costs one
table look-up a gram; ``data/results/lexicons.md`` has it beside a fastText classifier on the same paragraphs.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from dechrome.batch import WORD_BITS, Batch
from dechrome.gramtable import LIMIT, LinearScores
from dechrome.labels import LEXICAL_SCORES

__all__ = ["UNKNOWN_WORD", "VOCABULARY_BITS", "HashedLexicon", "Lexicon", "choose_words", "find_words"]

#: A vocabulary has places for 2 ** VOCABULARY_BITS words and sequences of words; what is left of a hash tells
#: the one that has the place from the others.
VOCABULARY_BITS = 17
_CHECK_BITS = np.uint32(WORD_BITS - VOCABULARY_BITS)
_CHECK_MASK = np.uint32((1 << (WORD_BITS - VOCABULARY_BITS)) - 1)

#: Place of all that is not in the vocabulary.
UNKNOWN_WORD = np.uint32(0)

_Hashes = npt.NDArray[np.uint32]


class Lexicon(Protocol):
    """Contract of a lexical scorer, whatever learned it."""

    name: str

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Lexical scores, shape (n_paragraphs, n_lexical_scores), columns as LEXICAL_SCORES."""


def choose_words(hashes: _Hashes, frequency: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Choose a vocabulary: for each place the most frequent of the words whose hash begins with it.

    Parameters
    ----------
    hashes : ndarray of uint32, shape (n_words,)
        Below ``2 ** WORD_BITS``, as in :attr:`dechrome.batch.Batch.words`, each once.
    frequency : ndarray of int64, shape (n_words,)

    Returns
    -------
    ndarray of uint8, shape (2 ** VOCABULARY_BITS,)
        How the hash ends that has each place.
    """
    checks = np.zeros(1 << VOCABULARY_BITS, np.uint8)
    rising = hashes[np.argsort(frequency, kind="stable")]
    checks[rising >> _CHECK_BITS] = rising & _CHECK_MASK  # of those with one place, the last stays
    return checks


def find_words(hashes: _Hashes, checks: npt.NDArray[np.uint8]) -> _Hashes:
    """Find words in a vocabulary; of those that are not in it, one in 256 is taken for one that is.

    Parameters
    ----------
    hashes : ndarray of uint32, shape (n_words,) or any other
    checks : ndarray of uint8, shape (2 ** VOCABULARY_BITS,)
        From :func:`choose_words`.

    Returns
    -------
    ndarray of uint32, of the same shape
        Places, UNKNOWN_WORD of what is not in the vocabulary.
    """
    places = hashes >> _CHECK_BITS
    return np.where(checks[places] == (hashes & _CHECK_MASK), places, UNKNOWN_WORD)


class HashedLexicon:
    """Linear scores over hashed n-grams and words.

    Parameters
    ----------
    characters : LinearScores
        Of ``2 ** GRAM_BITS`` buckets, columns as SCORES.
    words : LinearScores
        Of ``2 ** VOCABULARY_BITS`` places, columns as SCORES; UNKNOWN_WORD weighs nothing.
    checks : ndarray of uint8, shape (2 ** VOCABULARY_BITS,)
        The vocabulary, from :func:`choose_words`.
    """

    name = "hashed"

    def __init__(self, characters: LinearScores, words: LinearScores, checks: npt.NDArray[np.uint8]) -> None:
        self.characters, self.words, self.checks = characters, words, checks

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Lexical scores of every paragraph, shape (n_paragraphs, n_lexical_scores).

        Log-odds in [-LIMIT, LIMIT]; last, how many of the words and of the sequences of two and three the
        vocabulary has, as a share of them, the frame before the paragraph among them.
        """
        hashes, ptr = batch.words
        places = find_words(hashes, self.checks)
        scores = np.empty((len(batch), len(LEXICAL_SCORES)), np.float32)
        np.clip(
            self.characters.sum(*batch.grams) + self.words.sum(places, ptr), -LIMIT, LIMIT, scores[:, :-1]
        )
        n_known = np.concatenate([[0], np.cumsum(places != UNKNOWN_WORD)])[ptr]
        scores[:, -1] = np.diff(n_known) / np.diff(ptr)
        return scores
