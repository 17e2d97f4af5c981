"""Labelled documents -> arrays: one row a paragraph, computed once, indexed by every later stage."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from dechrome.batch import GRAM_BITS, WORD_BITS, Batch
from dechrome.encoder import Encoder
from dechrome.features import compute_features
from dechrome.labels import KINDS
from dechrome.model import number_paragraphs
from dechrome.patterns import PATTERN_BITS, pattern_grams
from dechrome.training.corpus import Document

__all__ = ["ParagraphTable", "count_grams", "encode_paragraphs", "iterate_batches", "tabulate"]

Grams: TypeAlias = tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]
_CHUNK = 20_000
UNKNOWN = -1
#: Each holds a third of the languages.
_LANGUAGE_FOLDS = 3


@dataclass(frozen=True)
class ParagraphTable:
    """Every paragraph of a corpus, document after document."""

    documents: list[Document]
    paragraphs: list[str]
    doc_ptr: npt.NDArray[np.int64]
    """Shape (n_documents + 1,)."""
    X: npt.NDArray[np.float32]
    """Shape features, (n_paragraphs, n_features)."""
    is_content: npt.NDArray[np.int8]
    """1 content, 0 chrome, -1 unknown, (n_paragraphs,)."""
    kind: npt.NDArray[np.int8]
    """Column of KINDS, -1 unknown, (n_paragraphs,)."""
    is_read: npt.NDArray[np.bool_]
    """Whether the kind was decided by reading, (n_paragraphs,)."""
    fold: npt.NDArray[np.int8]
    """Cross-validation fold by site, (n_paragraphs,)."""
    language_fold: npt.NDArray[np.int8]
    """Cross-validation fold by language, (n_paragraphs,)."""
    text_id: npt.NDArray[np.int64]
    """Equal for equal paragraphs, (n_paragraphs,)."""

    @functools.cached_property
    def grams(self) -> sp.csr_matrix:
        """Hashed character n-grams of every paragraph; see :func:`count_grams`."""
        return count_grams(self.paragraphs, lambda batch: batch.grams, GRAM_BITS)

    @functools.cached_property
    def words(self) -> sp.csr_matrix:
        """Hashed sequences of words of every paragraph; see :func:`count_grams`."""
        return count_grams(self.paragraphs, lambda batch: batch.words, WORD_BITS)

    @functools.cached_property
    def pattern_grams(self) -> sp.csr_matrix:
        """Hashed n-grams of every paragraph's symbols; see :func:`count_grams`."""
        return count_grams(self.paragraphs, pattern_grams, PATTERN_BITS)

    @functools.cached_property
    def unique_rows(self) -> npt.NDArray[np.int64]:
        """First of each set of equal paragraphs with equal labels, in rising order."""
        keys = np.column_stack([self.text_id, self.kind, self.is_content])
        return np.sort(np.unique(keys, axis=0, return_index=True)[1])

    @property
    def document_of(self) -> npt.NDArray[np.int64]:
        """Document of each paragraph, shape (n_paragraphs,)."""
        return np.repeat(np.arange(len(self.documents)), np.diff(self.doc_ptr))

    def per_paragraph(self, values: Sequence[object]) -> npt.NDArray[np.object_]:
        """Repeat a value of each document for its paragraphs."""
        return np.array(values, dtype=object)[self.document_of]


def iterate_batches(paragraphs: Sequence[str]) -> Iterator[Batch]:
    """Cut many paragraphs into batches of bounded size, one after the other."""
    return (Batch(paragraphs[i : i + _CHUNK]) for i in range(0, len(paragraphs), _CHUNK))


def tabulate(documents: Sequence[Document], n_folds: int = 4) -> ParagraphTable:
    """Flatten documents and compute their shape features."""
    paragraphs = [text for document in documents for text in document.paragraphs]
    sizes = [len(document.paragraphs) for document in documents]
    read = np.zeros(len(paragraphs), np.bool_)
    doc_ptr = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    for start, document in zip(doc_ptr, documents, strict=False):
        read[start + np.array(document.read, np.int64)] = True
    label_codes = {"content": 1, "chrome": 0, None: UNKNOWN}
    kind_codes = {kind: i for i, kind in enumerate(KINDS)} | {None: UNKNOWN}
    folds = [zlib.crc32(document.site.encode()) % n_folds for document in documents]
    language_folds = [zlib.crc32(document.language.encode()) % _LANGUAGE_FOLDS for document in documents]
    return ParagraphTable(
        documents=list(documents),
        paragraphs=paragraphs,
        doc_ptr=doc_ptr,
        X=np.concatenate([compute_features(batch) for batch in iterate_batches(paragraphs)]),
        is_content=np.array([label_codes[x] for d in documents for x in d.labels], np.int8),
        kind=np.array([kind_codes[x] for d in documents for x in d.kinds], np.int8),
        is_read=read,
        fold=np.repeat(np.array(folds, np.int8), sizes),
        language_fold=np.repeat(np.array(language_folds, np.int8), sizes),
        text_id=number_paragraphs(paragraphs)[1],
    )


def encode_paragraphs(encoder: Encoder, table: ParagraphTable) -> npt.NDArray[np.float32]:
    """Meanings of every paragraph of the table, shape (n_paragraphs, n_meanings)."""
    _, first = np.unique(table.text_id, return_index=True)
    batches = iterate_batches([table.paragraphs[i] for i in first])
    return np.concatenate([encoder.encode(batch) for batch in batches])[table.text_id]


def count_grams(paragraphs: Sequence[str], read: Callable[[Batch], Grams], bits: int) -> sp.csr_matrix:
    """Hashed n-grams of each paragraph, each counting 1 / sqrt(n_grams).

    Parameters
    ----------
    paragraphs : sequence of str
    read : callable
        From a batch to the buckets of its n-grams and their offsets by paragraph.
    bits : int
        There are ``2 ** bits`` buckets.

    Returns
    -------
    csr_matrix of float32, shape (n_paragraphs, 2 ** bits)
    """
    parts = []
    for batch in iterate_batches(paragraphs):
        buckets, ptr = read(batch)
        n_grams = np.diff(ptr)
        values = np.repeat(1 / np.sqrt(n_grams), n_grams).astype(np.float32)
        part = sp.csr_matrix((values, buckets.astype(np.int32), ptr), shape=(len(n_grams), 1 << bits))
        part.sum_duplicates()
        parts.append(part)
    return sp.vstack(parts).tocsr()
