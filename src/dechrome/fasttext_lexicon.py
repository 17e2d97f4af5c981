"""Paragraphs -> lexical scores by a fastText classifier (Joulin et al. 2017, arXiv:1607.01759).

The other candidate for the lexicon: ``dechrome train --text-model fasttext``. fastText is imported
when the first paragraph is scored.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dechrome.batch import HEAD, TAIL, Batch
from dechrome.errors import ModelFormatError
from dechrome.gramtable import LIMIT
from dechrome.labels import CONTENT_KINDS, KINDS, LEXICAL_SCORES

__all__ = ["UNKNOWN_CHROME", "FastTextLexicon", "as_line"]

#: Label of chrome whose kind is not known.
UNKNOWN_CHROME = "chrome"
_LABEL_PREFIX = "__label__"


def as_line(text: str) -> str:
    """One paragraph as fastText reads it: the two ends of a long one, no line break, no lone surrogate."""
    clipped = text if len(text) <= HEAD + TAIL else f"{text[:HEAD]} {text[-TAIL:]}"
    return " ".join(clipped.lower().encode("utf-8", "replace").decode("utf-8").split())


class FastTextLexicon:
    """Lexical scores from a fastText model.

    Parameters
    ----------
    data : bytes
        The model in fastText's format (.bin or .ftz), from a trusted or checked source: a damaged
        one crashes the interpreter.

    Raises
    ------
    ModelFormatError
        When first used, if fastText is not installed.
    """

    name = "fasttext"

    def __init__(self, data: bytes) -> None:
        self.data = data

    @functools.cached_property
    def _model(self) -> Any:
        try:
            import fasttext
        except ImportError as error:
            raise ModelFormatError(
                "this model's lexicon needs fastText: pip install 'dechrome[fasttext]'."
            ) from error
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "lexicon.bin"
            path.write_bytes(self.data)
            return fasttext.load_model(str(path))

    def __getstate__(self) -> dict[str, bytes]:
        return {"data": self.data}

    def __setstate__(self, state: dict[str, bytes]) -> None:
        self.data = state["data"]

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Log-odds of each kind and of content, in [-8, 8]; last, the share of the words in the dictionary.

        Shape (n_paragraphs, n_lexical_scores).
        """
        P = np.full((len(batch), len(KINDS) + 1), 1e-6, np.float32)
        columns = {f"{_LABEL_PREFIX}{name}": i for i, name in enumerate((*KINDS, UNKNOWN_CHROME))}
        # The only call that works in every fork under NumPy 2, and as fast as predict(list).
        lines = [as_line(text) + "\n" for text in batch.paragraphs]
        labels, probabilities = (
            self._model.f.multilinePredict(lines, -1, 0.0, "strict") if lines else ([], [])
        )
        for row, (names, values) in enumerate(zip(labels, probabilities, strict=True)):
            for name, value in zip(names, values, strict=True):
                P[row, columns[name]] = min(value, 1.0)
        content = P[:, : len(CONTENT_KINDS)].sum(axis=1, keepdims=True)
        chances = np.clip(np.hstack([P[:, : len(KINDS)], content]), 1e-6, 1 - 1e-6)
        scores = np.clip(np.log(chances / (1 - chances)), -LIMIT, LIMIT)
        is_known = [[self._model.get_word_id(word) >= 0 for word in line.split()] for line in lines]
        coverage = [sum(known) / max(1, len(known)) for known in is_known]
        lexical = np.column_stack([scores, coverage]).astype(np.float32)
        assert lexical.shape[1] == len(LEXICAL_SCORES)
        return lexical
