"""Texts and a teacher's words -> the vocabulary of an encoder, and how its words are spelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dechrome.batch import WORD_BITS
from dechrome.lexicon import UNKNOWN_WORD, choose_words, find_words
from dechrome.training.table import iterate_batches

__all__ = ["choose_vocabulary", "read_hashes", "spell_words"]

_Hashes = npt.NDArray[np.uint32]

#: A word of the texts counts if it is in so many of them.
_LEAST_TEXTS = 2


def choose_vocabulary(teachers_words: Sequence[str], hashes: _Hashes, ptr: npt.NDArray[np.int64]) -> _Hashes:
    """Choose words by their rank among the teacher's or among those of the texts, whichever is better.

    Parameters
    ----------
    teachers_words : sequence of str
        The frequent ones first; those that are several words do not count.
    hashes, ptr : ndarray
        Words of the texts, from :func:`read_hashes`.

    Returns
    -------
    ndarray of uint32
        Hashes of those that have a place (:func:`dechrome.lexicon.choose_words`), each once, the frequent
        first.
    """
    read, at = read_hashes(teachers_words)
    teachers = _distinct(read[at[:-1][np.diff(at) == 1]])
    owner = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    once_a_text = np.unique(owner << WORD_BITS | hashes) & (1 << WORD_BITS) - 1
    found, n_texts = np.unique(once_a_text, return_counts=True)
    order = np.argsort(-n_texts, kind="stable")
    frequent = found[order[n_texts[order] >= _LEAST_TEXTS]].astype(np.uint32)
    ranked = np.concatenate([teachers, frequent])
    rank = np.concatenate([np.arange(len(teachers)), np.arange(len(frequent))])
    words = _distinct(ranked[np.argsort(rank, kind="stable")])
    checks = choose_words(words, np.arange(len(words))[::-1])
    return words[find_words(words, checks) != UNKNOWN_WORD]


def _distinct(hashes: _Hashes) -> _Hashes:
    """Each once, in the order in which they come."""
    _, first = np.unique(hashes, return_index=True)
    return hashes[np.sort(first)]


def read_hashes(texts: Sequence[str]) -> tuple[_Hashes, npt.NDArray[np.int64]]:
    """As :attr:`dechrome.batch.Batch.single_words`, of more texts than one batch has memory for."""
    read = [batch.single_words for batch in iterate_batches(texts)]
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(ptr) for _, ptr in read)])
    return np.concatenate([np.zeros(0, np.uint32), *(hashes for hashes, _ in read)]), np.cumsum(sizes)


def spell_words(wanted: _Hashes, texts: Sequence[str]) -> list[str]:
    """The words that have these hashes, folded: all digits are 0."""
    spelled: dict[int, str] = {}
    for batch in iterate_batches(texts):
        hashes, first = np.unique(batch.single_words[0], return_index=True)
        at = first[np.isin(hashes, wanted)]
        spelled.update(zip(batch.single_words[0][at].tolist(), batch.spell_words(at), strict=True))
    return [spelled[number] for number in wanted.tolist()]
