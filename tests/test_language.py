import numpy as np
import pytest

from dechrome.batch import Batch
from dechrome.training.corpus import Document
from dechrome.training.text_models import fit_language_model

TEXTS = {
    "en": "The council said on Monday that the new bridge would open in spring, after two years of work. ",
    "tr": "Belediye pazartesi günü yaptığı açıklamada yeni köprünün baharda açılacağını bildirdi. ",
    "el": "Ο δήμος ανακοίνωσε τη Δευτέρα ότι η νέα γέφυρα θα ανοίξει την άνοιξη. ",
}


@pytest.fixture(scope="module")
def model():
    documents = [
        Document(
            code, "ntrex", code, code, "news", "train", "", [text] * 40, ["content"] * 40, ["body"] * 40, []
        )
        for code, text in TEXTS.items()
    ]
    return fit_language_model(documents)


def test_each_language_explains_its_own_text_best(model):
    texts = ["The bridge opens on Monday", "köprünün açılacağını bildirdi", "η νέα γέφυρα"]
    scores, n_trigrams = model.score(Batch(texts))
    assert n_trigrams.tolist() == [len(text) + 3 for text in texts]
    assert [model.languages[i] for i in scores.argmax(axis=1)] == ["en", "tr", "el"]


def test_batches_do_not_change_scores(model):
    texts = [*TEXTS.values(), "", "x", "a" * 1000]
    together = model.score(Batch(texts))
    for i, text in enumerate(texts):
        for all_of_them, alone in zip(together, model.score(Batch([text])), strict=True):
            assert np.array_equal(all_of_them[i], alone[0])


def test_languages_with_too_little_text_are_left_out():
    tiny = Document("x", "ntrex", "x", "mi", "news", "train", "", ["kia ora"], ["content"], ["body"], [])
    assert "mi" not in fit_language_model([tiny]).languages
