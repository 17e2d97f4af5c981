import numpy as np
import pytest

from dechrome.batch import WORD_BITS, Batch
from dechrome.gramtable import LinearScores
from dechrome.labels import LEXICAL_SCORES, SCORES
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, HashedLexicon, choose_words, find_words
from dechrome.training import text_models
from dechrome.training.corpus import Document
from dechrome.training.table import tabulate
from dechrome.training.text_models import fit_lexicon

CONTENT = [f"The minister said on day {i} that talks would go on." for i in "abcdefgh"]
CHROME = [f"We use cookies to improve site {i}" for i in "abcdefgh"]
CHECK_BITS = WORD_BITS - VOCABULARY_BITS


@pytest.fixture(scope="module")
def table():
    labels = ["content"] * len(CONTENT) + ["chrome"] * len(CHROME)
    kinds = ["body"] * len(CONTENT) + ["cookie"] * len(CHROME)
    page = Document("p", "seeds", "p", "en", "news", "train", "", CONTENT + CHROME, labels, kinds, [])
    return tabulate([page])


@pytest.fixture(scope="module")
def lexicon(table):
    return fit_lexicon(table, "hashed", np.arange(len(table.paragraphs)), random_state=0)


def share(hashes, n_buckets):
    """How much each bucket counts in a paragraph."""
    return np.bincount(hashes, minlength=n_buckets) / np.sqrt(len(hashes))


def scaled(scores, factor):
    return LinearScores(scores.weights, scores.scale * factor, scores.intercept * factor)


@pytest.mark.parametrize("text", [CONTENT[0], CHROME[0], "", "x", "words that it has never seen"])
@pytest.mark.parametrize(("by_character", "by_word"), [(0.01, 0.01), (1, -1)])
def test_scores_are_the_rounded_linear_model(lexicon, text, by_character, by_word):
    characters, words = scaled(lexicon.characters, by_character), scaled(lexicon.words, by_word)
    batch = Batch([text])
    expected = share(batch.grams[0], len(characters.weights)) @ (characters.weights * characters.scale)
    places = find_words(batch.words[0], lexicon.checks)
    expected += share(places, len(words.weights)) @ (words.weights * words.scale)
    expected += characters.intercept + words.intercept
    *found, coverage = HashedLexicon(characters, words, lexicon.checks).score(batch)[0]
    assert coverage == pytest.approx((places != UNKNOWN_WORD).mean())
    assert np.allclose(found, np.clip(expected, -8, 8), atol=1e-4)
    assert by_word < 0 or (np.abs(expected) < 8).all()


def test_it_learns_and_knows_the_columns(lexicon):
    scores = lexicon.score(Batch(["We use cookies on this site", "The minister said talks would go on."]))
    assert scores.shape == (2, len(LEXICAL_SCORES))
    cookie, content = SCORES.index("cookie"), SCORES.index("content")
    assert scores[0, cookie] > scores[1, cookie]
    assert scores[0, content] < 0 < scores[1, content]


def test_what_it_was_taught_it_knows_and_other_words_it_does_not(lexicon):
    known, half, strange = lexicon.score(Batch([CONTENT[0], "The minister zyzzyva", "zyzzyva xylyl"]))[:, -1]
    assert known == 1
    assert strange < half < known
    assert strange < 0.3


def test_words_of_one_side_lean_to_it(lexicon):
    content = lexicon.words.weights[:, SCORES.index("content")]
    for text, sign in (("cookies", -1), ("minister", 1)):
        word = Batch([text]).words[0][3:4]
        (place,) = find_words(word, lexicon.checks)
        assert place != UNKNOWN_WORD
        assert content[place] * sign > 0


def test_batches_do_not_change_scores(lexicon):
    texts = [*CONTENT, *CHROME, ""]
    together = lexicon.score(Batch(texts))
    for i, text in enumerate(texts):
        assert np.array_equal(together[i], lexicon.score(Batch([text]))[0])


def test_unknown_words_weigh_nothing(table, monkeypatch):
    monkeypatch.setattr(text_models, "choose_words", lambda *_: np.zeros(1 << VOCABULARY_BITS, np.uint8))
    lexicon = fit_lexicon(table, "hashed", np.arange(len(table.paragraphs)), random_state=0)
    places = find_words(np.concatenate([Batch([t]).words[0] for t in table.paragraphs]), lexicon.checks)
    assert (places == UNKNOWN_WORD).mean() > 0.9
    assert not lexicon.words.weights[UNKNOWN_WORD].any()


def test_only_the_given_rows_choose_the_vocabulary(table):
    lexicon = fit_lexicon(table, "hashed", np.arange(len(CONTENT) + 1), random_state=0)
    pairs = np.concatenate([Batch([text]).words[0][4:5] for text in ("site a", "site h")])
    assert (find_words(pairs, lexicon.checks) != UNKNOWN_WORD).tolist() == [True, False]


def test_a_place_goes_to_the_most_frequent_word():
    place = 5 << CHECK_BITS
    words = np.array([place + 7, place + 9, place + 11, (6 << CHECK_BITS) + 9], np.uint32)
    checks = choose_words(words, np.array([2, 3, 1, 1]))
    assert find_words(words, checks).tolist() == [UNKNOWN_WORD, 5, UNKNOWN_WORD, 6]
