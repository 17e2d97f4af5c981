"""Held-out documents -> calibrated probabilities and the threshold."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.labels import CONTENT_KINDS, Favor
from dechrome.model import Calibration, Model
from dechrome.training.augmentation import augment_documents
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document

__all__ = ["calibrate"]

#: How much more recall counts than precision.
_BETAS: dict[Favor, float] = {"precision": 0.5, "balanced": 1.0, "recall": 2.0}

_THRESHOLDS = np.arange(0.05, 0.951, 0.005)
#: Thresholds that cost no more than this are as good as the best; the middle of them is taken. It is about
#: the standard error of a mean over documents, as in the rule of Breiman et al. 1984, and the middle moved by
#: .02 from draw to draw, by .08 with a quarter of it.
_LEVEL = 0.004
#: Longer paragraphs count as one of so many code points.
_MOST_LENGTH = 500
#: A page's likeliest body paragraph is lifted so far above a threshold (log-odds).
_LIFTED_BY = 0.2

_log = logging.getLogger(__name__)


def calibrate(
    model: Model,
    documents: Sequence[Document],
    config: TrainingConfig,
    progress: Callable[[str], None] = _log.info,
) -> Model:
    """Fit Platt scaling and choose the threshold on held-out documents of every shape.

    Each is the middle of the thresholds that are about as good as the best: the balanced one by the F1 of
    content by length, averaged over documents. The others are for whole corpora, in which long pages count
    for more: the one that favours precision by F0.5 over all documents together, the one that favours recall
    by F2 (van Rijsbergen 1979).
    """
    from scipy.special import logit
    from sklearn.linear_model import LogisticRegression

    judged = _judge_shapes(model, documents, config)
    score = logit(judged.p_content)[:, None]
    platt = LogisticRegression(C=1e6).fit(
        score, judged.is_content, sample_weight=1 / np.sqrt(20 + judged.n_paragraphs)
    )
    chooses = judged.n_paragraphs > 1  # lone paragraphs are shifted, wherever the thresholds lie
    if not chooses.any():
        chooses[:] = True
    thresholds = _choose_thresholds(
        judged.is_content[chooses],
        platt.predict_proba(score[chooses])[:, 1],
        judged.length[chooses],
        judged.owner[chooses],
    )
    log_odds = {favor: float(logit(threshold)) for favor, threshold in thresholds.items()}
    balanced = log_odds["balanced"]
    calibration = Calibration(
        float(platt.coef_[0, 0]),
        float(platt.intercept_[0]),
        lone_shift=balanced,  # even odds are 0
        # Above its threshold; with "recall" as far as with "balanced", whose threshold lies higher.
        lifted_best={favor: max(balanced, at) + _LIFTED_BY for favor, at in log_odds.items()},
    )
    progress(f"{calibration}, thresholds {thresholds}")
    return replace(model, calibration=calibration, thresholds=thresholds)


class _Judged(NamedTuple):
    """Paragraphs with a known label, in documents of every shape; arrays of shape (n_paragraphs,)."""

    is_content: npt.NDArray[np.bool_]
    p_content: npt.NDArray[np.float64]
    """Not calibrated, within (0, 1)."""
    length: npt.NDArray[np.int64]
    """Code points, at most _MOST_LENGTH."""
    owner: npt.NDArray[np.int64]
    """Number of the document."""
    n_paragraphs: npt.NDArray[np.int64]
    """Of the document, those without a known label too."""


def _judge_shapes(model: Model, documents: Sequence[Document], config: TrainingConfig) -> _Judged:
    rng = np.random.default_rng(config.random_state + 2)
    usable = [d for d in documents if d.source not in ONE_SIDED_SOURCES] or list(documents)
    indices, doc_ptr, _, is_teaser = augment_documents(usable, min(4000, 20 * len(usable)), config.mix, rng)
    paragraphs = [text for document in usable for text in document.paragraphs]
    labels = np.array([{"content": 1, "chrome": 0, None: -1}[x] for d in usable for x in d.labels])[indices]
    labels[is_teaser] = 0
    probabilities = []
    for start in range(0, len(doc_ptr) - 1, 200):
        ptr = doc_ptr[start : start + 201]
        batch = Batch([paragraphs[i] for i in indices[ptr[0] : ptr[-1]]], ptr - ptr[0])
        probabilities.append(model.score(batch)[0])
    p = np.concatenate(probabilities)[:, : len(CONTENT_KINDS)].sum(axis=1)
    sizes = np.diff(doc_ptr)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    length = np.array([min(len(paragraphs[i]), _MOST_LENGTH) for i in indices])
    known = np.flatnonzero(labels >= 0)
    return _Judged(
        labels[known] == 1, p[known].clip(1e-6, 1 - 1e-6), length[known], owner[known], sizes[owner[known]]
    )


def _choose_thresholds(
    is_content: npt.NDArray[np.bool_],
    p_content: npt.NDArray[np.float64],
    length: npt.NDArray[np.int64],
    owner: npt.NDArray[np.int64],
) -> dict[Favor, float]:
    """The threshold for each favour: the middle of those that are as good as the best."""
    scores = {favor: np.empty(len(_THRESHOLDS)) for favor in _BETAS}
    documents = np.unique(owner)
    there = np.bincount(owner, length * is_content)[documents]
    for i, threshold in enumerate(_THRESHOLDS):
        is_kept = p_content >= threshold
        kept, right = (
            np.bincount(owner, length * part)[documents] for part in (is_kept, is_kept & is_content)
        )
        for favor, beta in _BETAS.items():
            if favor == "balanced":
                scores[favor][i] = _f_beta(right, kept, there, beta).mean()
            else:
                scores[favor][i] = _f_beta(right.sum(), kept.sum(), there.sum(), beta)
    level = {favor: _THRESHOLDS[score >= score.max() - _LEVEL] for favor, score in scores.items()}
    return {favor: round(float(found.min() + found.max()) / 2, 3) for favor, found in level.items()}


def _f_beta(right: Any, kept: Any, there: Any, beta: float) -> Any:
    """F measure of what is right of the kept and of what is there; 1 where both are nothing."""
    whole = beta**2 * there + kept
    return np.where(whole > 0, (1 + beta**2) * right / np.maximum(whole, 1), 1.0)
