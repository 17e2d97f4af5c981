"""The shipped model against a floor on seeds it has not seen; lowered only by editing the floor."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from dechrome.artefact import read_model
from dechrome.evaluation.measures import (
    evaluate_documents,
    evaluate_kinds,
    evaluate_paragraphs,
    score_documents,
)
from dechrome.prediction import SHIPPED_MODEL
from dechrome.training.building import document_from_seed
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import corpus_digest
from dechrome.training.seeds import read_seeds

ROOT = Path(__file__).parents[1]
FLOOR = json.loads(Path(__file__).with_name("quality_floor.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def held_out():
    documents = [document_from_seed(seed) for seed in read_seeds(ROOT / "seeds")]
    return [document for document in documents if document.split == "development"]


@pytest.fixture(scope="module")
def scored(held_out):
    return score_documents(read_model(SHIPPED_MODEL), held_out)


def test_the_floor_was_set_on_these_documents(held_out):
    assert corpus_digest(held_out) == FLOOR["digest"], "seeds changed: set the floor anew, and say so"


def test_paragraphs(scored):
    assert evaluate_paragraphs(scored)["accuracy"] >= FLOOR["paragraph_accuracy"]


def test_documents(scored):
    assert evaluate_documents(scored).f1.mean() >= FLOOR["document_f1"]


@pytest.mark.parametrize("kind", sorted(FLOOR["kinds"]))
def test_kinds(scored, kind):
    assert evaluate_kinds(scored).loc[kind, "f1"] >= FLOOR["kinds"][kind]


@pytest.mark.parametrize("language", sorted(FLOOR["languages"]))
def test_languages(scored, language):
    mine = [item for item in scored if item.document.language == language]
    assert evaluate_paragraphs(mine)["accuracy"] >= FLOOR["languages"][language]


def test_the_default_settings_made_the_shipped_model():
    settings = json.loads(json.dumps(asdict(TrainingConfig())))
    assert read_model(SHIPPED_MODEL).metadata["config"] == settings


def test_the_shipped_model_is_small():
    assert sum(path.stat().st_size for path in SHIPPED_MODEL.iterdir()) <= 8_000_000
