"""What the first pass makes of documents -> the nets of the passes in context.

Each learns from documents of every shape, drawn anew in each epoch, and from what the pass before says of
sites that it has not seen: they are to trust it no more than they will have reason to.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dechrome.context import Context, ContextInputs
from dechrome.labels import KINDS
from dechrome.model import context_pass_inputs
from dechrome.scoring import Net
from dechrome.training.augmentation import augment_documents
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document
from dechrome.training.net_training import NetTrainer, one_hot, random_net, scaling

__all__ = ["Lessons", "fit_context_passes"]

_Array = npt.NDArray[np.float32]

#: A net sees at least so many batches an epoch.
_LEAST_BATCHES = 64
#: Whether the nets of each pass in context see the mean by attention. In the first of them it would go to
#: what is said of paragraphs alone, and short notices among prose teasers lost to them (F1 .98 -> .76 on one
#: site of such pages).
_SEES_ATTENTION = (False, True)
#: Documents of so many paragraphs weigh half as much as the longest, see :func:`_draw_batches`.
_HALF_WEIGHT = 20
#: What is taught of a paragraph of another article, shown as its teaser.
_TEASER = np.int8(KINDS.index("related"))
#: Inputs are scaled by the mean and deviation of so many documents.
_SCALING_DOCUMENTS = 1_000


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the nets in context learn from: documents, and for each of their paragraphs what comes before."""

    documents: Sequence[Document]
    half: npt.NDArray[np.int8]
    """0 or 1 by site."""
    target: npt.NDArray[np.int8]
    weight: _Array
    first: dict[bool, _Array]
    """Inputs of the first pass; True: by a lexicon that has not seen the language, False: by one that has not
    seen the site."""
    P: dict[bool, _Array]
    """What the first pass makes of them, when it has not seen their site."""
    surroundings: ContextInputs
    strangers: tuple[Net, ...] = ()
    """Nets of a pass in context that have not seen the sites of half 0, of half 1: the next pass learns from
    what they say. None for the first pass in context."""

    def without(self, half: int) -> Lessons:
        """The lessons of the other half."""
        rows = np.flatnonzero(self.half != half)
        owner = np.repeat(np.arange(len(self.documents)), [len(d.paragraphs) for d in self.documents])
        first, P = ({foreign: of[foreign][rows] for foreign in of} for of in (self.first, self.P))
        documents = [self.documents[d] for d in np.unique(owner[rows])]
        return Lessons(
            documents, self.half[rows], self.target[rows], self.weight[rows], first, P,
            self.surroundings.take(rows),
        )  # fmt: skip


