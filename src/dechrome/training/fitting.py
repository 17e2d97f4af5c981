"""Labelled documents -> Model.

1. Lexical scores, out of fold by site, so that the later stages see them as weak as they will be.
2. First pass on shape and words, without context; it names the kind of chrome the markup left open.
3. Augmented documents, their context, and the second pass on all of it.
4. Calibration and threshold, on the development sites.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.labels import CONTENT_KINDS, KINDS
from dechrome.language import LanguageModel
from dechrome.lexicon import LEXICAL_SCORES, Lexicon
from dechrome.model import (
    Calibration,
    Model,
    context_of,
    first_pass_inputs,
    second_pass_inputs,
)
from dechrome.scoring import DenseNet
from dechrome.training.augmentation import Mix, augment_documents
from dechrome.training.corpus import Document, corpus_digest
from dechrome.training.table import ParagraphTable, count_grams, iterate_batches, tabulate
from dechrome.training.text_models import fit_hashed_lexicon, fit_language_model

__all__ = ["TEXT_MODELS", "TrainingConfig", "fit_model"]

_log = logging.getLogger(__name__)
_N_CONTENT = len(CONTENT_KINDS)

TextModel = Literal["hashed", "fasttext", "fasttext-quantized"]
TEXT_MODELS: tuple[TextModel, ...] = ("hashed", "fasttext", "fasttext-quantized")


@dataclass(frozen=True)
class TrainingConfig:
    """What can be set in ``dechrome train --config FILE`` (JSON); the defaults made the shipped model."""

    text_model: TextModel = "hashed"
    random_state: int = 0
    n_folds: int = 4
    n_documents: int = 30_000
    """Augmented documents; fewer on a small corpus, at most 60 for each of its own."""
    first_pass_hidden: tuple[int, ...] = (48,)
    second_pass_hidden: tuple[int, ...] = (96, 32)
    first_pass_epochs: int = 4
    second_pass_epochs: int = 8
    batch_size: int = 512
    learning_rate: float = 1e-3
    alpha: float = 1e-5
    news_documents: int = 20
    """News documents of each language to keep; each stands in 120 languages."""
    mix: Mix = field(default_factory=Mix)


def _training_weights(table: ParagraphTable) -> npt.NDArray[np.float32]:
    """Trust in the kind of each paragraph: read ones most, those from markup and wiki strings least."""
    source = table.per_paragraph([document.source for document in table.documents])
    weight = np.ones(len(table.paragraphs), np.float32)
    weight[source == "wcxb"] = 0.5
    weight[source == "phrases"] = 0.5
    weight[source == "ntrex"] = 0.3
    weight[table.is_read] = 3.0
    return weight


def thin_news(documents: Sequence[Document], per_language: int, random_state: int) -> list[Document]:
    """Keep every page and seed, but only some news documents of each language."""
    rng = np.random.default_rng(random_state)
    order = rng.permutation(len(documents))
    seen: dict[str, int] = {}
    kept = np.ones(len(documents), np.bool_)
    for i in order:
        if documents[i].source == "ntrex":
            seen[documents[i].language] = seen.get(documents[i].language, 0) + 1
            kept[i] = seen[documents[i].language] <= per_language
    return [document for document, keep in zip(documents, kept, strict=True) if keep]


def _unique_rows(table: ParagraphTable) -> npt.NDArray[np.int64]:
    """First of each set of equal paragraphs with equal labels."""
    keys = np.column_stack([table.text_id, table.kind, table.is_content])
    return np.sort(np.unique(keys, axis=0, return_index=True)[1])


def _fit_lexicons(
    table: ParagraphTable, config: TrainingConfig, n_jobs: int, progress: Callable[[str], None]
) -> tuple[Lexicon, npt.NDArray[np.float32]]:
    """Fit the lexicon on all, and score every paragraph by one that has not seen its site."""
    unique = _unique_rows(table)
    weight = _training_weights(table)
    grams = count_grams(table.paragraphs) if config.text_model == "hashed" else None

    def fit(rows: npt.NDArray[np.int64]) -> Lexicon:
        if grams is not None:
            return fit_hashed_lexicon(
                grams, table.is_content, table.kind, weight, rows, config.random_state, n_jobs
            )
        from dechrome.training.fasttext_training import fit_fasttext_lexicon

        return fit_fasttext_lexicon(
            table.paragraphs, table.is_content, table.kind, rows,
            quantize=config.text_model == "fasttext-quantized", random_state=config.random_state,
        )  # fmt: skip

    scores = np.zeros((len(table.paragraphs), len(LEXICAL_SCORES)), np.float32)
    for fold in range(config.n_folds):
        progress(f"lexical scores, fold {fold + 1} of {config.n_folds}")
        held_out = np.flatnonzero(table.fold == fold)
        if len(held_out) == 0:
            continue
        lexicon = fit(unique[table.fold[unique] != fold])
        scores[held_out] = score_paragraphs(lexicon, [table.paragraphs[i] for i in held_out])
    progress("lexical scores, all")
    return fit(unique), scores


def score_paragraphs(lexicon: Lexicon, paragraphs: Sequence[str]) -> npt.NDArray[np.float32]:
    """Lexical scores of many paragraphs, in batches."""
    return np.concatenate([lexicon.score(batch) for batch in iterate_batches(paragraphs)])


def _score_language(language: LanguageModel, paragraphs: Sequence[str]) -> npt.NDArray[np.int16]:
    return np.concatenate([language.score(batch) for batch in iterate_batches(paragraphs)])


def _fit_net(
    X: npt.NDArray[np.float32],
    y: npt.NDArray[np.int8],
    weight: npt.NDArray[np.float32],
    hidden: tuple[int, ...],
    epochs: int,
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> DenseNet:
    """Fit a net on scaled inputs (scikit-learn's MLPClassifier, Adam) and fold the scaling in."""
    from sklearn.neural_network import MLPClassifier

    mean, deviation = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
    deviation[deviation < 1e-3] = 1.0
    scaled = ((X - mean) / deviation).clip(-8, 8).astype(np.float32)
    net = MLPClassifier(
        hidden, alpha=config.alpha, batch_size=min(config.batch_size, len(X)),
        learning_rate_init=config.learning_rate, random_state=config.random_state, max_iter=1,
    )  # fmt: skip
    rng = np.random.default_rng(config.random_state)
    classes = np.arange(len(KINDS))
    # A kind that a small corpus lacks still has its column: one weightless row of each.
    scaled = np.vstack([scaled, np.zeros((len(KINDS), scaled.shape[1]), np.float32)])
    y = np.concatenate([y, classes.astype(np.int8)])
    weight = np.concatenate([weight / weight.mean(), np.full(len(KINDS), 1e-6, np.float32)])
    for epoch in range(epochs):
        # A quarter of the rate in the last third settles the weights.
        net.learning_rate_init = config.learning_rate * (0.2 if epoch >= epochs * 2 / 3 else 1.0)
        if hasattr(net, "_optimizer"):
            net._optimizer.learning_rate_init = net.learning_rate_init
        order = rng.permutation(len(y))
        for part in np.array_split(order, max(1, len(order) // 200_000)):
            net.partial_fit(scaled[part], y[part], sample_weight=weight[part], classes=classes)
        progress(f"epoch {epoch + 1} of {epochs}, loss {net.loss_:.4f}")
    weights = [np.array(w, np.float64) for w in net.coefs_]
    biases = [np.array(b, np.float64) for b in net.intercepts_]
    biases[0] = biases[0] - (mean / deviation) @ weights[0]
    weights[0] = weights[0] / deviation[:, None]
    return DenseNet([w.astype(np.float32) for w in weights], [b.astype(np.float32) for b in biases])


def _targets(table: ParagraphTable, P: npt.NDArray[np.float32] | None) -> npt.NDArray[np.int8]:
    """Kind to learn for each paragraph: its own, or the likeliest chrome kind where only chrome is known."""
    target = table.kind.copy()
    open_kind = (table.is_content == 0) & (table.kind < 0)
    if P is not None:
        target[open_kind] = (_N_CONTENT + P[open_kind, _N_CONTENT:].argmax(axis=1)).astype(np.int8)
    return target


def _row_weights(table: ParagraphTable) -> npt.NDArray[np.float32]:
    """Weight in the nets: long paragraphs more, as users lose characters, not paragraphs."""
    log_length = table.X[:, 0]
    weight = 0.4 + np.minimum(log_length / 4, 1.6)
    weight[table.is_read] *= 2.0
    weight[(table.is_content == 0) & (table.kind < 0)] *= 0.8
    weight[table.is_content < 0] = 0
    return weight.astype(np.float32)


def fit_model(
    documents: Sequence[Document],
    config: TrainingConfig | None = None,
    n_jobs: int = 1,
    progress: Callable[[str], None] = _log.info,
) -> Model:
    """Train a model.

    Parameters
    ----------
    documents : sequence of Document
        Those of split "train" teach, those of split "development" calibrate and set the threshold.
    config : TrainingConfig, optional
    n_jobs : int
        Threads for the lexical scores.
    progress : callable
        Called with a line at each step.

    Returns
    -------
    Model
        The same for the same documents and configuration, to the last byte.

    Raises
    ------
    ValueError
        If the training split lacks content or chrome.
    """
    config = config or TrainingConfig()
    train = thin_news([d for d in documents if d.split == "train"], config.news_documents, config.random_state)
    development = [d for d in documents if d.split == "development"] or train
    table = tabulate(train, config.n_folds)
    if not {0, 1} <= set(table.is_content.tolist()):
        raise ValueError("The training documents must hold both content and chrome paragraphs.")
    progress(f"{len(train)} documents, {len(table.paragraphs)} paragraphs")

    language = fit_language_model([d for d in documents if d.split == "train"])
    likelihood = _score_language(language, table.paragraphs)
    lexicon, lexical = _fit_lexicons(table, config, n_jobs, progress)
    row_weight = _row_weights(table)

    first_pass = _fit_first_pass(table, lexical, row_weight, config, progress)
    n = len(table.paragraphs)
    inputs = {masked: first_pass_inputs(table.X, lexical, np.full(n, masked)) for masked in (False, True)}
    P = {masked: first_pass.predict_proba(inputs[masked]) for masked in (False, True)}
    target = _targets(table, P[False])

    shapes = _draw_shapes(train, table, P, inputs, likelihood, target, config, progress)
    X2, y2, weight = shapes
    second_pass = _fit_net(
        X2, y2, weight, config.second_pass_hidden, config.second_pass_epochs, config,
        lambda line: progress(f"second pass, {line}"),
    )  # fmt: skip
    del X2
    metadata = {
        "corpus_digest": corpus_digest(documents),
        "n_training_documents": len(train),
        "n_development_documents": len(development),
        "config": asdict(config),
    }
    model = Model(lexicon, language, first_pass, second_pass, Calibration(), 0.5, metadata)
    return calibrate(model, development, config, progress)


def _draw_shapes(
    train: Sequence[Document],
    table: ParagraphTable,
    P: dict[bool, npt.NDArray[np.float32]],
    inputs: dict[bool, npt.NDArray[np.float32]],
    likelihood: npt.NDArray[np.int16],
    target: npt.NDArray[np.int8],
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Inputs, targets and weights of the second pass, on documents of every shape."""
    rng = np.random.default_rng(config.random_state)
    n_documents = min(config.n_documents, 60 * len(train))
    indices, doc_ptr, is_masked = augment_documents(train, n_documents, config.mix, rng)
    masked = np.repeat(is_masked, np.diff(doc_ptr))
    progress(f"{n_documents} augmented documents, {len(indices)} paragraphs")
    parts = []
    for start in range(0, n_documents, 1000):
        ptr = doc_ptr[start : start + 1001]
        rows, hidden = indices[ptr[0] : ptr[-1]], masked[ptr[0] : ptr[-1]]
        P1 = np.where(hidden[:, None], P[True][rows], P[False][rows])
        context = context_of(table.X[rows], P1, likelihood[rows], table.text_id[rows], ptr - ptr[0])
        first = np.where(hidden[:, None], inputs[True][rows], inputs[False][rows])
        parts.append(second_pass_inputs(first, P1, context)[target[rows] >= 0])
    known = target[indices] >= 0
    rows = indices[known]
    sizes = np.repeat(np.diff(doc_ptr), np.diff(doc_ptr))[known]
    weight = _row_weights(table)[rows] * (30 / (20 + sizes)).astype(np.float32) ** 0.5
    return np.concatenate(parts), target[rows], weight


def _fit_first_pass(
    table: ParagraphTable,
    lexical: npt.NDArray[np.float32],
    row_weight: npt.NDArray[np.float32],
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> DenseNet:
    rng = np.random.default_rng(config.random_state + 1)
    unique = _unique_rows(table)
    masked = rng.random(len(table.paragraphs)) < 0.2
    inputs = first_pass_inputs(table.X, lexical, masked)
    net: DenseNet | None = None
    for turn, epochs in (("kinds known", max(1, config.first_pass_epochs // 2)), ("all", config.first_pass_epochs)):
        target = _targets(table, net.predict_proba(inputs) if net else None)
        rows = unique[target[unique] >= 0]
        net = _fit_net(
            inputs[rows], target[rows], row_weight[rows], config.first_pass_hidden, epochs, config,
            lambda line, turn=turn: progress(f"first pass, {turn}, {line}"),
        )  # fmt: skip
    assert net is not None
    return net


def calibrate(
    model: Model,
    documents: Sequence[Document],
    config: TrainingConfig,
    progress: Callable[[str], None] = _log.info,
) -> Model:
    """Fit Platt scaling and choose the threshold on held-out documents of every shape.

    The threshold maximises the length-weighted F1 of content.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import precision_recall_curve

    rng = np.random.default_rng(config.random_state + 2)
    usable = [d for d in documents if d.source not in ("ntrex", "phrases")] or list(documents)
    indices, doc_ptr, _ = augment_documents(usable, min(4000, 20 * len(usable)), config.mix, rng)
    paragraphs = [text for document in usable for text in document.paragraphs]
    labels = np.array([{"content": 1, "chrome": 0, None: -1}[x] for d in usable for x in d.labels])[indices]
    probabilities = []
    for start in range(0, len(doc_ptr) - 1, 200):
        ptr = doc_ptr[start : start + 201]
        batch = Batch([paragraphs[i] for i in indices[ptr[0] : ptr[-1]]], ptr - ptr[0])
        probabilities.append(model.score(batch)[1])
    p = np.concatenate(probabilities)
    known = labels >= 0
    sizes = np.repeat(np.diff(doc_ptr), np.diff(doc_ptr))
    weight = (1 / np.sqrt(20 + sizes))[known]
    length = np.array([len(paragraphs[i]) for i in indices])[known]
    clipped = np.clip(p[known], 1e-6, 1 - 1e-6)
    platt = LogisticRegression(C=1e6).fit(
        np.log(clipped / (1 - clipped))[:, None], labels[known], sample_weight=weight
    )
    calibration = Calibration(float(platt.coef_[0, 0]), float(platt.intercept_[0]))
    calibrated = calibration.apply(p[known])
    precision, recall, thresholds = precision_recall_curve(
        labels[known], calibrated, sample_weight=weight * np.minimum(length, 500)
    )
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    threshold = round(float(np.clip(thresholds[min(int(f1.argmax()), len(thresholds) - 1)], 0.2, 0.8)), 3)
    progress(f"calibration {calibration}, threshold {threshold}, weighted F1 {f1.max():.4f}")
    return Model(
        model.lexicon, model.language, model.first_pass, model.second_pass, calibration, threshold, model.metadata
    )
