"""A user's corrected files -> labelled documents.

What ``dechrome predict --to jsonl`` wrote, its kinds (or labels) put right by hand, or seeds (``kind | text``
lines, see ``seeds/README.md``), which are easier to edit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dechrome.errors import CorpusFormatError
from dechrome.labels import CONTENT_KINDS, KINDS, LABELS
from dechrome.training.corpus import Document
from dechrome.training.seeds import parse_seed

__all__ = ["read_corrections"]

_LABEL_OF: dict[str, Any] = {kind: "content" if kind in CONTENT_KINDS else "chrome" for kind in KINDS}


def read_corrections(paths: Sequence[Path]) -> list[Document]:
    """Read corrected documents.

    Parameters
    ----------
    paths : sequence of Path
        ``.jsonl`` files, a document a line: ``{"paragraphs": [{"text": ..., "kind": ..., "label": ...}]}``,
        other fields ignored. One of kind and label is enough; a paragraph with neither is not corrected. Seed
        files (``.txt``), and folders of them.

    Returns
    -------
    list of Document
        Each its own site, language unknown unless a seed names it.

    Raises
    ------
    CorpusFormatError
        Naming file, line and paragraph, and what is wrong there; also if there is no document, or no
        paragraph with a kind or a label.
    """
    documents: list[Document] = []
    for path in paths:
        if not path.exists():
            raise CorpusFormatError(f"{path}: no such file.")
        files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
        for file in files:
            documents += _read_file(file)
    if not any(label for document in documents for label in document.labels):
        raise CorpusFormatError(f"{', '.join(map(str, paths))}: no corrected paragraph in it.")
    return documents


def _read_file(path: Path) -> list[Document]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusFormatError(f"{path}: not UTF-8 ({error}).") from error
    if path.suffix == ".txt":
        seed = parse_seed(text if text.lstrip().startswith("# ") else f"# language: und\n{text}", str(path))
        return [
            _document(str(path), seed.language, list(seed.paragraphs), [None] * len(seed.kinds), seed.kinds)
        ]
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            place = f"{path}, line {number}"
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CorpusFormatError(f"{place}: not JSON ({error}).") from error
            found.append(_from_row(row, place))
    return found


def _from_row(row: Any, place: str) -> Document:
    paragraphs = row.get("paragraphs") if isinstance(row, dict) else None
    if not isinstance(paragraphs, list) or not all(isinstance(p, dict) for p in paragraphs):
        raise CorpusFormatError(
            f"{place}: no list of objects called 'paragraphs', as `dechrome predict --to jsonl` writes it."
        )
    texts, labels, kinds = [], [], []
    for number, paragraph in enumerate(paragraphs):
        text, label, kind = (paragraph.get(name) for name in ("text", "label", "kind"))
        here = f"{place}, paragraph {number}"
        if not isinstance(text, str):
            raise CorpusFormatError(f"{here}: its text is not a string.")
        if label not in (None, *LABELS) or kind not in (None, *KINDS):
            raise CorpusFormatError(
                f"{here}: label {label!r}, kind {kind!r}; known: {', '.join((*LABELS, *KINDS))}."
            )
        if label and kind and (kind in CONTENT_KINDS) != (label == "content"):
            raise CorpusFormatError(
                f"{here}: kind {kind!r} is not {label}; change both, or delete the one you did not look at."
            )
        texts.append(text)
        labels.append(label)
        kinds.append(kind)
    return _document(place, "und", texts, labels, kinds)


def _document(
    name: str, language: str, texts: list[str], labels: Sequence[Any], kinds: Sequence[Any]
) -> Document:
    pairs = zip(labels, kinds, strict=True)
    known = [label or (_LABEL_OF[kind] if kind else None) for label, kind in pairs]
    read = [i for i, kind in enumerate(kinds) if kind is not None]
    return Document(name, "corrections", name, language, "", "train", "", texts, known, list(kinds), read)
