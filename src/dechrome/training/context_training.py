"""What the first pass makes of documents -> the nets of the pass in context.

Each learns from documents of every shape, drawn anew in each epoch, and from what the first pass says of
sites that it has not seen: they are to trust it no more than they will have reason to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dechrome.context import Context, ContextInputs
from dechrome.labels import KINDS
from dechrome.model import context_pass_inputs
from dechrome.scoring import Net
from dechrome.training.augmentation import augment_documents
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document
from dechrome.training.net_training import NetTrainer, one_hot, random_net, scaling

__all__ = ["Lessons", "fit_context_nets"]

_Array = npt.NDArray[np.float32]

#: A net sees at least so many batches an epoch.
_LEAST_BATCHES = 64
#: Inputs are scaled by the mean and deviation of so many documents.
_SCALING_DOCUMENTS = 1_000


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the nets in context learn from: documents, and for each of their paragraphs what comes before."""

    documents: Sequence[Document]
    target: npt.NDArray[np.int8]
    weight: _Array
    first: dict[bool, _Array]
    """Inputs of the first pass, the words hidden or not."""
    P: dict[bool, _Array]
    """What the first pass makes of them, when it has not seen their site."""
    surroundings: ContextInputs


def fit_context_nets(
    lessons: Lessons, config: TrainingConfig, progress: Callable[[str], None]
) -> tuple[Net, ...]:
    """Fit the nets of the pass in context, each on documents of its own, the rate falling by a cosine."""
    nets = []
    for number in range(config.n_averaged):
        rng = np.random.default_rng((config.random_state, number))
        n_documents = min(config.n_documents, 60 * len(lessons.documents))
        sample = _draw_batches(lessons, min(n_documents, _SCALING_DOCUMENTS), config, rng)
        scales = scaling(np.concatenate([batch.X for batch, _ in sample]))
        start = random_net(*scales, config.context_width, len(KINDS), config.dilations, rng)
        trainer = NetTrainer(start, *scales, rng, config.decay, dropout=config.dropout)
        for epoch in range(config.context_epochs):
            losses = []
            for batch, done in _draw_batches(lessons, n_documents, config, rng):
                rate = config.learning_rate * (1 + np.cos(np.pi * (epoch + done) / config.context_epochs)) / 2
                losses.append(trainer.step(batch.X, batch.target, batch.weight, rate, batch.doc_ptr))
            progress(
                f"in context, net {number + 1} of {config.n_averaged}, epoch {epoch + 1} of "
                f"{config.context_epochs}, loss {np.mean(losses):.4f}"
            )
        nets.append(trainer.net())
    return tuple(nets)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Documents to learn from at once; arrays as :meth:`NetTrainer.step` takes them."""

    X: _Array
    target: _Array
    weight: _Array
    doc_ptr: npt.NDArray[np.int64]


def _draw_batches(
    lessons: Lessons, n_documents: int, config: TrainingConfig, rng: np.random.Generator
) -> Iterator[tuple[_Batch, float]]:
    """Draw documents of every shape, batch after batch; with each, what share of them is behind."""
    indices, doc_ptr, is_masked = augment_documents(lessons.documents, n_documents, config.mix, rng)
    batch_size = max(1, min(config.batch_size, doc_ptr[-1] // _LEAST_BATCHES))
    cuts = np.searchsorted(doc_ptr, np.arange(0, doc_ptr[-1], batch_size))
    cuts = np.unique(np.append(cuts, n_documents))
    for low, high in zip(cuts[:-1], cuts[1:], strict=True):
        ptr = doc_ptr[low : high + 1] - doc_ptr[low]
        rows = indices[doc_ptr[low] : doc_ptr[high]]
        sizes = np.diff(ptr)
        X = _context_columns(lessons, rows, ptr, np.repeat(is_masked[low:high], sizes))
        # Rows of short documents weigh more.
        weight = lessons.weight[rows] * np.repeat((30 / (20 + sizes)) ** 0.5, sizes).astype(np.float32)
        yield _Batch(X, one_hot(lessons.target[rows]), weight, ptr), low / n_documents


def _context_columns(
    lessons: Lessons,
    rows: npt.NDArray[np.int64],
    doc_ptr: npt.NDArray[np.int64],
    is_masked: npt.NDArray[np.bool_],
) -> _Array:
    """Input columns of the pass in context for documents made of the given paragraphs."""
    mask = is_masked[:, None]
    first, P = (np.where(mask, of[True][rows], of[False][rows]) for of in (lessons.first, lessons.P))
    context = Context(lessons.surroundings.take(rows), doc_ptr, P)
    return context_pass_inputs(first, P, context, np.arange(len(rows)))
