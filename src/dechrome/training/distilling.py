"""Texts and a teacher -> encoders: word vectors and a convolution that say of a text what the teacher says.

The student has 2.7 MB and explains half of the variance, on texts of other sites, of the components that it
learns. Distillation: Hinton et al. 2015, https://arxiv.org/abs/1503.02531; word vectors that begin as the
teacher's of the words: Tulkens and van Dongen 2024, https://github.com/MinishLab/model2vec.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dechrome.batch import WORD_BITS
from dechrome.encoder import MEANINGS, MOST_WORDS, Encoder
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, choose_words, find_words
from dechrome.training.corpus import Document
from dechrome.training.net_training import one_blas_thread
from dechrome.training.table import site_fold
from dechrome.training.teacher import Teacher
from dechrome.training.vocabulary import choose_vocabulary, read_hashes, spell_words

__all__ = ["DistillingConfig", "distil_encoders", "draw_texts"]

_Array = npt.NDArray[np.float32]
_Hashes = npt.NDArray[np.uint32]

#: Components are fitted on so many vectors.
_SAMPLE = 20_000
#: The table's values are whole numbers up to this: they fill 2.4 MB, compressed.
_LEVELS = 5
#: Quantile of the sizes of a column's values that gets the last level; greater ones are clipped to it.
_MOST_VALUES = 0.995
#: The teacher's vectors have length 1; word vectors begin somewhat longer than their components.
_WORD_SCALE = np.float32(3)
#: Teacher's vectors made at once, between two lines of progress.
_PART = 20_000
#: How well a student does is told by so many texts.
_TRIED = 10_000
#: Deviations are taken for no less, so that components that hardly vary stay small.
_LEAST_DEVIATION = 1e-4
#: A fold without which fewer of the texts are left has no encoder of its own.
_LEAST_PART = 0.1
#: Where a text has no more words; hashes are below 2 ** WORD_BITS.
_NO_WORD = np.uint32(1 << WORD_BITS)
#: Of Adam; the second moment forgets sooner than usual, as most rows of the table learn seldom.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.99, 1e-6


@dataclass(frozen=True)
class DistillingConfig:
    """Settings; the defaults are those of the shipped encoder."""

    n_columns: int = 48
    """Of the word vectors."""
    width: int = 128
    """Of the convolution."""
    epochs: int = 7
    """Passes over the texts; one more follows with the table rounded."""
    batch_size: int = 1024
    learning_rate: float = 3e-3
    hidden_words: float = 0.2
    """Share of the words that are taken for unknown, so that what is learned does not hang on rare ones."""
    random_state: int = 0


def draw_texts(
    documents: Iterable[Document], n_folds: int, n_texts: int | None = None, random_state: int = 0
) -> tuple[list[str], npt.NDArray[np.bool_]]:
    """Distinct paragraphs of the training split, all or so many of them drawn by lot.

    Returns
    -------
    texts : list of str
    stands_in : ndarray of bool, shape (n_texts, n_folds)
        Whether a site of the fold has the text, see :func:`dechrome.training.table.site_fold`.
    """
    folds: dict[str, set[int]] = {}
    for document in documents:
        if document.split == "train":
            fold = site_fold(document.site, n_folds)
            for text in filter(None, document.paragraphs):
                folds.setdefault(text, set()).add(fold)
    texts = list(folds)
    drawn = np.sort(np.random.default_rng(random_state).permutation(len(texts))[:n_texts])
    texts = [texts[i] for i in drawn]
    stands_in = np.zeros((len(texts), n_folds), np.bool_)
    for row, text in zip(stands_in, texts, strict=True):
        row[list(folds[text])] = True
    return texts, stands_in


@one_blas_thread()
def distil_encoders(
    texts: Sequence[str],
    stands_in: npt.NDArray[np.bool_],
    teacher: Teacher,
    config: DistillingConfig | None = None,
    n_jobs: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Encoder, ...]:
    """Teach encoders what the teacher says of the texts, one of all, and for each fold one of the others.

    What those that have not read a fold's texts say of them is as good as what the first says of texts that
    come later; so it is what nets are to learn from.

    Parameters
    ----------
    texts : sequence of str
        Each once.
    stands_in : ndarray of bool, shape (n_texts, n_folds)
        Whether each text stands in the fold, from :func:`draw_texts`.
    teacher : Teacher
    config : DistillingConfig, optional
    n_jobs : int
        So many learn at a time, each on one thread; -1: one a core.
    progress : callable
        Called with a line at each step, by the thread that takes it.

    Returns
    -------
    tuple of Encoder
        Of all texts, and of those that stand in another fold than 0, 1 and so on; where these are few, or
        all, the one of all. The same for the same texts and teacher, to the last byte, where BLAS has the
        same kernels.

    Raises
    ------
    ValueError
        If there is no text, or neither the teacher has a word nor two texts have one in common.
    """
    from joblib import Parallel, delayed

    config = config or DistillingConfig()
    elsewhere = [stands_in.sum(axis=1) > of_fold for of_fold in stands_in.T]
    has_own = [_LEAST_PART <= part.mean() < 1 for part in elsewhere]
    parts = [np.ones(len(texts), np.bool_), *itertools.compress(elsewhere, has_own)]
    hashes, ptr = read_hashes(texts)
    words = _choose_vocabularies(hashes, ptr, parts, teacher.words)
    if not len(texts) or not all(map(len, words)):
        raise ValueError(
            f"An encoder needs texts and words; of {len(texts)} texts too few have a word in common, "
            "and the teacher has none."
        )
    progress(f"{len(words[0])} words, {len(texts)} texts")
    asked = np.unique(np.concatenate(words))
    vectors = _ask(teacher, spell_words(asked, [*teacher.words, *texts]), "words", progress)
    rng = np.random.default_rng(config.random_state)
    target = _principal_components(_ask(teacher, texts, "texts", progress), len(MEANINGS), rng)
    lessons = _Lessons(_first_words(hashes, ptr), target)

    def learn(number: int) -> Encoder:
        name = f"part {number} of {len(parts) - 1}" if number else "all"
        known = vectors[np.searchsorted(asked, words[number])]
        return _fit_student(
            lessons, parts[number], words[number], known, config,
            np.random.default_rng((config.random_state, number)), lambda line: progress(f"{name}, {line}"),
        )  # fmt: skip

    everything, *others = Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(learn)(number) for number in range(len(parts))
    )
    left = iter(others)
    return everything, *(next(left) if own else everything for own in has_own)


def _choose_vocabularies(
    hashes: _Hashes,
    ptr: npt.NDArray[np.int64],
    parts: Sequence[npt.NDArray[np.bool_]],
    teachers_words: Sequence[str],
) -> list[_Hashes]:
    """For each part of the texts its vocabulary."""
    owner = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    read, at = read_hashes(teachers_words)
    teachers = read[at[:-1][np.diff(at) == 1]]  # pieces that are one word
    chosen = []
    for part in parts:
        is_read = part[owner]
        chosen.append(choose_vocabulary(teachers, hashes[is_read], owner[is_read]))
    return chosen


@dataclass(frozen=True)
class _Lessons:
    words: _Hashes
    """Hashes of the first words of each text, _NO_WORD behind the last, shape (n_texts, MOST_WORDS)."""
    target: _Array
    """What the teacher says of it, shape (n_texts, n_meanings)."""


def _first_words(hashes: _Hashes, ptr: npt.NDArray[np.int64]) -> _Hashes:
    at = ptr[:-1, None] + np.arange(MOST_WORDS)
    is_word = at < ptr[1:, None]
    first = np.full(at.shape, _NO_WORD, np.uint32)
    first[is_word] = hashes[at[is_word]]
    return first


def _fit_student(
    lessons: _Lessons,
    is_read: npt.NDArray[np.bool_],
    vocabulary: _Hashes,
    vectors: _Array,
    config: DistillingConfig,
    rng: np.random.Generator,
    progress: Callable[[str], None],
) -> Encoder:
    """Learn from some of the texts; how well it goes is told by the others, if there are any."""
    checks = choose_words(vocabulary, np.zeros(len(vocabulary), np.int64))
    places = find_words(vocabulary, checks)
    rows = np.flatnonzero(is_read)
    tried = rng.permutation(rows if is_read.all() else np.flatnonzero(~is_read))[:_TRIED]
    told = f"share of variance of texts {'that it learns from' if is_read.all() else 'not read'}"
    words, wanted = lessons.words[tried], lessons.target[tried]
    ptr = np.concatenate([[0], np.cumsum((words != _NO_WORD).sum(axis=1))])
    student = _Student(checks, _word_vectors(vectors, places, config.n_columns), places, config, rng)
    batches = max(1, len(rows) // config.batch_size)
    for epoch in range(config.epochs + 1):
        if epoch == config.epochs:
            student.round_table()
        for i, part in enumerate(np.array_split(rng.permutation(rows), batches)):
            done = (epoch + i / batches) / (config.epochs + 1)
            rate = config.learning_rate * (1 + np.cos(np.pi * done)) / 2
            student.step(lessons.words[part], lessons.target[part], rate)
        made = student.encoder().encode_words(words[words != _NO_WORD], ptr)
        left = ((made - wanted) ** 2).sum() / max((wanted**2).sum(), _EPSILON)
        progress(f"epoch {epoch + 1} of {config.epochs + 1}, {told} {1 - left:.4f}")
    return student.encoder()


def _ask(teacher: Teacher, texts: Sequence[str], name: str, progress: Callable[[str], None]) -> _Array:
    """The teacher's vectors of many texts, with a line for each part."""
    vectors = []
    for start in range(0, len(texts), _PART):
        vectors.append(teacher.embed(texts[start : start + _PART]))
        progress(f"vectors of {name}, {min(start + _PART, len(texts))} of {len(texts)}")
    return np.concatenate(vectors)


