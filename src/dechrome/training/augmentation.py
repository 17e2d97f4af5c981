"""Labelled documents -> documents of every shape a user may bring.

A model that has seen only full pages calls a lone paragraph content whatever it says, and leaves
chrome in articles that are nearly clean. So training documents are cut and recombined: whole pages,
pages with part of their chrome or with that of other pages too, articles with a few leftovers of the
same page or of a page in another language, articles alone, chrome alone, single paragraphs, pages among
titles and leads of other articles, and pages put together from news lines and interface strings in 120
languages. Paragraphs are never altered: a document is a list of paragraph numbers, so what does not depend
on context is computed once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dechrome.errors import CorpusFormatError
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document

__all__ = ["AugmentedDocuments", "Mix", "augment_documents"]

#: Share of the leftovers that are consent notices, which pages of old corpora seldom hold.
_CONSENT_SHARE = 0.35
#: Of the chrome of other pages, a busy page takes up to so many runs of so many paragraphs and more.
_MOST_RUNS, _LEAST_RUN = 9, 3
#: Shares of them that stand before the article, behind it and in it.
_PLACES = (0.3, 0.6, 0.1)
#: A portal shows up to so many runs of so many other articles each, this share of the runs before its own.
_PORTAL_RUNS, _PORTAL_ARTICLES, _PORTAL_BEFORE = 3, (2, 12), 0.4
#: Of each article it shows the title and the lead, the lead or the title, in these shares of the runs.
_TEASERS = (0.6, 0.2, 0.2)
#: Page types of public corpora whose own content is titles and leads of others.
_FRONTS = ("collection", "listing")
#: Fewer articles of a language make no portal.
_LEAST_TEASERS = 3
#: Share of the synthetic pages that are busy.
_BUSY_SHARE = 0.6

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


class _Pool:
    """Documents by source and site, and their paragraphs by label."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = documents
        sizes = [len(document.paragraphs) for document in documents]
        self.ptr: _Indices = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self.by_source: dict[str, list[list[int]]] = {}
        sites: dict[tuple[str, str], list[int]] = {}
        for number, document in enumerate(documents):
            sites.setdefault((document.source, document.site), []).append(number)
        for (source, _), numbers in sites.items():
            self.by_source.setdefault(source, []).append(numbers)
        self.consent: dict[str, list[_Indices]] = {}
        for number, document in enumerate(documents):
            rows = np.array([i for i, kind in enumerate(document.kinds) if kind == "cookie"], np.int64)
            if len(rows):
                self.consent.setdefault(document.language, []).extend(_runs(self.ptr[number] + rows))
        self.chrome_runs: dict[str, list[_Indices]] = {}
        for number, document in enumerate(documents):
            if document.source not in ONE_SIDED_SOURCES and document.language != "und":
                runs = _runs(self.labelled(number, "chrome"))
                long = (run for run in runs if len(run) >= _LEAST_RUN)
                self.chrome_runs.setdefault(document.language, []).extend(long)
        self.phrases: dict[str, _Indices] = {}
        for number, document in enumerate(documents):
            if document.source == "phrases":
                mine = self.all_of(number)
                known = self.phrases.get(document.language)
                self.phrases[document.language] = mine if known is None else np.concatenate([known, mine])

        self.teasers: dict[str, list[tuple[int, int]]] = {}
        for number, document in enumerate(documents):
            body = [i for i, kind in enumerate(document.kinds) if kind == "body"]
            if "headline" in document.kinds and body and document.source not in ONE_SIDED_SOURCES:
                title, first = document.kinds.index("headline"), int(self.ptr[number])
                lead = next((i for i in body if i > title), body[0])
                self.teasers.setdefault(document.language, []).append((first + title, first + lead))

    def all_of(self, number: int) -> _Indices:
        return np.arange(self.ptr[number], self.ptr[number + 1])

    def labelled(self, number: int, label: str) -> _Indices:
        labels = self.documents[number].labels
        return self.ptr[number] + np.array([i for i, found in enumerate(labels) if found == label], np.int64)

    def draw_runs(self, language: str, n_runs: int, rng: np.random.Generator) -> list[_Indices]:
        """Parts of runs of chrome of pages in a language; none where it has no page."""
        runs = self.chrome_runs.get(language, [])
        chosen = rng.integers(len(runs), size=n_runs) if runs else ()
        return [_stretch(runs[i], rng, _LEAST_RUN) for i in chosen]

    def draw(self, source: str, rng: np.random.Generator) -> int:
        sites = self.by_source[source]
        site = sites[rng.integers(len(sites))]
        return site[rng.integers(len(site))]


