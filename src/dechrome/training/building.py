"""Source folders -> labelled documents: pages, seeds, interface phrases and news lines.

Labels come from gold text and markup (:mod:`dechrome.training.labelling`); labels decided by
reading override them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from dechrome.errors import CorpusFormatError
from dechrome.labels import CONTENT_KINDS, KINDS, Kind, Label
from dechrome.training.blocks import blocks_from_html
from dechrome.training.corpus import Document, site_of, split_of, text_hash
from dechrome.training.labelling import label_blocks, normalise_text
from dechrome.training.languages import language_code, news_files
from dechrome.training.pages import Page, layout_of, read_pages
from dechrome.training.seeds import Seed, read_seeds

__all__ = [
    "ReadLabels",
    "apply_labels",
    "build_corpus",
    "document_from_seed",
    "expand_kinds",
    "read_labels",
    "source_folders",
]

_log = logging.getLogger(__name__)

#: Sources whose gold counts as content what CONTRIBUTING.md does not: the cards of a section front, tables
#: of contents, names and times in a forum.
_OWN_BOUNDARY = ("wcxb",)
_LANGUAGE_TAG = re.compile(r"<html[^>]*?\blang\s*=\s*[\"']?([a-zA-Z]{2,3})\b")


class ReadLabels(NamedTuple):
    """Kinds decided by reading one paragraph, or several running ones, on their page."""

    position: int
    """Of the first of them."""
    text_hash: str
    """Of their texts, joined by line feeds."""
    kinds: tuple[str, ...]
    """One a paragraph; "?" where nobody could tell."""
    is_typical: bool = True
    """False if they were drawn because models disagreed: such paragraphs are unlike those at large."""

    def matches(self, paragraphs: Sequence[str]) -> bool:
        """Whether the page still has the texts that were read, where they were read."""
        read = paragraphs[self.position : self.position + len(self.kinds)]
        return len(read) == len(self.kinds) and text_hash("\n".join(read)) == self.text_hash


def _read_lines(path: Path) -> list[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return file.read().split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise CorpusFormatError(f"{path}: not whole, or not gzip of UTF-8 ({error}).") from error


#: Kinds of the phrases' source -> ours.
_PHRASE_KINDS: dict[str, Kind] = {
    "navigation": "navigation", "other": "other", "cookie": "cookie", "legal": "legal",
    "newsletter": "promotion", "comment": "comment", "share": "social", "related": "related",
}  # fmt: skip
#: Wiki interface strings are three quarters of the phrases: at most so many a language and source.
_PHRASES_PER_SOURCE = 40


def _read_phrases(folder: Path) -> list[tuple[str, str, str, Kind]]:
    """Language, source, text and kind of each."""
    path = folder / "phrases.jsonl.gz"
    phrases = []
    for number, line in enumerate(_read_lines(path), 1):
        if line:
            try:
                row = json.loads(line)
                language, source, text = str(row["lang"]), str(row["source"]), str(row["text"])
                phrases.append((language, source, text, _PHRASE_KINDS[row["kind"]]))
            except (ValueError, KeyError, TypeError) as error:
                raise CorpusFormatError(f"{path}, line {number}: no phrase ({error!r}).") from error
    return phrases


def _phrase_documents(folder: Path) -> Iterator[Document]:
    """One chrome-only document for each language and source of the phrases."""
    groups: dict[tuple[str, str], list[tuple[str, Kind]]] = {}
    for language, source, text, kind in _read_phrases(folder):
        groups.setdefault((language, source), []).append((text, kind))
    for (language, source), rows in sorted(groups.items()):
        if "mediawiki" in source:
            rows = sorted(rows, key=lambda row: hashlib.sha256(row[0].encode()).digest())[
                :_PHRASES_PER_SOURCE
            ]
        yield Document(
            f"phrases/{language}/{source}", "phrases", source, language, "phrases", "train", "",
            [text for text, _ in rows], ["chrome"] * len(rows), [kind for _, kind in rows], [],
        )  # fmt: skip


def _news_documents(folder: Path) -> Iterator[Document]:
    """One content-only document for each language and news document; lines joined to paragraphs."""
    ids = (folder / "DOCUMENT_IDS.tsv").read_text(encoding="utf-8").split()
    for code, path in news_files(folder):
        by_document: dict[str, list[str]] = {}
        for name, line in zip(ids, _read_lines(path), strict=False):
            by_document.setdefault(name, []).append(line.strip())
        for name, sentences in by_document.items():
            paragraphs = [sentences[0], *_join_sentences(sentences[1:], f"{code}{name}")]
            kinds: list[Kind | None] = ["headline"]
            kinds += ["body"] * (len(paragraphs) - 1)
            yield Document(
                f"ntrex/{code}/{name}", "ntrex", f"ntrex/{name}", language_code(code), "news", "train",
                "", paragraphs, ["content"] * len(paragraphs),
                kinds, [],
            )  # fmt: skip


def _join_sentences(sentences: list[str], key: str) -> Iterator[str]:
    """Join one to four sentences to a paragraph, as drawn from a hash of the document."""
    draw = hashlib.sha256(key.encode()).digest()
    i = turn = 0
    while i < len(sentences):
        size = (1, 2, 2, 3, 3, 4)[draw[turn % len(draw)] % 6]
        joined = " ".join(filter(None, sentences[i : i + size]))
        if joined:
            yield joined
        i, turn = i + size, turn + 1


def _document_from_page(page: Page, phrases: dict[str, Kind]) -> Document:
    blocks = blocks_from_html(page.html)
    labelled = label_blocks(blocks, page, phrases)
    site = site_of(page.url)
    tag = _LANGUAGE_TAG.search(page.html[:20000])
    headline = [b.text for b, found in zip(blocks, labelled, strict=True) if found.kind == "headline"]
    gold = list(page.gold)
    known = {normalise_text(line) for line in gold[:3]}
    gold = [*(text for text in headline if normalise_text(text) not in known), *gold]
    return Document(
        page.page_id, page.source, site, page.language or (tag.group(1).lower() if tag else "und"),
        page.genre, split_of(site), "" if page.coverage == "segments" else "\n".join(gold),
        [block.text for block in blocks], [found.label for found in labelled],
        [found.kind for found in labelled], [],
    )  # fmt: skip


def document_from_seed(seed: Seed) -> Document:
    """Turn a seed into a row: all its labels are known, its content is its gold."""
    site = f"seeds/{seed.name}"
    content = [text for text, kind in zip(seed.paragraphs, seed.kinds, strict=True) if kind in CONTENT_KINDS]
    return Document(
        site, "seeds", site, seed.language, seed.genre, split_of(site), "\n".join(content),
        list(seed.paragraphs), ["content" if kind in CONTENT_KINDS else "chrome" for kind in seed.kinds],
        list(seed.kinds), list(range(len(seed.kinds))),
    )  # fmt: skip


def source_folders(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Name the layout of each folder; a folder of folders stands for those it knows."""
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder.")
        found = _layout(folder)
        below = [(_layout(child), child) for child in sorted(folder.iterdir()) if child.is_dir()]
        inner = [(name, child) for name, child in below if name]
        if found:
            yield found, folder
        elif inner:
            yield from ((name, child) for name, child in inner if name)
        else:
            raise CorpusFormatError(
                f"{folder}: neither seeds, phrases, news lines nor pages in a layout known here; "
                "data/README.md lists the layouts."
            )


