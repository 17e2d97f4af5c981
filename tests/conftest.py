"""Fixtures: where things lie, and a toy model fitted once on a few seeds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dechrome.training.augmentation import Mix
from dechrome.training.building import document_from_seed
from dechrome.training.config import TrainingConfig
from dechrome.training.fitting import fit_model
from dechrome.training.seeds import read_seeds
from dechrome.training.shapes import SHAPES

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

TOY_CONFIG = TrainingConfig(
    n_folds=2, n_documents=500, first_pass_epochs=2, context_epochs=3, first_pass_width=8, context_width=16,
    dilations=(1, 2), n_averaged=2, batch_size=1024,
)  # fmt: skip


def only(shape: str) -> Mix:
    """A mix of one shape."""
    return Mix(**{name: float(name == shape) for name in SHAPES})


@pytest.fixture(scope="session")
def shared():
    """The corpora, which only some machines have."""
    if not (SHARED / "corpora").is_dir():
        pytest.skip("the corpora of ../shared are not here")
    return SHARED


def _shuffled(document):
    """An order of documents that a new one changes in its own place only."""
    return hashlib.sha256(document.document_id.encode()).hexdigest()


@pytest.fixture(scope="session")
def seed_documents():
    """Labelled pages of a few languages, none of them long nor cleaned, about one in five of them held out."""
    documents = [document_from_seed(seed) for seed in read_seeds(ROOT / "seeds")]
    documents = [d for d in documents if 22 <= len(d.paragraphs) <= 40 and "content" in d.labels]
    documents = [d for d in documents if d.labels.count("chrome") >= 0.6 * len(d.labels)]
    by_language = {
        name: [d for d in documents if d.language == name] for name in ("en", "tr", "ru", "hi", "zh", "ar")
    }
    return [document for mine in by_language.values() for document in sorted(mine, key=_shuffled)[:14]]


@pytest.fixture(scope="session")
def toy_model(seed_documents):
    """A model too small to be good, made by the same code as the shipped one."""
    return fit_model(seed_documents, TOY_CONFIG)
