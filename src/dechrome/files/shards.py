"""Output files, written in shards that are whole or not there.

A killed run leaves whole shards and at most one hidden partial file; the log of the run
(:mod:`dechrome.files.run_log`) lists a shard once it stands under its name.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import IO

from dechrome.errors import InputError
from dechrome.files.formats import Compression, Format, InputFile, file_type, suffix_of
from dechrome.files.reading import RecordReader
from dechrome.files.records import BadRecord, Record
from dechrome.files.run_log import LOG_NAME, Output, RunLog, RunSettings
from dechrome.files.tally import Tally
from dechrome.files.writing import Writer, make_writer, write_whole
from dechrome.results import Predictions

__all__ = ["ErrorLog", "Shards", "check_targets"]


class ErrorLog:
    """Bad records and files, a JSON line each; resumed at the length that it had."""

    def __init__(self, path: Path | None, length: int | None) -> None:
        self._file: IO[bytes] | None = None
        if path is not None:
            self._file = path.open("r+b" if length is not None and path.exists() else "wb")
            self._file.truncate(min(length or 0, self._file.seek(0, 2)))
            self._file.seek(0, 2)

    def write(self, file: InputFile, bad: BadRecord) -> None:
        """Write a line."""
        if self._file is not None:
            row = {"input": file.shown, "place": bad.place, "id": bad.document_id, "reason": bad.reason}
            self._file.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))

    def flush(self) -> int:
        """Write out; the length of the file so far."""
        if self._file is None:
            return 0
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class Shards:
    """The output file that is being written, and those before it."""

    def __init__(
        self,
        output: Output,
        settings: RunSettings,
        log: RunLog,
        errors: ErrorLog,
        tell: Callable[[str], None],
    ) -> None:
        self._tell = tell
        self._output, self._settings, self._log, self._errors = output, settings, log, errors
        self._open: contextlib.ExitStack | None = None
        self._writer: Writer | None = None
        self.counts = Tally()
        self.n_records = 0

    def begin(self, file: InputFile, reader: RecordReader) -> None:
        """Go on to another input."""
        self._file, self._reader = file, reader

    def add(self, event: Record | BadRecord, predictions: Predictions | None) -> None:
        """Write a record, or pass over it."""
        if isinstance(event, Record):
            try:
                with self._naming(event.place or "document"):
                    self._writer_now().write(event, predictions)
            except InputError:
                raise
            except (ValueError, OverflowError, RecursionError) as error:
                event = BadRecord(event.place, f"cannot be written: {error}")
            else:
                self.counts.add(predictions, self._settings.annotation)
        if isinstance(event, BadRecord):
            self.counts.bad_records += 1
            self.report(event)
        self.n_records += 1
        size = self._settings.shard_size
        if self._output.is_folder and size is not None and self.n_records >= size:
            self.commit(last=False)

    @contextlib.contextmanager
    def _naming(self, place: str = "") -> Iterator[None]:
        """Say in which file it was that the writer refused something."""
        try:
            yield
        except InputError as error:
            raise InputError(f"{self._file.shown}{place and ', '}{place}: {error}") from error

    def report(self, bad: BadRecord) -> None:
        """Write down what was passed over; stop there if the run is strict."""
        if self._output.strict:
            place = f", {bad.place}" if bad.place else ""
            raise InputError(f"{self._file.shown}{place}: {bad.reason}." if place else bad.reason)
        self._errors.write(self._file, bad)

    def end(self, failure: str | None) -> None:
        """End an input; ``failure`` says why it could not be read on."""
        if failure is not None:
            self.counts.bad_files += 1
            self.report(BadRecord("", failure))
            self._tell(f"dechrome: {failure}")
        if self._output.path is not None and (failure is None or self.n_records):
            with self._naming():
                self._writer_now()
        if self._output.is_folder:
            self.commit(last=True)

    def _writer_now(self) -> Writer:
        if self._writer is None:
            self._open = contextlib.ExitStack()
            kind, compression = self._format()
            if self._output.path is None:
                assert self._output.stream is not None
                file = self._output.stream
            else:
                target = self._target(kind, compression)
                target.parent.mkdir(parents=True, exist_ok=True)
                file = self._open.enter_context(
                    write_whole(target, "none" if kind == "parquet" else compression)
                )
            if kind == "text" and self._output.text_writer is not None:
                self._writer = self._output.text_writer(file, self._settings.annotation)
            else:
                self._writer = make_writer(
                    file, kind, compression, self._settings.annotation, self._reader.schema
                )
        return self._writer

    def _format(self) -> tuple[Format, Compression]:
        return output_format_of(self._output, self._file)

    def _target(self, kind: Format, compression: Compression) -> Path:
        assert self._output.path is not None
        if not self._output.is_folder:
            return self._output.path
        return output_path(
            self._output, self._file, kind, compression,
            None if self._settings.shard_size is None else self._log.n_shards[self._file.name],
        )  # fmt: skip

    def commit(self, last: bool) -> None:
        """Give the file its name, then say so in the log."""
        is_written = self._writer is not None
        if self._writer is not None:
            assert self._open is not None
            with self._open, self._naming():
                self._writer.close()
            self._writer = self._open = None
        length = self._errors.flush()
        if self._output.is_folder:
            target = self._target(*self._format()) if is_written else None
            self._log.commit(self._file, target, self.n_records, self.counts, length, last)
            self._log.n_shards[self._file.name] += 1
        self._log.tally += self.counts
        self.counts, self.n_records = Tally(), 0

    def abandon(self, error: BaseException) -> None:
        """Leave nothing half-written behind."""
        if self._open is not None:
            self._open.__exit__(type(error), error, error.__traceback__)
            self._writer = self._open = None


def output_format_of(output: Output, file: InputFile) -> tuple[Format, Compression]:
    """Format and compression of what is made of a file."""
    if output.path is not None and not output.is_folder:
        named = file_type(output.path.name)
        return output.format or named.format or "text", output.compression or named.compression
    becomes: dict[Format, Format] = {
        "text": output.text_becomes, "html": output.text_becomes, "wet": "jsonl", "warc": "jsonl",
    }  # fmt: skip
    kind = output.format or becomes.get(file.format, file.format)
    compression: Compression = "none" if output.path is None else file.compression
    return kind, output.compression or compression


def output_path(
    output: Output, file: InputFile, kind: Format, compression: Compression, shard: int | None
) -> Path:
    """Where what is made of a file goes in an output folder."""
    assert output.path is not None
    folder = (output.path / file.name).parent
    part = "" if shard is None else f".{shard:05d}"
    return folder / f"{file_type(file.name).stem}{part}{suffix_of(kind, compression)}"


def _check_errors(errors: Path, sources: Container[Path], output: Output) -> None:
    made = output.path.resolve() if output.is_folder and output.path is not None else None
    if errors.resolve() in sources or (made is not None and errors.resolve() == made / LOG_NAME):
        raise InputError(f"{errors}: would be overwritten; choose another file for --errors.")
    if errors.is_dir():
        raise InputError(f"{errors}: is a folder; name a file for --errors.")
    if not errors.parent.is_dir() and (made is None or not made.is_relative_to(errors.parent.resolve())):
        raise InputError(f"{errors.parent}: no such folder to write {errors.name} into.")


def check_targets(inputs: Sequence[InputFile], output: Output) -> None:
    """Raise InputError if two files would be written to one, one over an input, or the errors nowhere."""
    sources = {file.path.resolve(): file for file in inputs if not file.is_stdin}
    if output.errors is not None:
        _check_errors(output.errors, sources, output)
    if output.path is None:
        return
    targets: dict[Path, InputFile] = {}
    for file in inputs:
        target = (
            output_path(output, file, *output_format_of(output, file), None)
            if output.is_folder
            else output.path
        )
        clash = targets.setdefault(target, file)
        if output.is_folder and clash.path != file.path:
            raise InputError(
                f"{clash.shown} and {file.shown} would both be written to {target}; name them apart."
            )
        if target.resolve() in sources:
            raise InputError(
                f"{sources[target.resolve()].shown}: would be overwritten; choose another --output."
            )
    if output.errors is not None and output.errors.resolve() in {target.resolve() for target in targets}:
        raise InputError(f"{output.errors}: is the output; choose another file for --errors.")