def fit_context_passes(
    lessons: Lessons, config: TrainingConfig, n_jobs: int, progress: Callable[[str], None]
) -> tuple[tuple[Net, ...], ...]:
    """Fit the nets of the two passes in context, ``n_jobs`` at a time.

    The second pass learns from what the first one makes of sites that it has not seen. So there are two more
    nets of the first pass in training, each fitted on half of the sites and asked about the other half.
    """
    from joblib import Parallel, delayed

    numbers = itertools.count()

    def job(lessons: Lessons, n_documents: int, name: str) -> tuple[Any, ...]:
        rng = np.random.default_rng((config.random_state, next(numbers)))
        n_documents = max(1, min(n_documents, 60 * len(lessons.documents)))
        return delayed(_fit_net)(lessons, n_documents, config, rng, lambda line: progress(f"{name}, {line}"))

    parallel = Parallel(n_jobs=n_jobs, require="sharedmem")
    jobs, halves = [job(lessons, config.n_documents, "first pass in context")], []
    for half in (0, 1):
        others = lessons.without(half)
        if {document.source for document in others.documents}.difference(ONE_SIDED_SOURCES):
            name = f"first pass in context, without half {half + 1} of the sites"
            jobs.append(job(others, config.n_documents // 2, name))
            halves.append(half)
    first, *fitted = parallel(jobs)
    del jobs, others  # they are as large as the lessons
    strangers = dict(zip(halves, fitted, strict=True))
    lessons = replace(lessons, strangers=(strangers.get(0, first), strangers.get(1, first)))
    second = parallel(
        job(lessons, config.n_documents, f"second pass in context, net {n + 1} of {config.n_averaged}")
        for n in range(config.n_averaged)
    )
    return (first,), tuple(second)


def _fit_net(
    lessons: Lessons,
    n_documents: int,
    config: TrainingConfig,
    rng: np.random.Generator,
    progress: Callable[[str], None],
) -> Net:
    """Fit a net on documents of its own, the rate falling by a cosine."""
    sample = _draw_batches(lessons, min(n_documents, _SCALING_DOCUMENTS), config, rng)
    scales = scaling(np.concatenate([batch.X for batch, _ in sample]))
    sees_attention = _SEES_ATTENTION[1 if lessons.strangers else 0]
    start = random_net(*scales, config.context_width, len(KINDS), config.dilations, rng, sees_attention)
    trainer = NetTrainer(start, *scales, rng, config.decay, dropout=config.dropout)
    for epoch in range(config.context_epochs):
        losses = []
        for batch, done in _draw_batches(lessons, n_documents, config, rng):
            rate = config.learning_rate * (1 + np.cos(np.pi * (epoch + done) / config.context_epochs)) / 2
            losses.append(
                trainer.step(batch.X, batch.target, batch.weight, rate, batch.doc_ptr, batch.attention)
            )
        progress(f"epoch {epoch + 1} of {config.context_epochs}, loss {np.mean(losses):.4f}")
    return trainer.net()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Documents to learn from at once; arrays as :meth:`NetTrainer.step` takes them."""

    X: _Array
    target: _Array
    weight: _Array
    doc_ptr: npt.NDArray[np.int64]
    attention: _Array


def _draw_batches(
    lessons: Lessons, n_documents: int, config: TrainingConfig, rng: np.random.Generator
) -> Iterator[tuple[_Batch, float]]:
    """Draw documents of every shape, batch after batch; with each, what share of them is behind."""
    indices, doc_ptr, is_foreign, is_teaser = augment_documents(
        lessons.documents, n_documents, config.mix, rng
    )
    batch_size = max(1, min(config.batch_size, doc_ptr[-1] // _LEAST_BATCHES))
    cuts = np.searchsorted(doc_ptr, np.arange(0, doc_ptr[-1], batch_size))
    cuts = np.unique(np.append(cuts, n_documents))
    for low, high in zip(cuts[:-1], cuts[1:], strict=True):
        ptr = doc_ptr[low : high + 1] - doc_ptr[low]
        rows = indices[doc_ptr[low] : doc_ptr[high]]
        sizes = np.diff(ptr)
        X, attention = _context_columns(lessons, rows, ptr, np.repeat(is_foreign[low:high], sizes))
        # A document of n rows weighs n / (20 + n): long ones nearly alike, a lone paragraph a twentieth.
        weight = np.divide(lessons.weight[rows], np.repeat(_HALF_WEIGHT + sizes, sizes), dtype=np.float32)
        target = np.where(is_teaser[doc_ptr[low] : doc_ptr[high]], _TEASER, lessons.target[rows])
        yield _Batch(X, one_hot(target), weight, ptr, attention), low / n_documents


def _context_columns(
    lessons: Lessons,
    rows: npt.NDArray[np.int64],
    doc_ptr: npt.NDArray[np.int64],
    is_foreign: npt.NDArray[np.bool_],
) -> tuple[_Array, _Array]:
    """Input columns of a pass in context, and attention, for documents made of the given paragraphs."""
    column = is_foreign[:, None]
    first, P = (np.where(column, of[True][rows], of[False][rows]) for of in (lessons.first, lessons.P))
    inputs, places = lessons.surroundings.take(rows), np.arange(len(rows))
    context = Context(inputs, doc_ptr, P)
    X = context_pass_inputs(0, first, P, context, places)
    if lessons.strangers:
        P = _ask_strangers(lessons.strangers, lessons.half[rows], X, doc_ptr, context.attention)
        context = Context(inputs, doc_ptr, P)
        X = context_pass_inputs(1, first, P, context, places)
    return X, context.attention


def _ask_strangers(
    strangers: tuple[Net, ...],
    half: npt.NDArray[np.int8],
    X: _Array,
    doc_ptr: npt.NDArray[np.int64],
    attention: _Array,
) -> _Array:
    """Probabilities for each row by the net that has not seen the row's half.

    Each net is given only documents that hold such rows.
    """
    P = np.full((len(X), len(KINDS)), np.nan, np.float32)
    sizes = np.diff(doc_ptr)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    for number, net in enumerate(strangers):
        is_unseen = half == number
        is_asked = np.bincount(owner[is_unseen], minlength=len(sizes)) > 0
        if is_asked.any():
            is_row, ptr = is_asked[owner], np.concatenate([[0], np.cumsum(sizes[is_asked])])
            P[is_unseen] = net.predict_proba(X[is_row], ptr, attention[is_row])[is_unseen[is_row]]
    return P
