r"""Raw text -> paragraphs, with their places in it.

Web text comes in three habits: one paragraph a line, blank lines between paragraphs, or hard-wrapped
at a width with blank lines between. The first two read alike (a line is a paragraph); only wrapped
text has to be joined. Whether a document is wrapped is decided once for all of it: its lines end
where the next word would not have fitted, at a width at which mail and terminals wrap, and mid-sentence.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import NamedTuple

__all__ = ["Span", "find_paragraphs"]

#: What surrounds text without being text: white space and line ends, then format characters (Unicode category
#: Cf: zero-width ones, soft hyphen, BOM, bidi marks, tags) and the like.
_MARGIN = "".join(
    chr(c)
    for low, high in (
        (0x00, 0x00), (0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680),
        (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
        (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891),
        (0x8E2, 0x8E2), (0x180E, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064),
        (0x2066, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD),
        (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0001, 0xE0001), (0xE0020, 0xE007F),
    )
    for c in range(low, high + 1)
)  # fmt: skip
#: Widths at which text is wrapped by hand or by program, in columns.
_LEAST_WIDTH, _MOST_WIDTH = 30, 130
#: Line ends that must be full, by number and by share, for a document to count as wrapped, and the share
#: of the full ones at which the text runs on; fitted to tests/cases/segmentation.json.
_LEAST_WRAPPED, _FULL_SHARE, _RUN_ON_SHARE = 3, 0.75, 0.25
#: Two columns wide: breakable between any two characters, save before punctuation; Hangul is not.
_HAN = "\u2e80-\u312f\u3190-\ua4cf\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\U00020000-\U0003fffd"
_WIDE = re.compile(rf"[{_HAN}\u1100-\u115f\u3130-\u318f\uac00-\ud7a3\U0001f300-\U0001faff]+")
#: The least that goes to the next line: a wide character with its punctuation, or a word. Thai, Lao,
#: Burmese and Khmer put no spaces between words; eight characters stand for a word there.
_PIECE = re.compile(
    rf"(?P<wide>[{_HAN}])[、。，．！？：；…ー」』）】》〉]*"
    rf"|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{{1,8}}|[^\s{_HAN}]+"
)
_BULLET = re.compile(r"[*•·◦▪‣+][ \t]|\[\d+\][ \t]")
#: Starts an item only after a line that was not full or that ended a sentence: prose has them too.
_DASH_OR_NUMBER = re.compile(r"[-–—][ \t]|\d{1,2}[.)][ \t]")
_SENTENCE_END = tuple(".!?:;…。！？।؟۔'”’»)")
_PUNCTUATION = (*_SENTENCE_END, *",、，،؛")


class Span(NamedTuple):
    """A paragraph's place: ``text[start:stop]``, in code points."""

    start: int
    stop: int


class _Line(NamedTuple):
    """What wrapping shows by; widths in columns, marks of quotation left out."""

    span: Span
    content: str
    depth: int
    columns: int
    piece: int


def find_paragraphs(text: str) -> list[Span]:
    r"""Cut a text into paragraphs.

    Parameters
    ----------
    text : str
        A document's plain text, with any line ends.

    Returns
    -------
    list of Span
        In order, not overlapping, each stripped of surrounding white space and zero-width
        characters, none empty. In wrapped text a paragraph holds its line breaks.

    Examples
    --------
    >>> text = "Late goal\r\n\r\nThe home side won.\nShare"
    >>> [text[start:stop] for start, stop in find_paragraphs(text)]
    ['Late goal', 'The home side won.', 'Share']
    """
    lines = text.splitlines(keepends=True)
    cores = [line.strip(_MARGIN) for line in lines]
    starts = accumulate(map(len, lines), initial=0)
    spans = [
        Span._make((first := start + line.index(core), first + len(core)))
        for start, line, core in zip(starts, lines, cores, strict=False)
        if core
    ]
    if not _may_be_wrapped(cores):
        return spans
    blocks = [[_read_line(text, span) for span in block] for block in _group(spans, cores)]
    width = _wrap_width([block for block in blocks if len(block) > 1])
    if width is None:
        return spans
    return [span for block in blocks for span in _join_lines(block, width)]


