"""What a run is given, and the log that a folder keeps of it.

A run into a folder keeps a log there, ``_run.jsonl``: the settings, then a line for each shard once it
stands under its name, with what was counted in it. With ``resume`` the finished shards are passed over and
the next one is made again, so what comes out is what one run would have given, byte for byte. With
``overwrite`` a run begins by removing what the log lists, as its own files may have other names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from dechrome.annotation import Annotation
from dechrome.errors import InputError
from dechrome.files.formats import Compression, Format, InputFile
from dechrome.files.reading import ReadOptions
from dechrome.files.tally import Tally
from dechrome.files.writing import Writer, write_whole
from dechrome.labels import Favor

__all__ = ["LOG_NAME", "Output", "RunLog", "RunSettings"]

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
