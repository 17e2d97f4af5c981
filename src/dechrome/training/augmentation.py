"""Labelled documents -> documents of every shape a user may bring.

A model that has seen only full pages calls a lone paragraph content whatever it says, and leaves
chrome in articles that are nearly clean. So training documents are cut and recombined: whole pages,
pages with part of their chrome or with that of other pages too, articles with a few leftovers of the
same page or of a page in another language, articles alone, chrome alone, single paragraphs, pages among
titles and leads of other articles, and pages put together from news lines and interface strings in 120
languages. How each is made stands in shapes.py; here, how often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dechrome.errors import CorpusFormatError
from dechrome.training.corpus import Document
from dechrome.training.shapes import PAGE_SOURCES, SHAPES, DocumentPool, synthetic_page

__all__ = ["AugmentedDocuments", "Mix", "augment_documents"]

#: Share of each source that the mix does not name.
_OTHER_SOURCE = 0.2

_Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Mix:
    """Shares of the shapes and of the sources; each set is normalised."""

    full_page: float = 1.20
    part_of_chrome: float = 0.20
    short_article: float = 0.10
    interrupted: float = 0.10
    busy_page: float = 0.16
    portal_page: float = 0.22
    leftovers_same_page: float = 0.30
    leftovers_other_language: float = 0.40
    article_only: float = 0.18
    single_paragraph: float = 0.28
    chrome_only: float = 0.04

    fundus: float = 0.11
    daniel: float = 0.15
    wcxb: float = 0.26
    readability: float = 0.04
    trafilatura: float = 0.24
    seeds: float = 0.60
    synthetic: float = 0.06

    foreign: float = 0.15
    """Share of documents scored by a lexicon that has not seen their language."""


class AugmentedDocuments(NamedTuple):
    """Training documents drawn from a corpus, whose paragraphs are numbered through."""

    indices: _Indices
    """Paragraph numbers, document after document, shape (n_rows,)."""
    doc_ptr: _Indices
    """Shape (n_documents + 1,)."""
    is_foreign: npt.NDArray[np.bool_]
    """Documents to be scored by a lexicon that has not seen their language, shape (n_documents,)."""
    is_teaser: npt.NDArray[np.bool_]
    """Content that stands here as the teaser of another article, hence is chrome, shape (n_rows,)."""


def augment_documents(
    documents: Sequence[Document], n_documents: int, mix: Mix, rng: np.random.Generator
) -> AugmentedDocuments:
    """Draw training documents.

    Parameters
    ----------
    documents : sequence of Document
        Their paragraphs are numbered through, document after document.
    n_documents : int
        How many to draw.
    mix : Mix
    rng : numpy.random.Generator

    Returns
    -------
    AugmentedDocuments

    Raises
    ------
    CorpusFormatError
        If there is no page or seed among them.
    """
    pool = DocumentPool(documents)
    if not pool.pages:
        raise CorpusFormatError(
            "The corpus holds no page or seed to learn from, only news lines and phrases."
        )
    weights = {s: getattr(mix, s) if s in PAGE_SOURCES else _OTHER_SOURCE for s in pool.pages}
    if "ntrex" in pool.by_source:
        weights["synthetic"] = mix.synthetic
    sources, shapes = list(weights), list(SHAPES)
    source_shares = np.array([weights[source] for source in sources])
    shape_shares = np.array([getattr(mix, shape) for shape in shapes])
    drawn: list[_Indices] = []
    while len(drawn) < n_documents:
        source = sources[rng.choice(len(sources), p=source_shares / source_shares.sum())]
        if source == "synthetic":
            rows = synthetic_page(pool, rng)
        else:
            shape = shapes[rng.choice(len(shapes), p=shape_shares / shape_shares.sum())]
            rows = SHAPES[shape](pool, pool.draw(source, rng), rng)
        if len(rows):
            drawn.append(rows)
    doc_ptr = np.concatenate([[0], np.cumsum([len(rows) for rows in drawn], dtype=np.int64)])
    indices = np.concatenate(drawn)
    is_teaser = indices < 0
    return AugmentedDocuments(
        np.where(is_teaser, ~indices, indices), doc_ptr, rng.random(n_documents) < mix.foreign, is_teaser
    )