def _may_be_wrapped(cores: list[str]) -> bool:
    """Whether lines stand below each other, and none of those is longer than any wrapped one.

    Quickly told for most documents, where all that :func:`_wrap_width` looks at need not be read.
    """
    followed = [bool(a and b) for a, b in pairwise(cores)]
    if sum(followed) < _LEAST_WRAPPED:
        return False
    padded = [False, *followed, False]
    return not any(
        len(core) > _MOST_WIDTH and _is_too_long(core) and (padded[i] or padded[i + 1])
        for i, core in enumerate(cores)
    )


def _group(spans: list[Span], cores: list[str]) -> list[list[Span]]:
    """Lines grouped by the blank ones between them."""
    blocks: list[list[Span]] = [[]]
    rest = iter(spans)
    for core in cores:
        if core:
            blocks[-1].append(next(rest))
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _is_too_long(line: str) -> bool:
    """Whether a line is longer than any wrapped one; Web addresses cannot be wrapped."""
    return len(line.lstrip("> \t")) > _MOST_WIDTH and "://" not in line


def _columns(text: str) -> int:
    """Display width: wide characters take two columns."""
    return len(text) + (0 if text.isascii() else sum(map(len, _WIDE.findall(text))))


def _read_line(text: str, span: Span) -> _Line:
    start, stop = span
    before = text[max(0, start - _MOST_WIDTH) : start]
    indent = before[len(before.rstrip(" \t\u3000")) :]
    content = text[start:stop].lstrip("> \t")
    depth = text.count(">", start, stop - len(content))
    found = _PIECE.match(content)
    # A space goes before a word, none before a wide character.
    piece = _columns(found.group()) + (not found["wide"]) if found else 0
    return _Line(span, content, depth, _columns(indent + content), piece)


def _starts_afresh(line: _Line, following: _Line) -> bool:
    """Whether a quotation or a list item starts, however full the line before is."""
    if line.depth != following.depth or not following.content or _BULLET.match(following.content):
        return True
    return bool(_DASH_OR_NUMBER.match(following.content)) and line.content.endswith(_SENTENCE_END)


def _wrap_width(blocks: list[list[_Line]]) -> int | None:
    """The width at which the document is wrapped, or None if it is not."""
    # Web addresses cannot be wrapped, so their lines show no width.
    width = max((line.columns for block in blocks for line in block if "://" not in line.content), default=0)
    if not _LEAST_WIDTH <= width <= _MOST_WIDTH:
        return None
    # Headings, items and signatures are short; before a very long word, any line is full.
    pairs = [
        (line, following)
        for block in blocks
        for line, following in pairwise(block)
        if max(width - line.columns, following.piece) <= width / 2 and not _starts_afresh(line, following)
    ]
    full = [(line, following) for line, following in pairs if line.columns + following.piece > width]
    if len(full) < max(_LEAST_WRAPPED, _FULL_SHARE * len(pairs)):
        return None
    # Verses, headlines and sentences on lines of their own end with punctuation or start with capitals.
    run_on = [1 for a, b in full if not (a.content.endswith(_PUNCTUATION) or b.content[0].isupper())]
    return width if len(run_on) >= _RUN_ON_SHARE * len(full) else None


def _join_lines(block: list[_Line], width: int) -> list[Span]:
    """Join each full line with the next; a line that had room to spare ends its paragraph."""
    joined = [block[0].span]
    for line, following in pairwise(block):
        if line.columns + following.piece > width and not _starts_afresh(line, following):
            joined[-1] = Span(joined[-1].start, following.span.stop)
        else:
            joined.append(following.span)
    return joined
