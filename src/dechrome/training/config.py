"""Settings of a training run, and their JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from dechrome.errors import CorpusFormatError
from dechrome.training.augmentation import Mix

__all__ = ["TEXT_MODELS", "TextModel", "TrainingConfig", "read_config"]

TextModel = Literal["hashed", "fasttext", "fasttext-quantized"]
TEXT_MODELS: tuple[TextModel, ...] = ("hashed", "fasttext", "fasttext-quantized")


@dataclass(frozen=True)
class TrainingConfig:
    """What can be set in ``dechrome train --config FILE`` (JSON); the defaults made the shipped model."""

    text_model: TextModel = "hashed"
    random_state: int = 0
    n_folds: int = 4
    n_documents: int = 180_000
    """Augmented documents of an epoch; fewer on a small corpus, at most 60 for each of its own."""
    first_pass_width: int = 96
    first_pass_epochs: int = 16
    context_width: int = 96
    context_epochs: int = 5
    dilations: tuple[int, ...] = (1, 2, 4)
    """How far before and behind a paragraph each convolution of a pass in context looks; the second, if there
    is one, also sees the mean of the document, in the second pass the mean by attention too."""
    dropout: float = 0.1
    n_averaged: int = 2
    """Nets of the second pass in context, from different beginnings, whose scores are averaged."""
    batch_size: int = 2048
    """Paragraphs; of documents, as many as make up about so many."""
    learning_rate: float = 2e-3
    decay: float = 0.1
    """Of every net's weights, see NetTrainer."""
    news_documents: int = 20
    """News documents of each language to keep; each stands in 120 languages."""
    restyled: float = 0.25
    """Share of the pages and seeds that are also learned in another setting (restyling.py)."""
    mix: Mix = field(default_factory=Mix)


def read_config(path: Path | None, text_model: str | None = None) -> TrainingConfig:
    """Read settings from a JSON file; what it leaves out keeps its default.

    Raises
    ------
    FileNotFoundError, CorpusFormatError
        The latter names unknown settings and values of a wrong type.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = json.loads(path.read_text(encoding="utf-8-sig"))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CorpusFormatError(f"{path}: not JSON in UTF-8 ({error}).") from error
    if not isinstance(values, dict):
        raise CorpusFormatError(f"{path}: must hold one JSON object.")
    if text_model is not None:
        values["text_model"] = text_model
    mix = _typed(Mix(), values.pop("mix", {}), f"{path}, mix")
    config: TrainingConfig = _typed(TrainingConfig(), values, str(path))
    if config.text_model not in TEXT_MODELS:
        raise CorpusFormatError(f"{path}: text_model {config.text_model!r}; known: {', '.join(TEXT_MODELS)}.")
    _check_ranges(config, mix, str(path))
    return replace(config, mix=mix)


def _check_ranges(config: TrainingConfig, mix: Mix, place: str) -> None:
    """Refuse settings that no training could use."""
    least = dict.fromkeys(("random_state", "news_documents", "decay"), 0) | {"n_folds": 2}
    least |= dict.fromkeys(
        (
            "n_documents", "first_pass_width", "first_pass_epochs", "context_width", "context_epochs",
            "n_averaged", "batch_size",
        ),
        1,
    )  # fmt: skip
    wrong = [f"{name} {getattr(config, name)}" for name, low in least.items() if getattr(config, name) < low]
    wrong += [f"{name} {value}" for name, value in asdict(mix).items() if not 0 <= value < 1e6]
    wrong += [f"dilation {distance}" for distance in config.dilations if not 1 <= distance <= 10_000]
    if not 0 < config.learning_rate < 1:
        wrong.append(f"learning_rate {config.learning_rate}")
    for name, most in (("restyled", 1), ("dropout", 0.9)):
        if not 0 <= getattr(config, name) <= most:
            wrong.append(f"{name} {getattr(config, name)}")
    if wrong:
        raise CorpusFormatError(f"{place}: out of range: {', '.join(wrong)}.")


def _typed(defaults: Any, values: Any, place: str) -> Any:
    """Replace fields of a dataclass, each by a value of its own type."""
    known = {name: getattr(defaults, name) for name in defaults.__dataclass_fields__ if name != "mix"}
    if not isinstance(values, dict) or set(values) - set(known):
        unknown = sorted(set(values) - set(known)) if isinstance(values, dict) else [repr(values)]
        raise CorpusFormatError(f"{place}: unknown settings {', '.join(unknown)}; known: {', '.join(known)}.")
    typed = {}
    for name, value in values.items():
        wanted = type(known[name])
        if wanted is tuple and isinstance(value, list) and all(type(x) is int for x in value):
            value = tuple(value)
        elif wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not wanted:
            raise CorpusFormatError(f"{place}: {name} must be {wanted.__name__}, not {value!r}.")
        typed[name] = value
    return replace(defaults, **typed)
