import numpy as np

from dechrome.batch import GRAM_BITS, Batch
from dechrome.labels import SCORES
from dechrome.lexicon import HashedLexicon
from dechrome.training.table import count_grams
from dechrome.training.text_models import fit_linear_scores

CONTENT = [f"The minister said on day {i} that talks would go on." for i in "abcdefgh"]
CHROME = [f"We use cookies to improve site {i}" for i in "abcdefgh"]


def count(texts):
    return count_grams(texts, lambda batch: batch.grams, GRAM_BITS)


def fit_small():
    texts = CONTENT + CHROME
    is_content = np.array([1] * len(CONTENT) + [0] * len(CHROME), np.int8)
    kind = np.array([1] * len(CONTENT) + [2] * len(CHROME), np.int8)
    rows = np.arange(len(texts))
    weight = np.ones(len(texts), np.float32)
    return HashedLexicon(fit_linear_scores(count(texts), is_content, kind, weight, rows, random_state=0))


def test_scores_are_the_rounded_linear_model():
    lexicon = fit_small()
    texts = [CONTENT[0], CHROME[0], "", "x"]
    scores = lexicon.scores
    expected = count(texts) @ (scores.weights * scores.scale) + scores.intercept
    assert np.allclose(lexicon.score(Batch(texts)), np.clip(expected, -8, 8), atol=1e-4)


def test_it_learns_and_knows_the_columns():
    scores = fit_small().score(Batch(["We use cookies on this site", "The minister said talks would go on."]))
    assert scores.shape == (2, len(SCORES))
    cookie, content = SCORES.index("cookie"), SCORES.index("content")
    assert scores[0, cookie] > scores[1, cookie]
    assert scores[0, content] < 0 < scores[1, content]


def test_batches_do_not_change_scores():
    lexicon, texts = fit_small(), [*CONTENT, *CHROME, ""]
    together = lexicon.score(Batch(texts))
    for i, text in enumerate(texts):
        assert np.array_equal(together[i], lexicon.score(Batch([text]))[0])
