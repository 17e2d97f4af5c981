"""File -> records: the text of each document, where it stands, and its other fields untouched.

A record that cannot be used comes as a :class:`BadRecord` with its reason, in its place in the
order; a file that cannot be read on raises :class:`InputError`. Memory is bounded whatever the input:
lines and payloads longer than ``max_bytes`` are passed over, not loaded.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from dechrome.errors import DechromeError, InputError
from dechrome.files.archives import ArchiveRecord, read_archive, read_http, read_most
from dechrome.files.formats import InputFile, open_input
from dechrome.files.lines import BoundedLines, check_encoding, has_plain_line_ends
from dechrome.files.records import ArrowRows, BadRecord, Record

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ReadOptions", "RecordReader"]

#: Rows of a Parquet file that are decoded together.
_ROWS = 256
_HTML_TYPES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read."""

    text_field: str = "text"
    """Field that holds the document: a string, or a list of strings, its paragraphs."""
    id_field: str | None = None
    """Field that names the document in messages; must be there."""
    is_html: bool = False
    """Whether the text is the source of an HTML page."""
    encoding: str = "utf-8"
    """Of plain text, JSON Lines and tables."""
    max_bytes: int = 1 << 28
    """Longer records are passed over."""

    def __post_init__(self) -> None:
        if not 0 < self.max_bytes < sys.maxsize:
            raise DechromeError(f"--max-bytes {self.max_bytes}: must lie between 1 and {sys.maxsize - 1}.")


