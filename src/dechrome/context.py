"""First-pass probabilities -> what surrounds each paragraph: its neighbours, its document.

Context decides more than anything a paragraph says itself (document F1 86 -> 91 in the
exploration). All of it is array passes over a whole batch; sums are of whole numbers
(fixed point), hence exact, hence the same however documents are batched. Nothing crosses
``doc_ptr``, and nothing says where on the page a paragraph stands in absolute terms.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dechrome.labels import CONTENT_KINDS, KINDS

__all__ = ["CONTEXT", "compute_context"]

_ONE = 1 << 12  # fixed point: this is 1.0
_UNIT = np.float32(1 / _ONE)
_N_CONTENT = len(CONTENT_KINDS)
#: Names of the signals that neighbours and windows report.
_SIGNALS = ("p", "log_length", "closed_sentence", "mismatch", *KINDS)
_NEIGHBOURS = (-1, 1, -2, 2)
#: Stretches before and after a paragraph, as (from, to) steps away.
_WINDOWS = ((1, 3), (3, 5), (1, 8), (1, 20))
#: Paragraph gains in the best run: (p - 0.4) * sqrt(length).
_RUN_THRESHOLD = 0.4


def _names() -> tuple[str, ...]:
    names = ["logit_p", "mismatch", "total_mismatch", "mismatch_all"]
    for step in _NEIGHBOURS:
        names += [f"{name}[{step:+d}]" for name in ("is_there", *_SIGNALS)]
    for low, high in _WINDOWS:
        for side in ("before", "after"):
            names += [f"{name}[{low}..{high} {side}]" for name in ("p_by_length", *_SIGNALS)]
    for side in ("before", "after"):
        names += [f"log_content[{side}]", f"content_share[{side}]"]
    names += [f"document_{name}" for name in _SIGNALS]
    names += ["document_p_by_length", "document_log_length", "document_log_paragraphs", "document_max_p"]
    names += ["in_run", "before_run", "after_run", "run_share", "log_run_paragraphs"]
    names += ["length_against_content", "log_repeats", "relative_p"]
    return tuple(names)


#: Column names of the context features.
CONTEXT: tuple[str, ...] = _names()


class _Windows:
    """Sums of fixed-point signals over stretches of paragraphs that never leave their document."""

    def __init__(self, signals: npt.NDArray[np.int64], doc_ptr: npt.NDArray[np.int64]) -> None:
        n_documents = len(doc_ptr) - 1
        sizes = np.diff(doc_ptr)
        owner = np.repeat(np.arange(n_documents), sizes)
        self.owner = owner
        self.start, self.stop = doc_ptr[:-1][owner], doc_ptr[1:][owner]
        self.position = np.arange(len(signals))
        self.sums = np.concatenate([np.zeros((1, signals.shape[1]), np.int64), np.cumsum(signals, axis=0)])

    def __call__(self, low: int, high: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Sums over the paragraphs from ``low`` to ``high`` steps away, and how many there are."""
        first = np.clip(self.position + low, self.start, self.stop)
        last = np.clip(self.position + high + 1, self.start, self.stop)
        return self.sums[last] - self.sums[first], last - first


