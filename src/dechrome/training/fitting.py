"""Labelled documents -> Model.

1. Pattern and lexical scores, out of fold by site, so that the later stages see them as weak as they will be.
2. First pass on shape and words, without context; it names the kind of chrome the markup left open.
3. Augmented documents and their context; each later pass learns from what the pass before says of
   sites it has not seen, and labels that it finds all but impossible there are not learned from.
4. Calibration and threshold, on the development sites.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from dechrome.context import Context, ContextInputs
from dechrome.errors import CorpusFormatError
from dechrome.labels import CONTENT_KINDS, FAVORS, KINDS
from dechrome.language import LanguageModel
from dechrome.model import (
    CONTEXT_PASS_INPUTS,
    Calibration,
    Model,
    context_inputs,
    context_pass_inputs,
    first_pass_inputs,
    unsettled_rows,
)
from dechrome.scoring import DenseNet, average_nets
from dechrome.training.augmentation import augment_documents
from dechrome.training.calibration import calibrate
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document, corpus_digest
from dechrome.training.kinds import refine_kinds, trusted_rows
from dechrome.training.restyling import restyle_documents
from dechrome.training.table import ParagraphTable, iterate_batches, tabulate
from dechrome.training.text_models import fit_language_model, fit_lexicon, fit_out_of_fold, fit_patterns

__all__ = ["fit_model", "thin_news"]

_log = logging.getLogger(__name__)
_N_CONTENT = len(CONTENT_KINDS)
#: Fewer paragraphs with a kind decided by reading teach no net of their own.
_LEAST_TRUSTED, _KIND_EPOCHS = 500, 20
#: Share of the texts whose words the first pass does not see.
_MASKED = 0.2
#: A net sees at least so many batches an epoch.
_LEAST_BATCHES = 64
#: Inputs are scaled by no less than this, or a rare yes among many noes would shout.
_LEAST_DEVIATION = 0.1


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


def _gather_inputs(table: ParagraphTable, language: LanguageModel) -> ContextInputs:
    """Context inputs of every paragraph of the table."""
    _, first = np.unique(table.text_id, return_index=True)
    batches = iterate_batches([table.paragraphs[i] for i in first])
    return context_inputs(table.X[first], language, batches, table.text_id)


def _fit_net(
    X: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    target: npt.NDArray[np.int8],
    weight: npt.NDArray[np.float32],
    hidden: tuple[int, ...],
    epochs: int,
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> DenseNet:
    """Fit a net on the given rows (scikit-learn's MLPClassifier, Adam), the scaling folded in."""
    from sklearn.neural_network import MLPClassifier

    sample = X[rows[:: max(1, len(rows) // 400_000)]]
    mean, deviation = sample.mean(axis=0, dtype=np.float64), sample.std(axis=0, dtype=np.float64)
    deviation = np.maximum(deviation, _LEAST_DEVIATION)
    shift, factor = mean.astype(np.float32), (1 / deviation).astype(np.float32)
    classes = np.arange(len(KINDS))
    # Few rows need small batches to be learned at all; the penalty is by batch, so it goes along.
    batch_size = max(1, min(config.batch_size, len(rows) // _LEAST_BATCHES))
    net = MLPClassifier(
        hidden, alpha=config.alpha * batch_size / config.batch_size, batch_size=batch_size,
        random_state=config.random_state, learning_rate_init=config.learning_rate, max_iter=1,
    )  # fmt: skip
    rng = np.random.default_rng(config.random_state)
    mean_weight = float(weight[rows].mean())
    for epoch in range(epochs):
        if epoch >= epochs * 2 / 3:  # a fifth of the rate in the last third settles the weights
            net._optimizer.learning_rate_init = config.learning_rate / 5
        order = rng.permutation(rows)
        for part in np.array_split(order, max(1, len(order) // 100_000)):
            scaled = (X[part] - shift) * factor
            net.batch_size = min(batch_size, len(part))
            net.partial_fit(scaled, target[part], sample_weight=weight[part] / mean_weight, classes=classes)
        progress(f"epoch {epoch + 1} of {epochs}, loss {net.loss_:.4f}")
    weights = [np.array(w, np.float64) for w in net.coefs_]
    biases = [np.array(b, np.float64) for b in net.intercepts_]
    biases[0] = biases[0] - (mean / deviation) @ weights[0]
    weights[0] = weights[0] / deviation[:, None]
    return DenseNet([w.astype(np.float32) for w in weights], [b.astype(np.float32) for b in biases])


def _row_weights(table: ParagraphTable) -> npt.NDArray[np.float32]:
    """Weight in the nets: long paragraphs more, as users lose characters, not paragraphs."""
    log_length = table.X[:, 0]
    weight = 0.4 + np.minimum(log_length / 4, 1.6)
    weight[table.is_read] *= 2.0
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
    CorpusFormatError
        If the training split lacks content or chrome.
    """
    config = config or TrainingConfig()
    train = thin_news(
        [d for d in documents if d.split == "train"], config.news_documents, config.random_state
    )
    development = [d for d in documents if d.split == "development"] or train
    restyled = restyle_documents(train, config.restyled, np.random.default_rng(config.random_state + 3))
    n_documents, train = len(train), [*train, *restyled]
    table = tabulate(train, config.n_folds)
    if not {0, 1} <= set(table.is_content.tolist()):
        raise CorpusFormatError("The training documents must hold both content and chrome paragraphs.")
    progress(
        f"{n_documents} documents, {len(restyled)} of them set again too, {len(table.paragraphs)} paragraphs"
    )

    language = fit_language_model([d for d in documents if d.split == "train"])
    surroundings = _gather_inputs(table, language)
    patterns, pattern_scores = fit_out_of_fold(
        table, lambda rows: fit_patterns(table, rows, config.random_state, n_jobs), "pattern scores", progress
    )
    lexicon, lexical = fit_out_of_fold(
        table, lambda rows: fit_lexicon(table, config.text_model, rows, config.random_state, n_jobs),
        "lexical scores", progress,
    )  # fmt: skip
    row_weight = _row_weights(table)

    def first_inputs(is_masked: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        return first_pass_inputs(table.X, lexical, pattern_scores, is_masked)

    inputs = {masked: first_inputs(np.full(len(table.paragraphs), masked)) for masked in (False, True)}
    partly = first_inputs(
        np.random.default_rng(config.random_state + 1).random(len(table.paragraphs)) < _MASKED
    )
    draft = _fit_first_pass(table, partly, table.kind, row_weight, config, "draft", progress)
    target = _teach_kinds(table, inputs[False], draft, surroundings, config, progress)
    first_pass = _fit_first_pass(table, partly, target, row_weight, config, "final", progress)
    del partly
    P = {masked: first_pass.predict_proba(inputs[masked]) for masked in (False, True)}

    shapes = _draw_shapes(train, table, target, config)
    progress(f"{len(shapes.doc_ptr) - 1} augmented documents, {len(shapes.indices)} paragraphs")
    first = np.where(shapes.is_masked[:, None], inputs[True][shapes.indices], inputs[False][shapes.indices])
    drawn_P = np.where(shapes.is_masked[:, None], P[True][shapes.indices], P[False][shapes.indices])
    passes = _fit_context_passes(table, shapes, first, drawn_P, surroundings, config, progress)
    metadata = {
        "corpus_digest": corpus_digest(documents),
        "n_training_documents": n_documents,
        "n_development_documents": len(development),
        "config": asdict(config),
    }
    nets, thresholds = (first_pass, *passes), dict.fromkeys(FAVORS, 0.5)
    model = Model(patterns, lexicon, language, nets, Calibration(), thresholds, metadata)
    return calibrate(model, development, config, progress)


def _fit_context_passes(
    table: ParagraphTable,
    shapes: _Shapes,
    first: npt.NDArray[np.float32],
    P: npt.NDArray[np.float32],
    surroundings: ContextInputs,
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> list[DenseNet]:
    """Fit one pass in context after the other; P, what the first pass says, is overwritten."""
    passes = []
    rows = np.arange(len(shapes.indices))
    for number in range(config.n_context_passes):
        name = f"pass {number + 1} in context, {len(rows)} paragraphs"
        X = _context_columns(shapes, rows, first, P, surroundings)
        is_last = number + 1 == config.n_context_passes
        if number == 0 or not is_last:
            judged = _judge_other_sites(X, shapes, rows, config, name, progress)
        if number == 0:
            shapes = _drop_doubted(shapes, table, judged, config.least_label_probability, progress)
        nets = [
            _fit_context_pass(X, shapes, rows, None, config, k, f"{name}, net {k + 1}, {{}}", progress)
            for k in range(config.n_averaged)
        ]
        passes.append(average_nets(nets))
        if not is_last:
            P[rows] = judged
            rows = unsettled_rows(P)
        del X
    return passes


@dataclass(frozen=True, slots=True)
class _Shapes:
    """The augmented documents, one row a paragraph."""

    indices: npt.NDArray[np.int64]
    doc_ptr: npt.NDArray[np.int64]
    is_masked: npt.NDArray[np.bool_]
    target: npt.NDArray[np.int8]
    weight: npt.NDArray[np.float32]
    fold: npt.NDArray[np.int8]


def _draw_shapes(
    train: Sequence[Document], table: ParagraphTable, target: npt.NDArray[np.int8], config: TrainingConfig
) -> _Shapes:
    """Draw documents of every shape; rows of short documents weigh more."""
    rng = np.random.default_rng(config.random_state)
    n_documents = min(config.n_documents, 60 * len(train))
    indices, doc_ptr, is_masked = augment_documents(train, n_documents, config.mix, rng)
    sizes = np.diff(doc_ptr)
    weight = _row_weights(table)[indices] * np.repeat((30 / (20 + sizes)) ** 0.5, sizes).astype(np.float32)
    return _Shapes(
        indices, doc_ptr, np.repeat(is_masked, sizes), target[indices], weight, table.fold[indices]
    )


def _context_columns(
    shapes: _Shapes,
    rows: npt.NDArray[np.int64],
    first: npt.NDArray[np.float32],
    P: npt.NDArray[np.float32],
    inputs: ContextInputs,
) -> npt.NDArray[np.float32]:
    """Input columns of a pass in context for the given rows."""
    X = np.empty((len(rows), len(CONTEXT_PASS_INPUTS)), np.float32)
    for start in range(0, len(shapes.doc_ptr) - 1, 500):
        ptr = shapes.doc_ptr[start : start + 501]
        low, high = np.searchsorted(rows, (ptr[0], ptr[-1]))
        mine = rows[low:high]
        whole = slice(ptr[0], ptr[-1])
        context = Context(inputs.take(shapes.indices[whole]), ptr - ptr[0])
        context.update(P[whole])
        X[low:high] = context_pass_inputs(first[mine], P[mine], context, mine - ptr[0])
    return X


def _fit_context_pass(
    X: npt.NDArray[np.float32],
    shapes: _Shapes,
    rows: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.bool_] | None,
    config: TrainingConfig,
    turn: int,
    name: str,
    progress: Callable[[str], None],
) -> DenseNet:
    """Fit a net on X, whose rows are those of the shapes; on the chosen ones, if not on all."""
    target = shapes.target[rows]
    known = target >= 0 if chosen is None else (target >= 0) & chosen
    return _fit_net(
        X, np.flatnonzero(known), target, shapes.weight[rows], config.context_pass_hidden,
        config.context_pass_epochs, replace(config, random_state=config.random_state + turn),
        lambda line: progress(name.format(line)),
    )  # fmt: skip


def _judge_other_sites(
    X: npt.NDArray[np.float32],
    shapes: _Shapes,
    rows: npt.NDArray[np.int64],
    config: TrainingConfig,
    name: str,
    progress: Callable[[str], None],
) -> npt.NDArray[np.float32]:
    """Probabilities of the rows, those of each half of the sites by a net that has not seen it."""
    half = shapes.fold[rows] % 2
    P = np.empty((len(rows), len(KINDS)), np.float32)
    for side in (0, 1):
        net = _fit_context_pass(
            X, shapes, rows, half != side, config, 0, f"{name}, half {side + 1}, {{}}", progress
        )
        P[half == side] = net.predict_proba(X[half == side])
    return P


def _drop_doubted(
    shapes: _Shapes,
    table: ParagraphTable,
    P: npt.NDArray[np.float32],
    least: float,
    progress: Callable[[str], None],
) -> _Shapes:
    """Learn nothing from labels that nets trained on other sites find all but impossible.

    Labels from matching gold text are wrong now and then, mostly inside the article (confident learning,
    Northcutt et al. 2021, https://arxiv.org/abs/1911.00068). Those read, and the seeds', are trusted.
    """
    is_content = shapes.target < _N_CONTENT
    content = P[:, :_N_CONTENT].sum(axis=1)
    is_trusted = table.is_read | (table.per_paragraph([d.source for d in table.documents]) == "seeds")
    doubted = (np.where(is_content, content, 1 - content) < least) & ~is_trusted[shapes.indices]
    doubted &= shapes.target >= 0
    progress(f"{doubted.sum()} labels in doubt, {(doubted & is_content).sum()} of them content")
    return replace(shapes, weight=np.where(doubted, np.float32(0), shapes.weight))


def _fit_first_pass(
    table: ParagraphTable,
    inputs: npt.NDArray[np.float32],
    target: npt.NDArray[np.int8],
    weight: npt.NDArray[np.float32],
    config: TrainingConfig,
    name: str,
    progress: Callable[[str], None],
) -> DenseNet:
    """Fit the pass that sees each paragraph alone, on each text once."""
    unique = table.unique_rows
    rows = unique[(target[unique] >= 0) & (weight[unique] > 0)]
    return _fit_net(
        inputs, rows, target, weight, config.first_pass_hidden, config.first_pass_epochs, config,
        lambda line: progress(f"first pass, {name}, {line}"),
    )  # fmt: skip


def _teach_kinds(
    table: ParagraphTable,
    first: npt.NDArray[np.float32],
    draft: DenseNet,
    inputs: ContextInputs,
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> npt.NDArray[np.int8]:
    """Kind to teach for each paragraph, by a net that learned in context from trusted kinds only."""
    rows = trusted_rows(table)
    P = draft.predict_proba(first)
    if len(rows) < _LEAST_TRUSTED:
        return refine_kinds(table, P)
    context = Context(inputs, table.doc_ptr)
    context.update(P)
    X = context_pass_inputs(first, P, context, np.arange(len(P)))
    net = _fit_net(
        X, rows, table.kind, np.ones(len(X), np.float32), (32,), _KIND_EPOCHS, config,
        lambda line: progress(f"kinds, {line}"),
    )  # fmt: skip
    return refine_kinds(table, net.predict_proba(X))
