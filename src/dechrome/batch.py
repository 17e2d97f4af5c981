"""Paragraphs -> one array of code points, one of n-gram buckets and one of words, shared by every stage.

A batch joins many documents, so that each step is one array operation over all their text. No
n-gram reaches from one paragraph into the next, and no value depends on what else is in the batch.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dechrome.characters import CLASSES, class_table, fold_table
from dechrome.gramtable import hash_grams, hash_runs

__all__ = ["GRAM_BITS", "WORD_BITS", "Batch"]

#: Lexical scores read this many code points at the start and at the end of a paragraph: what makes
#: it a consent notice or a caption stands there, and a long paragraph costs no more than a short one.
HEAD, TAIL = 200, 100
#: Of a longer paragraph, a whole book perhaps, only so many code points at either end are looked at.
_MOST_READ = 1 << 16
#: Buckets of the hashed n-grams: 2 ** GRAM_BITS.
GRAM_BITS = 17
_GRAM_SIZES = (1, 2, 3, 4)
#: Hashes of sequences of one to three words are below 2 ** WORD_BITS.
WORD_BITS = 25
_WORD_SIZES = (1, 2, 3)
#: Code point that frames a paragraph; three of it keep n-grams of up to four apart.
_FRAME = 1
#: What a code point does, by its class: nothing, stand in a word, or be one by itself.
_APART, _JOINED, _ALONE = 0, 1, 2
_PARTS = {"space": _APART, "control": _APART} | dict.fromkeys(
    ("upper", "lower", "uncased", "mark", "digit"), _JOINED
)
#: ZERO WIDTH JOINER stands in words of Indic scripts, the non-joiner before it in Persian ones too.
_JOINER = 0x200D
_PART_OF_CLASS = np.array([_PARTS.get(name, _ALONE) for name in CLASSES], np.uint8)


class Batch:
    """Paragraphs of one or more documents.

    Parameters
    ----------
    paragraphs : sequence of str
        The paragraphs of all documents, one after the other.
    doc_ptr : array_like of int, shape (n_documents + 1,), optional
        Document ``d`` holds paragraphs ``doc_ptr[d]`` to ``doc_ptr[d + 1] - 1``. One document if
        not given.
    """

    def __init__(self, paragraphs: Sequence[str], doc_ptr: npt.ArrayLike | None = None) -> None:
        self.paragraphs = list(paragraphs)
        if doc_ptr is None:
            doc_ptr = [0, len(self.paragraphs)]
        self.doc_ptr: npt.NDArray[np.int64] = np.asarray(doc_ptr, np.int64)

    def __len__(self) -> int:
        return len(self.paragraphs)

    @functools.cached_property
    def codes(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Code points of all paragraphs, each followed by one newline, and their offsets.

        Of paragraphs of more than 2 ** 17 code points, the middle is left out.

        Returns
        -------
        codes : ndarray of uint32, shape (n_code_points,)
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            Paragraph ``i`` is ``codes[ptr[i] : ptr[i + 1] - 1]``.
        """
        texts = self.paragraphs
        if max(map(len, texts), default=0) > 2 * _MOST_READ:
            texts = [t if len(t) <= 2 * _MOST_READ else t[:_MOST_READ] + t[-_MOST_READ:] for t in texts]
        return _encode(texts, "\n")

    @functools.cached_property
    def classes(self) -> npt.NDArray[np.uint8]:
        """Class of each code point of :attr:`codes`, see :mod:`dechrome.characters`."""
        return class_table()[self.codes[0]]

    @functools.cached_property
    def grams(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Buckets of the hashed character 1- to 4-grams, folded, the frames included.

        Returns
        -------
        buckets : ndarray of uint32, shape (n_grams,)
            Below ``2 ** GRAM_BITS``.
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            The grams of paragraph ``i`` are ``buckets[ptr[i] : ptr[i + 1]]``; never empty.
        """
        framed, ptr = self._framed
        n_grams = slice(0, len(framed) - 3)
        return hash_grams(framed, n_grams, _GRAM_SIZES, GRAM_BITS), ptr * len(_GRAM_SIZES)

    @functools.cached_property
    def words(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Hashed sequences of one to three words, folded.

        A word is a run of letters, marks and digits, or any other character but spaces and controls, a
        Chinese one or a Hangul syllable too; the frame before a paragraph is two. Scripts without spaces
        between words, such as Thai, have long runs, which say little.

        Returns
        -------
        hashes : ndarray of uint32, shape (n_grams,)
            Below ``2 ** WORD_BITS``.
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            Those of paragraph ``i`` are ``hashes[ptr[i] : ptr[i + 1]]``; never empty.
        """
        framed, ptr = self._framed
        part = _PART_OF_CLASS[class_table()[framed]]
        for back in range(len(_WORD_SIZES) - 1):
            part[ptr + back] = _ALONE
        part[(framed | 1) == _JOINER] = _JOINED
        begins = part == _ALONE
        begins[1:] |= (part[1:] == _JOINED) & (part[:-1] != _JOINED)
        first = np.flatnonzero(begins)
        words = hash_runs(np.where(part == _APART, np.uint32(0), framed + np.uint32(1)), first)
        frames = np.searchsorted(first, ptr)
        # The first word of each frame only keeps the paragraph before apart.
        at = np.delete(np.arange(frames[-1]), frames[:-1])
        n_before = frames - np.arange(len(frames))
        return hash_grams(words, at, _WORD_SIZES, WORD_BITS), n_before * len(_WORD_SIZES)

    @functools.cached_property
    def single_words(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Those of :attr:`words` that are one word, the frames left out; of long paragraphs, at both ends.

        Returns
        -------
        hashes : ndarray of uint32, shape (n_words,)
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            The words of paragraph ``i`` are ``hashes[ptr[i] : ptr[i + 1]]``, in order; none if it is empty.
        """
        hashes, ptr = self.words
        frames = ptr // len(_WORD_SIZES)
        alone = np.delete(hashes[:: len(_WORD_SIZES)], frames[:-1])
        return alone, frames - np.arange(len(frames))

    @functools.cached_property
    def _framed(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Folded code points of both ends of all paragraphs, frames before, between and behind them.

        The frame before paragraph ``i`` begins at entry ``i`` of the offsets, the last frame at the last.
        """
        clipped = [
            text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}" for text in self.paragraphs
        ]
        codes, ptr = _encode(clipped, "\n\n\n")
        # The three separators behind paragraph i - 1 open paragraph i, so its own text decides its grams.
        framed = np.concatenate([np.full(3, _FRAME, np.uint32), fold_table()[codes]])
        for back in range(3):
            framed[ptr + back] = _FRAME
        return framed, ptr


def _encode(texts: list[str], separator: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    joined = separator.join([*texts, ""])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + len(separator)
    return codes, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
