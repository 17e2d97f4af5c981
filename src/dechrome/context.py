"""First-pass probabilities -> what surrounds each paragraph: its neighbours, its document.

Context decides more than anything a paragraph says itself (document F1 86 -> 91 in the
exploration). All of it is array passes over a whole batch; sums are of whole numbers
(fixed point), hence exact, hence the same however documents are batched. Nothing crosses
``doc_ptr``, and nothing says where on the page a paragraph stands in absolute terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dechrome.labels import CONTENT_KINDS, KINDS
from dechrome.language import LANGUAGE_UNIT

__all__ = ["CONTEXT", "ContextInputs", "compute_context"]

_ONE = 1 << 12  # fixed point: this is 1.0
_UNIT = np.float32(1 / _ONE)
_N_CONTENT = len(CONTENT_KINDS)
#: Names of the signals that neighbours, windows and the document report.
_SIGNALS = ("log_length", "closed_sentence", "mismatch", *KINDS)
_FIRST_KIND = _SIGNALS.index(KINDS[0])
_NEIGHBOURS = (-1, 1, -2, 2)
#: Stretches before and after a paragraph reach so many paragraphs.
_WINDOWS = (3, 8, 20)
#: Paragraph gains in the best run: (p - 0.4) * sqrt(length).
_RUN_THRESHOLD = 0.4
#: A paragraph counts as no longer than this, so that sums over windows stay exact in 32 bits.
_MOST_LENGTH = 4096
#: Weight of a paragraph's words in the choice of its document's language.
_LANGUAGE_WEIGHT = 64


def _names() -> tuple[str, ...]:
    names = ["logit_p", "mismatch", "total_mismatch", "mismatch_all"]
    for step in _NEIGHBOURS:
        names += [f"{name}[{step:+d}]" for name in (*_SIGNALS, "is_there")]
    for reach in _WINDOWS:
        for side in ("before", "after"):
            names += [f"{name}[1..{reach} {side}]" for name in (*_SIGNALS, "p_by_length")]
    names += [f"document_{name}" for name in (*_SIGNALS, "p_by_length")]
    for side in ("before", "after"):
        names += [f"log_content[{side}]", f"content_share[{side}]"]
    names += ["document_log_length", "document_log_paragraphs", "document_max_p"]
    names += ["in_run", "before_run", "after_run", "run_share", "log_run_paragraphs"]
    names += ["length_against_content", "log_repeats", "relative_p"]
    return tuple(names)


#: Column names of the context features.
CONTEXT: tuple[str, ...] = _names()


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


def compute_context(
    P: npt.NDArray[np.float32],
    inputs: ContextInputs,
    doc_ptr: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.float32]:
    """Compute the context features of every paragraph, or of some of them.

    Parameters
    ----------
    P : ndarray of float32, shape (n_paragraphs, n_kinds)
        Probabilities of the pass before.
    inputs : ContextInputs
    doc_ptr : ndarray of int64, shape (n_documents + 1,)
    rows : ndarray of int64, shape (n_rows,), optional
        Paragraphs to compute the features of; all if not given.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_context)
        Columns as in :data:`CONTEXT`.
    """
    n = len(P)
    rows = np.arange(n) if rows is None else rows
    C = np.empty((len(rows), len(CONTEXT)), np.float32)
    if len(rows) == 0:
        return C
    document = _Documents(doc_ptr)
    p = P[:, 0] + P[:, 1]
    log_length = inputs.log_length[inputs.text_ids]
    length = np.minimum(np.rint(np.expm1(inputs.log_length)), _MOST_LENGTH).astype(np.int64)[inputs.text_ids]
    mismatch, mismatch_all = _mismatches(p, inputs, document)

    # Signals of every paragraph in fixed point, then content by length and length.
    signals = np.empty((n, len(_SIGNALS) + 2), np.int32)
    fixed_p = np.rint(p * _ONE).astype(np.int64)
    for i, values in enumerate((log_length, inputs.closed_sentence[inputs.text_ids], mismatch)):
        signals[:, i] = np.rint(values * _ONE)
    np.rint(P * _ONE, out=signals[:, _FIRST_KIND:-2], casting="unsafe")
    signals[:, -2], signals[:, -1] = fixed_p * length, length

    total = np.add.reduceat(signals, document.first, axis=0, dtype=np.int64)
    highest = np.maximum.reduceat(p, document.first)
    weighted = np.add.reduceat(fixed_p * signals[:, 0], document.first)
    typical = weighted / np.maximum(np.add.reduceat(fixed_p, document.first), 1)
    owner = document.owner[rows]
    here = {"p": p[rows], "mismatch": mismatch[rows], "length": length[rows], "highest": highest[owner]}
    write = _Writer(C)
    write(np.log((here["p"] + 0.01) / (1.01 - here["p"])))
    write(here["mismatch"])
    write(np.log1p(here["mismatch"] * np.minimum(here["length"], 64)))
    write(mismatch_all[rows])
    _write_surroundings(write, signals, rows, document)
    averages = total[:, :-2] / (document.size * _ONE)[:, None]
    write.block(np.column_stack([averages, _share(total[:, -2], total[:, -1] * _ONE)]), owner)
    _write_sides(write, signals, total, rows, document)
    write((np.log1p(total[:, -1]) / 10)[owner])
    write(np.log1p(document.size)[owner])
    write(here["highest"])
    gains = np.rint((p - np.float32(_RUN_THRESHOLD)) * np.sqrt(length) * _ONE).astype(np.int64)
    _write_runs(write, gains, signals[:, -2], total[:, -2], rows, document)
    write(log_length[rows] - (typical * _UNIT)[owner])
    write(np.log(_count_repeats(inputs.text_ids, document))[rows])
    write(here["p"] / np.maximum(here["highest"], 0.05))
    assert write.column == len(CONTEXT)
    return C


class _Documents:
    """Where documents begin and end; those without a paragraph are left out."""

    def __init__(self, doc_ptr: npt.NDArray[np.int64]) -> None:
        self.full = np.flatnonzero(np.diff(doc_ptr))
        self.first = doc_ptr[:-1][self.full]
        self.size = np.diff(doc_ptr)[self.full]
        self.owner = np.repeat(np.arange(len(self.full)), self.size)


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


def _mismatches(
    p: npt.NDArray[np.float32], inputs: ContextInputs, document: _Documents
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Nats per trigram by which each paragraph's best language beats its document's, at most 4.

    The document's language is that of its likely content, then that of all its text. The sums are of
    whole numbers below 2 ** 53, hence exact in any order.
    """
    ids, likelihood = inputs.text_ids, inputs.likelihood
    best = likelihood.max(axis=1).astype(np.int64) if likelihood.shape[1] else np.zeros(len(likelihood))
    weight = np.empty((2, len(ids)))
    np.rint(p * np.float32(_LANGUAGE_WEIGHT), out=weight[0], casting="unsafe")
    weight[0] += 1
    weight[1] = 1
    wide = likelihood.astype(np.float64)
    language = np.empty((2, len(document.full)), np.int64)
    for d, (first, size) in enumerate(zip(document.first.tolist(), document.size.tolist(), strict=True)):
        part = slice(first, first + size)
        language[:, d] = (weight[:, part] @ wide[ids[part]]).argmax(axis=1)
    per_trigram = np.float32(LANGUAGE_UNIT) / inputs.n_trigrams[ids].astype(np.float32)
    own = likelihood[ids, language[:, document.owner]]
    lost = (best[ids] - own).astype(np.float32) * per_trigram
    by_content, by_all = np.minimum(lost, np.float32(4))
    return by_content, by_all


