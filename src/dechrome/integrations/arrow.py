"""Arrow table in, Arrow table out: one class for Ray Data, Hugging Face datasets, Spark and Parquet files.

::

    dataset.map_batches(ArrowLabeler("text"), batch_format="pyarrow")        # Ray Data
    dataset.with_format("arrow").map(ArrowLabeler("text"), batched=True)     # Hugging Face datasets
    frame.mapInArrow(ArrowLabeler("text"), schema=...)                       # Spark

Needs pyarrow, which all of them bring.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from dechrome.annotation import Annotation, add_columns
from dechrome.labels import Favor, Kind
from dechrome.prediction import ParagraphModel, load_model

__all__ = ["ArrowLabeler"]


@functools.lru_cache(maxsize=4)
def _load(path: str | None) -> ParagraphModel:
    return load_model(path)


class ArrowLabeler:
    """Labels the documents of an Arrow table; the model is loaded once in each process.

    Parameters
    ----------
    text : str
        Column that holds the documents: strings, or lists of strings (their paragraphs).
    columns : sequence of str
        Of "content" and "paragraphs": what is added.
    keep : collection of str, optional
        Kinds that are kept; headline and body if not given.
    explode : bool
        A row for each paragraph in place of one for each document.
    prefix : str
        Put before the names of new columns.
    model : str, optional
        A model folder; the shipped model if not given.
    favor, threshold
        As in :func:`dechrome.predict_paragraphs`.

    Examples
    --------
    >>> table = pa.table({"text": ["Accept all cookies"], "id": [7]})
    >>> ArrowLabeler(columns=["content"])(table).to_pylist()
    [{'text': 'Accept all cookies', 'id': 7, 'content': ''}]
    """

    def __init__(
        self,
        text: str = "text",
        columns: Sequence[str] = ("content",),
        *,
        keep: Collection[Kind] | None = None,
        explode: bool = False,
        prefix: str = "",
        model: str | None = None,
        favor: Favor = "balanced",
        threshold: float | None = None,
    ) -> None:
        self.annotation = Annotation(tuple(columns), explode, keep, text, prefix)
        self.model, self.favor, self.threshold = model, favor, threshold

    def __call__(self, batch: Any) -> Any:
        """Label a table, a record batch, or each of a stream of record batches."""
        if isinstance(batch, pa.Table):
            return self._label(batch)
        if isinstance(batch, pa.RecordBatch):
            return self._label_batch(batch)
        return self._label_stream(batch)

    def _label_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        table = self._label(pa.Table.from_batches([batch]))
        columns = [column.combine_chunks() for column in table.columns]
        return pa.RecordBatch.from_arrays(columns, schema=table.schema)

    def _label_stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield self._label_batch(batch)

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Schema of what comes out for tables of a schema."""
        return self._label(schema.empty_table()).schema

    def _label(self, table: pa.Table) -> pa.Table:
        annotation = self.annotation
        if annotation.text_field not in table.column_names:
            raise ValueError(
                f"no column {annotation.text_field!r}; the table has {', '.join(table.column_names)}."
            )
        annotation.check(list(table.column_names))
        texts = table.column(annotation.text_field).to_pylist()
        labelled = _load(self.model).predict_documents(
            (text for text in texts if text is not None), self.threshold, favor=self.favor
        )
        return add_columns(table, [None if text is None else next(labelled) for text in texts], annotation)
