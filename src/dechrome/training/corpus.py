"""Source folders -> the corpus: one row a document, checked, split by site.

The table has the columns of :data:`COLUMNS`; ``paragraphs``, ``labels`` and ``kinds`` are lists of
equal length, None where a label or kind is not known. It is stored as Parquet or JSON Lines.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dechrome.errors import CorpusFormatError
from dechrome.labels import CONTENT_KINDS, KINDS, LABELS, Kind, Label
from dechrome.training.blocks import blocks_from_html
from dechrome.training.labelling import label_blocks, normalise_text
from dechrome.training.pages import Page, layout_of, read_pages
from dechrome.training.seeds import Seed, read_seeds

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Document",
    "build_corpus",
    "corpus_digest",
    "corpus_from_frame",
    "read_corpus",
    "site_of",
    "split_of",
    "summarise_corpus",
    "write_corpus",
]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """One labelled document: a row of the corpus."""

    document_id: str
    source: str
    site: str
    """Registered domain; the unit of the split."""
    language: str
    """ISO 639 code of the article, "und" if unknown."""
    genre: str
    split: str
    """"train" or "development"."""
    gold: str
    """Gold text, paragraphs joined by newlines; empty where it does not cover all content."""
    paragraphs: list[str]
    labels: list[Label | None]
    kinds: list[Kind | None]
    read: list[int]
    """Positions whose kind was decided by reading, in rising order."""


class ReadLabel(NamedTuple):
    """A kind decided by reading a paragraph on its page; "?" where nobody could tell."""

    position: int
    text_hash: str
    kind: str


COLUMNS = tuple(Document.__dataclass_fields__)
#: Share of the sites held out for development, in percent.
_DEVELOPMENT_PERCENT = 20
_LANGUAGE_TAG = re.compile(r"<html[^>]*?\blang\s*=\s*[\"']?([a-zA-Z]{2,3})\b")


def site_of(url: str) -> str:
    """Registered domain of an address or host name (public suffix list as shipped by tldextract).

    Examples
    --------
    >>> site_of("https://sport.aktualne.cz/fotbal")
    'aktualne.cz'
    """
    import tldextract

    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    return extract(url).top_domain_under_public_suffix or url.lower()


def split_of(site: str) -> str:
    """Side of a site: a fixed function of its name, so that no source can put it on the other.

    Examples
    --------
    >>> split_of("dw.com") in ("train", "development")
    True
    """
    bucket = int.from_bytes(hashlib.sha256(site.encode()).digest()[:4], "big") % 100
    return "development" if bucket < _DEVELOPMENT_PERCENT else "train"


# --- building ----------------------------------------------------------------------------------


def _read_phrases(folder: Path) -> list[dict[str, str]]:
    path = folder / "phrases.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


#: Kinds of the phrases' source -> ours.
_PHRASE_KINDS: dict[str, Kind] = {
    "navigation": "navigation", "other": "other", "cookie": "cookie", "legal": "legal",
    "newsletter": "promotion", "comment": "comment", "share": "social", "related": "related",
}  # fmt: skip
#: Wiki interface strings are three quarters of the phrases: at most so many a language and source.
_PHRASES_PER_SOURCE = 40


def _phrase_documents(folder: Path) -> Iterator[Document]:
    """One chrome-only document for each language and source of the phrases."""
    groups: dict[tuple[str, str], list[tuple[str, Kind]]] = {}
    for row in _read_phrases(folder):
        groups.setdefault((row["lang"], row["source"]), []).append((row["text"], _PHRASE_KINDS[row["kind"]]))
    for (language, source), rows in sorted(groups.items()):
        if "mediawiki" in source:
            rows = sorted(rows, key=lambda row: hashlib.sha256(row[0].encode()).digest())[:_PHRASES_PER_SOURCE]
        yield Document(
            f"phrases/{language}/{source}", "phrases", source, language, "phrases", "train", "",
            [text for text, _ in rows], ["chrome"] * len(rows), [kind for _, kind in rows], [],
        )  # fmt: skip


def _news_documents(folder: Path) -> Iterator[Document]:
    """One content-only document for each language and news document; lines joined to paragraphs."""
    from dechrome.training.languages import language_code, news_files

    ids = (folder / "DOCUMENT_IDS.tsv").read_text(encoding="utf-8").split()
    for code, path in news_files(folder):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
        by_document: dict[str, list[str]] = {}
        for name, line in zip(ids, lines, strict=False):
            by_document.setdefault(name, []).append(line.strip())
        for name, sentences in by_document.items():
            paragraphs = [sentences[0], *_join_sentences(sentences[1:], f"{code}{name}")]
            yield Document(
                f"ntrex/{code}/{name}", "ntrex", f"ntrex/{name}", language_code(code), "news", "train",
                "", paragraphs, ["content"] * len(paragraphs),
                ["headline", *["body"] * (len(paragraphs) - 1)], [],
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


def _source_folders(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
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


def text_hash(text: str) -> str:
    """First 16 hexadecimal digits of a paragraph's SHA-256, which ties a read label to its text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_labels(path: Path) -> dict[str, list[ReadLabel]]:
    """Labels decided by reading, by document.

    Raises
    ------
    CorpusFormatError
        If a line is not a JSON object with document_id, position, text_hash and a known kind.
    """
    labels: dict[str, list[ReadLabel]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            label = ReadLabel(row["position"], row["text_hash"], row["kind"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise CorpusFormatError(f"{path}, line {number}: no label ({error!r}).") from error
        if label.kind not in (*KINDS, "?"):
            raise CorpusFormatError(f"{path}, line {number}: unknown kind {label.kind!r}.")
        labels.setdefault(row["document_id"], []).append(label)
    return labels


def apply_labels(document: Document, labels: Iterable[ReadLabel]) -> Document:
    """Put labels decided by reading in the place of the automatic ones.

    Labels whose text has changed since they were read are left out and logged.
    """
    kinds, values, read = list(document.kinds), list(document.labels), set(document.read)
    stale = 0
    for position, digest, kind in labels:
        if position >= len(kinds) or text_hash(document.paragraphs[position]) != digest:
            stale += 1
        elif kind == "?":
            kinds[position] = values[position] = None
        else:
            kinds[position] = KINDS[KINDS.index(kind)]
            values[position] = "content" if kind in CONTENT_KINDS else "chrome"
            read.add(position)
    if stale:
        _log.warning("%s: %d read labels no longer match their text", document.document_id, stale)
    return replace(document, kinds=kinds, labels=values, read=sorted(read))


def build_corpus(
    folders: Iterable[Path], labels: Iterable[Path] = (), n_jobs: int = 1
) -> Iterator[Document]:
    """Label every document of the given source folders.

    Parameters
    ----------
    folders : iterable of Path
        Source folders, or folders that hold source folders.
    labels : iterable of Path
        Files of labels decided by reading; they override the automatic ones.
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

    sources = list(_source_folders(folders))
    decided = {name: found for path in labels for name, found in read_labels(path).items()}
    phrases: dict[str, Kind] = {}
    for layout, folder in sources:
        if layout == "phrases":
            for row in _read_phrases(folder):
                phrases[normalise_text(row["text"])] = _PHRASE_KINDS[row["kind"]]
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
                if document.paragraphs:
                    yield apply_labels(document, decided.get(document.document_id, ()))


# --- the table ---------------------------------------------------------------------------------


def _check(document: dict[str, Any], place: str) -> Document:
    missing = [name for name in COLUMNS if name not in document]
    if missing:
        raise CorpusFormatError(f"{place}: no {', '.join(missing)}; a corpus has {', '.join(COLUMNS)}.")
    lists = {name: list(document[name]) for name in ("paragraphs", "labels", "kinds", "read")}
    sizes = {name: len(lists[name]) for name in ("paragraphs", "labels", "kinds")}
    if len(set(sizes.values())) != 1:
        raise CorpusFormatError(f"{place}: unequal lengths {sizes}.")
    for i, (label, kind) in enumerate(zip(lists["labels"], lists["kinds"], strict=True)):
        fits = kind is None or (label is not None and (kind in CONTENT_KINDS) == (label == "content"))
        if label not in (None, *LABELS) or kind not in (None, *KINDS) or not fits:
            raise CorpusFormatError(f"{place}: paragraph {i} has label {label!r} and kind {kind!r}.")
    return Document(**{name: lists.get(name, document[name]) for name in COLUMNS})


def corpus_from_frame(frame: pd.DataFrame, place: str = "corpus") -> list[Document]:
    """Check a table and turn it into documents.

    Raises
    ------
    CorpusFormatError
        Naming the row and what is wrong with it.
    """
    records = frame.to_dict(orient="records")
    return [_check({str(k): v for k, v in r.items()}, f"{place}, row {i}") for i, r in enumerate(records)]


def _suffix(path: Path) -> str:
    if path.suffix not in (".parquet", ".jsonl"):
        raise CorpusFormatError(f"{path}: a corpus is a .parquet or .jsonl file.")
    return path.suffix


def read_corpus(path: Path) -> list[Document]:
    """Read and check a corpus (``.parquet`` or ``.jsonl``).

    Raises
    ------
    FileNotFoundError, CorpusFormatError
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file.")
    if _suffix(path) == ".jsonl":
        documents = []
        try:
            for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
                if line.strip():
                    documents.append(_check(json.loads(line), f"{path}, line {number}"))
        except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
            raise CorpusFormatError(f"{path}: not JSON Lines in UTF-8 ({error}).") from error
        return documents
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise CorpusFormatError(f"{path}: not a Parquet file ({error}).") from error
    return [_check(row, f"{path}, row {i}") for i, row in enumerate(rows)]


def write_corpus(documents: Iterable[Document], path: Path) -> None:
    """Write a corpus, whole or not at all (``.parquet`` or ``.jsonl``)."""
    partial = path.with_name(f".{path.name}.partial")
    rows = [asdict(document) for document in documents]
    if _suffix(path) == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        partial.write_text("".join(lines), encoding="utf-8", newline="\n")
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), partial, compression="zstd")
    os.replace(partial, path)


def corpus_digest(documents: Iterable[Document]) -> str:
    """SHA-256 over ids, texts and labels: says which corpus a model was made from."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps(asdict(document), ensure_ascii=False, sort_keys=True).encode())
    return digest.hexdigest()


def summarise_corpus(documents: Iterable[Document]) -> pd.DataFrame:
    """Count documents, sites, languages, labels and kinds by source.

    Returns
    -------
    DataFrame
        One row for each source and a last row "all".
    """
    import pandas as pd

    rows = []
    for document in documents:
        row: dict[str, Any] = {"source": document.source, "documents": 1}
        row |= {"site": document.site, "language": document.language, "paragraphs": len(document.paragraphs)}
        row |= {label: document.labels.count(label) for label in LABELS}
        row["unknown"] = document.labels.count(None)
        row |= {kind: document.kinds.count(kind) for kind in KINDS}
        rows.append(row)
    table = pd.DataFrame(rows)
    counts = [name for name in table.columns if name not in ("source", "site", "language")]

    def summarise(part: pd.DataFrame) -> pd.Series:
        return pd.concat(
            [pd.Series({"sites": part.site.nunique(), "languages": part.language.nunique()}), part[counts].sum()]
        )

    by_source = {str(name): summarise(part) for name, part in table.groupby("source")}
    summary = pd.DataFrame([*by_source.values(), summarise(table)], index=[*by_source, "all"])
    return summary[["documents", "sites", "languages", *counts[1:]]].astype(int)
