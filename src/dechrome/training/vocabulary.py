"""Texts and a teacher's words -> the vocabulary of an encoder, and how its words are spelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dechrome.batch import MOST_LETTERS, WORD_BITS
from dechrome.encoder import LEAST_BEGINNING, LEAST_END
from dechrome.lexicon import UNKNOWN_WORD, choose_words, find_words
from dechrome.training.table import iterate_batches

__all__ = ["choose_vocabulary", "rank_pieces", "read_hashes", "spell_words"]

_Hashes = npt.NDArray[np.uint32]

#: A word of the texts counts if it is in so many of them, a piece if so many words begin or end with it.
_LEAST_TEXTS, _LEAST_WORDS = 2, 2
#: A piece is worth as much as a word of so many times its rank: whole words tell more.
_PIECE_RANK = 3


def choose_vocabulary(
    teachers_words: Sequence[str], hashes: _Hashes, ptr: npt.NDArray[np.int64], pieces: _Hashes
) -> _Hashes:
    """Choose words by their rank among the teacher's, those of the texts or the pieces, whichever is best.

    Parameters
    ----------
    teachers_words : sequence of str
        The frequent ones first; those that are several words do not count.
    hashes, ptr : ndarray
        Words of the texts, from :func:`read_hashes`.
    pieces : ndarray of uint32
        From :func:`rank_pieces`.

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
    ranked = np.concatenate([teachers, frequent, pieces])
    of_pieces = _PIECE_RANK * np.arange(len(pieces))
    rank = np.concatenate([np.arange(len(teachers)), np.arange(len(frequent)), of_pieces])
    words = _distinct(ranked[np.argsort(rank, kind="stable")])
    checks = choose_words(words, np.arange(len(words))[::-1])
    return words[find_words(words, checks) != UNKNOWN_WORD]


def rank_pieces(texts: Sequence[str]) -> _Hashes:
    """Beginnings and ends of the texts' words, those first whose letters make up most of all distinct words.

    Of ends, those that leave a beginning before them.

    Returns
    -------
    ndarray of uint32
        Hashes as of whole words of the same letters, each once.
    """
    seen = np.zeros(0, np.uint32)
    pieces, sizes = [np.zeros(0, np.uint32)], [np.zeros(0, np.int64)]
    column = np.arange(MOST_LETTERS)
    for batch in iterate_batches(texts):
        hashes, first = np.unique(batch.single_words[0], return_index=True)
        beginnings, ends, n_letters = batch.hash_pieces(first[~np.isin(hashes, seen)])
        seen = np.union1d(seen, hashes)
        left = n_letters[:, None] - column
        is_beginning = (column >= LEAST_BEGINNING - 1) & (left > 1)
        is_end = (column >= LEAST_BEGINNING) & (left >= LEAST_END)
        pieces += [beginnings[is_beginning], ends[is_end]]
        sizes += [np.broadcast_to(column + 1, left.shape)[is_beginning], left[is_end]]
    found, which, n_words = np.unique(np.concatenate(pieces), return_inverse=True, return_counts=True)
    total = np.bincount(which, np.concatenate(sizes), len(found))
    order = np.argsort(-total, kind="stable")
    ranked: _Hashes = found[order[n_words[order] >= _LEAST_WORDS]]
    return ranked


def _distinct(hashes: _Hashes) -> _Hashes:
    """Each once, in the order in which they come."""
    _, first = np.unique(hashes, return_index=True)
    return hashes[np.sort(first)]


def read_hashes(texts: Sequence[str]) -> tuple[_Hashes, npt.NDArray[np.int64]]:
    """As :attr:`dechrome.batch.Batch.single_words`, of more texts than one batch has memory for."""
    read = [batch.single_words for batch in iterate_batches(texts)]
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(ptr) for _, ptr in read)])
    return np.concatenate([np.zeros(0, np.uint32), *(hashes for hashes, _ in read)]), np.cumsum(sizes)


def spell_words(wanted: _Hashes, texts: Sequence[str]) -> dict[int, str]:
    """Those of the texts' words that have these hashes, by hash, folded: all digits are 0."""
    spelled: dict[int, str] = {}
    for batch in iterate_batches(texts):
        hashes, first = np.unique(batch.single_words[0], return_index=True)
        at = first[np.isin(hashes, wanted)]
        found = zip(batch.single_words[0][at].tolist(), batch.spell_words(at), strict=True)
        spelled = dict(found) | spelled  # of words with one hash, the first
    return {number: spelled[number] for number in wanted.tolist() if number in spelled}