class RecordReader:
    """The records of one file, in order.

    Parameters
    ----------
    file : InputFile
    options : ReadOptions

    Raises
    ------
    InputError
        While iterating: if the file is missing, not of its format, lacks the text field, or ends too early.
    DechromeError
        If the encoding is unknown.
    """

    def __init__(self, file: InputFile, options: ReadOptions) -> None:
        self.file, self.options = file, options
        self.schema: pa.Schema | None = None
        """Of a Parquet file, once it has been opened."""
        self._raw: IO[bytes] | None = None
        self._share = 0.0

    def n_bytes_read(self) -> int:
        """How much of the file has been read, in bytes on disk."""
        if self.file.format == "parquet":
            return int(self._share * self.file.n_bytes)
        try:
            return self._raw.tell() if self._raw is not None and not self._raw.closed else 0
        except OSError:  # a pipe
            return 0

    def __iter__(self) -> Iterator[Record | BadRecord]:
        check_encoding(self.options.encoding)
        n = 0
        try:
            stream, self._raw = open_input(self.file)
            try:
                for record in self._read(stream):
                    yield record
                    n += 1
            finally:
                if not self.file.is_stdin:
                    self._raw.close()
        except InputError as error:
            raise InputError(f"{self.file.shown}: {error}") from error
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise InputError(f"{self.file.shown}: {error.strerror or error}.") from error
        except (OSError, EOFError, zlib.error, csv.Error, UnicodeError) as error:
            raise InputError(
                f"{self.file.shown}: damaged or cut off after {n} records ({' '.join(str(error).split())})."
            ) from error

    def _read(self, stream: BinaryIO) -> Iterator[Record | BadRecord]:
        match self.file.format:
            case "text" | "html":
                return self._read_document(stream)
            case "jsonl":
                return self._read_json_lines(stream)
            case "csv" | "tsv":
                return self._read_table(stream, "," if self.file.format == "csv" else "\t")
            case "parquet":
                return self._read_parquet(stream)
            case "wet" | "warc":
                return self._read_warc(stream, self.file.format == "warc")

    # --- a file, a document ------------------------------------------------------------------------

    def _read_document(self, stream: BinaryIO) -> Iterator[Record | BadRecord]:
        raw = read_most(stream, self.options.max_bytes + 1)
        if len(raw) > self.options.max_bytes:
            raise InputError(f"longer than {self.options.max_bytes:,} bytes; raise --max-bytes.")
        if self.options.is_html or self.file.format == "html":
            from dechrome.html import decode_html, paragraphs_from_html

            text = decode_html(raw)
        else:
            text = self._decode(raw)
        fault = _fault_of(text)
        if fault is not None:
            raise InputError(f"{fault}.")
        if not text.strip():
            raise InputError("empty.")
        is_page = self.options.is_html or self.file.format == "html"
        yield Record(paragraphs_from_html(text) if is_page else text, "", {"document": str(self.file.path)})

    def _decode(self, raw: bytes) -> str:
        encoding = self.options.encoding
        try:
            return raw.decode(encoding).removeprefix("\ufeff")
        except UnicodeError as error:
            place = ""
            if isinstance(error, UnicodeDecodeError):
                place = f", byte {error.start} is 0x{raw[error.start : error.start + 1].hex()}"
            raise InputError(
                f"not {encoding}{place}; name its encoding with --encoding, or use --html for a page."
            ) from error

    # --- a line, a document ------------------------------------------------------------------------

    def _read_json_lines(self, stream: BinaryIO) -> Iterator[Record | BadRecord]:
        most = self.options.max_bytes
        if not has_plain_line_ends(self.options.encoding):
            raise InputError(f"JSON Lines cannot be cut into lines in {self.options.encoding}; recode them.")
        number = 0
        while raw := stream.readline(most + 1):
            number += 1
            place = f"line {number}"
            if len(raw) > most:
                while raw and not raw.endswith(b"\n"):
                    raw = stream.readline(1 << 20)
                yield BadRecord(place, f"longer than {most:,} bytes")
            elif not raw.isspace():
                yield self._json_record(raw, place)

    def _json_record(self, raw: bytes, place: str) -> Record | BadRecord:
        encoding = self.options.encoding
        try:
            line = raw.decode(encoding).strip().removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            shown = raw[error.start : error.start + 1].hex()
            return BadRecord(place, f"not {encoding}: byte {error.start + 1} is 0x{shown}")
        try:
            fields = json.loads(line, object_pairs_hook=_unique_fields)
            if isinstance(fields, dict):
                return self._record(fields, place, line)
        except (ValueError, RecursionError) as error:
            return BadRecord(place, f"not JSON: {error}")
        return BadRecord(place, f"a JSON {_name_of_type(fields)}, not an object")

    def _read_table(self, stream: BinaryIO, delimiter: str) -> Iterator[Record | BadRecord]:
        most = self.options.max_bytes
        encoding = (
            "utf-8-sig" if codecs.lookup(self.options.encoding).name == "utf-8" else self.options.encoding
        )
        file = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
        csv.field_size_limit((1 << 31) - 1)  # rows are bounded instead
        try:
            lines = BoundedLines(file, most)
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            header = next(rows, None)
            if header is None:
                raise InputError("empty; the first line must name the fields.")
            if any(map(_has_surrogate, header)):
                raise InputError(
                    f"the first line is not {self.options.encoding}; name its encoding with --encoding."
                )
            self._check_fields(header)
            while True:
                lines.begin_row()
                try:
                    row = next(rows, None)
                except csv.Error as error:
                    span = f", in what began there and ends on line {lines.number}"
                    shown = f"{error}{span if lines.number > lines.first else ''}"
                    yield BadRecord(f"line {lines.first}", f"not {self.file.format}: {shown}")
                    continue
                if row is None:
                    return
                if row:
                    yield self._table_record(header, row, f"line {lines.first}")
        finally:
            file.detach()

    def _table_record(self, header: list[str], row: list[str], place: str) -> Record | BadRecord:
        if len(row) != len(header):
            return BadRecord(place, f"{len(row)} fields, not {len(header)} as in the first line")
        if any(map(_has_surrogate, row)):
            return BadRecord(place, f"not {self.options.encoding}")
        return self._record(dict(zip(header, row, strict=True)), place)

    def _check_fields(self, names: list[str]) -> None:
        wanted = [name for name in (self.options.text_field, self.options.id_field) if name is not None]
        missing = [name for name in wanted if name not in names]
        if missing:
            known = ", ".join(map(repr, names[:20])) or "none"
            raise InputError(
                f"no field {', '.join(map(repr, missing))}; it has {known}. Name the text with --text-field."
            )
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise InputError(f"two fields are called {', '.join(map(repr, doubled))}.")

    # --- a row, a document -------------------------------------------------------------------------

    def _read_parquet(self, stream: BinaryIO) -> Iterator[Record | BadRecord]:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError as error:
            raise ImportError("Parquet needs pyarrow: pip install 'dechrome[files]'.") from error
        if self.file.compression != "none":
            raise InputError(
                "Parquet compresses its columns itself; unpack it, or write it with compression."
            )
        try:
            source = io.BytesIO(stream.read()) if self.file.is_stdin else stream
            parquet = pq.ParquetFile(source)
            self.schema = parquet.schema_arrow
            self._check_fields(self.schema.names)
            self._check_type(self.schema.field(self.options.text_field).type)
            n, total = 0, max(1, parquet.metadata.num_rows)
            for group in range(parquet.num_row_groups):  # one by one, as damage in one spoils its batch
                for batch in parquet.iter_batches(_ROWS, row_groups=[group]):
                    yield from self._arrow_records(batch, n)
                    n += batch.num_rows
                    self._share = n / total
        except pa.ArrowException as error:
            raise OSError(str(error)) from error

    def _check_type(self, kind: pa.DataType) -> None:
        import pyarrow.types as types

        value = kind.value_type if hasattr(kind, "value_type") else kind
        is_text = types.is_string(value) or types.is_large_string(value) or types.is_string_view(value)
        if not is_text and not types.is_null(kind):
            raise InputError(
                f"field {self.options.text_field!r} is {kind}, not a string or a list of strings."
            )

    def _arrow_records(self, batch: pa.RecordBatch, first: int) -> Iterator[Record | BadRecord]:
        rows = ArrowRows(batch)
        ids = None if self.options.id_field is None else rows.values(self.options.id_field)
        texts = rows.values(self.options.text_field)
        for row, text in enumerate(texts):
            place = f"row {first + row + 1}"
            document_id = None if ids is None else str(ids[row])
            if isinstance(text, UnicodeDecodeError):
                yield BadRecord(place, "not utf-8", document_id)
                continue
            found = self._checked(text, place, document_id)
            yield found if isinstance(found, BadRecord) else Record(found[0], place, {}, rows=rows, row=row)

    # --- archives ----------------------------------------------------------------------------------

    def _read_warc(self, stream: BinaryIO, is_warc: bool) -> Iterator[Record | BadRecord]:
        wanted = ("response", "resource") if is_warc else ("conversion",)
        n = n_wanted = 0
        for record in read_archive(stream, self.options.max_bytes):
            n += 1
            if record.fault is not None:
                yield BadRecord(record.place, record.fault, record.headers.get("warc-target-uri"))
            elif record.headers.get("warc-type", "").lower() in wanted:
                n_wanted += 1
                found = self._warc_record(record, is_warc)
                if found is not None:
                    yield found
        if n_wanted == 0:
            raise InputError(f"no {wanted[0]} record among its {n} records; name another format with --from.")

    def _warc_record(self, record: ArchiveRecord, is_warc: bool) -> Record | BadRecord | None:
        place, headers, block, most = record.place, record.headers, record.block, self.options.max_bytes
        url = headers.get("warc-target-uri")
        reader: Any
        content_type, reader = "text/plain", io.BytesIO(block)
        try:
            if is_warc:
                content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
            if content_type == "application/http":
                content_type, reader = read_http(block)
            content_type = content_type or headers.get("warc-identified-payload-type", "")
            if content_type and content_type not in (*_HTML_TYPES, "text/plain"):
                return None
            payload = block if len(block) > most else read_most(reader, most + 1)
        except OSError as error:
            return BadRecord(place, f"its HTTP response cannot be read: {error}", url)
        if not content_type:
            return BadRecord(place, "its content type is not known", url) if payload else None
        if len(payload) > most:
            return BadRecord(place, f"longer than {most:,} bytes", url)
        if is_warc:
            from dechrome.html import decode_html

            text = decode_html(payload)
        else:
            try:
                text = payload.decode("utf-8")
            except UnicodeDecodeError as error:
                shown = payload[error.start : error.start + 1].hex()
                return BadRecord(place, f"not utf-8: byte {error.start + 1} is 0x{shown}", url)
        is_page = content_type in _HTML_TYPES or self.options.is_html
        found = self._checked(text, place, url, is_page)
        if isinstance(found, BadRecord):
            return found
        fields = {"id": headers.get("warc-record-id"), "url": url, "date": headers.get("warc-date")}
        return Record(found[0], place, fields)

    # --- any record --------------------------------------------------------------------------------

    def _record(self, fields: dict[str, Any], place: str, line: str | None = None) -> Record | BadRecord:
        text_field, id_field = self.options.text_field, self.options.id_field
        missing = [name for name in (text_field, id_field) if name is not None and name not in fields]
        document_id = None if id_field is None or id_field not in fields else str(fields[id_field])
        if missing:
            known = ", ".join(map(repr, list(fields)[:20])) or "none"
            return BadRecord(place, f"no field {', '.join(map(repr, missing))}; it has {known}", document_id)
        found = self._checked(fields[text_field], place, document_id)
        return found if isinstance(found, BadRecord) else Record(found[0], place, fields, line)

    def _checked(
        self, text: Any, place: str, document_id: str | None, is_page: bool | None = None
    ) -> tuple[str | list[str] | None] | BadRecord:
        """The text as it is to be labelled, in a tuple."""
        is_list = isinstance(text, list)
        if (
            text is not None
            and not isinstance(text, str)
            and not (is_list and all(isinstance(t, str) for t in text))
        ):
            name = "list with other things than strings" if is_list else _name_of_type(text)
            return BadRecord(
                place, f"field {self.options.text_field!r} is a {name}, not a string or a list of strings",
                document_id,
            )  # fmt: skip
        fault = next(filter(None, map(_fault_of, text if is_list else [text or ""])), None)
        if fault is not None:
            return BadRecord(place, fault, document_id)
        if isinstance(text, str) and len(text) > self.options.max_bytes:
            return BadRecord(place, f"longer than {self.options.max_bytes:,} characters", document_id)
        if isinstance(text, str) and (self.options.is_html if is_page is None else is_page):
            from dechrome.html import paragraphs_from_html

            return (paragraphs_from_html(text),)
        return (text,)


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"two fields are called {next(name for name in names if names.count(name) > 1)!r}")
    return fields


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _fault_of(text: str) -> str | None:
    if "\x00" in text:
        return f"binary, not text (NUL at character {text.index(chr(0))})"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"lone surrogate U+{ord(text[error.start]):04X} at character {error.start}"
    return None


def _name_of_type(value: object) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
