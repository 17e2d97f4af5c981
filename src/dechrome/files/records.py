"""The records of a file: a document, what came with it, and where it stood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ArrowRows", "BadRecord", "Record"]


class ArrowRows:
    """Rows of a Parquet file as they were read."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self._columns: dict[str, list[Any]] | None = None

    def values(self, name: str) -> list[Any]:
        """Values of a column; where Python cannot hold one (no UTF-8, a day too far), the error."""
        column = self.batch.column(name)
        try:
            return list(column.to_pylist())
        except (ValueError, OverflowError):
            values: list[Any] = []
            for scalar in column:
                try:
                    values.append(scalar.as_py())
                except (ValueError, OverflowError) as error:  # noqa: PERF203
                    values.append(error)
            return values

    def as_dict(self, row: int) -> dict[str, Any]:
        """Fields of a row; ``ValueError`` if Python cannot hold one."""
        if self._columns is None:
            names = self.batch.schema.names
            self._columns = {name: self.values(name) for name in names}
        fields = {name: values[row] for name, values in self._columns.items()}
        for name, value in fields.items():
            if isinstance(value, Exception):
                raise ValueError(f"field {name!r}: {value}")
        return fields


@dataclass(slots=True)
class Record:
    """A document and what came with it."""

    text: str | list[str] | None
    """None where the field is null: passed through without a prediction."""
    place: str
    """Where in the file, for messages."""
    fields: dict[str, Any]
    """All fields in their order, the text's as it was; empty where ``rows`` has them."""
    line: str | None = None
    """The JSON line as it was, text included."""
    rows: ArrowRows | None = None
    row: int = 0

    def all_fields(self) -> dict[str, Any]:
        """All fields in their order; of a file or an archive its name or address, not its text."""
        return self.fields if self.rows is None else self.rows.as_dict(self.row)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that is passed over."""

    place: str
    reason: str
    document_id: str | None = None
