"""The chain of stages: batch -> features and scores -> first pass -> context -> passes in context.

Training calls the same functions on the same columns, so what is learned is what is run.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.context import CONTEXT, STRETCHES, Context, ContextInputs
from dechrome.encoder import MEANINGS, Encoder
from dechrome.features import FEATURES, compute_features
from dechrome.labels import CONTENT_KINDS, FAVORS, KINDS, LEXICAL_SCORES, SCORES, Favor
from dechrome.language import LanguageModel
from dechrome.lexicon import Lexicon
from dechrome.patterns import PatternModel
from dechrome.scoring import Net, average_proba

__all__ = [
    "FIRST_PASS_INPUTS",
    "CONTEXT_PASS_INPUTS",
    "Calibration",
    "Model",
    "choose_kinds",
    "context_inputs",
    "context_pass_inputs",
    "first_pass_inputs",
    "number_paragraphs",
]

_Array = npt.NDArray[np.float32]

#: Input columns of the first pass and of those in context; a model folder whose columns differ is refused.
_ALONE = (*FEATURES, *(f"lexical_{name}" for name in LEXICAL_SCORES), *MEANINGS)
FIRST_PASS_INPUTS = (*_ALONE, *(f"pattern_{name}" for name in SCORES))
_IN_DOCUMENT = (*_ALONE, *(f"before_{kind}" for kind in KINDS), *CONTEXT)
CONTEXT_PASS_INPUTS = (_IN_DOCUMENT, (*_IN_DOCUMENT, *STRETCHES))

_N_CONTENT = len(CONTENT_KINDS)
_BODY = KINDS.index("body")
_LOG_LENGTH, _CLOSED = FEATURES.index("log_length"), FEATURES.index("closed_sentence")
_SCORE_UNIT = np.float32(0.25)
#: A net sees no more rows of a document at once, and no more than twice as many rows of several, so that a
#: document of many paragraphs needs no more memory.
_MOST_ROWS = 1 << 12


def first_pass_inputs(X: _Array, lexical: _Array, meanings: _Array, patterns: _Array) -> _Array:
    """Columns of the first pass: shape, words, meanings, patterns."""
    words = (lexical[:, :-1] * _SCORE_UNIT, lexical[:, -1:])
    return np.hstack([X, *words, meanings, patterns * _SCORE_UNIT])


def context_pass_inputs(
    number: int, first: _Array, P: _Array, context: Context, rows: npt.NDArray[np.int64]
) -> _Array:
    """Columns of a pass in context: shape, words, meanings, what the pass before says, the context.

    What patterns say, the first pass has said; shown again, they would outweigh the context. The first pass
    in context sees a paragraph's neighbours by its convolutions alone: means over the stretches around it
    gain nothing before the second.

    Parameters
    ----------
    number : int
        Of the pass in context, 0 or 1.
    first : ndarray of float32, shape (n_rows, n_first_pass_inputs)
    P : ndarray of float32, shape (n_rows, n_kinds)
        What the pass before says of these rows.
    context : Context
        Made of what it says of all paragraphs.
    rows : ndarray of int64, shape (n_rows,)
    """
    X = np.empty((len(rows), len(CONTEXT_PASS_INPUTS[number])), np.float32)
    n, n_in_document = len(_ALONE), len(_IN_DOCUMENT)
    X[:, :n], X[:, n : n + len(KINDS)] = first[:, :n], P
    context.columns(rows, X[:, n + len(KINDS) : n_in_document])
    if X.shape[1] > n_in_document:
        context.stretches(rows, X[:, n_in_document:])
    return X


def context_inputs(
    X: _Array, language: LanguageModel, batches: Iterable[Batch], text_ids: npt.NDArray[np.int64]
) -> ContextInputs:
    """What the context is made from: columns of X and language scores, both by distinct text."""
    scores, n_trigrams = zip(*map(language.score, batches), strict=True)
    return ContextInputs(
        X[:, _LOG_LENGTH], X[:, _CLOSED], np.concatenate(scores), np.concatenate(n_trigrams), text_ids
    )


def number_paragraphs(paragraphs: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Distinct paragraphs in order of appearance, and the number in them of each paragraph."""
    seen: dict[str, int] = {}
    ids = np.fromiter((seen.setdefault(text, len(seen)) for text in paragraphs), np.int64, len(paragraphs))
    return list(seen), ids


