"""Document word F1 of extractors and text filters on the same held-out pages, in one run.

    pip install -e ".[peers]"
    python benchmarks/accuracy.py CORPUS SOURCE... -o data/results/accuracy.md

CORPUS is what `dechrome corpus build SOURCE...` wrote. Readers of HTML get the page as published, readers of
text its visible blocks, one a line, as Dechrome does. The ceiling keeps exactly the blocks labelled content
(unknown ones as Dechrome decides).
"""

from __future__ import annotations

import argparse
import functools
import logging
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from dechrome.artefact import read_model
from dechrome.evaluation.measures import (
    LEAST_CEILING,
    bootstrap_interval,
    evaluate_documents,
    score_documents,
    word_f1,
)
from dechrome.prediction import SHIPPED_MODEL
from dechrome.training.building import source_folders
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document, read_corpus
from dechrome.training.pages import read_pages

#: jusText's names of languages.
_STOPLISTS = {
    "el": "Greek", "en": "English", "de": "German", "fr": "French", "es": "Spanish", "pl": "Polish",
    "ru": "Russian", "it": "Italian", "pt": "Portuguese", "nl": "Dutch", "sv": "Swedish", "cs": "Czech",
    "tr": "Turkish", "da": "Danish", "fi": "Finnish", "hu": "Hungarian", "ro": "Romanian",
}  # fmt: skip

Reader = Callable[[Document, str], str]
_READERS: dict[str, tuple[str, Reader]] = {}


def _reader(name: str, takes: str) -> Callable[[Reader], Reader]:
    def register(function: Reader) -> Reader:
        _READERS[name] = takes, function
        return function

    return register


@_reader("keep everything", "text")
def _everything(document: Document, _: str) -> str:
    return "\n".join(document.paragraphs)


@_reader("trafilatura", "HTML")
def _trafilatura(_: Document, html: str) -> str:
    import trafilatura

    return trafilatura.extract(html, include_comments=False) or ""


@_reader("readability-lxml", "HTML")
def _readability(_: Document, html: str) -> str:
    from lxml.html import fromstring
    from readability import Document as Readability

    page = Readability(html)
    return f"{page.short_title()}\n{fromstring(page.summary()).text_content()}"


