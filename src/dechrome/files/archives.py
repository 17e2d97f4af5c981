"""WARC and WET files -> their records, with what is wrong with them; HTTP responses -> payloads."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

__all__ = ["ArchiveRecord", "read_archive", "read_http", "read_most"]

#: What a WARC record begins with; the longest line and the most bytes of its head; the most bytes that are
#: read again for the sake of records that a wrong length has swallowed.
_MARK = b"WARC/"
_LINE, _HEAD, _AGAIN = 1 << 16, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """A record, or what is where one should be."""

    place: str
    headers: dict[str, str]
    """Names in small letters."""
    block: bytes
    """What is in it, or a little more than the most that was asked for."""
    fault: str | None = None
    """Why it is no record."""


def read_archive(raw: BinaryIO, most: int) -> Iterator[ArchiveRecord]:
    """Records in order; after a fault, from the next one on.

    Not by fastwarc, which takes any length for right, and stops at the first one that was not.
    """
    stream = _Rereadable(raw)
    number = 0
    line = stream.readline(_LINE)
    while line:
        if line.isspace():
            line = stream.readline(_LINE)
            continue
        number += 1
        if not line.startswith(_MARK):
            if number == 1:
                raise OSError("no WARC record at the start")
            yield ArchiveRecord(f"record {number}", {}, b"", "no WARC record, but something else")
            line = _next_mark(stream, line)
            continue
        headers = _read_headers(stream, number)
        place = f"record {headers.get('warc-record-id') or number}"
        length = headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 18:
            yield ArchiveRecord(place, headers, b"", f"its length is {length[:20]!r}")
            line = _next_mark(stream)
            continue
        block = read_most(stream, min(int(length), most + 1))
        left = rest = int(length) - len(block)
        while left and (piece := stream.read(min(left, 1 << 20))):
            left -= len(piece)
        line = stream.readline(_LINE)
        if not left and (not line or line.isspace() or line.startswith(_MARK)):
            yield ArchiveRecord(place, headers, block)
            continue
        others = block.find(b"\n" + _MARK)
        if others >= 0 and left == rest and stream.n_again < _AGAIN:
            stream.read_again(block[others:] + line)
            line = b""
        elif left:
            raise EOFError(f"{place} is shorter than it says")
        yield ArchiveRecord(place, headers, b"", f"its length is not {length}")
        line = _next_mark(stream, line)


def _next_mark(stream: _Rereadable, line: bytes = b"") -> bytes:
    """Read past all that begins no record."""
    while _MARK not in line:
        line = stream.readline(_LINE)
        if not line:
            return b""
    return line[line.index(_MARK) :]


class _Rereadable:
    """A stream that can be given back what was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._again = io.BytesIO()
        self.n_again = 0
        """Bytes that were given back so far."""

    def read_again(self, data: bytes) -> None:
        self._again = io.BytesIO(data + self._again.read())
        self.n_again += len(self._again.getbuffer())

    def read(self, size: int) -> bytes:
        return self._again.read(size) or self._stream.read(size)

    def readline(self, size: int) -> bytes:
        line = self._again.readline(size)
        if line.endswith(b"\n") or len(line) == size:  # there may be more of it that was given back
            return line
        return line + self._stream.readline(size - len(line))


def _read_headers(stream: _Rereadable, number: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    size = 0
    while (line := stream.readline(_LINE)) and not line.isspace():
        size += len(line)
        if size > _HEAD:
            raise OSError(f"the head of record {number} has no end")
        name, _, value = line.decode("utf-8", "replace").partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    if not line:
        raise EOFError(f"the head of record {number} is cut off")
    return headers


def read_http(block: bytes) -> tuple[str, Any]:
    """Content type of a response, and what reads its payload unpacked; ``OSError`` if it is none."""
    try:
        from fastwarc.warc import WarcRecord
    except ImportError as error:
        raise ImportError("WARC needs fastwarc: pip install 'dechrome[files]'.") from error
    response = WarcRecord()
    response.is_http = True
    response.set_bytes_content(block)
    response.parse_http(auto_decode="all")
    if response.http_headers.status_code is None:
        raise OSError("no status line")
    return response.http_content_type or "", response.reader


def read_most(stream: Any, most: int) -> bytes:
    """Read ``most`` bytes, or to the end; ``read(most)`` would ask for all the memory at once."""
    pieces = []
    while most and (piece := stream.read(min(most, 1 << 20))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)
