"""Paragraphs -> one array of code points, one of n-gram buckets and one of words, shared by every stage.

A batch joins many documents, so that each step is one array operation over all their text. No
n-gram reaches from one paragraph into the next, and no value depends on what else is in the batch.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dechrome.characters import CLASSES, class_table, fold_table
from dechrome.gramtable import hash_grams, hash_parts, hash_runs

__all__ = ["GRAM_BITS", "MOST_LETTERS", "WORD_BITS", "Batch"]

#: Lexical scores read this many code points at the start and at the end of a paragraph: what makes
#: it a consent notice or a caption stands there, and a long paragraph costs no more than a short one.
HEAD, TAIL = 200, 100
#: Of a longer paragraph, a whole book perhaps, only so many code points at either end are looked at.
_MOST_READ = 1 << 16
#: Buckets of the hashed n-grams: 2 ** GRAM_BITS.
GRAM_BITS = 17
_GRAM_SIZES = (1, 2, 3, 4)
#: Hashes of sequences of one to three words are below 2 ** WORD_BITS.
WORD_BITS = 25
_WORD_SIZES = (1, 2, 3)
#: Parts of words are looked for among so many letters, the first.
MOST_LETTERS = 20
#: Code point that frames a paragraph; three of it keep n-grams of up to four apart.
_FRAME = 1
#: What a code point does: nothing, stand by itself, or be part of a word. In scripts without spaces between
#: words it hangs on the letter before it, or begins a word, or ties the next letter to it, or begins a word
#: and does so, as vowels that are written before their consonant.
_APART, _ALONE, _JOINED, _HANGS, _LETTER, _TIES, _LEADS = range(7)
_PARTS = {"space": _APART, "control": _APART} | dict.fromkeys(
    ("upper", "lower", "uncased", "mark", "digit"), _JOINED
)
#: Thai and Lao, Burmese, Khmer.
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
#: What hangs on a letter of theirs and is no mark: vowels, signs of repetition.
_HANGING = "ะาำๅๆະາຳຽໆៗ"
_LEADING = "เแโใไເແໂໃໄ"
#: Of Burmese and Khmer: the next letter is written below.
_TYING = "\u1039\u17d2"
#: Burmese: the letter before it ends its syllable, with a dot below between them or without.
_ASAT, _DOT_BELOW = 0x103A, 0x1037
#: ZERO WIDTH SPACE stands between words of unspaced scripts, ZERO WIDTH JOINER in words of Indic scripts, the
#: non-joiner before it in Persian ones too.
_ZERO_SPACE, _JOINER = 0x200B, 0x200D
#: What may stand behind a word before the next begins, folded; the frame is one.
_BLANKS = f" {chr(_ZERO_SPACE)}{chr(_FRAME)}"


@functools.cache
def _part_table() -> npt.NDArray[np.uint8]:
    """What each code point does in a word, shape (1114112,): one of _APART .. _LEADS. Read-only."""
    classes = class_table()
    parts = np.array([_PARTS.get(name, _ALONE) for name in CLASSES], np.uint8)[classes]
    for low, high in _UNSPACED:
        block = parts[low : high + 1]
        block[classes[low : high + 1] == CLASSES.index("uncased")] = _LETTER
        block[classes[low : high + 1] == CLASSES.index("mark")] = _HANGS
    for characters, part in ((_HANGING, _HANGS), (_LEADING, _LEADS), (_TYING, _TIES)):
        parts[[ord(c) for c in characters]] = part
    parts[_ZERO_SPACE], parts[[_JOINER - 1, _JOINER]] = _APART, _JOINED
    parts.flags.writeable = False
    return parts


class Batch:
    """Paragraphs of one or more documents.

    Parameters
    ----------
    paragraphs : sequence of str
        The paragraphs of all documents, one after the other.
    doc_ptr : array_like of int, shape (n_documents + 1,), optional
        Document ``d`` holds paragraphs ``doc_ptr[d]`` to ``doc_ptr[d + 1] - 1``. One document if
        not given.
    """

    def __init__(self, paragraphs: Sequence[str], doc_ptr: npt.ArrayLike | None = None) -> None:
        self.paragraphs = list(paragraphs)
        if doc_ptr is None:
            doc_ptr = [0, len(self.paragraphs)]
        self.doc_ptr: npt.NDArray[np.int64] = np.asarray(doc_ptr, np.int64)

    def __len__(self) -> int:
        return len(self.paragraphs)

    @functools.cached_property
    def codes(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Code points of all paragraphs, each followed by one newline, and their offsets.

        Of paragraphs of more than 2 ** 17 code points, the middle is left out.

        Returns
        -------
        codes : ndarray of uint32, shape (n_code_points,)
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            Paragraph ``i`` is ``codes[ptr[i] : ptr[i + 1] - 1]``.
        """
        texts = self.paragraphs
        if max(map(len, texts), default=0) > 2 * _MOST_READ:
            texts = [t if len(t) <= 2 * _MOST_READ else t[:_MOST_READ] + t[-_MOST_READ:] for t in texts]
        return _encode(texts, "\n")

    @functools.cached_property
    def classes(self) -> npt.NDArray[np.uint8]:
        """Class of each code point of :attr:`codes`, see :mod:`dechrome.characters`."""
        return class_table()[self.codes[0]]

    @functools.cached_property
    def grams(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Buckets of the hashed character 1- to 4-grams, folded, the frames included.

        Returns
        -------
        buckets : ndarray of uint32, shape (n_grams,)
            Below ``2 ** GRAM_BITS``.
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            The grams of paragraph ``i`` are ``buckets[ptr[i] : ptr[i + 1]]``; never empty.
        """
        framed, ptr = self._framed
        n_grams = slice(0, len(framed) - 3)
        return hash_grams(framed, n_grams, _GRAM_SIZES, GRAM_BITS), ptr * len(_GRAM_SIZES)

    @functools.cached_property
    def words(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Hashed sequences of one to three words, folded.

        A word is a run of letters, marks and digits, or any other character but spaces (those of no width
        too) and controls, a Chinese one or a Hangul syllable too; the frame before a paragraph is two. In
        Thai, Lao, Burmese and Khmer, which have no spaces between words, a letter is one, with the vowels and
        signs that hang on it.

        Returns
        -------
        hashes : ndarray of uint32, shape (n_grams,)
            Below ``2 ** WORD_BITS``.
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            Those of paragraph ``i`` are ``hashes[ptr[i] : ptr[i + 1]]``; never empty.
        """
        _, ptr = self._framed
        codes, first = self._cut_words
        words = hash_runs(codes, first)
        frames = np.searchsorted(first, ptr)
        # The first word of each frame only keeps the paragraph before apart.
        at = np.delete(np.arange(frames[-1]), frames[:-1])
        n_before = frames - np.arange(len(frames))
        return hash_grams(words, at, _WORD_SIZES, WORD_BITS), n_before * len(_WORD_SIZES)

    @functools.cached_property
    def single_words(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Those of :attr:`words` that are one word, the frames left out; of long paragraphs, at both ends.

        Returns
        -------
        hashes : ndarray of uint32, shape (n_words,)
        ptr : ndarray of int64, shape (n_paragraphs + 1,)
            The words of paragraph ``i`` are ``hashes[ptr[i] : ptr[i + 1]]``, in order; none if it is empty.
        """
        hashes, ptr = self.words
        frames = ptr // len(_WORD_SIZES)
        alone = np.delete(hashes[:: len(_WORD_SIZES)], frames[:-1])
        return alone, frames - np.arange(len(frames))

    def spell_words(self, at: npt.NDArray[np.int64]) -> list[str]:
        """Folded text of some of :attr:`single_words`."""
        framed, _ = self._framed
        first, ends = self._single_word_bounds
        spelled = (framed[low:high].tobytes() for low, high in zip(first[at], ends[at], strict=True))
        return [codes.decode("utf-32-le", "surrogatepass").strip(_BLANKS) for codes in spelled]

    def hash_pieces(
        self, at: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Hashes of the beginnings and ends of some of :attr:`single_words`, as if each were a word.

        Parameters
        ----------
        at : ndarray of int64, shape (n_words,)

        Returns
        -------
        beginnings : ndarray of uint32, shape (n_words, MOST_LETTERS)
            In column ``k`` of the first ``k + 1`` letters. Columns behind a word mean nothing.
        ends : ndarray of uint32, shape (n_words, MOST_LETTERS)
            In column ``k`` of the letters behind the first ``k``.
        sizes : ndarray of int64, shape (n_words,)
            Letters (code points) of the words. Of longer ones than MOST_LETTERS only so many are read, and
            ends are those of what is read.
        """
        codes, _ = self._cut_words
        first, ends = (of[at, None] for of in self._single_word_bounds)
        places = first + np.arange(MOST_LETTERS)
        letters = np.where(places < ends, codes.take(places, mode="clip"), np.uint32(0))
        hashes = [
            hash_grams(parts.ravel(), slice(0, parts.size), (1,), WORD_BITS).reshape(parts.shape)
            for parts in hash_parts(letters)
        ]
        return hashes[0], hashes[1], np.count_nonzero(letters, axis=1)

    @functools.cached_property
    def _single_word_bounds(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where each of :attr:`single_words` begins among the framed code points, and the next word."""
        _, ptr = self._framed
        _, first = self._cut_words
        frames = np.searchsorted(first, ptr)
        chosen = np.delete(np.arange(len(first)), np.concatenate([frames, frames + 1]))
        return first[chosen], first[chosen + 1]  # the frame behind the last paragraph is a word too

    @functools.cached_property
    def _cut_words(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Framed code points plus one, 0 where apart from words, and where words begin, two in a frame."""
        framed, ptr = self._framed
        part = _part_table()[framed]
        for back in range(len(_WORD_SIZES) - 1):
            part[ptr + back] = _ALONE
        codes = np.where(part == _APART, np.uint32(0), framed + np.uint32(1))
        return codes, np.flatnonzero(_begin_words(framed, part))

    @functools.cached_property
    def _framed(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Folded code points of both ends of all paragraphs, frames before, between and behind them.

        The frame before paragraph ``i`` begins at entry ``i`` of the offsets, the last frame at the last.
        """
        clipped = [
            text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}" for text in self.paragraphs
        ]
        codes, ptr = _encode(clipped, "\n\n\n")
        # The three separators behind paragraph i - 1 open paragraph i, so its own text decides its grams.
        framed = np.concatenate([np.full(3, _FRAME, np.uint32), fold_table()[codes]])
        for back in range(3):
            framed[ptr + back] = _FRAME
        return framed, ptr


def _begin_words(codes: npt.NDArray[np.uint32], part: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Whether a word begins at each code point; the first of them never hangs on one before."""
    begins = part == _ALONE
    here, before = part[1:], part[:-1]
    if part.max() > _JOINED:
        here[((codes[1:] | 1) == _JOINER) & (before > _JOINED)] = _HANGS
    begins[1:] |= (here == _JOINED) & (before != _JOINED)
    if part.max() > _JOINED:
        begins[1:] |= ((here == _LETTER) | (here == _LEADS)) & (before < _TIES)
        begins[1:] |= (here > _JOINED) & (before < _JOINED)
        kills = codes == _ASAT
        kills[:-1] |= (codes[:-1] == _DOT_BELOW) & kills[1:]
        begins[1:-1] &= ~(kills[2:] & (part[1:-1] == _LETTER) & (part[:-2] > _JOINED))
    return begins


def _encode(texts: list[str], separator: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    joined = separator.join([*texts, ""])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + len(separator)
    return codes, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
