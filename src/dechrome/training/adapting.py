"""A model + a user's corrected documents -> a model that does better on their site, and no worse elsewhere.

Each net is trained on from where it stands, one after the other: towards the corrections on the corrected
documents, cut and recombined as in training, and towards what it said before on documents of a corpus that
stands for the rest of the world (rehearsal by distillation: Li and Hoiem 2016, "Learning without
forgetting"). A penalty on the distance from the old weights (Xuhong et al. 2018, "L2-SP") keeps few
corrections from moving much, and of the way from the old weights to the new (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models") only so much is gone as costs nothing on documents of the corpus that were
kept aside. Calibration and thresholds stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.context import Context
from dechrome.labels import CONTENT_KINDS, KINDS
from dechrome.model import Model, context_inputs, context_pass_inputs, first_pass_inputs
from dechrome.scoring import Net, average_proba
from dechrome.training.augmentation import Mix, augment_documents
from dechrome.training.corpus import Document
from dechrome.training.net_training import NetTrainer, one_blas_thread, scaling
from dechrome.training.table import encode_paragraphs, iterate_batches, tabulate
from dechrome.training.text_models import score_paragraphs

__all__ = ["AdaptingConfig", "adapt_model"]

_Array = npt.NDArray[np.float32]

#: How far to go from the old weights to the new, the farthest first.
_STEPS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15)
_CHUNK = 64


@dataclass(frozen=True)
class AdaptingConfig:
    """How far corrections may move a model; chosen by `benchmarks/corrections.py` among few."""

    share: float = 0.15
    """Of the corrections in the loss; the rest is rehearsal."""
    n_documents: int = 300
    """Documents drawn from the corrected ones, and as many from the corpus."""
    epochs: int = 6
    learning_rate: float = 1e-4
    pull: float = 1e-2
    """Penalty on the squared distance from the old weights."""
    batch_size: int = 512
    kept_aside: float = 0.3
    """Share of the corpus's documents that are not rehearsed but judge what is lost elsewhere."""
    most_loss: float = 0.001
    """What content's F1 may lose on them."""
    random_state: int = 0


@dataclass(frozen=True)
class _Drawn:
    """Documents of every shape: their paragraphs in a table, targets and weights by row."""

    indices: npt.NDArray[np.int64]
    doc_ptr: npt.NDArray[np.int64]
    label: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]
    is_correction: npt.NDArray[np.bool_]


def adapt_model(
    model: Model,
    corrections: Sequence[Document],
    rehearsal: Sequence[Document],
    config: AdaptingConfig | None = None,
) -> Model:
    """Train a model on.

    Parameters
    ----------
    model : Model
    corrections : sequence of Document
        Documents whose labels are right; paragraphs without one are left as they are judged.
    rehearsal : sequence of Document
        Documents of other sites; what the model says of them is to stay. Some are kept aside, and their
        labels tell what a step costs; the shortest step is gone whatever it costs.
    config : AdaptingConfig, optional

    Returns
    -------
    Model
        The same for the same input, to the last byte.
    """
    config = config or AdaptingConfig()
    rng = np.random.default_rng(config.random_state)
    is_aside = rng.random(len(rehearsal)) < config.kept_aside
    aside = [document for document, kept in zip(rehearsal, is_aside, strict=True) if kept]
    rehearsed = [document for document, kept in zip(rehearsal, is_aside, strict=True) if not kept]
    tuned = _tune_nets(model, corrections, rehearsed, config)
    least = _content_f1(model, aside) - config.most_loss
    for step in _STEPS:
        first_pass = _step_between(model.first_pass, tuned.first_pass, step)
        context_passes = tuple(
            tuple(_step_between(a, b, step) for a, b in zip(*nets, strict=True))
            for nets in zip(model.context_passes, tuned.context_passes, strict=True)
        )
        adapted = replace(model, first_pass=first_pass, context_passes=context_passes)
        if _content_f1(adapted, aside) >= least:
            break
    metadata = model.metadata | {"n_corrected_documents": len(corrections), "step": step}
    return replace(adapted, metadata=metadata)


def _step_between(old: Net, new: Net, step: float) -> Net:
    def mixed(a: list[_Array], b: list[_Array]) -> list[_Array]:
        return [np.float32(1 - step) * x + np.float32(step) * y for x, y in zip(a, b, strict=True)]

    return Net(mixed(old.weights, new.weights), mixed(old.biases, new.biases), old.dilations)


def _content_f1(model: Model, documents: Sequence[Document]) -> float:
    """F1 of content over the characters of all paragraphs with a label; 1 where there is none."""
    from sklearn.metrics import f1_score

    gold, kept, length = [], [], []
    for start in range(0, len(documents), _CHUNK):
        part = documents[start : start + _CHUNK]
        ptr = np.concatenate([[0], np.cumsum([len(d.paragraphs) for d in part])])
        _, p = model.score(Batch([text for d in part for text in d.paragraphs], ptr))
        rows = [(label, len(text)) for d in part for label, text in zip(d.labels, d.paragraphs, strict=True)]
        for (label, size), is_kept in zip(rows, p >= model.threshold, strict=True):
            if label is not None:
                gold.append(label == "content")
                kept.append(bool(is_kept))
                length.append(size)
    return float(f1_score(gold, kept, sample_weight=length, zero_division=1.0)) if gold else 1.0


