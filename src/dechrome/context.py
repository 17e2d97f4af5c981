"""Probabilities of a pass -> what surrounds each paragraph: its document, the stretches around it.

Context decides more than anything a paragraph says itself (document F1 86 -> 91 in the
exploration). All of it is array passes over a whole batch; sums are of whole numbers
(fixed point), hence exact, hence the same however documents are batched. Nothing crosses
``doc_ptr``, and nothing says where on the page a paragraph stands in absolute terms.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dechrome.labels import CONTENT_KINDS, KINDS
from dechrome.language import LANGUAGE_UNIT

__all__ = ["CONTEXT", "STRETCHES", "Context", "ContextInputs"]

_ONE = 1 << 12  # fixed point: this is 1.0
_UNIT = np.float32(1 / _ONE)
_N_CONTENT = len(CONTENT_KINDS)
#: Names of the signals that stretches and the document report.
_SIGNALS = ("log_length", "closed_sentence", "mismatch", *KINDS)
_FIRST_KIND = _SIGNALS.index(KINDS[0])
#: Stretches before and after a paragraph reach so many paragraphs.
_WINDOWS = (3, 8, 20)
#: Paragraph gains in the best run: (p - 0.4) * sqrt(length).
_RUN_THRESHOLD = 0.4
#: A paragraph counts as no longer than this, so that sums over windows stay exact in 32 bits.
_MOST_LENGTH = 4096
#: A paragraph draws attention as if it were no longer than this.
_MOST_ATTENDED = 300
#: What even chrome, or an empty paragraph, draws, so that no document is without.
_LEAST_ATTENTION = np.float32(1e-3)
#: Weight of a paragraph's words in the choice of its document's language.
_LANGUAGE_WEIGHT = 64


#: Columns that tell of a paragraph in its document.
CONTEXT: tuple[str, ...] = (
    *("logit_p", "mismatch", "total_mismatch", "mismatch_all"),
    *(f"document_{name}" for name in (*_SIGNALS, "p_by_length")),
    *(f"{name}[{side}]" for side in ("before", "after") for name in ("log_content", "content_share")),
    *("log_document_length", "log_document_paragraphs", "document_max_p"),
    *("in_run", "before_run", "after_run", "run_share", "log_run_paragraphs"),
    *("length_against_content", "log_repeats", "relative_p"),
)
#: Columns that tell of the paragraphs around it.
STRETCHES: tuple[str, ...] = tuple(
    f"{name}[1..{reach} {side}]"
    for reach in _WINDOWS
    for side in ("before", "after")
    for name in (*_SIGNALS, "p_by_length")
)


@dataclass(frozen=True)
class ContextInputs:
    """What the context of paragraphs is made from, besides the probabilities of the pass before.

    All but ``text_ids`` may be given once for each distinct text; ``text_ids`` says which paragraph has
    which.
    """

    log_length: npt.NDArray[np.float32]
    """Column of X, (n_texts,)."""
    closed_sentence: npt.NDArray[np.float32]
    """Column of X, (n_texts,)."""
    likelihood: npt.NDArray[np.int16]
    """From :meth:`dechrome.language.LanguageModel.score`, (n_texts, n_languages)."""
    n_trigrams: npt.NDArray[np.int64]
    """Likewise, (n_texts,)."""
    text_ids: npt.NDArray[np.int64]
    """Number of each paragraph's text, (n_paragraphs,)."""

    def take(self, rows: npt.NDArray[np.int64]) -> ContextInputs:
        """The inputs of the given paragraphs, in their order."""
        texts, ids = np.unique(self.text_ids[rows], return_inverse=True)
        return ContextInputs(
            self.log_length[texts], self.closed_sentence[texts], self.likelihood[texts],
            self.n_trigrams[texts], ids,
        )  # fmt: skip