def _runs(rows: _Indices) -> list[_Indices]:
    """Rows that follow one another, such as those of a menu or of a list of other titles."""
    return np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)


def _stretch(indices: _Indices, rng: np.random.Generator, least: int = 1) -> _Indices:
    """A random run of the given paragraphs, at least ``least`` long."""
    if len(indices) <= least:
        return indices
    size = int(rng.integers(least, len(indices) + 1))
    start = int(rng.integers(0, len(indices) - size + 1))
    return indices[start : start + size]


def _part_of_chrome(pool: _Pool, number: int, rng: np.random.Generator) -> _Indices:
    """Keep content and unknown; keep each run of chrome whole, in part or not at all."""
    labels = pool.documents[number].labels
    keep = np.ones(len(labels), np.bool_)
    kept_share = rng.random()
    i = 0
    while i < len(labels):
        j = i
        while j < len(labels) and (labels[j] == "chrome") == (labels[i] == "chrome") and j - i < 12:
            j += 1
        if labels[i] == "chrome":
            if rng.random() > kept_share:
                keep[i:j] = False
            elif rng.random() < 0.3:
                keep[i:j] = rng.random(j - i) < 0.5
        i = j
    return pool.all_of(number)[keep]


def _short_article(pool: _Pool, number: int, rng: np.random.Generator) -> _Indices:
    """The whole page, but of its article only the headline and one to three paragraphs."""
    document = pool.documents[number]
    content = [i for i, label in enumerate(document.labels) if label == "content"]
    body = [i for i in content if document.kinds[i] != "headline"]
    kept = body[: int(rng.integers(1, 4))]
    dropped = set(body) - set(kept)
    first, last = (min(content), max(content)) if content else (0, 0)
    keep = [
        i
        for i, label in enumerate(document.labels)
        if i not in dropped and not (label is None and first < i < last)
    ]
    return pool.ptr[number] + np.array(keep, np.int64)


def _interrupted(pool: _Pool, number: int, rng: np.random.Generator) -> _Indices:
    """The page with runs of its chrome moved into its article, or one short line after every paragraph."""
    rows = pool.all_of(number) if rng.random() < 0.6 else _part_of_chrome(pool, number, rng)
    labels = pool.documents[number].labels
    start = int(pool.ptr[number])
    content = [i for i, row in enumerate(rows) if labels[row - start] == "content"]
    chrome = [i for i, row in enumerate(rows) if labels[row - start] == "chrome"]
    if len(content) < 3 or not chrome:
        return rows
    pieces: dict[int, list[int]] = {}
    moved: set[int] = set()
    if rng.random() < 0.35:
        # After whatever stands in the article: if after content alone, the line would tell what precedes it.
        line = chrome[int(rng.integers(len(chrome)))]
        step = int(rng.integers(1, 4))
        pieces = {at: [line] for at in range(content[0], content[-1], step)}
    else:
        for at in rng.choice(content[:-1], min(int(rng.integers(1, 4)), len(content) - 1), replace=False):
            size, first = int(rng.integers(1, 16)), int(rng.integers(len(chrome)))
            run = [i for i in chrome[first : first + size] if i not in moved]
            pieces[int(at)] = run
            moved.update(run)
    order = [j for i in range(len(rows)) for j in ([] if i in moved else [i]) + pieces.get(i, [])]
    return rows[np.array(order, np.int64)]


