"""Labelled paragraphs -> a lexicon and the language model: what is learned from the words alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from dechrome.batch import Batch
from dechrome.labels import KINDS
from dechrome.language import LANGUAGE_BITS, LANGUAGE_UNIT, LanguageModel, language_grams
from dechrome.lexicon import LEXICAL_SCORES, HashedLexicon
from dechrome.training.corpus import Document

__all__ = ["fit_hashed_lexicon", "fit_language_model"]

#: Chosen on the development sites among 3e-7 .. 1e-4.
_ALPHA = 1e-5
_EPOCHS = 6
#: Each language gives at most this many code points, so none wins by having more text.
_MOST_TEXT = 250_000
_LEAST_TEXT = 1_500


def _fit_column(
    grams: sp.csr_matrix, target: npt.NDArray[np.int8], weight: npt.NDArray[np.float32], random_state: int
) -> tuple[npt.NDArray[np.float32], float]:
    from sklearn.linear_model import SGDClassifier

    if target.min() == target.max():  # a kind that a small corpus lacks, or has alone
        return np.zeros(grams.shape[1], np.float32), 8.0 if target.max() else -8.0
    model = SGDClassifier(
        loss="log_loss", alpha=_ALPHA, max_iter=_EPOCHS, tol=None, random_state=random_state
    )
    model.fit(grams, target, sample_weight=weight)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def fit_hashed_lexicon(
    grams: sp.csr_matrix,
    is_content: npt.NDArray[np.int8],
    kind: npt.NDArray[np.int8],
    weight: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    random_state: int,
    n_jobs: int = 1,
) -> HashedLexicon:
    """Fit the linear scores over hashed n-grams, one logistic regression (SGD) a score.

    Parameters
    ----------
    grams : csr_matrix, shape (n_paragraphs, 2 ** GRAM_BITS)
    is_content, kind : ndarray of int8, shape (n_paragraphs,)
        -1 where unknown; such rows are left out of the scores they say nothing about.
    weight : ndarray of float32, shape (n_paragraphs,)
    rows : ndarray of int64
        The paragraphs to learn from.
    random_state : int
    n_jobs : int

    Returns
    -------
    HashedLexicon
        Weights rounded to a byte.
    """
    from joblib import Parallel, delayed

    jobs = []
    for column in range(len(LEXICAL_SCORES)):
        known = rows[(is_content if column == len(KINDS) else kind)[rows] >= 0]
        target = is_content[known] if column == len(KINDS) else (kind[known] == column).astype(np.int8)
        jobs.append((known, target))
    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    fitted = parallel(
        delayed(_fit_column)(grams[known], target, weight[known], random_state) for known, target in jobs
    )
    weights = np.column_stack([coefficients for coefficients, _ in fitted])
    scale = np.maximum(np.quantile(np.abs(weights), 0.9999, axis=0), 1e-6).astype(np.float32) / 127
    rounded = np.rint(weights / scale).clip(-127, 127).astype(np.int8)
    return HashedLexicon(rounded, scale, np.array([intercept for _, intercept in fitted], np.float32))


def fit_language_model(documents: Sequence[Document]) -> LanguageModel:
    """Fit naive Bayes over hashed trigrams from the content of each language.

    News lines (NTREX) alone where a language has them, else the content of its pages and seeds.
    """
    texts: dict[str, list[str]] = {}
    for source in ("ntrex", None):
        found: dict[str, list[str]] = {}
        for document in documents:
            if (document.source == "ntrex") == (source == "ntrex") and document.language != "und":
                content = zip(document.paragraphs, document.labels, strict=True)
                found.setdefault(document.language, []).extend(
                    text for text, label in content if label == "content"
                )
        for language, paragraphs in found.items():
            size = sum(map(len, paragraphs))
            if language not in texts and size >= (_LEAST_TEXT if source else 2 * _LEAST_TEXT):
                texts[language] = paragraphs
    languages = sorted(texts) or ["und"]
    counts = np.zeros((1 << LANGUAGE_BITS, len(languages)), np.float64)
    for column, language in enumerate(languages):
        paragraphs = _first_code_points(texts.get(language, []))
        grams, _ = language_grams(Batch(paragraphs))
        counts[:, column] = np.bincount(grams, minlength=1 << LANGUAGE_BITS)
    smoothed = counts + 1
    scores = np.log(smoothed / smoothed.sum(axis=0))
    scores -= scores.mean(axis=1, keepdims=True)
    return LanguageModel(np.rint(scores / LANGUAGE_UNIT).clip(-127, 127).astype(np.int8), languages)


def _first_code_points(paragraphs: Sequence[str]) -> list[str]:
    """Pieces of 60 code points (what the model reads of a paragraph) up to the most a language gives."""
    pieces = [text[i : i + 60] for text in paragraphs for i in range(0, len(text), 60)]
    return pieces[: _MOST_TEXT // 60]
