"""Records and their predictions -> file: new fields beside the old ones, or a row for each paragraph.

Old fields pass through as they were: a JSON line keeps its bytes, a Parquet row its types. A file
appears under its name when it is whole, never before.
"""

from __future__ import annotations

import abc
import contextlib
import csv
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dechrome.annotation import Annotation, add_columns, new_arrow_fields
from dechrome.errors import InputError
from dechrome.files.formats import Compression, Format, open_compressed
from dechrome.files.records import Record
from dechrome.labels import CONTENT_KINDS
from dechrome.results import Predictions

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Writer", "make_writer", "write_whole"]

#: Rows of a Parquet row group, and the characters at which one is closed before it has that many.
_ROWS, _CHARACTERS = 2_000, 16_000_000


class Writer(abc.ABC):
    """Writes one file or stream."""

    def __init__(self, file: IO[bytes], annotation: Annotation) -> None:
        self.file, self.annotation = file, annotation

    @abc.abstractmethod
    def write(self, record: Record, predictions: Predictions | None) -> None:
        """Write a document; ``ValueError`` if it cannot be told in this format."""

    def close(self) -> None:  # noqa: B027  (most hold nothing back)
        """Write what is left; the file below stays open."""

    def _rows(self, record: Record, predictions: Predictions | None) -> Iterator[dict[str, Any]]:
        fields = record.all_fields()
        self.annotation.check(fields)
        names = self.annotation.new_fields
        if self.annotation.explode:
            others = {name: value for name, value in fields.items() if name != self.annotation.text_field}
            for values in self.annotation.paragraph_values(predictions):
                yield others | dict(zip(names, values, strict=True))
        else:
            yield fields | dict(zip(names, self.annotation.document_values(predictions), strict=True))


class _TextWriter(Writer):
    """The kept paragraphs, documents one after the other."""

    def write(self, record: Record, predictions: Predictions | None) -> None:
        if predictions is not None:
            text = predictions.content(
                CONTENT_KINDS if self.annotation.keep is None else self.annotation.keep
            )
            self.file.write((text + "\n").encode())


class _JsonWriter(Writer):
    def write(self, record: Record, predictions: Predictions | None) -> None:
        if record.line is not None and not self.annotation.explode:
            self.annotation.check(record.fields)
            values = zip(
                self.annotation.new_fields, self.annotation.document_values(predictions), strict=True
            )
            added = _to_json(dict(values))[1:]
            self._write_line(record.line[:-1].rstrip(), ", ", added)
            return
        for row in self._rows(record, predictions):
            self._write_line(_to_json(row))

    def _write_line(self, *parts: str) -> None:
        """Parts are not joined, as each may be long; all are encoded first, as one may be no UTF-8."""
        for part in [*(part.encode() for part in parts), b"\n"]:
            self.file.write(part)