@_reader("resiliparse", "HTML")
def _resiliparse(_: Document, html: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return str(extract_plain_text(html, main_content=True))


@functools.cache
def _stopwords(language: str) -> frozenset[str]:
    import justext

    name = _STOPLISTS.get(language)
    return frozenset(justext.get_stoplist(name) if name else ())


def _justext(html: str, language: str) -> str:
    import justext

    words = _stopwords(language)
    # Without a list of its own, a language is judged without stop words, as jusText advises.
    settings = {} if words else {"stopwords_low": 0, "stopwords_high": 0}
    paragraphs = justext.justext(html.encode(), words, encoding="utf-8", **settings)
    return "\n".join(p.text for p in paragraphs if not p.is_boilerplate)


@_reader("jusText", "HTML")
def _justext_on_html(document: Document, html: str) -> str:
    return _justext(html, document.language)


@_reader("jusText on text", "text")
def _justext_on_text(document: Document, _: str) -> str:
    from html import escape

    return _justext("".join(f"<p>{escape(text)}</p>" for text in document.paragraphs), document.language)


@functools.cache
def _c4_filter() -> object:
    from datatrove.pipeline.filters import C4QualityFilter

    return C4QualityFilter(min_num_sentences=-1, filter_lorem_ipsum=False, filter_curly_bracket=False)


@_reader("datatrove, C4 line filter", "text")
def _datatrove(document: Document, _: str) -> str:
    from datatrove.data import Document as Item

    item = Item(text="\n".join(document.paragraphs), id="")
    _c4_filter().filter(item)  # type: ignore[attr-defined]
    return item.text


@_reader("C4 line rules, for all scripts", "text")
def _c4_rules(document: Document, _: str) -> str:
    """Raffel et al. 2020, section 2.2, with the end marks of every script and lengths that fit CJK."""
    policy = ("javascript", "cookie", "privacy policy", "terms of use", "use of cookies")
    kept = []
    for line in document.paragraphs:
        bare = line.rstrip("\"'”’»)」』） ")
        ends = bare[-1:] in set(".!?。！？।؟۔።၊။៕…") and not line.endswith(("...", "…"))
        n_wide = sum(unicodedata.east_asian_width(c) == "W" for c in line[:200])
        if ends and len(line.split()) + n_wide / 2 >= 5 and not any(x in line.lower() for x in policy):
            kept.append(line)
    return "\n".join(kept)


def parse_arguments(description: str | None) -> argparse.Namespace:
    """Read CORPUS SOURCE... -o OUTPUT and silence the peers' warnings."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    logging.disable(logging.CRITICAL)
    return parser.parse_args()


def read_with(name: str, document: Document, html: str) -> str:
    """What the reader of that name keeps of a page."""
    return _READERS[name][1](document, html)


def pages_of(sources: Iterable[Path], wanted: dict[str, Document]) -> Iterable[tuple[Document, str]]:
    """Documents of the corpus with the HTML that they come from."""
    for layout, folder in source_folders(sources):
        if layout not in ("seeds", "phrases", "ntrex"):
            for page in read_pages(folder):
                if page.page_id in wanted:
                    yield wanted[page.page_id], page.html


def _sets(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    sets = {"news": frame[frame.source.isin(["fundus", "daniel"])]}
    for language in ("el", "en", "pl", "ru", "zh"):
        sets[f"daniel {language}"] = frame[(frame.source == "daniel") & (frame.language == language)]
    for source in ("fundus", "readability"):
        sets[source] = frame[frame.source == source]
    wcxb = frame[frame.source == "wcxb"]
    return sets | {"wcxb articles": wcxb[wcxb.genre == "article"], "wcxb": wcxb}


def main() -> None:
    """Run every reader over the held-out pages and write the table."""
    arguments = parse_arguments(__doc__)
    documents = [d for d in read_corpus(arguments.corpus) if d.split == "development" and d.gold]
    documents = [d for d in documents if d.source not in ("seeds", *ONE_SIDED_SOURCES)]
    ours = evaluate_documents(score_documents(read_model(SHIPPED_MODEL), documents)).set_index("document_id")
    ours = ours[ours.ceiling >= LEAST_CEILING]
    wanted = {d.document_id: d for d in documents if d.document_id in ours.index}
    columns: dict[str, dict[str, float]] = {name: {} for name in _READERS}
    for document, html in pages_of(arguments.sources, wanted):
        for name, (_, read) in _READERS.items():
            try:
                kept = read(document, html)
            except Exception:  # a peer that fails on a page keeps nothing of it
                kept = ""
            columns[name][document.document_id] = word_f1(kept, document.gold)[2]
    scores = pd.DataFrame(columns)
    scores["Dechrome"], scores["perfect labels"] = ours.f1, ours.ceiling
    takes = {name: takes for name, (takes, _) in _READERS.items()} | {
        "Dechrome": "text",
        "perfect labels": "",
    }
    sets = _sets(ours.loc[scores.index])
    lines = [
        "# Document word F1 beside other tools\n",
        "Written by `benchmarks/accuracy.py`, unseen development sites, one run; mean over pages, for "
        "Dechrome with its 95 % interval over sites. A peer's failure on a page counts as keeping nothing.\n",
        "| tool | takes | " + " | ".join(f"{name} ({len(part)})" for name, part in sets.items()) + " |",
        "|---" * (len(sets) + 2) + "|",
    ]
    for name, column in scores.items():
        cells = [f"{column[part.index].mean():.3f}" for part in sets.values()]
        lines.append(f"| {name} | {takes[str(name)]} | " + " | ".join(cells) + " |")
    intervals = []
    for part in sets.values():
        low, high = bootstrap_interval(part.f1.to_numpy(), part.site.tolist())
        intervals.append(f"{low:.3f} to {high:.3f}")
    lines.append("| Dechrome, interval | | " + " | ".join(intervals) + " |")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