class Context:
    """The surroundings of the paragraphs of a batch.

    Parameters
    ----------
    inputs : ContextInputs
    doc_ptr : ndarray of int64, shape (n_documents + 1,)
        At least one document must have a paragraph.
    P : ndarray of float32, shape (n_paragraphs, n_kinds)
        Probabilities of the pass before.

    Attributes
    ----------
    attention : ndarray of float32, shape (n_paragraphs,)
        How much each counts in what a net takes its document's content to be: probability of content times
        length, within bounds; more than 0.
    """

    def __init__(
        self, inputs: ContextInputs, doc_ptr: npt.NDArray[np.int64], P: npt.NDArray[np.float32]
    ) -> None:
        ids = inputs.text_ids
        self._document = document = _Documents(doc_ptr)
        self._log_length = inputs.log_length[ids]
        length = np.minimum(np.rint(np.expm1(inputs.log_length)), _MOST_LENGTH).astype(np.int64)[ids]
        self._length = length
        self._log_repeats = np.log(_count_repeats(ids, document))
        # Signals of every paragraph in fixed point, then content by length and length.
        signals = np.empty((len(ids), len(_SIGNALS) + 2), np.int32)
        for i, values in enumerate((self._log_length, inputs.closed_sentence[ids])):
            signals[:, i] = np.rint(values * _ONE)
        signals[:, -1] = length
        self._p = p = P[:, 0] + P[:, 1]
        fixed_p = np.rint(p * _ONE).astype(np.int64)
        self._mismatch, self._mismatch_all = _Language(inputs, document).mismatches(p)
        signals[:, _FIRST_KIND - 1] = np.rint(self._mismatch * _ONE)
        np.rint(P * _ONE, out=signals[:, _FIRST_KIND:-2], casting="unsafe")
        signals[:, -2] = fixed_p * length
        self._total = np.add.reduceat(signals, document.first, axis=0, dtype=np.int64)
        self._highest = np.maximum.reduceat(p, document.first)
        weighted = np.add.reduceat(fixed_p * signals[:, 0], document.first)
        self._typical = weighted / np.maximum(np.add.reduceat(fixed_p, document.first), 1)
        gains = np.rint((p - np.float32(_RUN_THRESHOLD)) * np.sqrt(length) * _ONE).astype(np.int64)
        self._runs = _best_runs(gains, document)
        self._content = np.concatenate([[0], np.cumsum(signals[:, -2], dtype=np.int64)])
        self._signals = signals
        self.attention = p * np.minimum(length, _MOST_ATTENDED).astype(np.float32) + _LEAST_ATTENTION

    @functools.cached_property
    def _sums(self) -> npt.NDArray[np.int32]:
        """Sums of the signals; those of 32 bits wrap around, but differences over 20 paragraphs do not."""
        sums = np.zeros((len(self._signals) + 1, self._signals.shape[1]), np.int32)
        np.cumsum(self._signals, axis=0, out=sums[1:])
        return sums

    def columns(self, rows: npt.NDArray[np.int64], out: npt.NDArray[np.float32]) -> None:
        """Write what tells of some paragraphs in their documents to ``out``, shape (n_rows, n_context)."""
        document, total = self._document, self._total
        owner, start, stop = document.bounds(rows)
        p, mismatch, highest = self._p[rows], self._mismatch[rows], self._highest[owner]
        write = _Writer(out)
        write(np.log((p + 0.01) / (1.01 - p)))
        write(mismatch)
        write(np.log1p(mismatch * np.minimum(self._length[rows], 64)))
        write(self._mismatch_all[rows])
        averages = total[:, :-2] / (document.size * _ONE)[:, None]
        write.block(np.column_stack([averages, _share(total[:, -2], total[:, -1] * _ONE)]), owner)
        content, whole = self._content, total[owner, -2]
        for part in (content[rows] - content[start], content[stop] - content[rows + 1]):
            write(np.log1p(part * _UNIT) / 10)
            write(_share(part, whole))
        write((np.log1p(total[:, -1]) / 10)[owner])
        write(np.log1p(document.size)[owner])
        write(highest)
        first, last = self._runs
        write((rows >= first[owner]) & (rows < last[owner]))
        write(np.log1p(np.maximum(first[owner] - rows, 0)))
        write(np.log1p(np.maximum(rows - last[owner] + 1, 0)))
        write(_share(content[last] - content[first], total[:, -2])[owner])
        write(np.log1p(last - first)[owner])
        write(self._log_length[rows] - (self._typical * _UNIT)[owner])
        write(self._log_repeats[rows])
        write(p / np.maximum(highest, 0.05))
        assert write.column == len(CONTEXT)

    def stretches(self, rows: npt.NDArray[np.int64], out: npt.NDArray[np.float32]) -> None:
        """Write means of the signals before and after some paragraphs to ``out``, (n_rows, n_stretches)."""
        _, start, stop = self._document.bounds(rows)
        write = _Writer(out)
        sums, width = self._sums, len(_SIGNALS)
        at_row, behind_row = sums[rows], sums[rows + 1]
        for reach in _WINDOWS:
            low, high = np.maximum(rows - reach, start), np.minimum(rows + 1 + reach, stop)
            for part, size in ((at_row - sums[low], rows - low), (sums[high] - behind_row, high - rows - 1)):
                columns = write.next(width + 1)
                per_paragraph = _UNIT / np.maximum(size, 1).astype(np.float32)
                np.multiply(part[:, :width], per_paragraph[:, None], out=columns[:, :-1], casting="unsafe")
                columns[:, -1] = part[:, -2] * _UNIT / np.maximum(part[:, -1], 1).astype(np.float32)
        assert write.column == len(STRETCHES)


