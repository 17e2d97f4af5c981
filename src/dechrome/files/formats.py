"""File names -> formats and compressions; folders and patterns -> input files; compressed bytes in and out.

Gzip is Python's own. Zstandard is read and written by pyarrow, which, unlike other readers, notices
that a file ends too early. Output bytes depend on what is written only: no name, no time.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Literal, cast

from dechrome.errors import InputError

__all__ = [
    "COMPRESSIONS",
    "INPUT_FORMATS",
    "OUTPUT_FORMATS",
    "STDIN",
    "Compression",
    "FileType",
    "Format",
    "InputFile",
    "file_type",
    "find_inputs",
    "open_compressed",
    "open_input",
    "suffix_of",
]

Format = Literal["text", "html", "jsonl", "csv", "tsv", "parquet", "wet", "warc"]
Compression = Literal["none", "gzip", "zstd"]
INPUT_FORMATS: tuple[Format, ...] = ("text", "html", "jsonl", "csv", "tsv", "parquet", "wet", "warc")
OUTPUT_FORMATS: tuple[Format, ...] = ("text", "jsonl", "csv", "tsv", "parquet")
COMPRESSIONS: tuple[Compression, ...] = ("none", "gzip", "zstd")
STDIN = "-"

_FORMAT_OF: dict[str, Format] = {
    ".txt": "text", ".text": "text", ".md": "text", ".html": "html", ".htm": "html", ".xhtml": "html",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".parquet": "parquet", ".wet": "wet", ".warc": "warc",
}  # fmt: skip
_SUFFIX_OF: dict[Format, str] = {
    "text": ".txt", "jsonl": ".jsonl", "csv": ".csv", "tsv": ".tsv", "parquet": ".parquet"
}  # fmt: skip
_COMPRESSION_OF: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_COMPRESSED_SUFFIX: dict[Compression, str] = {"none": "", "gzip": ".gz", "zstd": ".zst"}
#: What compressed files start with.
_MARKS: dict[bytes, Compression] = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_PYARROW = "{} needs pyarrow: pip install 'dechrome[files]'."
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class FileType:
    """What a file's name says of it."""

    format: Format | None
    """None where the suffix is unknown."""
    compression: Compression
    stem: str
    """The name without the suffixes that were understood."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file to read."""

    path: Path
    """``-`` for standard input."""
    name: str
    """Its place below the folder it was found in, with ``/``; names the output."""
    format: Format
    compression: Compression

    @property
    def shown(self) -> str:
        """What messages call it."""
        return "<stdin>" if self.is_stdin else str(self.path)

    @property
    def is_stdin(self) -> bool:
        """Whether it is standard input."""
        return str(self.path) == STDIN

    @property
    def n_bytes(self) -> int:
        """Its size on disk; 0 where unknown."""
        return self.path.stat().st_size if not self.is_stdin and self.path.is_file() else 0


def file_type(name: str) -> FileType:
    """Read format and compression off a name.

    Examples
    --------
    >>> file_type("crawl/a.warc.wet.gz")
    FileType(format='wet', compression='gzip', stem='a.warc')
    >>> file_type("story").format is None
    True
    """
    path = PurePosixPath(name)
    compression: Compression = _COMPRESSION_OF.get(path.suffix.lower(), "none")
    if compression != "none":
        path = path.with_suffix("")
    found = _FORMAT_OF.get(path.suffix.lower())
    return FileType(found, compression, path.stem if found else path.name)


def suffix_of(output_format: Format, compression: Compression) -> str:
    """The suffix of an output file; Parquet compresses inside."""
    return _SUFFIX_OF[output_format] + ("" if output_format == "parquet" else _COMPRESSED_SUFFIX[compression])


