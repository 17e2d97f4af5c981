"""Documents and labels -> a scikit-learn classifier of paragraphs.

For those who tune and compare inside scikit-learn: grouped cross-validation, grid search, pipelines of their
own. A sample is a document, a list of paragraphs; its label is a list too, one entry a paragraph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from dechrome.labels import CONTENT_KINDS, KINDS, LABELS
from dechrome.prediction import ParagraphModel
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document
from dechrome.training.fitting import fit_model

__all__ = ["ParagraphClassifier"]

_Objects = npt.NDArray[np.object_]


class ParagraphClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Labels the paragraphs of documents as content or chrome, in the manner of scikit-learn.

    Parameters
    ----------
    n_documents : int
        Augmented documents to learn from; at most 60 for each document given.
    context_width : int
        Size of the hidden layers that judge a paragraph in its context.
    dropout : float
        Share of their values left out in training.
    epochs : int, optional
        Passes over the augmented documents, for every net; as in :class:`TrainingConfig` if not given.
    threshold : float, optional
        Least probability of content; chosen on the training documents if not given.
    random_state : int
    n_jobs : int
        So many scores or nets are fitted at a time, each on one thread; -1: one a core.

    Attributes
    ----------
    classes_ : ndarray of str, shape (2,)
        "chrome" and "content".
    model_ : ParagraphModel
        What was trained.
    n_features_in_ : int
        Always 1: the document.

    Examples
    --------
    >>> sorted(ParagraphClassifier(dropout=0.1).get_params())[:2]
    ['context_width', 'dropout']
    """

    def __init__(
        self,
        n_documents: int = 6_000,
        context_width: int = 96,
        dropout: float = 0.1,
        epochs: int | None = None,
        threshold: float | None = None,
        random_state: int = 0,
        n_jobs: int = 1,
    ) -> None:
        self.n_documents = n_documents
        self.context_width = context_width
        self.dropout = dropout
        self.epochs = epochs
        self.threshold = threshold
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        documents: Sequence[Sequence[str]],
        labels: Sequence[Sequence[str]],
        groups: Sequence[Any] | None = None,
    ) -> ParagraphClassifier:
        """Train.

        Parameters
        ----------
        documents : sequence of sequences of str
            The paragraphs of each document.
        labels : sequence of sequences of str
            Of each paragraph its label ("content", "chrome") or its kind ("body", "cookie", ...).
        groups : sequence, optional
            Site of each document, so that the scores that later stages learn from come from sites not seen;
            each document its own if not given.

        Returns
        -------
        ParagraphClassifier
            Itself.

        Raises
        ------
        ValueError
            If lengths differ, a label is unknown, or content or chrome is missing.
        TypeError
            If a document is not a sequence of str.
        """
        documents, labels = list(documents), list(labels)
        if len(documents) != len(labels):
            raise ValueError(f"{len(documents)} documents but {len(labels)} lists of labels.")
        sites = range(len(documents)) if groups is None else list(groups)
        made = [
            _labelled_document(i, paragraphs, names, str(site))
            for i, (paragraphs, names, site) in enumerate(zip(documents, labels, sites, strict=True))
        ]
        if {label for document in made for label in document.labels} != set(LABELS):
            raise ValueError("labels must hold both content and chrome.")
        config = TrainingConfig(
            n_documents=self.n_documents, context_width=self.context_width,
            dropout=self.dropout, random_state=self.random_state,
            n_folds=max(2, min(4, len({d.site for d in made}))),
        )  # fmt: skip
        if self.epochs is not None:
            config = replace(config, first_pass_epochs=self.epochs, context_epochs=self.epochs)
        self.model_ = ParagraphModel(fit_model(made, config, self.n_jobs))
        self.classes_ = np.array(sorted(LABELS))
        self.n_features_in_ = 1
        return self

    def _predictions(self, documents: Sequence[Sequence[str]]) -> list[Any]:
        check_is_fitted(self, "model_")
        return list(self.model_.predict_documents(list(documents), self.threshold))

    def predict(self, documents: Sequence[Sequence[str]]) -> _Objects:
        """Label paragraphs.

        Returns
        -------
        ndarray of object, shape (n_documents,)
            Of each document an array of str, shape (n_paragraphs,).
        """
        return _ragged([np.array(found.labels, dtype="U7") for found in self._predictions(documents)])

    def predict_proba(self, documents: Sequence[Sequence[str]]) -> _Objects:
        """Probabilities of the labels.

        Returns
        -------
        ndarray of object, shape (n_documents,)
            Of each document an array of float, shape (n_paragraphs, 2), columns as in ``classes_``.
        """
        p = [np.array(found.p_content, dtype=float) for found in self._predictions(documents)]
        return _ragged([np.column_stack([1 - mine, mine]) for mine in p])

    def score(
        self, documents: Sequence[Sequence[str]], labels: Sequence[Sequence[str]], sample_weight: Any = None
    ) -> float:
        """Macro F1 of the labels over all paragraphs.

        Parameters
        ----------
        documents, labels
            As in :meth:`fit`.
        sample_weight : array of float, shape (n_documents,), optional
            Weight of each document's paragraphs.
        """
        from sklearn.metrics import f1_score

        found = self.predict(documents)
        gold = [_label_of(name) for mine in labels for name in mine]
        weight = None if sample_weight is None else np.repeat(sample_weight, [len(mine) for mine in found])
        return float(
            f1_score(gold, np.concatenate(found), average="macro", sample_weight=weight, zero_division=0.0)
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.no_validation = True
        return tags


def _label_of(name: str) -> Any:
    if name in LABELS:
        return name
    if name not in KINDS:
        raise ValueError(f"label {name!r} is unknown; known: {', '.join((*LABELS, *KINDS))}.")
    return "content" if name in CONTENT_KINDS else "chrome"


def _labelled_document(number: int, paragraphs: Sequence[str], names: Sequence[str], site: str) -> Document:
    if isinstance(paragraphs, str) or not all(isinstance(text, str) for text in paragraphs):
        raise TypeError(f"document {number} must be a sequence of str, its paragraphs.")
    if isinstance(names, str) or len(paragraphs) != len(names):
        raise ValueError(f"document {number}: {len(paragraphs)} paragraphs but {len(names)} labels.")
    labels = [_label_of(name) for name in names]
    # Labels alone tell no kinds: content is taught as body, and chrome as what the nets make of it.
    stand_in = {"content": "body", "chrome": "other"}
    kinds: list[Any] = [stand_in.get(name, name) for name in names]
    read = [i for i, name in enumerate(names) if name in KINDS]
    return Document(
        str(number), "user", site, "und", "", "train", "", list(paragraphs), labels, kinds, read
    )  # fmt: skip


def _ragged(arrays: Sequence[npt.NDArray[Any]]) -> _Objects:
    made = np.empty(len(arrays), dtype=object)
    for i, array in enumerate(arrays):
        made[i] = array
    return made
