r"""Raw text -> paragraphs, with their places in it.

Web text comes in three habits: one paragraph a line, blank lines between paragraphs, or hard-wrapped
at a width with blank lines between. The first two read alike (a line is a paragraph); only wrapped
text has to be joined. Whether a document is wrapped is decided once for all of it: its lines end
where the next word would not have fitted, and at a width at which mail and terminals wrap.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

__all__ = ["Span", "find_paragraphs"]

#: All line ends of Unicode (https://www.unicode.org/reports/tr14/ BK, CR, LF, NL), "\r\n" as one.
_LINE_END = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
#: What surrounds text without being text: white space, NBSP, zero-width characters, BOM, bidi marks.
_MARGIN = " \t\u00a0\u1680\u180e\u2000-\u200f\u202a-\u202f\u205f-\u2064\u2066-\u2069\u3000\ufeff\x00"
_CORE = re.compile(rf"[^{_MARGIN}](?:.*[^{_MARGIN}])?", re.DOTALL)
#: Widths at which text is wrapped by hand or by program, in columns.
_LEAST_WIDTH, _MOST_WIDTH = 30, 130
#: Share of the lines that must be full for a document to count as wrapped; tuned on the founding
#: habits in tests/cases/segmentation.json.
_FULL_SHARE = 0.85
_LEAST_WRAPPED_LINES = 3
_FIRST_WORD = re.compile(r"\S+")


class Span(NamedTuple):
    """A paragraph's place: ``text[start:stop]``, in code points."""

    start: int
    stop: int


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
    blocks = _find_blocks(text)
    width = _wrap_width(text, blocks)
    if width is None:
        return [line for block in blocks for line in block]
    return [span for block in blocks for span in _join_lines(text, block, width)]


def _find_blocks(text: str) -> list[list[Span]]:
    """Stripped lines, grouped by the blank lines between them."""
    blocks: list[list[Span]] = [[]]
    start = 0
    ends = [(match.start(), match.end()) for match in _LINE_END.finditer(text)]
    for stop, following in [*ends, (len(text), len(text))]:
        core = _CORE.search(text, start, stop)
        if core:
            blocks[-1].append(Span(core.start(), core.end()))
        elif blocks[-1]:
            blocks.append([])
        start = following
    return [block for block in blocks if block]


def _columns(text: str) -> int:
    """Display width: wide characters take two columns."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _next_piece(text: str, line: Span) -> int:
    """Columns of what would have had to fit on the line before: a word, or one wide character."""
    word = _FIRST_WORD.search(text, line.start, line.stop)
    piece = word.group() if word else ""
    if piece and unicodedata.east_asian_width(piece[0]) in "WF":
        return 2
    return 1 + _columns(piece)


def _is_full(text: str, line: Span, following: Span, width: int) -> bool:
    return _columns(text[line.start : line.stop]) + _next_piece(text, following) > width


def _wrap_width(text: str, blocks: list[list[Span]]) -> int | None:
    """The width at which the document is wrapped, or None if it is not."""
    inner = [line for block in blocks for line in block[:-1]]
    if len(inner) < _LEAST_WRAPPED_LINES or any(
        stop - start > _MOST_WIDTH for block in blocks if len(block) > 1 for start, stop in block
    ):
        return None
    width = max(_columns(text[start:stop]) for block in blocks if len(block) > 1 for start, stop in block)
    if not _LEAST_WIDTH <= width <= _MOST_WIDTH:
        return None
    pairs = [(line, following) for block in blocks for line, following in zip(block, block[1:], strict=False)]
    full = sum(_is_full(text, line, following, width) for line, following in pairs)
    return width if full >= _FULL_SHARE * len(pairs) else None


def _join_lines(text: str, block: list[Span], width: int) -> list[Span]:
    """Join each full line with the next; a line that had room to spare ends its paragraph."""
    joined = [block[0]]
    for line, following in zip(block, block[1:], strict=False):
        if _is_full(text, line, following, width):
            joined[-1] = Span(joined[-1].start, following.stop)
        else:
            joined.append(following)
    return joined
