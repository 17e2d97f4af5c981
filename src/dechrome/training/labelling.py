"""Blocks + gold text -> a label and a kind for every paragraph, or "unknown".

1. *Match*: how much of each block's letters stands in the gold (character shingles); short blocks
   need an exact gold line.
2. *Place*: the article run is the stretch that gains most from matched and loses from unmatched
   text; short matches count only inside or beside it, unmatched prose inside it stays unknown
   (automatic matching is wrong there in a fifth of the cases), duplicates outside it too, and, where the gold
   leaves tables and code out, short lines inside it that nothing else tells of. Where little of the gold is
   found, all that is unmatched is unknown.
3. *Name*: the page's own title is the headline in every source; the kind of chrome comes from the
   markup around the block, gold captions and the interface phrases. Markup teaches; it is never a
   feature.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dechrome.labels import Kind, Label
from dechrome.training.blocks import Block
from dechrome.training.pages import Page

__all__ = ["Labelled", "kind_from_markup", "label_blocks", "normalise_text"]

#: From this many letters (a wide character counts three) a block is matched by shingles. The
#: thresholds are those of the corpora's description, checked by reading.
_LONG = 40
_CONTENT_COVERAGE = 0.8
_CHROME_COVERAGE = 0.25
#: A short match counts this many blocks before and after the article run.
_REACH = 2
#: Where a smaller share of the gold's letters is found, the page was decoded or rendered otherwise than the
#: gold's: what does not match it may be content as well.
_LEAST_FOUND = 0.5
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff]")
_PROSE_END = re.compile(r"[.!?…。！？؟।][\"'”’»)」』]*$")


class Labelled(NamedTuple):
    """What is known of one block: None where it is not known."""

    label: Label | None
    kind: Kind | None


_UNKNOWN = Labelled(None, None)


def normalise_text(text: str) -> str:
    """Letters and digits only, NFKC, case folded.

    Examples
    --------
    >>> normalise_text("Ｆoo – Bar!")
    'foobar'
    """
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _weight(normalised: str) -> int:
    """Length in letters, a wide character counting three."""
    return len(normalised) + 2 * len(_WIDE.findall(normalised))


def _shingles(normalised: str) -> set[str]:
    width = 5 if 2 * len(_WIDE.findall(normalised)) > len(normalised) else 12
    return {normalised[i : i + width] for i in range(max(1, len(normalised) - width + 1))}


# --- kinds from markup -------------------------------------------------------------------------

_MARKUP_KINDS: tuple[tuple[Kind, str], ...] = (
    ("cookie", r"cookie|consent|gdpr|onetrust|didomi|usercentrics|\bcmp|sp_message|\bcc-|borlabs"),
    ("comment", r"\bcomment(?!-?(count|link|button))|disqus|kommentar|komentarz|respond\b"),
    ("caption", r"caption|\bcredit|photo-?(by|credit|info)|img-?(desc|source)|bildunterschrift"
                r"|image-?(source|copyright|desc|credit|title)|legende|media-?(desc|credit|copyright)"),
    ("promotion", r"newsletter|subscri|paywall|promo|advert|\bads?\b|\bad-|sponsor|donat|sign-?up"
                  r"|log-?in|sign-?in|register|app-?(banner|store|download)|premium|\babo\b|piano"),
    ("social", r"shar(e|ing)|social|follow|facebook|twitter|whatsapp|addthis|shariff|addtoany"),
    ("related", r"related|recommend|teaser|read-?(more|next|also)|more-?(news|stories|from|articles)"
                r"|most-?(read|popular|viewed)|trending|popular|latest|top-?stories|similar"
                r"|outbrain|taboola|see-?also|recent-?(posts|entries|articles)|headlines|\bcard"),
    ("byline", r"author|byline|dateline|posted-?on|(entry|post|article)-?meta|publish|timestamp|\bdate"
               r"|reading-?time|read-?time|vcard|contributor|\bbio\b"),
    ("legal", r"copyright|imprint|impressum|\blegal|disclaimer|colophon|footer-?(bottom|copy|info)"),
    ("navigation", r"\bnav|menu|breadcrumb|pagination|pager|\btags?\b|\btag-|search|toolbar|skip"
                   r"|categor|lang(uage)?-?(switch|select)|\btoc\b|table-?of-?contents|masthead"),
    ("other", r"weather|wetter|stock|\bpoll|player|error|widget-?(score|rate)"),
)  # fmt: skip
_TAG_KINDS: dict[str, Kind] = {
    "figcaption": "caption", "nav": "navigation", "button": "navigation", "time": "byline",
    "address": "byline", "label": "navigation",
}  # fmt: skip
#: How far up to look; beyond it names tell of the page, not of the block.
_MARKUP_LEVELS = 7
_LEGAL_TEXT = re.compile(r"©|\(c\)|copyright|all rights reserved|alle rechte|impressum|imprint", re.I)


@functools.lru_cache(maxsize=100_000)
def _kind_of_names(names: str) -> Kind | None:
    return next((kind for kind, pattern in _MARKUP_KINDS if re.search(pattern, names)), None)


def kind_from_markup(block: Block) -> Kind | None:
    """Guess the kind of a chrome block from its enclosing elements, the nearest first.

    Returns
    -------
    str or None
        A chrome kind, or None where the markup does not say.
    """
    for element in block.elements[:_MARKUP_LEVELS]:
        if element.tag in ("main", "article"):
            break
        kind = _kind_of_names(element.names)
        if kind is not None:
            return _corrected(kind, block)
        if element.tag in _TAG_KINDS:
            return _TAG_KINDS[element.tag]
    if any(element.tag == "footer" or "footer" in element.names for element in block.elements):
        return "legal" if _LEGAL_TEXT.search(block.text) else "navigation"
    if any(element.tag == "header" for element in block.elements) and block.link_ratio > 0.8:
        return "navigation"
    return None


def _corrected(kind: Kind, block: Block) -> Kind | None:
    """Drop a guess that the text contradicts: labels from names alone are too noisy."""
    n = len(block.text)
    if kind in ("navigation", "social", "byline") and n > 120 and block.link_ratio < 0.5:
        return None
    if kind == "navigation" and block.link_ratio > 0.8 and n > 45:
        return "related"
    if kind == "caption" and block.link_ratio > 0.9 and n > 25:
        return "related"
    if kind == "promotion" and block.link_ratio > 0.8 and n > 60:
        return None
    if kind == "cookie" and block.link_ratio > 0.9 and n > 60:
        return None
    return kind


def _is_marked_chrome(block: Block) -> bool:
    return kind_from_markup(block) is not None or any(e.tag == "aside" for e in block.elements)


# --- labels from gold --------------------------------------------------------------------------


class _Gold:
    """The gold of a page, indexed for matching."""

    def __init__(self, page: Page) -> None:
        self.lines = {normalise_text(line) for line in page.gold} - {""}
        self.text = "\n".join(normalise_text(line) for line in page.gold)
        self.shingles = set[str]()
        for line in self.lines:
            for width in (5, 12):
                self.shingles.update(line[i : i + width] for i in range(max(1, len(line) - width + 1)))

    def coverage(self, normalised: str) -> float:
        """Share of the block's shingles that stand in the gold, in [0, 1]."""
        shingles = _shingles(normalised)
        return len(shingles & self.shingles) / len(shingles)


