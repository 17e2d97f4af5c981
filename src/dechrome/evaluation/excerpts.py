"""Scored documents -> the paragraphs that a report shows: of the worst documents, and of changed ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from dechrome.evaluation.comparison import document_scores, find_changes
from dechrome.evaluation.measures import Scored
from dechrome.labels import CONTENT_KINDS, KINDS, Kind
from dechrome.training.corpus import Document

__all__ = ["DocumentExcerpt", "ParagraphExcerpt", "find_changed_documents", "find_worst_documents"]

#: Documents with more paragraphs show those so near to an error only, and no more than this.
_MOST_PARAGRAPHS, _AROUND = 120, 2
#: What is wrong with a paragraph: content lost, chrome kept, the right label but another kind.
Error: TypeAlias = Literal["", "lost", "kept", "kind"]


@dataclass(frozen=True, slots=True)
class ParagraphExcerpt:
    """A paragraph with its gold and predicted kind."""

    position: int
    """From 1 in its document."""
    length: int
    """In code points."""
    text: str | None
    """None where texts are left out."""
    gold: str
    """Kind; label where the kind is not known; "" where neither is."""
    predicted: Kind
    p_content: float
    error: Error
    before: str = ""
    """Kind that the baseline predicted."""
    outcome: str = ""
    """Against the baseline: "better", "worse" or "unknown"."""

    @property
    def kinds(self) -> list[str]:
        """The kinds that a reader may look for it by."""
        names = dict.fromkeys((self.predicted, self.gold, self.before))
        return [name for name in names if name in KINDS]

    @property
    def is_kept(self) -> bool:
        """Whether it was predicted to be content."""
        return self.predicted in CONTENT_KINDS


@dataclass(frozen=True, slots=True)
class DocumentExcerpt:
    """A document, how it did, and paragraphs of it."""

    document: Document
    measure: str
    """What ``score`` is: "word F1" or "paragraph accuracy"."""
    score: float
    paragraphs: list[ParagraphExcerpt]
    baseline_score: float = math.nan
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def lang(self) -> str:
        """Language for the page's markup, "" if unknown."""
        return "" if self.document.language == "und" else self.document.language

    @property
    def errors(self) -> Counter[str]:
        """Number of paragraphs by what is wrong with them."""
        return Counter(paragraph.error for paragraph in self.paragraphs if paragraph.error)

    @property
    def difference(self) -> float:
        """Score less the baseline's."""
        return self.score - self.baseline_score


def _error(document: Document, i: int, is_kept: bool, predicted: Kind) -> Error:
    label, kind = document.labels[i], document.kinds[i]
    if label is None:
        return ""
    if (label == "content") != is_kept:
        return "kept" if is_kept else "lost"
    # A kind that came from markup is too noisy to call another one wrong.
    return "kind" if kind not in (None, predicted) and i in document.read else ""


def _excerpt(item: Scored, i: int, with_texts: bool, before: str = "", outcome: str = "") -> ParagraphExcerpt:
    document, predicted, text = item.document, KINDS[int(item.kind[i])], item.document.paragraphs[i]
    return ParagraphExcerpt(
        position=i + 1,
        length=len(text),
        text=text if with_texts else None,
        gold=document.kinds[i] or document.labels[i] or "",
        predicted=predicted,
        p_content=float(item.p_content[i]),
        error=_error(document, i, bool(item.is_kept[i]), predicted),
        before=before,
        outcome=outcome,
    )


def _shown(item: Scored, with_texts: bool) -> list[ParagraphExcerpt]:
    made = [_excerpt(item, i, with_texts) for i in range(len(item.document.paragraphs))]
    if len(made) <= _MOST_PARAGRAPHS:
        return made
    near = {j for i, p in enumerate(made) if p.error for j in range(i - _AROUND, i + _AROUND + 1)}
    return [p for i, p in enumerate(made) if i in near][:_MOST_PARAGRAPHS]


def find_worst_documents(
    scored: Sequence[Scored], most: int = 30, with_texts: bool = True
) -> list[DocumentExcerpt]:
    """The documents that a model did worst on, with their paragraphs; of long ones, those around the errors.

    Parameters
    ----------
    scored : sequence of Scored
    most : int
        How many documents at most; those without an error are no worst ones.
    with_texts : bool
        Whether to show the texts, or their lengths only.

    Returns
    -------
    list of DocumentExcerpt
        From the worst on, by word F1, or paragraph accuracy where there is no gold text.
    """
    scores = document_scores(scored)
    order = sorted(
        (i for i, (_, score) in enumerate(scores) if score < 1),
        key=lambda i: (scores[i][1], scored[i].document.document_id),
    )
    return [
        DocumentExcerpt(
            scored[i].document,
            *scores[i],
            _shown(scored[i], with_texts),
        )
        for i in order[:most]
    ]


def find_changed_documents(
    scored: Sequence[Scored], baseline: Sequence[Scored], most: int = 30, with_texts: bool = True
) -> list[DocumentExcerpt]:
    """The documents whose score differs most between two models, their paragraphs of another label only.

    Parameters
    ----------
    scored, baseline : sequence of Scored
        The same documents in the same order.
    most : int
        How many documents at most.
    with_texts : bool
        Whether to show the texts, or their lengths only.

    Returns
    -------
    list of DocumentExcerpt
        From the largest loss to the largest gain.
    """
    changes = find_changes(scored, baseline)
    ours, theirs = document_scores(scored), document_scores(baseline)
    documents = []
    for d, rows in changes.groupby("document", sort=True):
        i = int(str(d))
        paragraphs = [
            _excerpt(scored[i], j, with_texts, KINDS[int(baseline[i].kind[j])], outcome)
            for j, outcome in zip(rows.paragraph.tolist(), rows.outcome.tolist(), strict=True)
        ]
        outcomes = Counter(rows.outcome.tolist())
        documents.append(DocumentExcerpt(scored[i].document, *ours[i], paragraphs, theirs[i][1], outcomes))
    differences = np.nan_to_num([document.difference for document in documents])
    largest = sorted(range(len(documents)), key=lambda i: -abs(differences[i]))[:most]
    return [documents[i] for i in sorted(largest, key=lambda i: float(differences[i]))]
