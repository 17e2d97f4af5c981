"""Noisy kinds from markup + trusted kinds -> the kind that each chrome paragraph is taught as.

Names of classes and tags tell the kind of a chrome paragraph badly (a "teaser" box holds bylines, a
footer everything), and half of the paragraphs have none. A net that learned from paragraphs decided
by reading judges each of them on its page; how far it is followed depends on how often its
judgement and each markup kind go together, which is estimated by expectation maximisation
(Dawid and Skene 1979, with the net in the place of the second observer).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dechrome.labels import CONTENT_KINDS, KINDS
from dechrome.training.table import ParagraphTable

__all__ = ["refine_kinds", "trusted_rows"]

_N_CONTENT = len(CONTENT_KINDS)
_N_CHROME = len(KINDS) - _N_CONTENT
_ITERATIONS = 8
#: Where the estimate starts: a markup kind is right this often.
_FIRST_TRUST = 0.6


def trusted_rows(table: ParagraphTable) -> npt.NDArray[np.int64]:
    """Chrome paragraphs whose kind was decided by reading."""
    return np.flatnonzero(table.is_read & (table.kind >= _N_CONTENT))


def refine_kinds(table: ParagraphTable, P: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    """Decide the kind of every chrome paragraph.

    Parameters
    ----------
    table : ParagraphTable
    P : ndarray of float32, shape (n_paragraphs, n_kinds)
        What a net taught by trusted kinds says.

    Returns
    -------
    ndarray of int8, shape (n_paragraphs,)
        Column of KINDS; -1 where not even the label is known. Content and trusted kinds are kept.
    """
    source = table.per_paragraph([document.source for document in table.documents])
    target = table.kind.copy()
    unsure = np.flatnonzero((table.is_content == 0) & ~table.is_read & (source != "phrases"))
    if len(unsure) == 0:
        return target
    judged = P[unsure, _N_CONTENT:] + 1e-6
    judged /= judged.sum(axis=1, keepdims=True)
    # Row of the observed markup kind; the last one stands for none.
    observed = np.where(table.kind[unsure] >= 0, table.kind[unsure] - _N_CONTENT, _N_CHROME)
    likelihood = np.full((_N_CHROME + 1, _N_CHROME), (1 - _FIRST_TRUST) / _N_CHROME)
    likelihood[:_N_CHROME] += _FIRST_TRUST * np.eye(_N_CHROME)
    likelihood[_N_CHROME] = 1 / _N_CHROME
    counts = np.bincount(observed, minlength=_N_CHROME + 1).astype(float)
    posterior = judged
    for _ in range(_ITERATIONS):
        posterior = judged * likelihood[observed]
        posterior /= posterior.sum(axis=1, keepdims=True)
        together = np.stack(
            [np.bincount(observed, posterior[:, k], _N_CHROME + 1) for k in range(_N_CHROME)], 1
        )
        # How likely each observation is given the kind, smoothed towards its share overall.
        share = (counts / counts.sum())[:, None]
        likelihood = (together + 50 * share) / (together.sum(axis=0) + 50)
    target[unsure] = (_N_CONTENT + posterior.argmax(axis=1)).astype(np.int8)
    return target
