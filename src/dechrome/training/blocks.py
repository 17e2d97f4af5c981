"""HTML -> visible text blocks, each with the markup around it.

A block is what :func:`dechrome.html.paragraphs_from_html` makes a paragraph of: the text between
two block-level boundaries, in reading order. The markup (tags, class and id names, ARIA roles,
itemprops of the enclosing elements) is kept only to *label* training data; it is never a feature.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

__all__ = ["Block", "Element", "blocks_from_html"]

_SKIPPED = frozenset(
    "script style noscript template iframe svg textarea select head object embed canvas math".split()
)
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark q s samp small "
    "span strike strong sub sup time tt u var wbr picture source ruby rb rt rp".split()
)
_SPACES = re.compile(r"[\s\u200b\ufeff\xa0]+")


class Element(NamedTuple):
    """One enclosing element: its tag and its class, id, role and itemprop names as one string."""

    tag: str
    names: str


class Block(NamedTuple):
    """A visible text block and its enclosing elements, the nearest first, ``body`` left out."""

    text: str
    elements: tuple[Element, ...]
    #: Share of the text's characters inside ``<a>``, in [0, 1].
    link_ratio: float


def _names(node: Any) -> str:
    values = (node.getattr(name) for name in ("class", "id", "role", "itemprop", "rel", "data-testid"))
    return " ".join(value for value in values if value).lower()


class _Collector:
    """Gathers text nodes until a block boundary closes the block."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._pieces: list[str] = []
        self._linked = 0
        self._elements: tuple[Element, ...] = ()

    def add(self, text: str, stack: list[Element], in_link: bool) -> None:
        if not text.strip():
            if self._pieces:
                self._pieces.append(" ")
            return
        if not any(piece.strip() for piece in self._pieces):
            self._elements = tuple(reversed(stack))
        self._pieces.append(text)
        if in_link:
            self._linked += len(text.strip())

    def close(self) -> None:
        text = _SPACES.sub(" ", "".join(self._pieces)).strip()
        if text:
            self.blocks.append(Block(text, self._elements, min(1.0, self._linked / len(text))))
        self._pieces, self._linked = [], 0


def blocks_from_html(html: str) -> list[Block]:
    """Cut a page into its visible text blocks.

    Parameters
    ----------
    html : str
        The page's source.

    Returns
    -------
    list of Block
        In document order; empty if the page shows no text.
    """
    from resiliparse.parse.html import ELEMENT, TEXT, HTMLTree

    body = HTMLTree.parse(html).body
    collector = _Collector()
    if body is None:
        return []
    stack: list[Element] = []
    # Depth first without recursion: pages nest deeper than Python's stack allows.
    todo: list[tuple[Any, bool]] = [(child, True) for child in reversed(body.child_nodes)]
    while todo:
        node, entering = todo.pop()
        if not entering:
            stack.pop()
            if node not in _INLINE:
                collector.close()
            continue
        if node.type == TEXT:
            in_link = any(element.tag == "a" for element in stack)
            in_pre = any(element.tag == "pre" for element in stack)
            for i, piece in enumerate(node.text.split("\n") if in_pre else [node.text]):
                if i:
                    collector.close()
                collector.add(piece, stack, in_link)
        elif node.type == ELEMENT:
            tag = node.tag
            if tag in _SKIPPED:
                continue
            if tag in ("br", "hr"):
                collector.close()
                continue
            if tag not in _INLINE:
                collector.close()
            stack.append(Element(tag, _names(node)))
            todo.append((tag, False))
            todo.extend((child, True) for child in reversed(node.child_nodes))
    collector.close()
    return collector.blocks
