"""Text in any encoding -> lines of bounded length."""

from __future__ import annotations

import csv
import io
from typing import IO

from dechrome.errors import DechromeError

__all__ = ["BoundedLines", "check_encoding", "has_plain_line_ends"]


class BoundedLines:
    """Lines of a table; a row that is too long is read past, and reported."""

    def __init__(self, file: IO[str], most: int) -> None:
        self._file, self._most = file, most
        self.number = 0
        """Of the line that was read last."""
        self.begin_row()

    def begin_row(self) -> None:
        """Count from here."""
        self.first = self.number + 1
        self._left, self._n_quotes = self._most, 0

    def __iter__(self) -> BoundedLines:
        return self

    def __next__(self) -> str:
        line = self._read(self._left + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._left -= len(line)
        if self._left >= 0:
            return line
        self._pass(line)
        raise csv.Error(f"longer than {self._most:,} characters")

    def _read(self, most: int) -> str:
        line = self._file.readline(most)
        self._n_quotes += line.count('"')
        return line

    def _pass(self, line: str) -> None:
        """Read to the end of the line, and of the row where an earlier line of it left a quotation open."""
        ends = ("\n", "\r")
        while line and not line.endswith(ends):
            line = self._read(1 << 20)
        while self.number > self.first and self._n_quotes % 2 and (line := self._read(1 << 20)):
            self.number += line.endswith(ends)


def check_encoding(encoding: str) -> None:
    """Raise ``DechromeError`` if there is no such encoding."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding).read()
    except LookupError as error:  # no InputError, as it is wrong for every file
        raise DechromeError(f"--encoding {encoding}: no such encoding.") from error
    except UnicodeError:  # of each file it will be said that it is not in this encoding
        pass


def has_plain_line_ends(encoding: str) -> bool:
    """Whether a line ends with the byte that ends it in ASCII."""
    try:
        return b"\n".decode(encoding) == "\n"
    except UnicodeError:
        return False