def _busy_page(pool: _Pool, number: int, rng: np.random.Generator) -> _Indices:
    """The page with chrome of other pages in its language before its article, behind it and in it.

    Seeds, all that most languages have, are shorter than real pages and hold fewer lists.
    """
    rows, document = pool.all_of(number), pool.documents[number]
    content = [i for i, label in enumerate(document.labels) if label == "content"]
    if not content:
        return rows
    spans = (0, content[0]), (content[-1] + 1, len(rows)), (content[0], content[-1] + 1)
    runs = pool.draw_runs(document.language, int(rng.integers(1, _MOST_RUNS + 1)), rng)
    chosen = rng.choice(len(spans), len(runs), p=_PLACES)
    places = sorted(int(rng.integers(low, high + 1)) for low, high in (spans[i] for i in chosen))
    first, *parts = np.split(rows, places)
    return np.concatenate([first, *itertools.chain.from_iterable(zip(runs, parts, strict=True))])


def _portal_page(pool: _Pool, number: int, rng: np.random.Generator) -> _Indices:
    """The page with titles and leads of other articles in its language before its own and behind it.

    Paragraph ``i`` as part of such a teaser is drawn as ``~i``.
    """
    rows, document = pool.all_of(number), pool.documents[number]
    content = [i for i, label in enumerate(document.labels) if label == "content"]
    own = range(pool.ptr[number], pool.ptr[number + 1])
    teasers = [pair for pair in pool.teasers.get(document.language, []) if pair[0] not in own]
    if not content or document.genre in _FRONTS or len(teasers) < _LEAST_TEASERS:
        return rows
    placed = []
    for _ in range(int(rng.integers(1, _PORTAL_RUNS + 1))):
        n_articles = rng.integers(*_PORTAL_ARTICLES, endpoint=True)
        pairs = [teasers[i] for i in rng.integers(len(teasers), size=n_articles)]
        shown = (slice(0, 2), slice(1, 2), slice(0, 1))[rng.choice(3, p=_TEASERS)]
        run = ~np.array([row for pair in pairs for row in pair[shown]], np.int64)
        low, high = (0, content[0]) if rng.random() < _PORTAL_BEFORE else (content[-1] + 1, len(rows))
        placed.append((int(rng.integers(low, high + 1)), run))
    placed.sort(key=lambda place: place[0])
    first, *parts = np.split(rows, [at for at, _ in placed])
    runs = [run for _, run in placed]
    return np.concatenate([first, *itertools.chain.from_iterable(zip(runs, parts, strict=True))])


def _attach(article: _Indices, chrome: _Indices, rng: np.random.Generator) -> _Indices:
    """One to six chrome paragraphs behind the article, before it, on both sides, or one inside."""
    size = int(rng.integers(1, 7))
    start = int(rng.integers(0, max(1, len(chrome) - size + 1)))
    leftovers = chrome[start : start + size]
    place = rng.random()
    if place < 0.55:
        return np.concatenate([article, leftovers])
    if place < 0.68:
        return np.concatenate([leftovers, article])
    if place < 0.82:
        cut = int(rng.integers(0, len(leftovers) + 1))
        return np.concatenate([leftovers[:cut], article, leftovers[cut:]])
    at = int(rng.integers(0, len(article) + 1))
    return np.concatenate([article[:at], leftovers[:2], article[at:]])


def _leftovers(
    pool: _Pool, number: int, rng: np.random.Generator, other: bool, sources: list[str]
) -> _Indices:
    article = pool.labelled(number, "content")
    if len(article) == 0:
        return _part_of_chrome(pool, number, rng)
    draw = rng.random()
    if draw < 0.3:  # a snippet: one to three paragraphs, the headline among them half of the time
        start = 0 if rng.random() < 0.5 else int(rng.integers(len(article)))
        article = article[start : start + int(rng.integers(1, 4))]
    elif draw < 0.6:
        article = _stretch(article, rng, min(3, len(article)))
    chrome = pool.labelled(number, "chrome")
    language = pool.documents[number].language
    if rng.random() < _CONSENT_SHARE:
        languages = [name for name in pool.consent if (name != language) == other]
        if languages:
            runs = pool.consent[languages[rng.integers(len(languages))]]
            return _attach(article, runs[rng.integers(len(runs))], rng)
    if other:
        for _ in range(20):
            stranger = pool.draw(sources[rng.integers(len(sources))], rng)
            if pool.documents[stranger].language != pool.documents[number].language:
                chrome = pool.labelled(stranger, "chrome")
                break
    if len(chrome) == 0:
        return article
    return _attach(article, chrome, rng)


