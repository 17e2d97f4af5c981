"""Labelled paragraphs -> linear scores and the language model: what is learned from the text alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from dechrome.batch import GRAM_BITS, Batch
from dechrome.errors import CorpusFormatError
from dechrome.gramtable import LinearScores
from dechrome.labels import KINDS
from dechrome.language import LANGUAGE_BITS, LANGUAGE_UNIT, LanguageModel, language_grams
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, HashedLexicon, Lexicon, choose_words, find_words
from dechrome.patterns import PatternModel
from dechrome.training.config import TEXT_MODELS
from dechrome.training.corpus import Document
from dechrome.training.table import ParagraphTable, iterate_batches

__all__ = [
    "fit_language_model", "fit_lexicon", "fit_linear_scores", "fit_patterns", "score_out_of_fold",
    "score_paragraphs",
]  # fmt: skip

#: Chosen on the development sites among 3e-7 .. 1e-4.
_ALPHA = 1e-5
_EPOCHS = 6
#: How much more a word counts than a character n-gram, hence how much less its weight is held back: log loss
#: of seeds and of WCXB on the development sites falls from 1 to 2.
_WORD_VALUE = np.float32(2)
#: Each language gives at most this many code points, so none wins by having more text.
_MOST_TEXT = 250_000
_LEAST_TEXT = 1_500


def _fit_column(
    grams: sp.csr_matrix, target: npt.NDArray[np.int8], weight: npt.NDArray[np.float32], random_state: int
) -> tuple[npt.NDArray[np.float32], float]:
    from sklearn.linear_model import SGDClassifier

    if not len(target):  # of which nothing is known
        return np.zeros(grams.shape[1], np.float32), 0.0
    if target.min() == target.max():  # a kind that a small corpus lacks, or has alone
        return np.zeros(grams.shape[1], np.float32), 8.0 if target.max() else -8.0
    model = SGDClassifier(
        loss="log_loss", alpha=_ALPHA, max_iter=_EPOCHS, tol=None, random_state=random_state
    )
    model.fit(grams, target, sample_weight=weight)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def fit_linear_scores(
    grams: sp.csr_matrix,
    is_content: npt.NDArray[np.int8],
    kind: npt.NDArray[np.int8],
    weight: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    random_state: int,
    n_jobs: int = 1,
) -> LinearScores:
    """Fit linear scores over hashed n-grams, a logistic regression (SGD) for each kind and for content.

    Parameters
    ----------
    grams : csr_matrix, shape (n_paragraphs, n_buckets)
    is_content, kind : ndarray of int8, shape (n_paragraphs,)
        -1 where unknown; such rows are left out of the scores they say nothing about.
    weight : ndarray of float32, shape (n_paragraphs,)
    rows : ndarray of int64
        The paragraphs to learn from.
    random_state : int
    n_jobs : int

    Returns
    -------
    LinearScores
        Of ``len(KINDS) + 1`` columns, weights rounded to a byte.
    """
    from joblib import Parallel, delayed

    jobs = []
    for column in range(len(KINDS) + 1):
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
    return LinearScores(rounded, scale, np.array([intercept for _, intercept in fitted], np.float32))


def _weights(table: ParagraphTable) -> npt.NDArray[np.float32]:
    """Trust in the kind of each paragraph: read ones most, those from markup and wiki strings least."""
    source = table.per_paragraph([document.source for document in table.documents])
    weight = np.ones(len(table.paragraphs), np.float32)
    weight[source == "wcxb"] = 0.5
    weight[source == "phrases"] = 0.5
    weight[source == "ntrex"] = 0.3
    weight[table.is_read] = 3.0
    return weight


def fit_patterns(
    table: ParagraphTable, rows: npt.NDArray[np.int64], random_state: int, n_jobs: int = 1
) -> PatternModel:
    """Fit the pattern scores on the given paragraphs, each text once."""
    rows = np.intersect1d(rows, table.unique_rows)
    return PatternModel(
        fit_linear_scores(
            table.pattern_grams, table.is_content, table.kind, _weights(table), rows, random_state, n_jobs
        )
    )


def fit_lexicon(
    table: ParagraphTable, text_model: str, rows: npt.NDArray[np.int64], random_state: int, n_jobs: int = 1
) -> Lexicon:
    """Fit the lexicon of the given name on the given paragraphs, each text once.

    Raises
    ------
    CorpusFormatError
        If there is no text model of that name.
    """
    if text_model not in TEXT_MODELS:
        raise CorpusFormatError(f"text_model {text_model!r}; known: {', '.join(TEXT_MODELS)}.")
    rows = np.intersect1d(rows, table.unique_rows)
    if text_model == "hashed":
        return _fit_hashed(table, rows, random_state, n_jobs)
    from dechrome.training.fasttext_training import fit_fasttext_lexicon

    quantize = text_model == "fasttext-quantized"
    return fit_fasttext_lexicon(table.paragraphs, table.is_content, table.kind, rows, quantize, random_state)


def _fit_hashed(
    table: ParagraphTable, rows: npt.NDArray[np.int64], random_state: int, n_jobs: int
) -> HashedLexicon:
    """Fit characters and words together; only the given paragraphs choose the vocabulary."""
    words = table.words
    checks = choose_words(*np.unique(words[rows].indices.astype(np.uint32), return_counts=True))
    places = find_words(words.indices.astype(np.uint32), checks)
    is_known = places != UNKNOWN_WORD
    ptr = np.concatenate([[0], np.cumsum(is_known)])[words.indptr]
    known = sp.csr_matrix(
        (words.data[is_known] * _WORD_VALUE, places[is_known].astype(np.int32), ptr),
        shape=(len(table.paragraphs), 1 << VOCABULARY_BITS),
    )
    grams = sp.hstack([table.grams, known]).tocsr()
    scores = fit_linear_scores(
        grams, table.is_content, table.kind, _weights(table), rows, random_state, n_jobs
    )
    by_character, by_word = np.split(scores.weights, [1 << GRAM_BITS])
    return HashedLexicon(
        LinearScores(by_character, scores.scale, scores.intercept),
        LinearScores(by_word, scores.scale * _WORD_VALUE, np.zeros_like(scores.intercept)),
        checks,
    )


def score_out_of_fold(
    table: ParagraphTable,
    fold: npt.NDArray[np.int8],
    fit: Callable[[npt.NDArray[np.int64]], Lexicon | PatternModel],
    name: str,
    progress: Callable[[str], None],
) -> npt.NDArray[np.float32]:
    """Score each paragraph by a scorer that has not seen its fold.

    A fold without which no label would be left is scored by one that has.

    Parameters
    ----------
    table : ParagraphTable
    fold : ndarray of int8, shape (n_paragraphs,)
        Number of each paragraph's fold.
    fit : callable
        From the rows to learn from to a scorer.
    name : str
        Of the scores, for ``progress``.
    progress : callable

    Returns
    -------
    ndarray of float32, shape (n_paragraphs, n_scores)
    """
    folds, parts = np.unique(fold), []
    for number, held in enumerate(folds):
        progress(f"{name}, fold {number + 1} of {len(folds)}")
        held_out, rest = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
        scorer = fit(rest if (table.is_content[rest] >= 0).any() else held_out)
        parts.append(score_paragraphs(scorer, [table.paragraphs[i] for i in held_out]))
    scores = np.concatenate(parts)
    scores[np.argsort(fold, kind="stable")] = scores.copy()
    return scores


def score_paragraphs(scorer: Lexicon | PatternModel, paragraphs: Sequence[str]) -> npt.NDArray[np.float32]:
    """Scores of many paragraphs, in batches."""
    return np.concatenate([scorer.score(batch) for batch in iterate_batches(paragraphs)])


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
    """Pieces of 30 code points, whose trigrams are all read, up to the most a language gives."""
    pieces = [text[i : i + 30] for text in paragraphs for i in range(0, len(text), 30)]
    return pieces[: _MOST_TEXT // 30]
