"""Paragraphs -> one array of code points and one of n-gram buckets, shared by every stage.

A batch joins many documents, so that each step is one array operation over all their text. No
n-gram reaches from one paragraph into the next, and no value depends on what else is in the batch.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dechrome.characters import class_table, fold_table
from dechrome.gramtable import hash_grams

__all__ = ["GRAM_BITS", "Batch"]

#: Lexical scores read this many code points at the start and at the end of a paragraph: what makes
#: it a consent notice or a caption stands there, and a long paragraph costs no more than a short one.
HEAD, TAIL = 200, 100
#: Of a longer paragraph, a whole book perhaps, only so many code points at either end are looked at.
_MOST_READ = 1 << 16
#: Buckets of the hashed n-grams: 2 ** GRAM_BITS.
GRAM_BITS = 17
_GRAM_SIZES = (1, 2, 3, 4)
#: Code point that frames a paragraph; three of it keep n-grams of up to four apart.
_FRAME = 1


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
        clipped = [
            text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}" for text in self.paragraphs
        ]
        codes, ptr = _encode(clipped, "\n\n\n")
        codes = fold_table()[codes]
        ends = ptr[1:]
        # The three separators behind paragraph i - 1 open paragraph i, so its own text decides its grams.
        framed = np.concatenate([np.full(3, _FRAME, np.uint32), codes])
        for back in range(3):
            framed[ends + back] = _FRAME
        n_grams = len(framed) - 3 if len(ptr) > 1 else 0
        return hash_grams(framed, slice(0, n_grams), _GRAM_SIZES, GRAM_BITS), ptr * len(_GRAM_SIZES)


def _encode(texts: list[str], separator: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    joined = separator.join([*texts, ""])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + len(separator)
    return codes, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