def _best_run(gains: Sequence[float]) -> tuple[int, int]:
    """Half-open bounds of the stretch with the largest sum (Kadane)."""
    best, bounds, total, start = 0.0, (0, 0), 0.0, 0
    for i, gain in enumerate(gains):
        if total <= 0:
            total, start = 0.0, i
        total += gain
        if total > best:
            best, bounds = total, (start, i + 1)
    return bounds


def _find_headline(blocks: Sequence[Block], texts: Sequence[str], page: Page, start: int) -> int | None:
    """Index of the page's own title: the block that equals it, ``h1`` before others.

    Publishers word ``h1`` and title differently, so a lone ``h1`` at the article counts too.
    """
    title = normalise_text(page.title)
    first = normalise_text(page.gold[0]) if page.gold and page.coverage in ("full", "main") else ""

    def in_h1(i: int) -> bool:
        return any(element.tag == "h1" for element in blocks[i].elements[:5])

    def fits(i: int) -> bool:
        text = texts[i]
        if _weight(text) < 8:
            return False
        if title:
            similar = 0.6 < len(text) / len(title) < 1.5 and _weight(text) >= 15
            return text == title or (similar and (text in title or title in text))
        return text == first and (page.source == "daniel" or in_h1(i))

    candidates = [i for i in range(len(blocks)) if fits(i)]
    preferred = [i for i in candidates if in_h1(i)]
    headings = [i for i in range(len(blocks)) if in_h1(i) and i <= start + 1 and _weight(texts[i]) >= 15]
    if not preferred and headings and page.source != "daniel":
        longest = max(headings, key=lambda i: _weight(texts[i]))
        if len(headings) <= 2 or len(_shingles(texts[longest]) & _shingles(title)) * 2 > len(
            _shingles(title)
        ):
            return longest
    preferred = preferred or [i for i in candidates if i <= start] or candidates
    return min(preferred, key=lambda i: abs(i - start)) if preferred else None