def choose_kinds(P: _Array, is_content: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Likeliest kind within each paragraph's label, as a column of KINDS."""
    content, chrome = P[:, :_N_CONTENT].argmax(axis=1), _N_CONTENT + P[:, _N_CONTENT:].argmax(axis=1)
    return np.where(is_content, content, chrome)


@dataclass(frozen=True)
class Calibration:
    """Platt scaling, a shift for paragraphs without context and a lift for pages on which nothing is sure.

    ``p_content = sigmoid(slope * logit + intercept + shift + lift)``.

    The threshold with the best F1 lies below a half (Lipton et al. 2014, https://arxiv.org/abs/1402.1892). Of
    a paragraph that is the whole document no precision is traded for recall, it is right or wrong, so even
    odds are the best line: its score is shifted so that they meet the balanced threshold.

    Most pages hold an article, however unlike it looks to those seen before (a stock notice of two lines, a
    script never trained on): on a page whose likeliest body paragraph stays unsure, all scores are lifted so
    far that it is content. (Of the body, as a headline alone is no article, and of some length, as a lone
    line is none either.) Pages of few paragraphs, and those on which nothing comes near, stay as they are.
    Each preset lifts to its own threshold, so that of a page of which little is sure "precision" keeps what
    "balanced" keeps.

    Platt 1999, "Probabilistic outputs for support vector machines".
    """

    slope: float = 1.0
    intercept: float = 0.0
    lone_shift: float = 0.0
    """Added to the score (log-odds) of a paragraph that is the whole document."""
    lifted_best: dict[Favor, float] = field(default_factory=lambda: dict.fromkeys(FAVORS, 0.2))
    """Score that the likeliest body paragraph of such a page is lifted to, by what is favoured."""
    least_best: float = -3.0
    """Least logit of that paragraph for a page to be lifted."""
    least_paragraphs: int = 40
    full_length: float = 100.0
    """Shorter paragraphs count for less in that choice; in code points, a wide one counting three."""

    def apply(
        self, P: _Array, log_length: _Array, doc_ptr: npt.NDArray[np.int64], favor: Favor = "balanced"
    ) -> _Array:
        """Calibrated probability of content, shape (n_paragraphs,).

        Parameters
        ----------
        P : ndarray of float32, shape (n_paragraphs, n_kinds)
            Probabilities of the kinds.
        log_length : ndarray of float32, shape (n_paragraphs,)
            Column of X.
        doc_ptr : ndarray of int64, shape (n_documents + 1,)
        favor : {"precision", "balanced", "recall"}
            Decides how far unsure pages are lifted.
        """
        p = P[:, :_N_CONTENT].sum(axis=1)
        body = P[:, _BODY] * np.minimum(np.expm1(log_length) / np.float32(self.full_length), 1)
        clipped = np.clip(p.astype(np.float64), 1e-6, 1 - 1e-6)
        logit = np.log(clipped) - np.log1p(-clipped)
        sizes = np.diff(doc_ptr)
        shift = np.where(sizes == 1, self.lone_shift, 0.0)
        score = self.slope * logit + self.intercept + np.repeat(shift, sizes)
        large = np.flatnonzero(sizes >= max(self.least_paragraphs, 1))
        lift = np.zeros(len(sizes))
        for d in large.tolist():
            start, stop = doc_ptr[d], doc_ptr[d + 1]
            best = start + body[start:stop].argmax()
            if logit[best] >= self.least_best:
                lift[d] = max(self.lifted_best[favor] - score[best], 0.0)
        return np.asarray(1 / (1 + np.exp(-(score + np.repeat(lift, sizes)))), np.float32)


@dataclass(frozen=True)
class Model:
    """A trained model: its stages, its threshold and where it comes from."""

    patterns: PatternModel
    lexicon: Lexicon
    encoder: Encoder
    language: LanguageModel
    first_pass: Net
    """Sees each paragraph alone."""
    context_passes: tuple[tuple[Net, ...], ...]
    """Of each pass in context the nets, whose scores are averaged; it sees the context that the pass before
    makes."""
    calibration: Calibration
    thresholds: dict[Favor, float]
    """Paragraphs with ``p_content`` of at least this are content, by what is favoured."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Corpus digest, library versions, training configuration."""

    @property
    def threshold(self) -> float:
        """The balanced threshold."""
        return self.thresholds["balanced"]

    @property
    def nets(self) -> tuple[Net, ...]:
        """The nets of all passes, in the order in which they judge."""
        return (self.first_pass, *(net for nets in self.context_passes for net in nets))

    def digest(self) -> str:
        """Twelve hexadecimal digits that tell models apart which may judge differently."""
        told = hashlib.sha256(repr((self.calibration, self.thresholds)).encode())
        for net in self.nets:
            for array in (*net.weights, *net.biases):
                told.update(array.tobytes())
        return told.hexdigest()[:12]

    def score(self, batch: Batch, favor: Favor = "balanced") -> tuple[_Array, _Array]:
        """Score every paragraph of a batch.

        Parameters
        ----------
        batch : Batch
        favor : {"precision", "balanced", "recall"}
            Decides how far unsure pages are lifted, see :class:`Calibration`.

        Returns
        -------
        P : ndarray of float32, shape (n_paragraphs, n_kinds)
            Probabilities of the kinds, columns as KINDS; each row sums to 1.
        p_content : ndarray of float32, shape (n_paragraphs,)
            Calibrated probability of content.
        """
        texts, text_ids = number_paragraphs(batch.paragraphs)
        distinct = Batch(texts)  # lines of menus and footers come again and again
        X = compute_features(distinct)
        first = first_pass_inputs(
            X, self.lexicon.score(distinct), self.encoder.encode(distinct), self.patterns.score(distinct)
        )
        P = self.first_pass.predict_proba(first)[text_ids]
        if len(batch):
            inputs = context_inputs(X, self.language, [distinct], text_ids)
            for number, nets in enumerate(self.context_passes):
                context = Context(inputs, batch.doc_ptr, P)
                P = _judge_in_context(number, nets, first, text_ids, P, context, batch.doc_ptr)
        return P, self.calibration.apply(P, X[text_ids, _LOG_LENGTH], batch.doc_ptr, favor)


def _judge_in_context(
    number: int,
    nets: Sequence[Net],
    first: _Array,
    text_ids: npt.NDArray[np.int64],
    P: _Array,
    context: Context,
    doc_ptr: npt.NDArray[np.int64],
) -> _Array:
    """Probabilities that a pass in context gives, shape (n_paragraphs, n_kinds)."""
    judged = np.empty_like(P)
    part_ptr = _cut_long_documents(doc_ptr)
    groups = np.searchsorted(part_ptr, np.arange(0, len(P), _MOST_ROWS))
    for first_part, stop in itertools.pairwise(np.unique(np.append(groups, len(part_ptr) - 1))):
        ptr = part_ptr[first_part : stop + 1]
        rows = np.arange(ptr[0], ptr[-1])
        X = context_pass_inputs(number, first[text_ids[rows]], P[rows], context, rows)
        judged[rows] = average_proba(nets, X, ptr - ptr[0], context.attention[rows])
    return judged


def _cut_long_documents(doc_ptr: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where documents begin and end, and where those too long for the nets are cut into even parts."""
    sizes = np.diff(doc_ptr)
    cuts = []
    for d in np.flatnonzero(sizes > _MOST_ROWS):
        n_parts = -(-sizes[d] // _MOST_ROWS)
        cuts.append(doc_ptr[d] + sizes[d] * np.arange(n_parts) // n_parts)
    return np.unique(np.concatenate([doc_ptr, *cuts]))
