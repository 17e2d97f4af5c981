"""Label every paragraph of a web document as article content or site chrome, from plain text.

::

    text -> segmentation -> features, words, language -> first pass -> context -> nets -> Predictions
    files.reading -> records -> the same -> annotation -> files.writing, integrations
    pages + gold, seeds -> training.corpus -> training.fitting -> artefact -> evaluation -> report

Names are imported when first used, so that the command line's ``--help`` need not load NumPy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dechrome.annotation import annotate
    from dechrome.errors import CorpusFormatError, DechromeError, InputError, ModelFormatError
    from dechrome.html import paragraphs_from_html
    from dechrome.labels import KINDS, LABELS, Kind, Label
    from dechrome.prediction import ParagraphModel, clean_text, load_model, predict_paragraphs
    from dechrome.results import Prediction, Predictions
    from dechrome.training.estimator import ParagraphClassifier

__version__ = "0.1.0"

_MODULES = {
    "annotation": ("annotate",),
    "errors": ("CorpusFormatError", "DechromeError", "InputError", "ModelFormatError"),
    "html": ("paragraphs_from_html",),
    "labels": ("KINDS", "LABELS", "Kind", "Label"),
    "prediction": ("ParagraphModel", "clean_text", "load_model", "predict_paragraphs"),
    "results": ("Prediction", "Predictions"),
    "training.estimator": ("ParagraphClassifier",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "KINDS",
    "LABELS",
    "CorpusFormatError",
    "DechromeError",
    "InputError",
    "Kind",
    "Label",
    "ModelFormatError",
    "ParagraphClassifier",
    "ParagraphModel",
    "Prediction",
    "Predictions",
    "annotate",
    "clean_text",
    "load_model",
    "paragraphs_from_html",
    "predict_paragraphs",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'dechrome' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"dechrome.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
