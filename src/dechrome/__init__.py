"""Label every paragraph of a web document as article content or site chrome, from plain text.

::

    text -> segmentation -> features, lexicon, language -> first pass -> context -> second pass -> Predictions
    pages + gold, seeds -> training.corpus -> training.fitting -> artefact -> training.evaluation -> report
"""

from dechrome.errors import CorpusFormatError, DechromeError, InputError, ModelFormatError
from dechrome.html import paragraphs_from_html
from dechrome.labels import KINDS, LABELS, Kind, Label
from dechrome.prediction import (
    ParagraphModel,
    Prediction,
    Predictions,
    clean_text,
    load_model,
    predict_paragraphs,
)

__all__ = [
    "KINDS",
    "LABELS",
    "CorpusFormatError",
    "DechromeError",
    "InputError",
    "Kind",
    "Label",
    "ModelFormatError",
    "ParagraphModel",
    "Prediction",
    "Predictions",
    "clean_text",
    "load_model",
    "paragraphs_from_html",
    "predict_paragraphs",
]
__version__ = "0.1.0"
