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
    n_documents: int = 36_000
    """Augmented documents; fewer on a small corpus, at most 60 for each of its own."""
    n_context_passes: int = 3
    first_pass_hidden: tuple[int, ...] = (48,)
    context_pass_hidden: tuple[int, ...] = (128,)
    first_pass_epochs: int = 8
    context_pass_epochs: int = 4
    n_averaged: int = 2
    """Nets of each pass in context, from different beginnings, their scores averaged."""
    batch_size: int = 4096
    learning_rate: float = 2e-3
    alpha: float = 3.0
    """L2 penalty, by batch; without it the nets learn the training sites by heart. Chosen, with the batch
    size and one wide hidden layer, by log loss on the development sites among 0.03 to 10."""
    news_documents: int = 20
    """News documents of each language to keep; each stands in 120 languages."""
    restyled: float = 0.25
    """Share of the pages and seeds that are also learned in another setting (restyling.py)."""
    least_label_probability: float = 0.03
    """Labels to which nets trained on other sites give less are not learned from, unless read or a seed's."""
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
            values = json.loads(path.read_text(encoding="utf-8"))
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
    least = {"n_folds": 2, "n_documents": 1, "n_context_passes": 1, "news_documents": 0, "batch_size": 1}
    least |= {
        "n_averaged": 1,
        "first_pass_epochs": 1,
        "context_pass_epochs": 1,
        "random_state": 0,
        "alpha": 0,
    }
    wrong = [f"{name} {getattr(config, name)}" for name, low in least.items() if getattr(config, name) < low]
    wrong += [f"{name} {value}" for name, value in asdict(mix).items() if not 0 <= value < 1e6]
    hidden = (*config.first_pass_hidden, *config.context_pass_hidden)
    wrong += [f"hidden layer {size}" for size in hidden if not 1 <= size <= 10_000]
    if not 0 < config.learning_rate < 1:
        wrong.append(f"learning_rate {config.learning_rate}")
    for name in ("restyled", "least_label_probability"):
        if not 0 <= getattr(config, name) <= 1:
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
