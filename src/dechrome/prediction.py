"""Documents -> Predictions: the public way in.

A document is a ``str``, which is cut into paragraphs, or a sequence of ``str``, taken as it is.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from dechrome.artefact import SHIPPED_MODEL, read_model
from dechrome.batch import Batch
from dechrome.labels import CONTENT_KINDS, FAVORS, KINDS, LABELS, Favor, Kind, Label
from dechrome.model import Model, choose_kinds
from dechrome.results import Predictions
from dechrome.segmentation import Span, find_paragraphs

__all__ = [
    "SHIPPED_MODEL",
    "ParagraphModel",
    "clean_text",
    "load_model",
    "predict_paragraphs",
]

#: A batch is closed when it holds this many code points: large enough for array operations to pay,
#: small enough for the caches.
_BATCH_CODE_POINTS = 60_000
_MOST_DOCUMENTS = 512
#: What is sent to another process at once: so many batches' worth.
_BATCHES_SENT = 8
#: Probabilities are rounded before they meet the threshold, so a label follows from what is shown.
_DECIMALS = 4
_Document: TypeAlias = "str | Sequence[str]"
_LABEL_NAMES, _KIND_NAMES = np.array(LABELS, object), np.array(KINDS, object)


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


class _Rule(NamedTuple):
    """How scores become labels."""

    threshold: float
    favor: Favor
    with_kinds: bool


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
        self,
        document: str | Sequence[str],
        threshold: float | None = None,
        *,
        favor: Favor = "balanced",
        kinds: bool = True,
    ) -> Predictions:
        """Label every paragraph of one document; see :func:`predict_paragraphs`."""
        return next(iter(self.predict_documents([document], threshold, favor=favor, kinds=kinds)))

    def predict_documents(
        self,
        documents: Iterable[str | Sequence[str]],
        threshold: float | None = None,
        *,
        favor: Favor = "balanced",
        kinds: bool = True,
        n_jobs: int = 1,
    ) -> Iterator[Predictions]:
        """Label many documents.

        Parameters
        ----------
        documents : iterable of str or sequence of str
            Read as needed; memory does not grow with their number.
        threshold, favor, kinds
            As in :func:`predict_paragraphs`.
        n_jobs : int
            Processes (joblib), -1 for one a core; the model's tables are shared between them.

        Yields
        ------
        Predictions
            One for each document, in order. How documents are batched never changes a result.

        Raises
        ------
        TypeError
            If a document is neither a str nor a sequence of str.
        ValueError
            If the threshold is not in [0, 1], or ``favor`` is unknown.
        """
        if favor not in FAVORS:
            raise ValueError(f"favor must be one of {', '.join(FAVORS)}, not {favor!r}.")
        if threshold is None:
            threshold = self.stages.thresholds[favor]
        else:  # pages are lifted to the model's own thresholds, not to one set by hand
            favor = "balanced"
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], not {threshold!r}.")
        return self._predict(documents, _Rule(threshold, favor, kinds), n_jobs)

    def _predict(self, documents: Iterable[_Document], rule: _Rule, n_jobs: int) -> Iterator[Predictions]:
        if n_jobs == 1:
            for batch in _cut_into_batches(documents):
                yield from _label_batch(self.stages, batch, rule)
            return
        from joblib import Parallel, delayed

        sent: deque[list[_Document]] = deque()

        def send() -> Iterator[Any]:
            for part in _cut_into_batches(documents, _BATCHES_SENT):
                sent.append(part)
                yield delayed(_label_columns)(self.stages, part, rule)

        for columns in Parallel(n_jobs=n_jobs, return_as="generator")(send()):
            for document, (bounds, *others) in zip(sent.popleft(), columns, strict=True):
                if bounds is None:
                    yield Predictions(document, None, *others)
                else:
                    spans = list(zip(bounds[0::2], bounds[1::2], strict=True))
                    yield Predictions([str(document[a:b]) for a, b in spans], spans, *others)


def _cut_into_batches(documents: Iterable[_Document], n_batches: int = 1) -> Iterator[list[_Document]]:
    """Runs of documents that make up to so many batches."""
    waiting: list[_Document] = []
    size = 0
    for document in documents:
        _check_document(document)
        waiting.append(document)
        size += len(document) if isinstance(document, str) else sum(map(len, document))
        if size >= n_batches * _BATCH_CODE_POINTS or len(waiting) >= n_batches * _MOST_DOCUMENTS:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _label_batch(model: Model, documents: list[_Document], rule: _Rule) -> Iterator[Predictions]:
    placed: list[tuple[Sequence[str], list[Span] | None]] = []
    for document in documents:
        if isinstance(document, str):
            found = find_paragraphs(document)
            placed.append(([document[start:stop] for start, stop in found], found))
        else:
            placed.append((document, None))
    bounds = [0, *accumulate(len(texts) for texts, _ in placed)]
    batch = Batch([text for texts, _ in placed for text in texts], bounds)
    P, p_content = model.score(batch, rule.favor)
    p_content = p_content.astype(np.float64).round(_DECIMALS)
    is_content = p_content >= rule.threshold
    labels = _LABEL_NAMES[np.where(is_content, 0, 1)].tolist()
    kinds = _KIND_NAMES[choose_kinds(P, is_content)].tolist() if rule.with_kinds else None
    p = p_content.tolist()
    for (texts, spans), start, stop in zip(placed, bounds[:-1], bounds[1:], strict=True):
        mine = None if kinds is None else kinds[start:stop]
        yield Predictions(texts, spans, labels[start:stop], mine, p[start:stop])


def _label_columns(
    model: Model, documents: list[_Document], rule: _Rule
) -> list[tuple[list[int] | None, Sequence[Label], Sequence[Kind] | None, Sequence[float]]]:
    """What another process sends back: all but the texts."""
    return [
        (None if p.spans is None else [x for span in p.spans for x in span], p.labels, p.kinds, p.p_content)
        for batch in _cut_into_batches(documents)
        for p in _label_batch(model, batch, rule)
    ]


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


def as_model(model: str | Path | ParagraphModel | None) -> ParagraphModel:
    """The model that a path or None names, or the given one."""
    if model is None or isinstance(model, (str, Path)):
        return load_model(model)
    if not isinstance(model, ParagraphModel):
        raise TypeError(f"model must be a path or a loaded model, not {type(model).__name__}.")
    return model


def predict_paragraphs(
    document: str | Sequence[str],
    model: str | Path | ParagraphModel | None = None,
    threshold: float | None = None,
    *,
    favor: Favor = "balanced",
    kinds: bool = True,
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
        Paragraphs with ``p_content`` of at least this are content; overrides ``favor``.
    favor : {"precision", "balanced", "recall"}
        Which of the model's thresholds to use: "precision" keeps less chrome, but may keep nothing of a short
        text of which it is not sure; "recall" loses less content.
    kinds : bool
        False leaves the kinds out.

    Returns
    -------
    Predictions
        One :class:`Prediction` for each paragraph, in order; empty for an empty document.

    Raises
    ------
    TypeError
        If the document is neither a str nor a sequence of str.
    ValueError
        If the threshold is not in [0, 1], or ``favor`` is unknown.

    Notes
    -----
    ``p_content`` is a calibrated probability but for two cases, see :class:`dechrome.model.Calibration`: a
    paragraph that is the whole document is content at even odds, which are shown as the balanced threshold;
    and on a page of 40 paragraphs and more of which nothing is sure, all are lifted, with "precision" further
    than with "balanced", until the likeliest is content.

    Examples
    --------
    >>> [p.label for p in predict_paragraphs(["We use cookies to improve your visit.", "Accept all"])]
    ['chrome', 'chrome']
    """
    return as_model(model).predict_paragraphs(document, threshold, favor=favor, kinds=kinds)


def clean_text(
    document: str | Sequence[str],
    keep: Iterable[Kind] = CONTENT_KINDS,
    model: str | Path | ParagraphModel | None = None,
    threshold: float | None = None,
    *,
    favor: Favor = "balanced",
) -> str:
    """Keep the article.

    Parameters
    ----------
    document, model, threshold, favor
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
    kept: list[Any] = [keep] if isinstance(keep, str) else list(keep)
    unknown = [kind for kind in kept if kind not in KINDS]
    if unknown:
        raise ValueError(
            f"keep has unknown kinds {', '.join(map(repr, unknown))}; known: {', '.join(KINDS)}."
        )
    return predict_paragraphs(document, model, threshold, favor=favor).content(kept)