def _label_full(blocks: Sequence[Block], page: Page) -> tuple[list[Labelled], range]:
    """Labels where the gold covers all content, and the stretch in which it may have left short lines out."""
    gold = _Gold(page)
    texts = [normalise_text(block.text) for block in blocks]
    weights = [_weight(text) for text in texts]
    is_long = [weight >= _LONG for weight in weights]
    coverage = [gold.coverage(text) if long else 0.0 for text, long in zip(texts, is_long, strict=True)]
    matched = [long and c >= _CONTENT_COVERAGE for long, c in zip(is_long, coverage, strict=True)]
    start, stop = _best_run([w if m else -0.3 * min(w, 100) for w, m in zip(weights, matched, strict=True)])
    # Where the gold is known to leave content out, prose is unknown wherever it stands.
    reach = range(len(blocks)) if page.coverage == "main" else range(start, stop + _REACH)
    inside = set().union(*(_shingles(texts[i]) for i in range(start, stop) if matched[i])) if stop else set()
    labelled: list[Labelled] = []
    for i, block in enumerate(blocks):
        in_run = start <= i < stop
        if is_long[i]:
            if matched[i] and not in_run and _shingles(texts[i]) <= inside:
                found = _UNKNOWN  # a standfirst or teaser that repeats the article
            elif matched[i]:
                found = _content(block, page)
            elif coverage[i] > _CHROME_COVERAGE or (i in reach and _may_be_content(block, page)):
                found = _UNKNOWN
            else:
                found = Labelled("chrome", None)
        elif texts[i] in gold.lines:
            near = start - _REACH <= i < stop + _REACH
            found = _content(block, page) if near and not _is_date_line(block, page) else _UNKNOWN
        elif in_run and weights[i] >= 8 and texts[i] in gold.text:
            found = _content(block, page) if weights[i] >= 15 else _UNKNOWN
        elif start <= i < stop + _REACH and _may_be_content(block, page):
            found = _UNKNOWN
        else:
            found = Labelled("chrome", None)
        labelled.append(found)
    n_found = sum(len(text) for text, found in zip(texts, labelled, strict=True) if found.label == "content")
    if n_found < _LEAST_FOUND * sum(map(len, gold.lines)):
        labelled = [_UNKNOWN if found.label == "chrome" else found for found in labelled]
    doubtful = range(start, stop) if page.coverage == "main" else range(0)
    return _with_headline(labelled, blocks, texts, page, start), doubtful


def _may_be_content(block: Block, page: Page) -> bool:
    """Whether an unmatched block in the article run may be content that the gold left out.

    Read against the gold: subheads, list items, table cells, code, FAQ entries and leads often are.
    """
    tag = next((e.tag for e in block.elements if e.tag not in ("span", "a", "b", "strong", "em", "i")), "")
    kind = kind_from_markup(block)
    if kind == "comment" and page.genre == "forum":
        kind = None
    prose = _PROSE_END.search(block.text) is not None
    return block.link_ratio < 0.5 and kind is None and (prose or tag in _TEXT_TAGS)


