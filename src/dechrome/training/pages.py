"""Source folders -> pages with gold text, each public source read in its native layout.

A layout is recognised by its files, so ``dechrome corpus build DIR...`` needs no option. To add a
source, write a reader that yields :class:`Page` and list it in ``_LAYOUTS``.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dechrome.errors import CorpusFormatError
from dechrome.html import decode_html

__all__ = ["Page", "layout_of", "read_pages"]

Coverage = Literal["full", "main", "extracted", "segments"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page with its gold text."""

    page_id: str
    """Unique over all sources: ``<source>/<name>``."""
    source: str
    url: str
    """Address or host name, from which the site is taken; empty if unknown."""
    html: str
    gold: tuple[str, ...]
    """Gold paragraphs; with coverage "segments", pieces that must be content."""
    title: str = ""
    language: str = ""
    """ISO 639-1 code where the source says it, else empty."""
    genre: str = "article"
    coverage: Coverage = "full"
    """What the gold covers: all content; the main content, tables, answers and lists often left out;
    what an extractor found; or a few segments."""
    captions: tuple[str, ...] = ()
    chrome: tuple[str, ...] = ()
    """With coverage "segments": pieces that must not be content."""
    comments: tuple[str, ...] = ()
    names: tuple[str, ...] = field(default=())
    """Authors, as the source gives them."""


