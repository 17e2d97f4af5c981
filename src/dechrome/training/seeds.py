"""Seed files -> labelled documents, and labelled documents -> seed files.

The format is described in ``seeds/README.md``: ``# key: value`` lines, then ``kind | text``, one
paragraph a line. It is also how a user writes corrections by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dechrome.errors import CorpusFormatError
from dechrome.labels import KINDS, Kind

__all__ = ["Seed", "format_seed", "parse_seed", "read_seeds"]


class Seed(NamedTuple):
    """A document with a kind for every paragraph."""

    name: str
    language: str
    genre: str
    chrome_language: str
    paragraphs: tuple[str, ...]
    kinds: tuple[Kind, ...]


def parse_seed(text: str, name: str = "seed") -> Seed:
    r"""Read one seed.

    Parameters
    ----------
    text : str
        The file's text.
    name : str
        What to call it in errors.

    Raises
    ------
    CorpusFormatError
        With every offending line and its number.

    Examples
    --------
    >>> parse_seed("# language: en\n# genre: sport\n\nheadline | Late goal\nlegal | © 2026").kinds
    ('headline', 'legal')
    """
    header: dict[str, str] = {}
    paragraphs: list[str] = []
    kinds: list[Kind] = []
    faults: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if line.startswith("# "):
            key, _, value = line[2:].partition(": ")
            header[key.strip()] = value.strip()
            continue
        kind, separator, paragraph = line.partition(" | ")
        if not separator or kind not in KINDS or not paragraph.strip():
            faults.append(f"line {number} ({line[:40]!r})")
            continue
        kinds.append(KINDS[KINDS.index(kind)])
        paragraphs.append(paragraph.strip())
    if faults:
        raise CorpusFormatError(
            f"{name}: not 'kind | text' with a kind of {', '.join(KINDS)}: {'; '.join(faults)}."
        )
    if not paragraphs or not header.get("language"):
        missing = "no paragraphs" if not paragraphs else "no '# language: xx' line"
        raise CorpusFormatError(f"{name}: {missing}.")
    return Seed(
        name, header["language"], header.get("genre", ""), header.get("chrome_language", ""),
        tuple(paragraphs), tuple(kinds),
    )  # fmt: skip


def format_seed(seed: Seed) -> str:
    """Write a seed in the format that :func:`parse_seed` reads."""
    header = [("language", seed.language), ("genre", seed.genre), ("chrome_language", seed.chrome_language)]
    lines = [f"# {key}: {value}" for key, value in header if value]
    lines.append("")
    lines += [f"{kind} | {text}" for kind, text in zip(seed.kinds, seed.paragraphs, strict=True)]
    return "\n".join(lines) + "\n"


def read_seeds(folder: Path) -> list[Seed]:
    """Read ``<language>/<name>.txt`` below a folder, in the order of their names.

    Raises
    ------
    CorpusFormatError
        If a file is not UTF-8, breaks the format or lies under another language's folder.
    """
    seeds = []
    for path in sorted(folder.glob("*/*.txt")):
        try:
            seed = parse_seed(path.read_text(encoding="utf-8-sig"), str(path))
        except UnicodeDecodeError as error:
            raise CorpusFormatError(f"{path}: not UTF-8 ({error}).") from error
        if seed.language != path.parent.name:
            raise CorpusFormatError(
                f"{path}: says language {seed.language!r}, but lies in {path.parent.name!r}/."
            )
        seeds.append(seed._replace(name=f"{path.parent.name}/{path.stem}"))
    return seeds
