"""What a prediction gives back: one row a paragraph, its columns kept as they are.

A sequence of :class:`Prediction`, a coloured table in a notebook, a DataFrame on demand.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from dechrome.labels import CHROME_KINDS, CONTENT_KINDS, Kind, Label

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "KIND_COLOURS", "Prediction", "Predictions"]

#: What is said of a paragraph, in the order of every table.
COLUMNS = ("text", "start", "end", "label", "kind", "p_content")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one paragraph."""

    text: str
    start: int | None
    """Offset in the document, in code points; None where paragraphs were given."""
    end: int | None
    label: Label
    kind: Kind | None
    """None where kinds were not asked for."""
    p_content: float
    """Calibrated probability of content, in [0, 1]."""


class Predictions(Sequence[Prediction]):
    """The predictions of one document: a sequence, a table in a notebook, a DataFrame on demand.

    Parameters
    ----------
    texts : sequence of str, length n_paragraphs
    spans : sequence of (int, int), optional
        Start and end of each text in the document.
    labels : sequence of str
    kinds : sequence of str, optional
    p_content : sequence of float

    Notes
    -----
    The columns are kept as they are; a :class:`Prediction` is made when one is asked for.
    """

    __slots__ = ("kinds", "labels", "p_content", "spans", "texts")

    def __init__(
        self,
        texts: Sequence[str],
        spans: Sequence[tuple[int, int]] | None,
        labels: Sequence[Label],
        kinds: Sequence[Kind] | None,
        p_content: Sequence[float],
    ) -> None:
        self.texts, self.spans, self.labels, self.kinds = texts, spans, labels, kinds
        self.p_content = p_content

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: int | slice) -> Prediction | Predictions:
        spans, kinds = self.spans, self.kinds
        if isinstance(index, slice):
            return Predictions(
                self.texts[index], None if spans is None else spans[index], self.labels[index],
                None if kinds is None else kinds[index], self.p_content[index],
            )  # fmt: skip
        start, end = (None, None) if spans is None else spans[index]
        kind = None if kinds is None else kinds[index]
        return Prediction(self.texts[index], start, end, self.labels[index], kind, self.p_content[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Predictions) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        lines = [f"{p.p_content:.2f}  {p.kind or p.label:<10}  {p.text[:70]!r}" for p in self]
        return "\n".join([f"Predictions of {len(self)} paragraphs", *lines])

    def _repr_html_(self) -> str:
        """Paragraphs coloured by kind, the probability shown on hover."""
        rows = []
        for p in self:
            colour = KIND_COLOURS[p.kind or ("body" if p.label == "content" else "other")]
            name = p.kind or p.label
            weight = "bold" if p.kind == "headline" else "normal"
            faded = "" if p.label == "content" else "opacity:.75;"
            rows.append(
                f'<div title="p_content {p.p_content:.3f}" style="{faded}border-left:.4em solid {colour};'
                f'margin:.2em 0;padding:.1em .6em" dir="auto"><small style="color:{colour}">{name}</small> '
                f'<span style="font-weight:{weight};white-space:pre-wrap">{html.escape(p.text)}</span></div>'
            )
        return f'<div class="dechrome-predictions">{"".join(rows)}</div>'

    def _kinds(self) -> Sequence[Kind]:
        """The kinds, or what stands in for them where they were not asked for."""
        return self.kinds or ["body" if label == "content" else "other" for label in self.labels]

    def content(self, keep: Collection[Kind] = CONTENT_KINDS) -> str:
        """The paragraphs of some kinds, joined by blank lines."""
        kinds = zip(self.texts, self._kinds(), strict=True)
        return "\n\n".join(text for text, kind in kinds if kind in keep)

    def to_dicts(self, keep: Collection[Kind] | None = None) -> list[dict[str, Any]]:
        """One dict a paragraph, keys text, start, end, label, kind and p_content.

        Parameters
        ----------
        keep : collection of str, optional
            Kinds to list; all if not given. Without kinds, content counts as body and chrome as other.
        """
        n = len(self)
        starts, ends = zip(*self.spans, strict=True) if self.spans else ((None,) * n, (None,) * n)
        kinds = self.kinds or (None,) * n
        rows = zip(self.texts, starts, ends, self.labels, kinds, self.p_content, strict=True)
        return [
            dict(zip(COLUMNS, row, strict=True))
            for row, kind in zip(rows, self._kinds(), strict=True)
            if keep is None or kind in keep
        ]

    def to_frame(self) -> pd.DataFrame:
        """One row a paragraph, columns text, start, end, label, kind and p_content."""
        import pandas as pd

        frame = pd.DataFrame(self.to_dicts(), columns=list(COLUMNS))
        return frame.astype({"start": "Int64", "end": "Int64", "p_content": "float64"})


#: One colour a kind, told apart on light and on dark ground.
KIND_COLOURS: dict[Kind, str] = dict(
    zip(
        (*CONTENT_KINDS, *CHROME_KINDS),
        ("#0b7a3b", "#2e9e5b", "#c0392b", "#b9770e", "#5d6d7e", "#8e44ad", "#2471a3", "#d35400", "#148f9f",
         "#9c640c", "#7b7d7d", "#909497"),
        strict=True,
    )
)  # fmt: skip
