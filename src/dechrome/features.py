"""Paragraphs -> X: what a paragraph looks like, in any script.

Every feature comes from counts of character classes, so it means the same in Thai and in Greek.
They alone separate content from chrome about as well as the words do, and carry over to scripts
never trained on. Where a paragraph stands on the page is left out on purpose: position as a
feature costs accuracy on pages of another shape.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.characters import CLASSES

__all__ = ["FEATURES", "compute_features"]

_ID = {name: i for i, name in enumerate(CLASSES)}
_RATIOS = (
    "upper", "lower", "uncased", "wide", "mark", "digit", "space", "terminal", "comma", "colon", "quote",
    "open", "dash", "divider", "at", "symbol",
)  # fmt: skip
_COUNTS = (
    "terminal",
    "comma",
    "colon",
    "quote",
    "dash",
    "divider",
    "at",
    "digit",
    "currency",
    "sign",
    "symbol",
)
_FIRST = ("upper", "lower", "uncased", "wide", "digit", "quote", "dash", "divider", "open", "symbol", "at")
_LAST = (
    "upper", "lower", "uncased", "wide", "digit", "terminal", "ellipsis", "colon", "comma", "quote", "close",
    "divider", "symbol",
)  # fmt: skip

#: Column names of X.
FEATURES: tuple[str, ...] = (
    "log_length",
    "log_words",
    "mean_word_length",
    "log_sentence_length",
    *(f"{name}_ratio" for name in _RATIOS),
    *(f"log_{name}_count" for name in _COUNTS),
    *(f"first_is_{name}" for name in _FIRST),
    *(f"last_is_{name}" for name in _LAST),
    "closed_sentence",
    "capitalised_word_ratio",
    "capital_run_ratio",
    "number_ratio",
    "log_sentence_count",
    "has_ellipsis",
    "has_time",
    "has_year",
    "is_one_word",
)


def _count(mask: npt.NDArray[np.bool_], ptr: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Number of True in each paragraph's stretch."""
    at = np.flatnonzero(mask)
    return np.diff(np.searchsorted(at, ptr)).astype(np.float32)


def compute_features(batch: Batch) -> npt.NDArray[np.float32]:
    """Compute the features of every paragraph.

    Parameters
    ----------
    batch : Batch

    Returns
    -------
    ndarray of float32, shape (n_paragraphs, n_features)
        Columns as in :data:`FEATURES`. Lengths are in code points, a wide character counting three;
        ``*_ratio`` lie in [0, 1]. An empty paragraph gives zeros.

    Examples
    --------
    >>> X = compute_features(Batch(["All rights reserved.", ""]))
    >>> X.shape == (2, len(FEATURES)), float(X[0, FEATURES.index("last_is_terminal")]), float(X[1].sum())
    (True, 1.0, 0.0)
    """
    n, n_classes = len(batch), len(CLASSES)
    if n == 0:
        return np.zeros((0, len(FEATURES)), np.float32)
    ptr, classes = batch.codes[1], batch.classes
    owner = np.repeat(np.arange(n), np.diff(ptr))
    counts = np.bincount(owner * n_classes + classes, minlength=n * n_classes).reshape(n, n_classes)
    counts = counts.astype(np.float32)
    counts[:, _ID["space"]] -= 1  # the separator
    lengths = counts.sum(1)
    size = np.maximum(lengths, 1)
    weighted = lengths + 2 * counts[:, _ID["wide"]]

    previous = np.concatenate([[_ID["space"]], classes[:-1]]).astype(np.uint8)
    following = np.concatenate([classes[1:], [_ID["space"]]]).astype(np.uint8)
    is_space, was_space = classes == _ID["space"], previous == _ID["space"]
    starts_word = was_space & ~is_space
    words = _count(starts_word, ptr)
    words_or_one = np.maximum(words, 1)
    is_upper, is_digit = classes == _ID["upper"], classes == _ID["digit"]
    sentence_end = (classes == _ID["terminal"]) & (
        (following == _ID["space"]) | (following == _ID["quote"]) | (following == _ID["wide"])
    )
    sentences = _count(sentence_end, ptr)
    number_start = is_digit & (previous != _ID["digit"])
    four_digits = _runs_of_four(is_digit)
    time = (
        is_digit[:-2] & (classes[1:-1] == _ID["colon"]) & is_digit[2:] if len(classes) > 2 else is_digit[:0]
    )

    first, last, before_last = _edge_classes(classes, ptr)
    empty = lengths <= 0
    last_closed = (last == _ID["terminal"]) | (
        np.isin(last, (_ID["quote"], _ID["close"])) & (before_last == _ID["terminal"])
    )
    columns = [
        np.log1p(weighted),
        np.log1p(words + counts[:, _ID["wide"]] / 2),
        np.minimum(weighted / words_or_one, 40) / 10,
        np.log1p(weighted / np.maximum(sentences, 1)),
        *(counts[:, _ID[name]] / size for name in _RATIOS),
        *(np.log1p(counts[:, _ID[name]]) for name in _COUNTS),
        *(first == _ID[name] for name in _FIRST),
        *(last == _ID[name] for name in _LAST),
        last_closed,
        _count(starts_word & is_upper, ptr) / words_or_one,
        _count(is_upper & (previous == _ID["upper"]), ptr) / size,
        np.minimum(_count(number_start, ptr) / words_or_one, 1),
        np.log1p(sentences),
        counts[:, _ID["ellipsis"]] > 0,
        _count(time, ptr) > 0,
        _count(four_digits, ptr) > 0,
        words == 1,
    ]
    X = np.stack(columns, axis=1, dtype=np.float32, casting="unsafe")
    X[empty] = 0
    return X


def _runs_of_four(is_digit: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Positions where a run of exactly four digits, a year perhaps, begins."""
    padded = np.concatenate([[False], is_digit, np.zeros(4, np.bool_)])
    n = len(is_digit)
    run = ~padded[:n] & ~padded[5 : n + 5]
    for step in range(1, 5):
        run &= padded[step : n + step]
    return run


def _edge_classes(
    classes: npt.NDArray[np.uint8], ptr: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Classes of the first, the last and the last but one character of each paragraph.

    Paragraphs come stripped; where one does not (a sequence is taken as it is), its white space counts.
    """
    first = classes[ptr[:-1]]
    last = classes[np.maximum(ptr[1:] - 2, ptr[:-1])]
    before_last = classes[np.maximum(ptr[1:] - 3, ptr[:-1])]
    return first, last, before_last