def _synthetic_page(pool: _Pool, rng: np.random.Generator) -> _Indices:
    """A news item and interface strings of its language in the order of a page."""
    number = pool.draw("ntrex", rng)
    article = _stretch(pool.all_of(number), rng, min(4, len(pool.all_of(number))))
    language = pool.documents[number].language
    strings = pool.phrases.get(language)
    if strings is None or rng.random() < 0.15:
        languages = list(pool.phrases)
        strings = pool.phrases[languages[rng.integers(len(languages))]] if languages else article[:0]
    if len(strings) == 0 or rng.random() < 0.1:
        return article
    before = rng.choice(strings, int(rng.integers(0, min(12, len(strings)) + 1)), replace=False)
    after = rng.choice(strings, int(rng.integers(1, min(16, len(strings)) + 1)), replace=False)
    if rng.random() < _BUSY_SHARE:
        before = np.concatenate([before, *pool.draw_runs(language, int(rng.integers(0, 3)), rng)])
        after = np.concatenate([*pool.draw_runs(language, int(rng.integers(1, 6)), rng), after])
    return np.concatenate([before, article, after])


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
    pool = _Pool(documents)
    present = [
        s for s in ("fundus", "daniel", "wcxb", "readability", "trafilatura", "seeds") if s in pool.by_source
    ]
    others = [source for source in pool.by_source if source not in (*present, *ONE_SIDED_SOURCES)]
    weights = {source: getattr(mix, source) for source in present} | dict.fromkeys(others, 0.2)
    if "ntrex" in pool.by_source:
        weights["synthetic"] = mix.synthetic
    sources = list(weights)
    pages = [source for source in sources if source != "synthetic"]
    if not pages:
        raise CorpusFormatError(
            "The corpus holds no page or seed to learn from, only news lines and phrases."
        )
    shares = np.array([weights[source] for source in sources])
    shapes: list[tuple[float, Callable[[int], _Indices]]] = [
        (mix.full_page, pool.all_of),
        (mix.part_of_chrome, lambda d: _part_of_chrome(pool, d, rng)),
        (mix.short_article, lambda d: _short_article(pool, d, rng)),
        (mix.interrupted, lambda d: _interrupted(pool, d, rng)),
        (mix.busy_page, lambda d: _busy_page(pool, d, rng)),
        (mix.portal_page, lambda d: _portal_page(pool, d, rng)),
        (mix.leftovers_same_page, lambda d: _leftovers(pool, d, rng, False, pages)),
        (mix.leftovers_other_language, lambda d: _leftovers(pool, d, rng, True, pages)),
        (mix.article_only, lambda d: _stretch(pool.labelled(d, "content"), rng)),
        (mix.single_paragraph, lambda d: _single(pool, d, rng)),
        (mix.chrome_only, lambda d: _stretch(pool.labelled(d, "chrome"), rng)),
    ]
    shape_shares = np.array([share for share, _ in shapes])
    drawn: list[_Indices] = []
    while len(drawn) < n_documents:
        source = sources[rng.choice(len(sources), p=shares / shares.sum())]
        if source == "synthetic":
            rows = _synthetic_page(pool, rng)
        else:
            shape = shapes[rng.choice(len(shapes), p=shape_shares / shape_shares.sum())][1]
            rows = shape(pool.draw(source, rng))
        if len(rows):
            drawn.append(rows)
    doc_ptr = np.concatenate([[0], np.cumsum([len(rows) for rows in drawn], dtype=np.int64)])
    indices = np.concatenate(drawn)
    is_teaser = indices < 0
    return AugmentedDocuments(
        np.where(is_teaser, ~indices, indices), doc_ptr, rng.random(n_documents) < mix.foreign, is_teaser
    )


def _single(pool: _Pool, number: int, rng: np.random.Generator) -> _Indices:
    rows = pool.labelled(number, "content" if rng.random() < 0.5 else "chrome")
    return rows[[rng.integers(len(rows))]] if len(rows) else rows
