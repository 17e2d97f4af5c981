"""Predictions -> what was read and kept, by kind and script."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from dechrome.annotation import Annotation
from dechrome.labels import KINDS
from dechrome.results import Predictions

__all__ = ["Tally"]


@dataclass
class Tally:
    """What was read, kept and passed over."""

    documents: int = 0
    without_text: int = 0
    paragraphs: int = 0
    characters: int = 0
    kept_characters: int = 0
    bad_records: int = 0
    bad_files: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Paragraphs by kind."""
    scripts: Counter[str] = field(default_factory=Counter)
    """Kept characters by script."""

    def add(self, predictions: Predictions | None, annotation: Annotation) -> None:
        """Count a document."""
        self.documents += 1
        if predictions is None:
            self.without_text += 1
            return
        kept = ("headline", "body") if annotation.keep is None else annotation.keep
        self.paragraphs += len(predictions)
        self.kinds.update(predictions.kinds or ())
        for text, kind in zip(predictions.texts, predictions.kinds or (), strict=True):
            self.characters += len(text)
            if kind in kept:
                self.kept_characters += len(text)
                self.scripts[_script_of(text)] += len(text)

    def __iadd__(self, other: Tally) -> Tally:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + (Counter(value) if isinstance(value, dict) else value))
        return self

    def lines(self) -> list[str]:
        """The summary, to be read."""
        share = self.kept_characters / self.characters if self.characters else 0.0
        lines = [
            f"{self.documents:,} documents, {self.paragraphs:,} paragraphs, {self.kept_characters:,} of "
            f"{self.characters:,} characters kept ({share:.1%})"
        ]
        if self.kinds:
            lines.append(
                "paragraphs: " + _listed(Counter({k: self.kinds[k] for k in KINDS if self.kinds[k]}))
            )
        if self.scripts:
            lines.append("characters kept: " + _listed(self.scripts))
        if self.without_text:
            lines.append(f"{self.without_text:,} documents without text passed through")
        if self.bad_records:
            lines.append(f"{self.bad_records:,} records passed over")
        if self.bad_files:
            lines.append(f"{self.bad_files:,} files that could not be read to their end")
        return lines


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.most_common())


@functools.lru_cache(maxsize=1 << 16)
def _script_of_character(character: str) -> str:
    """First word of the character's Unicode name, which for letters is the script's."""
    word = unicodedata.name(character, "OTHER").split()[0].split("-")[0]
    return {"CJK": "Han", "HIRAGANA": "Kana", "KATAKANA": "Kana"}.get(word, word.capitalize())


def _script_of(text: str) -> str:
    """Script of the first letter."""
    return next((_script_of_character(c) for c in text if c.isalpha()), "None")