def _layout(folder: Path) -> str | None:
    if (folder / "phrases.jsonl.gz").exists():
        return "phrases"
    if (folder / "DOCUMENT_IDS.tsv").exists():
        return "ntrex"
    name = layout_of(folder)
    if name is None and any(folder.glob("*/*.txt")):
        return "seeds"
    return name


def expand_kinds(kinds: str | Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """One kind, or pairs of a kind and how many running paragraphs have it -> a kind for each of them.

    Raises
    ------
    ValueError
        If there is no kind at all, one that is not known, or a count that is no positive whole number.

    Examples
    --------
    >>> expand_kinds([["headline", 1], ["body", 2]])
    ('headline', 'body', 'body')
    """
    runs = [(kinds, 1)] if isinstance(kinds, str) else kinds
    for kind, n in runs:
        if not (isinstance(kind, str) and kind in (*KINDS, "?")):
            raise ValueError(f"unknown kind {kind!r}")
        if type(n) is not int or n < 1:
            raise ValueError(f"{n!r} paragraphs of kind {kind}")
    if not runs:
        raise ValueError("no kind")
    return tuple(kind for kind, n in runs for _ in range(n))


def read_labels(path: Path) -> dict[str, list[ReadLabels]]:
    """Labels decided by reading, by document.

    A line has ``document_id``, ``position``, ``text_hash`` and ``kind``, as :func:`expand_kinds` takes it.

    Raises
    ------
    CorpusFormatError
        If a line is no such JSON object, or names a kind that is not known.
    """
    labels: dict[str, list[ReadLabels]] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CorpusFormatError(f"{path}: not UTF-8 ({error}).") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, position, digest = row["document_id"], row["position"], row["text_hash"]
            if type(position) is not int or position < 0:
                raise ValueError(f"position {position!r}")
            if not (isinstance(name, str) and isinstance(digest, str)):
                raise ValueError("document_id and text_hash must be text")
            found = ReadLabels(
                position, digest, expand_kinds(row["kind"]), row.get("drawn") != "disagreement"
            )
        except (json.JSONDecodeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise CorpusFormatError(f"{path}, line {number}: no label ({error!r}).") from error
        labels.setdefault(name, []).append(found)
    return labels


def apply_labels(document: Document, labels: Iterable[ReadLabels]) -> Document:
    """Put labels decided by reading in the place of the automatic ones, later ones in that of earlier.

    Where the gold has a boundary of its own, runs of several paragraphs name kinds and tell what was not
    known; what the gold has stays content, and what it lacks is unknown if it was read as content.
    Those drawn by disagreement correct label and kind but make nothing count as read that did not before: by
    themselves, unlike pages at large, they made kinds worse. Labels whose text has changed since they were
    read are left out and logged.
    """
    kinds, values, read = list(document.kinds), list(document.labels), set(document.read)
    stale = 0
    for found in labels:
        if not found.matches(document.paragraphs):
            stale += len(found.kinds)
            continue
        gold_decides = len(found.kinds) > 1 and document.source in _OWN_BOUNDARY
        for position, name in enumerate(found.kinds, found.position):
            kind = KINDS[KINDS.index(name)] if name != "?" else None
            value: Label | None = None if kind is None else "content" if kind in CONTENT_KINDS else "chrome"
            if gold_decides and document.labels[position] not in (None, value):
                if document.labels[position] == "content":
                    continue
                kind = value = None
            kinds[position], values[position] = kind, value
            if kind is None:
                read.discard(position)
            elif found.is_typical:
                read.add(position)
    if stale:
        _log.warning("%s: %d read labels no longer match their text", document.document_id, stale)
    return replace(document, kinds=kinds, labels=values, read=sorted(read))


def build_corpus(folders: Iterable[Path], labels: Iterable[Path] = (), n_jobs: int = 1) -> Iterator[Document]:
    """Label every document of the given source folders.

    Parameters
    ----------
    folders : iterable of Path
        Source folders, or folders that hold source folders.
    labels : iterable of Path
        Files of labels decided by reading; they override the automatic ones, and later files earlier ones.
    n_jobs : int
        Processes (joblib).

    Yields
    ------
    Document
        Source by source, in the order of their names; documents without a paragraph are left out.

    Raises
    ------
    CorpusFormatError
        If a folder or a file in it follows no known layout.
    """
    from joblib import Parallel, delayed

    sources = list(source_folders(folders))
    decided: dict[str, list[ReadLabels]] = {}
    for path in labels:
        for name, found in read_labels(path).items():
            decided.setdefault(name, []).extend(found)
    phrases: dict[str, Kind] = {}
    for layout, folder in sources:
        if layout == "phrases":
            phrases |= {normalise_text(text): kind for _, _, text, kind in _read_phrases(folder)}
    unused = dict.fromkeys(decided)
    for layout, folder in sources:
        _log.info("reading %s (%s)", folder, layout)
        if layout == "phrases":
            yield from _phrase_documents(folder)
        elif layout == "ntrex":
            yield from _news_documents(folder)
        elif layout == "seeds":
            yield from (document_from_seed(seed) for seed in read_seeds(folder))
        else:
            parallel = Parallel(n_jobs=n_jobs, return_as="generator", batch_size=8)
            labelled = parallel(delayed(_document_from_page)(page, phrases) for page in read_pages(folder))
            for document in labelled:
                unused.pop(document.document_id, None)
                if document.paragraphs:
                    yield apply_labels(document, decided.get(document.document_id, ()))
    if unused:
        _log.warning(
            "read labels of %d documents that no source has, first %s", len(unused), next(iter(unused))
        )