@one_blas_thread()
def _tune_nets(
    model: Model, corrections: Sequence[Document], rehearsal: Sequence[Document], config: AdaptingConfig
) -> Model:
    """The model with each net trained on, pass after pass, the corrections having their share."""
    table = tabulate([*corrections, *rehearsal])
    drawn = _draw(corrections, rehearsal, table.is_content, table.kind, config)
    n = len(table.paragraphs)
    lexical, patterns = (score_paragraphs(x, table.paragraphs) for x in (model.lexicon, model.patterns))
    meanings = encode_paragraphs(model.encoder, table)
    first = first_pass_inputs(table.X, lexical, meanings, patterns)[drawn.indices]
    inputs = context_inputs(table.X, model.language, iterate_batches(table.paragraphs), np.arange(n)).take(
        drawn.indices
    )
    weight = _weights(table.X[drawn.indices, 0], drawn, config)
    rows = np.arange(len(first))

    def in_context(number: int, P: _Array) -> tuple[_Array, npt.NDArray[np.int64], _Array]:
        context = Context(inputs, drawn.doc_ptr, P)
        return context_pass_inputs(number, first, P, context, rows), drawn.doc_ptr, context.attention

    P_old = model.first_pass.predict_proba(first)
    first_pass = _train_on(model.first_pass, first, None, _targets(P_old, drawn), weight, drawn, config)
    P_new = first_pass.predict_proba(first)
    context_passes = []
    for number, nets in enumerate(model.context_passes):
        P_old = average_proba(nets, *in_context(number, P_old))
        X, _, attention = seen = in_context(number, P_new)
        target = _targets(P_old, drawn)
        tuned = tuple(_train_on(net, X, attention, target, weight, drawn, config) for net in nets)
        P_new = average_proba(tuned, *seen)
        context_passes.append(tuned)
    return replace(model, first_pass=first_pass, context_passes=tuple(context_passes))


def _draw(
    corrections: Sequence[Document],
    rehearsal: Sequence[Document],
    label: npt.NDArray[np.int8],
    kind: npt.NDArray[np.int8],
    config: AdaptingConfig,
) -> _Drawn:
    rng = np.random.default_rng(config.random_state)
    # A corrected paragraph shown as a teaser would be taught the kind that it has on its own page.
    mix = replace(Mix(), full_page=0.6, part_of_chrome=0.2, portal_page=0.0)
    mine, mine_ptr, *_ = augment_documents(corrections, config.n_documents, mix, rng)
    n_mine = sum(len(d.paragraphs) for d in corrections)
    if rehearsal:
        rest, rest_ptr, *_ = augment_documents(rehearsal, config.n_documents, Mix(), rng)
    else:
        rest, rest_ptr = np.zeros(0, np.int64), np.zeros(1, np.int64)
    indices = np.concatenate([mine, rest + n_mine])
    return _Drawn(
        indices, np.concatenate([mine_ptr, rest_ptr[1:] + mine_ptr[-1]]), label[indices], kind[indices],
        np.arange(len(indices)) < len(mine),
    )  # fmt: skip


def _targets(P: _Array, drawn: _Drawn) -> _Array:
    """What each row is taught: the corrected kind; a corrected label, its kinds shared as judged; else P."""
    target = P.copy()
    n_content = len(CONTENT_KINDS)
    for label, columns in ((1, slice(0, n_content)), (0, slice(n_content, len(KINDS)))):
        rows = np.flatnonzero(drawn.is_correction & (drawn.label == label))
        inside = P[rows, columns] + 1e-4
        target[rows] = 0
        target[rows, columns] = inside / inside.sum(axis=1, keepdims=True)
    rows = np.flatnonzero(drawn.is_correction & (drawn.kind >= 0))
    target[rows] = np.eye(len(KINDS), dtype=np.float32)[drawn.kind[rows]]
    return target


def _weights(log_length: _Array, drawn: _Drawn, config: AdaptingConfig) -> _Array:
    """Long paragraphs weigh more, and corrections have their share of the whole."""
    weight = (0.4 + np.minimum(log_length / 4, 1.6)).astype(np.float32)
    for is_mine, share in ((True, config.share), (False, 1 - config.share)):
        rows = drawn.is_correction == is_mine
        if rows.any():
            weight[rows] *= share / weight[rows].sum()
    return np.asarray(weight * len(weight), np.float32)


def _train_on(
    net: Net,
    X: _Array,
    attention: _Array | None,
    target: _Array,
    weight: _Array,
    drawn: _Drawn,
    config: AdaptingConfig,
) -> Net:
    """The net after some epochs, each over the documents in another order."""
    rng = np.random.default_rng(config.random_state)
    trainer = NetTrainer(net, *scaling(X), rng, pull=config.pull)
    sizes = np.diff(drawn.doc_ptr)
    for _ in range(config.epochs):
        order = rng.permutation(len(sizes))
        cuts = np.flatnonzero(np.diff(np.cumsum(sizes[order]) // config.batch_size)) + 1
        for documents in np.split(order, cuts):
            rows = np.concatenate([np.arange(drawn.doc_ptr[d], drawn.doc_ptr[d + 1]) for d in documents])
            ptr = np.concatenate([[0], np.cumsum(sizes[documents])])
            seen = None if attention is None else attention[rows]
            trainer.step(X[rows], target[rows], weight[rows], config.learning_rate, ptr, seen)
    return trainer.net()
