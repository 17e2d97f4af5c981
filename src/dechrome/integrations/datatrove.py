"""A datatrove step: clean or annotate documents, drop those of which too little is left.

::

    LocalPipelineExecutor(
        [JsonlReader("crawl"), ChromeFilter(min_characters=200), JsonlWriter("cleaned")], tasks=8, workers=8
    ).run()

Works with its local, Slurm and Ray executors alike: the step is pickled without its model, which each
worker loads once. Needs ``pip install 'dechrome[datatrove]'``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter

from dechrome.annotation import Annotation
from dechrome.labels import CONTENT_KINDS, Favor, Kind
from dechrome.prediction import load_model

if TYPE_CHECKING:
    from datatrove.pipeline.writers.disk_base import DiskWriter

    from dechrome.prediction import ParagraphModel

__all__ = ["ChromeFilter"]


class ChromeFilter(BaseFilter):  # type: ignore[misc]
    """Takes site chrome out of documents.

    Parameters
    ----------
    annotate : bool
        Leave the text as it is and put the paragraphs, with label, kind, probability and place in the
        text, into ``metadata["paragraphs"]``; otherwise the text becomes the kept paragraphs, joined by
        blank lines.
    min_characters : int
        Documents with fewer characters kept are dropped, for the reason ``too_little_content``.
    min_share : float
        Documents of which a smaller share of the characters is kept are dropped, for the reason
        ``too_much_chrome``. In [0, 1].
    keep : collection of str, optional
        Kinds that are kept; headline and body if not given, and to annotate all.
    model : str, optional
        A model folder; the shipped model if not given.
    favor, threshold
        As in :func:`dechrome.predict_paragraphs`.
    batch_size : int
        Documents labelled together; never changes a result.
    exclusion_writer : DiskWriter, optional
        Takes the dropped documents, their text as it was.

    Notes
    -----
    Counts paragraphs and characters, kept ones and by kind, in datatrove's statistics. A document of which
    nothing is left goes on without text unless ``min_characters`` is 1 or more.
    """

    name = "Dechrome"

    def __init__(
        self,
        annotate: bool = False,
        min_characters: int = 0,
        min_share: float = 0.0,
        *,
        keep: Collection[Kind] | None = None,
        model: str | None = None,
        favor: Favor = "balanced",
        threshold: float | None = None,
        batch_size: int = 256,
        exclusion_writer: DiskWriter | None = None,
    ) -> None:
        super().__init__(exclusion_writer, batch_size)
        if not 0 <= min_share <= 1:
            raise ValueError(f"min_share must lie in [0, 1], not {min_share!r}.")
        self.annotate, self.min_characters, self.min_share = annotate, min_characters, min_share
        self.annotation = Annotation(keep=keep)
        self.model, self.favor, self.threshold = model, favor, threshold
        self._loaded: ParagraphModel | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        """Clean or annotate a document; whether to keep it, or why not."""
        return self.filter_batch([doc])[0]

    def filter_batch(self, batch: list[Document]) -> list[bool | tuple[bool, str]]:
        """Clean or annotate documents; of each, whether to keep it, or why not."""
        if self._loaded is None:
            self._loaded = load_model(self.model)
        texts = [doc.text for doc in batch]
        labelled = self._loaded.predict_documents(texts, self.threshold, favor=self.favor)
        return [self._judge(doc, predictions) for doc, predictions in zip(batch, labelled, strict=True)]

    def _judge(self, doc: Document, predictions: Any) -> bool | tuple[bool, str]:
        keep = CONTENT_KINDS if self.annotation.keep is None else self.annotation.keep
        total = sum(map(len, predictions.texts))
        pairs = zip(predictions.texts, predictions.kinds, strict=True)
        n_kept = sum(len(text) for text, kind in pairs if kind in keep)
        self.stat_update("paragraphs", value=len(predictions))
        self.stat_update("characters", value=total)
        self.stat_update("characters_kept", value=n_kept)
        for kind, n in Counter(predictions.kinds).items():
            self.stat_update(f"paragraphs_{kind}", value=n)
        if n_kept < self.min_characters:
            return False, "too_little_content"
        if n_kept < self.min_share * total:
            return False, "too_much_chrome"
        if self.annotate:
            doc.metadata["paragraphs"] = predictions.to_dicts(self.annotation.keep)
        else:
            doc.text = predictions.content(keep)
        return True