def _principal_components(vectors: _Array, n: int, rng: np.random.Generator) -> _Array:
    """First components of the vectors, evened out so that the first do not outweigh the rest.

    Each over the root of its deviation times the mean deviation.
    """
    centred = vectors - vectors.mean(axis=0)
    sample = centred[rng.permutation(len(centred))[:_SAMPLE]]
    axes = np.linalg.svd(sample, full_matrices=False)[2][:n]
    components = np.zeros((len(vectors), n), np.float32)  # of few texts, zeros behind their components
    components[:, : len(axes)] = centred @ axes.T
    deviation = np.maximum(components.std(axis=0), _LEAST_DEVIATION)
    return components / np.sqrt(deviation * deviation.mean())


def _word_vectors(vectors: _Array, places: npt.NDArray[np.uint32], n_columns: int) -> _Array:
    """Table of word vectors to begin with, zeros at the places that no word has."""
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.svd(centred[:: max(1, len(centred) // _SAMPLE)], full_matrices=False)[2][:n_columns]
    table = np.zeros((1 << VOCABULARY_BITS, n_columns), np.float32)
    table[places, : len(axes)] = _WORD_SCALE * centred @ axes.T
    return table


class _Student:
    """The encoder while it learns, by back-propagation and Adam (Kingma and Ba 2015)."""

    def __init__(
        self,
        checks: npt.NDArray[np.uint8],
        table: _Array,
        places: npt.NDArray[np.uint32],
        config: DistillingConfig,
        rng: np.random.Generator,
    ) -> None:
        self._checks, self._config, self._rng = checks, config, rng
        self._is_used = np.zeros(len(table), np.bool_)
        self._is_used[[UNKNOWN_WORD, *places]] = True
        self._is_rounded, self._n_steps = False, 0
        shapes = (3 * config.n_columns, config.width), (2 * config.width, len(MEANINGS))
        layers = [rng.normal(0, size[0] ** -0.5, size).astype(np.float32) for size in shapes]
        biases = [np.zeros(size[1], np.float32) for size in shapes]
        self._values = [table, layers[0], biases[0], layers[1], biases[1]]
        self._moments = [(np.zeros_like(v), np.zeros_like(v)) for v in self._values]

    def step(self, words: _Hashes, target: _Array, rate: float) -> None:
        """Learn from the first words of some texts, shape (n_texts, MOST_WORDS), at once."""
        table, conv, conv_bias, dense, dense_bias = self._values
        n, width, n_columns = len(words), self._config.width, self._config.n_columns
        is_word = words != _NO_WORD
        places = find_words(np.where(is_word, words, 0), self._checks)
        places[self._rng.random(places.shape) < self._config.hidden_words] = UNKNOWN_WORD
        seen = np.zeros((n, MOST_WORDS + 2, n_columns), np.float32)
        seen[:, 1:-1][is_word] = table[places[is_word]]
        around = np.concatenate([seen[:, :-2], seen[:, 1:-1], seen[:, 2:]], axis=2)
        made = np.maximum(around @ conv + conv_bias, 0) * is_word[:, :, None]
        n_words = np.maximum(is_word.sum(axis=1), 1).astype(np.float32)[:, None]
        highest = made.argmax(axis=1)[:, None]
        pooled = np.hstack([made.sum(axis=1) / n_words, np.take_along_axis(made, highest, axis=1)[:, 0]])
        error = (pooled @ dense + dense_bias - target) * np.float32(2 / n)

        to_pooled = error @ dense.T
        to_made = np.repeat((to_pooled[:, :width] / n_words)[:, None], MOST_WORDS, axis=1)
        to_highest = np.take_along_axis(to_made, highest, axis=1) + to_pooled[:, None, width:]
        np.put_along_axis(to_made, highest, to_highest, axis=1)
        to_made *= made > 0
        flat = to_made.reshape(-1, width)
        self._n_steps += 1
        self._update(1, around.reshape(-1, 3 * n_columns).T @ flat, rate)
        self._update(2, flat.sum(axis=0), rate)
        self._update(3, pooled.T @ error, rate)
        self._update(4, error.sum(axis=0), rate)
        if self._is_rounded:
            return
        to_around = np.split(to_made @ conv.T, 3, axis=2)
        to_seen = np.zeros_like(seen)
        for step, part in enumerate(to_around):
            to_seen[:, step : step + MOST_WORDS] += part
        order = np.argsort(places[is_word], kind="stable")
        rows, first = np.unique(places[is_word][order], return_index=True)
        gradient = np.add.reduceat(to_seen[:, 1:-1][is_word][order], first, axis=0)
        self._update(0, gradient, rate, rows)

    def _update(
        self, number: int, gradient: _Array, rate: float, rows: npt.NDArray[np.int64] | slice = slice(None)
    ) -> None:
        first, second = self._moments[number]
        first[rows] = _BETA_1 * first[rows] + (1 - _BETA_1) * gradient
        second[rows] = _BETA_2 * second[rows] + (1 - _BETA_2) * gradient**2
        m = first[rows] / (1 - _BETA_1**self._n_steps)
        s = second[rows] / (1 - _BETA_2**self._n_steps)
        self._values[number][rows] -= np.float32(rate) * m / (np.sqrt(s) + np.float32(_EPSILON))

    def round_table(self) -> None:
        """Round the table to few levels; from then on only what stands behind it learns."""
        table, unit = self._values[0], self._unit(_LEVELS, _MOST_VALUES)
        self._values[0] = np.rint(table / unit).clip(-_LEVELS, _LEVELS) * unit
        self._is_rounded = True

    def _unit(self, levels: int, quantile: float) -> _Array:
        highest = np.quantile(np.abs(self._values[0][self._is_used]), quantile, axis=0)
        return np.maximum(highest / levels, 1e-9).astype(np.float32)

    def encoder(self) -> Encoder:
        """What has been learned so far."""
        table, conv, conv_bias, dense, dense_bias = self._values
        unit = self._unit(_LEVELS if self._is_rounded else 127, 1)
        whole = np.rint(table / unit).clip(-127, 127).astype(np.int8)
        whole[~self._is_used] = whole[UNKNOWN_WORD]
        return Encoder(
            self._checks, whole, (conv * np.tile(unit, 3)[:, None], dense), (conv_bias, dense_bias)
        )
