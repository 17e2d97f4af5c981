"""The vocabulary: two labels, twelve kinds, and the order of every column that stands for them."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

__all__ = [
    "CHROME_KINDS",
    "CONTENT_KINDS",
    "FAVORS",
    "KINDS",
    "KIND_MEANINGS",
    "LABELS",
    "LEXICAL_SCORES",
    "SCORES",
    "Favor",
    "Kind",
    "Label",
]

Label: TypeAlias = Literal["content", "chrome"]
Kind: TypeAlias = Literal[
    "headline",
    "body",
    "cookie",
    "caption",
    "navigation",
    "related",
    "byline",
    "promotion",
    "social",
    "comment",
    "legal",
    "other",
]

Favor: TypeAlias = Literal["precision", "balanced", "recall"]

#: What a threshold may favour: losing chrome, neither, or keeping content.
FAVORS: tuple[Favor, ...] = get_args(Favor)

LABELS: tuple[Label, ...] = get_args(Label)

#: The columns of every ``P (n_paragraphs, n_kinds)``: the content kinds first, then the chrome kinds.
KINDS: tuple[Kind, ...] = get_args(Kind)
CONTENT_KINDS: tuple[Kind, ...] = KINDS[:2]
CHROME_KINDS: tuple[Kind, ...] = KINDS[2:]

#: Columns of the pattern scores: each kind against the rest, then content against chrome.
SCORES: tuple[str, ...] = (*KINDS, "content")
#: Columns of the lexical scores: the same, then how much of the paragraph the lexicon knows, in [0, 1].
LEXICAL_SCORES: tuple[str, ...] = (*SCORES, "coverage")

#: What belongs to each kind, as the README's table tells it (a test keeps them the same).
KIND_MEANINGS: dict[Kind, str] = {
    "headline": "the page's own title",
    "body": "standfirst, paragraphs, subheads, quotes, lists, corrections",
    "cookie": "consent and privacy notices and their buttons",
    "caption": "photo, video and graphic captions and credits",
    "navigation": "menus, breadcrumbs, tags, pagination, buttons, language and search",
    "related": "teasers of other stories and their section labels",
    "byline": "authors, bios, dates, reading time, agency credit",
    "promotion": "newsletter, paywall, login, app, donation, advertisement, sponsor",
    "social": "share, follow, like, counters",
    "comment": "reader comments, comment form",
    "legal": "copyright, imprint, terms, company footer",
    "other": "weather and stock widgets, player controls, errors, polls, lone symbols",
}
