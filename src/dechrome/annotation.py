"""Predictions -> what is added to a document's row: Python values, Arrow columns, a DataFrame.

One place decides what "content" and "paragraphs" are, so that files, engines and frames agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dechrome.errors import InputError
from dechrome.labels import CONTENT_KINDS, KINDS, Favor, Kind
from dechrome.prediction import ParagraphModel, as_model
from dechrome.results import COLUMNS, Predictions

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Annotation", "add_columns", "annotate", "new_arrow_fields"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a row of the output holds."""

    columns: tuple[str, ...] = ("content",)
    """Of "content" (the kept paragraphs, one string) and "paragraphs" (a list of objects)."""
    explode: bool = False
    """A row for each paragraph in place of one for each document; the document's text is left out."""
    keep: Collection[Kind] | None = None
    """Kinds that are kept; None keeps all paragraphs, and headline and body as content."""
    text_field: str = "text"
    prefix: str = ""
    """Put before the names of new fields."""

    def __post_init__(self) -> None:
        known = {"content", "paragraphs"}
        if not self.columns or not known.issuperset(self.columns) or len({*self.columns}) < len(self.columns):
            raise InputError(
                f"columns must be content, paragraphs or both, not {', '.join(self.columns) or 'none'}."
            )
        odd = [kind for kind in self.keep or () if kind not in KINDS]
        if odd:
            raise InputError(
                f"keep has unknown kinds {', '.join(map(repr, odd))}; known: {', '.join(KINDS)}."
            )

    @property
    def new_fields(self) -> tuple[str, ...]:
        """Names of the fields that are added."""
        names = ("paragraph", *COLUMNS) if self.explode else self.columns
        return tuple(self.prefix + name for name in names)

    def check(self, names: Collection[str]) -> None:
        """Raise InputError if a new field is there already; the text's own is, unless it is left out."""
        old = {*names} - {self.text_field} if self.explode else {*names, self.text_field}
        taken = [name for name in self.new_fields if name in old]
        if taken:
            raise InputError(
                f"field {', '.join(map(repr, taken))} is there already; name the new ones with --prefix."
            )

    def document_values(self, predictions: Predictions | None) -> list[Any]:
        """The new fields of a document; None for one without text."""
        if predictions is None:
            return [None] * len(self.columns)
        keep = CONTENT_KINDS if self.keep is None else self.keep
        return [
            predictions.content(keep) if column == "content" else predictions.to_dicts(self.keep)
            for column in self.columns
        ]

    def paragraph_values(self, predictions: Predictions | None) -> Iterator[list[Any]]:
        """The new fields of each paragraph that is kept."""
        if predictions is None:
            return
        for number, row in enumerate(predictions.to_dicts()):
            if self.keep is None or row["kind"] in self.keep:
                yield [number, *row.values()]


def new_arrow_fields(annotation: Annotation) -> list[pa.Field]:
    """Fields that are added to an Arrow table."""
    import pyarrow as pa

    types = dict(
        zip(
            COLUMNS,
            (pa.string(), pa.int64(), pa.int64(), pa.string(), pa.string(), pa.float64()),
            strict=True,
        )
    )
    if annotation.explode:
        return [
            pa.field(annotation.prefix + name, kind)
            for name, kind in {"paragraph": pa.int64(), **types}.items()
        ]
    made = {"content": pa.string(), "paragraphs": pa.list_(pa.struct(list(types.items())))}
    return [pa.field(annotation.prefix + name, made[name]) for name in annotation.columns]


