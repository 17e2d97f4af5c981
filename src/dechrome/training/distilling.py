"""Texts and a teacher -> Encoder: word vectors and a convolution that say of a text what the teacher says.

The student has 3.4 MB and explains two thirds of the variance of the components that it learns. Distillation:
Hinton et al. 2015, https://arxiv.org/abs/1503.02531; word vectors that begin as the teacher's of the words:
Tulkens and van Dongen 2024, https://github.com/MinishLab/model2vec.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.encoder import MEANINGS, MOST_WORDS, Encoder, find_pieces
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, choose_words, find_words
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document
from dechrome.training.net_training import one_blas_thread
from dechrome.training.restyling import choose_training_documents
from dechrome.training.table import iterate_batches
from dechrome.training.teacher import Teacher
from dechrome.training.vocabulary import choose_vocabulary, rank_pieces, read_hashes, spell_words

__all__ = ["DistillingConfig", "distil_encoder", "draw_texts"]

_Array = npt.NDArray[np.float32]
_Places = npt.NDArray[np.uint32]

#: Components are fitted on so many vectors.
_SAMPLE = 20_000
#: The table's values are whole numbers up to this: they fill 3.0 MB, compressed.
_LEVELS = 7
#: Quantile of the sizes of a column's values that gets the last level; greater ones are clipped to it.
_MOST_VALUES = 0.995
#: The teacher's vectors have length 1; word vectors begin somewhat longer than their components.
_WORD_SCALE = np.float32(3)
#: Teacher's vectors made at once, between two lines of progress.
_PART = 20_000
#: Deviations are taken for no less, so that components that hardly vary stay small.
_LEAST_DEVIATION = 1e-4
#: Where a text has no more words; places are below 2 ** VOCABULARY_BITS.
_NO_WORD = np.uint32(1 << VOCABULARY_BITS)
#: Of Adam; the second moment forgets sooner than usual, as most rows of the table learn seldom.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.99, 1e-6


@dataclass(frozen=True)
class DistillingConfig:
    """Settings; the defaults are those of the shipped encoder."""

    n_columns: int = 48
    """Of the word vectors."""
    width: int = 128
    """Of the convolution."""
    n_hidden: int = 512
    """Of the dense layer behind it."""
    epochs: int = 8
    """Passes over the texts."""
    rounded_epochs: int = 2
    """So many of them, the last, see the table rounded to few levels; 0 leaves it with 255."""
    batch_size: int = 1024
    learning_rate: float = 3e-3
    hidden_words: float = 0.2
    """Share of the words that are read by their pieces though known, or as unknown if they have none, so that
    pieces are learned too and what is learned does not hang on rare words."""
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
        If there are fewer than two texts, or neither the teacher has a word nor have two texts a word, or two
        words a beginning or an end, in common.
    """
    if len(texts) < 2:
        raise ValueError(f"An encoder needs two texts at least, one to hold out; here are {len(texts)}.")
    config = config or DistillingConfig()
    rng = np.random.default_rng(config.random_state)
    hashes, ptr = read_hashes(texts)
    vocabulary = choose_vocabulary(teacher.words, hashes, ptr, rank_pieces(texts))
    if not len(vocabulary):
        raise ValueError(
            "An encoder needs words; the teacher has none, and none or part of one comes twice in the texts."
        )
    progress(f"{len(vocabulary)} words and pieces, {len(texts)} texts")
    checks = choose_words(vocabulary, np.zeros(len(vocabulary), np.int64))
    table = np.zeros((1 << VOCABULARY_BITS, config.n_columns), np.float32)  # pieces begin with zeros
    spelled = spell_words(vocabulary, [*teacher.words, *texts])
    if spelled:
        places = find_words(np.array(list(spelled), np.uint32), checks)
        asked = _ask(teacher, list(spelled.values()), "words", progress)
        table[places] = _word_vectors(asked, config.n_columns)
    target = _principal_components(_ask(teacher, texts, "texts", progress), len(MEANINGS), rng)
    words = _first_words(texts, checks)
    student = _Student(checks, table, find_words(vocabulary, checks), config, rng)
    order = rng.permutation(len(texts))
    held_out, rest = np.split(order, [max(1, len(order) // 50)])
    batches = max(1, len(rest) // config.batch_size)
    for epoch in range(config.epochs):
        if epoch == max(config.epochs - config.rounded_epochs, 0):
            student.round_table()
        for i, part in enumerate(np.array_split(rng.permutation(rest), batches)):
            done = (epoch + i / batches) / config.epochs
            rate = config.learning_rate * (1 + np.cos(np.pi * done)) / 2
            student.step(words[part], target[part], rate)
        made = student.encoder().encode(Batch([texts[j] for j in held_out]))
        left = ((made - target[held_out]) ** 2).sum() / max((target[held_out] ** 2).sum(), _EPSILON)
        progress(f"epoch {epoch + 1} of {config.epochs}, share of held-out variance {1 - left:.4f}")
    return student.encoder()


def _first_words(texts: Sequence[str], checks: npt.NDArray[np.uint8]) -> _Places:
    """Places of the first words of each text and of their pieces, shape (n_texts, MOST_WORDS, 3).

    Behind the last word of a text, _NO_WORD.
    """
    parts = [np.zeros((0, MOST_WORDS, 3), np.uint32)]
    for batch in iterate_batches(texts):
        hashes, ptr = batch.single_words
        distinct, first, which = np.unique(hashes, return_index=True, return_inverse=True)
        places = np.column_stack([find_words(distinct, checks), find_pieces(batch, first, checks)])
        at = ptr[:-1, None] + np.arange(MOST_WORDS)
        is_word = at < ptr[1:, None]
        words = np.full((*at.shape, 3), _NO_WORD, np.uint32)
        words[is_word] = places[which[at[is_word]]]
        parts.append(words)
    return np.concatenate(parts)


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


def _word_vectors(vectors: _Array, n_columns: int) -> _Array:
    """Vectors of words to begin with, from the teacher's."""
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.svd(centred[:: max(1, len(centred) // _SAMPLE)], full_matrices=False)[2][:n_columns]
    words = np.zeros((len(vectors), n_columns), np.float32)
    words[:, : len(axes)] = _WORD_SCALE * centred @ axes.T
    return words


def _to_levels(vectors: _Array, unit: _Array) -> _Array:
    levels: _Array = np.rint(vectors / unit).clip(-_LEVELS, _LEVELS)
    return levels


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
        self._unit: _Array | None = None
        self._n_steps = 0
        widths = config.width, config.n_hidden, len(MEANINGS)
        self._values = [table]
        for size in zip((3 * config.n_columns, 2 * config.width, config.n_hidden), widths, strict=True):
            weights = rng.normal(0, size[0] ** -0.5, size).astype(np.float32)
            self._values += [weights, np.zeros(size[1], np.float32)]
        self._moments = [(np.zeros_like(v), np.zeros_like(v)) for v in self._values]

    def step(self, words: _Places, target: _Array, rate: float) -> None:
        """Learn at once from some texts, of which :func:`_first_words` read the words."""
        _, conv, conv_bias, dense, dense_bias, last, last_bias = self._values
        n, width, n_columns = len(words), self._config.width, self._config.n_columns
        is_word = words[:, :, 0] != _NO_WORD
        places, is_two, second = self._hide_words(words, is_word)
        seen = np.zeros((n, MOST_WORDS + 2, n_columns), np.float32)
        inner = seen[:, 1:-1]
        inner[is_word] = self._vectors(places)
        inner[is_two] += self._vectors(second)
        around = np.concatenate([seen[:, :-2], inner, seen[:, 2:]], axis=2)
        made = np.maximum(around @ conv + conv_bias, 0) * is_word[:, :, None]
        n_words = np.maximum(is_word.sum(axis=1), 1).astype(np.float32)[:, None]
        highest = made.argmax(axis=1)[:, None]
        pooled = np.hstack([made.sum(axis=1) / n_words, np.take_along_axis(made, highest, axis=1)[:, 0]])
        hidden = np.maximum(pooled @ dense + dense_bias, 0)
        error = (hidden @ last + last_bias - target) * np.float32(2 / n)

        to_hidden = error @ last.T * (hidden > 0)
        to_pooled = to_hidden @ dense.T
        to_made = np.repeat((to_pooled[:, :width] / n_words)[:, None], MOST_WORDS, axis=1)
        to_highest = np.take_along_axis(to_made, highest, axis=1) + to_pooled[:, None, width:]
        np.put_along_axis(to_made, highest, to_highest, axis=1)
        to_made *= made > 0
        flat = to_made.reshape(-1, width)
        to_seen = np.zeros_like(seen)
        for step, part in enumerate(np.split(to_made @ conv.T, 3, axis=2)):
            to_seen[:, step : step + MOST_WORDS] += part
        to_words = np.concatenate([to_seen[:, 1:-1][is_word], to_seen[:, 1:-1][is_two]])
        read = np.concatenate([places, second])
        order = np.argsort(read, kind="stable")
        rows, first = np.unique(read[order], return_index=True)
        self._n_steps += 1
        self._update(0, np.add.reduceat(to_words[order], first, axis=0), rate, rows)
        self._update(1, around.reshape(-1, 3 * n_columns).T @ flat, rate)
        self._update(2, flat.sum(axis=0), rate)
        self._update(3, pooled.T @ to_hidden, rate)
        self._update(4, to_hidden.sum(axis=0), rate)
        self._update(5, hidden.T @ error, rate)
        self._update(6, error.sum(axis=0), rate)

    def _hide_words(
        self, words: _Places, is_word: npt.NDArray[np.bool_]
    ) -> tuple[_Places, npt.NDArray[np.bool_], _Places]:
        """Places of the words, those hidden or unknown by their pieces; which have two, and the second's."""
        whole, first, second = np.moveaxis(words, 2, 0)
        is_hidden = self._rng.random(whole.shape) < self._config.hidden_words
        in_pieces = is_hidden | (whole == UNKNOWN_WORD)
        is_two = is_word & in_pieces & (second != UNKNOWN_WORD)
        return np.where(in_pieces, first, whole)[is_word], is_two, second[is_two]

    def _vectors(self, places: _Places) -> _Array:
        vectors = self._values[0][places]
        return vectors if self._unit is None else _to_levels(vectors, self._unit) * self._unit

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
        """From now on, see the table rounded to few levels.

        What it learns, the values behind them learn, those beyond the last level too (straight-through
        estimator: Bengio et al. 2013, https://arxiv.org/abs/1308.3432).
        """
        highest = np.quantile(np.abs(self._values[0][self._is_used]), _MOST_VALUES, axis=0)
        self._unit = np.maximum(highest / _LEVELS, 1e-9).astype(np.float32)

    def encoder(self) -> Encoder:
        """What has been learned so far; the table as yet unrounded is, to 255 levels."""
        table, conv, conv_bias, *dense = self._values
        if self._unit is None:
            unit = np.maximum(np.abs(table).max(axis=0) / 127, 1e-9)
            whole = np.rint(table / unit)
        else:
            unit, whole = self._unit, _to_levels(table, self._unit)
        whole[~self._is_used] = whole[UNKNOWN_WORD]
        return Encoder(
            self._checks, whole.astype(np.int8), [conv * np.tile(unit, 3)[:, None], dense[0], dense[2]],
            [conv_bias, dense[1], dense[3]],
        )  # fmt: skip
