"""Labelled documents <-> the corpus file: one row a document, checked, split by site.

The table has the columns of :data:`COLUMNS`; ``paragraphs``, ``labels`` and ``kinds`` are lists of
equal length, None where a label or kind is not known. It is stored as Parquet or JSON Lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dechrome.errors import CorpusFormatError
from dechrome.files.writing import write_whole
from dechrome.labels import CONTENT_KINDS, KINDS, LABELS, Kind, Label

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ONE_SIDED_SOURCES",
    "Document",
    "check_suffix",
    "corpus_digest",
    "read_corpus",
    "site_of",
    "split_of",
    "summarise_corpus",
    "text_hash",
    "write_corpus",
]


#: Sources whose every document is content or chrome throughout: nothing to tell apart in them.
ONE_SIDED_SOURCES = ("ntrex", "phrases")


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


COLUMNS = tuple(Document.__dataclass_fields__)
#: Share of the sites held out for development, in percent.
_DEVELOPMENT_PERCENT = 20


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


def text_hash(text: str) -> str:
    """First 16 hexadecimal digits of a paragraph's SHA-256, which ties a read label to its text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _check(document: Any, place: str) -> Document:
    if not isinstance(document, dict):
        raise CorpusFormatError(f"{place}: not an object but {type(document).__name__}.")
    missing = [name for name in COLUMNS if name not in document]
    if missing:
        raise CorpusFormatError(f"{place}: no {', '.join(missing)}; a corpus has {', '.join(COLUMNS)}.")
    lists: dict[str, list[Any]] = {}
    for name in ("paragraphs", "labels", "kinds", "read"):
        values = document[name]
        if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__"):
            raise CorpusFormatError(f"{place}: {name} must be a list, not {type(values).__name__}.")
        lists[name] = list(values)
    texts = [name for name in COLUMNS if name not in lists and not isinstance(document[name], str)]
    if texts:
        raise CorpusFormatError(f"{place}: {', '.join(texts)} must be text.")
    sizes = {name: len(lists[name]) for name in ("paragraphs", "labels", "kinds")}
    if len(set(sizes.values())) != 1:
        raise CorpusFormatError(f"{place}: unequal lengths {sizes}.")
    for i, (text, label, kind) in enumerate(
        zip(lists["paragraphs"], lists["labels"], lists["kinds"], strict=True)
    ):
        if not isinstance(text, str):
            raise CorpusFormatError(f"{place}: paragraph {i} is not text but {type(text).__name__}.")
        fits = kind is None or (label is not None and (kind in CONTENT_KINDS) == (label == "content"))
        if label not in (None, *LABELS) or kind not in (None, *KINDS) or not fits:
            raise CorpusFormatError(f"{place}: paragraph {i} has label {label!r} and kind {kind!r}.")
    outside = [i for i in lists["read"] if type(i) is not int or not 0 <= i < len(lists["paragraphs"])]
    if outside:
        raise CorpusFormatError(f"{place}: read names positions {outside} that no paragraph has.")
    row: dict[str, Any] = {name: document[name] for name in COLUMNS} | lists
    return Document(**row)


def check_suffix(path: Path) -> str:
    """Raise CorpusFormatError unless the file name is that of a corpus; return its suffix."""
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
    if check_suffix(path) == ".jsonl":
        documents = []
        try:
            for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1):
                if line.strip():
                    documents.append(_check(json.loads(line), f"{path}, line {number}"))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
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
    suffix = check_suffix(path)
    rows = [asdict(document) for document in documents]
    with write_whole(path) as file:
        if suffix == ".jsonl":
            file.writelines((json.dumps(row, ensure_ascii=False) + "\n").encode() for row in rows)
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), file, compression="zstd")


def corpus_digest(documents: Iterable[Document]) -> str:
    """SHA-256 over the rows, all columns of them: says which corpus a model was made from."""
    digest = hashlib.sha256()
    for document in documents:
        row = json.dumps(asdict(document), ensure_ascii=False, sort_keys=True)
        digest.update(row.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def summarise_corpus(documents: Iterable[Document], by: Sequence[str] = ("source",)) -> pd.DataFrame:
    """Count documents, sites, languages, labels and kinds of each group, and of those decided by reading.

    Parameters
    ----------
    documents : iterable of Document
    by : sequence of str
        Columns of the corpus that make the groups, for instance ``("language", "source")``.

    Returns
    -------
    DataFrame
        One row for each group, in order of its name, and a last row "all".
    """
    import pandas as pd

    rows = []
    for document in documents:
        row: dict[str, Any] = {name: getattr(document, name) for name in ("source", "site", "language", *by)}
        row |= {"documents": 1, "paragraphs": len(document.paragraphs)}
        row |= {label: document.labels.count(label) for label in LABELS}
        row |= {"unknown": document.labels.count(None), "read": len(document.read)}
        row |= {kind: document.kinds.count(kind) for kind in KINDS}
        rows.append(row)
    table = pd.DataFrame(rows)
    groups = table.groupby(list(by))
    counts = ["paragraphs", *LABELS, "unknown", "read", *KINDS]
    summary = groups[["documents", *counts]].sum()
    summary.insert(1, "sites", groups.site.nunique())
    summary.insert(2, "languages", groups.language.nunique())
    whole = [table.documents.sum(), table.site.nunique(), table.language.nunique(), *table[counts].sum()]
    name = ("all", *[""] * (len(by) - 1))
    index = pd.Index(["all"]) if len(by) == 1 else pd.MultiIndex.from_tuples([name], names=list(by))
    last = pd.DataFrame([whole], index=index, columns=summary.columns)
    return pd.concat([summary, last]).astype(int)