def _read_text(path: Path) -> str:
    """Read HTML or text in whatever encoding the page declares or shows."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusFormatError(f"{path}: missing or damaged ({error}); fetch it again.") from error
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return decode_html(raw)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CorpusFormatError(f"{path}: not JSON in UTF-8 ({error}).") from error


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in (line.strip() for line in text.splitlines()) if line)


def _names(given: str | list[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _read_fundus(folder: Path) -> Iterator[Page]:
    for meta_file in sorted(folder.glob("*/meta.info")):
        meta = _read_json(meta_file)
        by_publisher: dict[str, list[str]] = {}
        for name in sorted(meta, key=lambda n: str(meta[n]["crawl_date"])):
            publisher = re.sub(r"_\d{4}_\d{2}_\d{2}\.html\.gz$", "", name)
            by_publisher.setdefault(publisher, []).append(name)
        for publisher, names in sorted(by_publisher.items()):
            parsed = _read_json(meta_file.with_name(f"{publisher}.json"))
            for name, version in zip(names, sorted(parsed, key=_version_key), strict=True):
                yield _fundus_page(meta_file.with_name(name), meta[name]["url"], parsed[version])


def _fundus_page(html_file: Path, url: str, parsed: dict[str, Any]) -> Page:
    body = parsed.get("body") or {"summary": [], "sections": []}
    gold = list(body["summary"])
    for section in body["sections"]:
        gold += [*section["headline"], *section["paragraphs"]]
    images = parsed.get("images") or []
    return Page(
        page_id=f"fundus/{html_file.parent.name}/{html_file.name.removesuffix('.html.gz')}",
        source="fundus",
        url=url,
        html=_read_text(html_file),
        gold=tuple(line for text in gold for line in _lines(text)),
        title=parsed.get("title") or "",
        captions=tuple(image["caption"] for image in images if image.get("caption")),
        names=_names(parsed.get("authors")),
    )


def _read_wcxb(folder: Path) -> Iterator[Page]:
    metadata = _read_json(folder / "metadata.json")["files"]
    for file_id, entry in sorted(metadata.items()):
        gold = _read_json(folder / "dev" / "ground-truth" / f"{file_id}.json")
        truth = gold["ground_truth"]
        yield Page(
            page_id=f"wcxb/{file_id}",
            source="wcxb",
            url=gold.get("url") or entry["domain"],
            html=_read_text(folder / "dev" / "html" / f"{file_id}.html.gz"),
            gold=_lines(truth["main_content"]),
            title=truth.get("title") or "",
            genre=entry["page_type"],
            coverage="main",
            names=_names(truth.get("author")),
        )


_LANGUAGE_NAMES = {"Polish": "pl", "English": "en", "Russian": "ru", "Chinese": "zh", "Greek": "el"}


def _read_daniel(folder: Path) -> Iterator[Page]:
    for name, language in sorted(_read_json(folder / "doc_lg.json").items()):
        reference = _read_text(folder / "reference" / f"{name}.gz")
        paragraphs = re.findall(r"<p>(.*?)</p>", reference, flags=re.DOTALL)
        yield Page(
            page_id=f"daniel/{name}",
            source="daniel",
            url=name.split("_")[1],
            html=_read_text(folder / "html" / f"{name}.gz"),
            gold=tuple(line for text in paragraphs for line in _lines(text)),
            language=_LANGUAGE_NAMES.get(language, ""),
        )


_PAGE_URL = re.compile(
    r"""<(?:link[^>]+rel=["']canonical["'][^>]+href|meta[^>]+property=["']og:url["'][^>]+content)=["'](http[^"']+)""",
    re.IGNORECASE,
)


def _read_readability(folder: Path) -> Iterator[Page]:
    from dechrome.training.blocks import blocks_from_html

    for page in sorted(path.parent for path in folder.glob("*/expected-metadata.json")):
        metadata = _read_json(page / "expected-metadata.json")
        html = _read_text(page / "source.html.gz")
        address = _PAGE_URL.search(html)
        expected = blocks_from_html(_read_text(page / "expected.html.gz"))
        yield Page(
            page_id=f"readability/{page.name}",
            source="readability",
            url=address.group(1) if address else (metadata.get("siteName") or page.name),
            html=html,
            gold=tuple(block.text for block in expected),
            title=metadata.get("title") or "",
            coverage="extracted",
            names=_names(metadata.get("byline")),
        )


def _read_trafilatura(folder: Path) -> Iterator[Page]:
    for key, entry in sorted(_read_json(folder / "evaldata.json").items()):
        html_file = folder / "html" / f"{entry['file']}.gz"
        if not html_file.exists():
            raise CorpusFormatError(f"{folder / 'evaldata.json'}: {key} names {html_file}, not there.")
        host = urlsplit(key).netloc or key.split("::")[-1].split("-")[0]
        yield Page(
            page_id=f"trafilatura/{entry['file'].removesuffix('.html')}",
            source="trafilatura",
            url=host,
            html=_read_text(html_file),
            gold=tuple(entry["with"]),
            title=entry.get("title") or "",
            coverage="segments",
            chrome=tuple(entry["without"]),
            comments=tuple(entry.get("comments") or ()),
            names=_names(entry.get("author")),
        )


#: File that betrays a layout -> its name, its reader.
_LAYOUTS: tuple[tuple[str, str, Callable[[Path], Iterator[Page]]], ...] = (
    ("*/meta.info", "fundus", _read_fundus),
    ("dev/ground-truth/*.json", "wcxb", _read_wcxb),
    ("doc_lg.json", "daniel", _read_daniel),
    ("*/expected-metadata.json", "readability", _read_readability),
    ("evaldata.json", "trafilatura", _read_trafilatura),
)


def layout_of(folder: Path) -> str | None:
    """Name of the page layout found in ``folder``, or None if it follows none we know."""
    return next((name for pattern, name, _ in _LAYOUTS if any(folder.glob(pattern))), None)


def read_pages(folder: Path) -> Iterator[Page]:
    """Read every page of a source folder.

    Parameters
    ----------
    folder : Path
        A folder in the layout of fundus, WCXB, DAnIEL, readability or trafilatura.

    Yields
    ------
    Page

    Raises
    ------
    CorpusFormatError
        If the folder follows no known layout or a file in it is broken.
    """
    for pattern, name, reader in _LAYOUTS:
        if any(folder.glob(pattern)):
            try:
                yield from reader(folder)
            except CorpusFormatError:
                raise
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise CorpusFormatError(f"{folder}: a file in it is not as in {name} ({error!r}).") from error
            return
    known = ", ".join(name for _, name, _ in _LAYOUTS)
    raise CorpusFormatError(f"{folder}: follows no page layout known here ({known}).")
