"""Texts and a teacher -> Encoder: word vectors and a convolution that say of a text what the teacher says.

The student has 2.7 MB and explains about half of the variance of the components that it learns. Distillation:
Hinton et al. 2015, https://arxiv.org/abs/1503.02531; word vectors that begin as the teacher's of the words:
Tulkens and van Dongen 2024, https://github.com/MinishLab/model2vec.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dechrome.batch import WORD_BITS, Batch
from dechrome.encoder import MEANINGS, MOST_WORDS, Encoder
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, choose_words, find_words
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document
from dechrome.training.net_training import one_blas_thread
from dechrome.training.restyling import choose_training_documents
from dechrome.training.teacher import Teacher
from dechrome.training.vocabulary import choose_vocabulary, read_hashes, spell_words

__all__ = ["DistillingConfig", "distil_encoder", "draw_texts"]

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
#: Deviations are taken for no less, so that components that hardly vary stay small.
_LEAST_DEVIATION = 1e-4
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
    documents: Sequence[Document], config: TrainingConfig, n_texts: int | None = None
) -> list[str]:
    """Distinct paragraphs that a training learns from, all or so many of them drawn by lot."""
    learned, _ = choose_training_documents(documents, config)
    texts = list(dict.fromkeys(text for document in learned for text in document.paragraphs if text))
    drawn = np.random.default_rng(config.random_state).permutation(len(texts))[:n_texts]
    return [texts[i] for i in np.sort(drawn)]


@one_blas_thread()
def distil_encoder(
    texts: Sequence[str],
    teacher: Teacher,
    config: DistillingConfig | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Encoder:
    """Teach an encoder what the teacher says of the texts.

    Parameters
    ----------
    texts : sequence of str
        Each once, at least two; a fiftieth is held out by lot, to say how well it goes (a little better than
        on other sites, as texts are set in several ways).
    teacher : Teacher
    config : DistillingConfig, optional
    progress : callable
        Called with a line at each step.

    Returns
    -------
    Encoder
        The same for the same texts and teacher, to the last byte, where BLAS has the same kernels.

    Raises
    ------
    ValueError
        If there are fewer than two texts, or neither the teacher has a word nor two texts have one in common.
    """
    if len(texts) < 2:
        raise ValueError(f"An encoder needs two texts at least, one to hold out; here are {len(texts)}.")
    config = config or DistillingConfig()
    rng = np.random.default_rng(config.random_state)
    hashes, ptr = read_hashes(texts)
    vocabulary = choose_vocabulary(teacher.words, hashes, ptr)
    if not len(vocabulary):
        raise ValueError("An encoder needs words; the teacher has none, and no word is in two of the texts.")
    progress(f"{len(vocabulary)} words, {len(texts)} texts")
    checks = choose_words(vocabulary, np.zeros(len(vocabulary), np.int64))
    places = find_words(vocabulary, checks)
    spelled = spell_words(vocabulary, [*teacher.words, *texts])
    table = _word_vectors(_ask(teacher, spelled, "words", progress), places, config.n_columns)
    target = _principal_components(_ask(teacher, texts, "texts", progress), len(MEANINGS), rng)
    words = _first_words(hashes, ptr)
    student = _Student(checks, table, places, config, rng)
    order = rng.permutation(len(texts))
    held_out, rest = np.split(order, [max(1, len(order) // 50)])
    batches = max(1, len(rest) // config.batch_size)
    for epoch in range(config.epochs + 1):
        if epoch == config.epochs:
            student.round_table()
        for i, part in enumerate(np.array_split(rng.permutation(rest), batches)):
            done = (epoch + i / batches) / (config.epochs + 1)
            rate = config.learning_rate * (1 + np.cos(np.pi * done)) / 2
            student.step(words[part], target[part], rate)
        made = student.encoder().encode(Batch([texts[j] for j in held_out]))
        left = ((made - target[held_out]) ** 2).sum() / max((target[held_out] ** 2).sum(), _EPSILON)
        progress(f"epoch {epoch + 1} of {config.epochs + 1}, share of held-out variance {1 - left:.4f}")
    return student.encoder()


def _first_words(hashes: _Hashes, ptr: npt.NDArray[np.int64]) -> _Hashes:
    """Hashes of the first words of each text, _NO_WORD behind the last, shape (n_texts, MOST_WORDS)."""
    at = ptr[:-1, None] + np.arange(MOST_WORDS)
    is_word = at < ptr[1:, None]
    first = np.full(at.shape, _NO_WORD, np.uint32)
    first[is_word] = hashes[at[is_word]]
    return first


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
