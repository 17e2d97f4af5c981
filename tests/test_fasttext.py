"""The fastText lexicon: the other candidate for the lexical scores."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("fasttext")

from dechrome.artefact import read_model, write_model
from dechrome.batch import Batch
from dechrome.errors import ModelFormatError
from dechrome.labels import KINDS, LEXICAL_SCORES, SCORES
from dechrome.training.fasttext_training import fit_fasttext_lexicon

TEXTS = [f"The minister said on day {i} that talks would go on" for i in range(60)]
TEXTS += [f"We use cookies to improve site number {i}" for i in range(60)]
KIND = np.array([KINDS.index("body")] * 60 + [KINDS.index("cookie")] * 60, np.int8)


def fit(quantize=False):
    return fit_fasttext_lexicon(
        TEXTS, (KIND < 2).astype(np.int8), KIND, np.arange(120), quantize, random_state=0
    )


@pytest.fixture(scope="module")
def lexicon():
    return fit()


def test_two_trainings_give_the_same_bytes(lexicon):
    assert fit().data == lexicon.data


def test_scores_tell_the_kinds_apart(lexicon):
    scores = lexicon.score(
        Batch(["We use cookies on this site", "The minister said that talks would go on", ""])
    )
    assert scores.shape == (3, len(LEXICAL_SCORES))
    assert np.isfinite(scores).all()
    cookie = SCORES.index("cookie")
    assert scores[0, cookie] > scores[1, cookie]


def test_coverage_is_the_share_of_known_words(lexicon):
    batch = Batch(["we use cookies", "we use zyzzyva", "zyzzyva", ""])
    assert lexicon.score(batch)[:, -1] == pytest.approx([1, 2 / 3, 0, 0])


def test_line_breaks_and_lone_surrogates_are_survived(lexicon):
    assert lexicon.score(Batch(["two\nlines", "\ud800", "\x00"])).shape == (3, len(LEXICAL_SCORES))


def test_quantised_lexicon_works_and_is_smaller(lexicon):
    small = fit(quantize=True)
    assert len(small.data) < len(lexicon.data)
    assert small.score(Batch(["We use cookies"])).shape == (1, len(LEXICAL_SCORES))


def test_it_survives_pickling_for_worker_processes(lexicon):
    again = pickle.loads(pickle.dumps(lexicon))
    assert np.array_equal(again.score(Batch(TEXTS[:3])), lexicon.score(Batch(TEXTS[:3])))


def test_a_model_with_it_round_trips_and_a_truncated_file_is_refused(toy_model, lexicon, tmp_path):
    model = replace(toy_model, lexicon=lexicon)
    write_model(model, tmp_path / "model")
    found = read_model(tmp_path / "model").score(Batch(TEXTS[:4]))
    assert np.array_equal(found[1], model.score(Batch(TEXTS[:4]))[1])
    path = tmp_path / "model" / "lexicon.ftz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelFormatError, match="hash differs"):
        read_model(tmp_path / "model")