def _mismatch(
    likelihood: npt.NDArray[np.int16],
    weight: npt.NDArray[np.int64],
    windows: _Windows,
    doc_ptr: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Nats per trigram by which a paragraph's best language beats its document's, at most 4."""
    full = np.flatnonzero(np.diff(doc_ptr))
    totals = np.add.reduceat(likelihood * weight[:, None], doc_ptr[:-1][full], axis=0)
    language = np.zeros(len(doc_ptr) - 1, np.int64)
    language[full] = totals.argmax(axis=1)
    own = likelihood[windows.position, language[windows.owner]]
    return np.minimum((likelihood.max(axis=1) - own).astype(np.float32) * np.float32(0.05 / 16), 4)


def _best_runs(
    gains: npt.NDArray[np.int64], windows: _Windows, doc_ptr: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Half-open bounds of each document's stretch with the largest sum (Kadane, by prefix sums)."""
    n_documents = len(doc_ptr) - 1
    sums = np.concatenate([[0], np.cumsum(gains)])
    # Falling by more than any sum from document to document restarts the running minimum in each.
    fall = (np.abs(gains).sum() + 1) * windows.owner
    before, after = sums[:-1] - fall, sums[1:] - fall
    lowest = np.minimum.accumulate(before)
    gain = after - lowest
    is_low = before == lowest
    low_at = np.maximum.accumulate(np.where(is_low, windows.position, 0))
    starts, stops = np.zeros(n_documents, np.int64), np.zeros(n_documents, np.int64)
    order = np.lexsort((-windows.position, gain, windows.owner))
    full = np.flatnonzero(np.diff(doc_ptr))
    best = order[doc_ptr[1:][full] - 1]
    found = gain[best] > 0
    starts[full], stops[full] = low_at[best], np.where(found, best + 1, low_at[best])
    return starts, stops


def compute_context(
    P: npt.NDArray[np.float32],
    log_length: npt.NDArray[np.float32],
    closed_sentence: npt.NDArray[np.float32],
    likelihood: npt.NDArray[np.int16],
    text_ids: npt.NDArray[np.int64],
    doc_ptr: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Compute the context features of every paragraph.

    Parameters
    ----------
    P : ndarray of float32, shape (n_paragraphs, n_kinds)
        First-pass probabilities.
    log_length, closed_sentence : ndarray of float32, shape (n_paragraphs,)
        Columns of X.
    likelihood : ndarray of int16, shape (n_paragraphs, n_languages)
        From :meth:`dechrome.language.LanguageModel.score`.
    text_ids : ndarray of int64, shape (n_paragraphs,)
        Equal for equal paragraphs.
    doc_ptr : ndarray of int64, shape (n_documents + 1,)

    Returns
    -------
    ndarray of float32, shape (n_paragraphs, n_context)
        Columns as in :data:`CONTEXT`.
    """
    n = len(P)
    if n == 0:
        return np.zeros((0, len(CONTEXT)), np.float32)
    p = P[:, :_N_CONTENT].sum(axis=1)
    fixed_P = np.rint(P * _ONE).astype(np.int64)
    fixed_p = fixed_P[:, :_N_CONTENT].sum(axis=1)
    length = np.rint(np.expm1(log_length)).astype(np.int64)
    bare = _Windows(np.zeros((n, 1), np.int64), doc_ptr)
    mismatch = _mismatch(likelihood, 1 + fixed_p * np.minimum(length, 400) // 400, bare, doc_ptr)
    mismatch_all = _mismatch(likelihood, np.minimum(length, 400), bare, doc_ptr)
    fixed_mismatch = np.rint(mismatch * _ONE).astype(np.int64)
    signals = np.column_stack(
        [
            fixed_p,
            np.rint(log_length * _ONE).astype(np.int64),
            np.rint(closed_sentence * _ONE).astype(np.int64),
            fixed_mismatch,
            fixed_P,
            fixed_p * length,
            length,
        ]
    )
    windows = _Windows(signals, doc_ptr)
    full = np.flatnonzero(np.diff(doc_ptr))
    highest = np.repeat(np.maximum.reduceat(p, doc_ptr[:-1][full]), np.diff(doc_ptr)[full])
    total = windows(-n, n)[0]
    gains = np.rint((p - np.float32(_RUN_THRESHOLD)) * np.sqrt(length) * _ONE).astype(np.int64)
    weighted = np.add.reduceat(fixed_p * signals[:, 1], doc_ptr[:-1][full])
    weighted = weighted / np.maximum(np.add.reduceat(fixed_p, doc_ptr[:-1][full]), 1)
    typical = np.repeat(weighted, np.diff(doc_ptr)[full]) * _UNIT
    key = windows.owner * (text_ids.max() + 1) + text_ids
    _, inverse, repeats = np.unique(key, return_inverse=True, return_counts=True)
    columns = [
        np.log((p + 0.01) / (1.01 - p)),
        mismatch,
        np.log1p(mismatch * np.minimum(length, 64)),
        mismatch_all,
        *_surroundings(windows, total),
        highest,
        *_run_columns(gains, windows, total, doc_ptr),
        log_length - typical,
        np.log(repeats[inverse]),
        p / np.maximum(highest, 0.05),
    ]
    return np.column_stack(columns).astype(np.float32)


def _share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    return (part / np.maximum(whole, 1)).astype(np.float32)


def _surroundings(windows: _Windows, total: npt.NDArray[np.int64]) -> list[npt.NDArray[np.float32]]:
    """Columns of the neighbours, of the stretches before and after, and of the whole document.

    The signals' last two columns are content by length and length.
    """
    n, n_signals = len(total), len(_SIGNALS)
    columns: list[npt.NDArray[np.float32]] = []
    for step in _NEIGHBOURS:
        sums, count = windows(step, step)
        columns += [count.astype(np.float32), *(sums[:, :n_signals] * _UNIT).T]
    for low, high in _WINDOWS:
        for sums, count in (windows(-high, -low), windows(low, high)):
            columns += [_share(sums[:, -2], sums[:, -1] * _ONE)]
            columns += [*(_share(sums[:, :n_signals], count[:, None] * _ONE)).T]
    for sums, _ in (windows(-n, -1), windows(1, n)):
        columns += [np.log1p(sums[:, -2] * _UNIT) / 10, _share(sums[:, -2], total[:, -2])]
    size = windows.stop - windows.start
    return [
        *columns,
        *_share(total[:, :n_signals], size[:, None] * _ONE).T,
        _share(total[:, -2], total[:, -1] * _ONE),
        np.log1p(total[:, -1], dtype=np.float32) / np.float32(10),
        np.log1p(size, dtype=np.float32),
    ]


def _run_columns(
    gains: npt.NDArray[np.int64],
    windows: _Windows,
    total: npt.NDArray[np.int64],
    doc_ptr: npt.NDArray[np.int64],
) -> list[npt.NDArray[np.float32]]:
    """Columns of the document's best run of content: in it, how far before or after, its share."""
    starts, stops = _best_runs(gains, windows, doc_ptr)
    start, stop = starts[windows.owner], stops[windows.owner]
    in_run = (windows.position >= start) & (windows.position < stop)
    run = windows.sums[stop] - windows.sums[start]
    return [
        in_run.astype(np.float32),
        np.log1p(np.maximum(start - windows.position, 0)),
        np.log1p(np.maximum(windows.position - stop + 1, 0)),
        _share(run[:, -2], total[:, -2]),
        np.log1p(stop - start),
    ]