class _Documents:
    """Where documents begin and end; those without a paragraph are left out."""

    def __init__(self, doc_ptr: npt.NDArray[np.int64]) -> None:
        self.full = np.flatnonzero(np.diff(doc_ptr))
        self.first = doc_ptr[:-1][self.full]
        self.size = np.diff(doc_ptr)[self.full]
        self.owner = np.repeat(np.arange(len(self.full)), self.size)

    def bounds(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
        """Number of the document of each row, its first row, and the one behind its last."""
        owner = self.owner[rows]
        return owner, self.first[owner], self.first[owner] + self.size[owner]


class _Writer:
    """Fills the columns of an array from left to right."""

    def __init__(self, array: npt.NDArray[np.float32]) -> None:
        self.array, self.column = array, 0

    def __call__(self, values: npt.NDArray[Any]) -> None:
        self.array[:, self.column] = values
        self.column += 1

    def next(self, width: int) -> npt.NDArray[np.float32]:
        """The next columns, to be filled."""
        part = self.array[:, self.column : self.column + width]
        self.column += width
        return part

    def block(self, values: npt.NDArray[Any], index: npt.NDArray[np.int64]) -> None:
        self.next(values.shape[1])[:] = values.astype(np.float32)[index]


class _Language:
    """How much better another language than its document's explains a paragraph.

    A document's language is that of its likely content, or that of all its text. The sums are of whole
    numbers below 2 ** 53, hence exact in any order.
    """

    def __init__(self, inputs: ContextInputs, document: _Documents) -> None:
        ids = inputs.text_ids
        self._ids, self._likelihood, self._document = ids, inputs.likelihood, document
        self._wide = inputs.likelihood.astype(np.float64)
        self._best = inputs.likelihood.max(axis=1)[ids].astype(np.int64)
        self._per_trigram = np.float32(LANGUAGE_UNIT) / inputs.n_trigrams[ids].astype(np.float32)
        self._by_all = self._mismatch(np.ones(len(ids)))

    def _mismatch(self, weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        ids, document = self._ids, self._document
        language = np.empty(len(document.full), np.int64)
        for d, (first, size) in enumerate(zip(document.first.tolist(), document.size.tolist(), strict=True)):
            part = slice(first, first + size)
            language[d] = (weight[part] @ self._wide[ids[part]]).argmax()
        own = self._likelihood[ids, language[document.owner]]
        lost = (self._best - own).astype(np.float32) * self._per_trigram
        return np.minimum(lost, np.float32(4))

    def mismatches(
        self, p: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Nats per trigram lost to the language of the content, and to that of all text; at most 4."""
        return self._mismatch(np.rint(p * np.float32(_LANGUAGE_WEIGHT)).astype(np.float64) + 1), self._by_all


def _best_runs(
    gains: npt.NDArray[np.int64], document: _Documents
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Half-open bounds of each document's stretch with the largest sum (Kadane, by prefix sums)."""
    position = np.arange(len(gains))
    sums = np.concatenate([[0], np.cumsum(gains)])
    # Falling by more than any sum from document to document restarts the running minimum in each.
    fall = (np.abs(gains).sum() + 1) * document.owner
    before, after = sums[:-1] - fall, sums[1:] - fall
    lowest = np.minimum.accumulate(before)
    gain = after - lowest
    low_at = np.maximum.accumulate(np.where(before == lowest, position, 0))
    highest = np.maximum.reduceat(gain, document.first)
    is_best = np.flatnonzero(gain == highest[document.owner])
    best = is_best[np.searchsorted(document.owner[is_best], np.arange(len(document.full)))]
    return low_at[best], np.where(highest > 0, best + 1, low_at[best])


def _count_repeats(text_ids: npt.NDArray[np.int64], document: _Documents) -> npt.NDArray[np.int64]:
    """How often each paragraph's text stands in its document."""
    key = document.owner * (int(text_ids.max()) + 1) + text_ids
    order = np.argsort(key, kind="stable")
    is_new = np.diff(key[order], prepend=-1) != 0
    group = np.cumsum(is_new) - 1
    counts = np.empty(len(key), np.int64)
    counts[order] = np.bincount(group)[group]
    return counts


def _share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    return (part / np.maximum(whole, 1)).astype(np.float32)
