"""Labelled documents -> those that are learned from, some also as other people and converters would set them.

The corpora are edited prose, cut at block elements. Blogs, lyrics, transcripts and dumps that lost their
paragraphs put every sentence on a line of its own; chats and many Thai, Lao and Chinese posts close no
sentence; forums know no capitals, old wires nothing else; and many converters put a whole menu on one line.
So a share of the documents is set again: a model that has seen only edited prose calls a blog without full
stops a list of teasers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

import numpy as np

from dechrome.labels import Kind, Label
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document

__all__ = ["STYLES", "choose_training_documents", "restyle_documents", "thin_news"]

_Row: TypeAlias = "tuple[str, Label | None, Kind | None]"
_Style: TypeAlias = Callable[[list[_Row], np.random.Generator], list[_Row]]

#: A sentence goes on where what follows its mark begins with a small letter.
_SENTENCE = re.compile(
    r"\S.*?(?:[.!?…؟।։။]+[\"'”’»)\]]*(?=\s+(?![a-zß-ÿα-ωа-я])|\s*$)|[。！？]+[」』”’]*|$)", re.DOTALL
)
_CLAUSE = re.compile(r"[^,;:،、，；：]+")
_CLOSING = " .!?…؟।։။。！？,;:،、，；："
#: Shorter paragraphs are neither cut nor recased, longer ones not joined.
_LEAST_LENGTH = 40
_SEPARATORS = (" ", " | ", " · ", ", ", " / ", " » ")
_MOST_JOINED = 8


def _sentences(text: str) -> list[str]:
    return _SENTENCE.findall(text)


def _open_sentences(text: str) -> list[str]:
    return [stripped for piece in _sentences(text) if (stripped := piece.strip(_CLOSING))]


def _clauses(text: str) -> list[str]:
    pieces = [piece for sentence in _sentences(text) for piece in _CLAUSE.findall(sentence)]
    return [stripped for piece in pieces if (stripped := piece.strip(_CLOSING))]


def _lower(text: str) -> list[str]:
    return [text.lower().rstrip(_CLOSING)]


def _upper(text: str) -> list[str]:
    return [text.upper()]


def _by_paragraph(cut: Callable[[str], list[str]]) -> _Style:
    """Set each longer paragraph again; in half of the documents those of the content alone."""

    def style(rows: list[_Row], rng: np.random.Generator) -> list[_Row]:
        everywhere = rng.random() < 0.5
        set_again = []
        for text, label, kind in rows:
            is_set = len(text) >= _LEAST_LENGTH and kind != "headline" and (everywhere or label == "content")
            set_again += [(piece, label, kind) for piece in ((is_set and cut(text)) or [text])]
        return set_again

    return style


def _join_lines(rows: list[_Row], rng: np.random.Generator) -> list[_Row]:
    """Put runs of short lines of one kind on one line, as converters do that know no list."""
    separator = _SEPARATORS[rng.integers(len(_SEPARATORS))]
    joined: list[_Row] = []
    for (label, kind, is_short), run in groupby(rows, lambda row: (*row[1:], len(row[0]) < _LEAST_LENGTH)):
        texts = [text for text, _, _ in run]
        if not is_short or kind is None or kind == "headline":
            joined += [(text, label, kind) for text in texts]
            continue
        while texts:
            size = int(rng.integers(1, _MOST_JOINED + 1))
            joined.append((separator.join(texts[:size]), label, kind))
            texts = texts[size:]
    return joined


#: Share of each style among the documents that are set again.
STYLES: dict[str, tuple[float, _Style]] = {
    "a sentence a line": (0.28, _by_paragraph(_sentences)),
    "sentences without their full stop": (0.17, _by_paragraph(_open_sentences)),
    "a clause a line, without punctuation": (0.12, _by_paragraph(_clauses)),
    "lower case": (0.16, _by_paragraph(_lower)),
    "upper case": (0.07, _by_paragraph(_upper)),
    "short lines joined": (0.20, _join_lines),
}


def choose_training_documents(
    documents: Sequence[Document], config: TrainingConfig
) -> tuple[list[Document], int]:
    """What is learned from: pages and seeds, some news, and behind them some of all these set again.

    Returns
    -------
    documents : list of Document
    n_documents : int
        So many of them are not set again.
    """
    train = thin_news(
        [d for d in documents if d.split == "train"], config.news_documents, config.random_state
    )
    restyled = restyle_documents(train, config.restyled, np.random.default_rng(config.random_state + 3))
    return [*train, *restyled], len(train)


def thin_news(documents: Sequence[Document], per_language: int, random_state: int) -> list[Document]:
    """Keep every page and seed, but only some news documents of each language."""
    rng = np.random.default_rng(random_state)
    order = rng.permutation(len(documents))
    seen: dict[str, int] = {}
    kept = np.ones(len(documents), np.bool_)
    for i in order:
        if documents[i].source == "ntrex":
            seen[documents[i].language] = seen.get(documents[i].language, 0) + 1
            kept[i] = seen[documents[i].language] <= per_language
    return [document for document, keep in zip(documents, kept, strict=True) if keep]


def restyle_documents(
    documents: Sequence[Document],
    share: float,
    rng: np.random.Generator,
    styles: Sequence[str] = tuple(STYLES),
) -> list[Document]:
    """Set a share of the documents again, each in one style.

    Parameters
    ----------
    documents : sequence of Document
        News lines and phrases among them are left out.
    share : float
        Share of the documents that are set again, in [0, 1].
    rng : Generator
    styles : sequence of str
        Names in STYLES.

    Returns
    -------
    list of Document
        The new documents alone, of the same sites and with the same labels.
    """
    shares = np.array([STYLES[name][0] for name in styles])
    restyled = []
    for document in documents:
        if document.source in ONE_SIDED_SOURCES or rng.random() >= share:
            continue
        _, style = STYLES[styles[rng.choice(len(styles), p=shares / shares.sum())]]
        rows = style(list(zip(document.paragraphs, document.labels, document.kinds, strict=True)), rng)
        restyled.append(
            replace(
                document, document_id=f"{document.document_id}, set again", gold="", read=[],
                paragraphs=[row[0] for row in rows], labels=[row[1] for row in rows],
                kinds=[row[2] for row in rows],
            )
        )  # fmt: skip
    return restyled