def add_columns(
    table: pa.Table, predictions: Sequence[Predictions | None], annotation: Annotation
) -> pa.Table:
    """Add what was predicted to the rows of a table.

    Parameters
    ----------
    table : pyarrow.Table
        One row a document.
    predictions : sequence of Predictions or None, length n_rows
        None where there is no text.
    annotation : Annotation

    Returns
    -------
    pyarrow.Table
        The table's columns with their types, then the new ones; a row for each paragraph that is kept, and
        no text column, if ``annotation.explode``.
    """
    import pyarrow as pa

    fields = new_arrow_fields(annotation)
    if annotation.explode:
        rows = [list(annotation.paragraph_values(found)) for found in predictions]
        parents = pa.array([i for i, mine in enumerate(rows) for _ in mine], pa.int64())
        table = table.drop_columns([annotation.text_field]).take(parents)
        lists = list(zip(*(values for mine in rows for values in mine), strict=True)) or [()] * len(fields)
    else:
        values = [annotation.document_values(found) for found in predictions]
        lists = list(zip(*values, strict=True)) or [()] * len(fields)
    columns = [pa.array(column, field.type) for field, column in zip(fields, lists, strict=True)]
    # Not append_column: a table whose only column was dropped has no rows for it to be appended to.
    schema = pa.schema([*table.schema, *fields], table.schema.metadata)
    return pa.Table.from_arrays([*table.columns, *columns], schema=schema)


def annotate(
    frame: pd.DataFrame,
    text: str = "text",
    columns: Sequence[str] = ("content",),
    *,
    keep: Collection[Kind] | None = None,
    explode: bool = False,
    prefix: str = "",
    model: str | Path | ParagraphModel | None = None,
    favor: Favor = "balanced",
    threshold: float | None = None,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Label the documents of a DataFrame.

    Parameters
    ----------
    frame : DataFrame
        One row a document.
    text : str
        Column that holds the documents: strings, or lists or arrays of strings (their paragraphs). Missing
        values give missing values.
    columns : sequence of str
        Of "content" (the kept paragraphs, joined by blank lines) and "paragraphs" (a list of dicts).
    keep : collection of str, optional
        Kinds that are kept; headline and body if not given.
    explode : bool
        A row for each paragraph in place of one for each document, without the document's text; the
        index is the document's. All paragraphs, unless ``keep`` is given.
    prefix : str
        Put before the names of new columns.
    model, favor, threshold
        As in :func:`predict_paragraphs`.
    n_jobs : int
        Processes, -1 for one a core.

    Returns
    -------
    DataFrame
        The frame's columns and index, then the new columns.

    Raises
    ------
    KeyError
        If there is no such column.
    InputError
        If a new column is there already, ``text`` names several, or ``columns`` or ``keep`` are unknown.
    TypeError
        If a value is neither missing, a str nor a list of str.

    Examples
    --------
    >>> import pandas as pd
    >>> annotate(pd.DataFrame({"text": ["Accept all cookies"]}))["content"].tolist()
    ['']
    """
    import numpy as np
    import pandas as pd

    made = Annotation(tuple(columns), explode, keep, text, prefix)
    if list(frame.columns).count(text) > 1:
        raise InputError(f"several columns are named {text!r}.")
    made.check([name for name in frame.columns if not (explode and name == text)])
    # Lists that were read from Parquet are arrays.
    values = [v.tolist() if isinstance(v, np.ndarray) else v for v in frame[text]]
    is_missing = [not isinstance(v, (str, list, tuple)) and bool(pd.isna(v)) for v in values]
    labelled = as_model(model).predict_documents(
        (v for v, missing in zip(values, is_missing, strict=True) if not missing),
        threshold,
        favor=favor,
        n_jobs=n_jobs,
    )
    predictions = [None if missing else next(labelled) for missing in is_missing]
    if explode:
        rows = [list(made.paragraph_values(found)) for found in predictions]
        parents = [i for i, mine in enumerate(rows) for _ in mine]
        new = pd.DataFrame([row for mine in rows for row in mine], columns=list(made.new_fields))
        types = {"paragraph": "int64", "start": "Int64", "end": "Int64", "p_content": "float64"}
        new = new.astype({prefix + name: kind for name, kind in types.items()})
        old = frame.drop(columns=text).iloc[parents]
        return pd.concat([old, new.set_axis(old.index)], axis=1)
    lists = list(zip(*map(made.document_values, predictions), strict=True)) or [()] * len(made.columns)
    return frame.assign(
        **{
            name: pd.Series(column, frame.index, dtype=object)
            for name, column in zip(made.new_fields, lists, strict=True)
        }
    )
