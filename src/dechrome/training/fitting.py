"""Labelled documents -> Model.

1. Pattern and lexical scores.
2. First pass on shape and words, without context; it names the kind of chrome that the markup left open.
   Both are out of fold by site, the lexical ones also by language, so that what comes later sees them as weak
   as they will be.
3. Two passes in context, on documents of every shape, drawn anew in each epoch; the second sees what nets
   say that have not seen the site.
4. Calibration and threshold, on the development sites.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from dechrome.artefact import SHIPPED_MODEL, read_encoder
from dechrome.context import Context, ContextInputs
from dechrome.encoder import Encoder
from dechrome.errors import CorpusFormatError
from dechrome.labels import FAVORS, KINDS
from dechrome.language import LanguageModel
from dechrome.lexicon import Lexicon
from dechrome.model import Calibration, Model, context_inputs, context_pass_inputs, first_pass_inputs
from dechrome.patterns import PatternModel
from dechrome.scoring import Net
from dechrome.training.calibration import calibrate
from dechrome.training.config import TrainingConfig
from dechrome.training.context_training import Lessons, fit_context_passes
from dechrome.training.corpus import Document, corpus_digest
from dechrome.training.kinds import refine_kinds, trusted_rows
from dechrome.training.net_training import NetTrainer, one_blas_thread, one_hot, random_net, scaling
from dechrome.training.restyling import choose_training_documents
from dechrome.training.table import ParagraphTable, encode_paragraphs, iterate_batches, tabulate
from dechrome.training.text_models import fit_language_model, fit_lexicon, fit_patterns, score_out_of_fold

__all__ = ["Groundwork", "fit_alone", "fit_in_context", "fit_model"]

_Array = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)
#: Fewer paragraphs with a kind decided by reading teach no net of their own.
_LEAST_TRUSTED, _KIND_WIDTH, _KIND_EPOCHS = 500, 32, 20
#: Share of the texts that the first pass learns as of a language unseen.
_FOREIGN = 0.2
#: A net sees at least so many batches an epoch.
_LEAST_BATCHES = 64
#: Inputs are scaled by the mean and deviation of about so many rows.
_SCALING_ROWS = 400_000


def _row_weights(table: ParagraphTable) -> _Array:
    """Weight in the nets: long paragraphs more, as users lose characters, not paragraphs; read ones twice."""
    log_length = table.X[:, 0]
    weight = 0.4 + np.minimum(log_length / 4, 1.6)
    weight[table.is_read] *= 2.0
    weight[table.is_content < 0] = 0
    return weight.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Groundwork:
    """What is learned from paragraphs alone, and the lessons that it makes for the passes in context."""

    patterns: PatternModel
    lexicon: Lexicon
    encoder: Encoder
    language: LanguageModel
    first_pass: Net
    lessons: Lessons
    n_documents: int
    """Training documents, those set again not counted."""


def fit_model(
    documents: Sequence[Document],
    config: TrainingConfig | None = None,
    n_jobs: int = 1,
    progress: Callable[[str], None] = _log.info,
    encoder: Encoder | None = None,
) -> Model:
    """Train a model.

    Parameters
    ----------
    documents : sequence of Document
        Those of split "train" teach, those of split "development" calibrate and set the threshold.
    config : TrainingConfig, optional
    n_jobs : int
        So many scores or nets are fitted at a time, each on one thread; -1: one a core.
    progress : callable
        Called with a line at each step, by the thread that takes it.
    encoder : Encoder, optional
        What tells the meanings of paragraphs; the shipped model's if not given.

    Returns
    -------
    Model
        The same for the same documents and configuration, to the last byte, where BLAS has the same kernels.

    Raises
    ------
    CorpusFormatError
        If the training split lacks content or chrome.
    """
    config = config or TrainingConfig()
    groundwork = fit_alone(documents, config, n_jobs, progress, encoder)
    return fit_in_context(groundwork, documents, config, n_jobs, progress)


@one_blas_thread()
def fit_alone(
    documents: Sequence[Document],
    config: TrainingConfig,
    n_jobs: int = 1,
    progress: Callable[[str], None] = _log.info,
    encoder: Encoder | None = None,
) -> Groundwork:
    """Fit what judges each paragraph alone; see :func:`fit_model`."""
    encoder = encoder or read_encoder(SHIPPED_MODEL)
    train, n_documents = choose_training_documents(documents, config)
    table = tabulate(train, config.n_folds)
    if not {0, 1} <= set(table.is_content.tolist()):
        raise CorpusFormatError("The training documents must hold both content and chrome paragraphs.")
    progress(
        f"{n_documents} documents, {len(train) - n_documents} of them set again too, "
        f"{len(table.paragraphs)} paragraphs"
    )

    meanings = encode_paragraphs(encoder, table)
    language = fit_language_model([d for d in documents if d.split == "train"])
    surroundings = _gather_inputs(table, language)
    everything = np.arange(len(table.paragraphs))

    def patterns_of(rows: npt.NDArray[np.int64]) -> PatternModel:
        return fit_patterns(table, rows, config.random_state, n_jobs)

    def lexicon_of(rows: npt.NDArray[np.int64]) -> Lexicon:
        return fit_lexicon(table, config.text_model, rows, config.random_state, n_jobs)

    pattern_scores = score_out_of_fold(table, table.fold, patterns_of, "pattern scores", progress)
    lexical = score_out_of_fold(table, table.fold, lexicon_of, "lexical scores", progress)
    # The nets are to learn how little the words say of a language never trained on.
    foreign = lexical
    if len(np.unique(table.language_fold)) > 1:
        name = "lexical scores, languages unseen"
        foreign = score_out_of_fold(table, table.language_fold, lexicon_of, name, progress)
    inputs = {
        False: first_pass_inputs(table.X, lexical, meanings, pattern_scores),
        True: first_pass_inputs(table.X, foreign, meanings, pattern_scores),
    }
    is_foreign = np.random.default_rng(config.random_state + 1).random((len(everything), 1)) < _FOREIGN
    partly = np.where(is_foreign, inputs[True], inputs[False])
    progress("pattern and lexical scores, all")
    patterns, lexicon = patterns_of(everything), lexicon_of(everything)
    first_pass, lessons = _fit_first_passes(table, inputs, partly, surroundings, config, n_jobs, progress)
    return Groundwork(patterns, lexicon, encoder, language, first_pass, lessons, n_documents)


@one_blas_thread()
def fit_in_context(
    groundwork: Groundwork,
    documents: Sequence[Document],
    config: TrainingConfig,
    n_jobs: int = 1,
    progress: Callable[[str], None] = _log.info,
) -> Model:
    """Fit the passes in context and calibrate; see :func:`fit_model`.

    The groundwork may have been laid with other settings of what comes here: the mix, the nets in context.
    """
    development = [d for d in documents if d.split == "development"]
    # Without held-out documents, those that were trained on have to do.
    development = development or list(groundwork.lessons.documents[: groundwork.n_documents])
    metadata = {
        "corpus_digest": corpus_digest(documents),
        "n_training_documents": groundwork.n_documents,
        "n_development_documents": len(development),
        "config": asdict(config),
    }
    model = Model(
        groundwork.patterns, groundwork.lexicon, groundwork.encoder, groundwork.language,
        groundwork.first_pass,
        fit_context_passes(groundwork.lessons, config, n_jobs, progress), Calibration(),
        dict.fromkeys(FAVORS, 0.5), metadata,
    )  # fmt: skip
    return calibrate(model, development, config, progress)


def _fit_first_passes(
    table: ParagraphTable,
    inputs: dict[bool, _Array],
    partly: _Array,
    surroundings: ContextInputs,
    config: TrainingConfig,
    n_jobs: int,
    progress: Callable[[str], None],
) -> tuple[Net, Lessons]:
    """Fit the first pass, languages partly unseen; with it, what it makes of each site unseen."""
    from joblib import Parallel, delayed

    row_weight = _row_weights(table)

    def first_net(target: npt.NDArray[np.int8], chosen: npt.NDArray[np.bool_] | None, name: str) -> Net:
        return _fit_first_pass(table, chosen, partly, target, row_weight, config, name, progress)

    draft = first_net(table.kind, None, "draft")
    target = _teach_kinds(table, inputs[False], draft, surroundings, config, progress)
    folds = [table.fold == fold for fold in np.unique(table.fold)]
    jobs: list[tuple[npt.NDArray[np.bool_] | None, str]] = [(None, "final")]
    for i, of_fold in enumerate(folds):
        jobs.append((None if of_fold.all() else ~of_fold, f"fold {i + 1} of {len(folds)}"))
    parallel = Parallel(n_jobs=n_jobs, require="sharedmem")
    first_pass, *nets = parallel(delayed(first_net)(target, chosen, name) for chosen, name in jobs)
    P = {foreign: np.empty((len(X), len(KINDS)), np.float32) for foreign, X in inputs.items()}
    for of_fold, net in zip(folds, nets, strict=True):
        for foreign, X in inputs.items():
            P[foreign][of_fold] = net.predict_proba(X[of_fold])
    weight = np.where(target >= 0, row_weight, np.float32(0))
    lessons = Lessons(table.documents, table.fold % 2, target, weight, inputs, P, surroundings)
    return first_pass, lessons


def _gather_inputs(table: ParagraphTable, language: LanguageModel) -> ContextInputs:
    """Context inputs of every paragraph of the table."""
    _, first = np.unique(table.text_id, return_index=True)
    batches = iterate_batches([table.paragraphs[i] for i in first])
    return context_inputs(table.X[first], language, batches, table.text_id)


def _fit_net(
    X: _Array,
    rows: npt.NDArray[np.int64],
    target: npt.NDArray[np.int8],
    weight: _Array,
    width: int,
    epochs: int,
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> Net:
    """Fit a net that sees each row alone, on the given rows."""
    rng = np.random.default_rng(config.random_state)
    mean, deviation = scaling(X[rows[:: max(1, len(rows) // _SCALING_ROWS)]])
    # Few rows need small batches to be learned at all.
    n_batches = max(_LEAST_BATCHES, len(rows) // config.batch_size)
    start = random_net(mean, deviation, width, len(KINDS), (), rng)
    trainer = NetTrainer(start, mean, deviation, rng, decay=config.decay)
    for epoch in range(epochs):
        # A fifth of the rate in the last third settles the weights.
        rate = config.learning_rate / (5 if epoch >= epochs * 2 / 3 else 1)
        losses = [
            trainer.step(X[part], one_hot(target[part]), weight[part], rate)
            for part in np.array_split(rng.permutation(rows), n_batches)
            if len(part)
        ]
        progress(f"epoch {epoch + 1} of {epochs}, loss {np.mean(losses):.4f}")
    return trainer.net()


def _fit_first_pass(
    table: ParagraphTable,
    chosen: npt.NDArray[np.bool_] | None,
    inputs: _Array,
    target: npt.NDArray[np.int8],
    weight: _Array,
    config: TrainingConfig,
    name: str,
    progress: Callable[[str], None],
) -> Net:
    """Fit the pass that sees each paragraph alone, on the chosen ones or on all, each text once."""
    unique = table.unique_rows
    rows = unique[(target[unique] >= 0) & (weight[unique] > 0)]
    if chosen is not None:
        rows = rows[chosen[rows]]
    return _fit_net(
        inputs, rows, target, weight, config.first_pass_width, config.first_pass_epochs, config,
        lambda line: progress(f"first pass, {name}, {line}"),
    )  # fmt: skip


def _teach_kinds(
    table: ParagraphTable,
    first: _Array,
    draft: Net,
    inputs: ContextInputs,
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> npt.NDArray[np.int8]:
    """Kind to teach for each paragraph, by a net that learned in context from trusted kinds only."""
    rows = trusted_rows(table)
    P = draft.predict_proba(first)
    if len(rows) < _LEAST_TRUSTED:
        return refine_kinds(table, P)
    context = Context(inputs, table.doc_ptr, P)
    X = context_pass_inputs(1, first, P, context, np.arange(len(P)))
    net = _fit_net(
        X, rows, table.kind, np.ones(len(X), np.float32), _KIND_WIDTH, _KIND_EPOCHS, config,
        lambda line: progress(f"kinds, {line}"),
    )  # fmt: skip
    return refine_kinds(table, net.predict_proba(X))
