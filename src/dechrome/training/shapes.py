"""One labelled document -> a document of another shape, as a list of paragraph numbers.

Paragraphs are never altered, so what does not depend on context is computed once. Each shape takes the pool
of all documents, the number of one of them and a generator, and returns paragraph numbers, none where the
document does not lend itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from dechrome.training.corpus import ONE_SIDED_SOURCES, Document

__all__ = ["PAGE_SOURCES", "SHAPES", "DocumentPool", "synthetic_page"]

#: Sources with a share of their own in the mix; a corpus may have others.
PAGE_SOURCES = ("fundus", "daniel", "wcxb", "readability", "trafilatura", "seeds")
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
#: Fewer articles of other sites in its language make no portal.
_LEAST_TEASERS = 3
#: Share of the synthetic pages that are busy.
_BUSY_SHARE = 0.6

_Indices = npt.NDArray[np.int64]


class DocumentPool:
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
        others = [s for s in self.by_source if s not in (*PAGE_SOURCES, *ONE_SIDED_SOURCES)]
        self.pages = [source for source in PAGE_SOURCES if source in self.by_source] + others
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
        self.teasers: dict[str, list[tuple[str, int, int]]] = {}
        for number, document in enumerate(documents):
            body = [i for i, kind in enumerate(document.kinds) if kind == "body"]
            if "headline" in document.kinds and body and document.source not in ONE_SIDED_SOURCES:
                title, first = document.kinds.index("headline"), int(self.ptr[number])
                lead = next((i for i in body if i > title), body[0])
                shown = (document.site, first + title, first + lead)
                self.teasers.setdefault(document.language, []).append(shown)

    def all_of(self, number: int) -> _Indices:
        """Numbers of a document's paragraphs."""
        return np.arange(self.ptr[number], self.ptr[number + 1])

    def labelled(self, number: int, label: str) -> _Indices:
        """Numbers of those with a label."""
        labels = self.documents[number].labels
        return self.ptr[number] + np.array([i for i, found in enumerate(labels) if found == label], np.int64)

    def draw_runs(self, language: str, n_runs: int, rng: np.random.Generator) -> list[_Indices]:
        """Parts of runs of chrome of pages in a language; none where it has no page."""
        runs = self.chrome_runs.get(language, [])
        chosen = rng.integers(len(runs), size=n_runs) if runs else ()
        return [_stretch(runs[i], rng, _LEAST_RUN) for i in chosen]

    def draw(self, source: str, rng: np.random.Generator) -> int:
        """Number of a document of a source, each of its sites as likely."""
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


def _part_of_chrome(pool: DocumentPool, number: int, rng: np.random.Generator) -> _Indices:
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


def _short_article(pool: DocumentPool, number: int, rng: np.random.Generator) -> _Indices:
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


def _interrupted(pool: DocumentPool, number: int, rng: np.random.Generator) -> _Indices:
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


def _insert(rows: _Indices, places: Sequence[int], runs: Sequence[_Indices]) -> _Indices:
    """The rows, with a run before each of the places, which rise."""
    first, *parts = np.split(rows, places)
    return np.concatenate([first, *itertools.chain.from_iterable(zip(runs, parts, strict=True))])


def _busy_page(pool: DocumentPool, number: int, rng: np.random.Generator) -> _Indices:
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
    return _insert(rows, places, runs)


def _portal_page(pool: DocumentPool, number: int, rng: np.random.Generator) -> _Indices:
    """The page with titles and leads of articles of other sites in its language before its own and behind it.

    Paragraph ``i`` as part of such a teaser is drawn as ``~i``.
    """
    rows, document = pool.all_of(number), pool.documents[number]
    content = [i for i, label in enumerate(document.labels) if label == "content"]
    # An article of the same site may be this very document, set again.
    teasers = [pair for site, *pair in pool.teasers.get(document.language, []) if site != document.site]
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
    return _insert(rows, *zip(*placed, strict=True))


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


def _leftovers(other: bool, pool: DocumentPool, number: int, rng: np.random.Generator) -> _Indices:
    """The article or part of it, and a few chrome paragraphs of its page or of one in another language."""
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
            stranger = pool.draw(pool.pages[rng.integers(len(pool.pages))], rng)
            if pool.documents[stranger].language != pool.documents[number].language:
                chrome = pool.labelled(stranger, "chrome")
                break
    if len(chrome) == 0:
        return article
    return _attach(article, chrome, rng)


def synthetic_page(pool: DocumentPool, rng: np.random.Generator) -> _Indices:
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


def _single(pool: DocumentPool, number: int, rng: np.random.Generator) -> _Indices:
    """One paragraph, as often content as chrome."""
    rows = pool.labelled(number, "content" if rng.random() < 0.5 else "chrome")
    return rows[[rng.integers(len(rows))]] if len(rows) else rows


def _run_labelled(label: str, pool: DocumentPool, number: int, rng: np.random.Generator) -> _Indices:
    """A run of the content alone, or of the chrome alone."""
    return _stretch(pool.labelled(number, label), rng)


#: By the name of their share in the mix.
SHAPES: Mapping[str, Callable[[DocumentPool, int, np.random.Generator], _Indices]] = MappingProxyType(
    {
        "full_page": lambda pool, number, _: pool.all_of(number),
        "part_of_chrome": _part_of_chrome,
        "short_article": _short_article,
        "interrupted": _interrupted,
        "busy_page": _busy_page,
        "portal_page": _portal_page,
        "leftovers_same_page": partial(_leftovers, False),
        "leftovers_other_language": partial(_leftovers, True),
        "article_only": partial(_run_labelled, "content"),
        "single_paragraph": _single,
        "chrome_only": partial(_run_labelled, "chrome"),
    }
)
