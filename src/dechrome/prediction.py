"""Documents -> Predictions: the public way in.

A document is a ``str``, which is cut into paragraphs, or a sequence of ``str``, taken as it is.
"""

from __future__ import annotations

import functools
import html
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, overload

import numpy as np

from dechrome.artefact import read_model
from dechrome.batch import Batch
from dechrome.labels import CHROME_KINDS, CONTENT_KINDS, KINDS, Kind, Label
from dechrome.model import Model, choose_kinds
from dechrome.segmentation import find_paragraphs

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SHIPPED_MODEL",
    "ParagraphModel",
    "Prediction",
    "Predictions",
    "clean_text",
    "load_model",
    "predict_paragraphs",
]

#: Folder of the model that comes with the package.
SHIPPED_MODEL = Path(__file__).with_name("models") / "small"
#: A batch is closed when it holds this many code points: large enough for array operations to pay,
#: small enough for the caches.
_BATCH_CODE_POINTS = 60_000
_MOST_DOCUMENTS = 512
#: Probabilities are rounded before they meet the threshold, so a label follows from what is shown.
_DECIMALS = 4
#: A paragraph's text, start and end.
_Placed: TypeAlias = "tuple[str, int | None, int | None]"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one paragraph."""

    text: str
    start: int | None
    """Offset in the document, in code points; None where paragraphs were given."""
    end: int | None
    label: Label
    kind: Kind
    p_content: float
    """Calibrated probability of content, in [0, 1]."""


class Predictions(Sequence[Prediction]):
    """The predictions of one document: a sequence, a table in a notebook, a DataFrame on demand."""

    def __init__(self, predictions: Iterable[Prediction]) -> None:
        self._predictions = tuple(predictions)

    def __len__(self) -> int:
        return len(self._predictions)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: int | slice) -> Prediction | Predictions:
        if isinstance(index, slice):
            return Predictions(self._predictions[index])
        return self._predictions[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Predictions) and self._predictions == other._predictions

    def __hash__(self) -> int:
        return hash(self._predictions)

    def __repr__(self) -> str:
        lines = [f"{p.p_content:.2f}  {p.kind:<10}  {p.text[:70]!r}" for p in self]
        return "\n".join([f"Predictions of {len(self)} paragraphs", *lines])

    def _repr_html_(self) -> str:
        """Paragraphs coloured by kind, the probability shown on hover."""
        rows = []
        for p in self:
            colour, weight = _COLOURS[p.kind], "bold" if p.kind == "headline" else "normal"
            faded = "" if p.label == "content" else "opacity:.75;"
            rows.append(
                f'<div title="p_content {p.p_content:.3f}" style="{faded}border-left:.4em solid {colour};'
                f'margin:.2em 0;padding:.1em .6em" dir="auto"><small style="color:{colour}">{p.kind}</small> '
                f'<span style="font-weight:{weight};white-space:pre-wrap">{html.escape(p.text)}</span></div>'
            )
        return f'<div class="dechrome-predictions">{"".join(rows)}</div>'

    def to_frame(self) -> pd.DataFrame:
        """One row a paragraph, columns text, start, end, label, kind and p_content."""
        import pandas as pd

        columns = ["text", "start", "end", "label", "kind", "p_content"]
        frame = pd.DataFrame([[getattr(p, name) for name in columns] for p in self], columns=columns)
        return frame.astype({"start": "Int64", "end": "Int64", "p_content": "float64"})


#: One colour a kind, told apart on light and on dark ground.
_COLOURS: dict[Kind, str] = dict(
    zip(
        (*CONTENT_KINDS, *CHROME_KINDS),
        ("#0b7a3b", "#2e9e5b", "#c0392b", "#b9770e", "#5d6d7e", "#8e44ad", "#2471a3", "#d35400", "#148f9f",
         "#9c640c", "#7b7d7d", "#909497"),
        strict=True,
    )
)  # fmt: skip


def _check_document(document: object) -> None:
    """Raise TypeError unless the document is a str or a sequence of str."""
    if isinstance(document, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"document must be str or a sequence of str, not {type(document).__name__}; decode it first, "
            "for instance with document.decode('utf-8')."
        )
    if not isinstance(document, Sequence):
        raise TypeError(f"document must be str or a sequence of str, not {type(document).__name__}.")
    if not isinstance(document, str):
        for i, paragraph in enumerate(document):
            if not isinstance(paragraph, str):
                raise TypeError(f"paragraph {i} must be str, not {type(paragraph).__name__}.")


class ParagraphModel:
    """A loaded model, ready to predict. Immutable, safe to share between threads.

    Parameters
    ----------
    model : Model
        The stages, as read from a model folder or as trained.
    """

    def __init__(self, model: Model) -> None:
        self.stages = model

    @property
    def threshold(self) -> float:
        """Paragraphs with ``p_content`` of at least this are content, unless a call says otherwise."""
        return self.stages.threshold

    def predict_paragraphs(
        self, document: str | Sequence[str], threshold: float | None = None
    ) -> Predictions:
        """Label every paragraph of one document; see :func:`predict_paragraphs`."""
        return next(iter(self.predict_documents([document], threshold)))

    def predict_documents(
        self, documents: Iterable[str | Sequence[str]], threshold: float | None = None
    ) -> Iterator[Predictions]:
        """Label many documents.

        Parameters
        ----------
        documents : iterable of str or sequence of str
            Read as needed; memory does not grow with their number.
        threshold : float, optional
            In [0, 1]; the model's own if not given.

        Yields
        ------
        Predictions
            One for each document, in order. How documents are batched never changes a result.

        Raises
        ------
        TypeError
            If a document is neither a str nor a sequence of str.
        ValueError
            If the threshold is not in [0, 1].
        """
        threshold = self.threshold if threshold is None else threshold
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], not {threshold!r}.")
        return self._predict(documents, threshold)

    def _predict(self, documents: Iterable[str | Sequence[str]], threshold: float) -> Iterator[Predictions]:
        waiting: list[list[_Placed]] = []
        size = 0
        for document in documents:
            _check_document(document)
            if isinstance(document, str):
                spans = find_paragraphs(document)
                paragraphs: list[_Placed] = [(document[start:stop], start, stop) for start, stop in spans]
            else:
                paragraphs = [(text, None, None) for text in document]
            waiting.append(paragraphs)
            size += sum(len(text) for text, _, _ in paragraphs)
            if size >= _BATCH_CODE_POINTS or len(waiting) >= _MOST_DOCUMENTS:
                yield from self._predict_batch(waiting, threshold)
                waiting, size = [], 0
        if waiting:
            yield from self._predict_batch(waiting, threshold)

    def _predict_batch(self, documents: list[list[_Placed]], threshold: float) -> Iterator[Predictions]:
        ptr = np.concatenate([[0], np.cumsum([len(paragraphs) for paragraphs in documents])])
        batch = Batch([text for paragraphs in documents for text, _, _ in paragraphs], ptr)
        P, p_content = self.stages.score(batch)
        p_content = p_content.astype(np.float64).round(_DECIMALS)
        is_content = p_content >= threshold
        kinds = choose_kinds(P, is_content).tolist()
        rows = zip(is_content.tolist(), kinds, p_content.tolist(), strict=True)
        for paragraphs in documents:
            yield Predictions(
                Prediction(text, start, stop, "content" if content else "chrome", KINDS[kind], p)
                for (text, start, stop), (content, kind, p) in zip(paragraphs, rows, strict=False)
            )


_shipped_lock = threading.Lock()


@functools.cache
def _load_shipped() -> ParagraphModel:
    return ParagraphModel(read_model(SHIPPED_MODEL))


def load_model(path: str | Path | None = None) -> ParagraphModel:
    """Load a model.

    Parameters
    ----------
    path : str or Path, optional
        A model folder as ``dechrome train`` writes it. Without it, the shipped model, which is
        loaded once and shared by all threads.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ModelFormatError
        If it is not a model of a format known to this version, or is damaged.

    Notes
    -----
    Nothing in the folder is executed: it holds arrays, JSON and, where the lexicon is fastText's,
    that library's own format, whose hash is checked before it is opened.
    """
    if path is not None:
        return ParagraphModel(read_model(Path(path)))
    with _shipped_lock:
        return _load_shipped()


def _as_model(model: str | Path | ParagraphModel | None) -> ParagraphModel:
    if model is None or isinstance(model, (str, Path)):
        return load_model(model)
    if not isinstance(model, ParagraphModel):
        raise TypeError(f"model must be a path or a loaded model, not {type(model).__name__}.")
    return model


def predict_paragraphs(
    document: str | Sequence[str],
    model: str | Path | ParagraphModel | None = None,
    threshold: float | None = None,
) -> Predictions:
    """Label every paragraph of a document as content or chrome, with its kind.

    Parameters
    ----------
    document : str or sequence of str
        A str is cut into paragraphs, and ``document[p.start:p.end] == p.text``. A sequence is taken
        as it is: one prediction for each element, empty strings included, offsets None.
    model : str, Path or loaded model, optional
        The shipped model if not given.
    threshold : float, optional
        Paragraphs with ``p_content`` of at least this are content; the model's own if not given.

    Returns
    -------
    Predictions
        One :class:`Prediction` for each paragraph, in order; empty for an empty document.

    Raises
    ------
    TypeError
        If the document is neither a str nor a sequence of str.
    ValueError
        If the threshold is not in [0, 1].

    Examples
    --------
    >>> [p.label for p in predict_paragraphs(["We use cookies to improve your visit.", "Accept all"])]
    ['chrome', 'chrome']
    """
    return _as_model(model).predict_paragraphs(document, threshold)


def clean_text(
    document: str | Sequence[str],
    keep: Iterable[Kind] = CONTENT_KINDS,
    model: str | Path | ParagraphModel | None = None,
    threshold: float | None = None,
) -> str:
    """Keep the article.

    Parameters
    ----------
    document, model, threshold
        As in :func:`predict_paragraphs`.
    keep : iterable of str
        Kinds to keep.

    Returns
    -------
    str
        The kept paragraphs joined by blank lines.

    Raises
    ------
    ValueError
        If ``keep`` names an unknown kind.

    Examples
    --------
    >>> clean_text(["Accept all cookies", "Share on Facebook"])
    ''
    """
    kinds = [keep] if isinstance(keep, str) else list(keep)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(
            f"keep has unknown kinds {', '.join(map(repr, unknown))}; known: {', '.join(KINDS)}."
        )
    predictions = predict_paragraphs(document, model, threshold)
    return "\n\n".join(p.text for p in predictions if p.kind in kinds)
