"""Labelled records -> output files, each whole or not there, and the log by which a run is resumed.

A run into a folder keeps a log there, ``_run.jsonl``: the settings, then a line for each shard once it
stands under its name, with what was counted in it. A killed run leaves whole shards and at most one
hidden partial file; with ``resume`` the finished shards are passed over and the next one is made again,
so what comes out is what one run would have given, byte for byte. With ``overwrite`` a run begins by removing
what the log lists, as its own files may have other names.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from dechrome.annotation import Annotation
from dechrome.errors import InputError
from dechrome.files.formats import Compression, Format, InputFile, file_type, suffix_of
from dechrome.files.reading import ReadOptions, RecordReader
from dechrome.files.records import BadRecord, Record
from dechrome.files.tally import Tally
from dechrome.files.writing import Writer, make_writer, write_whole
from dechrome.labels import Favor
from dechrome.results import Predictions

__all__ = ["ErrorLog", "Output", "RunLog", "RunSettings", "Shards", "check_targets"]

LOG_NAME = "_run.jsonl"


@dataclass(frozen=True)
class RunSettings:
    """What decides the bytes that come out; a run is resumed with the same only."""

    reading: ReadOptions = field(default_factory=ReadOptions)
    annotation: Annotation = field(default_factory=Annotation)
    favor: Favor = "balanced"
    threshold: float | None = None
    shard_size: int | None = None
    """Records to an output file; None: one for each input file."""
    model: str = "shipped"
    """Its name and digest."""


@dataclass(frozen=True)
class Output:
    """Where results go."""

    path: Path | None
    """None: ``stream``."""
    is_folder: bool
    format: Format | None = None
    """None: by the name of the file, in a folder as each input."""
    text_becomes: Format = "text"
    """What text and pages become in a folder."""
    compression: Compression | None = None
    stream: IO[bytes] | None = None
    resume: bool = False
    overwrite: bool = False
    errors: Path | None = None
    text_writer: Callable[[IO[bytes], Annotation], Writer] | None = None
    """In place of the plain one."""
    strict: bool = False


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


class RunLog:
    """What a folder says of the runs into it."""

    def __init__(self, inputs: Sequence[InputFile], output: Output, settings: RunSettings) -> None:
        self.tally = Tally()
        self.n_done: dict[str, int] = {}
        self.n_bytes: dict[str, int] = {}
        self.n_shards: Counter[str] = Counter()
        self.finished: set[str] = set()
        self.errors_length: int | None = None
        self._folder = output.path
        self._file: IO[bytes] | None = None
        if not output.is_folder or output.path is None:
            return
        path = output.path / LOG_NAME
        told = json.loads(
            json.dumps(asdict(settings) | {"to": output.format, "compress": output.compression})
        )
        lines = _read_log(path, output.overwrite) if path.exists() else []
        is_finished = bool(lines) and lines[-1].get("finished", False)
        if lines and not (is_finished or output.resume or output.overwrite):
            raise InputError(
                f"{output.path}: holds an unfinished run; go on with --resume, or --overwrite it."
            )
        shards = [line for line in lines[1:] if "input" in line]
        if output.resume and lines:
            self._take_up(path, told, lines)
        else:
            if output.overwrite and shards:
                _remove_outputs(path, shards, inputs)
            shards = []
        output.path.mkdir(parents=True, exist_ok=True)
        _write_log(path, [{"settings": told}, *shards])
        self._file = path.open("ab")

    def _take_up(self, path: Path, told: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        before = lines[0].get("settings")
        if before is None:
            raise InputError(f"{path}: that run was stopped while it removed files; --overwrite it.")
        if before != told:
            odd = sorted(k for k in told if not isinstance(before, dict) or before.get(k) != told[k])
            raise InputError(
                f"{path}: the run there had other settings ({', '.join(odd)}); "
                "repeat its options, or --overwrite it."
            )
        try:
            for line in (line for line in lines[1:] if "input" in line):
                name = line["input"]
                self.n_bytes[name] = line["bytes"]
                self.n_done[name] = self.n_done.get(name, 0) + line["records"]
                self.n_shards[name] += 1
                self.tally += Tally(**line["counts"])
                self.errors_length = line["errors_length"]
                if line["last"]:
                    self.finished.add(name)
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}: damaged; --overwrite the run.") from error

    def _append(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write((json.dumps(line) + "\n").encode())
            self._file.flush()

    def commit(
        self,
        file: InputFile,
        target: Path | None,
        n_records: int,
        counts: Tally,
        errors_length: int,
        last: bool,
    ) -> None:
        """Say that a shard stands under its name; None: there was nothing to write."""
        assert self._folder is not None
        self._append(
            {
                "input": file.name, "bytes": file.n_bytes, "records": n_records, "last": last,
                "output": None if target is None else target.relative_to(self._folder).as_posix(),
                "errors_length": errors_length, "counts": vars(counts),
            }
        )  # fmt: skip

    def finish(self) -> None:
        """Say that the run is at its end."""
        self._append({"finished": True})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _read_log(path: Path, overwrite: bool) -> list[dict[str, Any]]:
    """Whole lines only: a killed run may have left part of one. None of a damaged log that is overwritten."""
    whole = path.read_bytes().rpartition(b"\n")[0]
    try:
        lines = [json.loads(line) for line in whole.split(b"\n")]
        if not all(isinstance(line, dict) for line in lines):
            raise ValueError("a line is no object")
    except ValueError as error:
        if overwrite:
            return []
        raise InputError(f"{path}: not the log of a run ({error}); --overwrite it.") from error
    return lines


def _write_log(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    with write_whole(path) as file:
        file.writelines((json.dumps(line) + "\n").encode() for line in lines)


def _remove_outputs(path: Path, shards: Sequence[dict[str, Any]], inputs: Sequence[InputFile]) -> None:
    """Remove what an earlier run has written into the folder of its log, but no input of this one.

    If that is stopped halfway, what stays is a log without settings, which can only be overwritten.
    """
    _write_log(path, [{}, *shards])
    folder, spared = path.parent.resolve(), {file.path.resolve() for file in inputs}
    for name in (shard.get("output") for shard in shards):
        target = folder / str(name or "")
        place = target.resolve()
        if place.is_file() and place.is_relative_to(folder) and place not in spared:
            target.unlink()


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
    if errors.resolve() in sources or (output.is_folder and errors.name == LOG_NAME):
        raise InputError(f"{errors}: would be overwritten; choose another file for --errors.")
    if errors.is_dir():
        raise InputError(f"{errors}: is a folder; name a file for --errors.")
    made = output.path.resolve() if output.is_folder and output.path is not None else None
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