_TEXT_TAGS = frozenset("p li h2 h3 h4 h5 h6 td th pre code dd dt blockquote q summary".split())
_DATE_DIGITS = 6


def _is_date_line(block: Block, page: Page) -> bool:
    """Whether a gold line looks like the date and source lines that DAnIEL's gold keeps."""
    digits = sum(c.isdigit() for c in block.text)
    return page.source == "daniel" and digits >= _DATE_DIGITS and digits * 5 > len(block.text)


def _content(block: Block, page: Page) -> Labelled:
    """Content, unless the markup says caption: extractors keep captions in their gold."""
    if any(e.tag == "figcaption" or "caption" in e.names for e in block.elements[:3]):
        return Labelled("chrome", "caption") if page.coverage == "extracted" else _UNKNOWN
    return Labelled("content", "body")


def _label_segments(blocks: Sequence[Block], page: Page) -> tuple[list[Labelled], range]:
    """Labels where the gold names only some pieces: all else stays unknown, and nothing is doubtful."""
    texts = [normalise_text(block.text) for block in blocks]
    found: list[Labelled] = [_UNKNOWN] * len(blocks)

    def holders(piece: str) -> list[int]:
        normalised = normalise_text(piece)
        if _weight(normalised) < 25:
            return [i for i, text in enumerate(texts) if text == normalised]
        return [i for i, text in enumerate(texts) if normalised in text]

    for piece in page.chrome:
        for i in holders(piece):
            found[i] = Labelled("chrome", None)
    for piece in page.comments:
        for i in holders(piece):
            found[i] = Labelled("chrome", "comment")
    contents = []
    for piece in page.gold:
        held = holders(piece)
        if len(held) > 1:  # also in a teaser: the longest block outside chrome markup is the article's
            unmarked = [i for i in held if not _is_marked_chrome(blocks[i])] or held
            held = [max(unmarked, key=lambda i: len(texts[i]))]
        contents += held
    for i in contents:
        found[i] = Labelled("content", "body")
    start = min(contents, default=0)
    return _with_headline(found, blocks, texts, page, start), range(0)


def _with_headline(
    labelled: list[Labelled], blocks: Sequence[Block], texts: list[str], page: Page, start: int
) -> list[Labelled]:
    headline = _find_headline(blocks, texts, page, start)
    if headline is None:
        return labelled
    result = list(labelled)
    for i, text in enumerate(texts):
        if text == texts[headline] and i < start and i != headline:
            result[i] = _UNKNOWN  # the same title above: breadcrumb, page header
    result[headline] = Labelled("content", "headline")
    return result


def label_blocks(
    blocks: Sequence[Block], page: Page, phrases: Mapping[str, Kind] | None = None
) -> list[Labelled]:
    """Label the blocks of a page.

    Parameters
    ----------
    blocks : sequence of Block
        The page's visible blocks in order.
    page : Page
        Its gold text.
    phrases : mapping of str to str, optional
        Normalised interface string -> chrome kind.

    Returns
    -------
    list of Labelled
        One for each block. Chrome whose kind is not known has kind None.
    """
    labelled, doubtful = (_label_segments if page.coverage == "segments" else _label_full)(blocks, page)
    captions = {normalise_text(caption) for caption in page.captions} - {""}
    names = {normalise_text(name) for name in page.names} - {""}
    result = []
    for i, (block, found) in enumerate(zip(blocks, labelled, strict=True)):
        if found == ("chrome", None):
            text = normalise_text(block.text)
            kind: Kind | None = None
            if _weight(text) >= 15 and any(text in caption for caption in captions):
                kind = "caption"
            elif any(name in text and len(text) < 2 * len(name) + 12 for name in names):
                kind = "byline"
            elif not text:
                kind = "other"
            else:
                kind = (phrases or {}).get(text) or kind_from_markup(block)
            # Code, a specification, the entry of a table: nothing tells what it is.
            is_open = kind is None and i in doubtful and block.link_ratio < 0.9
            found = _UNKNOWN if is_open and not _is_marked_chrome(block) else Labelled("chrome", kind)
        result.append(found)
    return result
