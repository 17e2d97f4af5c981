import numpy as np
import pytest

from dechrome.batch import Batch
from dechrome.features import FEATURES, compute_features


def feature(text, name):
    return float(compute_features(Batch([text]))[0, FEATURES.index(name)])


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("One two three four", "log_words", np.log1p(4)),
        ("One two three four", "capitalised_word_ratio", 0.25),
        ("Published at 18:45", "has_time", 1),
        ("Score 3 : 2", "has_time", 0),
        ("Since 2024 only", "has_year", 1),
        ("Call 20241 now", "has_year", 0),
        ("It ends here.", "closed_sentence", 1),
        ("“It ends here.”", "closed_sentence", 1),
        ("यह यहीं समाप्त होता है।", "closed_sentence", 1),
        ("これで終わりです。", "closed_sentence", 1),
        ("It does not end here", "closed_sentence", 0),
        ("» More", "first_is_divider", 1),
        ("© 2026", "log_sign_count", np.log1p(1)),
        ("Home", "is_one_word", 1),
        ("第一段", "log_length", np.log1p(9)),
        ("A b. C d! E f", "log_sentence_count", np.log1p(2)),
    ],
)
def test_feature_values(text, name, expected):
    assert feature(text, name) == pytest.approx(expected, abs=1e-6)


def test_an_empty_paragraph_gives_zeros():
    assert not compute_features(Batch(["", "Text.", ""]))[[0, 2]].any()


def test_rows_do_not_depend_on_the_rest_of_the_batch():
    texts = ["Home", "", "A sentence, with 3 parts: one 12:30.", "中文。", "1999", "…"]
    together = compute_features(Batch(texts))
    for i, text in enumerate(texts):
        assert np.array_equal(together[i], compute_features(Batch([text]))[0])


def test_no_paragraphs_no_rows():
    assert compute_features(Batch([])).shape == (0, len(FEATURES))


def test_all_ratios_lie_between_zero_and_one():
    texts = ["ABC", "...", "1 2 3", "    x", "a" * 5000, "|||", "\t\t", "e\u0301" * 50]
    X = compute_features(Batch(texts))
    ratios = [i for i, name in enumerate(FEATURES) if name.endswith("_ratio")]
    assert X[:, ratios].min() >= 0
    assert X[:, ratios].max() <= 1