def _write_surroundings(
    write: _Writer, signals: npt.NDArray[np.int32], rows: npt.NDArray[np.int64], document: _Documents
) -> None:
    """Columns of the neighbours and of the stretches before and after."""
    n, n_signals = len(signals), len(_SIGNALS)
    owner = document.owner[rows]
    start = document.first[owner]
    stop = start + document.size[owner]
    scaled = np.zeros((n + 1, n_signals + 1), np.float32)  # the last row stands for no neighbour
    scaled[:n, :-1] = signals[:, :n_signals]
    scaled *= _UNIT
    scaled[:n, -1] = 1
    for step in _NEIGHBOURS:
        at = rows + step
        is_there = (at >= start) & (at < stop)
        scaled.take(np.where(is_there, at, n), axis=0, out=write.next(n_signals + 1), mode="clip")
    # Sums of 32 bits wrap around, but their differences over 20 paragraphs do not.
    sums = np.zeros((n + 1, n_signals + 2), np.int32)
    np.cumsum(signals, axis=0, out=sums[1:])
    at_row, behind_row = sums[rows], sums[rows + 1]
    for reach in _WINDOWS:
        low, high = np.maximum(rows - reach, start), np.minimum(rows + 1 + reach, stop)
        for part, size in ((at_row - sums[low], rows - low), (sums[high] - behind_row, high - rows - 1)):
            columns = write.next(n_signals + 1)
            per_paragraph = _UNIT / np.maximum(size, 1).astype(np.float32)
            np.multiply(part[:, :n_signals], per_paragraph[:, None], out=columns[:, :-1], casting="unsafe")
            columns[:, -1] = part[:, -2] * _UNIT / np.maximum(part[:, -1], 1).astype(np.float32)


def _write_sides(
    write: _Writer,
    signals: npt.NDArray[np.int32],
    total: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    document: _Documents,
) -> None:
    """Columns of the content on either side of the paragraph."""
    content = np.concatenate([[0], np.cumsum(signals[:, -2], dtype=np.int64)])
    owner = document.owner[rows]
    start = document.first[owner]
    whole = total[owner, -2]
    for part in (content[rows] - content[start], content[start + document.size[owner]] - content[rows + 1]):
        write(np.log1p(part * _UNIT) / 10)
        write(_share(part, whole))


def _write_runs(
    write: _Writer,
    gains: npt.NDArray[np.int64],
    content: npt.NDArray[np.int32],
    total: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    document: _Documents,
) -> None:
    """Columns of the document's best run of content: in it, how far before or after, its share."""
    starts, stops = _best_runs(gains, document)
    owner = document.owner[rows]
    start, stop = starts[owner], stops[owner]
    sums = np.concatenate([[0], np.cumsum(content, dtype=np.int64)])
    write((rows >= start) & (rows < stop))
    write(np.log1p(np.maximum(start - rows, 0)))
    write(np.log1p(np.maximum(rows - stop + 1, 0)))
    write(_share(sums[stops] - sums[starts], total)[owner])
    write(np.log1p(stops - starts)[owner])


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