def find_inputs(arguments: Sequence[Path], given: Format | None = None) -> list[InputFile]:
    """Files that the arguments name: files, folders (all known files below), patterns, ``-``; each once.

    Parameters
    ----------
    arguments : sequence of Path
        None: standard input.
    given : str, optional
        Format of every file, whatever its name; folders then give all their files.

    Raises
    ------
    InputError
        If a folder or a pattern holds no file, or ``**`` is part of a name. A file that does not exist is
        left for the reader to report.
    """
    found: list[InputFile] = []
    for argument in arguments or (Path(STDIN),):
        if str(argument) == STDIN:
            found.append(InputFile(argument, "stdin", given or "text", "none"))
        elif argument.is_dir():
            below = [p for p in sorted(argument.rglob("*")) if p.is_file() and not _is_hidden(p, argument)]
            inside = [_input(p, p.relative_to(argument), given) for p in below]
            known = [file for file, path in zip(inside, below, strict=True) if given or _is_known(path)]
            if not known:
                raise InputError(f"{argument}: no file of a known format below it; name one with --from.")
            found += known
        elif not argument.exists() and any(c in str(argument) for c in "*?["):
            if any("**" in part and part != "**" for part in argument.parts):  # versions of Python differ
                raise InputError(f"{argument}: ** must stand alone between slashes, as in crawl/**/*.txt.")
            matches = [
                p for p in sorted(Path(argument.anchor or ".").glob(_pattern(argument))) if p.is_file()
            ]
            if not matches:
                raise InputError(f"{argument}: no file matches.")
            found += [_input(p, Path(p.name), given) for p in matches]
        else:
            found.append(_input(argument, Path(argument.name), given))
    # Not resolved: a link and the file that it names are two, as each has a name to write to.
    once: dict[tuple[bool, str], InputFile] = {}
    for file in found:
        once.setdefault((file.is_stdin, os.path.normpath(file.path.absolute())), file)
    return list(once.values())


def _pattern(argument: Path) -> str:
    return str(argument.relative_to(argument.anchor) if argument.anchor else argument)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)


def _is_known(path: Path) -> bool:
    return file_type(path.name).format is not None


def _input(path: Path, name: Path, given: Format | None) -> InputFile:
    kind = file_type(path.name)
    return InputFile(path, name.as_posix(), given or kind.format or "text", kind.compression)


def open_input(file: InputFile) -> tuple[BinaryIO, IO[bytes]]:
    """Open a file, unpacked: as its name says or, where that says nothing, as its first bytes do.

    Returns
    -------
    stream : BinaryIO
        Decompressed bytes; all members of a file of many.
    raw : IO of bytes
        The file itself, whose ``tell()`` says how much of it has been read.
    """
    if file.compression != "none" and file.path.is_file() and not file.n_bytes:
        raise InputError(f"empty, not {file.compression}.")
    if file.is_stdin:
        if sys.stdin is None:
            raise InputError("closed.")
        raw: IO[bytes] = sys.stdin.buffer
    else:
        raw = file.path.open("rb")
    compression = file.compression
    if compression == "none" and file.format != "parquet":
        raw = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
        compression = _compression_of(raw.peek(4))
    if compression == "none":
        return cast(BinaryIO, raw), raw
    unpack: Callable[[int], bytes]
    if compression == "gzip":
        unpack = gzip.GzipFile(fileobj=raw).read1
    else:
        unpack = _pyarrow("Zstandard").CompressedInputStream(raw, "zstd").read
    return cast(BinaryIO, io.BufferedReader(_Pieces(unpack, compression), _BUFFER)), raw


def open_compressed(raw: IO[bytes], compression: Compression) -> IO[bytes]:
    """A stream that compresses what is written to it into ``raw``, which stays open when it is closed."""
    if compression == "gzip":
        return cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0))
    if compression == "zstd":
        return cast(IO[bytes], _pyarrow("Zstandard").CompressedOutputStream(_Unclosed(raw), "zstd"))
    return raw


def _compression_of(start: bytes) -> Compression:
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), "none")


class _Pieces(io.RawIOBase):
    """Unpacks a little at a time, so that what comes before damage is read.

    Pyarrow gives nothing of a piece that cannot be filled, so its pieces are small.
    """

    def __init__(self, unpack: Callable[[int], bytes], compression: Compression) -> None:
        self._unpack = unpack
        self._most = 1 << 12 if compression == "zstd" else _BUFFER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._unpack(min(len(buffer), self._most))
        buffer[: len(data)] = data
        return len(data)


class _Unclosed(io.RawIOBase):
    """Passes bytes on and is not closed with the compressor above it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._raw.write(bytes(cast(bytes, data)))


def _pyarrow(what: str) -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(_PYARROW.format(what)) from error
    return pyarrow