class _TableWriter(Writer):
    """CSV or TSV: lists and objects as JSON in their cell, dates and bytes as JSON has them.

    The first row decides the fields.
    """

    def __init__(self, file: IO[bytes], annotation: Annotation, delimiter: str) -> None:
        super().__init__(file, annotation)
        self._delimiter = delimiter
        self._header: list[str] | None = None

    def write(self, record: Record, predictions: Predictions | None) -> None:
        buffer = io.StringIO()
        plain = csv.writer(buffer, delimiter=self._delimiter, lineterminator="\n")
        quoted = csv.writer(buffer, delimiter=self._delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        header = self._header
        for row in self._rows(record, predictions):
            if header is None:
                header = list(row)
                plain.writerow(header)
            elif row.keys() != set(header):
                odd = sorted(row.keys() ^ set(header))
                raise ValueError(f"fields differ from the first row's: {', '.join(map(repr, odd))}")
            cells = [_cell(row[name]) for name in header]
            # Python before 3.13 leaves a lone carriage return unquoted.
            (quoted if any("\r" in cell for cell in cells if isinstance(cell, str)) else plain).writerow(
                cells
            )
        self.file.write(buffer.getvalue().encode("utf-8", "backslashreplace"))
        self._header = header


class _ParquetWriter(Writer):
    """Rows that came from Parquet keep their types; of others the first thousands of rows decide them."""

    def __init__(
        self, file: IO[bytes], annotation: Annotation, compression: Compression, schema: pa.Schema | None
    ) -> None:
        try:
            import pyarrow
        except ImportError as error:
            raise ImportError("Parquet needs pyarrow: pip install 'dechrome[files]'.") from error
        super().__init__(file, annotation)
        self._codec = {"none": "snappy"}.get(compression, compression)
        self._writer: Any = None
        self._waiting: list[tuple[Record, Predictions | None]] = []
        self._n_characters = 0
        self._pa = pyarrow
        self._schema = None if schema is None else self._output_schema(schema)

    def _output_schema(self, schema: pa.Schema) -> pa.Schema:
        self.annotation.check(schema.names)
        kept = [f for f in schema if not (self.annotation.explode and f.name == self.annotation.text_field)]
        return self._pa.schema([*kept, *new_arrow_fields(self.annotation)], metadata=schema.metadata)

    def write(self, record: Record, predictions: Predictions | None) -> None:
        self._waiting.append((record, predictions))
        self._n_characters += 0 if predictions is None else sum(map(len, predictions.texts))
        if len(self._waiting) >= _ROWS or self._n_characters >= _CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._n_characters = self._waiting, [], 0
        try:
            tables = [self._table(rows) for rows in _by_batch(waiting)]
            if not tables and self._writer is None:
                tables = [(self._schema or self._empty_schema()).empty_table()]
            for table in tables:
                self._write_table(table)
        except (self._pa.ArrowException, ValueError, TypeError, OverflowError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"fields or types differ from the first rows' ({' '.join(str(error).split())}); "
                "write .jsonl instead."
            ) from error

    def _write_table(self, table: pa.Table) -> None:
        if self._writer is None:
            import pyarrow.parquet as pq

            self._schema = table.schema if self._schema is None else self._schema
            self._writer = pq.ParquetWriter(self.file, self._schema, compression=self._codec)
        self._writer.write_table(table)

    def _empty_schema(self) -> pa.Schema:
        return self._pa.schema(new_arrow_fields(self.annotation))

    def _table(self, waiting: Sequence[tuple[Record, Predictions | None]]) -> pa.Table:
        rows = waiting[0][0].rows
        if rows is not None:
            taken = self._pa.array([record.row for record, _ in waiting], self._pa.int64())
            old = self._pa.Table.from_batches([rows.batch]).take(taken)
            return add_columns(old, [predictions for _, predictions in waiting], self.annotation)
        dicts = [row for record, predictions in waiting for row in self._rows(record, predictions)]
        new = new_arrow_fields(self.annotation)
        if self._schema is None:
            names = {field.name for field in new}
            olds = [{k: v for k, v in row.items() if k not in names} for row in dicts]
            inferred = self._pa.Table.from_pylist(olds).schema if olds and any(olds) else self._pa.schema([])
            self._schema = self._pa.schema([*inferred, *new])
        odd = sorted({name for row in dicts for name in row.keys() - set(self._schema.names)})
        if odd:
            raise InputError(
                f"fields {', '.join(map(repr, odd))} are not in the first rows; write .jsonl instead."
            )
        return self._pa.Table.from_pylist(dicts, schema=self._schema)

    def close(self) -> None:
        self._flush()
        self._writer.close()


def _by_batch(
    waiting: Sequence[tuple[Record, Predictions | None]],
) -> Iterator[list[tuple[Record, Predictions | None]]]:
    """Runs of rows that were read together."""
    for _, group in itertools.groupby(waiting, key=lambda pair: id(pair[0].rows)):
        yield list(group)


def make_writer(
    file: IO[bytes],
    output_format: Format,
    compression: Compression,
    annotation: Annotation,
    schema: pa.Schema | None = None,
) -> Writer:
    """A writer onto an open file.

    Parameters
    ----------
    file : binary file
    output_format, compression
    annotation : Annotation
    schema : pyarrow.Schema, optional
        Of the rows to come, where they are known to come from Parquet.
    """
    if output_format == "parquet":
        return _ParquetWriter(file, annotation, compression, schema)
    if output_format == "jsonl":
        return _JsonWriter(file, annotation)
    if output_format in ("csv", "tsv"):
        return _TableWriter(file, annotation, "," if output_format == "csv" else "\t")
    return _TextWriter(file, annotation)


@contextlib.contextmanager
def write_whole(path: Path, compression: Compression = "none") -> Iterator[IO[bytes]]:
    """Open a file that takes its name when all of it has been written, and is gone if that fails.

    Its partial name is fixed, so what a killed run left is overwritten by the next.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as raw:
            compressed = open_compressed(raw, compression)
            try:
                yield compressed
            finally:
                if compressed is not raw:
                    compressed.close()
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _to_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate in a field that passes through
        return json.dumps(value, default=_plain)
    return text


def _plain(value: Any) -> Any:
    """What JSON has no type for: dates, decimals, bytes."""
    if isinstance(value, (bytes, bytearray)):
        import base64

        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cell(value: object) -> object:
    if isinstance(value, (list, dict, bool)):
        return _to_json(value)
    return value if value is None or isinstance(value, (str, int, float)) else _plain(value)
